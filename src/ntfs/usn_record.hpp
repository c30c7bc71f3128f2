// Records of $UsnJrnl:$J (versions 2, 3, 4) and the journal's $Max stream.
//
// Format: Microsoft USN_RECORD_V2, _V3, _V4 and USN_JOURNAL_DATA documentation; libfsntfs' document, "USN change journal".
// Pure; no allocation; `name` points into the bytes given.
#pragma once

#include <cstdint>
#include <optional>

#include "ntfs/units.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/file_id.hpp"
#include "trimcarve/file_time.hpp"

namespace trimcarve::ntfs {

inline constexpr std::size_t min_usn_record = 60;  // V2 without name, unaligned

struct UsnRecord {
  std::uint32_t length = 0;  // bytes; a multiple of 8
  std::uint16_t version = 0, minor_version = 0;
  FileReference reference, parent;
  bool wide_reference = false;  // V3, V4: a 128-bit id whose high half is not 0 (ReFS): `reference` is only its low half
  std::uint64_t usn = 0;
  FileTime time;  // no_time in V4
  std::uint32_t reason = 0, source_info = 0, security_id = 0, attributes = 0;
  Units name;                           // empty in V4
  std::uint16_t extents = 0;            // V4: changed ranges in this record
  std::uint32_t remaining_extents = 0;  // V4: in the records that follow
};

// The record at the start of `bytes`, strict enough to step through garbage in 8-byte steps: version, length, name offset and length must
// agree, reason and source bits must exist, references must not be empty, the name must not hold NUL. The time is not judged.
std::optional<UsnRecord> decode_usn_record(ByteView bytes) noexcept;

struct UsnMax {
  std::uint64_t max_size = 0, allocation_delta = 0;
  std::uint64_t journal_id = 0;  // the FILETIME at which the journal was created
  std::uint64_t lowest_valid_usn = 0;
};
std::optional<UsnMax> decode_usn_max(ByteView bytes) noexcept;  // nothing below 32 bytes

}  // namespace trimcarve::ntfs
