// $STANDARD_INFORMATION: 48 bytes (NTFS 1.2) or 72 (3.x). Format: libfsntfs' NTFS format document. Pure; no allocation.
#pragma once

#include <cstdint>
#include <optional>

#include "trimcarve/bytes.hpp"
#include "trimcarve/file_time.hpp"

namespace trimcarve::ntfs {

struct StandardInformation {
  TimeSet times;
  std::uint32_t attributes = 0;  // FILE_ATTRIBUTE_*
  std::uint32_t max_versions = 0, version = 0, class_id = 0;
  bool long_form = false;  // the fields below are stored
  std::uint32_t owner_id = 0, security_id = 0;
  std::uint64_t quota = 0, usn = 0;
};

// Nothing when there are fewer than 48 bytes; a long form cut short is read as the short one.
std::optional<StandardInformation> decode_standard_information(ByteView value) noexcept;

}  // namespace trimcarve::ntfs
