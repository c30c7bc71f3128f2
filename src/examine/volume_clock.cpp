// The clocks of a volume's sequence numbers: what they say of a file beside its own times, and where they contradict what others say.
#include <fmt/format.h>

#include <algorithm>

#include "examine/volume_examiner.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve {

namespace {

using Standing = history::Graph::Standing;

// A time is taken before what it belongs to is logged, and records are not logged in the order in which their times were taken: on
// mft_winxp held-out times are up to 1.3 s later than their bracket. Less than this is no contradiction.
constexpr std::uint64_t slack = 10 * ticks_per_second;

double seconds(std::uint64_t ticks) { return static_cast<double>(ticks) / static_cast<double>(ticks_per_second); }

std::string length(std::uint64_t ticks) {
  const std::uint64_t whole = ticks / ticks_per_second;
  if (whole < 120) return fmt::format("{:.1f} s", seconds(ticks));
  if (whole < 7200) return fmt::format("{} min", whole / 60);
  return whole < 172'800 ? fmt::format("{} h", whole / 3600) : fmt::format("{} days", whole / 86'400);
}

std::string range(const history::Bracket& bracket) {
  return fmt::format("{} and {}", bracket.earliest ? to_iso8601(*bracket.earliest) : "an unknown time",
                     bracket.latest ? to_iso8601(*bracket.latest) : "an unknown time");
}

// Is a time that is stated for the number another one than its bracket allows?
bool outside(const history::Bracket& bracket, FileTime time) {
  return (bracket.earliest && time.ticks + slack < bracket.earliest->ticks) ||
         (bracket.latest && time.ticks > bracket.latest->ticks + slack);
}

std::string method(std::string_view sequence, std::uint64_t number, const history::Bracket& bracket) {
  return fmt::format("clock of the volume's {}s: those next to {} {}{}", sequence, sequence, number,
                     bracket.widened ? "; widened, for its ticks contradict each other" : "");
}

void add_estimate(FileReport& report, std::string event, std::string sequence, std::uint64_t number, const history::Bracket& bracket,
                  std::uint32_t sighting, std::string_view what = {}, bool by_then = false) {
  if (!bracket.earliest && !bracket.latest) return;
  std::string by = method(sequence == "lsn" ? "LSN" : "USN", number, bracket);
  if (!what.empty()) by += fmt::format("; {}", what);
  report.estimates.push_back({std::move(event),
                              std::move(sequence),
                              number,
                              Estimate{bracket.earliest.value_or(no_time), bracket.latest.value_or(no_time), std::move(by)},
                              bracket.widened,
                              {sighting},
                              by_then});
}

ClockInfo info_of(std::string sequence, const history::ClockHealth& health) {
  ClockInfo out{.sequence = std::move(sequence), .sound = health.sound, .why_not = health.why_not};
  out.ticks = health.ticks;
  out.at_least = health.at_least;
  out.first_number = health.first_number;
  out.last_number = health.last_number;
  if (health.first != no_time) out.first = health.first, out.last = health.last;
  out.in_order = health.tally.on_chain;
  out.older = health.tally.older;
  out.later = health.tally.later;
  out.doubtful = health.tally.doubtful;
  for (const history::SetBack& set_back : health.set_backs) out.set_backs.push_back({set_back.number, set_back.from, set_back.to});
  out.restarted_at = health.restarted_at;
  const auto& held = health.held_out;
  out.held_out = {held.tested, held.inside, held.older, held.later, held.open, held.median_width};
  return out;
}

}  // namespace

void VolumeExaminer::see_ticks(const Sighting& sighting) {
  history::add_ticks(sighting, by_lsn_, by_usn_);
  if (sighting.source != SourceKind::mft || !sighting.in_use || !sighting.has_standard_information || sighting.base_is_elsewhere) return;
  ++times_seen_;
  const FileTime changed = sighting.standard_information.changed;
  changed_before_name_ +=
      std::ranges::any_of(sighting.names, [&](const NameFact& name) { return name.has_times && name.times.changed > changed; }) ? 1U : 0U;
}

void VolumeExaminer::finish_clocks() {
  // The numbers of a shadow copy are the volume's own of that time.
  if (evidence_.known != nullptr && !evidence_.shadow_created)
    evidence_.known->by_lsn = by_lsn_, evidence_.known->by_usn = by_usn_, evidence_.known->last_lsn = last_lsn_;
  history::ClockLimits limits;
  if (const auto last = activity_.last()) limits.not_after = FileTime{last->ticks + 86'400 * ticks_per_second};
  by_usn_.finish(limits);
  limits.last_number = last_lsn_;
  by_lsn_.finish(limits);
  if (by_lsn_.health().ticks + by_lsn_.health().at_least != 0) info_.clocks.push_back(info_of("lsn", by_lsn_.health()));
  if (by_usn_.health().ticks != 0) info_.clocks.push_back(info_of("usn", by_usn_.health()));
}

void VolumeExaminer::read_clocks(const Member& member, Standing standing, FileReport& report, history::DeletionNode& node,
                                 std::optional<Estimate>& estimate) {
  const auto add = [&](std::string event, bool lsn, std::uint64_t number, const history::Bracket& bracket, std::uint32_t n) {
    add_estimate(report, std::move(event), lsn ? "lsn" : "usn", number, bracket, n);
  };
  const Sighting* record = nullptr;
  std::uint32_t record_number = 0;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    if (s.source == SourceKind::mft && !s.base_is_elsewhere && s.has_standard_information && s.integrity == Integrity::good)
      record = &s, record_number = n;
    // A record of the journal without a time of its own (version 4).
    if (s.has_usn && (s.usn.time == no_time || s.usn.name_inferred) && by_usn_.health().sound) {
      const std::uint32_t reason = s.usn.reason;
      add((reason & usn_reason::file_delete) != 0   ? "deleted"
          : (reason & usn_reason::file_create) != 0 ? "created"
                                                    : "journalled",
          false, s.usn.usn, by_usn_.at(s.usn.usn), n);
    }
  }
  const bool sound = by_lsn_.health().sound;
  if (record != nullptr && record->lsn != 0 && sound && (standing == Standing::deleted || standing == Standing::live)) {
    const history::Bracket bracket = by_lsn_.at(record->lsn, record->standard_information.changed);
    add(standing == Standing::deleted ? "deleted" : "last_write", true, record->lsn, bracket, record_number);
    if (standing == Standing::deleted) {
      // A record is freed with the file's last record in the journal, in one transaction.
      std::optional<FileTime> journal;
      for (const history::TimeBasis& sign : node.deleted_at)
        if (sign.basis == "usn_delete") journal = std::max(journal.value_or(no_time), sign.time);
      if (journal && outside(bracket, *journal))
        add_flag(report,
                 fmt::format("contradiction: by the volume's other records it was deleted between {} (LSN {}), but the change journal "
                             "dates its deletion {}: a clock was set, or times were changed",
                             range(bracket), record->lsn, to_iso8601(*journal)));
    }
    observe_times(*record, report);
  }
  // The journal record that the file's record names is gone: its USN still tells when it was written.
  if (record != nullptr && record->standard_usn != 0 && by_usn_.health().sound &&
      std::ranges::none_of(report.sightings,
                           [&](std::uint32_t n) { return out_.sightings[n].has_usn && out_.sightings[n].usn.usn == record->standard_usn; }))
    add("last_journalled", false, record->standard_usn, by_usn_.at(record->standard_usn), record_number);
  // Deleted in the log, and the record says nothing of it (yet, or any more).
  if (const carvers::LogDeletion* deletion = deleted_in_log(member.reference);
      deletion != nullptr && sound && standing != Standing::deleted)
    for (const std::uint32_t n : report.sightings)
      if (const Sighting& s = out_.sightings[n]; s.source == SourceKind::log_file && s.lsn == deletion->lsn) {
        add("deleted", true, deletion->lsn, by_lsn_.at(deletion->lsn), n);
        break;
      }
  estimate_creation(report);
  estimate_last_write(report, standing, deleted_in_log(member.reference));
  if (!node.deleted) return;
  estimate_unlinking(report);
  if (estimate || !node.deleted_at.empty()) return;
  for (const std::string_view event : {"deleted", "left_directory"})
    if (const auto best = std::ranges::find(report.estimates, event, &SequenceEstimate::event); best != report.estimates.end()) {
      estimate = best->estimate;
      return;
    }
}

// Creation times are set by every program that copies or unpacks files. One counts as stated when the change journal has it, or when the
// file's own record (or the log of it) states one that is no later than the record's last write allows, and no earlier than that of its
// name, which only NTFS sets. An index entry's is a copy, and found in slack it is not even a whole one.
bool VolumeExaminer::is_creation_stated(const FileReport& report) const {
  if (std::ranges::any_of(report.sightings, [&](std::uint32_t n) {
        const UsnFact& usn = out_.sightings[n].usn;
        return out_.sightings[n].has_usn && (usn.reason & usn_reason::file_create) != 0 && usn.time != no_time && !usn.name_inferred &&
               activity_.plausible(usn.time);
      }))
    return true;
  bool stated = false;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    const bool record = s.source == SourceKind::mft, whole = s.integrity == Integrity::good || s.integrity == Integrity::partial;
    if ((!record && s.source != SourceKind::log_file) || !whole || !s.has_standard_information || s.base_is_elsewhere) continue;
    const FileTime created = s.standard_information.created;
    if (created == no_time) continue;
    if (!activity_.plausible(created) || (record && by_lsn_.health().sound && by_lsn_.later_by(s.lsn, created) > slack)) return false;
    if (std::ranges::any_of(s.names,
                            [&](const NameFact& name) { return name.has_times && name.times.created.ticks > created.ticks + slack; }))
      return false;
    stated = true;
  }
  return stated;
}

// What made its record, where the log has it. Else, where no time is stated that counts, what was given out when something mentioned it: it
// was there by then, and from when on only the deletion of its record's owner before it tells. The earliest end of any mention counts,
// which is not that of the lowest number where the numbers began anew.
void VolumeExaminer::estimate_creation(FileReport& report) {
  const LogStatements* log = report.reference_known ? evidence_.log_statements.get() : nullptr;
  const auto made = log == nullptr ? std::nullopt : log->creation(report.reference);
  const bool stated = is_creation_stated(report);
  struct Mention {
    FileTime latest;
    std::uint64_t number = 0;
    std::uint32_t sighting = 0;
    bool widened = false;
  };
  std::optional<Mention> by_lsn, by_usn;
  const auto see = [](std::optional<Mention>& first, const history::Bracket& bracket, std::uint64_t number, std::uint32_t n) {
    if (bracket.latest && (!first || *bracket.latest < first->latest || (*bracket.latest == first->latest && number < first->number)))
      first = Mention{*bracket.latest, number, n, bracket.widened};
  };
  bool told = false;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    if (s.integrity == Integrity::torn || s.source == SourceKind::free_space) continue;
    if (s.lsn != 0 && by_lsn_.health().sound) {
      if (made && s.source == SourceKind::log_file && s.lsn == *made && !told) {
        const history::Bracket bracket = by_lsn_.at(*made);
        add_estimate(report, "created", "lsn", *made, bracket, n, "its record was made with it");
        told = true;
        std::optional<FileTime> journal;  // the first of those that say so: the others repeat it until the file is closed
        for (const std::uint32_t other : report.sightings)
          if (const Sighting& j = out_.sightings[other];
              j.has_usn && (j.usn.reason & usn_reason::file_create) != 0 && j.usn.time != no_time && !j.usn.name_inferred)
            journal = std::min(journal.value_or(j.usn.time), j.usn.time);
        if (journal && outside(bracket, *journal))
          add_flag(report,
                   fmt::format("contradiction: by the volume's other records it was created between {} (LSN {}), but the change journal "
                               "dates its creation {}: a clock was set, or times were changed",
                               range(bracket), *made, to_iso8601(*journal)));
      }
      if (!stated) see(by_lsn, by_lsn_.at(s.lsn), s.lsn, n);
    }
    if (stated || !by_usn_.health().sound) continue;
    if (s.source == SourceKind::mft && s.standard_usn != 0) see(by_usn, by_usn_.at(s.standard_usn), s.standard_usn, n);
    if (!s.has_usn) continue;
    history::Bracket bracket = by_usn_.at(s.usn.usn);
    if (s.usn.time != no_time && !s.usn.name_inferred && activity_.plausible(s.usn.time)) bracket.latest = s.usn.time;
    see(by_usn, bracket, s.usn.usn, n);
  }
  if (by_lsn && !told) {
    history::Bracket bracket{.latest = by_lsn->latest, .widened = by_lsn->widened};
    std::string what = "the first that mentions it: it was there by then";
    const carvers::LogDeletion* freed = nullptr;
    if (log != nullptr && report.reference.sequence() > 1)
      freed = log->deletion(FileReference::of(report.reference.entry(), static_cast<std::uint16_t>(report.reference.sequence() - 1)));
    if (freed != nullptr) {
      bracket.earliest = by_lsn_.at(freed->lsn).earliest;
      if (bracket.earliest && *bracket.earliest > *bracket.latest) bracket.earliest.reset();
      if (bracket.earliest) what += fmt::format(", and its record was another's until LSN {}", freed->lsn);
    }
    add_estimate(report, "created", "lsn", by_lsn->number, bracket, by_lsn->sighting, what, true);
  }
  // A creation that the journal has without a time is told already.
  if (by_usn && std::ranges::none_of(report.estimates, [](const SequenceEstimate& e) { return e.event == "created" && !e.by_then; }))
    add_estimate(report, "created", "usn", by_usn->number, {.latest = by_usn->latest, .widened = by_usn->widened}, by_usn->sighting,
                 "the first that mentions it: it was there by then", true);
}

// Of a file in use that is its record's LSN. Of others the record is gone or tells of the deletion, and its change time is stated or not;
// then the last log record that is about the file tells.
void VolumeExaminer::estimate_last_write(FileReport& report, Standing standing, const carvers::LogDeletion* deletion) {
  if (standing == Standing::live || !by_lsn_.health().sound) return;
  std::uint64_t number = 0;
  std::uint32_t sighting = 0;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    const bool whole = s.integrity == Integrity::good || s.integrity == Integrity::partial;
    if (!whole || s.base_is_elsewhere) continue;
    if (s.has_standard_information && (s.source == SourceKind::mft || s.source == SourceKind::log_file)) {
      const FileTime changed = s.standard_information.changed;
      if (changed != no_time && activity_.plausible(changed) && by_lsn_.later_by(s.lsn, changed) <= slack) return;
    }
    if (s.source != SourceKind::log_file || s.lsn <= number || (s.has_record && !s.in_use)) continue;
    if (deletion != nullptr && s.lsn >= deletion->lsn) continue;
    number = s.lsn;
    sighting = n;
  }
  if (number != 0) add_estimate(report, "last_write", "lsn", number, by_lsn_.at(number), sighting, "the last in $LogFile that is about it");
}

// What stands in the slack of an index block had left the directory by the block's last change; in the slack of the directory's record, by
// the record's. Two things leave an entry there while its file lives on: a split (or the step from record to block), so only an index that
// has but this one node tells; and a move, so only the last name that is known does.
void VolumeExaminer::estimate_unlinking(FileReport& report) {
  if (!by_lsn_.health().sound) return;
  const Sighting* best = nullptr;
  std::uint32_t sighting = 0;
  for (const std::uint32_t n : report.sightings) {
    const Sighting& s = out_.sightings[n];
    if (s.source == SourceKind::index) return;  // it is there still
    const bool in_record = s.source == SourceKind::record_slack && s.slack_role == SlackRole::directory_child;
    const bool in_block = s.source == SourceKind::index_slack && s.place.stream == StreamKind::index_allocation;
    if ((!in_record && !in_block) || s.lsn == 0 || !s.has_container || s.names.empty()) continue;
    if (s.integrity != Integrity::carved && s.integrity != Integrity::partial) continue;
    if (!(in_record ? root_indexes_ : one_block_indexes_).contains(s.container)) continue;
    if ((report.parent && report.parent != s.container) || s.name(s.names.front()) != report.name) continue;
    if (best == nullptr || s.lsn < best->lsn) best = &s, sighting = n;
  }
  if (best == nullptr) return;
  history::Bracket bracket = by_lsn_.at(best->lsn);
  bracket.earliest.reset();
  add_estimate(report, "left_directory", "lsn", best->lsn, bracket, sighting,
               best->source == SourceKind::record_slack
                   ? "the last write of its directory's record, in whose slack its entry stands: it had gone by then"
                   : "the last change of its directory's only index block, in whose slack its entry stands: it had gone by then",
               true);
}

// What a target file's own times say against the number of its record. An observation: backups, unpackers and copies set times, too. Access
// times are not asked: they are written without a log record.
void VolumeExaminer::observe_times(const Sighting& record, FileReport& report) const {
  const auto observe = [&](std::string_view what, FileTime time) {
    const std::uint64_t later = by_lsn_.later_by(record.lsn, time);
    if (later <= slack) return;
    const history::ClockHealth& health = by_lsn_.health();
    add_flag(report, fmt::format("observation: its {} {} is {} later than its record was last written (LSN {}, between {}); {} of this "
                                 "volume's {} dated records are later than the others allow",
                                 what, to_iso8601(time), length(later), record.lsn, range(by_lsn_.at(record.lsn)),
                                 health.tally.later + health.tally.doubtful, health.ticks));
  };
  const TimeSet& times = record.standard_information;
  observe("creation time", times.created);
  observe("modification time", times.modified);
  observe("change time", times.changed);
  for (const NameFact& name : record.names)
    // A name's times are copies of those that the file had when it was named: the file's own never go back by themselves.
    if (name.has_times && name.times.changed.ticks > times.changed.ticks + slack && record.in_use) {
      add_flag(
          report,
          fmt::format("observation: its change time {} is {} before that of its name ({}), from which on it can only have grown; so it "
                      "is with {} of this volume's {} records in use{}",
                      to_iso8601(times.changed), length(name.times.changed.ticks - times.changed.ticks), to_iso8601(name.times.changed),
                      changed_before_name_, times_seen_, by_lsn_.health().set_backs.empty() ? "" : ", whose clock was set back"));
      break;
    }
}

void VolumeExaminer::check_order() {
  struct Deleted {
    std::uint64_t lsn;
    FileTime time;
    std::size_t file;
  };
  std::vector<Deleted> all;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const FileReport& file = out_.files[first_file_ + i];
    if (!nodes_[i].deleted || graph_.standing(file.reference) != Standing::deleted) continue;
    std::optional<FileTime> journal;
    for (const history::TimeBasis& sign : nodes_[i].deleted_at)
      if (sign.basis == "usn_delete") journal = std::max(journal.value_or(no_time), sign.time);
    if (!journal) continue;
    for (const std::uint32_t n : file.sightings)
      if (const Sighting& s = out_.sightings[n]; s.source == SourceKind::mft && !s.base_is_elsewhere && s.lsn != 0)
        all.push_back({s.lsn, *journal, i});
  }
  std::ranges::stable_sort(all, {}, &Deleted::lsn);
  const Deleted* latest = nullptr;
  for (const Deleted& d : all) {
    if (latest != nullptr && d.time.ticks + slack < latest->time.ticks)
      add_flag(out_.files[first_file_ + d.file],
               fmt::format("contradiction: it was deleted after {} (LSN {} and {}), but the change journal dates its deletion {}, and the "
                           "other's {}: the clock was set back between them, or times were changed",
                           to_utf8(out_.files[first_file_ + latest->file].path), d.lsn, latest->lsn, to_iso8601(d.time),
                           to_iso8601(latest->time)));
    if (latest == nullptr || d.time > latest->time) latest = &d;
  }
}

}  // namespace trimcarve
