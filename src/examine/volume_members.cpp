// Which files a target has: by path and by what is below it, at any time; and the directory indexes that bring more to light.
#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "examine/volume_examiner.hpp"
#include "history/select.hpp"

namespace trimcarve {

namespace {

using Standing = history::Graph::Standing;
constexpr std::uint32_t index_allocation_type = 0xA0;
constexpr int most_index_rounds = 16;  // each round reads the indexes of directories that the last one brought to light

}  // namespace

// The whole volume: not only what hangs below the root, but also what has lost its parents or its name.
history::Selection VolumeExaminer::everything() const {
  history::Selection out;
  std::unordered_set<FileReference> seen;
  const auto add = [&](FileReference reference) {
    if (seen.insert(reference).second) out.references.push_back(reference);
  };
  graph_.each_record([&](std::uint64_t, const history::RecordSlot& slot) {
    if (!slot.extension && slot.identity_known) add(slot.identity);
  });
  for (history::RowIndex i = 0; i < graph_.rows().size(); ++i) {
    const history::NameRow& row = graph_.rows()[i];
    if (row.reference.value != 0)
      add(row.reference);
    else
      out.nameless.push_back(i);
  }
  return out;
}

history::Selection VolumeExaminer::tops(const findings::Target& target) const {
  history::Selection out;
  const auto add = [&](std::span<const std::u16string> path) {
    std::ranges::copy(history::find(graph_, path, &out.nameless), std::back_inserter(out.references));
  };
  if (target.profile == nullptr && !target.path.empty()) {
    add(target.path);
    return out;
  }
  if (target.profile == nullptr) return everything();
  for (const auto base : {findings::plugins_path(), findings::logs_path()}) {
    std::vector<std::u16string> path(base.begin(), base.end());
    for (const std::u16string_view handler : target.profile->handlers) {
      path.emplace_back(handler);
      add(path);
      path.pop_back();
    }
    if (!target.profile->handlers.empty()) continue;
    std::vector<history::RowIndex> children;
    for (const FileReference folder : history::find(graph_, base)) {
      graph_.children(folder, children);
      for (const history::RowIndex i : children) {
        if (graph_.rows()[i].reference.value != 0)
          out.references.push_back(graph_.rows()[i].reference);
        else
          out.nameless.push_back(i);
      }
    }
  }
  std::ranges::sort(out.references);
  const auto repeated = std::ranges::unique(out.references);
  out.references.erase(repeated.begin(), repeated.end());
  return out;
}

// Files and folders that bear a name only this product has, and whose parents are lost: they belong to no path, yet they are traces.
std::vector<FileReference> VolumeExaminer::orphans(const findings::Target& target) {
  std::vector<FileReference> out;
  if (target.profile == nullptr) return out;
  for (history::RowIndex i = 0; i < graph_.rows().size(); ++i) {
    const history::NameRow& row = graph_.rows()[i];
    if (row.reference.value == 0) continue;
    const auto is = [&](std::u16string_view name) { return row.length == name.size() && graph_.same_name(graph_.name(row), name); };
    if (std::ranges::none_of(target.profile->handlers, is) && std::ranges::none_of(target.profile->signatures, is)) continue;
    const history::NameSpan* name = paths_->last_name(row.reference);
    if (name != nullptr && !paths_->path(row.reference, *name, no_time).known) out.push_back(row.reference);
  }
  return out;
}

bool VolumeExaminer::carve_index(FileReference directory) {
  if (!carved_directories_.insert(directory).second || !evidence_.volume) return false;
  // The record must be this very directory's, in use or not: after reuse its runs are another file's.
  const auto standing = graph_.standing(directory);
  const history::RecordSlot* slot = graph_.record(directory.entry());
  if ((standing != Standing::live && standing != Standing::deleted) || !slot->directory) return false;
  bool added = false;
  carvers::carve_record_at(*evidence_.volume->mft(), directory.entry(), evidence_.record_options(), [&](const Sighting& sighting) {
    // Slack of the root came with the pass over $MFT.
    if (sighting.source != SourceKind::index) return;
    ++index_tally_.live;
    see_ticks(sighting);
    graph_.add(sighting);
    added = true;
  });
  ++index_tally_.roots;
  const bool in_use = standing == Standing::live;
  if (const auto index = open_index(evidence_, directory.entry())) {
    auto options = index->options(evidence_, directory, standing == Standing::deleted);
    options.progress = progress_sink("directory indexes");
    if (in_use && index->bytes->size() <= options.block_size) one_block_indexes_.insert(directory);
    const auto tally = carvers::carve_index_allocation(*index->bytes, options, [&](const Sighting& sighting) {
      see_ticks(sighting);
      graph_.add(sighting);
      added = true;
    });
    if (tally.stopped) end_early("directory indexes");
    index_tally_.add(tally);
  } else if (const Sighting* record = citations_->record(directory.entry()); in_use && record != nullptr) {
    std::vector<std::uint64_t> extensions;
    graph_.extensions(directory, extensions);
    if (extensions.empty() && std::ranges::none_of(record->streams, [](const StreamFact& s) { return s.type == index_allocation_type; }))
      root_indexes_.insert(directory);
  }
  return added;
}

void VolumeExaminer::carve_indexes(const std::vector<findings::Target>& targets) {
  for (int round = 0; round < most_index_rounds; ++round) {
    bool added = false;
    for (const findings::Target& target : targets) {
      std::vector<std::vector<std::u16string>> paths;
      if (target.profile == nullptr) {
        paths.push_back(target.path);
      } else {
        paths.emplace_back(findings::plugins_path().begin(), findings::plugins_path().end());
        paths.emplace_back(findings::logs_path().begin(), findings::logs_path().end());
      }
      // Every level on the way: an entry in the slack of \Packages may name an earlier Plugins.
      for (const auto& path : paths)
        for (std::size_t depth = 0; depth <= path.size(); ++depth)
          for (const FileReference directory : history::find(graph_, std::span(path).first(depth))) added |= carve_index(directory);
      for (const FileReference reference : history::select_below(graph_, tops(target)).references) added |= carve_index(reference);
    }
    if (!added) return;
    graph_.finish();
  }
}

std::vector<VolumeExaminer::Member> VolumeExaminer::members(const std::vector<findings::Target>& targets) {
  std::vector<Member> out;
  std::unordered_map<FileReference, std::size_t> by_reference;
  std::unordered_map<history::RowIndex, std::size_t> by_row;
  for (std::uint32_t t = 0; t < targets.size(); ++t) {
    auto from = tops(targets[t]);
    std::unordered_set<FileReference> seen(from.references.begin(), from.references.end());
    for (const FileReference orphan : orphans(targets[t]))
      if (seen.insert(orphan).second) from.references.push_back(orphan);
    const history::Selection selection = history::select_below(graph_, std::move(from));
    for (const FileReference reference : selection.references) {
      const auto [slot, is_new] = by_reference.try_emplace(reference, out.size());
      if (is_new) out.push_back({.reference = reference});
      out[slot->second].targets.push_back(t);
    }
    for (const history::RowIndex row : selection.nameless) {
      const auto [slot, is_new] = by_row.try_emplace(row, out.size());
      if (is_new) out.push_back({.row = row});
      out[slot->second].targets.push_back(t);
    }
  }
  return out;
}

// Does anything say of this file that one of its times is `born`?
bool VolumeExaminer::born_at(FileReference reference, FileTime TimeSet::* which, FileTime born) {
  const auto [slot, is_new] = known_times_.try_emplace(reference);
  std::vector<TimeSet>& known = slot->second;
  if (is_new) {
    std::uint64_t ignored = 0;
    citations_->visit_file(
        reference,
        [&](const Sighting& sighting) {
          for (const NameFact& fact : sighting.names)
            if (fact.has_times) known.push_back(fact.times);
          if (sighting.has_standard_information) known.push_back(sighting.standard_information);
          if (sighting.has_usn && (sighting.usn.reason & usn_reason::file_create) != 0) known.push_back({.created = sighting.usn.time});
        },
        ignored);
  }
  return std::ranges::any_of(known, [&](const TimeSet& times) { return times.*which == born; });
}

// A name in slack whose own reference is lost is often a name of a file that is known: the same directory, the same name and the same
// creation time say so. What is left stands for itself; several copies of one name in one directory's slack are one file.
void VolumeExaminer::attach_nameless(std::vector<Member>& members) {
  std::vector<Member> kept;
  std::set<std::tuple<FileReference, FileTime, std::u16string>> seen;
  std::vector<history::RowIndex> siblings;
  for (const Member& member : members)
    if (member.reference.value != 0) kept.push_back(member);
  for (Member& member : members) {
    if (member.reference.value != 0) continue;
    const history::NameRow& row = graph_.rows()[member.row];
    std::optional<TimeSet> stated;
    citations_->visit_row(member.row, [&](const Sighting& sighting) {
      if (!stated && !sighting.names.empty()) stated = sighting.names.front().times;
    });
    if (!stated) continue;
    // The end marker may lie over the first of the times: then the next that survived serves.
    const TimeSet times = *stated;
    FileTime TimeSet::* const which = times.created != no_time    ? &TimeSet::created
                                      : times.modified != no_time ? &TimeSet::modified
                                                                  : &TimeSet::accessed;
    const FileTime born = times.*which;
    bool joined = false;
    if (born != no_time)
      graph_.children(row.parent, siblings);
    else
      siblings.clear();
    for (const history::RowIndex i : siblings) {
      const history::NameRow& other = graph_.rows()[i];
      // An 8.3 name has no name to compare: the creation time alone, to 100 ns in one directory, joins it.
      if (other.reference.value == 0 || (!row.alias && graph_.name(other) != graph_.name(row))) continue;
      if (!born_at(other.reference, which, born)) continue;
      joined = true;
      std::ranges::copy(citations_->of_row(member.row), std::back_inserter(extra_[other.reference]));
      break;
    }
    if (joined || !seen.emplace(row.parent, born, graph_.name(row)).second) continue;
    kept.push_back(std::move(member));
  }
  members = std::move(kept);
}

}  // namespace trimcarve
