// What a VHDX says of itself before its blocks ([MS-VHDX] 2.2, 2.6): two headers, two region tables, the metadata. Pure over a ByteSource.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "image/container.hpp"
#include "image/vhdx_log.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

struct VhdxHeader {
  std::string data_write;  // identifies the disk's content; a child names its parent by it
  LogPlace log;
  bool log_pending = false;
};

// The current one of the two headers. One with a good checksum is preferred; with one damaged, the other is used and a warning added; with
// both checksums wrong the later one, and the container is not complete.
Result<VhdxHeader> read_vhdx_header(const ByteSource& file, Container& disk);

struct VhdxRegion {
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
};
struct VhdxRegions {
  VhdxRegion table, metadata;
};
// From the first region table that is good, with the same rules.
Result<VhdxRegions> read_vhdx_regions(const ByteSource& file, Container& disk);

struct VhdxMetadata {
  std::uint32_t block_size = 0, sector_size = 0;
  std::uint64_t size = 0;
  bool fixed = false, has_parent = false;
  ParentLink parent;  // when it has one
};
Result<VhdxMetadata> read_vhdx_metadata(const ByteSource& file, const VhdxRegion& region);

}  // namespace trimcarve::image
