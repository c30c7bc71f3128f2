#include "ntfs/fix_up.hpp"

#include <algorithm>

namespace trimcarve::ntfs {

FixUp apply_fix_up(std::span<std::byte> record) noexcept {
  FixUp out;
  const std::size_t sectors = std::min(record.size(), max_record_size) / fix_up_stride;
  const ByteView view = record;
  const auto unchecked_from = [&](std::size_t first) {
    for (std::size_t s = first; s < sectors; ++s) out.unchecked.add(s);
  };
  if (sectors == 0) return out;
  const std::size_t array = le<std::uint16_t>(view, 4);
  const std::size_t count = le<std::uint16_t>(view, 6);
  // The array lies behind the multi-sector header; a check value and one entry are the least it can hold. At an odd offset it would not be
  // one: every writer keeps it 2-byte aligned.
  if (array < 8 || array % 2 != 0 || count < 2 || !fits(record.size(), array, 4)) {
    unchecked_from(0);
    return out;
  }
  const std::uint16_t check = le<std::uint16_t>(view, array);
  const std::size_t room = (record.size() - array) / 2 - 1;
  const std::size_t entries = std::min({count - 1, room, sectors});
  out.array = count - 1 == sectors ? FixUpArray::expected : count - 1 < sectors ? FixUpArray::short_ : FixUpArray::long_;
  for (std::size_t s = 0; s < entries; ++s) {
    const std::size_t end = (s + 1) * fix_up_stride - 2;
    const std::size_t entry = array + 2 + 2 * s;
    if (le<std::uint16_t>(view, end) == check) {
      record[end] = record[entry];
      record[end + 1] = record[entry + 1];
    } else {
      out.bad.add(s);
    }
  }
  unchecked_from(entries);
  return out;
}

}  // namespace trimcarve::ntfs
