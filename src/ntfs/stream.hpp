// Streams over a volume: the content of an attribute as a ByteSource.
//
// All are immutable and thread-safe as every ByteSource; they keep their volume alive.
#pragma once

#include <cstdint>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::ntfs {

// `runs`: in any order; where two overlap, the one that begins first is taken; VCNs that none maps are unreadable. Sizes in bytes. Sparse
// runs read as zeros (hole); bytes from `valid_size` on read as zeros (hole); what lies beyond the volume is unreadable. `size` may be less
// or more than the runs map; beyond them it is unreadable up to `valid_size`, a hole behind it.
SourcePtr make_stream(SourcePtr volume, std::vector<RunFact> runs, std::uint32_t cluster_size, std::uint64_t size,
                      std::uint64_t valid_size);

// The same for a compressed (LZNT1) stream of units of 2^unit_log2 clusters. A unit that cannot be decompressed is unreadable from its
// first bad byte on. locate() gives the clusters that hold the compressed bytes of each unit touched.
SourcePtr make_compressed_stream(SourcePtr volume, std::vector<RunFact> runs, std::uint32_t cluster_size, std::uint8_t unit_log2,
                                 std::uint64_t size, std::uint64_t valid_size);

// Bytes in memory (a resident value after fix-ups) that lie at `offset` of `origin`, for locate(). `origin` may be null: they lie nowhere.
SourcePtr make_buffer(std::vector<std::byte> bytes, SourcePtr origin, std::uint64_t offset);

}  // namespace trimcarve::ntfs
