// SHA-256 through OpenSSL.
#pragma once

#include <memory>
#include <string>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve {

class Sha256 {
 public:
  Sha256();
  void update(ByteView bytes);
  std::string finish();  // lower-case hex; once

 private:
  struct Free {
    void operator()(void* context) const noexcept;
  };
  std::unique_ptr<void, Free> context_;
};

// The hash of a whole source, read in pieces. Fails when a byte of it cannot be read.
Result<std::string> sha256_of(const ByteSource& source);

// The hash over stretches of a source, in order.
Result<std::string> sha256_of(const ByteSource& source, std::span<const Range> ranges);

// The same over stretches of several: `spaces` is counted by Range::space, and may lack some.
Result<std::string> sha256_of(std::span<const SourcePtr> spaces, std::span<const Range> ranges);

}  // namespace trimcarve
