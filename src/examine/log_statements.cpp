#include "examine/log_statements.hpp"

#include <algorithm>
#include <vector>

#include "ntfs/stream.hpp"

namespace trimcarve {

namespace {

using carvers::LogEvent;
using carvers::LogEventKind;

constexpr std::uint64_t largest_content = 1 << 16;  // of one log record
constexpr std::size_t most_waiting = 1 << 16;       // names whose owner is found at the end

bool stands(const LogEvent& event) { return !event.undone && carvers::stands(event.outcome); }

bool tells_owner(LogEventKind kind) {
  return kind == LogEventKind::record_initialised || kind == LogEventKind::record_snapshot || kind == LogEventKind::record_deallocated;
}

bool changes_attribute(LogEventKind kind) {
  return kind == LogEventKind::attribute_created || kind == LogEventKind::value_updated || kind == LogEventKind::sizes_set ||
         kind == LogEventKind::mapping_pairs_updated;
}

}  // namespace

bool LogStatements::find_owner(const history::Graph& graph, const LogEvent& event, const Sighting& in, Sighting& out) const {
  if (!event.entry || !event.whole_from_here || owners_told_.contains(*event.entry)) return false;
  const history::RecordSlot* slot = graph.record(*event.entry);
  if (slot == nullptr || !slot->in_use || !slot->identity_known || slot->extension) return false;
  out = in;
  out.reference = slot->identity;
  out.reference_known = true;
  return true;
}

carvers::LogFileTally LogStatements::read(const history::Graph& graph, const Sink& names, const Sink& journal) {
  std::vector<std::pair<LogEvent, Sighting>> waiting;
  auto tally = carver_.run([&](const LogEvent& event, const Sighting* sighting) {
    if (event.entry && tells_owner(event.kind)) owners_told_.insert(*event.entry);
    if (sighting == nullptr || !stands(event)) return;
    if (sighting->has_usn)
      journal(*sighting);
    else if (sighting->reference_known)
      names(*sighting);
    else if (!sighting->names.empty() && event.entry && waiting.size() < most_waiting)
      waiting.emplace_back(event, *sighting);
  });
  for (const auto& [event, sighting] : waiting)
    if (Sighting owned; find_owner(graph, event, sighting, owned)) names(owned);
  for (const carvers::LogDeletion& deletion : tally.deletions) {
    if (!deletion.stands() || !deletion.reference_known || deletion.extension) continue;
    deletions_.insert_or_assign(deletion.reference, deletion);
    if (deletion.transaction != 0) deleting_.insert_or_assign(deletion.transaction, deletion.reference);
  }
  return tally;
}

void LogStatements::each(const history::Graph& graph, const Sink& sink) {
  // Redo and undo data of one log record: held until the next one, so that what was before comes first.
  std::vector<Sighting> after;
  std::uint64_t lsn = 0;
  const auto flush = [&] {
    for (const Sighting& sighting : after) sink(sighting);
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
      sink(*sighting);
    else
      after.push_back(*sighting);
  });
  flush();
}

void LogStatements::at(std::uint64_t offset, const Sink& sink) {
  carver_.record_at(offset, [&](const LogEvent& event, const Sighting* sighting) {
    if (sighting != nullptr && stands(event)) sink(*sighting);
  });
}

SourcePtr LogStatements::content(const Place& place) {
  if (place.length == 0 || place.length > largest_content) return nullptr;
  std::vector<std::byte> bytes(static_cast<std::size_t>(place.length));
  if (!carver_.read(place, bytes) || all_zero(bytes)) return nullptr;
  return ntfs::make_buffer(std::move(bytes), log_, place.offset);
}

const carvers::LogDeletion* LogStatements::deletion(FileReference reference) const {
  const auto found = deletions_.find(reference);
  return found == deletions_.end() ? nullptr : &found->second;
}

}  // namespace trimcarve
