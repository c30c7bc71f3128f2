// Where records of $MFT or parts of $Bitmap are damaged: clusters that are not free, but are of no file that is known. The data of the files
// whose records are lost lies there, and the change journal when it is one of them; so they are searched as free clusters are.
#include <algorithm>
#include <vector>

#include "examine/volume_examiner.hpp"

namespace trimcarve {

void VolumeExaminer::add_unclaimed(std::vector<carvers::Stretch>& stretches) const {
  if (!records_damaged_) return;
  const ntfs::Volume& volume = *evidence_.volume;
  const std::uint64_t cluster = volume.cluster_size();
  const std::uint64_t clusters = std::min(volume.clusters(), volume.partition()->size() / cluster);
  std::vector<bool> claimed(static_cast<std::size_t>(clusters));  // a bit for each cluster that the source has, as $Bitmap
  for (std::size_t i = 0; i < graph_.claims().size(); ++i) {
    const history::Claim& claim = graph_.claims()[i];
    const history::RecordSlot* slot = graph_.record(claim.entry);
    if (slot == nullptr || !slot->in_use || claim.lcn >= clusters) continue;
    const auto begin = claimed.begin() + static_cast<std::ptrdiff_t>(claim.lcn);
    std::fill(begin, begin + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(claim.clusters, clusters - claim.lcn)), true);
  }
  const auto searched = [&](std::uint64_t lcn) {
    return !claimed[static_cast<std::size_t>(lcn)] && volume.bitmap().allocation(lcn) != ntfs::Allocation::free;
  };
  for (std::uint64_t lcn = 0; lcn < clusters; ++lcn) {
    if (!searched(lcn)) continue;
    const std::uint64_t begin = lcn;
    while (lcn < clusters && searched(lcn)) ++lcn;
    stretches.push_back({begin * cluster, (lcn - begin) * cluster, carvers::StretchKind::allocated});
  }
}

}  // namespace trimcarve
