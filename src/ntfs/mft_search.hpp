// $MFT without its own record: rebuilt from the records themselves, which since Windows XP state their number.
#pragma once

#include <vector>

#include "ntfs/boot_sector.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::ntfs {

// The runs of $MFT as records that lie one behind the other show them, by VCN, the first from where the boot sector puts it. A few
// unusable records in a row belong to the run they lie in. A record whose number is larger than the volume has room for counts for none.
struct MftSearch {
  std::vector<RunFact> runs;  // empty: no records are there
  std::size_t left_out = 0;   // runs whose records count far beyond all others: they would make $MFT as large
  bool finished = true;       // false: more data than is searched (256 GiB), or more runs than are kept (4096)
};
MftSearch find_mft_runs(const ByteSource& partition, const Geometry& geometry);

}  // namespace trimcarve::ntfs
