// $LogFile of a volume: what it adds to the graph, its coverage, and the deletions that stand in it.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "examine/volume_examiner.hpp"

namespace trimcarve {

namespace {

constexpr std::size_t most_journal_records = std::size_t{1} << 18;  // of the change journal, kept until $J was read

std::string_view told(carvers::LogTimeBasis basis) {
  switch (basis) {
    case carvers::LogTimeBasis::usn: return "a change journal record";
    case carvers::LogTimeBasis::creation: return "a creation";
    case carvers::LogTimeBasis::standard_information: return "an update of $STANDARD_INFORMATION";
  }
  return "a time";
}

}  // namespace

void VolumeExaminer::read_log() {
  if (evidence_.log == nullptr && evidence_.volume && !evidence_.volume->from_artefact())
    if (auto stream = evidence_.volume->open_stream(carvers::log_file_entry, 0x80, u"")) evidence_.log = stream->bytes;
  if (evidence_.log == nullptr) return;
  carvers::LogFileOptions options;
  options.volume = info_.index;
  options.progress = progress_sink("$LogFile");
  if (evidence_.volume) {
    options.record_size = evidence_.volume->record_size();
    options.cluster_size = evidence_.volume->cluster_size();
    options.volume_clusters = evidence_.volume->clusters();
  }
  evidence_.log_statements = std::make_shared<LogStatements>(evidence_.log, options);
  std::uint64_t left_out = 0, first_usn = 0;
  auto tally = evidence_.log_statements->read(
      graph_, [&](const Sighting& sighting) { graph_.add(sighting); },
      [&](const Sighting& sighting) {
        const auto key = JournalKey::of(sighting);
        if (log_journal_.contains(key)) return;
        // They come in the order in which they were logged. One that lies before the journal's first is of a journal made anew.
        if (log_journals_ == 0 || sighting.usn.usn <= first_usn) ++log_journals_, first_usn = sighting.usn.usn;
        if (log_journal_.size() < most_journal_records)
          log_journal_.emplace(key, LoggedJournal{sighting, log_journals_});
        else
          ++left_out;
      },
      [&](const Sighting& sighting, history::TickKind logged) { history::add_ticks(sighting, by_lsn_, by_usn_, logged); });
  if (tally.stopped) end_early("$LogFile");
  log_times_ = std::move(tally.times);

  last_lsn_ = std::max(last_lsn_, tally.last_lsn);
  Coverage coverage{.volume = info_.index,
                    .source = "log_file",
                    .first = log_times_.window().first,
                    .last = log_times_.window().last,
                    .records = tally.records};
  const std::string version = fmt::format("LFS {}.{}", tally.version.major, tally.version.minor);
  switch (tally.state) {
    case carvers::LogState::unknown_version:
      coverage.note = fmt::format("not read: its version, {}, is not known", version);
      coverage.gaps.push_back({0, evidence_.log->size(), "unknown version"});
      out_.warnings.push_back(
          {"log_file_version", fmt::format("volume {}: $LogFile is of version {}, which is not read", info_.index, version), {}});
      break;
    case carvers::LogState::untouched: coverage.note = "nothing was ever written into it"; break;
    case carvers::LogState::none:
      coverage.note = "it holds no page of a log";
      coverage.gaps = gaps_of(tally.gaps, coverage.note);
      break;
    case carvers::LogState::read: {
      coverage.note = tally.geometry_guessed ? "its restart pages are lost" : version;
      const auto say = [&coverage](std::string text) { coverage.note += "; " + std::move(text); };
      if (tally.first_lsn) say(fmt::format("LSN {} to {}", *tally.first_lsn, *tally.last_lsn));
      say(fmt::format("{} pages of {} hold records", tally.pages.record, tally.pages.slots));
      if (tally.pages.torn != 0) say(fmt::format("{} of them torn", tally.pages.torn));
      if (tally.cut + tally.torn != 0) say(fmt::format("{} records cut or torn", tally.cut + tally.torn));
      if (tally.crowded != 0) say(fmt::format("{} of them because too many pages claim one place", tally.crowded));
      if (tally.stale != 0) say(fmt::format("{} of an earlier lap", tally.stale));
      if (tally.breaks != 0) say(fmt::format("records are missing in {} places", tally.breaks));
      if (tally.numbers_differ != 0)
        say(fmt::format("{} FILE records in it state another number than that of the place they were written to", tally.numbers_differ));
      say(fmt::format("{} transactions completed, {} taken back", tally.committed + tally.forgotten, tally.aborted));
      if (!tally.clean) say("not closed: the volume was in use, or its machine stopped");
      if (left_out != 0) say(fmt::format("{} change journal records in it are left out", left_out));
      coverage.gaps = gaps_of(tally.gaps, coverage.note);
      break;
    }
  }
  out_.coverage.push_back(std::move(coverage));
}

void VolumeExaminer::add_log_journal() {
  std::vector<const LoggedJournal*> records;
  JournalKeys keys;
  for (const auto& [key, record] : log_journal_) {
    records.push_back(&record);
    keys.insert(key);
  }
  std::ranges::sort(records, {}, [](const LoggedJournal* r) { return std::tuple(r->number, r->sighting.usn.usn, r->sighting.lsn); });
  // The last of them is the one that is there: find_journals puts it first.
  const bool there = !evidence_.journals.empty() && (evidence_.journals.size() == 1 || live_journal_);
  for (const LoggedJournal* record : records) {
    if (there && record->number != 0 && record->number == log_journals_) graph_.log_journal_is(evidence_.journals.front().first);
    if (record->number != 0) activity_.see(record->sighting.usn.time);
    graph_.add(record->sighting);
    if (!free_.journal.empty()) forget_carved(record->sighting);
  }
  log_journal_.clear();
  for (const VolumeEvidence::CarvedLog& log : evidence_.carved_logs) log.statements->tell_journal(keys);
  if (evidence_.log_statements != nullptr) evidence_.log_statements->tell_journal(std::move(keys));
}

const carvers::LogDeletion* VolumeExaminer::deleted_in_log(FileReference reference) {
  if (evidence_.log_statements == nullptr || reference.value == 0) return nullptr;
  const carvers::LogDeletion* deletion = evidence_.log_statements->deletion(reference);
  if (deletion == nullptr) return nullptr;
  // A record in use that was written after that free is no older state: then it is the log that is not understood.
  if (graph_.standing(reference) == history::Graph::Standing::live) {
    const Sighting* record = citations_->record(reference.entry());
    if (record == nullptr || record->lsn >= deletion->lsn) return nullptr;
  }
  return deletion;
}

// A deallocation lies between the times that its neighbours in the log carry (see LogTimes): the one before is a bound, the one behind only
// estimates.
void VolumeExaminer::read_log_deletion(const Member& member, FileReport& report, history::DeletionNode& node,
                                       std::optional<Estimate>& estimate) {
  const carvers::LogDeletion* deletion = deleted_in_log(member.reference);
  if (deletion == nullptr) return read_carved_log_deletion(member, report, node, estimate);
  std::vector<std::uint32_t> cited;
  for (const std::uint32_t n : report.sightings)
    if (const Sighting& s = out_.sightings[n]; s.source == SourceKind::log_file && s.lsn == deletion->lsn) cited.push_back(n);
  const auto [before, behind] = log_times_.around(deletion->lsn, [this](FileTime time) { return activity_.plausible(time); });
  // Without a neighbour before it, what the file itself says last.
  FileTime since = before ? before->time : no_time;
  if (!before)
    for (const history::TimeBasis& sign : node.alive) since = std::max(since, sign.time);
  // Where the journal tells the moment, that of the log is no better.
  if (before && node.deleted_at.empty()) node.alive.push_back({before->time, "log_neighbour_before", cited});
  if (!behind || since == no_time || behind->time < since) return;
  estimate = Estimate{since, behind->time,
                      fmt::format("between its neighbours in $LogFile: {} before LSN {} and {} behind it",
                                  before ? told(before->basis) : "its own last time", deletion->lsn, told(behind->basis))};
}

}  // namespace trimcarve
