// What $LogFile states of files and what of it stands: of transactions that were completed, what was not taken back. All else Windows would
// take back when it mounts the volume.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "carvers/log_file.hpp"
#include "history/graph.hpp"
#include "history/sequence_clock.hpp"

namespace trimcarve {

// A record of the change journal. Its USN alone does not name it: a journal that was deleted and made anew counts from 0 again.
struct JournalKey {
  std::uint64_t usn = 0, reference = 0, time = 0;
  std::uint32_t reason = 0;
  // Records of version 4 carry no time: what $J tells of theirs is a neighbour's.
  static JournalKey of(const Sighting& s) {
    return {s.usn.usn, s.reference.value, s.usn.version == 4 ? 0 : s.usn.time.ticks, s.usn.reason};
  }
  friend bool operator==(const JournalKey&, const JournalKey&) = default;
};
struct JournalKeyHash {
  std::size_t operator()(const JournalKey& key) const noexcept {
    std::uint64_t hash = key.reason;
    for (const std::uint64_t part : {key.usn, key.reference, key.time}) hash = (hash ^ part) * 0x9E37'79B9'7F4A'7C15U, hash ^= hash >> 32;
    return static_cast<std::size_t>(hash);
  }
};
using JournalKeys = std::unordered_set<JournalKey, JournalKeyHash>;

class LogStatements;

// A log that was put together from carved pages: how its sightings differ from those of $LogFile.
struct CarvedLogMark {
  std::uint64_t base = 0;              // what is added to the offsets in their places (StreamKind::carved_log)
  const LogStatements* own = nullptr;  // the volume's log, when the pages are of it: what it has itself is not told again
};

class LogStatements {
 public:
  // Scans the log. With `carved`, `log` holds carved pages (carvers::LogReader) and `options` says of which size. Then transactions of
  // which no end is found count too, but for the deletions in them: their ends may stand in pages that are lost.
  LogStatements(SourcePtr log, const carvers::LogFileOptions& options, std::optional<CarvedLogMark> carved = std::nullopt)
      : log_(std::move(log)), volume_(options.volume), carver_(*log_, options), carved_(carved) {}

  using Sink = std::function<void(const Sighting&)>;
  using TickSink = std::function<void(const Sighting&, history::TickKind)>;

  // Reads all of it, once, first. Names go to `names`, in LSN order; records of the change journal to `journal`. Then, to `names`, the
  // clusters that deletions freed: a transaction that frees one FILE record, and changes no other's clusters, frees that file's. `ticks`
  // has everything that stands, whosever it is, with what its change time is to a clock (see history::add_ticks).
  carvers::LogFileTally read(const history::Graph& graph, const Sink& names, const Sink& journal, const TickSink& ticks);
  // Everything it states of files that are known, in the order of what is stated: where a log record states what was before it, that comes
  // first. What a file's own deletion did to its attributes is left out: it says nothing of the file. The clusters that it freed come last,
  // where nothing else tells of a run list: they are taken in the order in which they were freed.
  void each(const history::Graph& graph, const Sink& sink);
  // Of the change journal's records in it only these are told by `each`: $J has the others.
  void tell_journal(JournalKeys records) { journal_ = std::move(records); }
  // What stands at a place, by its offset there.
  void at(std::uint64_t offset, const Sink& sink);
  // Content, with fix-ups applied; null when it cannot be read.
  SourcePtr content(const Place& place);

  // The last deletion of a file that stands; null when there is none. Its LSN and place are the log's own, also of carved pages.
  const carvers::LogDeletion* deletion(FileReference reference) const;
  // All of these, by LSN.
  std::vector<carvers::LogDeletion> deletions() const;
  // The LSN with which a file's record was made, by a transaction that stands.
  std::optional<std::uint64_t> creation(FileReference reference) const;
  carvers::LogFileCarver& carver() noexcept { return carver_; }
  bool has_record(std::uint64_t lsn) const { return carver_.has_record(lsn); }

 private:
  bool stands(const carvers::LogEvent& event) const;
  // As it is told: of carved pages with their mark. Nothing when the volume's log has it.
  void tell(const Sighting& sighting, const Sink& sink) const;
  // A statement of a record whose owner the log does not tell is about the file that has the record in $MFT, when it is in use and the log
  // tells of no owner of it at all, with no log record missing behind the statement that could have.
  bool find_owner(const history::Graph& graph, const carvers::LogEvent& event, const Sighting& in, Sighting& out) const;

  struct Freed {
    std::uint64_t transaction = 0, lsn = 0;
    Place place;
    RunFact run;
    FileReference reference;
    bool directory = false;
  };
  // Keeps those of transactions that delete one file.
  void take_freed(std::vector<Freed>&& freed, const std::vector<carvers::LogDeletion>& deletions);
  void state(const Freed& freed, Sighting& out) const;

  SourcePtr log_;
  std::uint32_t volume_;
  carvers::LogFileCarver carver_;
  std::optional<CarvedLogMark> carved_;
  std::unordered_map<FileReference, carvers::LogDeletion> deletions_;
  std::unordered_map<FileReference, std::uint64_t> creations_;
  std::unordered_map<std::uint64_t, FileReference> deleting_;     // by transaction
  std::unordered_set<std::uint64_t> owners_told_;                 // entries
  std::unordered_set<FileReference> streams_told_;                // whose unnamed stream a log record states
  std::vector<Freed> freed_;                                      // in LSN order
  std::unordered_map<std::uint64_t, std::uint64_t> clusters_of_;  // the entry whose clusters a transaction changes; no_entry: several
  JournalKeys journal_;
  mutable Sighting told_;  // of tell
};

}  // namespace trimcarve
