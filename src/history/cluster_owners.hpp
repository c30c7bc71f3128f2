// Who else claims a cluster: the claims of every record on the volume that touch the clusters a report asks about.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "history/graph.hpp"

namespace trimcarve::history {

class ClusterOwners {
 public:
  // `wanted`: the runs that will be asked about, in any order. One pass over the graph's claims; nothing else is kept.
  ClusterOwners(const Graph& graph, std::vector<Claim> wanted);

  // The claims of other entries that overlap [lcn, lcn + clusters), clipped to it, by lcn.
  std::vector<Claim> others(std::uint64_t lcn, std::uint64_t clusters, std::uint32_t own_entry) const;

 private:
  std::vector<Claim> claims_;  // by lcn
  std::uint64_t longest_ = 0;
};

}  // namespace trimcarve::history
