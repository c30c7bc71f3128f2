// A source under everything that is read of one input, which remembers where reads failed: no read error is silent, whoever met it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve {

// Threads: as every source.
class ReadErrors final : public ByteSource {
 public:
  explicit ReadErrors(SourcePtr base);
  ~ReadErrors() override;

  std::uint64_t size() const noexcept override { return base_->size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override { return base_->extents(offset, length); }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return base_->locate(offset, length); }

  // What could not be read so far, in sectors; nothing when all could. Reads the places of failures again, to tell which sectors they were.
  // `name`: of the input.
  std::optional<Warning> told(const std::string& name) const;

 private:
  struct Failures;
  SourcePtr base_;
  std::unique_ptr<Failures> failures_;
};

}  // namespace trimcarve
