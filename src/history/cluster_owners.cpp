#include "history/cluster_owners.hpp"

#include <algorithm>

namespace trimcarve::history {

ClusterOwners::ClusterOwners(const Graph& graph, std::vector<Claim> wanted) : graph_(graph) {
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
  const auto take = [&](const Claim& claim) {
    const auto next = std::ranges::upper_bound(stretches, claim.lcn, {}, &Stretch::begin);
    const bool in_previous = next != stretches.begin() && std::prev(next)->end > claim.lcn;
    const bool in_next = next != stretches.end() && next->begin < claim.lcn + claim.clusters;
    if (in_previous || in_next) claims_.push_back(claim);
  };
  for (std::size_t i = 0; i < graph.claims().size(); ++i) take(graph.claims()[i]);
  for (std::size_t i = 0; i < graph.log_claims().size(); ++i) {
    const LogClaim& claim = graph.log_claims()[i];
    // Where the file's own record is left, that says what it has, or had last.
    const auto standing = graph.standing(claim.reference);
    if (standing == Graph::Standing::live || standing == Graph::Standing::deleted) continue;
    take({claim.lcn, static_cast<std::uint32_t>(claim.clusters), log_claim_bit | static_cast<std::uint32_t>(i)});
  }
  std::ranges::sort(claims_, [](const Claim& a, const Claim& b) { return a.lcn != b.lcn ? a.lcn < b.lcn : a.entry < b.entry; });
  farthest_.resize(claims_.size());
  const auto measure = [this](auto&& self, std::size_t begin, std::size_t end) -> std::uint64_t {
    if (begin == end) return 0;
    const std::size_t middle = begin + (end - begin) / 2;
    farthest_[middle] = std::max({claims_[middle].lcn + claims_[middle].clusters, self(self, begin, middle), self(self, middle + 1, end)});
    return farthest_[middle];
  };
  measure(measure, 0, claims_.size());
}

bool ClusterOwners::others(std::uint64_t lcn, std::uint64_t clusters, FileReference own, std::vector<Claim>& out) const {
  out.clear();
  const std::uint64_t stop = lcn + clusters;
  // The sorted array read as a balanced tree: a half whose farthest claim ends before `lcn`, or that begins behind the run, is stepped
  // over.
  const auto visit = [&](auto&& self, std::size_t begin, std::size_t end) -> bool {
    if (begin == end) return true;
    const std::size_t middle = begin + (end - begin) / 2;
    if (farthest_[middle] <= lcn) return true;
    if (!self(self, begin, middle)) return false;
    const Claim& claim = claims_[middle];
    if (claim.lcn >= stop) return true;
    if (claim.lcn + claim.clusters > lcn) {
      const FileReference claimant = graph_.claimant(claim);
      if (claimant.value == 0 || claimant != own) {
        if (out.size() == most_claims) return false;
        const std::uint64_t from = std::max(claim.lcn, lcn), to = std::min<std::uint64_t>(claim.lcn + claim.clusters, stop);
        out.push_back({from, static_cast<std::uint32_t>(to - from), claim.entry});
      }
    }
    return self(self, middle + 1, end);
  };
  return visit(visit, 0, claims_.size());
}

}  // namespace trimcarve::history
