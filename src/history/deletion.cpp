#include "history/deletion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace trimcarve::history {

namespace {

void set_earliest(Bounds& bounds, const TimeBasis& basis) {
  if (bounds.earliest && *bounds.earliest >= basis.time) return;
  bounds.earliest = basis.time;
  bounds.earliest_basis = basis.basis;
  bounds.earliest_sightings = basis.sightings;
}

void set_latest(Bounds& bounds, const TimeBasis& basis) {
  if (bounds.latest && *bounds.latest <= basis.time) return;
  bounds.latest = basis.time;
  bounds.latest_basis = basis.basis;
  bounds.latest_sightings = basis.sightings;
}

BoundingSource& source_of(DeletionNode& node, const std::string& basis) {
  const auto known = std::ranges::find(node.sources, basis, &BoundingSource::basis);
  if (known != node.sources.end()) return *known;
  return node.sources.emplace_back(BoundingSource{.basis = basis});
}

// Of several signs of one kind the tightest counts.
void add_alive(DeletionNode& node, const TimeBasis& sign) {
  BoundingSource& source = source_of(node, sign.basis);
  if (source.earliest && *source.earliest >= sign.time) return;
  source.earliest = sign.time;
  source.sightings = sign.sightings;
}

void add_gone(DeletionNode& node, const TimeBasis& sign) {
  BoundingSource& source = source_of(node, sign.basis);
  if (source.latest && *source.latest <= sign.time) return;
  source.latest = sign.time;
  source.sightings = sign.sightings;
}

void add_deleted(DeletionNode& node, const TimeBasis& sign) {
  BoundingSource& source = source_of(node, sign.basis);
  source.earliest = source.earliest ? std::min(*source.earliest, sign.time) : sign.time;
  source.latest = source.latest ? std::max(*source.latest, sign.time) : sign.time;
  source.sightings.insert(source.sightings.end(), sign.sightings.begin(), sign.sightings.end());
}

// The bounds of one file from its own evidence. `gone` times before the last sign of life contradict it: they do not bound, they are told.
void bound_alone(DeletionNode& node) {
  for (const TimeBasis& sign : node.alive) set_earliest(node.bounds, sign);
  for (const TimeBasis& sign : node.deleted_at) add_deleted(node, sign);
  for (const TimeBasis& sign : node.alive) add_alive(node, sign);
  for (const TimeBasis& sign : node.gone) add_gone(node, sign);
  if (!node.deleted_at.empty()) {
    const TimeBasis& first = *std::ranges::min_element(node.deleted_at, {}, &TimeBasis::time);
    const TimeBasis& last = *std::ranges::max_element(node.deleted_at, {}, &TimeBasis::time);
    if (node.bounds.earliest && *node.bounds.earliest > last.time)
      node.contradictions.push_back(fmt::format("{} at {} is later than its deletion ({} at {})", node.bounds.earliest_basis,
                                                to_iso8601(*node.bounds.earliest), last.basis, to_iso8601(last.time)));
    node.bounds = {};
    set_earliest(node.bounds, first);
    set_latest(node.bounds, last);
  }
  for (const TimeBasis& sign : node.gone) {
    if (node.bounds.earliest && sign.time < *node.bounds.earliest) {
      node.contradictions.push_back(fmt::format("{} says it was gone by {}, but {} says {}", sign.basis, to_iso8601(sign.time),
                                                node.bounds.earliest_basis, to_iso8601(*node.bounds.earliest)));
      continue;
    }
    if (node.deleted_at.empty()) set_latest(node.bounds, sign);
  }
}

}  // namespace

void bound_deletions(std::vector<DeletionNode>& nodes) {
  const std::size_t count = nodes.size();
  // Children before parents, without recursion: depth by walking up, a walk longer than the number of nodes is a cycle and is cut.
  std::vector<std::uint32_t> depth(count, 0);
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) {
    order[i] = i;
    std::size_t steps = 0;
    for (std::ptrdiff_t p = nodes[i].parent; p >= 0 && steps <= 512; p = nodes[static_cast<std::size_t>(p)].parent) ++steps;
    if (steps > 512) {
      nodes[i].parent = -1;
      steps = 0;
    }
    depth[i] = static_cast<std::uint32_t>(steps);
  }
  for (DeletionNode& node : nodes)
    if (node.deleted) bound_alone(node);

  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return depth[a] > depth[b]; });
  for (const std::size_t i : order) {  // upwards: a directory goes no earlier than its children
    DeletionNode& child = nodes[i];
    if (!child.deleted || child.parent < 0 || !child.bounds.earliest) continue;
    DeletionNode& parent = nodes[static_cast<std::size_t>(child.parent)];
    if (!parent.deleted || !parent.deleted_at.empty()) continue;
    const TimeBasis sign{*child.bounds.earliest,
                         "child_" + child.bounds.earliest_basis.substr(child.bounds.earliest_basis.starts_with("child_") ? 6 : 0),
                         child.bounds.earliest_sightings};
    add_alive(parent, sign);
    if (parent.bounds.latest && sign.time > *parent.bounds.latest)
      parent.contradictions.push_back(fmt::format("a child was there at {} ({}), later than {} allows ({})", to_iso8601(sign.time),
                                                  sign.basis, parent.bounds.latest_basis, to_iso8601(*parent.bounds.latest)));
    else
      set_earliest(parent.bounds, sign);
  }
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return depth[a] < depth[b]; });
  for (const std::size_t i : order) {  // downwards: children go no later than their directory
    DeletionNode& child = nodes[i];
    if (!child.deleted || child.parent < 0) continue;
    const DeletionNode& parent = nodes[static_cast<std::size_t>(child.parent)];
    if (!parent.deleted || !parent.bounds.latest) continue;
    const TimeBasis sign{*parent.bounds.latest,
                         "directory_" + parent.bounds.latest_basis.substr(parent.bounds.latest_basis.starts_with("directory_") ? 10 : 0),
                         parent.bounds.latest_sightings};
    add_gone(child, sign);
    if (child.bounds.earliest && sign.time < *child.bounds.earliest)
      child.contradictions.push_back(fmt::format("{} says its directory was gone by {}, but {} says {}", sign.basis, to_iso8601(sign.time),
                                                 child.bounds.earliest_basis, to_iso8601(*child.bounds.earliest)));
    else if (child.deleted_at.empty())
      set_latest(child.bounds, sign);
  }
  for (DeletionNode& node : nodes)
    for (BoundingSource& source : node.sources)
      source.agrees = !(source.earliest && node.bounds.latest && *source.earliest > *node.bounds.latest) &&
                      !(source.latest && node.bounds.earliest && *source.latest < *node.bounds.earliest);
}

}  // namespace trimcarve::history
