// The tables that NTFS dumps into its log at a checkpoint, and the entries in them: open attributes with their names, dirty pages,
// transactions.
//
// Format: Linux-NTFS documentation, "$LogFile"; the structures as Linux ntfs3's header describes them. Two forms of entries exist: those of
// 32-bit Windows (kept by every Windows whose restart area says version 0.0) and those of 64-bit ones; their sizes tell them apart.
// Pure; no allocation; views point into the bytes given.
#pragma once

#include <cstdint>
#include <optional>

#include "ntfs/units.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/file_id.hpp"

namespace trimcarve::ntfs {

// Hands out the allocated entries of a dumped table. Offsets count from the table's start: they are what log records name as target.
class LogTableWalk {
 public:
  explicit LogTableWalk(ByteView table) noexcept;
  bool sane() const noexcept { return sane_; }  // the header can be a table's; entries that leave the bytes are not handed out
  std::uint16_t entry_size() const noexcept { return entry_size_; }
  bool next(ByteView& entry, std::uint32_t& offset) noexcept;

 private:
  ByteView table_;
  std::uint16_t entry_size_ = 0;
  std::uint64_t at_ = 0, end_ = 0;
  bool sane_ = false;
};

struct OpenAttribute {
  std::uint32_t type = 0;         // attribute_type::*
  FileReference file;             // whose attribute it is
  std::uint64_t open_lsn = 0;     // of the record that opened it
  std::uint32_t index_block = 0;  // bytes; 0 when it is no index
};
// One entry: of a dumped table, or the redo data of open_nonresident_attribute (whose undo data is the attribute's name).
std::optional<OpenAttribute> decode_open_attribute(ByteView entry) noexcept;

// The dump of attribute names: offset in the open attribute table, name.
class AttributeNameWalk {
 public:
  explicit AttributeNameWalk(ByteView names) noexcept : names_(names) {}
  bool next(std::uint16_t& target, Units& name) noexcept;

 private:
  ByteView names_;
  std::uint64_t at_ = 0;
};

struct DirtyPage {
  std::uint32_t target_attribute = 0;
  std::uint64_t vcn = 0, oldest_lsn = 0;
  ByteView lcns;  // 64-bit cluster numbers
};
std::optional<DirtyPage> decode_dirty_page(ByteView entry) noexcept;

struct ActiveTransaction {
  std::uint8_t state = 0;  // 1 active, 2 prepared, 3 committed
  std::uint64_t first_lsn = 0, previous_lsn = 0, undo_next_lsn = 0;
};
std::optional<ActiveTransaction> decode_active_transaction(ByteView entry) noexcept;

}  // namespace trimcarve::ntfs
