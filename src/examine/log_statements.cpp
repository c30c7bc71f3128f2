#include "examine/log_statements.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "ntfs/stream.hpp"

namespace trimcarve {

namespace {

using carvers::LogEvent;
using carvers::LogEventKind;

constexpr std::uint64_t largest_content = 1 << 16;  // of one log record
constexpr std::size_t most_waiting = 1 << 16;       // names whose owner is found at the end
constexpr std::size_t most_freed = 1 << 18;         // stretches of clusters
constexpr std::uint64_t several = ~std::uint64_t{0};
constexpr std::uint32_t data_type = 0x80, index_allocation_type = 0xA0;

bool tells_owner(LogEventKind kind) {
  return kind == LogEventKind::record_initialised || kind == LogEventKind::record_snapshot || kind == LogEventKind::record_deallocated;
}

bool sets_times(const LogEvent& event) {
  return !event.before && (event.kind == LogEventKind::record_initialised || event.kind == LogEventKind::value_updated);
}

bool changes_attribute(LogEventKind kind) {
  return kind == LogEventKind::attribute_created || kind == LogEventKind::value_updated || kind == LogEventKind::sizes_set ||
         kind == LogEventKind::mapping_pairs_updated;
}

}  // namespace

bool LogStatements::stands(const LogEvent& event) const {
  if (event.undone) return false;
  return carvers::stands(event.outcome) ||
         (carved_ && event.outcome == carvers::LogOutcome::unknown && event.kind != LogEventKind::record_deallocated);
}

void LogStatements::tell(const Sighting& sighting, const Sink& sink) const {
  if (!carved_) return sink(sighting);
  if (carved_->own != nullptr && carved_->own->has_record(sighting.lsn)) return;
  told_ = sighting;
  const auto move = [this](Place& place) {
    if (place.stream != StreamKind::log_file) return;
    place.stream = StreamKind::carved_log;
    place.owner = 0;
    place.offset += carved_->base;
  };
  move(told_.place);
  for (StreamFact& stream : told_.streams) move(stream.content);
  for (FragmentFact& fragment : told_.fragments) move(fragment.place);
  if (told_.integrity == Integrity::good) told_.integrity = Integrity::carved;
  if (carved_->own == nullptr) told_.other_lsn = std::exchange(told_.lsn, 0);
  sink(told_);
}

bool LogStatements::find_owner(const history::Graph& graph, const LogEvent& event, const Sighting& in, Sighting& out) const {
  if (!event.entry || !event.whole_from_here || owners_told_.contains(*event.entry)) return false;
  const history::RecordSlot* slot = graph.record(*event.entry);
  if (slot == nullptr || !slot->in_use || !slot->identity_known || slot->extension) return false;
  out = in;
  out.reference = slot->identity;
  out.reference_known = true;
  return true;
}

void LogStatements::take_freed(std::vector<Freed>&& freed, const std::vector<carvers::LogDeletion>& deletions) {
  std::unordered_map<std::uint64_t, const carvers::LogDeletion*> by_transaction;  // null: it frees several
  for (const carvers::LogDeletion& deletion : deletions)
    if (const auto [at, is_new] = by_transaction.try_emplace(deletion.transaction, &deletion); !is_new) at->second = nullptr;
  std::unordered_map<std::uint64_t, std::uint64_t> next_vcn;
  for (Freed& range : freed) {
    const auto found = by_transaction.find(range.transaction);
    if (found == by_transaction.end() || found->second == nullptr) continue;
    const carvers::LogDeletion& deletion = *found->second;
    if (!deletion.stands() || !deletion.reference_known || deletion.extension) continue;
    const auto other = clusters_of_.find(range.transaction);
    if (other != clusters_of_.end() && other->second != deletion.reference.entry()) continue;
    range.reference = deletion.reference;
    range.directory = deletion.directory;
    range.run.vcn = next_vcn[range.transaction];
    next_vcn[range.transaction] += range.run.clusters;
    freed_.push_back(range);
  }
}

void LogStatements::state(const Freed& freed, Sighting& out) const {
  out.clear();
  out.volume = volume_;
  out.source = SourceKind::log_file;
  out.integrity = Integrity::partial;
  out.place = freed.place;
  out.lsn = freed.lsn;
  out.reference_known = true;
  out.reference = freed.reference;
  out.runs.push_back(freed.run);
  out.streams.push_back({.type = freed.directory ? index_allocation_type : data_type,
                         .runs_complete = false,
                         .sizes_known = false,
                         .start_vcn = freed.run.vcn,
                         .run_count = 1});
}

carvers::LogFileTally LogStatements::read(const history::Graph& graph, const Sink& names, const Sink& journal, const TickSink& ticks) {
  std::vector<std::pair<LogEvent, Sighting>> waiting;
  std::vector<Freed> freed;
  auto tally = carver_.run([&](const LogEvent& event, const Sighting* sighting) {
    if (event.entry && tells_owner(event.kind)) owners_told_.insert(*event.entry);
    if (!stands(event)) return;
    if (event.kind == LogEventKind::clusters_freed && event.transaction != 0 && freed.size() < most_freed)
      freed.push_back({.transaction = event.transaction,
                       .lsn = event.lsn,
                       .place = event.place,
                       .run = {0, static_cast<std::int64_t>(event.first_cluster), event.clusters}});
    if (event.entry && (event.kind == LogEventKind::mapping_pairs_updated || event.kind == LogEventKind::sizes_set))
      if (const auto [at, is_new] = clusters_of_.try_emplace(event.transaction, *event.entry); !is_new && at->second != *event.entry)
        at->second = several;
    if (sighting == nullptr) return;
    ticks(*sighting, sets_times(event) ? history::TickKind::written : history::TickKind::at_least);
    // A record that is prepared in advance is made again when it is first used: the last counts.
    if (event.kind == LogEventKind::record_initialised && !event.before && sighting->reference_known && !sighting->base_is_elsewhere)
      creations_.insert_or_assign(sighting->reference, event.lsn);
    if (sighting->reference_known && std::ranges::any_of(sighting->streams, [](const StreamFact& s) {
          return s.type == data_type && s.length == 0 && (s.resident || s.run_count != 0);
        }))
      streams_told_.insert(sighting->reference);
    if (sighting->has_usn)
      tell(*sighting, journal);
    else if (sighting->reference_known)
      tell(*sighting, names);
    else if (!sighting->names.empty() && event.entry && waiting.size() < most_waiting)
      waiting.emplace_back(event, *sighting);
  });
  for (const auto& [event, sighting] : waiting)
    if (Sighting owned; find_owner(graph, event, sighting, owned)) tell(owned, names);
  for (const carvers::LogDeletion& deletion : tally.deletions) {
    if (!deletion.stands() || !deletion.reference_known || deletion.extension) continue;
    deletions_.insert_or_assign(deletion.reference, deletion);
    if (deletion.transaction != 0) deleting_.insert_or_assign(deletion.transaction, deletion.reference);
  }
  take_freed(std::move(freed), tally.deletions);
  Sighting clusters;
  for (const Freed& range : freed_) state(range, clusters), tell(clusters, names);
  return tally;
}

void LogStatements::each(const history::Graph& graph, const Sink& sink) {
  // Redo and undo data of one log record: held until the next one, so that what was before comes first.
  std::vector<Sighting> after;
  std::uint64_t lsn = 0;
  const auto flush = [&] {
    for (const Sighting& sighting : after) tell(sighting, sink);
    after.clear();
  };
  Sighting owned;
  auto journal = journal_;  // a journal record that stands in two log records is told once
  carver_.run([&](const LogEvent& event, const Sighting* sighting) {
    if (event.lsn != lsn) flush(), lsn = event.lsn;
    if (sighting == nullptr || !stands(event)) return;
    if (sighting->has_usn && journal.erase(JournalKey::of(*sighting)) == 0) return;
    if (!sighting->reference_known) {
      if (!find_owner(graph, event, *sighting, owned)) return;
      sighting = &owned;
    }
    if (!event.before && changes_attribute(event.kind))
      if (const auto deleting = deleting_.find(event.transaction); deleting != deleting_.end() && deleting->second == sighting->reference)
        return;
    if (event.before)
      tell(*sighting, sink);
    else
      after.push_back(*sighting);
  });
  flush();
  for (const Freed& range : freed_)
    if (!streams_told_.contains(range.reference)) state(range, owned), tell(owned, sink);
}

void LogStatements::at(std::uint64_t offset, const Sink& sink) {
  carver_.record_at(offset - (carved_ ? carved_->base : 0), [&](const LogEvent& event, const Sighting* sighting) {
    if (sighting != nullptr && stands(event)) tell(*sighting, sink);
  });
}

SourcePtr LogStatements::content(const Place& told) {
  Place place = told;
  if (carved_) place.stream = StreamKind::log_file, place.offset -= carved_->base;
  if (place.length == 0 || place.length > largest_content) return nullptr;
  std::vector<std::byte> bytes(static_cast<std::size_t>(place.length));
  if (!carver_.read(place, bytes) || all_zero(bytes)) return nullptr;
  return ntfs::make_buffer(std::move(bytes), log_, place.offset);
}

std::vector<carvers::LogDeletion> LogStatements::deletions() const {
  std::vector<carvers::LogDeletion> out;
  for (const auto& [reference, deletion] : deletions_) out.push_back(deletion);
  std::ranges::sort(out, {}, &carvers::LogDeletion::lsn);
  return out;
}

std::optional<std::uint64_t> LogStatements::creation(FileReference reference) const {
  const auto found = creations_.find(reference);
  return found == creations_.end() ? std::nullopt : std::optional(found->second);
}

const carvers::LogDeletion* LogStatements::deletion(FileReference reference) const {
  const auto found = deletions_.find(reference);
  return found == deletions_.end() ? nullptr : &found->second;
}

}  // namespace trimcarve
