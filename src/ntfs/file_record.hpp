// A FILE record of $MFT: header, and a tolerant walk over its attributes.
//
// Format: libfsntfs' NTFS format document, "MFT entry"; Linux-NTFS documentation, "FILE record".
// Pure; no allocation on the path of good records. Give it a copy to which apply_fix_up was applied. Views live as long as that copy.
//
//   FixUp fix = apply_fix_up(copy);
//   FileRecord record;
//   if (!FileRecord::decode(copy, fix, record)) ...;              // no FILE or BAAD signature (record_signature tells which)
//   AttributeWalk walk(record);
//   for (Attribute a; walk.next(a);) ...
//   walk.slack_begin() ...
#pragma once

#include <cstdint>

#include "ntfs/attribute.hpp"
#include "ntfs/fix_up.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/file_id.hpp"

namespace trimcarve::ntfs {

enum class RecordSignature : std::uint8_t {
  none,  // anything else; all zero when never used
  file,  // FILE
  baad,  // BAAD: chkdsk or the driver found its fix-ups wrong; the rest is as it was
};
RecordSignature record_signature(ByteView bytes) noexcept;

namespace record_flag {
inline constexpr std::uint16_t in_use = 1, directory = 2, extend = 4, view_index = 8;
}

struct RecordHeader {
  RecordSignature signature = RecordSignature::none;
  std::uint64_t lsn = 0;
  std::uint16_t sequence = 0;
  std::uint16_t link_count = 0;
  std::uint16_t first_attribute = 0;  // offset
  std::uint16_t flags = 0;            // record_flag::*
  std::uint32_t used_size = 0;        // as stored: may be senseless
  std::uint32_t allocated_size = 0;   // as stored
  FileReference base;                 // 0 in a base record
  std::uint16_t next_attribute_id = 0;
  bool has_number = false;   // XP and later: the record's own entry number is stored
  std::uint32_t number = 0;  // its low 32 bits
  bool in_use() const noexcept { return (flags & record_flag::in_use) != 0; }
  bool directory() const noexcept { return (flags & record_flag::directory) != 0; }
};

class FileRecord {
 public:
  // False, with `out` unspecified, when `fixed` has no signature of a record or is shorter than a header (48 bytes).
  static bool decode(ByteView fixed, const FixUp& fix, FileRecord& out) noexcept;

  const RecordHeader& header() const noexcept { return header_; }
  ByteView bytes() const noexcept { return bytes_; }
  const FixUp& fix_up() const noexcept { return fix_; }
  // The used size where it can be one (between the first attribute and the end of the record), else the record's whole size.
  std::uint32_t used() const noexcept { return used_; }
  bool used_sane() const noexcept { return used_sane_; }
  bool torn() const noexcept { return fix_.torn(used_); }

 private:
  ByteView bytes_;
  FixUp fix_;
  RecordHeader header_;
  std::uint32_t used_ = 0;
  bool used_sane_ = false;
};

enum class WalkEnd : std::uint8_t {
  walking,     // not yet at the end
  end_marker,  // as it should be
  no_marker,   // the used size ended first
  bad,         // no attribute can be read at end_offset(): the rest of the record is not known
};

// Hands out the attributes in order. An attribute with faults inside is handed out with them named and costs itself only; where the length
// itself is bad the walk stops and says where.
class AttributeWalk {
 public:
  explicit AttributeWalk(const FileRecord& record) noexcept;
  bool next(Attribute& out) noexcept;

  // The rest is valid after next() returned false.
  WalkEnd end() const noexcept { return end_; }
  std::uint32_t end_offset() const noexcept { return offset_; }  // of the end marker, or where the walk stopped
  // Where record slack begins: behind the end marker (8 bytes), else at the used size; at end_offset() when nothing better is known. Never
  // beyond the record.
  std::uint32_t slack_begin() const noexcept;

 private:
  const FileRecord* record_;
  std::uint32_t offset_;
  WalkEnd end_ = WalkEnd::walking;
};

}  // namespace trimcarve::ntfs
