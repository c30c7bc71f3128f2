// Where records of $MFT or parts of $Bitmap are damaged: clusters that are not free, but are of no file that is known. The data of the
// files whose records are lost lies there, and the change journal when it is one of them; so they are searched as free clusters are.
#include <algorithm>
#include <utility>
#include <vector>

#include "examine/volume_examiner.hpp"

namespace trimcarve {

void VolumeExaminer::add_unclaimed(std::vector<carvers::Stretch>& stretches) const {
  if (!records_damaged_) return;
  const ntfs::Volume& volume = *evidence_.volume;
  const std::uint64_t cluster = volume.cluster_size();
  const std::uint64_t clusters = std::min(volume.clusters(), volume.partition()->size() / cluster);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> claimed;  // first and behind the last
  for (std::size_t i = 0; i < graph_.claims().size(); ++i) {
    const history::Claim& claim = graph_.claims()[i];
    const history::RecordSlot* slot = graph_.record(claim.entry);
    if (slot == nullptr || !slot->in_use || claim.lcn >= clusters) continue;
    claimed.emplace_back(claim.lcn, claim.lcn + std::min<std::uint64_t>(claim.clusters, clusters - claim.lcn));
  }
  // What is free is searched as such.
  for (auto run = volume.bitmap().next_free(0); run; run = volume.bitmap().next_free(run->lcn + run->clusters))
    claimed.emplace_back(run->lcn, run->lcn + run->clusters);
  std::ranges::sort(claimed);
  claimed.emplace_back(clusters, clusters);
  std::uint64_t at = 0;
  for (const auto& [first, behind] : claimed) {
    if (first > at) stretches.push_back({at * cluster, (std::min(first, clusters) - at) * cluster, carvers::StretchKind::allocated});
    at = std::max(at, behind);
    if (at >= clusters) break;
  }
}

}  // namespace trimcarve
