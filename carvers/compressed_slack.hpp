// What lies in a compressed file's clusters behind its data: in each compression unit behind the last LZNT1 chunk, up to the end of the
// clusters that the unit has. A unit that is stored as it is has slack where the stream's valid data ends in it, as in any file.
//
// Of a compressed unit only the headers of its chunks are read. Format: MS-XCA 2.5 (LZNT1 buffers and chunks); "NTFS compression" in
// libfsntfs' format document (units of so many clusters, of which the unused are a sparse run). Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "carvers/free_space.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::carvers {

struct CompressedStream {
  std::uint64_t cluster_size = 0;
  std::uint8_t unit_log2 = 0;     // clusters per compression unit, as power of two
  std::uint64_t valid_size = 0;   // of the stream
  std::span<const RunFact> runs;  // all of them, in order of their VCNs
};

// Appends the stretches of slack (bytes of `volume`, in the order of the file). Returns how many units were passed over: chunks that are
// none, runs that leave a hole within a unit's data, clusters that cannot be read.
std::uint64_t compressed_slack(const ByteSource& volume, const CompressedStream& stream, std::vector<Stretch>& out);

}  // namespace trimcarve::carvers
