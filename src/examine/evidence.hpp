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
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "carvers/free_space.hpp"
#include "carvers/record_pass.hpp"
#include "carvers/usn_journal.hpp"
#include "examine/log_statements.hpp"
#include "history/graph.hpp"
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
  // Journal records that were carved and that no journal has: their places in the volume, by USN.
  std::unordered_map<FileReference, std::vector<std::uint64_t>> carved_journal;
  std::optional<FileTime> shadow_created;  // of a shadow copy
  std::shared_ptr<KnownEvidence> known;    // shared by a volume and its copies; null: it has none

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
  // $LogFile states, journal records. `left_out` counts journal and log records beyond those that a long history cites.
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
  struct Logged {
    std::vector<Sighting> first;
    std::deque<Sighting> last;  // in the order of what they state
    std::uint64_t left_out = 0;
  };
  std::unordered_map<FileReference, Logged> logged_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<Sighting>> blocks_;  // by directory and number of the index block
};

}  // namespace trimcarve
