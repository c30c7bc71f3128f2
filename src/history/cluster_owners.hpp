// Who else claims a cluster: the claims of every record on the volume that touch the clusters a report asks about.
#pragma once

#include <cstdint>
#include <vector>

#include "history/graph.hpp"

namespace trimcarve::history {

class ClusterOwners {
 public:
  // More claims than this on one run are not told apart: a hostile $MFT could let every record claim every cluster.
  static constexpr std::size_t most_claims = 256;

  // `wanted`: the runs that will be asked about, in any order. One pass over the graph's claims; nothing else is kept. The graph must
  // outlive this.
  ClusterOwners(const Graph& graph, std::vector<Claim> wanted);

  // The claims of other files' records that overlap [lcn, lcn + clusters), clipped to it, by lcn. `own`: the file that asks; claims of its
  // base record and of its extension records are left out. False when there are more than most_claims: `out` holds the first of them.
  bool others(std::uint64_t lcn, std::uint64_t clusters, FileReference own, std::vector<Claim>& out) const;

 private:
  const Graph& graph_;
  std::vector<Claim> claims_;            // by lcn
  std::vector<std::uint64_t> farthest_;  // of the half-open range that has i as its middle: where its farthest claim ends
};

}  // namespace trimcarve::history
