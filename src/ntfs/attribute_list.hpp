// $ATTRIBUTE_LIST: which record holds which attribute of a file that outgrew one record. Resident or read from clusters; zeroed (TRIM) or
// gone is normal: the walk then yields nothing, and extension records are found by their base reference.
//
// Format: libfsntfs' NTFS format document, "The attribute list attribute". Pure; no allocation; views live as long as the bytes.
#pragma once

#include <cstdint>

#include "ntfs/units.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/file_id.hpp"

namespace trimcarve::ntfs {

struct AttributeListEntry {
  std::uint32_t type = 0;
  std::uint32_t length = 0;
  std::uint64_t offset = 0;  // in the list
  std::uint64_t first_vcn = 0;
  FileReference reference;  // the record that holds the attribute
  std::uint16_t id = 0;
  Units name;
};

class AttributeListWalk {
 public:
  explicit AttributeListWalk(ByteView bytes) noexcept : bytes_(bytes) {}
  // Entries that cannot be one are stepped over by their length where it is sane, else 8 bytes at a time.
  bool next(AttributeListEntry& out) noexcept;
  // Bytes that were no entry, so far. Zero bytes behind the last entry count too.
  std::uint64_t skipped() const noexcept { return skipped_; }

 private:
  ByteView bytes_;
  std::uint64_t offset_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace trimcarve::ntfs
