// $MFT without its own record: rebuilt from the records themselves, which since Windows XP state their number.
#pragma once

#include <vector>

#include "ntfs/boot_sector.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::ntfs {

// The runs of $MFT as records that lie one behind the other show them, by VCN, the first from where the boot sector puts it. A few
// unusable records in a row belong to the run they lie in. Empty: no records are there. Reads at most 256 GiB of the volume's data.
std::vector<RunFact> find_mft_runs(const ByteSource& partition, const Geometry& geometry);

}  // namespace trimcarve::ntfs
