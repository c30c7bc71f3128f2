#include "history/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace trimcarve::history {

namespace {

constexpr std::uint64_t extend_entry = 11;  // \$Extend
constexpr std::size_t deepest = 512;        // directories that are followed; Windows accepts more, but only of names of a few letters
constexpr std::size_t longest = 32'767;     // units; Windows accepts no longer path

// A POSIX delete names the file with 24 hex digits, the first 16 its own reference, sequence first.
bool has_alias_shape(std::u16string_view name, FileReference reference) {
  constexpr std::size_t digits = 24, of_reference = 16;
  if (name.size() != digits) return false;
  for (std::size_t i = 0; i < digits; ++i) {
    const char16_t c = name[i];
    const int value = c >= u'0' && c <= u'9'   ? c - u'0'
                      : c >= u'A' && c <= u'F' ? c - u'A' + 10
                      : c >= u'a' && c <= u'f' ? c - u'a' + 10
                                               : -1;
    if (value < 0) return false;
    if (i < of_reference && static_cast<std::uint64_t>(value) != (reference.value >> (60 - 4 * i) & 15U)) return false;
  }
  return true;
}

// Rows that state the file's present (or last) name rather than an earlier one.
bool states_last_name(const NameRow& row) { return row.source == SourceKind::mft || row.source == SourceKind::index; }

}  // namespace

std::string sources_of(const Graph& graph, const std::vector<RowIndex>& rows) {
  std::string out;
  for (const SourceKind kind : {SourceKind::mft, SourceKind::index, SourceKind::index_slack, SourceKind::record_slack,
                                SourceKind::usn_journal, SourceKind::log_file, SourceKind::free_space}) {
    if (std::ranges::none_of(rows, [&](RowIndex i) { return graph.rows()[i].source == kind; })) continue;
    if (!out.empty()) out += " and ";
    out += to_string(kind);
  }
  return out;
}

Paths::Paths(const Graph& graph) : graph_(graph) {
  for (RowIndex i = graph_.first_row(extend_entry); i != no_row; i = graph_.rows()[i].next) {
    const FileReference extend = graph_.rows()[i].reference;
    std::vector<RowIndex> children;
    graph_.children(extend, children);
    for (const RowIndex child : children) {
      const NameRow& row = graph_.rows()[child];
      if (row.reference.value != 0 && graph_.same_name(graph_.name(row), u"$Deleted")) deletion_folders_.push_back(row.reference);
    }
  }
  std::ranges::sort(deletion_folders_);
  const auto repeated = std::ranges::unique(deletion_folders_);
  deletion_folders_.erase(repeated.begin(), repeated.end());
}

bool Paths::is_deletion_alias(const NameRow& row) const {
  return is_deletion_folder(row.parent) ||
         (!has_name(row.parent) && row.parent != graph_.root() && has_alias_shape(graph_.name(row), row.reference));
}

bool Paths::is_deletion_folder(FileReference reference) const noexcept { return std::ranges::binary_search(deletion_folders_, reference); }

const std::vector<NameSpan>& Paths::spans(FileReference reference) {
  const auto [slot, is_new] = spans_.try_emplace(reference);
  std::vector<NameSpan>& spans = slot->second;
  if (!is_new) return spans;

  // 8.3 names are aliases: they count only when there is no other.
  std::vector<RowIndex> journal, logged, others;
  bool full_name = false;
  for (RowIndex i = graph_.first_row(reference.entry()); i != no_row; i = graph_.rows()[i].next)
    full_name = full_name || (graph_.rows()[i].reference == reference && !graph_.rows()[i].alias);
  for (RowIndex i = graph_.first_row(reference.entry()); i != no_row; i = graph_.rows()[i].next) {
    const NameRow& row = graph_.rows()[i];
    if (row.reference != reference || (row.alias && full_name)) continue;
    (row.from_journal() ? journal : row.source == SourceKind::log_file ? logged : others).push_back(i);
  }
  std::ranges::reverse(journal);  // the chain is newest first
  // In one journal the order of the records is the order of events, also when the clock was set back: what only $LogFile holds of it stands
  // among them by its USN. Two journals follow each other by the times at which they begin; what $LogFile holds of an earlier one, of which
  // no $J is left, comes before all.
  const auto is_there = [this](std::uint32_t owner) { return std::ranges::find(graph_.journals(), owner) != graph_.journals().end(); };
  std::map<std::uint32_t, FileTime> begins;
  bool in_log = false;
  for (const RowIndex i : journal) {
    const NameRow& row = graph_.rows()[i];
    in_log = in_log || row.source == SourceKind::log_file;
    begins.try_emplace(row.owner, is_there(row.owner) ? row.first_seen : no_time);
  }
  if (begins.size() > 1 || in_log)
    std::ranges::stable_sort(journal, {}, [&](RowIndex i) {
      const std::uint32_t owner = graph_.rows()[i].owner;
      return std::tuple{begins.at(owner), owner, in_log && is_there(owner) ? graph_.usn(i) : 0};
    });
  for (const RowIndex i : journal) {
    const NameRow& row = graph_.rows()[i];
    NameSpan span{.parent = row.parent, .parent_known = row.parent_known, .parent_inferred = row.parent_inferred, .rows = {i}};
    span.first_seen = row.first_seen;
    span.last_seen = row.last_seen;
    if (row.began) span.from = row.first_seen;
    if (row.ended) span.until = row.last_seen;
    spans.push_back(std::move(span));
  }
  const auto same = [this](const NameSpan& span, const NameRow& row) {
    return span.parent == row.parent && graph_.name(graph_.rows()[span.rows.front()]) == graph_.name(row);
  };
  // Rows without a time join the latest span of the same name. Others are earlier names, unless the record itself (or a live index entry)
  // states them: that is the last one.
  std::ranges::stable_sort(others, {}, [this](RowIndex i) { return states_last_name(graph_.rows()[i]) ? 1 : 0; });
  // $LogFile's names come in the order in which they were given. A journal reaches further back and has all renames of its time: what only
  // the log knows came before those.
  std::ranges::reverse(logged);
  // Those of carved pages are of before the log, as far as is known.
  std::ranges::stable_partition(logged, [this](RowIndex i) { return graph_.rows()[i].stream == StreamKind::carved_log; });
  std::size_t only_logged = 0;
  for (const RowIndex i : logged) {
    const NameRow& row = graph_.rows()[i];
    const auto found = std::find_if(spans.rbegin(), spans.rend(), [&](const NameSpan& span) { return same(span, row); });
    const auto end_of_logged = spans.begin() + static_cast<std::ptrdiff_t>(only_logged);
    if (found == spans.rend()) {
      spans.insert(end_of_logged, NameSpan{.parent = row.parent, .parent_known = row.parent_known, .rows = {i}});
      ++only_logged;
      continue;
    }
    found->rows.push_back(i);
    if (const auto at = found.base() - 1; at < end_of_logged) std::rotate(at, at + 1, end_of_logged);  // that name again
  }
  std::size_t earlier = 0;
  for (const RowIndex i : others) {
    const NameRow& row = graph_.rows()[i];
    const auto found = std::find_if(spans.rbegin(), spans.rend(), [&](const NameSpan& span) { return same(span, row); });
    if (found != spans.rend()) {
      found->rows.push_back(i);
      found->current |= row.source == SourceKind::mft;
      found->parent_inferred = found->parent_inferred && row.parent_inferred;
      continue;
    }
    NameSpan span{.parent = row.parent, .parent_known = row.parent_known, .parent_inferred = row.parent_inferred, .rows = {i}};
    span.current = row.source == SourceKind::mft;
    if (states_last_name(row))
      spans.push_back(std::move(span));
    else
      spans.insert(spans.begin() + static_cast<std::ptrdiff_t>(earlier++), std::move(span));
  }
  for (NameSpan& span : spans) {
    // The one to quote: the record, then a live index entry, then the journal, then slack.
    std::ranges::stable_sort(span.rows, {}, [this](RowIndex i) {
      switch (graph_.rows()[i].source) {
        case SourceKind::mft: return 0;
        case SourceKind::index: return 1;
        case SourceKind::usn_journal: return 2;
        case SourceKind::log_file: return 3;
        default: return 4;
      }
    });
    span.deletion_alias = is_deletion_alias(graph_.rows()[span.rows.front()]);
  }
  // What the record of a live file says is its name now, even where the journal (with a gap, or older than the record) ends with another.
  if (graph_.standing(reference) == Graph::Standing::live && !spans.empty() && !spans.back().current) {
    const auto now = std::find_if(spans.rbegin(), spans.rend(), [](const NameSpan& span) { return span.current; });
    if (now != spans.rend()) std::rotate(now.base() - 1, now.base(), spans.end());
  }
  return spans;
}

const NameSpan* Paths::last_name(FileReference reference) {
  const auto& all = spans(reference);
  const auto found = std::find_if(all.rbegin(), all.rend(), [](const NameSpan& span) { return !span.deletion_alias; });
  if (found != all.rend()) return &*found;
  return all.empty() ? nullptr : &all.back();
}

const NameSpan* Paths::name_at(FileReference reference, FileTime time) {
  if (time == no_time) return last_name(reference);
  const auto& all = spans(reference);
  const NameSpan* best = nullptr;
  for (const NameSpan& span : all) {
    if (span.deletion_alias) continue;
    const FileTime from = span.from != no_time ? span.from : span.first_seen;
    if (from != no_time && from > time) {
      // Begins later: only if nothing earlier is known, and then the earliest of them.
      if (best == nullptr) best = &span;
      break;
    }
    // A name without times came after the one before it: while that one is known to have held, it had not begun.
    if (from == no_time && best != nullptr && time <= (best->until != no_time ? best->until : best->last_seen)) break;
    best = &span;
  }
  return best != nullptr ? best : last_name(reference);
}

bool Paths::has_name(FileReference reference) const {
  for (RowIndex i = graph_.first_row(reference.entry()); i != no_row; i = graph_.rows()[i].next)
    if (graph_.rows()[i].reference == reference) return true;
  return false;
}

Grade Paths::grade(const NameSpan& span) const {
  bool stated = false;
  SourceKind first{};
  bool second = false;
  for (const RowIndex i : span.rows) {
    const NameRow& row = graph_.rows()[i];
    if (row.parent_inferred || row.name_inferred || !row.parent_known) continue;
    if (!stated) {
      stated = true;
      first = row.source;
    } else if (row.source != first) {
      second = true;
    }
  }
  return !stated ? Grade::inferred : second ? Grade::corroborated : Grade::established;
}

void Paths::prepend(Path& path, std::u16string_view name) const {
  std::u16string joined(1, u'\\');
  joined += name;
  joined += path.text;
  path.text = std::move(joined);
}

void Paths::climb(FileReference parent, FileTime time, Path& path) {
  std::vector<FileReference> seen;
  const auto unknown = [&](const std::string& why) {
    path.known = false;
    path.text.insert(0, u"\u2026");
    if (!path.note.empty()) path.note += "; ";
    path.note += why;
  };
  const auto told = [](FileReference r) { return fmt::format("{}-{}", r.entry(), r.sequence()); };
  // A path of corroborated parts is corroborated; one part that is only established makes it established; one inferred part, inferred.
  while (parent != graph_.root()) {
    if (path.text.size() > longest) return unknown("a longer path than Windows allows");
    if (std::ranges::find(seen, parent) != seen.end()) return unknown(fmt::format("directory {} is its own ancestor", told(parent)));
    if (seen.size() >= deepest) return unknown(fmt::format("more than {} directories deep", deepest));
    seen.push_back(parent);
    const auto standing = graph_.standing(parent);
    const NameSpan* span = name_at(parent, time);
    const RecordSlot* slot = graph_.record(parent.entry());
    const bool not_a_directory = slot != nullptr && slot->identity_known && slot->identity == parent && !slot->directory;
    if (span == nullptr || not_a_directory) {
      switch (standing) {
        case Graph::Standing::reused: return unknown(fmt::format("parent {} reused: its name is not known", told(parent)));
        case Graph::Standing::unknown: return unknown(fmt::format("parent {}: its record tells nothing", told(parent)));
        default:
          return unknown(not_a_directory ? fmt::format("parent {} is not a directory", told(parent))
                                         : fmt::format("parent {} has no name left", told(parent)));
      }
    }
    if (standing == Graph::Standing::reused) {
      if (!path.note.empty()) path.note += "; ";
      path.note += fmt::format("parent {} reused: name known from {}", told(parent), sources_of(graph_, span->rows));
    }
    const Grade here = grade(*span);
    if (here == Grade::inferred)
      path.grade = Grade::inferred;
    else if (here == Grade::established && path.grade == Grade::corroborated)
      path.grade = Grade::established;
    prepend(path, graph_.name(graph_.rows()[span->rows.front()]));
    path.rows.push_back(span->rows.front());
    if (!span->parent_known && !span->parent_inferred) return unknown(fmt::format("the parent of {} is overwritten", told(parent)));
    parent = span->parent;
  }
}

Path Paths::path(FileReference reference, const NameSpan& span, FileTime time) {
  Path path;
  path.grade = grade(span);
  if (reference == graph_.root()) {
    path.text = u"\\";
    return path;
  }
  prepend(path, graph_.name(graph_.rows()[span.rows.front()]));
  path.rows.push_back(span.rows.front());
  if (!span.parent_known && !span.parent_inferred) {
    path.known = false;
    path.text.insert(0, u"\u2026");
    path.note = "its parent is overwritten";
    return path;
  }
  climb(span.parent, time, path);
  return path;
}

Path Paths::path(const NameRow& row, RowIndex index) {
  const NameSpan span{.parent = row.parent, .parent_known = row.parent_known, .parent_inferred = row.parent_inferred, .rows = {index}};
  return path(FileReference{}, span, no_time);
}

}  // namespace trimcarve::history
