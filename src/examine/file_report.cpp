// One file of a target, from its sightings to its report and to the signs of its life and end.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "examine/volume_examiner.hpp"

namespace trimcarve {

using Standing = history::Graph::Standing;

void add_flag(FileReport& report, std::string flag) {
  if (std::ranges::find(report.flags, flag) == report.flags.end()) report.flags.push_back(std::move(flag));
}

void VolumeExaminer::report_file(const Member& member, FileReport& report, history::DeletionNode& node, std::optional<Estimate>& estimate) {
  report.volume = info_.index;
  report.targets = member.targets;
  report.reference = member.reference;
  report.reference_known = member.reference.value != 0 && member.reference.sequence() != 0;
  const Standing standing = member.reference.value != 0 ? graph_.standing(member.reference) : Standing::reused;
  report_sightings(member, report);
  const FileTime alias_from = report_names(member, standing, report);
  report_state(member, standing, report);
  read_signs(alias_from, report, node);
  node.deleted = report.state == FileState::deleted;
  if (node.deleted) {
    read_log_deletion(member, report, node, estimate);
    read_end(member, standing, report, node);
  }
  read_clocks(member, standing, report, node, estimate);
}

void VolumeExaminer::report_sightings(const Member& member, FileReport& report) {
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
}

FileTime VolumeExaminer::report_names(const Member& member, Standing standing, FileReport& report) {
  // A live file's path is the one it has now, with its directories' present names; a deleted one's that of its last time.
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
  return alias_from;
}

void VolumeExaminer::report_state(const Member& member, Standing standing, FileReport& report) {
  bool journal_deleted = false;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    journal_deleted = journal_deleted || (s.has_usn && (s.usn.reason & usn_reason::file_delete) != 0);
  }
  const bool logged = deleted_in_log(member.reference) != nullptr;
  switch (standing) {
    case Standing::live:
      report.state = FileState::live;
      if (logged) {
        // The free reached $LogFile, and the log reaches the disk before $MFT does.
        report.state = FileState::deleted;
        add_flag(report, "deleted_in_log");
      } else if (journal_deleted)
        add_flag(report, "contradiction: the journal records its deletion, $MFT shows it in use");
      break;
    case Standing::deleted: report.state = FileState::deleted; break;
    case Standing::reused: {
      // A reference younger than what its record says: the record was not yet written when the image was taken.
      const history::RecordSlot* slot = graph_.record(member.reference.entry());
      if (member.reference.value != 0 && slot != nullptr && slot->identity_known &&
          later_sequence(member.reference.sequence(), slot->identity.sequence())) {
        report.state = journal_deleted || logged ? FileState::deleted : FileState::unknown;
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
      report.state = journal_deleted || logged || freed ? FileState::deleted : FileState::unknown;
      break;
    }
  }
}

void VolumeExaminer::read_signs(FileTime alias_from, FileReport& report, history::DeletionNode& node) {
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
  std::uint64_t times_lsn = 0;
  bool times_of_other_log = false;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    if (s.has_record && !s.base_is_elsewhere) report.directory = s.directory || (report.directory && s.source == SourceKind::free_space);
    if (s.integrity == Integrity::torn) add_flag(report, "record_torn");
    const bool carved = s.source == SourceKind::free_space;
    const bool logged = s.source == SourceKind::log_file;
    if (carved && s.has_standard_information && info_.created && s.standard_information.changed < *info_.created)
      add_flag(report, "carved_older_than_volume");
    if (s.has_standard_information) {
      // The newest state tells: the record's own, or one in $LogFile that is younger. The log may state some of the times only.
      // Carved pages of a log come in its own order.
      if (!(logged || carved) || !report.standard_information || s.lsn > times_lsn || (s.other_lsn != 0 && times_of_other_log)) {
        TimeSet times = report.standard_information.value_or(TimeSet{});
        for (FileTime TimeSet::* const which : {&TimeSet::created, &TimeSet::modified, &TimeSet::changed, &TimeSet::accessed})
          if (s.standard_information.*which != no_time || !logged) times.*which = s.standard_information.*which;
        report.standard_information = times;
        times_lsn = s.lsn;
        times_of_other_log = s.other_lsn != 0;
      }
      alive(s.standard_information.changed, logged ? "log_record_changed" : carved ? "carved_record_changed" : "record_changed", n);
      for (const FileTime t : {s.standard_information.created, s.standard_information.modified, s.standard_information.accessed})
        if (t != no_time && !activity_.plausible(t)) add_flag(report, "implausible_time");
    }
    if (s.has_usn) {
      if ((s.usn.attributes & 0x10) != 0) report.directory = true;
      if ((s.usn.reason & usn_reason::file_delete) != 0)
        sign(node.deleted_at, s.usn.time, carved ? "carved_usn_delete" : "usn_delete", n);
      else if (alias_from != no_time && s.usn.time == alias_from && (s.usn.reason & usn_reason::rename_new_name) != 0)
        sign(node.deleted_at, s.usn.time, "usn_renamed_to_extend_deleted", n);
      else if (!s.usn.name_inferred)
        alive(s.usn.time, carved ? "carved_usn_record" : "usn_last_record", n);
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
}

void VolumeExaminer::read_end(const Member& member, Standing standing, const FileReport& report, history::DeletionNode& node) {
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
  // Gone by: the time of the shadow copy that shows it deleted.
  if (evidence_.shadow_created && member.reference.value != 0 && activity_.plausible(*evidence_.shadow_created))
    if (const Sighting* record = citations_->record(member.reference.entry()))
      node.gone.push_back({*evidence_.shadow_created, "shadow_gone", {citations_->cite(*record)}});
  const history::NameRow* next_in_journal = nullptr;
  history::RowIndex next_row = history::no_row;
  if (member.reference.value != 0)
    for (history::RowIndex i = graph_.first_row(member.reference.entry()); i != history::no_row; i = graph_.rows()[i].next) {
      const history::NameRow& row = graph_.rows()[i];
      if (!row.from_journal() || row.first_seen == no_time || row.name_inferred) continue;
      if (!later_sequence(row.reference.sequence(), member.reference.sequence())) continue;
      if (next_in_journal == nullptr || row.first_seen < next_in_journal->first_seen) next_in_journal = &row, next_row = i;
    }
  if (next_in_journal != nullptr && activity_.plausible(next_in_journal->first_seen))
    node.gone.push_back({next_in_journal->first_seen, "next_owner_in_journal", citations_->of_row(next_row)});

  // Gone by: the last change of the directory it was removed from. Only a live one: the times of a directory that is deleted itself are not
  // written back to its record (DFTT 7: dir1 was last modified, says its record, before the files in it were made that went with it).
  // Nor does a directory say anything whose own deletion is in $LogFile, or whose record is older than the deletion that only the log has.
  if (report.parent && graph_.standing(*report.parent) == Standing::live && deleted_in_log(*report.parent) == nullptr) {
    const Sighting* parent = citations_->record(report.parent->entry());
    const carvers::LogDeletion* logged = deleted_in_log(member.reference);
    const bool older = logged != nullptr && parent != nullptr && parent->lsn <= logged->lsn;
    if (parent != nullptr && !older && parent->directory && parent->has_standard_information &&
        parent->standard_information.modified != no_time && activity_.plausible(parent->standard_information.modified))
      node.gone.push_back({parent->standard_information.modified, "parent_modified", {citations_->cite(*parent)}});
  }
}

}  // namespace trimcarve
