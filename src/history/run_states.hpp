// The state of each cluster of a file, collected into runs.
//
// A cluster of a deleted file is, in this order: allocated now (reallocated, to whom), claimed by a live file all the same, claimed by a
// deleted file that came later (contested), a hole in the container, unreadable, all zero, or data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "history/content.hpp"

namespace trimcarve::history {

class RunStates {
 public:
  // Both must outlive it.
  RunStates(const ContentContext& context, const FileFacts& file) : context_(context), file_(file) {}

  // Clusters whose state is known; joined to the run before when they follow it in the same state.
  void add(std::uint64_t vcn, std::int64_t lcn, std::uint64_t clusters, RunState state, const std::string& owner = {},
           const std::string& block = {});
  // Clusters to be judged, cluster by cluster; those beyond the volume are unreadable.
  void add_mapped(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters);
  std::vector<RunReport> take() { return std::move(runs_); }

 private:
  void add_at(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, RunState state, const std::string& block = {});
  void deleted(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, std::size_t pieces);
  void crowded(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters);
  void stretch(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, const std::vector<Claim>& claims);
  std::optional<std::string> live_owner(std::uint64_t lcn, const std::vector<Claim>& claims) const;
  void unallocated(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, const std::vector<Claim>& claims);
  void bytes(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters);
  void read(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, const std::string& block);

  const ContentContext& context_;
  const FileFacts& file_;
  std::vector<RunReport> runs_;
  std::vector<std::byte> buffer_;
};

}  // namespace trimcarve::history
