// $FILE_NAME: a name, the directory it stands in, four times and two sizes. The value of attribute 0x30 and the key of $I30 index entries.
//
// Format: libfsntfs' NTFS format document, "The file name attribute". Pure; no allocation; `name` points into the bytes given.
#pragma once

#include <cstdint>
#include <optional>

#include "ntfs/units.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/file_id.hpp"
#include "trimcarve/file_time.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::ntfs {

inline constexpr std::size_t file_name_header_size = 66;  // before the name's units

struct FileName {
  FileReference parent;
  TimeSet times;
  std::uint64_t allocated_size = 0, size = 0;
  std::uint32_t attributes = 0;  // FILE_ATTRIBUTE_*; 0x10000000 directory, 0x20000000 view index
  std::uint32_t extended = 0;    // reparse tag or size of extended attributes
  NameSpace name_space = NameSpace::unknown;
  Units name;
  std::size_t stored_size() const noexcept { return file_name_header_size + name.bytes().size(); }
  bool directory() const noexcept { return (attributes & 0x1000'0000U) != 0; }
};

// Nothing when the header or the name does not fit, or the name is empty. A name space above 3 becomes `unknown`.
std::optional<FileName> decode_file_name(ByteView value) noexcept;

}  // namespace trimcarve::ntfs
