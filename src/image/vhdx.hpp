// VHDX, dynamic and fixed (Microsoft [MS-VHDX], "Virtual Hard Disk v2 (VHDX) File Format"). All integers are little-endian. Pure over a
// ByteSource; hostile input gives an Error or unreadable blocks.
#pragma once

#include "image/container.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

bool is_vhdx(const ByteSource& file);

// Opens the disk in a VHDX file. Refused, as their bytes would not be right: a differencing disk, a disk with a pending log. Refused until
// the larger ones are validated: a fixed disk over 4 GiB.
Result<Container> open_vhdx(const SourcePtr& file);

}  // namespace trimcarve::image
