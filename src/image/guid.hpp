// GUIDs as text. Pure.
#pragma once

#include <string>

#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

// Byte order of the first three groups: VHD stores them big-endian (RFC 4122), VHDX and GPT little-endian. Lower case.
enum class GuidOrder : bool { big, little };
std::string guid_text(ByteView sixteen_bytes, GuidOrder order);

}  // namespace trimcarve::image
