// VHDX: fixed, dynamic and differencing, with sectors of 512 or 4096 bytes (Microsoft [MS-VHDX], "Virtual Hard Disk v2 (VHDX) File
// Format"). All integers are little-endian. Pure over a ByteSource; hostile input gives an Error or unreadable blocks.
#pragma once

#include <string>

#include "image/container.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

bool is_vhdx(const ByteSource& file);

// Opens the disk in a VHDX file. A pending log is replayed in memory, or, when asked not to be, named in a warning. `open_parent` is called
// for a differencing disk, and what it throws passes through. Refused, as its bytes would not be right: a pending log that is damaged,
// unless it is not to be replayed.
Result<Container> open_vhdx(const SourcePtr& file, const OpenParent& open_parent, bool replay_log = true);

// The identifier by which a child names this file: the data write GUID of its current header.
Result<std::string> vhdx_identifier(const ByteSource& file);

}  // namespace trimcarve::image
