// What TRIM left of each volume: its free clusters in numbers, and a map of where stored bytes and the tree's clusters lie.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "report/html/page.hpp"
#include "report/layout.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t columns_of_map = 128, rows_of_map = 10, cells = columns_of_map * rows_of_map, max_owners = 40;
constexpr std::size_t cell_width = 9, cell_height = 15;

std::string_view name_of(ExtentKind kind) {
  switch (kind) {
    case ExtentKind::data: return "stored";
    case ExtentKind::hole: return "hole";
    case ExtentKind::container_zero: return "container_zero";
    case ExtentKind::unmapped: return "unmapped";
    case ExtentKind::unreadable: return "unreadable";
    case ExtentKind::not_present: return "not_present";
    case ExtentKind::undefined: return "undefined";
  }
  return "unreadable";
}

std::string_view explain(std::string_view kind) {
  static const std::map<std::string_view, std::string_view> words{
      {"stored", "bytes are stored"},
      {"hole", "no bytes are stored in the image file, for whatever reason"},
      {"container_zero", "zero, by the container's table"},
      {"unmapped", "unmapped, by the container's table: discarded"},
      {"not_present", "not present in the container"},
      {"undefined", "undefined, by the container's table"},
      {"unreadable", "unreadable"},
  };
  const auto word = words.find(kind);
  return word == words.end() ? kind : word->second;
}

void put_free(Page& page, const ClusterCounts& free) {
  const std::uint64_t zero = free.zero.value_or(0), data = free.data.value_or(0), known = free.hole + free.unreadable + zero + data;
  const std::array<std::tuple<std::string_view, std::string_view, std::uint64_t>, 5> parts{{
      {"zero", "zero", zero},
      {"data", "with data", data},
      {"hole", "without stored bytes", free.hole},
      {"stored", "with stored bytes, not read", free.total > known ? free.total - known : 0},
      {"unreadable", "unreadable", free.unreadable},
  }};
  page.put(
      fmt::format("<h4>Free clusters: {}</h4>\n<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" role=\"img\" "
                  "aria-label=\"Free clusters by what they hold\">",
                  with_commas(free.total)));
  double at = 0;
  for (const auto& [kind, words, count] : parts) {
    if (count == 0 || free.total == 0) continue;
    const double width = 100.0 * static_cast<double>(count) / static_cast<double>(free.total);
    page.put(fmt::format("<rect class=\"b-{}\" x=\"{:.3f}\" y=\"0\" width=\"{:.3f}\" height=\"6\"/>", kind, at, width));
    at += width;
  }
  page.put("</svg>\n<ul class=\"legend\">");
  for (const auto& [kind, words, count] : parts)
    if (count != 0)
      page.put(fmt::format(
          "<li><i class=\"k b-{}\"></i>{} {}{}</li>", kind, with_commas(count), words,
          free.total == 0 ? "" : fmt::format(" ({:.1f}\u00a0%)", 100.0 * static_cast<double>(count) / static_cast<double>(free.total))));
  page.put("</ul>\n");
}

// The clusters of the tree on one volume.
struct TreeClusters {
  std::map<RunState, std::uint64_t> counts;
  std::array<std::map<RunState, std::uint64_t>, cells> by_cell;
  std::vector<std::pair<const FileReport*, const RunReport*>> reallocated;
  std::uint64_t reallocated_runs = 0;
};

std::size_t cell_of(std::uint64_t offset, std::uint64_t size) {
  const double share = static_cast<double>(offset) / static_cast<double>(size);
  return std::min(static_cast<std::size_t>(share * static_cast<double>(cells)), cells - 1);
}

TreeClusters tree_clusters(const Examination& x, const VolumeInfo& volume) {
  TreeClusters tree;
  for (const FileReport& file : x.files) {
    if (file.volume != volume.index) continue;
    for (const StreamReport& stream : file.streams)
      for (const RunReport& run : stream.runs) {
        tree.counts[run.state] += run.clusters;
        if (run.state == RunState::reallocated || run.state == RunState::contested) {
          ++tree.reallocated_runs;
          if (tree.reallocated.size() < max_owners) tree.reallocated.emplace_back(&file, &run);
        }
        if (run.lcn < 0 || volume.size == 0 || volume.cluster_size == 0 || run.clusters == 0) continue;
        const std::uint64_t most = volume.size / volume.cluster_size;
        const auto first = static_cast<std::uint64_t>(run.lcn);
        if (first >= most) continue;
        const std::uint64_t end = first + std::min(run.clusters, most - first);
        for (std::size_t cell = cell_of(first * volume.cluster_size, volume.size),
                         last = cell_of((end - 1) * volume.cluster_size, volume.size);
             cell <= last; ++cell) {
          // Of a run over several cells, the part in each.
          const std::uint64_t begins = std::max(first, most * cell / cells), ends = std::min(end, most * (cell + 1) / cells + 1);
          tree.by_cell[cell][run.state] += ends > begins ? ends - begins : 1;
        }
      }
  }
  return tree;
}

// Of each cell the kind that most of its bytes are, but stored ones win over none: they are what can still be read.
std::array<ExtentKind, cells> stored_cells(const ByteSource& disk, const VolumeInfo& volume) {
  std::array<ExtentKind, cells> kinds;
  kinds.fill(ExtentKind::unreadable);
  std::array<bool, cells> seen{};
  for (const Extent& extent : disk.extents(volume.offset, volume.size)) {
    if (extent.length == 0 || extent.offset < volume.offset) continue;
    const std::size_t last = cell_of(extent.offset + extent.length - 1 - volume.offset, volume.size);
    for (std::size_t cell = cell_of(extent.offset - volume.offset, volume.size); cell <= last; ++cell) {
      if (!seen[cell] || extent.kind == ExtentKind::data) kinds[cell] = extent.kind;
      seen[cell] = true;
    }
  }
  return kinds;
}

void put_grid(Page& page, const VolumeInfo& volume, const TreeClusters& tree) {
  const bool has_disk = !page.x.spaces.empty() && page.x.spaces[0] != nullptr && !volume.shadow_of && volume.size != 0;
  std::array<ExtentKind, cells> kinds{};
  if (has_disk) kinds = stored_cells(*page.x.spaces[0], volume);
  page.put(
      fmt::format("<h4>Where it lies <small>left to right, top to bottom: the volume; each cell about {}; a mark: clusters of the "
                  "tree</small></h4>\n<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Map of the volume\">\n"
                  "<svg class=\"map\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Map of the volume\">\n",
                  bytes_for_people(volume.size / cells), columns_of_map * cell_width, rows_of_map * cell_height));
  std::map<std::string_view, std::string> paths;
  for (std::size_t i = 0; has_disk && i < cells; ++i) {
    // One stretch for neighbours of a kind in a row.
    const std::size_t row = i / columns_of_map, begin = i;
    while (i + 1 < cells && (i + 1) / columns_of_map == row && kinds[i + 1] == kinds[begin]) ++i;
    paths[name_of(kinds[begin])] += fmt::format("M{} {}h{}v{}h-{}z", begin % columns_of_map * cell_width, row * cell_height,
                                                (i - begin + 1) * cell_width, cell_height - 2, (i - begin + 1) * cell_width);
  }
  for (const auto& [kind, path] : paths) page.put(fmt::format("<path class=\"m-{}\" d=\"{}\"/>\n", kind, path));
  for (std::size_t i = 0; i < cells; ++i) {
    if (tree.by_cell[i].empty()) continue;
    std::string title;
    const auto most = std::ranges::max_element(tree.by_cell[i], {}, [](const auto& state) { return state.second; });
    // Content that is there, then what has a new owner, is shown before how much is neither.
    RunState shown = most->first;
    for (const RunState state : {RunState::reallocated, RunState::contested, RunState::data})
      if (tree.by_cell[i].contains(state)) shown = state;
    for (const auto& [state, count] : tree.by_cell[i])
      title += fmt::format("{}{} {}", title.empty() ? "" : ", ", with_commas(count), to_string(state));
    page.put(
        fmt::format("<rect class=\"r-{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>clusters of the tree from byte {} of the "
                    "volume: {}</title></rect>\n",
                    to_string(shown), i % columns_of_map * cell_width + 1, i / columns_of_map * cell_height + 1, cell_width - 2,
                    cell_height - 4, with_commas(volume.size / cells * i), title));
  }
  page.put("</svg></div>\n<ul class=\"legend\">");
  for (const auto& [kind, path] : paths) page.put(fmt::format("<li><i class=\"k m-{}\"></i>{}</li>", kind, explain(kind)));
  page.put("</ul>\n");
}

void put_tree(Page& page, const TreeClusters& tree) {
  page.put("<h4>Clusters of the tree</h4>\n");
  if (tree.counts.empty()) {
    page.put("<p>No run list of its files is back, or all of them are resident.</p>\n");
    return;
  }
  page.put("<ul class=\"legend\">");
  for (const auto& [state, count] : tree.counts)
    page.put(fmt::format("<li><i class=\"k r-{0}\"></i>{1} {0}</li>", to_string(state), with_commas(count)));
  page.put("</ul>\n");
  if (tree.reallocated.empty()) return;
  page.put(
      fmt::format("<details><summary>{} runs of clusters that another file has</summary><div class=\"scroll\"><table><thead><tr>"
                  "<th>File</th><th>Clusters</th><th>State</th><th>Now, or also, of</th></tr></thead><tbody>\n",
                  with_commas(tree.reallocated_runs)));
  for (const auto& [file, run] : tree.reallocated)
    page.put(fmt::format("<tr><td class=\"wrap\">{}</td><td>{}+{}</td><td>{}</td><td class=\"wrap\">{}</td></tr>\n", html_path(*file),
                         run->lcn, run->clusters, html_state(to_string(run->state)), html_text(run->owner)));
  page.put("</tbody></table></div>");
  if (tree.reallocated_runs > tree.reallocated.size())
    page.put(fmt::format("<p class=\"note\">and {} more</p>", with_commas(tree.reallocated_runs - tree.reallocated.size())));
  page.put("</details>\n");
}

}  // namespace

void put_trim_map(Page& page) {
  page.put("<section id=\"trim\"><h2>What TRIM left</h2>\n");
  for (const VolumeInfo& volume : page.x.volumes) {
    if (volume.state != "examined") continue;
    const TreeClusters tree = tree_clusters(page.x, volume);
    if (volume.shadow_of && tree.counts.empty()) continue;
    page.put(fmt::format("<article><h3>Volume {}{}</h3>\n", volume.index,
                         volume.shadow_of ? fmt::format(" <small>shadow copy of volume {}</small>", *volume.shadow_of)
                                          : fmt::format(" <small>{}, clusters of {}</small>", bytes_for_people(volume.size),
                                                        bytes_for_people(volume.cluster_size))));
    if (volume.free_clusters) put_free(page, *volume.free_clusters);
    if (volume.size != 0 && !volume.shadow_of) put_grid(page, volume, tree);
    put_tree(page, tree);
    page.put("</article>\n");
  }
  page.put("</section>\n");
}

}  // namespace trimcarve::report
