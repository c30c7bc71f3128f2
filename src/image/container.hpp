// What the decoder of a container hands to `open_image`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::image {

struct Container {
  SourcePtr disk;  // the virtual disk, in the disk space
  std::string kind;
  std::string identifier;
  std::uint32_t sector_size = 0;
  std::vector<std::uint64_t> samples;  // offsets in the disk at which another reader should find the same bytes
  std::vector<Warning> warnings;
  bool complete = true;
};

// Offsets at which a container of blocks is compared with another reader: `stored` are the offsets of stored blocks. The place inside the
// block moves from one to the next, so that a wrong offset inside blocks shows too.
inline std::vector<std::uint64_t> sample_offsets(std::uint64_t size, std::uint64_t block_size, const std::vector<std::uint64_t>& stored) {
  std::vector<std::uint64_t> samples{0};
  for (std::size_t i = 0; i < stored.size(); ++i) samples.push_back(stored[i] + (i * 37 * 4096) % block_size);
  samples.push_back(size - std::min<std::uint64_t>(size, 4096));
  return samples;
}

}  // namespace trimcarve::image
