// Names over time, and the paths they make.
//
// A file has name spans: each a name in a directory, with the interval in which it held as far as the journal tells. A path at a time
// takes, at each level, the span of that level's directory at that time. Rules of parents: domain knowledge of reuse is in Graph (exact
// references); here an unknown parent ends the path with a note, and a cycle ends it too.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "history/graph.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::history {

struct NameSpan {
  FileReference parent;
  bool parent_known = true, parent_inferred = false;
  std::vector<RowIndex> rows;  // the first is the one to quote
  FileTime from, until;        // no_time: not known. `from` is set only when the span's beginning was seen, `until` only when its end was
  FileTime first_seen, last_seen;
  bool current = false;         // stated by the file's own record (its last name)
  bool deletion_alias = false;  // a name below \$Extend\$Deleted, given by a POSIX delete
};

struct Path {
  std::u16string text;
  bool known = true;  // false: begins with "…\" where the parents are not known
  Grade grade = Grade::established;
  std::string note;
  std::vector<RowIndex> rows;  // one per component that was resolved, the file's own first
};

class Paths {
 public:
  explicit Paths(const Graph& graph);

  // Oldest first; the last is the last known name. Cached; the reference stays valid.
  const std::vector<NameSpan>& spans(FileReference reference);
  // The last span that is not a deletion alias, else the last; nullptr when the file has no name.
  const NameSpan* last_name(FileReference reference);
  // The span that held at `time`; the nearest when none did; last_name for no_time.
  const NameSpan* name_at(FileReference reference, FileTime time);

  Path path(FileReference reference, const NameSpan& span, FileTime time);
  // By a single row (names whose own reference is not known).
  Path path(const NameRow& row, RowIndex index);

  bool is_deletion_folder(FileReference reference) const noexcept;
  // A name below \$Extend\$Deleted. Where the folder's own name is not known (a journal alone seldom tells it), the name itself says what
  // it is.
  bool is_deletion_alias(const NameRow& row) const;

 private:
  void climb(FileReference parent, FileTime time, Path& path);
  void prepend(Path& path, std::u16string_view name) const;
  Grade grade(const NameSpan& span) const;
  bool has_name(FileReference reference) const;

  const Graph& graph_;
  std::vector<FileReference> deletion_folders_;
  std::unordered_map<FileReference, std::vector<NameSpan>> spans_;
};

// How sources of a name are written in notes: "usn_journal", "index_slack and usn_journal".
std::string sources_of(const Graph& graph, const std::vector<RowIndex>& rows);

}  // namespace trimcarve::history
