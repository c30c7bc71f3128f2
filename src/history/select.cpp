#include "history/select.hpp"

#include <algorithm>
#include <unordered_set>

namespace trimcarve::history {

std::vector<std::u16string> path_components(std::u16string_view path) {
  if (path.size() >= 2 && path[1] == u':') path.remove_prefix(2);
  std::vector<std::u16string> out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find_first_of(u"\\/", at), path.size());
    if (end > at) out.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::vector<FileReference> find(const Graph& graph, std::span<const std::u16string> components, std::vector<RowIndex>* nameless) {
  std::vector<FileReference> here{graph.root()};
  std::vector<RowIndex> children;
  for (const std::u16string& component : components) {
    const bool last = &component == &components.back();
    std::vector<FileReference> next;
    for (const FileReference directory : here) {
      graph.children(directory, children);
      for (const RowIndex i : children) {
        const NameRow& row = graph.rows()[i];
        if (!graph.same_name(graph.name(row), component)) continue;
        if (row.reference.value != 0)
          next.push_back(row.reference);
        else if (last && nameless != nullptr)
          nameless->push_back(i);
      }
    }
    std::ranges::sort(next);
    const auto repeated = std::ranges::unique(next);
    next.erase(repeated.begin(), repeated.end());
    here = std::move(next);
  }
  return here;
}

Selection select_below(const Graph& graph, Selection tops) {
  Selection out = std::move(tops);
  std::unordered_set<FileReference> seen(out.references.begin(), out.references.end());
  std::unordered_set<RowIndex> seen_rows(out.nameless.begin(), out.nameless.end());
  std::vector<RowIndex> children;
  for (std::size_t at = 0; at < out.references.size(); ++at) {
    graph.children(out.references[at], children);
    for (const RowIndex i : children) {
      const NameRow& row = graph.rows()[i];
      if (row.reference == graph.root()) continue;  // it lies in nothing but itself, whatever a stray record says
      if (row.reference.value == 0) {
        if (seen_rows.insert(i).second) out.nameless.push_back(i);
      } else if (seen.insert(row.reference).second) {
        out.references.push_back(row.reference);
      }
    }
  }
  return out;
}

}  // namespace trimcarve::history
