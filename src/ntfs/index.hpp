// Directory indexes ($I30): $INDEX_ROOT, INDX blocks of $INDEX_ALLOCATION, their entries and slack, and the index's $BITMAP.
//
// Format: libfsntfs' NTFS format document, "Index"; Linux-NTFS documentation, "$INDEX_ROOT", "$INDEX_ALLOCATION".
// Pure; no allocation but for error texts; views point into the bytes given. INDX blocks: apply_fix_up first, on a copy.
#pragma once

#include <cstdint>

#include "ntfs/fix_up.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/file_id.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::ntfs {

// A node header; offsets are in the buffer that holds the node (value of $INDEX_ROOT, or the INDX block), already clipped to it.
struct IndexNode {
  std::uint32_t header = 0;  // of the node header itself
  std::uint32_t first_entry = 0;
  std::uint32_t used_end = 0;  // end of the entries: index slack begins here
  std::uint32_t allocated_end = 0;
  bool has_children = false;
  bool sane = true;  // false: a stored offset left the buffer or its order was wrong
};

struct IndexRoot {
  std::uint32_t indexed_type = 0;  // 0x30 for a directory
  std::uint32_t collation = 0;
  std::uint32_t block_size = 0;
  IndexNode node;
  bool directory() const noexcept { return indexed_type == 0x30; }
};
Result<IndexRoot> decode_index_root(ByteView value);

struct IndexBlock {
  std::uint64_t lsn = 0;
  std::uint64_t vcn = 0;  // as stored
  IndexNode node;
};
Result<IndexBlock> decode_index_block(ByteView fixed);
bool has_index_signature(ByteView bytes) noexcept;  // INDX

namespace index_entry_flag {
inline constexpr std::uint16_t has_child = 1, last = 2;
}

struct IndexEntry {
  std::uint32_t offset = 0;  // in the buffer
  std::uint16_t length = 0;
  std::uint16_t flags = 0;
  FileReference reference;  // directories: of the file; meaningless for the last entry
  ByteView key;             // directories: a $FILE_NAME; empty for the last entry
  std::uint32_t key_offset = 0;
  std::uint64_t child_vcn = 0;  // when has_child()
  bool has_child() const noexcept { return (flags & index_entry_flag::has_child) != 0; }
  bool last() const noexcept { return (flags & index_entry_flag::last) != 0; }
};

enum class IndexWalkEnd : std::uint8_t { walking, last_entry, used_end, bad };

// Hands out the entries of a node, the last one (without key) not. A key that does not fit its entry costs that entry; a length that cannot
// be ends the walk and says where.
class IndexWalk {
 public:
  IndexWalk(ByteView buffer, const IndexNode& node) noexcept : buffer_(buffer), node_(node), offset_(node.first_entry) {}
  bool next(IndexEntry& out) noexcept;
  IndexWalkEnd end() const noexcept { return end_; }
  std::uint32_t end_offset() const noexcept { return offset_; }
  std::uint32_t skipped() const noexcept { return skipped_; }  // entries whose key did not fit
  // Where slack begins: at the node's used end; where the walk stopped when that is earlier (then the bytes between are not known to be
  // live). Valid after next() returned false.
  std::uint32_t slack_begin() const noexcept;
  bool has_last() const noexcept { return end_ == IndexWalkEnd::last_entry; }
  const IndexEntry& last() const noexcept { return last_; }  // for its child; valid when has_last()

 private:
  ByteView buffer_;
  IndexNode node_;
  std::uint32_t offset_;
  std::uint32_t skipped_ = 0;
  IndexWalkEnd end_ = IndexWalkEnd::walking;
  IndexEntry last_;
};

// Whether the index's $BITMAP calls block number `block` in use. False behind its end.
bool index_block_in_use(ByteView bitmap, std::uint64_t block) noexcept;

}  // namespace trimcarve::ntfs
