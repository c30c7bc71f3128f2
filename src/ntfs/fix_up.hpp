// Fix-ups: the last two bytes of each 512-byte sector of a FILE record or INDX block are swapped into an update sequence array when it is
// written, so that a torn write shows. The stride is 512 bytes whatever the sector size of the disk.
//
// Format: libfsntfs' NTFS format document, "Fix-up values"; Linux-NTFS documentation, "Fixup".
// Pure; no allocation.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

inline constexpr std::size_t fix_up_stride = 512;
inline constexpr std::size_t max_record_size = 65536;  // of a FILE record or INDX block that we decode

// A set of sector numbers of one record or block (0 .. 127).
class SectorSet {
 public:
  constexpr void add(std::size_t sector) noexcept {
    if (sector < 128) words_[sector / 64] |= std::uint64_t{1} << (sector % 64);
  }
  constexpr bool contains(std::size_t sector) const noexcept { return sector < 128 && ((words_[sector / 64] >> (sector % 64)) & 1) != 0; }
  constexpr bool empty() const noexcept { return (words_[0] | words_[1]) == 0; }
  constexpr std::size_t count() const noexcept {
    return static_cast<std::size_t>(std::popcount(words_[0])) + static_cast<std::size_t>(std::popcount(words_[1]));
  }
  // Whether any byte of [offset, offset + length) lies in a sector of the set.
  constexpr bool touches(std::uint64_t offset, std::uint64_t length) const noexcept {
    if (empty() || length == 0 || offset >= max_record_size) return false;
    const std::uint64_t end = length > max_record_size - offset ? max_record_size : offset + length;
    for (std::uint64_t s = offset / fix_up_stride; s * fix_up_stride < end; ++s)
      if (contains(static_cast<std::size_t>(s))) return true;
    return false;
  }
  friend constexpr bool operator==(const SectorSet&, const SectorSet&) = default;

 private:
  std::array<std::uint64_t, 2> words_{};
};

enum class FixUpArray : std::uint8_t {
  expected,  // one entry per sector, and the check value
  short_,    // fewer: the sectors behind are not protected
  long_,     // more than the record has sectors: the rest is ignored
  missing,   // offset or count are senseless: nothing was applied, no sector can be checked
};

struct FixUp {
  FixUpArray array = FixUpArray::missing;
  SectorSet bad;        // the sector's end differs from the check value: a torn write (left as it is) or not part of this record's write
  SectorSet unchecked;  // no array entry for it (or it could not be read: see Volume::read_record)
  // Whether a sector that holds part of the first `used` bytes is bad. A mismatch beyond the used size is no fault.
  constexpr bool torn(std::uint64_t used) const noexcept { return bad.touches(0, used); }
};

// Verifies and applies the fix-ups of a FILE, BAAD or INDX structure in place (`record`: a mutable copy, the whole structure; trailing
// bytes that are no whole sector are not covered). Good sectors are restored, bad ones are left and reported. Any bytes may be given.
FixUp apply_fix_up(std::span<std::byte> record) noexcept;

}  // namespace trimcarve::ntfs
