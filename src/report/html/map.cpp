// What TRIM left of each volume: its free clusters in numbers, and a map of what lies where, with the tree's clusters marked.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "report/html/page.hpp"
#include "report/layout.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t columns_of_map = 128, most_cells = ClusterMap::most_cells, max_owners = 40;
constexpr std::size_t cell_width = 9, cell_height = 16;

struct MapKind {
  std::string_view name, words;
};
// By ClusterMap::Kind.
constexpr std::array<MapKind, ClusterMap::kinds> map_kinds{{{"not_free", "of files, or not known to be free"},
                                                            {"data", "free, with data"},
                                                            {"zero", "free, zero"},
                                                            {"not_read", "free, with stored bytes, not read"},
                                                            {"unreadable", "unreadable"},
                                                            {"hole", "free, no bytes are stored in the image file, for whatever reason"},
                                                            {"container_zero", "free, zero by the container's table"},
                                                            {"unmapped", "free, unmapped by the container's table: discarded"},
                                                            {"not_present", "free, not present in the container"},
                                                            {"undefined", "free, undefined by the container's table"}}};

// Where the volume's bitmap is not known.
std::string_view name_of(ExtentKind kind) {
  switch (kind) {
    case ExtentKind::data: return "stored";
    case ExtentKind::hole: return "no_bytes";
    case ExtentKind::container_zero: return "container_zero";
    case ExtentKind::unmapped: return "unmapped";
    case ExtentKind::unreadable: return "unreadable";
    case ExtentKind::not_present: return "not_present";
    case ExtentKind::undefined: return "undefined";
  }
  return "unreadable";
}

std::string_view explain(std::string_view kind, bool bitmap_known) {
  constexpr std::string_view is_free = "free, ";
  if (kind == "stored") return "bytes are stored";
  if (kind == "no_bytes") kind = "hole";
  const auto known = std::ranges::find(map_kinds, kind, &MapKind::name);
  std::string_view words = known == map_kinds.end() ? kind : known->words;
  if (!bitmap_known && words.starts_with(is_free)) words.remove_prefix(is_free.size());
  return words;
}

void put_free(Page& page, const ClusterCounts& free) {
  const std::uint64_t zero = free.zero.value_or(0), data = free.data.value_or(0), known = free.hole + free.unreadable + zero + data;
  const std::array<std::tuple<std::string_view, std::string_view, std::uint64_t>, 5> parts{{
      {"zero", "zero", zero},
      {"free_data", "with data", data},
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

// The volume cut into cells: how many clusters each has, and how many cells there are.
struct Grid {
  std::uint64_t clusters = 0, per_cell = 1;
  std::size_t cells = 0;
};

Grid grid_of(const VolumeInfo& volume) {
  Grid grid;
  grid.clusters = volume.map.cells.empty() ? volume.size / std::max<std::uint64_t>(1, volume.cluster_size) : volume.map.clusters;
  grid.per_cell = std::max<std::uint64_t>(1, grid.clusters / most_cells + (grid.clusters % most_cells != 0 ? 1 : 0));
  grid.cells = static_cast<std::size_t>(grid.clusters / grid.per_cell + (grid.clusters % grid.per_cell != 0 ? 1 : 0));
  return grid;
}

// The clusters of the tree on one volume.
struct TreeClusters {
  std::map<RunState, std::uint64_t> counts;
  std::vector<std::map<RunState, std::uint64_t>> by_cell;
  std::vector<std::pair<const FileReport*, const RunReport*>> reallocated;
  std::uint64_t reallocated_runs = 0;
};

TreeClusters tree_clusters(const Examination& x, const VolumeInfo& volume) {
  TreeClusters tree;
  const Grid grid = grid_of(volume);
  tree.by_cell.resize(grid.cells);
  for (const FileReport& file : x.files) {
    if (file.volume != volume.index) continue;
    for (const StreamReport& stream : file.streams)
      for (const RunReport& run : stream.runs) {
        tree.counts[run.state] += run.clusters;
        if (run.state == RunState::reallocated || run.state == RunState::contested) {
          ++tree.reallocated_runs;
          if (tree.reallocated.size() < max_owners) tree.reallocated.emplace_back(&file, &run);
        }
        if (run.lcn < 0) continue;
        // Of a run over several cells, the part in each.
        auto at = static_cast<std::uint64_t>(run.lcn);
        std::uint64_t left = at < grid.clusters ? std::min(run.clusters, grid.clusters - at) : 0;
        while (left > 0) {
          const std::uint64_t here = std::min(left, grid.per_cell - at % grid.per_cell);
          tree.by_cell[static_cast<std::size_t>(at / grid.per_cell)][run.state] += here;
          at += here;
          left -= here;
        }
      }
  }
  return tree;
}

// What each cell is shown as.
struct Cells {
  std::vector<std::string_view> kinds;
  std::vector<bool> some_data;  // shown as something else, but some of its free clusters have data
};

// Of each cell what most of its clusters are.
Cells cells_of(const ClusterMap& map) {
  Cells cells;
  for (const auto& cell : map.cells) {
    const auto most = static_cast<std::size_t>(std::ranges::max_element(cell) - cell.begin());
    cells.kinds.push_back(map_kinds[most].name);
    cells.some_data.push_back(most != ClusterMap::data && cell[ClusterMap::data] != 0);
  }
  return cells;
}

// Where the volume's bitmap is not known: of each cell how its bytes are stored. Stored ones win over none: they are what can still be
// read.
Cells cells_of(const ByteSource& disk, const VolumeInfo& volume, const Grid& grid) {
  Cells cells{std::vector<std::string_view>(grid.cells), std::vector<bool>(grid.cells)};
  const std::uint64_t cell_size = grid.per_cell * volume.cluster_size;
  for (const Extent& extent : disk.extents(volume.offset, volume.size)) {
    if (extent.length == 0 || extent.offset < volume.offset) continue;
    const std::uint64_t first = (extent.offset - volume.offset) / cell_size,
                        last = (extent.offset + extent.length - 1 - volume.offset) / cell_size;
    for (std::uint64_t cell = first; cell <= last && cell < grid.cells; ++cell)
      if (std::string_view& kind = cells.kinds[static_cast<std::size_t>(cell)]; kind.empty() || extent.kind == ExtentKind::data)
        kind = name_of(extent.kind);
  }
  std::ranges::replace(cells.kinds, std::string_view(), name_of(ExtentKind::unreadable));
  return cells;
}

Cells cells_of(const Page& page, const VolumeInfo& volume, const Grid& grid) {
  if (!volume.map.cells.empty() && volume.map.cells.size() == grid.cells) return cells_of(volume.map);
  if (!page.x.spaces.empty() && page.x.spaces[0] != nullptr && volume.cluster_size != 0) return cells_of(*page.x.spaces[0], volume, grid);
  return {};
}

void put_marks(Page& page, const Grid& grid, const VolumeInfo& volume, const TreeClusters& tree) {
  for (std::size_t i = 0; i < tree.by_cell.size(); ++i) {
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
                    cell_height - 7, with_commas(grid.per_cell * i * volume.cluster_size), title));
  }
}

void put_grid(Page& page, const VolumeInfo& volume, const TreeClusters& tree) {
  const Grid grid = grid_of(volume);
  const Cells cells = cells_of(page, volume, grid);
  const std::size_t rows = (grid.cells + columns_of_map - 1) / columns_of_map;
  page.put(fmt::format(
      "<h4>Where it lies <small>left to right, top to bottom: the volume; each cell {} clusters, {}, shown as what most of them "
      "are; a mark: clusters of the tree</small></h4>\n<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
      "aria-label=\"Map of the volume\">\n<svg class=\"map\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Map of the "
      "volume\">\n",
      with_commas(grid.per_cell), bytes_for_people(grid.per_cell * volume.cluster_size), columns_of_map * cell_width, rows * cell_height));
  std::map<std::string_view, std::string> paths;
  for (std::size_t i = 0; i < cells.kinds.size(); ++i) {
    // One stretch for neighbours of a kind in a row.
    const std::size_t row = i / columns_of_map, begin = i;
    while (i + 1 < cells.kinds.size() && (i + 1) / columns_of_map == row && cells.kinds[i + 1] == cells.kinds[begin]) ++i;
    paths[cells.kinds[begin]] += fmt::format("M{} {}h{}v{}h-{}z", begin % columns_of_map * cell_width, row * cell_height,
                                             (i - begin + 1) * cell_width, cell_height - 2, (i - begin + 1) * cell_width);
  }
  for (const auto& [kind, path] : paths) page.put(fmt::format("<path class=\"m-{}\" d=\"{}\"/>\n", kind, path));
  std::string some;
  for (std::size_t i = 0; i < cells.some_data.size(); ++i)
    if (cells.some_data[i])
      some += fmt::format("M{} {}h{}v3h-{}z", i % columns_of_map * cell_width, i / columns_of_map * cell_height + cell_height - 5,
                          cell_width, cell_width);
  if (!some.empty()) page.put(fmt::format("<path class=\"m-data\" d=\"{}\"/>\n", some));
  put_marks(page, grid, volume, tree);
  page.put("</svg></div>\n<ul class=\"legend\">");
  for (const auto& [kind, path] : paths)
    page.put(fmt::format("<li><i class=\"k m-{}\"></i>{}</li>", kind, explain(kind, !volume.map.cells.empty())));
  if (!some.empty()) page.put("<li><i class=\"k some-data\"></i>a line: some of the free clusters have data</li>");
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
