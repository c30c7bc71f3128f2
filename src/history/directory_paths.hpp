// The path of a directory at a time, for the many who ask: a timeline asks for every name on the volume.
//
// The same paths as Paths gives. Those that hold at any time (neither the directory nor one above it had another name) are kept, up to
// `most_kept` bytes of text; all others are made anew for each time.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "history/paths.hpp"

namespace trimcarve::history {

class DirectoryPaths {
 public:
  struct Text {
    std::string utf8;  // "" for the root, else "\a\b"; begins with "…" where the parents are not known
    std::size_t units = 0;
    bool known = true;
    bool steady = true;  // holds at any time
  };

  DirectoryPaths(const Graph& graph, Paths& paths) : graph_(graph), paths_(paths) {}

  // Valid until the next call.
  const Text& of(FileReference directory, FileTime time);

 private:
  static constexpr std::size_t most_kept = std::size_t{256} << 20;

  struct Step {
    FileReference directory;
    const NameSpan* span;
    bool steady;
  };

  const Graph& graph_;
  Paths& paths_;
  std::unordered_map<FileReference, Text> kept_;
  std::size_t kept_bytes_ = 0;
  std::vector<Step> steps_;
  Text text_;
  FileReference last_;
  const Text* last_text_ = nullptr;  // of last_; null: none
};

}  // namespace trimcarve::history
