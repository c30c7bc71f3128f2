#include "ntfs/lfs_tables.hpp"

#include <algorithm>

namespace trimcarve::ntfs {

namespace {

constexpr std::uint32_t table_header_size = 24, allocated = 0xFFFF'FFFF;
constexpr std::size_t open_attribute_32 = 44, open_attribute_64 = 40;

}  // namespace

LogTableWalk::LogTableWalk(ByteView table) noexcept : table_(table) {
  if (table.size() < table_header_size) return;
  entry_size_ = le<std::uint16_t>(table, 0);
  const std::uint64_t entries = le<std::uint16_t>(table, 2);
  if (entry_size_ < 24 || entry_size_ % 4 != 0) return;
  sane_ = true;
  at_ = table_header_size;
  end_ = std::min<std::uint64_t>(table.size(), table_header_size + entries * entry_size_);
}

bool LogTableWalk::next(ByteView& entry, std::uint32_t& offset) noexcept {
  while (sane_ && fits(end_, at_, entry_size_)) {
    const auto at = at_;
    at_ += entry_size_;
    if (le<std::uint32_t>(table_, at) != allocated) continue;
    entry = table_.subspan(static_cast<std::size_t>(at), entry_size_);
    offset = static_cast<std::uint32_t>(at);
    return true;
  }
  return false;
}

std::optional<OpenAttribute> decode_open_attribute(ByteView entry) noexcept {
  OpenAttribute out;
  if (entry.size() >= open_attribute_32) {
    out.file = FileReference{le<std::uint64_t>(entry, 8)};
    out.open_lsn = le<std::uint64_t>(entry, 16);
    out.type = le<std::uint32_t>(entry, 28);
    out.index_block = le<std::uint32_t>(entry, 40);
  } else if (entry.size() >= open_attribute_64) {
    out.index_block = le<std::uint32_t>(entry, 4);
    out.type = le<std::uint32_t>(entry, 8);
    out.file = FileReference{le<std::uint64_t>(entry, 16)};
    out.open_lsn = le<std::uint64_t>(entry, 24);
  } else {
    return std::nullopt;
  }
  // Attribute types are multiples of 16; an entry of which nothing was filled has none.
  if (out.type == 0 || out.type % 16 != 0 || out.type > 0xFFFF) return std::nullopt;
  return out;
}

bool AttributeNameWalk::next(std::uint16_t& target, Units& name) noexcept {
  if (!fits(names_, at_, 4)) return false;
  target = le<std::uint16_t>(names_, at_);
  const std::uint16_t length = le<std::uint16_t>(names_, at_ + 2);
  if (target == 0 || length == 0 || length % 2 != 0 || !fits(names_, at_ + 4, length)) return false;
  name = Units(names_.subspan(static_cast<std::size_t>(at_) + 4, length));
  at_ += 4U + length + 2U;  // a NUL ends each name
  return true;
}

std::optional<DirtyPage> decode_dirty_page(ByteView entry) noexcept {
  // The 32-bit form has the 64-bit fields at odd multiples of 4, so its size is one too.
  const std::size_t shift = entry.size() % 8 == 4 ? 4 : 0;
  if (entry.size() < 32 + shift) return std::nullopt;
  DirtyPage out;
  out.target_attribute = le<std::uint32_t>(entry, 4);
  const std::uint64_t lcns = le<std::uint32_t>(entry, 12);
  out.vcn = le<std::uint64_t>(entry, 16 + shift);
  out.oldest_lsn = le<std::uint64_t>(entry, 24 + shift);
  const std::uint64_t room = (entry.size() - 32 - shift) / 8;
  out.lcns = entry.subspan(32 + shift, static_cast<std::size_t>(8 * std::min(lcns, room)));
  return out;
}

std::optional<ActiveTransaction> decode_active_transaction(ByteView entry) noexcept {
  if (entry.size() < 40) return std::nullopt;
  return ActiveTransaction{le<std::uint8_t>(entry, 4), le<std::uint64_t>(entry, 8), le<std::uint64_t>(entry, 16),
                           le<std::uint64_t>(entry, 24)};
}

}  // namespace trimcarve::ntfs
