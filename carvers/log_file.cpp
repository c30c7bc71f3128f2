#include "carvers/log_file.hpp"

#include <algorithm>
#include <utility>

#include "carvers/log_events.hpp"

namespace trimcarve::carvers {

std::string_view to_string(LogEventKind kind) noexcept {
  switch (kind) {
    case LogEventKind::record_initialised: return "record_initialised";
    case LogEventKind::record_snapshot: return "record_snapshot";
    case LogEventKind::record_deallocated: return "record_deallocated";
    case LogEventKind::attribute_created: return "attribute_created";
    case LogEventKind::attribute_deleted: return "attribute_deleted";
    case LogEventKind::value_updated: return "value_updated";
    case LogEventKind::sizes_set: return "sizes_set";
    case LogEventKind::mapping_pairs_updated: return "mapping_pairs_updated";
    case LogEventKind::index_entry_added: return "index_entry_added";
    case LogEventKind::index_entry_removed: return "index_entry_removed";
    case LogEventKind::index_entry_seen: return "index_entry_seen";
    case LogEventKind::file_name_updated: return "file_name_updated";
    case LogEventKind::usn_record: return "usn_record";
    case LogEventKind::clusters_allocated: return "clusters_allocated";
    case LogEventKind::clusters_freed: return "clusters_freed";
  }
  return "unknown";
}

std::string_view to_string(LogOutcome outcome) noexcept {
  switch (outcome) {
    case LogOutcome::unknown: return "unknown";
    case LogOutcome::committed: return "committed";
    case LogOutcome::forgotten: return "forgotten";
    case LogOutcome::aborted: return "aborted";
  }
  return "unknown";
}

struct LogFileCarver::State {
  State(const ByteSource& log, const LogFileOptions& given)
      : options(given), reader(log, given.carved_page_size), context(reader, options) {
    tally.stopped = !reader.scan(options.progress);
    tally.state = reader.state();
    tally.version = reader.version();
    tally.clean = reader.clean();
    tally.geometry_guessed = reader.geometry_guessed();
    tally.pages = reader.pages();
    tally.records = reader.records().size();
    tally.copies = reader.duplicates();
    tally.crowded = reader.crowded();
    tally.torn = reader.torn_records();
    tally.gaps = reader.gaps();
    for (const LogRecordAt& record : reader.records()) {
      if (record.cut) ++tally.cut;
      if (record.stale) ++tally.stale;
    }
    if (!reader.records().empty()) {
      tally.first_lsn = reader.records().front().lsn;
      tally.last_lsn = reader.records().back().lsn;
    }
    if (!tally.stopped) tally.stopped = !context.build(tally);
  }

  const LogFileOptions options;
  LogReader reader;
  LogContext context;
  LogFileTally tally;  // of the scan
};

LogFileCarver::LogFileCarver(const ByteSource& log, const LogFileOptions& options) : state_(std::make_unique<State>(log, options)) {}
LogFileCarver::~LogFileCarver() = default;
LogFileCarver::LogFileCarver(LogFileCarver&&) noexcept = default;

LogFileTally LogFileCarver::run(const LogEventSink& sink) {
  LogFileTally tally = state_->tally;
  if (tally.stopped) return tally;
  LogEvents events(state_->context, state_->options);
  const std::size_t count = state_->reader.records().size();
  for (std::size_t i = 0; i < count && !tally.stopped; ++i) {
    events.step(i, sink);
    const std::uint64_t total = state_->tally.pages.slots * state_->reader.geometry().page_size;
    if (i % 4096 == 0 && state_->options.progress) tally.stopped = !state_->options.progress(total, total);
  }
  tally.events = events.events;
  tally.sightings = events.sightings;
  tally.targets_unknown = events.targets_unknown;
  tally.models_lost = events.models_lost;
  tally.numbers_differ = events.numbers_differ;
  tally.times = std::move(events.dated);
  tally.deletions = std::move(events.deletions);
  return tally;
}

void LogFileCarver::record_at(std::uint64_t offset, const LogEventSink& sink) {
  if (state_->tally.stopped) return;
  if (const auto index = state_->reader.record_at(offset)) LogEvents(state_->context, state_->options).only(*index, sink);
}

std::optional<LogRecordImage> LogFileCarver::image_of(std::uint64_t entry) {
  if (state_->tally.stopped) return std::nullopt;
  return LogEvents(state_->context, state_->options).image_of(entry);
}

bool LogFileCarver::read(const Place& place, std::span<std::byte> out) {
  return place.stream == StreamKind::log_file && out.size() == place.length && state_->reader.read_fixed(place.offset, out);
}

bool LogFileCarver::has_record(std::uint64_t lsn) const {
  return std::ranges::binary_search(state_->reader.records(), lsn, {}, &LogRecordAt::lsn);
}

LogMatch LogFileCarver::match(const ntfs::LfsRecordHeader& header, ByteView data) {
  const auto& records = state_->reader.records();
  const auto at = std::ranges::lower_bound(records, header.lsn, {}, &LogRecordAt::lsn);
  if (at == records.end() || at->lsn != header.lsn) return LogMatch::absent;
  if (at->previous != header.previous || at->undo_next != header.undo_next || at->data_length != header.data_length ||
      at->transaction != header.transaction)
    return LogMatch::other;
  LogBytes bytes;
  Place whole;
  state_->reader.read(*at, bytes, whole);
  const std::size_t both = std::min(bytes.data.size(), data.size());
  return std::equal(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(both), bytes.data.begin()) ? LogMatch::same : LogMatch::other;
}

LogFileTally carve_log_file(const ByteSource& log, const LogFileOptions& options, const LogEventSink& sink) {
  return LogFileCarver(log, options).run(sink);
}

}  // namespace trimcarve::carvers
