// The identity of a file on a volume. A name, a path or an entry number alone never is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace trimcarve {

// A 64-bit NTFS file reference: entry number (48 bits) and sequence number (16 bits, high).
struct FileReference {
  std::uint64_t value = 0;
  static constexpr FileReference of(std::uint64_t entry, std::uint16_t sequence) noexcept {
    return {(entry & 0xFFFF'FFFF'FFFFULL) | (static_cast<std::uint64_t>(sequence) << 48)};
  }
  constexpr std::uint64_t entry() const noexcept { return value & 0xFFFF'FFFF'FFFFULL; }
  constexpr std::uint16_t sequence() const noexcept { return static_cast<std::uint16_t>(value >> 48); }
  friend auto operator<=>(const FileReference&, const FileReference&) = default;
};

inline constexpr std::uint64_t root_entry = 5;

// Volume = index in the report; a shadow copy is a volume of its own.
struct FileId {
  std::uint32_t volume = 0;
  FileReference reference;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

}  // namespace trimcarve

template <>
struct std::hash<trimcarve::FileReference> {
  std::size_t operator()(const trimcarve::FileReference& r) const noexcept {
    // Finaliser of splitmix64: entries are dense small numbers, sequence sits in the top bits.
    std::uint64_t x = r.value + 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return static_cast<std::size_t>(x ^ (x >> 31));
  }
};
