// The evidence of one volume, as the report cites it.
//
// The graph keeps where each sighting lies; this decodes it again from there, finds the ranges of its bytes in the image, hashes them, and
// gives it its number in the report. The same sighting is cited once, however many findings rest on it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "carvers/free_space.hpp"
#include "carvers/record_pass.hpp"
#include "carvers/usn_journal.hpp"
#include "examine/log_statements.hpp"
#include "examine/memory_budget.hpp"
#include "history/graph.hpp"
#include "history/sequence_clock.hpp"
#include "ntfs/volume.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve {

// Where a sighting lies: in which stream of its volume.
struct SightingKey {
  SourceKind source;
  StreamKind stream;
  std::uint64_t owner, offset, length;
  auto operator<=>(const SightingKey&) const = default;
};

// What a volume and its shadow copies have told so far. A copy's record that lies at the same place of the same stream, with the same
// bytes, is the same sighting: it is not cited again.
struct KnownEvidence {
  std::map<std::pair<SightingKey, std::string>, std::uint32_t> sightings;  // with the SHA-256 of its bytes: its number
  std::unordered_set<FileReference> files;                                 // that were reported
  // Of the volume: its $MFT, and the graph that $MFT alone makes.
  SourcePtr mft;
  std::uint32_t record_size = 0;
  std::unique_ptr<history::Graph> records;
  // What its streams say to the clocks of the two sequences, not finished; the last LSN in its log.
  history::SequenceClock by_lsn, by_usn;
  std::optional<std::uint64_t> last_lsn;
  // A timeline: hashes of what was told of each.
  std::unordered_set<std::uint64_t> told;
};

// One volume, or what stands for it when only artefacts were given.
struct VolumeEvidence {
  std::uint32_t index = 0;
  std::optional<ntfs::Volume> volume;
  // Journals by the entry of their $UsnJrnl (an artefact's entry is 0); the live one first.
  std::vector<std::pair<std::uint64_t, SourcePtr>> journals;
  SourcePtr index_file;                           // an extracted $I30 whose directory is not known
  SourcePtr log;                                  // $LogFile
  std::shared_ptr<LogStatements> log_statements;  // set when it was read
  // Logs that were put together from carved pages. Place::offset of theirs: from `base` on (StreamKind::carved_log).
  struct CarvedLog {
    SourcePtr pages;
    std::uint64_t base = 0;
    std::unique_ptr<LogStatements> statements;
    carvers::LogTimes times;
    bool same_log = false;                      // as $LogFile
    std::unordered_set<FileReference> foreign;  // of which it says what cannot be of this volume's file: nothing of them is taken
  };
  static constexpr std::uint64_t carved_log_step = std::uint64_t{1} << 40;  // between two bases
  std::vector<CarvedLog> carved_logs;
  const CarvedLog* carved_log(std::uint64_t offset) const;  // null: there is none
  // Content in $LogFile or carved pages, with fix-ups applied; null when it cannot be read.
  SourcePtr log_content(const Place& place) const;
  // Journal records that were carved and that no journal has: their places in the volume, by USN.
  std::unordered_map<FileReference, std::vector<std::uint64_t>> carved_journal;
  std::optional<FileTime> shadow_created;  // of a shadow copy
  std::shared_ptr<KnownEvidence> known;    // shared by a volume and its copies; null: it has none
  const MemoryBudget* budget = nullptr;    // null: no limit

  carvers::RecordPassOptions record_options() const;
  carvers::FreeSpaceOptions free_space_options() const;  // without text
  SourcePtr journal(std::uint64_t owner) const;
};

// The index stream of a directory, ready to be carved.
struct DirectoryIndex {
  SourcePtr bytes;
  std::vector<std::byte> bitmap;
  bool has_bitmap = false;
  carvers::IndexOptions options(const VolumeEvidence& evidence, FileReference directory, bool deleted) const;
};
std::optional<DirectoryIndex> open_index(const VolumeEvidence& evidence, std::uint64_t directory_entry);

class Evidence {
 public:
  // `spaces`: the sources that Range::space counts, disk first. `cited` is Examination::sightings.
  Evidence(const VolumeEvidence& volume, const history::Graph& graph, std::vector<SourcePtr> spaces, std::vector<Sighting>& cited);

  std::uint32_t cite(const Sighting& sighting);
  // Is it one that the volume, or a copy made after this one, has as well?
  bool is_known(const Sighting& sighting) const;
  // SHA-256 over the raw bytes of these ranges; empty when they cannot be read.
  std::string hash(const std::vector<Range>& ranges) const;

  // Everything that speaks of this file, cited, oldest kind of evidence last: its records, slack, index entries, what
  // $LogFile states, journal records. `left_out` counts journal records beyond those that a long history cites.
  std::vector<std::uint32_t> of_file(FileReference reference, std::uint64_t& left_out);
  std::vector<std::uint32_t> of_row(history::RowIndex row);
  // The same sightings, not cited; each is valid during the call.
  void visit_file(FileReference reference, const std::function<void(const Sighting&)>& take, std::uint64_t& left_out);
  void visit_row(history::RowIndex row, const std::function<void(const Sighting&)>& take) { decode_row(graph_.rows()[row], take); }

  // The base record of an entry, not cited. Cached: the pointer stays valid.
  const Sighting* record(std::uint64_t entry);

  // Before of_file: collects the journal records of these files in one pass over the graph's events.
  void index_journal(const std::vector<FileReference>& references);
  // Before of_file: collects what $LogFile states of these files, in one pass over it.
  void index_log(const std::vector<FileReference>& references);
  // What $LogFile states of this file beyond what a long history cites.
  std::uint64_t log_left_out(FileReference reference) const;

 private:
  std::vector<Range> ranges_of(const Sighting& sighting) const;
  void decode_row(const history::NameRow& row, const std::function<void(const Sighting&)>& take);
  const std::vector<Sighting>& index_block(const history::NameRow& row);
  void journal_records(FileReference reference, const std::function<void(const Sighting&)>& take, std::uint64_t& left_out);

  const VolumeEvidence& volume_;
  const history::Graph& graph_;
  std::vector<SourcePtr> spaces_;
  std::vector<Sighting>& cited_;
  std::map<SightingKey, std::uint32_t> numbers_;
  std::unordered_map<std::uint64_t, std::optional<Sighting>> records_;
  std::unordered_map<std::uint64_t, std::optional<DirectoryIndex>> indexes_;
  std::unordered_map<FileReference, std::vector<history::JournalEvent>> events_;
  // An extent of a $DATA stream.
  using LoggedStream = std::tuple<std::u16string, std::uint64_t, bool>;  // its name, start VCN, is it resident
  // In the order of what they state.
  struct Logged {
    std::vector<Sighting> first;
    struct State {
      Sighting sighting;
      int needed;  // streams that it states last
    };
    std::map<std::uint64_t, State> states;          // between them, by its number: what states one of `streams` last
    std::map<LoggedStream, std::uint64_t> streams;  // the number in `states`
    std::deque<Sighting> last;
    std::uint64_t passed = 0;  // that left `last`
    void pass(Sighting& sighting);
  };
  std::unordered_map<FileReference, Logged> logged_;
  std::unordered_map<std::uint64_t, std::vector<Sighting>> log_rows_;  // what names rows of $LogFile, by their place
  void log_row(LogStatements& log, std::uint64_t locator, const std::function<void(const Sighting&)>& take);
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<Sighting>> blocks_;  // by directory and number of the index block
};

}  // namespace trimcarve
