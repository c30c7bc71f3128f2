// The fuzzer's input as a byte source. Made from a vector it owns the bytes; else they must outlive it.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::fuzz {

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::vector<std::byte>&& bytes) : owned_(std::move(bytes)), bytes_(owned_) {}
  explicit MemorySource(ByteView bytes) : bytes_(bytes) {}
  MemorySource(const std::uint8_t* data, std::size_t size) : bytes_(std::as_bytes(std::span(data, size))) {}
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_.size(), offset, out.size())) return fail("past the end");
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size() || length == 0) return {};
    return {{offset, std::min(length, size() - offset), ExtentKind::data}};
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size() || length == 0) return {};
    return {{disk_space, offset, std::min(length, size() - offset)}};
  }

 private:
  std::vector<std::byte> owned_;
  ByteView bytes_;
};

// What every source must hold to, whatever its bytes: extents cover the question without gaps, and what is called readable reads; a hole
// reads as zeros.
inline void check_source(const ByteSource& source) {
  const std::uint64_t size = source.size();
  const auto require = [](bool holds) {
    if (!holds) __builtin_trap();
  };
  for (const std::uint64_t from : {std::uint64_t{0}, size / 3, size - std::min<std::uint64_t>(size, 6000)}) {
    const std::uint64_t length = std::min<std::uint64_t>(size - from, 6000);
    std::uint64_t at = from;
    std::vector<std::byte> bytes;
    for (const Extent& e : source.extents(from, length)) {
      require(e.offset == at && e.length > 0 && e.length <= length - (at - from));
      at += e.length;
      bytes.resize(static_cast<std::size_t>(e.length));
      const bool readable = source.read_at(e.offset, bytes).has_value();
      require(readable == (e.kind != ExtentKind::unreadable));
      if (readable && e.kind != ExtentKind::data) require(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }));
    }
    require(at == from + length);
  }
}

}  // namespace trimcarve::fuzz
