#include "history/run_states.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace trimcarve::history {

namespace {

constexpr std::size_t read_piece = std::size_t{1} << 20;
constexpr std::size_t most_pieces = 4096;  // into which a run that too many records claim is cut

// Which of two deleted files had the clusters last. LSNs only grow, so the larger one is the later; without them the later creation.
enum class Age : std::uint8_t { older, younger, unknown };
Age compare(const FileFacts& file, const Owner& other) {
  if (file.lsn != 0 && other.lsn != 0 && file.lsn != other.lsn) return file.lsn < other.lsn ? Age::older : Age::younger;
  if (file.created != no_time && other.created != no_time && file.created != other.created)
    return file.created < other.created ? Age::older : Age::younger;
  return Age::unknown;
}

}  // namespace

void RunStates::add(std::uint64_t vcn, std::int64_t lcn, std::uint64_t clusters, RunState state, const std::string& owner,
                    const std::string& block) {
  if (clusters == 0) return;
  if (!runs_.empty()) {
    RunReport& last = runs_.back();
    const bool follows = last.vcn + last.clusters == vcn &&
                         (lcn < 0 ? last.lcn < 0 : last.lcn >= 0 && last.lcn + static_cast<std::int64_t>(last.clusters) == lcn);
    if (follows && last.state == state && last.owner == owner && last.block == block) {
      last.clusters += clusters;
      return;
    }
  }
  runs_.push_back({vcn, lcn, clusters, state, owner, block});
}

void RunStates::add_mapped(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters) {
  const std::uint64_t end = context_.volume->clusters();
  if (lcn >= end) return add(vcn, static_cast<std::int64_t>(lcn), clusters, RunState::unreadable, "beyond the volume");
  const std::uint64_t inside = std::min(clusters, end - lcn);
  std::uint64_t looked_at = inside;
  if (context_.clusters_left != nullptr) {
    looked_at = std::min(inside, *context_.clusters_left);
    *context_.clusters_left -= looked_at;
  }
  if (looked_at > 0) {
    if (file_.live)
      bytes(vcn, lcn, looked_at);
    else
      deleted(vcn, lcn, looked_at, most_pieces);
  }
  if (looked_at < inside)
    add(vcn + looked_at, static_cast<std::int64_t>(lcn + looked_at), inside - looked_at, RunState::unreadable,
        "not looked at: files claim this volume's clusters many times over");
  if (inside < clusters) add(vcn + inside, static_cast<std::int64_t>(end), clusters - inside, RunState::unreadable, "beyond the volume");
}

// A run that more records claim than can be told apart is halved, into so many pieces at most.
void RunStates::deleted(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, std::size_t pieces) {
  std::vector<Claim> claims;
  if (!context_.owners.others(lcn, clusters, file_.reference, claims)) {
    if (clusters > 1 && pieces > 1) {
      deleted(vcn, lcn, clusters / 2, pieces / 2);
      deleted(vcn + clusters / 2, lcn + clusters / 2, clusters - clusters / 2, pieces / 2);
      return;
    }
    crowded(vcn, lcn, clusters);
    return;
  }
  // The clusters fall into stretches with one allocation state and one set of claims: cut at each claim's ends.
  std::vector<std::uint64_t> cuts{lcn, lcn + clusters};
  for (const Claim& claim : claims) {
    cuts.push_back(claim.lcn);
    cuts.push_back(claim.lcn + claim.clusters);
  }
  std::ranges::sort(cuts);
  const auto repeated = std::ranges::unique(cuts);
  cuts.erase(repeated.begin(), repeated.end());
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) stretch(vcn + (cuts[i] - lcn), cuts[i], cuts[i + 1] - cuts[i], claims);
}

void RunStates::crowded(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters) {
  for (std::uint64_t at = 0; at < clusters; ++at) {
    const bool allocated = context_.volume->bitmap().allocated(lcn + at);
    add(vcn + at, static_cast<std::int64_t>(lcn + at), 1, allocated ? RunState::reallocated : RunState::contested,
        fmt::format("more than {} records claim it", ClusterOwners::most_claims));
  }
}

void RunStates::stretch(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, const std::vector<Claim>& claims) {
  for (std::uint64_t at = 0; at < clusters;) {
    const auto allocation = context_.volume->bitmap().allocation(lcn + at);
    const std::uint64_t length = context_.volume->bitmap().alike(lcn + at, clusters - at);
    if (allocation == ntfs::Allocation::allocated && !(file_.bitmap_lags && !live_owner(lcn + at, claims)))
      add(vcn + at, static_cast<std::int64_t>(lcn + at), length, RunState::reallocated,
          live_owner(lcn, claims).value_or("allocated in $Bitmap; no record in use claims it"));
    else
      unallocated(vcn + at, lcn + at, length, claims);
    at += length;
  }
}

std::optional<std::string> RunStates::live_owner(std::uint64_t lcn, const std::vector<Claim>& claims) const {
  for (const Claim& claim : claims) {
    if (lcn < claim.lcn || lcn >= claim.lcn + claim.clusters) continue;
    if (context_.owner(claim.entry).live) return context_.owner_text(claim.entry);
  }
  return std::nullopt;
}

void RunStates::unallocated(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, const std::vector<Claim>& claims) {
  // A crash-consistent $Bitmap may lag behind the records: what a live file claims is its own, however young the deleted one is.
  if (const auto owner = live_owner(lcn, claims))
    return add(vcn, static_cast<std::int64_t>(lcn), clusters, RunState::reallocated, *owner + " (not allocated in $Bitmap)");
  for (const Claim& claim : claims) {
    if (lcn < claim.lcn || lcn >= claim.lcn + claim.clusters) continue;
    const Age age = compare(file_, context_.owner(claim.entry));
    if (age == Age::younger) continue;
    return add(vcn, static_cast<std::int64_t>(lcn), clusters, RunState::contested,
               context_.owner_text(claim.entry) + (age == Age::unknown ? " (which of the two came later is not known)" : ""));
  }
  bytes(vcn, lcn, clusters);
}

void RunStates::bytes(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters) {
  const std::uint64_t size = context_.volume->cluster_size();
  const ByteSource& partition = *context_.volume->partition();
  const auto cluster = [&](std::uint64_t offset) { return offset / size; };
  const auto takes_whole = [](ExtentKind kind) { return kind == ExtentKind::data || kind == ExtentKind::unreadable; };
  // Container states are finer or coarser than clusters: a cluster of which part holds data is read, one of which part cannot be read is
  // unreadable, any other takes the state of its last byte.
  const auto extents = partition.extents(lcn * size, clusters * size);
  std::uint64_t done = lcn;
  for (const Extent& extent : extents) {
    const std::uint64_t extent_end = cluster(extent.offset + extent.length + (takes_whole(extent.kind) ? size - 1 : 0));
    const std::uint64_t end = std::min(lcn + clusters, extent_end);
    if (end <= done) continue;
    const std::uint64_t count = end - done;
    const char* block = extent.partial ? "partially_present" : "";
    switch (extent.kind) {
      case ExtentKind::data: read(vcn + (done - lcn), done, count, block); break;
      case ExtentKind::unreadable: add_at(vcn + (done - lcn), done, count, RunState::unreadable, block); break;
      case ExtentKind::unmapped: add_at(vcn + (done - lcn), done, count, RunState::unmapped, "unmapped"); break;
      case ExtentKind::container_zero: add_at(vcn + (done - lcn), done, count, RunState::container_hole, "zero"); break;
      case ExtentKind::not_present: add_at(vcn + (done - lcn), done, count, RunState::container_hole, "not_present"); break;
      case ExtentKind::undefined: add_at(vcn + (done - lcn), done, count, RunState::container_hole, "undefined"); break;
      case ExtentKind::hole: add_at(vcn + (done - lcn), done, count, RunState::zero, block); break;
    }
    done = end;
  }
  if (done < lcn + clusters) add_at(vcn + (done - lcn), done, lcn + clusters - done, RunState::unreadable);
}

void RunStates::add_at(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, RunState state, const std::string& block) {
  add(vcn, static_cast<std::int64_t>(lcn), clusters, state, {}, block);
}

void RunStates::read(std::uint64_t vcn, std::uint64_t lcn, std::uint64_t clusters, const std::string& block) {
  const std::uint64_t size = context_.volume->cluster_size();
  const std::uint64_t per_piece = std::max<std::uint64_t>(1, read_piece / size);
  std::vector<Unread> unread;
  for (std::uint64_t at = 0; at < clusters; at += per_piece) {
    const std::uint64_t count = std::min(per_piece, clusters - at);
    buffer_.resize(static_cast<std::size_t>(count * size));
    unread.clear();
    const std::uint64_t begin = (lcn + at) * size;
    read_tolerant(*context_.volume->partition(), begin, buffer_, unread);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t offset = begin + i * size;
      const bool bad =
          std::ranges::any_of(unread, [&](const Unread& u) { return u.offset < offset + size && offset < u.offset + u.length; });
      const ByteView cluster(buffer_.data() + i * size, static_cast<std::size_t>(size));
      add_at(vcn + at + i, lcn + at + i, 1, bad ? RunState::unreadable : all_zero(cluster) ? RunState::zero : RunState::data, block);
    }
  }
}

}  // namespace trimcarve::history
