// Virtual Hard Disk: fixed, dynamic and differencing (Microsoft, "Virtual Hard Disk Image Format Specification", version 1.0, 2006). All
// integers are big-endian. Pure over a ByteSource; hostile input gives an Error or unreadable blocks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "image/container.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

enum class VhdType : std::uint32_t { fixed = 2, dynamic = 3, differencing = 4 };

struct VhdFooter {
  VhdType type = VhdType::fixed;
  std::uint64_t size = 0;           // of the virtual disk, bytes
  std::uint64_t header_offset = 0;  // of the dynamic disk header, in the file
  std::array<std::byte, 16> identifier{};
  bool checksum_good = false;
  bool at_end = true;  // false: the copy at offset 0
};

// The footer of a VHD: the one at the end of the file, else the copy that dynamic disks keep at its start; one with a good checksum is
// preferred. Nothing when the file is no VHD.
std::optional<VhdFooter> find_vhd_footer(const ByteSource& file);

// Opens the disk behind a footer. `file` is the whole container file; `open_parent` is called for a differencing disk, and what it throws
// passes through.
Result<Container> open_vhd(const SourcePtr& file, const VhdFooter& footer, const OpenParent& open_parent);

}  // namespace trimcarve::image
