// A sighting: one byte range that says something about a file, and what it says.
//
// Carvers fill one Sighting object and hand it to a sink again and again (no allocation per record once its vectors have grown), so a sink
// that keeps anything copies it. Text lives in one UTF-16 arena per sighting; facts point into it.
// Sightings state only what their bytes state. Joining them is the work of history.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/file_id.hpp"
#include "trimcarve/file_time.hpp"
#include "trimcarve/statement.hpp"

namespace trimcarve {

// Which kind of evidence it is. One carver may emit several kinds.
enum class SourceKind : std::uint8_t {
  mft,           // a FILE record (base or extension)
  record_slack,  // beyond the used size of a FILE record
  index,         // a live entry of a directory index ($INDEX_ROOT or an INDX block in use)
  index_slack,   // an entry in index slack, in a block the index bitmap calls free, or behind the end of $INDEX_ROOT's entries
  usn_journal,   // a record of $UsnJrnl:$J
  log_file,      // redo or undo data of a log record in $LogFile
  agent_log,     // the guest agent's and the handlers' own logs, status and telemetry files
  event_log,     // a record of a Windows event log
  registry,      // a key of a hive
  activity_log,  // an event of the Azure Activity Log
  free_space,    // a structure that was found by its shape where nobody has it now: free clusters, slack of files
};
std::string_view to_string(SourceKind kind) noexcept;

enum class Integrity : std::uint8_t {
  good,     // complete; fix-ups verified where the structure has them
  torn,     // some sectors fail their fix-up; only what lies in good sectors was taken
  partial,  // a part of the structure is overwritten or missing; what remains was taken
  carved,   // found by its shape, with no structure that points at it
};
std::string_view to_string(Integrity integrity) noexcept;

// The stream in which the bytes lie, and where in it. `owner` is the entry whose stream it is: 0 for $MFT; of a witness: its number in
// Examination::witnesses, and the stream is its content. Of `volume`: the volume's own bytes, and the owner is 0. Of `carved_log`: record
// pages of a $LogFile that were found by their shape, as they were put together; the owner is 0, and the ranges say where they lie.
enum class StreamKind : std::uint8_t { mft, usn_journal, index_allocation, log_file, witness, volume, carved_log };
struct Place {
  StreamKind stream = StreamKind::mft;
  std::uint64_t owner = 0;
  std::uint64_t offset = 0;  // bytes, in the stream (for mft: in $MFT's $DATA)
  std::uint64_t length = 0;
  friend bool operator==(const Place&, const Place&) = default;
};

// $FILE_NAME name spaces; `unknown` for sources that do not say (USN records).
enum class NameSpace : std::uint8_t { posix = 0, win32 = 1, dos = 2, win32_and_dos = 3, unknown = 255 };

// A name and the directory it stood in. From $FILE_NAME, an index entry or a USN record.
struct NameFact {
  std::uint32_t text = 0;    // offset in Sighting::text, in units
  std::uint16_t length = 0;  // in units
  NameSpace name_space = NameSpace::unknown;
  bool parent_known = true;      // false when the reference is overwritten (the end-marker trap): `parent` is then an inference or empty
  bool parent_inferred = false;  // `parent` was taken from where the name lies, not read from it
  bool has_times = false;        // times, sizes and attributes below were stated
  FileReference parent;
  TimeSet times;
  std::uint64_t allocated_size = 0, size = 0;
  std::uint32_t attributes = 0;  // FILE_ATTRIBUTE_*; 0x10000000 = directory in $FILE_NAME
};

// lcn -1: sparse, no cluster.
struct RunFact {
  std::uint64_t vcn = 0;
  std::int64_t lcn = 0;
  std::uint64_t clusters = 0;
};

// One piece of a stream: an attribute of type $DATA (0x80) or $INDEX_ALLOCATION (0xA0), whole or one extent of it.
struct StreamFact {
  std::uint32_t text = 0;  // its name in Sighting::text
  std::uint16_t length = 0;
  std::uint32_t type = 0x80;
  bool resident = false;
  bool compressed = false, encrypted = false, sparse = false;
  bool runs_complete = true;               // false when the run list ended early or left the volume: the runs so far are kept
  std::uint8_t compression_unit_log2 = 0;  // clusters per compression unit, as power of two; 0 when not compressed
  bool sizes_known = true;                 // false: only runs are stated, of a stream whose sizes are not
  std::uint64_t start_vcn = 0;             // sizes below are stated only when this is 0
  std::uint64_t allocated_size = 0, size = 0, valid_size = 0;
  std::uint32_t first_run = 0, run_count = 0;  // in Sighting::runs
  Place content;                               // resident: where the value's bytes lie (length = size)
  std::uint16_t attribute_id = 0;
};

// Bytes of a file's content that lie outside its proper place (record slack).
struct FragmentFact {
  Place place;
  std::uint64_t file_offset = 0;  // where in the file these bytes belong
  bool offset_inferred = true;
};

struct UsnFact {
  std::uint64_t usn = 0;
  FileTime time;             // no_time when the record has none (V4)
  std::uint32_t reason = 0;  // USN_REASON_*
  std::uint32_t source_info = 0;
  std::uint32_t attributes = 0;
  std::uint16_t version = 2;
  bool name_inferred = false;  // V4: name, parent and time taken from neighbours of the same reference
};
namespace usn_reason {
inline constexpr std::uint32_t data_overwrite = 0x1, data_extend = 0x2, data_truncation = 0x4, file_create = 0x100, file_delete = 0x200,
                               rename_old_name = 0x1000, rename_new_name = 0x2000, close = 0x8000'0000;
}

// What bytes in slack are the remains of.
enum class SlackRole : std::uint8_t {
  none,
  own_content,      // the start of this file's text, from before it went non-resident
  directory_child,  // a child of the directory in whose record or index it lies
  earlier_owner,    // another file that had this record before: proven by its own structures
};

// In place of a volume's index: a file that the examiner gave lies on none.
inline constexpr std::uint32_t no_volume = 0xFFFF'FFFF;

struct Sighting {
  SourceKind source = SourceKind::mft;
  Integrity integrity = Integrity::good;
  std::uint32_t volume = 0;
  Place place;

  // Whose file this speaks of.
  bool reference_known = false;    // entry and sequence below are both known
  FileReference reference;         // MFT: the identity while the record was or is in use (sequence before the free)
  bool base_is_elsewhere = false;  // an extension record: `reference` is its base

  // From a FILE record.
  bool has_record = false;
  bool in_use = false, directory = false;
  std::uint64_t record_entry = 0;     // the entry number of the record itself
  std::uint16_t record_sequence = 0;  // as stored
  std::uint16_t link_count = 0;
  std::uint64_t lsn = 0;  // FILE record, INDX block or log record; 0 when none
  // Of a log record in carved pages that are not known to be of the volume's $LogFile as it is now: `lsn` is 0 then, for this number stands
  // in no order with the others.
  std::uint64_t other_lsn = 0;

  bool has_standard_information = false;
  TimeSet standard_information;
  std::uint32_t file_attributes = 0;
  std::uint64_t standard_usn = 0;  // $STANDARD_INFORMATION's USN; 0 when absent

  // From an index: the directory in which the entry lies.
  bool has_container = false;
  FileReference container;
  SlackRole slack_role = SlackRole::none;

  bool has_usn = false;
  UsnFact usn;

  std::shared_ptr<const Statement> statement;  // of a witness; null for all other sources

  std::vector<NameFact> names;
  std::vector<StreamFact> streams;
  std::vector<RunFact> runs;
  std::vector<FragmentFact> fragments;
  std::u16string text;

  // Filled when the sighting is cited in a report: where the bytes lie in the evidence, and the SHA-256 over them in order, raw (before
  // fix-ups and decompression), as lower-case hex.
  std::vector<Range> ranges;
  std::string sha256;

  std::u16string_view name(const NameFact& fact) const noexcept { return std::u16string_view(text).substr(fact.text, fact.length); }
  std::u16string_view name(const StreamFact& fact) const noexcept { return std::u16string_view(text).substr(fact.text, fact.length); }
  // Empties it for the next record, keeping the vectors' memory.
  void clear() noexcept;
};

}  // namespace trimcarve
