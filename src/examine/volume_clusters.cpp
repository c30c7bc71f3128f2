// What the free clusters of a volume hold, in numbers and by place: what TRIM left.
#include <algorithm>

#include "examine/volume_examiner.hpp"

namespace trimcarve {

namespace {

// Free clusters that hold stored bytes are read for the count of zeros up to this size; reading a whole disk is not examine's question.
constexpr std::uint64_t most_free_bytes_read = std::uint64_t{256} << 20;

ClusterMap::Kind kind_of(ExtentKind kind) {
  switch (kind) {
    case ExtentKind::data: return ClusterMap::not_read;
    case ExtentKind::hole: return ClusterMap::hole;
    case ExtentKind::container_zero: return ClusterMap::container_zero;
    case ExtentKind::unmapped: return ClusterMap::unmapped;
    case ExtentKind::unreadable: return ClusterMap::unreadable;
    case ExtentKind::not_present: return ClusterMap::not_present;
    case ExtentKind::undefined: return ClusterMap::undefined;
  }
  return ClusterMap::unreadable;
}

// Free clusters, each counted once, in the volume's numbers and in its map.
class Tally {
 public:
  explicit Tally(std::uint64_t clusters) {
    map_.clusters = clusters;
    map_.per_cell = clusters / ClusterMap::most_cells + (clusters % ClusterMap::most_cells != 0 ? 1 : 0);
    map_.cells.resize(static_cast<std::size_t>(clusters / map_.per_cell + (clusters % map_.per_cell != 0 ? 1 : 0)));
  }

  void add(std::uint64_t lcn, std::uint64_t clusters, ClusterMap::Kind kind) {
    if (kind == ClusterMap::unreadable)
      counts.unreadable += clusters;
    else if (kind >= ClusterMap::hole)
      counts.hole += clusters;
    else if (kind == ClusterMap::zero)
      counts.zero = counts.zero.value_or(0) + clusters;
    else if (kind == ClusterMap::data)
      counts.data = counts.data.value_or(0) + clusters;
    while (clusters > 0 && lcn < map_.clusters) {
      const std::uint64_t cell = lcn / map_.per_cell, here = std::min(clusters, map_.per_cell - lcn % map_.per_cell);
      map_.cells[static_cast<std::size_t>(cell)][kind] += here;
      lcn += here;
      clusters -= here;
    }
  }

  // The rest of each cell is not free.
  ClusterMap map() && {
    for (std::size_t i = 0; i < map_.cells.size(); ++i) {
      const std::uint64_t size = std::min(map_.per_cell, map_.clusters - i * map_.per_cell);
      std::uint64_t free = 0;
      for (const std::uint64_t count : map_.cells[i]) free += count;
      map_.cells[i][ClusterMap::not_free] = size - std::min(free, size);
    }
    return std::move(map_);
  }

  ClusterCounts counts;

 private:
  ClusterMap map_;
};

struct Clusters {
  std::uint64_t lcn = 0, count = 0;
};

// Reads them, and tells zero from data.
void read_clusters(const ntfs::Volume& volume, const std::vector<Clusters>& stored, Tally& tally) {
  const std::uint64_t size = volume.cluster_size(), at_once = std::max<std::uint64_t>(1, (1 << 20) / size);
  std::vector<std::byte> buffer;
  const std::vector<std::byte> zeros(static_cast<std::size_t>(size));
  std::vector<Unread> unread;
  tally.counts.zero = tally.counts.data = 0;
  for (const Clusters& clusters : stored)
    for (std::uint64_t at = 0; at < clusters.count;) {
      const std::uint64_t step = std::min(clusters.count - at, at_once), lcn = clusters.lcn + at;
      buffer.resize(static_cast<std::size_t>(step * size));
      unread.clear();
      read_tolerant(*volume.partition(), lcn * size, buffer, unread);
      for (std::uint64_t i = 0; i < step; ++i) {
        const std::uint64_t from = (lcn + i) * size;
        if (std::ranges::any_of(unread, [&](const Unread& u) { return u.offset < from + size && from < u.offset + u.length; }))
          tally.add(lcn + i, 1, ClusterMap::unreadable);
        else
          tally.add(lcn + i, 1,
                    std::equal(zeros.begin(), zeros.end(), buffer.begin() + static_cast<std::ptrdiff_t>(i * size)) ? ClusterMap::zero
                                                                                                                   : ClusterMap::data);
      }
      at += step;
    }
}

}  // namespace

void VolumeExaminer::count_free_clusters() {
  if (!evidence_.volume || evidence_.volume->from_artefact() || evidence_.volume->bitmap().clusters() == 0) return;
  const ntfs::Volume& volume = *evidence_.volume;
  const std::uint64_t size = volume.cluster_size();
  Tally tally(volume.bitmap().clusters());
  std::vector<Clusters> stored;
  std::uint64_t stored_clusters = 0, next = 0;  // clusters before `next` are told already
  for (auto run = volume.bitmap().next_free(0); run; run = volume.bitmap().next_free(run->lcn + run->clusters)) {
    tally.counts.total += run->clusters;
    for (const Extent& extent : volume.partition()->extents(run->lcn * size, run->clusters * size)) {
      const std::uint64_t end = extent.offset + extent.length;
      if (extent.kind == ExtentKind::data) {
        // Whole clusters: an extent that ends inside one takes it with it.
        const std::uint64_t first = std::max(extent.offset / size, next), last = (end + size - 1) / size;
        if (last <= first) continue;
        stored.push_back({first, last - first});
        stored_clusters += last - first;
        next = last;
      } else {
        const std::uint64_t first = std::max((extent.offset + size - 1) / size, next), last = end / size;
        if (last <= first) continue;
        tally.add(first, last - first, kind_of(extent.kind));
        next = last;
      }
    }
  }
  if (stored_clusters <= most_free_bytes_read / size)
    read_clusters(volume, stored, tally);
  else
    for (const Clusters& clusters : stored) tally.add(clusters.lcn, clusters.count, ClusterMap::not_read);
  info_.free_clusters = tally.counts;
  info_.map = std::move(tally).map();
}

}  // namespace trimcarve
