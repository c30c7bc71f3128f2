// Run lists (mapping pairs): where the clusters of a non-resident attribute lie.
//
// Format: libfsntfs' NTFS format document, "Data runs"; Linux-NTFS documentation, "Data Runs". Pure; appends to the caller's vector, at
// most one run for each two bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "ntfs/attribute.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::ntfs {

enum class RunListEnd : std::uint8_t {
  complete,    // a terminator was reached; every run is sound
  cut,         // the bytes ended before the terminator, or within a run
  malformed,   // a field wider than 8 bytes, a run of no clusters, or a VCN or LCN that wraps or is negative
  beyond,      // a run leaves the volume
  wrong_size,  // sound, but it maps another number of clusters than the attribute states
};

struct RunList {
  RunListEnd end = RunListEnd::complete;
  std::uint32_t runs = 0;      // appended
  std::uint64_t clusters = 0;  // mapped by them
  bool complete() const noexcept { return end == RunListEnd::complete; }
};

// Decodes until the terminator or the first thing that cannot be; the runs before it are kept. Sparse runs have lcn -1. A run that leaves
// the volume is cut at its end when it begins inside. `volume_clusters` 0: the size is not known.
RunList decode_run_list(ByteView bytes, std::uint64_t first_vcn, std::uint64_t volume_clusters, std::vector<RunFact>& out);

// The same for a non-resident attribute, and checked against its VCNs.
RunList decode_run_list(const Attribute& attribute, std::uint64_t volume_clusters, std::vector<RunFact>& out);

}  // namespace trimcarve::ntfs
