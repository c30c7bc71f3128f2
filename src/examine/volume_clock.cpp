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

std::string method(std::string_view sequence, std::uint64_t number, const history::Bracket& bracket) {
  return fmt::format("clock of the volume's {}s: those next to {} {}{}", sequence, sequence, number,
                     bracket.widened ? "; widened, for its ticks contradict each other" : "");
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
    if (!bracket.earliest && !bracket.latest) return;
    const std::string sequence = lsn ? "LSN" : "USN";
    report.estimates.push_back(
        {std::move(event),
         lsn ? "lsn" : "usn",
         number,
         Estimate{bracket.earliest.value_or(no_time), bracket.latest.value_or(no_time), method(sequence, number, bracket)},
         bracket.widened,
         {n}});
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
      if (journal && ((bracket.earliest && journal->ticks + slack < bracket.earliest->ticks) ||
                      (bracket.latest && journal->ticks > bracket.latest->ticks + slack)))
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
  // An entry in index slack tells no end by its block's LSN: a split leaves it there too, while the file lives on in another block.
  if (!node.deleted || estimate || !node.deleted_at.empty()) return;
  const auto best = std::ranges::find(report.estimates, "deleted", &SequenceEstimate::event);
  if (best != report.estimates.end()) estimate = best->estimate;
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
