// Where the volumes of a disk lie: in the partitions that its table names, and in what no partition and no volume explains.
//
// Partitions that hold no volume though their type says that they might, the space between and behind all partitions, and a disk without
// any table are searched for volumes whose boot sectors or partitions were lost. At MiB boundaries, where partitions begin, always; every
// sector of data only up to a limit, which is told when it is reached.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/partitions.hpp"
#include "ntfs/boot_sector.hpp"
#include "trimcarve/examine.hpp"

namespace trimcarve {

struct VolumePlace {
  std::uint64_t offset = 0, size = 0;  // of the disk
  bool bitlocker = false;
  std::string lost;  // found by this, not by a partition table
  std::optional<ntfs::Geometry> geometry;
};

struct Places {
  std::vector<VolumePlace> places;  // in the order of the partition table; those it does not name last
  std::vector<Warning> warnings;
  bool complete = true;
};

// The stretches of a disk that none of `covered` (offset and size, in any order, as far as they may reach) covers.
std::vector<Range> not_covered(std::uint64_t disk_size, std::vector<std::pair<std::uint64_t, std::uint64_t>> covered);

// Throws RunError{interrupted} when the run is cancelled.
Places find_places(const SourcePtr& disk, const image::PartitionTable& table, bool search_all, const Progress& progress);

}  // namespace trimcarve
