// Reading a volume: one pass over each stream, into the graph; and what each stream's coverage is worth.
#include <fmt/format.h>

#include <algorithm>

#include "carvers/index.hpp"
#include "examine/volume_examiner.hpp"
#include "history/select.hpp"
#include "ntfs/usn_record.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve {

namespace {

constexpr std::uint64_t extend_entry = 11;  // \$Extend

constexpr std::uint32_t data_type = 0x80;
constexpr std::uint64_t day = 86'400 * ticks_per_second;
constexpr std::size_t times_kept = 64;
constexpr std::size_t gaps_reported = 64;
constexpr std::uint64_t most_ticks_reserved = std::uint64_t{1} << 20;  // a hint, and a claim of the volume's
constexpr std::size_t most_journals = 16;                              // a volume has one at a time; each deleted one is read too

}  // namespace

std::vector<Coverage::Gap> gaps_of(const carvers::GapList& gaps, std::string& note) {
  std::vector<Coverage::Gap> out;
  for (const carvers::Gap& gap : gaps.kept) {
    if (out.size() == gaps_reported) break;
    out.push_back({gap.offset, gap.length, std::string(carvers::to_string(gap.kind))});
  }
  if (gaps.count > out.size()) note += fmt::format("{}{} gaps in all, {} listed", note.empty() ? "" : "; ", gaps.count, out.size());
  return out;
}

void ActivityWindow::see(FileTime time) {
  if (time == no_time) return;
  last_.reset();
  const auto later = [](FileTime a, FileTime b) { return a > b; };
  if (latest_.size() == times_kept) {
    if (time <= latest_.front()) return;
    std::ranges::pop_heap(latest_, later);
    latest_.pop_back();
  }
  latest_.push_back(time);
  std::ranges::push_heap(latest_, later);
}

std::optional<FileTime> ActivityWindow::last() const {
  if (latest_.empty() || last_) return last_;
  auto times = latest_;
  std::ranges::sort(times, std::greater{});
  last_ = times.front();
  // One stray time is no activity: the last time that two others precede within a day.
  for (std::size_t i = 0; i + 2 < times.size(); ++i)
    if (times[i].ticks - times[i + 2].ticks <= day) {
      last_ = times[i];
      break;
    }
  return last_;
}

bool ActivityWindow::plausible(FileTime time) const {
  const auto end = last();
  return !end || time.ticks <= end->ticks || time.ticks - end->ticks <= day;
}

VolumeExaminer::VolumeExaminer(VolumeEvidence evidence, std::vector<SourcePtr> spaces, const Progress& progress, Examination& out)
    : evidence_(std::move(evidence)),
      spaces_(std::move(spaces)),
      progress_(progress),
      out_(out),
      graph_(evidence_.volume ? evidence_.volume->up_case() : ntfs::UpCase(), evidence_.volume ? evidence_.volume->record_count() : 0) {
  info_.index = evidence_.index;
  info_.state = "examined";
  info_.shadow_created = evidence_.shadow_created;
  if (!evidence_.volume) return;
  const ntfs::Volume& volume = *evidence_.volume;
  info_.serial = volume.geometry().serial;
  info_.size = volume.geometry().volume_size;
  info_.cluster_size = volume.cluster_size();
  info_.record_size = volume.record_size();
  info_.records = volume.record_count();
}

carvers::ProgressSink VolumeExaminer::progress_sink(std::string stage) const {
  return [this, stage = std::move(stage)](std::uint64_t done, std::uint64_t total) {
    if (progress_.report) progress_.report(stage, done, total);
    return (progress_.cancel == nullptr || !progress_.cancel->load(std::memory_order_relaxed)) && !memory_used_up();
  };
}

void VolumeExaminer::end_early(const std::string& what) {
  if (progress_.cancel != nullptr && progress_.cancel->load(std::memory_order_relaxed))
    throw RunError(ExitCode::interrupted, "examine", "interrupted", "stopped while reading " + what);
  out_.complete = false;
  if (ended_early_.insert(what).second)
    out_.warnings.push_back({"memory_limit",
                             fmt::format("volume {}: memory limit reached ({} MiB): {} was not read to its end", info_.index,
                                         evidence_.budget != nullptr ? evidence_.budget->limit() >> 20 : 0, what),
                             {}});
}

void VolumeExaminer::read() {
  if (evidence_.volume) read_records();
  graph_.finish();
  read_log();
  carve_free_space();
  find_journals();
  read_journals();
  add_log_journal();
  add_carved_journal();
  if (evidence_.index_file != nullptr) read_index_file();
  graph_.finish();
  paths_ = std::make_unique<history::Paths>(graph_);
  citations_ = std::make_unique<Evidence>(evidence_, graph_, spaces_, out_.sightings);
  if (evidence_.shadow_created) return;  // the marks of provisioning and the free clusters are the volume's
  find_provisioning();
  if (count_clusters_) count_free_clusters();
}

void VolumeExaminer::read_records() {
  auto options = evidence_.record_options();
  options.progress = progress_sink("$MFT");
  options.only = records_read_ = begin_with_the_volumes();
  for (history::SequenceClock* clock : {&by_lsn_, &by_usn_})  // most records state both
    clock->reserve(std::min(evidence_.volume->record_count(), most_ticks_reserved));
  const auto tally = carvers::carve_records(*evidence_.volume->mft(), options, [&](const Sighting& sighting) {
    // Live $INDEX_ROOT entries say of most files what their own records say; those of directories in question are read later.
    if (sighting.source == SourceKind::index) return;
    if (sighting.source == SourceKind::mft && sighting.has_standard_information) activity_.see(sighting.standard_information.changed);
    see_ticks(sighting);
    if (sighting.source == SourceKind::mft) note_slack(sighting);
    if (free_search_.text != nullptr && sighting.source == SourceKind::record_slack && sighting.reference_known)
      note_record_slack(sighting);
    graph_.add(sighting);
  });
  if (tally.stopped) end_early("$MFT");

  const carvers::MftTally& mft = tally.mft;
  Coverage coverage{
      .volume = info_.index, .source = "mft", .first = mft.window.first, .last = mft.window.last, .records = mft.file + mft.baad};
  if (options.only)
    coverage.note = fmt::format("{} of {} slots lie where the volume's do, and are not told again; of the others, ",
                                evidence_.volume->record_count() - mft.slots, evidence_.volume->record_count());
  coverage.note += fmt::format("{} slots: {} in use, {} free ({} of them never used), {} zero", mft.slots, mft.in_use, mft.free,
                               mft.never_used, mft.zero);
  if (mft.baad != 0) coverage.note += fmt::format("; {} marked BAAD", mft.baad);
  if (mft.torn != 0) coverage.note += fmt::format("; {} torn", mft.torn);
  if (mft.partial != 0) coverage.note += fmt::format("; {} damaged in part", mft.partial);
  if (mft.garbage != 0) coverage.note += fmt::format("; {} no records", mft.garbage);
  if (mft.unreadable != 0) coverage.note += fmt::format("; {} unreadable", mft.unreadable);
  coverage.gaps = gaps_of(mft.gaps, coverage.note);
  out_.coverage.push_back(std::move(coverage));
  records_damaged_ = mft.unreadable != 0 || mft.garbage != 0 || mft.torn != 0 || mft.partial != 0 ||
                     std::ranges::any_of(evidence_.volume->notes(), [](const ntfs::VolumeNote& note) {
                       return note.code == "bitmap_missing" || note.code == "bitmap_damaged" || note.code == "mft_incomplete";
                     });
  if (mft.unreadable != 0 || mft.garbage != 0 || mft.torn != 0) {
    out_.complete = out_.complete && mft.unreadable == 0;
    out_.warnings.push_back({"mft_damaged",
                             fmt::format("volume {}: $MFT has {} unreadable slots, {} that hold no record, {} torn records", info_.index,
                                         mft.unreadable, mft.garbage, mft.torn),
                             {}});
  }
  if (evidence_.known != nullptr && !evidence_.shadow_created) {
    evidence_.known->mft = evidence_.volume->mft();
    evidence_.known->record_size = evidence_.volume->record_size();
    evidence_.known->records = std::make_unique<history::Graph>(graph_, std::vector<bool>{}, evidence_.volume->record_size());
  }
  const carvers::SlackTally& slack = tally.slack;
  Coverage of_slack{
      .volume = info_.index, .source = "record_slack", .first = slack.window.first, .last = slack.window.last, .records = slack.with_slack};
  of_slack.note =
      fmt::format("{} of {} records have slack that is not zero: {} names, {} fragments of content", slack.with_slack, slack.records,
                  slack.children + slack.own_names + slack.own_name_tails + slack.earlier_owners, slack.own_content);
  out_.coverage.push_back(std::move(of_slack));
}

void VolumeExaminer::find_journals() {
  if (!evidence_.volume || evidence_.volume->from_artefact()) return;
  // \$Extend\$UsnJrnl at any time: a deleted journal's clusters may still hold records.
  const std::vector<std::u16string> path{u"$Extend", u"$UsnJrnl"};
  auto found = history::find(graph_, path);
  if (const auto live = evidence_.volume->find_usn_journal(); live && std::ranges::find(found, *live) == found.end())
    found.push_back(*live);
  // Where $Extend's own record is lost, what names its entry as its parent still is in it.
  if (graph_.record(extend_entry) == nullptr)
    for (history::RowIndex i = 0; i < graph_.rows().size(); ++i) {
      const history::NameRow& row = graph_.rows()[i];
      if (row.parent.entry() == extend_entry && row.reference.value != 0 && graph_.name(row) == path.back() &&
          std::ranges::find(found, row.reference) == found.end())
        found.push_back(row.reference);
    }
  std::ranges::stable_sort(found, {}, [this](FileReference r) { return graph_.standing(r) == history::Graph::Standing::live ? 0 : 1; });
  for (const FileReference reference : found) {
    const auto standing = graph_.standing(reference);
    if (standing == history::Graph::Standing::reused || evidence_.journals.size() >= most_journals) continue;
    if (std::ranges::find(evidence_.journals, reference.entry(), &std::pair<std::uint64_t, SourcePtr>::first) != evidence_.journals.end())
      continue;
    auto stream = evidence_.volume->open_stream(reference.entry(), data_type, u"$J");
    if (!stream) continue;
    evidence_.journals.emplace_back(reference.entry(), stream->bytes);
    live_journal_ = live_journal_ || standing == history::Graph::Standing::live;
  }
  if (!live_journal_)
    out_.coverage.push_back(
        {.volume = info_.index, .source = "usn_journal", .note = "there is no change journal on this volume (never made, or deleted)"});
}

void VolumeExaminer::read_journals() {
  for (const auto& [owner, journal] : evidence_.journals) {
    carvers::UsnOptions options;
    options.volume = info_.index;
    options.owner = owner;
    options.progress = progress_sink("$UsnJrnl:$J");
    const auto tally = carvers::carve_usn_journal(*journal, options, [&](const Sighting& sighting) {
      activity_.see(sighting.usn.time);
      see_ticks(sighting);
      graph_.add(sighting);
      if (!log_journal_.empty()) log_journal_.erase(JournalKey::of(sighting));
      if (!free_.journal.empty()) forget_carved(sighting);
    });
    if (tally.stopped) end_early("the change journal");
    Coverage coverage{
        .volume = info_.index, .source = "usn_journal", .first = tally.window.first, .last = tally.window.last, .records = tally.records};
    const history::RecordSlot* slot = graph_.record(owner);
    if (slot != nullptr && !slot->in_use) coverage.note = "a deleted journal";
    const auto say = [&coverage](std::string text) { coverage.note += (coverage.note.empty() ? "" : "; ") + std::move(text); };
    if (tally.first_usn) say(fmt::format("USN {} to {}", *tally.first_usn, *tally.last_usn));
    if (tally.version_4 != 0)
      say(fmt::format("{} records of version 4, {} of them named by a neighbour", tally.version_4, tally.names_inferred));
    if (tally.offset_mismatches != 0)
      say(fmt::format("{} records whose USN is not their offset (first difference {})", tally.offset_mismatches, tally.first_mismatch));
    if (evidence_.volume && !evidence_.volume->from_artefact()) {
      if (auto max = evidence_.volume->open_stream(owner, data_type, u"$Max"); max && max->size >= 32) {
        std::vector<std::byte> bytes(32);
        if (max->bytes->read_at(0, bytes))
          if (const auto decoded = ntfs::decode_usn_max(bytes)) {
            if (slot == nullptr || slot->in_use) info_.journal_created = FileTime{decoded->journal_id};
            say(fmt::format("this journal was created at {} (its id); lowest valid USN {}", to_iso8601(FileTime{decoded->journal_id}),
                            decoded->lowest_valid_usn));
          }
      }
    }
    coverage.gaps = gaps_of(tally.gaps, coverage.note);
    out_.coverage.push_back(std::move(coverage));
  }
}

void VolumeExaminer::read_index_file() {
  carvers::IndexOptions options;
  options.volume = info_.index;
  if (evidence_.volume) options.block_size = evidence_.volume->index_block_size();
  options.progress = progress_sink("$I30");
  index_tally_ = carvers::carve_index_allocation(*evidence_.index_file, options, [&](const Sighting& sighting) {
    see_ticks(sighting);
    graph_.add(sighting);
  });
  if (index_tally_.stopped) end_early("the index");
}

void VolumeExaminer::index_coverage() {
  if (index_tally_.roots == 0 && index_tally_.blocks == 0) return;
  Coverage coverage{.volume = info_.index,
                    .source = "index",
                    .first = index_tally_.window.first,
                    .last = index_tally_.window.last,
                    .records = index_tally_.live + index_tally_.slack};
  coverage.note = fmt::format(
      "{} directories: {} index roots, {} blocks ({} in use, {} stale, {} zero, {} torn, {} no index, {} unreadable); {} names in slack",
      carved_directories_.size(), index_tally_.roots, index_tally_.blocks, index_tally_.live_blocks, index_tally_.stale_blocks,
      index_tally_.zero_blocks, index_tally_.torn_blocks, index_tally_.garbage_blocks, index_tally_.unreadable_blocks, index_tally_.slack);
  if (index_tally_.damaged_nodes != 0) coverage.note += fmt::format("; {} nodes damaged", index_tally_.damaged_nodes);
  out_.coverage.push_back(std::move(coverage));
  if (index_tally_.unreadable_blocks != 0) out_.complete = false;
  if (index_tally_.damaged_live != 0 && !evidence_.shadow_created)
    out_.warnings.push_back(
        {"index_damaged",
         fmt::format("volume {}: {} index blocks of directories in use are torn or hold no index", info_.index, index_tally_.damaged_live),
         {}});
}

// Marks of a machine's first start, by what Windows setup and the Azure provisioning agent write then and not again. The agent's own logs
// are no marks: they rotate.
void VolumeExaminer::find_provisioning() {
  if (const Sighting* mft = citations_->record(0); mft != nullptr && mft->has_standard_information)
    info_.created = mft->standard_information.created;
  static const std::vector<std::vector<std::u16string>> marks{{u"Windows", u"Panther", u"UnattendGC", u"setupact.log"},
                                                              {u"Windows", u"Panther", u"WaSetup.log"},
                                                              {u"AzureData", u"CustomData.bin"}};
  const Sighting* newest = nullptr;
  for (const auto& mark : marks)
    for (const FileReference reference : history::find(graph_, mark)) {
      if (graph_.standing(reference) != history::Graph::Standing::live) continue;
      const Sighting* record = citations_->record(reference.entry());
      if (record == nullptr || !record->has_standard_information) continue;
      const FileTime created = record->standard_information.created;
      if (!activity_.plausible(created) || (info_.provisioned && *info_.provisioned >= created)) continue;
      info_.provisioned = created;
      std::u16string path;
      for (const std::u16string& component : mark) path += u"\\" + component;
      info_.provisioned_basis = "created: " + to_utf8(path);
      newest = record;
    }
  if (newest != nullptr) info_.provisioned_sightings = {citations_->cite(*newest)};
}

}  // namespace trimcarve
