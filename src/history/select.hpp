// Which files belong to a target: everything below its directories, at any time, by exact references.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "history/graph.hpp"

namespace trimcarve::history {

struct Selection {
  std::vector<FileReference> references;  // parents before children
  std::vector<RowIndex> nameless;         // names whose own file reference is not known
};

// Splits `C:\a\b`, `\a\b` or `/a/b`; `\` gives no components.
std::vector<std::u16string> path_components(std::u16string_view path);

// The references that were at this path at any time. For no components: the root. `nameless`, when given, gets the rows of that path whose
// own reference is lost.
std::vector<FileReference> find(const Graph& graph, std::span<const std::u16string> components, std::vector<RowIndex>* nameless = nullptr);

// `tops` (and what of them is nameless) and everything below them.
Selection select_below(const Graph& graph, Selection tops);

}  // namespace trimcarve::history
