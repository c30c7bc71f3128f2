// Pages of $LogFile that lie in free clusters and slack: put together to logs, and what they state given to the graph.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "carvers/log_pages.hpp"
#include "examine/pieces.hpp"
#include "examine/volume_examiner.hpp"

namespace trimcarve {

namespace {

using Standing = history::Graph::Standing;

constexpr std::size_t most_pages = std::size_t{1} << 20, most_journal_records = std::size_t{1} << 18;

bool states_birth(const Sighting& s) {
  return (s.has_standard_information && s.standard_information.created != no_time) ||
         std::ranges::any_of(s.names, [](const NameFact& n) { return n.has_times; });
}

}  // namespace

void VolumeExaminer::note_log_page(const carvers::Candidate& candidate, const carvers::Stretch& stretch) {
  std::array<std::byte, 8> head{};
  std::optional<std::uint32_t> size;
  if (evidence_.volume->partition()->read_at(candidate.offset, head)) size = carvers::log_page_size(head);
  if (!size || *size > stretch.offset + stretch.length - candidate.offset || free_.log_pages.size() >= most_pages)
    ++free_.no_structure;
  else
    free_.log_pages.push_back({candidate.offset, *size});
}

// Is what a log record says of this reference of the file that $MFT has under it, or of one on a volume that was here before?
VolumeExaminer::Speaks VolumeExaminer::speaks_of(const Sighting& logged) const {
  const std::uint64_t records = evidence_.volume->record_count();
  if (logged.reference.entry() >= records) return Speaks::foreign;
  for (const NameFact& name : logged.names)
    if (name.parent_known && name.parent.entry() >= records) return Speaks::foreign;
  const auto standing = graph_.standing(logged.reference);
  // A sequence number is not given twice: what is in use was not freed.
  if (logged.has_record && !logged.in_use && !logged.base_is_elsewhere && standing == Standing::live) return Speaks::foreign;
  if ((standing != Standing::live && standing != Standing::deleted) || logged.base_is_elsewhere || !states_birth(logged))
    return Speaks::neither;
  return is_foreign(logged) ? Speaks::foreign : Speaks::own;
}

void VolumeExaminer::read_carved_logs() {
  if (free_.log_pages.empty()) return;
  const SourcePtr& partition = evidence_.volume->partition();
  LogStatements* const own = evidence_.log_statements.get();
  carvers::LogPageTally pages;
  const auto groups = carvers::group_log_pages(*partition, free_.log_pages, own != nullptr ? &own->carver() : nullptr, pages);
  free_.log_pages.clear();
  Coverage coverage{.volume = info_.index, .source = "free_space"};
  carvers::TimeWindow window;
  std::uint64_t foreign_records = 0, foreign_files = 0, cut = 0, unknown_targets = 0, breaks = 0, own_pages = 0, other_pages = 0,
                journal_left_out = 0;
  std::size_t others = 0;
  for (const carvers::LogPageGroup& group : groups) {
    std::vector<carvers::Stretch> pieces;
    for (const std::uint64_t offset : group.pages) {
      if (!pieces.empty() && pieces.back().offset + pieces.back().length == offset)
        pieces.back().length += group.page_size;
      else
        pieces.push_back({offset, group.page_size});
    }
    VolumeEvidence::CarvedLog log;
    // A gap of one page, so that only what lies side by side on the volume does so here.
    log.pages = make_pieces(partition, pieces, group.page_size);
    log.base = (evidence_.carved_logs.size() + 1) * VolumeEvidence::carved_log_step;
    log.same_log = group.same_log;
    carvers::LogFileOptions options;
    options.volume = info_.index;
    options.record_size = evidence_.volume->record_size();
    options.cluster_size = evidence_.volume->cluster_size();
    options.volume_clusters = evidence_.volume->clusters();
    options.carved_page_size = group.page_size;
    options.progress = progress_sink("pages of $LogFile");
    log.statements = std::make_unique<LogStatements>(log.pages, options, CarvedLogMark{log.base, group.same_log ? own : nullptr});
    std::uint64_t speaks_of_own = 0;
    std::vector<Sighting> journal;
    auto tally = log.statements->read(
        graph_,
        [&](const Sighting& sighting) {
          const Speaks speaks = group.same_log ? Speaks::neither : speaks_of(sighting);
          if (speaks == Speaks::foreign) log.foreign.insert(sighting.reference);
          if (speaks == Speaks::own) ++speaks_of_own;
        },
        [&](const Sighting& sighting) {
          if (journal.size() < most_journal_records)
            journal.push_back(sighting);
          else
            ++journal_left_out;
        },
        // No ticks of the clocks: whether carved pages are of this log's numbers is known for some of them only.
        [](const Sighting&, history::TickKind) {});
    if (tally.stopped) end_early("pages of $LogFile");
    if (log.foreign.size() > speaks_of_own) {
      foreign_records += tally.records;
      continue;
    }
    log.times = std::move(tally.times);
    if (log.times.window().first) window.see(*log.times.window().first);
    if (log.times.window().last) window.see(*log.times.window().last);
    coverage.records += tally.records;
    foreign_files += log.foreign.size();
    cut += tally.cut + tally.torn;
    unknown_targets += tally.targets_unknown;
    breaks += tally.breaks;
    (group.same_log ? own_pages : other_pages) += group.pages.size();
    others += group.same_log ? 0U : 1U;
    for (Sighting& sighting : journal) {
      // The search of free space sees the very bytes that are logged as a journal's record, mostly.
      const auto key = JournalKey::of(sighting);
      if (log.foreign.contains(sighting.reference) || sighting.reference.entry() >= evidence_.volume->record_count() ||
          log_journal_.contains(key) || !free_.said.insert(said_hash(sighting)).second)
        continue;
      log_journal_.emplace(key, LoggedJournal{std::move(sighting), 0});
    }
    evidence_.carved_logs.push_back(std::move(log));
    const VolumeEvidence::CarvedLog& kept = evidence_.carved_logs.back();
    kept.statements->each(graph_, [&](const Sighting& sighting) {
      if (!kept.foreign.contains(sighting.reference)) graph_.add(sighting);
    });
  }
  coverage.first = window.first;
  coverage.last = window.last;
  coverage.note = fmt::format("log records in pages of $LogFile carved from free clusters and slack, {} pages", pages.pages);
  const auto say = [&coverage](std::uint64_t count, std::string_view what) {
    if (count != 0) coverage.note += fmt::format("; {} {}", count, what);
  };
  say(own_pages, "of them hold records of this volume's $LogFile, and others beside these");
  if (other_pages != 0)
    coverage.note += fmt::format(
        "; {} of {}, of which nothing shows that it is this volume's as it is now: no LSN of theirs is put in an "
        "order with others",
        other_pages, others == 1 ? "another log" : fmt::format("{} other logs", others));
  say(pages.repeated, "of them say only what $LogFile or another page says");
  say(pages.empty, "of them hold no record's beginning");
  say(pages.torn, "of them torn");
  say(pages.unreadable, "of them unreadable");
  say(pages.left_out, "of more logs than are told apart");
  say(breaks, "places in which records are missing");
  say(cut, "records cut or torn");
  say(unknown_targets, "operations on an attribute that no table in the pages names");
  say(foreign_records, "records of an earlier volume's log: not taken");
  say(foreign_files, "files of an earlier volume in them: not taken");
  say(journal_left_out, "journal records in them left out, there being so many");
  out_.coverage.push_back(std::move(coverage));
}

// As read_log_deletion, by the pages' own order. What is far away in it may be of another time: a page that was written later, or of
// another log that does not contradict this one.
void VolumeExaminer::read_carved_log_deletion(const Member& member, FileReport& report, history::DeletionNode& node,
                                              std::optional<Estimate>& estimate) {
  constexpr std::uint64_t neighbourhood = (std::uint64_t{4} << 20) / 8;  // LSNs: 4 MiB of a log
  if (member.reference.value == 0 || graph_.standing(member.reference) == Standing::live) return;
  for (auto log = evidence_.carved_logs.rbegin(); log != evidence_.carved_logs.rend(); ++log) {
    const carvers::LogDeletion* deletion = log->foreign.contains(member.reference) ? nullptr : log->statements->deletion(member.reference);
    if (deletion == nullptr) continue;
    std::vector<std::uint32_t> cited;
    for (const std::uint32_t n : report.sightings)
      if (const Sighting& s = out_.sightings[n]; s.place.stream == StreamKind::carved_log &&
                                                 evidence_.carved_log(s.place.offset) == &*log &&
                                                 std::max(s.lsn, s.other_lsn) == deletion->lsn)
        cited.push_back(n);
    auto [before, behind] = log->times.around(deletion->lsn, [this](FileTime time) { return activity_.plausible(time); });
    if (before && deletion->lsn - before->lsn > neighbourhood) before.reset();
    if (behind && behind->lsn - deletion->lsn > neighbourhood) behind.reset();
    if (before && node.deleted_at.empty()) node.alive.push_back({before->time, "log_neighbour_before", cited});
    FileTime since = before ? before->time : no_time;
    if (!before)
      for (const history::TimeBasis& sign : node.alive) since = std::max(since, sign.time);
    if (behind && since != no_time && behind->time >= since)
      estimate =
          Estimate{since, behind->time, fmt::format("between its neighbours in carved pages of a $LogFile, LSN {} there", deletion->lsn)};
    return;
  }
}

}  // namespace trimcarve
