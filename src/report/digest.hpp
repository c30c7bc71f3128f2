// SHA-256 as lower-case hex, over bytes given piece by piece. One object per thread.
#pragma once

#include <memory>
#include <string>

#include "trimcarve/bytes.hpp"

struct evp_md_ctx_st;

namespace trimcarve::report {

class Digest {
 public:
  Digest();
  void add(ByteView bytes);
  std::string hex();  // ends it; call once

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string sha256_hex(ByteView bytes);

}  // namespace trimcarve::report
