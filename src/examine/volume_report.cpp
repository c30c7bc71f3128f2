// From the graph to the reports of the target's files.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "examine/volume_examiner.hpp"
#include "history/select.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve {

namespace {

using Standing = history::Graph::Standing;
constexpr int most_index_rounds = 16;  // each round reads the indexes of directories that the last one brought to light

// A sequence that came after another for the same entry; the counter wraps at 0xFFFF.
bool later_sequence(std::uint16_t sequence, std::uint16_t than) {
  const auto difference = static_cast<std::uint16_t>(sequence - than);
  return difference != 0 && difference < 0x8000;
}

std::string told(FileReference reference) { return fmt::format("{}-{}", reference.entry(), reference.sequence()); }

void add_flag(FileReport& report, std::string flag) {
  if (std::ranges::find(report.flags, flag) == report.flags.end()) report.flags.push_back(std::move(flag));
}

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
    graph_.add(sighting);
    added = true;
  });
  ++index_tally_.roots;
  if (const auto index = open_index(evidence_, directory.entry())) {
    auto options = index->options(evidence_, directory, standing == Standing::deleted);
    options.progress = progress_sink("directory indexes");
    const auto tally = carvers::carve_index_allocation(*index->bytes, options, [&](const Sighting& sighting) {
      graph_.add(sighting);
      added = true;
    });
    if (tally.stopped) throw RunError(ExitCode::interrupted, "examine", "interrupted", "stopped while reading directory indexes");
    index_tally_.add(tally);
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

void VolumeExaminer::report_file(const Member& member, FileReport& report, history::DeletionNode& node) {
  report.volume = info_.index;
  report.targets = member.targets;
  report.reference = member.reference;
  report.reference_known = member.reference.value != 0 && member.reference.sequence() != 0;

  // Evidence.
  std::uint64_t left_out = 0;
  if (member.reference.value != 0) {
    report.sightings = citations_->of_file(member.reference, left_out);
    if (const auto extra = extra_.find(member.reference); extra != extra_.end())
      for (const std::uint32_t n : extra->second)
        if (std::ranges::find(report.sightings, n) == report.sightings.end()) report.sightings.push_back(n);
  } else {
    report.sightings = citations_->of_row(member.row);
  }
  if (left_out != 0) add_flag(report, fmt::format("journal_records_not_cited:{}", left_out));

  // Names and paths. A live file's path is the one it has now, with its directories' present names; a deleted one's that of its last time.
  const Standing standing = member.reference.value != 0 ? graph_.standing(member.reference) : Standing::reused;
  const auto time_of = [&](const history::NameSpan& span) {
    return span.until != no_time ? span.until : standing == Standing::live && span.current ? no_time : span.last_seen;
  };
  std::map<std::pair<SourceKind, std::uint64_t>, std::vector<std::uint32_t>> by_place;
  for (const std::uint32_t n : report.sightings) by_place[{out_.sightings[n].source, out_.sightings[n].place.offset}].push_back(n);
  FileTime alias_from = no_time;
  const history::NameSpan* name = nullptr;
  if (member.reference.value != 0) {
    for (const history::NameSpan& span : paths_->spans(member.reference)) {
      if (span.deletion_alias) {
        add_flag(report, "renamed_to_extend_deleted");
        const FileTime from = span.from != no_time ? span.from : span.first_seen;
        if (from != no_time && (alias_from == no_time || from < alias_from)) alias_from = from;
      }
      const history::Path path = paths_->path(member.reference, span, time_of(span));
      PathReport& out = report.paths.emplace_back();
      out.path = path.text;
      out.grade = path.grade;
      out.note = path.note;
      if (span.from != no_time) out.from = span.from;
      if (span.until != no_time) out.until = span.until;
      for (const history::RowIndex i : span.rows)
        if (const auto found = by_place.find({graph_.rows()[i].source, graph_.rows()[i].locator}); found != by_place.end())
          for (const std::uint32_t n : found->second)
            if (std::ranges::find(out.sightings, n) == out.sightings.end()) out.sightings.push_back(n);
    }
    name = paths_->last_name(member.reference);
  }
  history::Path path;
  if (name != nullptr) {
    path = paths_->path(member.reference, *name, time_of(*name));
    report.name = std::u16string(graph_.name(graph_.rows()[name->rows.front()]));
    if (name->parent_known) report.parent = name->parent;
  } else if (member.row != history::no_row) {
    const history::NameRow& row = graph_.rows()[member.row];
    path = paths_->path(row, member.row);
    report.name = std::u16string(graph_.name(row));
    if (row.parent_known) report.parent = row.parent;
  } else {
    path.text = u"\u2026";
    path.known = false;
    path.note = "no name is left";
  }
  if (member.reference == graph_.root()) path.text = u"\\", path.known = true, path.note.clear();
  report.path = path.text;
  report.path_grade = path.grade;
  report.path_note = path.note;
  report.path_known = path.known;
  // A POSIX name may hold what separates names elsewhere: its path then reads like another file's.
  if (report.name.find_first_of(u"\\/") != std::u16string::npos) add_flag(report, "name_holds_separator");

  // State.
  bool journal_deleted = false;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    journal_deleted = journal_deleted || (s.has_usn && (s.usn.reason & usn_reason::file_delete) != 0);
  }
  switch (standing) {
    case Standing::live:
      report.state = FileState::live;
      if (journal_deleted) add_flag(report, "contradiction: the journal records its deletion, $MFT shows it in use");
      break;
    case Standing::deleted: report.state = FileState::deleted; break;
    case Standing::reused: {
      // A reference younger than what its record says: the record was not yet written when the image was taken.
      const history::RecordSlot* slot = graph_.record(member.reference.entry());
      if (member.reference.value != 0 && slot != nullptr && slot->identity_known &&
          later_sequence(member.reference.sequence(), slot->identity.sequence())) {
        report.state = journal_deleted ? FileState::deleted : FileState::unknown;
        add_flag(report, "record_older_than_file");
        break;
      }
      report.state = FileState::deleted;
      if (member.reference.value != 0) add_flag(report, "record_reused");
      break;
    }
    case Standing::unknown: {
      const history::RecordSlot* slot = graph_.record(member.reference.entry());
      const bool freed = slot != nullptr && !slot->in_use;
      report.state = journal_deleted || freed ? FileState::deleted : FileState::unknown;
      break;
    }
  }

  // What the sightings state, and what they say of its life and end.
  const auto sign = [&](std::vector<history::TimeBasis>& list, FileTime time, std::string basis, std::uint32_t n) {
    if (time == no_time) return;
    if (!activity_.plausible(time)) {
      add_flag(report, "implausible_time");
      return;
    }
    list.push_back({time, std::move(basis), {n}});
  };
  const auto alive = [&](FileTime time, std::string basis, std::uint32_t n) {
    if (alias_from == no_time || time < alias_from) sign(node.alive, time, std::move(basis), n);
  };
  std::optional<FileTime> index_time;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    if (s.has_record && !s.base_is_elsewhere) report.directory = s.directory;
    if (s.integrity == Integrity::torn) add_flag(report, "record_torn");
    if (s.has_standard_information) {
      report.standard_information = s.standard_information;
      alive(s.standard_information.changed, "record_changed", n);
      for (const FileTime t : {s.standard_information.created, s.standard_information.modified, s.standard_information.accessed})
        if (t != no_time && !activity_.plausible(t)) add_flag(report, "implausible_time");
    }
    if (s.has_usn) {
      if ((s.usn.attributes & 0x10) != 0) report.directory = true;
      if ((s.usn.reason & usn_reason::file_delete) != 0)
        sign(node.deleted_at, s.usn.time, "usn_delete", n);
      else if (alias_from != no_time && s.usn.time == alias_from && (s.usn.reason & usn_reason::rename_new_name) != 0)
        sign(node.deleted_at, s.usn.time, "usn_renamed_to_extend_deleted", n);
      else if (!s.usn.name_inferred)
        alive(s.usn.time, "usn_last_record", n);
    }
    for (const NameFact& fact : s.names) {
      if (!fact.has_times) continue;
      if ((fact.attributes & 0x1000'0000) != 0) report.directory = true;
      const bool record = s.source == SourceKind::mft;
      alive(fact.times.changed, record ? "name_changed" : std::string(to_string(s.source)) + "_entry_changed", n);
      if (record ? fact.name_space != NameSpace::dos || !report.file_name : !report.file_name) report.file_name = fact.times;
      // Sizes in an index entry are brought up to date when the file is closed; those in $FILE_NAME are not.
      if (!record && (!index_time || fact.times.changed >= *index_time)) {
        index_time = fact.times.changed;
        report.size = fact.size;
      }
    }
  }
  if (report.directory) report.size.reset();
  node.deleted = report.state == FileState::deleted;
  if (!node.deleted) return;

  // Gone by: the next owner of its record.
  if (member.reference.value != 0 && standing == Standing::reused) {
    const Sighting* next = citations_->record(member.reference.entry());
    if (next != nullptr && next->reference_known && later_sequence(next->reference.sequence(), member.reference.sequence())) {
      // Its names' times were set by NTFS when it was created. A creation time may be carried over from a file of the same name
      // (tunnelling), the record change time is not: the later of the two is no earlier than the creation.
      FileTime created = no_time;
      for (const NameFact& fact : next->names)
        if (fact.has_times) {
          const FileTime time = std::max(fact.times.created, fact.times.changed);
          if (created == no_time || time < created) created = time;
        }
      if (created != no_time && activity_.plausible(created))
        node.gone.push_back({created, "next_owner_created", {citations_->cite(*next)}});
    }
  }
  const history::NameRow* next_in_journal = nullptr;
  history::RowIndex next_row = history::no_row;
  if (member.reference.value != 0)
    for (history::RowIndex i = graph_.first_row(member.reference.entry()); i != history::no_row; i = graph_.rows()[i].next) {
      const history::NameRow& row = graph_.rows()[i];
      if (row.source != SourceKind::usn_journal || row.first_seen == no_time || row.name_inferred) continue;
      if (!later_sequence(row.reference.sequence(), member.reference.sequence())) continue;
      if (next_in_journal == nullptr || row.first_seen < next_in_journal->first_seen) next_in_journal = &row, next_row = i;
    }
  if (next_in_journal != nullptr && activity_.plausible(next_in_journal->first_seen))
    node.gone.push_back({next_in_journal->first_seen, "next_owner_in_journal", citations_->of_row(next_row)});

  // Gone by: the last change of the directory it was removed from. Only a live one: the times of a directory that is deleted itself are not
  // written back to its record (DFTT 7: dir1 was last modified, says its record, before the files in it were made that went with it).
  if (report.parent && graph_.standing(*report.parent) == Standing::live) {
    const Sighting* parent = citations_->record(report.parent->entry());
    if (parent != nullptr && parent->directory && parent->has_standard_information && parent->standard_information.modified != no_time &&
        activity_.plausible(parent->standard_information.modified))
      node.gone.push_back({parent->standard_information.modified, "parent_modified", {citations_->cite(*parent)}});
  }
}

history::Owner VolumeExaminer::owner_of(std::uint32_t entry) {
  history::Owner owner;
  const history::RecordSlot* slot = graph_.record(entry);
  if (slot == nullptr) return owner;
  // An extension record that still says "in use" is its base's only while the base is.
  owner.live = slot->in_use && (!slot->extension || graph_.standing(slot->identity) == Standing::live);
  if (const Sighting* record = citations_->record(entry)) {
    owner.lsn = record->lsn;
    for (const NameFact& fact : record->names)
      if (fact.has_times) owner.created = std::max(owner.created, fact.times.created);
  }
  return owner;
}

std::string VolumeExaminer::owner_text(std::uint32_t entry) {
  const history::RecordSlot* slot = graph_.record(entry);
  if (slot == nullptr) return fmt::format("record {}", entry);
  std::string text = told(slot->identity);
  if (const history::NameSpan* name = paths_->last_name(slot->identity))
    text += " " + to_utf8(paths_->path(slot->identity, *name, name->last_seen).text);
  return text;
}

void VolumeExaminer::report_contents(std::size_t first_file) {
  if (!evidence_.volume) return;
  std::vector<std::vector<history::StreamPieces>> streams;
  std::vector<history::Claim> wanted;
  for (std::size_t i = first_file; i < out_.files.size(); ++i) {
    const FileReport& file = out_.files[i];
    auto pieces = history::join_streams(out_.sightings, file.sightings);
    if (file.state != FileState::live)
      for (const auto& stream : pieces)
        for (const RunFact& run : stream.runs)
          if (run.lcn >= 0 && run.clusters != 0)
            wanted.push_back(
                {static_cast<std::uint64_t>(run.lcn), static_cast<std::uint32_t>(std::min<std::uint64_t>(run.clusters, 0xFFFF'FFFF)), 0});
    streams.push_back(std::move(pieces));
  }
  constexpr std::uint64_t rounds = 8, least = 1 << 20;  // deleted files of a long life claim the same clusters a few times over
  std::uint64_t clusters_left = std::max(least, rounds * std::min(evidence_.volume->clusters(), std::uint64_t{1} << 48));
  const history::ClusterOwners owners(graph_, std::move(wanted));
  const history::ContentContext context{*evidence_.volume,
                                        owners,
                                        evidence_.holes_speak,
                                        [this](std::uint32_t entry) { return owner_of(entry); },
                                        [this](std::uint32_t entry) { return owner_text(entry); },
                                        &clusters_left};
  const auto progress = progress_sink("contents");
  for (std::size_t i = first_file; i < out_.files.size(); ++i) {
    FileReport& file = out_.files[i];
    if (!progress(i - first_file, out_.files.size() - first_file))
      throw RunError(ExitCode::interrupted, "examine", "interrupted", "stopped while reading contents");
    history::FileFacts facts{.reference = file.reference, .live = file.state == FileState::live};
    for (const std::uint32_t n : file.sightings) {
      const Sighting& s = out_.sightings[n];
      if (s.source != SourceKind::mft || s.base_is_elsewhere) continue;
      facts.lsn = s.lsn;
      for (const NameFact& fact : s.names)
        if (fact.has_times) facts.created = std::max(facts.created, fact.times.created);
    }
    for (const auto& pieces : streams[i - first_file]) file.streams.push_back(history::judge_stream(context, facts, pieces));
    if (!file.directory && file.streams.empty()) {
      StreamReport& lost = file.streams.emplace_back();
      lost.size = file.size.value_or(0);
      lost.why = file.reference_known && graph_.standing(file.reference) == Standing::reused
                     ? "its record was reused: where its content lay is not known"
                     : "no record tells where its content lay";
      if (file.size && *file.size == 0) lost.state = ContentState::none, lost.why = "empty";
    }
    history::add_fragments(*evidence_.volume, out_.sightings, file.sightings, file.paths.size() > 1, file.streams);
    for (StreamReport& stream : file.streams)
      for (RecoveredPart& part : stream.parts) part.ranges_sha256 = citations_->hash(part.ranges);
    if (!file.directory && !file.streams.empty() && file.streams.front().name.empty() &&
        std::ranges::any_of(streams[i - first_file], [](const auto& s) { return s.name.empty() && s.first_extent_seen; }))
      file.size = file.streams.front().size;
    if (std::ranges::any_of(file.streams, [](const StreamReport& s) { return s.state == ContentState::unreadable; }))
      out_.complete = out_.complete && evidence_.volume->from_artefact();
  }
}

std::vector<CreatedFile> VolumeExaminer::created_between(FileTime from, FileTime to, std::size_t most, std::uint64_t& total) {
  const auto time_of = [this](history::RowIndex i) { return graph_.rows()[i].first_seen; };
  if (creations_.empty()) {
    for (history::RowIndex i = 0; i < graph_.rows().size(); ++i) {
      const history::NameRow& row = graph_.rows()[i];
      if (row.source == SourceKind::usn_journal && (row.reasons & usn_reason::file_create) != 0 && row.began) creations_.push_back(i);
    }
    std::ranges::stable_sort(creations_, {}, time_of);
  }
  std::vector<history::RowIndex> found;
  total = 0;
  for (auto it = std::ranges::lower_bound(creations_, from, {}, time_of); it != creations_.end() && time_of(*it) <= to; ++it) {
    if (reported_.contains(graph_.rows()[*it].reference)) continue;
    if (++total <= most) found.push_back(*it);
  }
  std::vector<CreatedFile> out;
  for (const history::RowIndex i : found) {
    const history::NameRow& row = graph_.rows()[i];
    CreatedFile& file = out.emplace_back();
    file.created = row.first_seen;
    const history::NameSpan* name = paths_->name_at(row.reference, row.first_seen);
    file.path = to_utf8(name != nullptr ? paths_->path(row.reference, *name, row.first_seen).text : std::u16string(graph_.name(row)));
    const Standing standing = graph_.standing(row.reference);
    file.state = standing == Standing::live                                                      ? FileState::live
                 : standing == Standing::unknown && (row.reasons & usn_reason::file_delete) == 0 ? FileState::unknown
                                                                                                 : FileState::deleted;
    file.sightings = citations_->of_row(i);
  }
  return out;
}

void VolumeExaminer::report(const std::vector<findings::Target>& targets) {
  carve_indexes(targets);
  paths_ = std::make_unique<history::Paths>(graph_);  // names that the indexes brought are in it now
  auto all = members(targets);
  std::vector<FileReference> references;
  for (const Member& member : all)
    if (member.reference.value != 0) references.push_back(member.reference);
  citations_->index_journal(references);
  attach_nameless(all);

  const std::size_t first_file = out_.files.size();
  std::vector<history::DeletionNode> nodes(all.size());
  std::unordered_map<FileReference, std::size_t> by_reference;
  for (std::size_t i = 0; i < all.size(); ++i) {
    report_file(all[i], out_.files.emplace_back(), nodes[i]);
    if (all[i].reference.value != 0) {
      by_reference.emplace(all[i].reference, i);
      reported_.insert(all[i].reference);
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const FileReport& file = out_.files[first_file + i];
    if (!file.parent) continue;
    if (const auto parent = by_reference.find(*file.parent); parent != by_reference.end() && parent->second != i)
      nodes[i].parent = static_cast<std::ptrdiff_t>(parent->second);
  }
  history::bound_deletions(nodes);
  for (std::size_t i = 0; i < all.size(); ++i) {
    FileReport& file = out_.files[first_file + i];
    if (nodes[i].deleted) file.deleted = Deletion{.bounds = nodes[i].bounds};
    for (const std::string& contradiction : nodes[i].contradictions) add_flag(file, "contradiction: " + contradiction);
  }
  report_contents(first_file);
  index_coverage();
}

}  // namespace trimcarve
