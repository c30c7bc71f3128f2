#include "ntfs/index.hpp"

#include <algorithm>
#include <cstring>

namespace trimcarve::ntfs {

namespace {

constexpr std::uint32_t node_header_size = 16, entry_header_size = 16;
constexpr std::uint32_t root_header_size = 16, block_header_size = 24;

// Offsets in a node header count from the header itself. `usual_first` stands in where the first entry's offset is senseless.
IndexNode decode_node(ByteView buffer, std::uint32_t header, std::uint32_t usual_first) noexcept {
  IndexNode node;
  node.header = header;
  const std::uint64_t size = buffer.size();
  const std::uint64_t first = std::uint64_t{header} + le<std::uint32_t>(buffer, header);
  const std::uint64_t used = std::uint64_t{header} + le<std::uint32_t>(buffer, header + 4);
  const std::uint64_t allocated = std::uint64_t{header} + le<std::uint32_t>(buffer, header + 8);
  node.has_children = (le<std::uint32_t>(buffer, header + 12) & 1U) != 0;
  const bool first_sane = first >= header + node_header_size && first <= size && first % 8 == 0;
  const std::uint64_t begin = std::min<std::uint64_t>(first_sane ? first : usual_first, size);
  const bool allocated_sane = allocated >= begin && allocated <= size;
  const std::uint64_t end = allocated_sane ? allocated : size;
  const bool used_sane = used >= begin && used <= end;
  node.first_entry = static_cast<std::uint32_t>(begin);
  node.allocated_end = static_cast<std::uint32_t>(end);
  node.used_end = static_cast<std::uint32_t>(used_sane ? used : end);
  node.sane = first_sane && allocated_sane && used_sane;
  return node;
}

}  // namespace

Result<IndexRoot> decode_index_root(ByteView value) {
  if (value.size() < root_header_size + node_header_size) return fail("shorter than an index root");
  value = value.first(std::min(value.size(), max_record_size));
  IndexRoot root;
  root.indexed_type = le<std::uint32_t>(value, 0);
  root.collation = le<std::uint32_t>(value, 4);
  root.block_size = le<std::uint32_t>(value, 8);
  root.node = decode_node(value, root_header_size, root_header_size + node_header_size);
  return root;
}

bool has_index_signature(ByteView bytes) noexcept { return bytes.size() >= 4 && std::memcmp(bytes.data(), "INDX", 4) == 0; }

Result<IndexBlock> decode_index_block(ByteView fixed) {
  if (!has_index_signature(fixed)) return fail("no INDX signature");
  if (fixed.size() < block_header_size + node_header_size) return fail("shorter than an index block");
  fixed = fixed.first(std::min(fixed.size(), max_record_size));
  IndexBlock block;
  block.lsn = le<std::uint64_t>(fixed, 8);
  block.vcn = le<std::uint64_t>(fixed, 16);
  const std::uint32_t array_end = le<std::uint16_t>(fixed, 4) + 2U * le<std::uint16_t>(fixed, 6);
  block.node = decode_node(fixed, block_header_size, std::max((array_end + 7U) / 8U * 8U, block_header_size + node_header_size));
  return block;
}

bool IndexWalk::next(IndexEntry& out) noexcept {
  while (end_ == IndexWalkEnd::walking) {
    const std::uint64_t limit = std::min<std::uint64_t>(node_.used_end, buffer_.size());
    if (!fits(limit, offset_, entry_header_size)) {
      end_ = IndexWalkEnd::used_end;
      break;
    }
    IndexEntry entry;
    entry.offset = offset_;
    entry.reference = FileReference{le<std::uint64_t>(buffer_, offset_)};
    entry.length = le<std::uint16_t>(buffer_, offset_ + 8);
    const std::uint32_t key_length = le<std::uint16_t>(buffer_, offset_ + 10);
    entry.flags = le<std::uint16_t>(buffer_, offset_ + 12);
    const std::uint32_t child_size = entry.has_child() ? 8 : 0;
    if (entry.length < entry_header_size + child_size || entry.length % 8 != 0 || !fits(limit, offset_, entry.length)) {
      end_ = IndexWalkEnd::bad;
      break;
    }
    if (entry.has_child()) entry.child_vcn = le<std::uint64_t>(buffer_, offset_ + entry.length - 8U);
    if (entry.last()) {
      last_ = entry;
      end_ = IndexWalkEnd::last_entry;
      break;
    }
    offset_ += entry.length;
    if (key_length == 0 || entry_header_size + key_length + child_size > entry.length) {
      ++skipped_;
      continue;
    }
    entry.key_offset = entry.offset + entry_header_size;
    entry.key = buffer_.subspan(entry.key_offset, key_length);
    out = entry;
    return true;
  }
  return false;
}

std::uint32_t IndexWalk::slack_begin() const noexcept {
  if (end_ == IndexWalkEnd::last_entry) return std::min(last_.offset + last_.length, node_.used_end);
  return end_ == IndexWalkEnd::bad ? offset_ : node_.used_end;
}

bool index_block_in_use(ByteView bitmap, std::uint64_t block) noexcept {
  if (block / 8 >= bitmap.size()) return false;
  return ((std::to_integer<unsigned>(bitmap[static_cast<std::size_t>(block / 8)]) >> (block % 8)) & 1U) != 0;
}

}  // namespace trimcarve::ntfs
