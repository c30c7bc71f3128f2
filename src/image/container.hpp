// What the decoder of a container hands to `open_image`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

// What a differencing image says of its parent.
struct ParentLink {
  std::vector<std::string> identifiers;  // the parent has one of these
  std::vector<std::string> names;        // file names without folders, the most telling first, none twice
};

// Finds and opens the parent's disk. Throws RunError when it is missing or another one.
using OpenParent = std::function<SourcePtr(const ParentLink&)>;

struct Container {
  SourcePtr disk;  // the virtual disk, in the disk space
  SourcePtr file;  // the container file as its decoder reads it: with a replayed log in front
  std::string kind;
  std::string identifier;
  std::uint32_t sector_size = 0;
  std::vector<std::uint64_t> samples;  // offsets in the disk at which another reader should find the same bytes
  std::vector<Warning> warnings;
  bool complete = true;
  std::vector<StructureCheck> checks;  // `file` is left empty
  std::optional<BlockCounts> blocks;
  std::optional<LogReplay> log;
  std::vector<Extent> used;        // stretches of the file that hold the container's structures and live blocks; any order, may overlap
  std::string acquisition_hashes;  // as SourceInfo's
  std::vector<std::string> acquisition_notes;
  std::string parent;  // of a differencing image: the first name of its parent
};

// A warning about a stretch of the container file.
inline Warning file_warning(const ByteSource& file, std::string code, std::string text, std::uint64_t offset, std::uint64_t length) {
  return {std::move(code), std::move(text), file.locate(offset, length)};
}

// Offsets at which a container of blocks is compared with another reader: `stored` are the offsets of stored blocks. The place inside the
// block moves from one to the next, so that a wrong offset inside blocks shows too.
inline std::vector<std::uint64_t> sample_offsets(std::uint64_t size, std::uint64_t block_size, const std::vector<std::uint64_t>& stored) {
  std::vector<std::uint64_t> samples{0};
  for (std::size_t i = 0; i < stored.size(); ++i) samples.push_back(stored[i] + (i * 37 * 4096) % block_size);
  samples.push_back(size - std::min<std::uint64_t>(size, 4096));
  return samples;
}

// The last component of a path of either Windows or Unix, or nothing when it names no file.
std::optional<std::string> file_name_of(std::string_view path);
// Adds a path's file name to the names, unless it is there.
void add_name(std::vector<std::string>& names, std::string_view path);

}  // namespace trimcarve::image
