// $LogFile: what its redo and undo data state of files. Read, never replayed.
//
// Every log record that can be found is decoded (see log_reader.hpp), in LSN order, and what it does is told as an event; where its bytes
// state something of a file the event comes with a sighting (SourceKind::log_file, Sighting::lsn set):
// - FILE records: their images, attributes created and deleted (names, times, streams with run lists), values, sizes and mapping pairs
//   updated. Where the log holds the record's image from before, an update is read in it: it then states the whole attribute after the
//   step, or before it (`before`). Without, it states what its own bytes do ($STANDARD_INFORMATION's times, when they are all in it),
//   and whose it is when the record's next deallocation, or its last image, in the log tells the sequence number.
// - Index entries added and removed, seen in index blocks written whole, and their $FILE_NAME copies updated: name, parent, times, and the
//   file's reference.
// - Records of the change journal (has_usn).
// - Clusters allocated and freed in $Bitmap: no sighting. In the transaction of a deallocation they are the file's.
// A resident value is content only where its bytes are there: newer Windows log zeros in their stead, which give the length alone
// (StreamFact::size, with StreamFact::content of length 0 and no fragment). FragmentFacts carry bytes of the unnamed $DATA that were
// logged, with their certain offset in the file. Places are raw; read content with LogFileCarver::read, which applies the fix-ups.
//
// Integrity: good; partial when something of the attribute or record is not known (no image before, a part of the log record lost);
// carved for a record behind the end of its page (an earlier lap, or taken back).
// A sighting's Place: the whole log record, or for what the undo data state, for a journal record and for an entry of an index block, the
// stretch of those bytes. No two sightings begin at the same offset.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "carvers/log_reader.hpp"
#include "carvers/log_times.hpp"
#include "ntfs/lfs_record.hpp"

namespace trimcarve::carvers {

enum class LogEventKind : std::uint8_t {
  record_initialised,  // a FILE record was written: a file was created, or the record was prepared for one
  record_snapshot,     // the FILE record as it was, kept for an undo
  record_deallocated,  // the FILE record was freed: the file (or an extension record) is deleted
  attribute_created,   // with a name: created, renamed or linked
  attribute_deleted,   // as it was: with a name, renamed or unlinked
  value_updated,       // of a resident attribute
  sizes_set,           // of a stream
  mapping_pairs_updated,
  index_entry_added,    // a name appeared in a directory
  index_entry_removed,  // a name went from a directory (rename, deletion, or to another node of the index)
  index_entry_seen,     // in an index block written whole, or in the half of one that was split
  file_name_updated,    // a directory's copy of a file's times and sizes
  usn_record,
  clusters_allocated,
  clusters_freed,
};
std::string_view to_string(LogEventKind kind) noexcept;

// How the transaction ended that a log record belongs to.
enum class LogOutcome : std::uint8_t {
  unknown,    // no end of it in the log: cut off, or open when the machine stopped (Windows would take it back)
  committed,  // a CommitTransaction
  forgotten,  // a ForgetTransaction: complete. So NTFS ends what succeeded
  aborted,    // ended after all of it was taken back
};
std::string_view to_string(LogOutcome outcome) noexcept;
constexpr bool stands(LogOutcome outcome) noexcept { return outcome == LogOutcome::committed || outcome == LogOutcome::forgotten; }

struct LogEvent {
  LogEventKind kind = LogEventKind::record_initialised;
  bool before = false;           // the sighting states what was before the operation
  bool undone = false;           // this operation was taken back within its transaction
  bool compensates = false;      // this operation takes back an earlier one
  bool whole_from_here = false;  // no log record is missing between this one and the end of the log
  std::uint64_t lsn = 0;
  std::uint64_t transaction = 0;  // LSN of its first record in the log; 0: outside of any
  LogOutcome outcome = LogOutcome::unknown;
  ntfs::LogOperation redo = ntfs::LogOperation::noop, undo = ntfs::LogOperation::noop;
  Place place;                                            // the log record
  std::optional<std::uint64_t> entry;                     // of the FILE record that was changed, or whose attribute was
  std::uint16_t record_offset = 0, attribute_offset = 0;  // where in it (see ntfs::LogRecord)
  std::uint64_t first_cluster = 0, clusters = 0;          // clusters_*
  std::optional<ntfs::LogDuplicated> duplicated;          // file_name_updated whose entry is not known: no sighting, but these
};

// The sighting is null when the event's bytes state nothing of a file. Valid during the call.
using LogEventSink = std::function<void(const LogEvent&, const Sighting*)>;

// A FILE record freed.
struct LogDeletion {
  std::uint64_t lsn = 0, transaction = 0;
  Place place;
  std::optional<std::uint64_t> entry;
  bool reference_known = false;
  FileReference reference;  // with the sequence before the free
  bool directory = false;
  bool extension = false;  // known to be an extension record: its base may live on. What the log does not show is taken as a base record
  LogOutcome outcome = LogOutcome::unknown;
  bool undone = false;
  bool stands() const noexcept { return carvers::stands(outcome) && !undone; }
};

struct LogFileTally {
  LogState state = LogState::none;
  ntfs::LfsVersion version;
  bool clean = false, geometry_guessed = false;
  LogPages pages;
  std::uint64_t records = 0;               // log records, each LSN once
  std::uint64_t checkpoints = 0;           // client restart areas among them
  std::uint64_t copies = 0;                // of records, left out
  std::uint64_t crowded = 0;               // records cut where more pages claim one place in the log than are looked at (among `cut`)
  std::uint64_t cut = 0, torn = 0;         // records that end in a lost page (among `records`); whose header is torn (not among them)
  std::uint64_t stale = 0;                 // behind the end of their page (among `records`)
  std::uint64_t malformed = 0;             // records that NTFS cannot have written
  std::uint64_t breaks = 0;                // places in LSN order where records are missing
  std::array<std::uint64_t, 0x26> redo{};  // by redo operation
  std::uint64_t targets_unknown = 0;       // operations on an open attribute that no table names
  std::uint64_t models_lost = 0;           // FILE records whose steps stopped fitting: a step is missing
  std::uint64_t numbers_differ = 0;        // FILE records whose own number is not that of the place they are written to
  std::uint64_t transactions = 0, committed = 0, forgotten = 0, aborted = 0;
  std::uint64_t open_attributes = 0, dirty_pages = 0, active_transactions = 0;  // entries in the tables dumped
  std::uint64_t events = 0, sightings = 0;
  std::optional<std::uint64_t> first_lsn, last_lsn;
  LogTimes times;                      // that its records carry, for when an operation was logged
  std::vector<LogDeletion> deletions;  // in LSN order
  GapList gaps;
  bool stopped = false;
};

struct LogFileOptions {
  std::uint32_t volume = 0;
  std::uint32_t cluster_size = 0;     // bytes; 0: as the log says
  std::uint32_t record_size = 0;      // bytes; 0: as the log says, else 1024
  std::uint64_t volume_clusters = 0;  // 0: not known
  // Not 0: the source is no $LogFile, but carved record pages of this size (see LogReader).
  std::uint32_t carved_page_size = 0;
  ProgressSink progress;
};

// Does the log have a record with this LSN, and is it this one?
enum class LogMatch : std::uint8_t { absent, same, other };

LogFileTally carve_log_file(const ByteSource& log, const LogFileOptions& options, const LogEventSink& sink);

struct LogRecordImage {
  std::vector<std::byte> bytes;  // the used size; sector ends hold their own bytes (no fix-ups). Values that were not logged are zero
  std::uint64_t image_lsn = 0, last_lsn = 0;  // of the image; of the last step
  bool complete = true;                       // false when log records are missing after the image: a step may be among them
};

// The same with a memory: emits sightings again, and reads content. It scans the log once, when it is made. One thread.
class LogFileCarver {
 public:
  LogFileCarver(const ByteSource& log, const LogFileOptions& options);
  ~LogFileCarver();
  LogFileCarver(LogFileCarver&&) noexcept;

  LogFileTally run(const LogEventSink& sink);
  // Everything that the log record with a byte at `offset` gives, as in the run.
  void record_at(std::uint64_t offset, const LogEventSink& sink);
  // The FILE record of an entry as the log leaves it: its last image with every later step. What it says is newer than $MFT on the disk of
  // a machine that was not shut down. Nothing when the log holds no image of it, or a step did not fit. The tests hold it against $MFT:
  // the reading of every update rests on these steps.
  std::optional<LogRecordImage> image_of(std::uint64_t entry);
  // The bytes of a fragment or resident content, with fix-ups applied. False when they cannot be had.
  bool read(const Place& place, std::span<std::byte> out);
  // By the header, and as much of the client data as `data` has.
  LogMatch match(const ntfs::LfsRecordHeader& header, ByteView data);
  bool has_record(std::uint64_t lsn) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trimcarve::carvers
