#include "examine/places.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ntfs/lost_volumes.hpp"
#include "ntfs/volume.hpp"

namespace trimcarve {

namespace {

// How much data is searched sector by sector. A volume is expected in a partition of NTFS's type, on a disk without a table, and on one
// without any volume; in what lies between the partitions of a disk that has its volumes, the remains of one are a possibility.
constexpr std::uint64_t most_expected = std::uint64_t{256} << 30, most_possible = std::uint64_t{16} << 30;

// Of the types that NTFS is found in, and those that say nothing.
bool may_be_ntfs(const image::Partition& partition) {
  return partition.type == "0x07" || partition.type == "0x27" || partition.type == "0x17" ||
         partition.type_name == "Microsoft basic data" || partition.type_name == "Windows recovery" || partition.type_name == "NTFS";
}

class Finder {
 public:
  Finder(const SourcePtr& disk, const image::PartitionTable& table, bool search_all, const Progress& progress)
      : disk_(disk), table_(table), search_all_(search_all), progress_(progress) {}

  Places find() {
    std::vector<Range> open;
    for (const image::Partition& partition : table_.partitions) look_into(partition, open);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> listed;
    for (const image::Partition& p : table_.partitions) listed.emplace_back(p.offset, p.size);
    const std::vector<Range> between = not_covered(disk_->size(), std::move(listed));
    if (table_.partitions.empty())
      search({{disk_space, 0, disk_->size()}}, true);
    else
      search(open, true);
    // What lies between partitions comes last: a volume that is listed, or lies in a partition, is known by then.
    if (!table_.partitions.empty()) search(between, out_.places.empty());
    return std::move(out_);
  }

 private:
  // A partition's own volume is a place; partitions that hold no volume though they might are `open`, and of a dynamic disk, also what lies
  // behind its first.
  void look_into(const image::Partition& partition, std::vector<Range>& open) {
    const ntfs::Probe probe = ntfs::probe_partition(*make_view(disk_, partition.offset, partition.size));
    const bool dynamic = partition.type == "0x42";
    if (probe.boot.kind != ntfs::BootKind::other)
      out_.places.push_back({partition.offset, partition.size, probe.boot.kind == ntfs::BootKind::bitlocker, {}, std::nullopt});
    if (probe.boot.kind == ntfs::BootKind::other && (dynamic || may_be_ntfs(partition)))
      open.push_back({disk_space, partition.offset, partition.size});
    const std::uint64_t volume = probe.boot.geometry.volume_size + 512;
    if (dynamic && probe.boot.kind == ntfs::BootKind::ntfs && volume < partition.size) {
      out_.places.back().size = volume;
      open.push_back({disk_space, partition.offset + volume, partition.size - volume});
    }
  }

  void search(const std::vector<Range>& areas, bool expected) {
    for (const Range& area : areas) search(area, ntfs::SearchDepth::aligned, 0);
    std::uint64_t left = search_all_ ? ~std::uint64_t{0} : expected ? most_expected : most_possible;
    for (const Range& area : areas) left -= std::min(left, search(area, ntfs::SearchDepth::all, left));
  }

  // How much data was searched.
  std::uint64_t search(const Range& area, ntfs::SearchDepth depth, std::uint64_t most) {
    std::vector<Range> known;
    for (const VolumePlace& p : out_.places) known.push_back({disk_space, p.offset, p.size});
    for (const image::Partition& p : table_.partitions)
      if (p.offset >= area.offset + area.length || p.offset + std::min(p.size, ~p.offset) <= area.offset)
        known.push_back({disk_space, p.offset, p.size});
    ntfs::SearchLimits limits;
    limits.data = most;
    limits.cancel = progress_.cancel;
    if (progress_.report)
      limits.progress = [&](std::uint64_t done, std::uint64_t total) { progress_.report("search for lost volumes", done, total); };
    ntfs::LostSearch found = ntfs::find_lost_volumes(*disk_, area.offset, area.length, depth, known, limits);
    switch (found.end) {
      case ntfs::SearchEnd::whole: break;
      case ntfs::SearchEnd::cancelled: throw RunError(ExitCode::interrupted, "run", "stopped", "interrupted");
      case ntfs::SearchEnd::volumes: not_finished(area, "more than 256 lost volumes were found here, of which the first were taken"); break;
      case ntfs::SearchEnd::data:
        not_finished(area,
                     fmt::format("of the data in this stretch that no volume explains, the first {:.1f} GiB were searched in every sector "
                                 "for lost volumes, the rest only where partitions begin (at MiB boundaries); --search-all searches it",
                                 static_cast<double>(found.searched) / (1U << 30)));
    }
    for (ntfs::LostVolume& v : found.volumes) {
      const bool known_place = std::ranges::any_of(
          out_.places, [&](const VolumePlace& p) { return v.offset < p.offset + p.size && p.offset < v.offset + v.size; });
      if (!known_place) out_.places.push_back({v.offset, v.size, false, std::move(v.how), v.geometry});
    }
    return found.searched;
  }

  void not_finished(const Range& area, std::string text) {
    out_.complete = false;
    out_.warnings.push_back({"search_not_finished", std::move(text), {area}});
  }

  const SourcePtr& disk_;
  const image::PartitionTable& table_;
  bool search_all_;
  const Progress& progress_;
  Places out_;
};

}  // namespace

std::vector<Range> not_covered(std::uint64_t disk_size, std::vector<std::pair<std::uint64_t, std::uint64_t>> covered) {
  std::ranges::sort(covered);
  std::vector<Range> out;
  std::uint64_t at = 0;
  for (const auto& [offset, size] : covered) {
    if (offset > at && at < disk_size) out.push_back({disk_space, at, std::min(offset, disk_size) - at});
    at = std::max(at, size > disk_size - std::min(offset, disk_size) ? disk_size : offset + size);
  }
  if (at < disk_size) out.push_back({disk_space, at, disk_size - at});
  return out;
}

Places find_places(const SourcePtr& disk, const image::PartitionTable& table, bool search_all, const Progress& progress) {
  return Finder(disk, table, search_all, progress).find();
}

}  // namespace trimcarve
