// What the log tells of a structure step by step: the FILE record that its operations built, and the entries of an index node.
//
// A model only follows; it never writes anything. It begins with an image that the log holds (the initialisation of the record, an index
// block written whole) or, for a node, with any entry that was added or removed, and each operation changes it as it changed the structure
// itself. An operation that does not fit (its attribute is not where it says) means that a step is missing: the model is forgotten.
// Semantics of the operations: Linux-NTFS documentation, "$LogFile"; Linux ntfs3 applies them in the same way when it replays a log.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ntfs/attribute.hpp"
#include "ntfs/file_record.hpp"
#include "ntfs/lfs_record.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::carvers {

class RecordModel {
 public:
  bool known() const noexcept { return !bytes_.empty(); }
  void forget() noexcept { bytes_.clear(); }
  ByteView bytes() const noexcept { return bytes_; }

  // The record is just this now. False when `image` is no FILE record or longer than `limit`.
  bool begin(ByteView image, std::uint32_t limit);

  // Applies the redo part of a record whose redo operation changes a FILE record (initialize is begin()). False, with the model forgotten,
  // when it does not fit; false too, and nothing happens, when the model is not known.
  bool apply(const ntfs::LogRecord& record);

  std::optional<ntfs::FileRecord> record() const noexcept;
  // The attribute whose header is at `offset`, when the walk over the attributes comes to it.
  std::optional<ntfs::Attribute> attribute_at(std::uint32_t offset) const noexcept;

 private:
  bool change(const ntfs::LogRecord& record);
  bool resize_attribute(std::uint32_t offset, std::uint32_t old_length, std::uint32_t new_length);
  bool change_index_root(const ntfs::LogRecord& record, const ntfs::Attribute& attribute);

  std::vector<std::byte> bytes_;  // as long as the record's used size
  std::uint32_t limit_ = 0;
};

// The entries of one index node, as far as the log named them, by their offset. Only those long enough for a file's name are kept.
class NodeModel {
 public:
  // An entry from its header on. Offsets of entries behind it move.
  void add(std::uint32_t at, ByteView entry);
  void remove(std::uint32_t at, std::uint32_t length);
  // The node ends at `at` with these entries.
  void write_end(std::uint32_t at, ByteView entries);
  void clear() noexcept { entries_.clear(); }
  // The entry at `at` from its header on; empty when not known.
  ByteView entry_at(std::uint32_t at) const noexcept;
  // What update_file_name_* writes into an entry.
  void update_file_name(std::uint32_t at, ByteView duplicated);

 private:
  struct Entry {
    std::uint32_t at = 0;
    std::vector<std::byte> bytes;
  };
  std::vector<Entry> entries_;  // by offset
};

}  // namespace trimcarve::carvers
