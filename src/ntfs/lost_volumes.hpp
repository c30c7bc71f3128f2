// NTFS volumes that no partition table names, or whose boot sectors are gone: found by what lies on the disk.
//
// By boot sectors: the first one, or the copy behind a volume, each proven by the other, or by a file record where it says that $MFT or its
// mirror lies. By file records: $MFT's own record, or its copy in the mirror, whose run list says in which cluster it lies, so where the
// volume begins and how large a cluster is; without both, records of system files whose content is found (lost_anchors.hpp). Pure but for
// reading; never throws but for lack of memory; every count is bounded.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ntfs/boot_sector.hpp"
#include "trimcarve/byte_source.hpp"

namespace trimcarve::ntfs {

struct LostVolume {
  std::uint64_t offset = 0, size = 0;  // in the disk, bytes; the size reaches at most to the disk's end
  std::string how;                     // "its boot sector", "the copy of its boot sector", "$MFT's own record", "records of system files"
  std::optional<Geometry> geometry;    // worked out from records: open_volume needs it; else the boot sectors tell
};

enum class SearchDepth : std::uint8_t {
  aligned,  // one sector at each MiB, at the area's start and at sector 63 of it: where partitions begin
  all,      // every sector that holds data, for boot sectors, then for $MFT's own record and what lies beside it
};

struct SearchLimits {
  std::uint64_t data = std::uint64_t{256} << 30;  // bytes of data that are searched exhaustively
  const std::atomic<bool>* cancel = nullptr;      // set: the search ends soon
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// Why a search ended.
enum class SearchEnd : std::uint8_t { whole, data, volumes, cancelled };  // volumes: there are more than are kept (256)

struct LostSearch {
  std::vector<LostVolume> volumes;  // by offset, none inside another
  SearchEnd end = SearchEnd::whole;
  std::uint64_t searched = 0;  // bytes of data, exhaustively
};

// Looks in [offset, offset + length) of the disk, but for the stretches `known` (of the disk): nothing that is found begins in one of them,
// and what is found ends before the next of them.
LostSearch find_lost_volumes(const ByteSource& disk, std::uint64_t offset, std::uint64_t length, SearchDepth depth,
                             std::span<const Range> known = {}, const SearchLimits& limits = {});

}  // namespace trimcarve::ntfs
