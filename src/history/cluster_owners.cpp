#include "history/cluster_owners.hpp"

#include <algorithm>

namespace trimcarve::history {

ClusterOwners::ClusterOwners(const Graph& graph, std::vector<Claim> wanted) {
  if (wanted.empty()) return;
  // The wanted clusters as disjoint stretches, so that each claim is tested by one binary search.
  std::ranges::sort(wanted, {}, &Claim::lcn);
  struct Stretch {
    std::uint64_t begin, end;
  };
  std::vector<Stretch> stretches;
  for (const Claim& w : wanted) {
    if (!stretches.empty() && w.lcn <= stretches.back().end)
      stretches.back().end = std::max(stretches.back().end, w.lcn + w.clusters);
    else
      stretches.push_back({w.lcn, w.lcn + w.clusters});
  }
  for (std::size_t i = 0; i < graph.claims().size(); ++i) {
    const Claim& claim = graph.claims()[i];
    const auto next = std::ranges::upper_bound(stretches, claim.lcn, {}, &Stretch::begin);
    const bool in_previous = next != stretches.begin() && std::prev(next)->end > claim.lcn;
    const bool in_next = next != stretches.end() && next->begin < claim.lcn + claim.clusters;
    if (in_previous || in_next) claims_.push_back(claim);
  }
  std::ranges::sort(claims_, [](const Claim& a, const Claim& b) { return a.lcn != b.lcn ? a.lcn < b.lcn : a.entry < b.entry; });
  for (const Claim& claim : claims_) longest_ = std::max<std::uint64_t>(longest_, claim.clusters);
}

std::vector<Claim> ClusterOwners::others(std::uint64_t lcn, std::uint64_t clusters, std::uint32_t own_entry) const {
  std::vector<Claim> out;
  const std::uint64_t end = lcn + clusters;
  auto it = std::ranges::lower_bound(claims_, lcn > longest_ ? lcn - longest_ : 0, {}, &Claim::lcn);
  for (; it != claims_.end() && it->lcn < end; ++it) {
    if (it->entry == own_entry || it->lcn + it->clusters <= lcn) continue;
    const std::uint64_t from = std::max(it->lcn, lcn), to = std::min<std::uint64_t>(it->lcn + it->clusters, end);
    out.push_back({from, static_cast<std::uint32_t>(to - from), it->entry});
  }
  return out;
}

}  // namespace trimcarve::history
