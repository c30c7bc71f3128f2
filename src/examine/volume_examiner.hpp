// One volume, from its streams to the reports of the target's files.
#pragma once

#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "examine/evidence.hpp"
#include "examine/free_finds.hpp"
#include "findings/profile.hpp"
#include "history/content.hpp"
#include "history/deletion.hpp"
#include "history/paths.hpp"
#include "history/presence.hpp"
#include "history/select.hpp"
#include "history/sequence_clock.hpp"
#include "trimcarve/examine.hpp"
#include "trimcarve/timeline.hpp"

namespace trimcarve {

class Witnesses;
struct WitnessBytes;

// What of a volume is searched for what no list leads to, and by what.
struct FreeSpaceSearch {
  bool possible = false;       // false: not this volume
  std::optional<bool> wanted;  // empty: when it is little
  bool whole_volume = false;
  const carvers::ScriptText* text = nullptr;
  std::string no_text;  // why text is not looked for
};

// The times at which a volume was certainly in use. A time far behind the last of them is implausible: flagged, and no bound rests on it.
// No fixed date plays a part (rule 1 of the design).
class ActivityWindow {
 public:
  void see(FileTime time);
  std::optional<FileTime> last() const;
  bool plausible(FileTime time) const;

 private:
  std::vector<FileTime> latest_;          // a heap of the latest times, smallest on top
  mutable std::optional<FileTime> last_;  // of latest_; empty: to be worked out again
};

// The first of them as the coverage lists them; `note` says when there are more.
std::vector<Coverage::Gap> gaps_of(const carvers::GapList& gaps, std::string& note);

// A sequence that came after another for the same entry; the counter wraps at 0xFFFF.
constexpr bool later_sequence(std::uint16_t sequence, std::uint16_t than) noexcept {
  const auto difference = static_cast<std::uint16_t>(sequence - than);
  return difference != 0 && difference < 0x8000;
}

// Once each.
void add_flag(FileReport& report, std::string flag);

class VolumeExaminer {
 public:
  VolumeExaminer(VolumeEvidence evidence, std::vector<SourcePtr> spaces, const Progress& progress, Examination& out);

  // Reads $MFT and the journals into the graph. To be called once, first.
  void read();
  // Adds the files of these targets to the examination; `first_target` numbers them.
  void report(const std::vector<findings::Target>& targets);

  // After read: everything with a time, for a timeline (volume_timeline.cpp). Of a shadow copy: what no volume or copy told before.
  void tell(const TimelineSink& sink);

  // Hands the logs, hives and archives of this volume that can be read to the witnesses.
  void hear(Witnesses& witnesses);
  // After hear: what was carved from free space of logs and hives (free_space.cpp).
  void hear_carved(Witnesses& witnesses);
  // Once, after report: the fragments of text that were found, with the files they were of.
  void report_fragments();

  // Before read: what TRIM left of the free clusters is not asked for.
  void leave_clusters() { count_clusters_ = false; }
  // Before read. Nothing is searched by default.
  void search_free_space(const FreeSpaceSearch& search) { free_search_ = search; }

  // The files that the journal saw created in this time and that no report names, oldest first; at most `most` of `total`.
  std::vector<CreatedFile> created_between(FileTime from, FileTime to, std::size_t most, std::uint64_t& total);

  // Before that copy comes to rest: what its change journal has of the deletion of this volume's files, where this volume's has no more.
  void take_journal(VolumeExaminer& shadow);
  // Of a shadow copy, after report: keeps of it no more than bound_by asks of it.
  void rest();
  // Once, after all copies of the volume came to rest: what they say of when this volume's (or copy's) files came and went.
  void bound_by(const std::vector<std::unique_ptr<VolumeExaminer>>& copies);

  VolumeInfo& info() noexcept { return info_; }
  const VolumeInfo& info() const noexcept { return info_; }

 private:
  struct Member {
    FileReference reference;                  // value 0: not known
    history::RowIndex row = history::no_row;  // when the reference is not known
    std::vector<std::uint32_t> targets;
  };

  // Asks for the end when the user or the memory budget does; then end_early has to be called.
  carvers::ProgressSink progress_sink(std::string stage) const;
  bool memory_used_up() const { return evidence_.budget != nullptr && evidence_.budget->exceeded(); }
  // What was read stopped before its end: throws RunError{interrupted}, or tells that memory is used up, once for each `what`.
  void end_early(const std::string& what);
  void read_records();
  // The records of a shadow copy's $MFT that do not lie where the volume's do; begins the graph with the others. Nothing: all.
  std::optional<std::vector<carvers::RecordStretch>> begin_with_the_volumes();
  void read_log();         // $LogFile: volume_log.cpp
  void add_log_journal();  // the records of the change journal that $LogFile holds and $J does not
  // The committed deletion of this very file in $LogFile that $MFT does not show yet; null when there is none.
  const carvers::LogDeletion* deleted_in_log(FileReference reference);
  void read_log_deletion(const Member& member, FileReport& report, history::DeletionNode& node, std::optional<Estimate>& estimate);
  // The clocks of the sequence numbers: volume_clock.cpp.
  void see_ticks(const Sighting& sighting);
  void finish_clocks();
  void read_clocks(const Member& member, history::Graph::Standing standing, FileReport& report, history::DeletionNode& node,
                   std::optional<Estimate>& estimate);
  bool is_creation_stated(const FileReport& report) const;
  void estimate_creation(FileReport& report);
  void estimate_last_write(FileReport& report, history::Graph::Standing standing, const carvers::LogDeletion* deletion);
  void estimate_unlinking(FileReport& report);
  void observe_times(const Sighting& record, FileReport& report) const;
  // Do the journal's times of the deletions follow the LSNs that the records got with them?
  void check_order();
  void note_slack(const Sighting& record);  // free_space.cpp, as all of these
  void note_compressed_slack();
  std::vector<carvers::Stretch> free_stretches();
  void add_unclaimed(std::vector<carvers::Stretch>& stretches) const;  // volume_unclaimed.cpp
  void carve_free_space();
  void take_candidate(const carvers::Candidate& candidate, const carvers::Stretch& stretch, const carvers::FreeSpaceOptions& options);
  void take_carved(const Sighting& sighting);
  bool is_foreign(const Sighting& sighting) const;
  void note_log_page(const carvers::Candidate& candidate, const carvers::Stretch& stretch);  // volume_log_pages.cpp, as the next three
  void read_carved_logs();
  enum class Speaks : std::uint8_t { neither, own, foreign };
  Speaks speaks_of(const Sighting& logged) const;
  void read_carved_log_deletion(const Member& member, FileReport& report, history::DeletionNode& node, std::optional<Estimate>& estimate);
  void search_texts();
  void note_record_slack(const Sighting& slack);
  SourcePtr open_text(const FoundText& text) const;    // volume_fragments.cpp
  void forget_carved(const Sighting& journal_record);  // which a journal has, too
  void add_carved_journal();
  void free_space_coverage(const carvers::FreeSpaceTally& tally, std::uint64_t left_out);
  void find_journals();
  void read_journals();
  void read_index_file();
  void count_free_clusters();
  void find_provisioning();
  void index_coverage();

  history::Selection everything() const;
  history::Selection tops(const findings::Target& target) const;
  std::vector<FileReference> orphans(const findings::Target& target);
  void carve_indexes(const std::vector<findings::Target>& targets);
  bool carve_index(FileReference directory);
  std::vector<Member> members(const std::vector<findings::Target>& targets);

  // Of a shadow copy (volume_shadow.cpp): leaves those that the volume, and the copies made after this one, do not have so.
  void keep_new(std::vector<Member>& members);
  bool is_new(const Member& member);
  bool only_here(const RunFact& run) const;
  bool has_own_record(FileReference reference) const;
  history::Presence presence(FileReference reference);
  void bound_deletions();

  void report_file(const Member& member, FileReport& report, history::DeletionNode& node, std::optional<Estimate>& estimate);
  void report_sightings(const Member& member, FileReport& report);
  // Returns the time of the rename into \$Extend\$Deleted, no_time when there was none.
  FileTime report_names(const Member& member, history::Graph::Standing standing, FileReport& report);
  void report_state(const Member& member, history::Graph::Standing standing, FileReport& report);
  // What its sightings state, and the times at which they show it alive or being deleted.
  void read_signs(FileTime alias_from, FileReport& report, history::DeletionNode& node);
  // The times by which a deleted file was gone.
  void read_end(const Member& member, history::Graph::Standing standing, const FileReport& report, history::DeletionNode& node);
  bool born_at(FileReference reference, FileTime TimeSet::* which, FileTime born);
  void attach_nameless(std::vector<Member>& members);
  void report_contents(std::size_t first_file);
  bool clusters_are_free(const ntfs::FileStream& stream) const;
  std::optional<WitnessBytes> open_witness(FileReference reference, WitnessInfo& info) const;
  void list_files(FileReference folder, const std::u16string& path, bool below, int depth,
                  std::vector<std::pair<std::u16string, FileReference>>& out) const;
  history::Owner owner_of(std::uint32_t entry);
  std::string owner_text(std::uint32_t entry);

  VolumeEvidence evidence_;
  std::optional<std::vector<carvers::RecordStretch>> records_read_;  // of a shadow copy; nothing: all
  std::vector<SourcePtr> spaces_;
  const Progress& progress_;
  Examination& out_;
  VolumeInfo info_;
  history::Graph graph_;
  std::unique_ptr<history::Paths> paths_;
  std::unique_ptr<Evidence> citations_;
  ActivityWindow activity_;
  carvers::LogTimes log_times_;
  carvers::IndexTally index_tally_;
  std::unordered_set<FileReference> reported_;
  std::vector<history::DeletionNode> nodes_;                             // of the files reported, in their order
  std::vector<std::optional<Estimate>> estimates_;                       // of the same files
  std::size_t first_file_ = 0;                                           // of them, in the examination
  std::unordered_map<FileReference, std::vector<TimeSet>> known_times_;  // of born_at
  std::set<FileReference> carved_directories_;
  std::set<FileReference> one_block_indexes_, root_indexes_;  // of these: those in use whose index is one block, or in the record alone
  std::unordered_map<FileReference, std::vector<std::uint32_t>> extra_;  // sightings of nameless rows that were joined to a file
  struct LoggedJournal {
    Sighting sighting;
    std::uint32_t number =
        0;  // of its journal: one may have been deleted, and another made; 0: in carved pages, which of them is not known
  };
  std::unordered_map<JournalKey, LoggedJournal, JournalKeyHash> log_journal_;  // while the journals are read
  std::uint32_t log_journals_ = 0;                                             // of which $LogFile has records
  bool live_journal_ = false;                  // there is one, and it is the first of VolumeEvidence::journals
  std::unordered_set<FileReference> unclear_;  // of a copy at rest: files whose presence in it cannot be told by their records
  std::vector<history::RowIndex> creations_;   // journal rows that begin with a creation, by their time
  history::SequenceClock by_lsn_, by_usn_;
  std::optional<std::uint64_t> last_lsn_;                   // in $LogFile
  std::uint64_t times_seen_ = 0, changed_before_name_ = 0;  // records in use; of them those whose own change time is before their names'
  bool count_clusters_ = true;
  FreeSpaceSearch free_search_;
  FreeFinds free_;
  std::set<std::string> ended_early_;
  bool records_damaged_ = false;  // records of $MFT, or parts of $Bitmap: not every cluster's owner is known
};

}  // namespace trimcarve
