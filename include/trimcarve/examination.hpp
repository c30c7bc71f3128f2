// What an examination found: the document behind findings.json, in memory. `examine` fills it, the reports read it.
//
// Indices: `sightings` numbers in findings and files are positions in Examination::sightings. Times are FILETIMEs in UTC; `no_time` or an
// empty optional where nothing is known. Paths begin with a backslash and have no drive letter.
// Ownership: an Examination owns everything, the evidence behind recovered content included (shared).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/file_id.hpp"
#include "trimcarve/file_time.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve {

enum class Grade : std::uint8_t {
  established,   // a record says so
  corroborated,  // two independent sources say so
  inferred,      // by a rule, which is named
  contradicted,  // sources disagree
};
std::string_view to_string(Grade grade) noexcept;

struct Warning {
  std::string code;  // stable, lower_snake_case
  std::string text;
  std::vector<Range> ranges;
};

// What the table of a dynamic or differencing container says of its blocks: proof of what was never written, or was discarded.
struct BlockCounts {
  std::uint64_t block_size = 0, total = 0;
  std::uint64_t present = 0;            // stored
  std::uint64_t partially_present = 0;  // stored for some sectors by a sector bitmap; the others are the parent's, or nowhere
  std::uint64_t not_present = 0;        // of a differencing image: the parent's
  std::uint64_t undefined = 0, zero = 0, unmapped = 0, unreadable = 0;
};

// The pending log of a VHDX: what was on its way into the file when it was last closed or copied.
struct LogReplay {
  bool replayed = false;                   // in memory; false: it was asked not to be, and the disk is as it was before
  std::uint64_t entries = 0, sectors = 0;  // sectors of 4 KiB that the entries write
  std::uint64_t changed = 0;               // of these, those whose bytes differ from what the file holds
  std::uint64_t changed_table = 0, changed_metadata = 0, changed_bitmaps = 0, changed_payload = 0, changed_other = 0;  // by what they hold
  std::vector<Range> ranges;  // of the disk: what reads otherwise than without the log, as far as it is known; at most 64
  std::string file;           // whose log it is
};

struct StructureCheck {
  std::string structure;  // "footer", "footer copy", "dynamic header", "header 1", "region table 2", ...
  std::string state;      // "good", "checksum wrong", "missing"
  std::string file;       // which file it stands in
};

struct SourceInfo {
  std::string path;
  std::string container;   // "raw", "split raw", "vhd fixed", "vhd dynamic", "vhdx differencing", "e01", "qcow2", "vmdk stream optimized",
                           // ..., "file"
  std::uint64_t size = 0;  // of the virtual disk, or of the file
  std::vector<std::string> files;    // the files it was read from, in the order of their `file:N` spaces; parents' after its own
  std::vector<std::string> parents;  // of a differencing image: its parent's path, then that one's parent, ...
  std::string identifier;            // of a VHD or VHDX, else empty
  std::vector<std::string> warnings;
  std::optional<BlockCounts> blocks;    // of a container of blocks; a parent's are not counted
  std::optional<LogReplay> log;         // of a VHDX whose log was pending
  std::vector<LogReplay> parents_logs;  // of its parents that had one, in their order
  std::vector<StructureCheck> checks;   // of the structures that have a checksum, in the order they were read; parents' after its own
  std::string acquisition_hashes;       // of the whole disk, as an E01 states them: "MD5 ..., SHA-1 ..."; else empty. Not checked here
  std::vector<std::string> acquisition_notes;  // what an E01 states of its acquisition, each "label: value": case, examiner, date, ...
  std::string page_ranges;                     // the listing of the blob's pages that was taken into account, else empty
};

// A partition as the disk's table has it.
struct PartitionInfo {
  std::uint32_t index = 0;              // in the table's order
  std::string scheme;                   // "mbr", "gpt"; "none": a bare volume, without a table
  std::uint64_t offset = 0, size = 0;   // bytes, as the table says
  std::string type, type_name, name;    // MBR "0x07", GPT the type's GUID; what that means, where it is known; GPT's own name
  std::optional<std::uint32_t> volume;  // the volume of the report that begins where it begins
};

struct ClusterCounts {  // clusters; `zero` and `data` only when they were read
  std::uint64_t total = 0, hole = 0, unreadable = 0;
  std::optional<std::uint64_t> zero, data;
};

// What lies where on a volume: it is cut into cells of `per_cell` clusters (the last may have fewer), at most so many. For report.html.
struct ClusterMap {
  static constexpr std::size_t most_cells = 1280;
  enum Kind : std::uint8_t {
    not_free,  // allocated, or the bitmap does not say
    data,      // free, and from here on: with data
    zero,
    not_read,  // with stored bytes, of which too many are on the volume to read them all
    unreadable,
    hole,  // without stored bytes: the image file has a hole, or the container's table says why, as ExtentKind
    container_zero,
    unmapped,
    not_present,
    undefined,
    kinds
  };
  std::uint64_t clusters = 0, per_cell = 0;
  std::vector<std::array<std::uint64_t, kinds>> cells;  // clusters of each kind; empty: no bitmap
};

// The clock that the sequence numbers of a volume make, and how far it can be trusted: its own records, each told from the others.
struct ClockInfo {
  std::string sequence;  // "lsn": of $LogFile; "usn": of the change journal
  bool sound = false;
  std::string why_not;                    // of one that is not sound: no estimate rests on it
  std::uint64_t ticks = 0, at_least = 0;  // records whose time was written with the number; others, whose times are older
  std::uint64_t first_number = 0, last_number = 0;
  std::optional<FileTime> first, last;
  // Of the ticks: those whose times follow the numbers; older ones, which say nothing; later ones, in contradiction to many others, or to
  // so few that it is doubtful who is right.
  std::uint64_t in_order = 0, older = 0, later = 0, doubtful = 0;
  struct SetBack {
    std::uint64_t number = 0;
    FileTime from, to;
  };
  std::vector<SetBack> set_backs;             // the clock was set back before this number
  std::optional<std::uint64_t> restarted_at;  // numbers above it are of an earlier sequence
  struct HeldOut {
    std::uint64_t tested = 0, inside = 0, older = 0, later = 0, open = 0;
    std::uint64_t median_width = 0;  // of the brackets with the time inside, in 100 ns
  } held_out;
};

struct VolumeInfo {
  std::uint32_t index = 0;
  std::uint64_t offset = 0, size = 0;  // in the disk, bytes
  std::uint64_t serial = 0;
  std::uint32_t cluster_size = 0, record_size = 0;
  std::uint64_t records = 0;  // slots of $MFT
  // Of a volume shadow copy: the volume it is a copy of, and when it was made. Its files are those that the volume, and the copies made
  // after it, no longer have so.
  std::optional<std::uint32_t> shadow_of;
  std::optional<FileTime> shadow_created;
  std::optional<ClusterCounts> free_clusters;
  ClusterMap map;
  std::string state;                    // "examined", "bitlocker", "unreadable"
  std::optional<FileTime> created;      // of $MFT's record
  std::optional<FileTime> provisioned;  // of this machine, as its marks say
  std::string provisioned_basis;
  std::vector<std::uint32_t> provisioned_sightings;  // the mark's record
  std::optional<FileTime> journal_created;           // of the live change journal, by its id in $UsnJrnl:$Max
  std::vector<ClockInfo> clocks;
};

// From when to when a source speaks, and what it could not say.
struct Coverage {
  std::optional<std::uint32_t> volume = 0;  // empty: of a file the examiner gave
  std::string
      source;  // "mft", "record_slack", "index", "usn_journal", "log_file"; of a witness: its kind and file name, "event_log:Security.evtx"
  std::optional<FileTime> first, last;
  std::uint64_t records = 0;
  struct Gap {
    std::uint64_t offset = 0, length = 0;  // in the stream
    std::string why;
  };
  std::vector<Gap> gaps;
  std::string note;
};

// A file that speaks of what happened without being a file of the target: a log, a hive, the cloud's own log.
struct WitnessInfo {
  std::optional<std::uint32_t> volume;  // empty: given by the examiner
  std::string path;                     // on the volume, or as given; of a member of an archive: "<archive>!<member>"
  std::string kind;                     // "agent_log", "event_log", "registry", "activity_log", ...
  std::string state;                    // "live", "deleted", "given"
  std::optional<FileReference> reference;
  std::uint64_t size = 0;
  std::uint64_t records = 0, statements = 0, damaged = 0;  // read; of them those that speak of an extension or what one may run; bad ones
};

// A time within bounds. An end that is unknown is empty; each end names what sets it.
struct Bounds {
  std::optional<FileTime> earliest, latest;
  std::string earliest_basis, latest_basis;
  std::vector<std::uint32_t> earliest_sightings, latest_sightings;
};
struct Estimate {
  FileTime earliest, latest;  // no_time: this end is not known
  std::string method;
};
// What one kind of source says of a time: the bounds are what all that agree have in common.
struct BoundingSource {
  std::string basis;
  std::optional<FileTime> earliest, latest;
  bool agrees = true;  // false: it leaves nothing of the bounds
  std::vector<std::uint32_t> sightings;
};
struct Deletion {
  Bounds bounds;
  std::optional<Estimate> estimate;
  std::vector<BoundingSource> sources;
};
// When a number was given out to something that happened to a file, by the clock of its sequence.
struct SequenceEstimate {
  std::string event;     // "deleted", "last_write" (of its $MFT record), "last_journalled", "created", "journalled",
                         // "left_directory" (its name had gone from the directory's index by then)
  std::string sequence;  // "lsn", "usn"
  std::uint64_t number = 0;
  Estimate estimate;
  bool widened = false;  // the records that it rests on contradict each other
  std::vector<std::uint32_t> sightings;
  bool by_then = false;  // it had happened when the number was given out, which was for something else
};

// unknown: no $MFT was given (or its slot is unreadable) and no record of a deletion was seen.
enum class FileState : std::uint8_t { live, deleted, unknown };
std::string_view to_string(FileState state) noexcept;

enum class ContentState : std::uint8_t { recovered, partial, zeroed, reallocated, overwritten, unreadable, unknown, none };
std::string_view to_string(ContentState state) noexcept;

enum class RunState : std::uint8_t { data, zero, container_hole, unmapped, sparse, beyond_valid, reallocated, contested, unreadable };
std::string_view to_string(RunState state) noexcept;

// A rule of the examiner's that matches.
struct RuleMark {
  std::string rule;
  std::vector<std::string> tags;
  friend bool operator==(const RuleMark&, const RuleMark&) = default;
};

struct RunReport {
  std::uint64_t vcn = 0;
  std::int64_t lcn = -1;
  std::uint64_t clusters = 0;
  RunState state = RunState::data;
  std::string owner;  // reallocated or contested: to or with whom, as "entry-sequence path", or why it is not known
  std::string
      block;  // what the container says of it: "not_present", "undefined", "zero", "unmapped", "partially_present" (of its block some
              // sectors are stored in the image, the others are its parent's or nowhere); empty: the block is stored, or no table says
};

// A stretch of a stream that came back. Its bytes are evidence: none of them is invented.
struct RecoveredPart {
  std::uint64_t file_offset = 0, length = 0;
  std::string sha256;
  std::vector<Range> ranges;  // where the bytes lie in the evidence: raw, so with update sequence values, or compressed
  std::string ranges_sha256;  // over the raw bytes of `ranges` in order: equal to sha256 only where raw and content are the same
  std::string recovered_as;   // file name below recovered/, set when written
  SourcePtr bytes;            // the content itself, `length` bytes; may be null for parts that are only described
  bool offset_inferred = false;
  std::string source;  // "record", "clusters", "record_slack", "log_file"
};

struct StreamReport {
  std::u16string name;  // empty: the unnamed stream
  ContentState state = ContentState::unknown;
  std::string why;  // one line: what the state rests on
  bool resident = false;
  bool compressed = false, encrypted = false;
  std::uint64_t size = 0, valid_size = 0;
  std::string sha256;  // of the whole content, only when state is recovered
  std::vector<RunReport> runs;
  std::vector<RecoveredPart> parts;
  std::vector<RuleMark> marks;  // of any of the parts
};

// One path, and the time in which it held.
struct PathReport {
  std::u16string path;
  Grade grade = Grade::established;
  std::string note;                     // "parent reused: name known from usn_journal", ...
  std::optional<FileTime> from, until;  // when known
  std::vector<std::uint32_t> sightings;
};

// What a shadow copy says of a file.
struct CopyPresence {
  std::uint32_t volume = 0;  // the copy
  FileTime time;             // when it was made
  std::string state;         // "not_yet" (the file's record was still an earlier file's), "there", "gone"
  std::vector<std::uint32_t> sightings;
};

struct FileReport {
  std::uint32_t volume = 0;
  std::u16string path, name;  // the last name it is known by that is not a deletion alias
  Grade path_grade = Grade::established;
  std::string path_note;
  bool path_known = true;  // false: `path` is only the part that is known, beginning with "…\"
  bool directory = false;
  FileState state = FileState::live;
  bool reference_known = true;
  FileReference reference;
  std::optional<FileReference> parent;
  std::optional<std::uint64_t> size;
  std::optional<TimeSet> standard_information, file_name;
  std::optional<Deletion> deleted;
  // When it came into being, as far as shadow copies tell: no source that can be set counts.
  std::optional<Bounds> created;
  std::vector<CopyPresence> copies;  // the shadow copies of its volume next to its creation and its deletion, by time
  std::vector<SequenceEstimate> estimates;
  std::vector<StreamReport> streams;  // the unnamed stream first when there is one; empty for directories
  std::vector<PathReport> paths;      // every path it had
  std::vector<std::string> flags;     // "renamed_to_extend_deleted", "implausible_time", "inherited_from_image", "record_reused",
                                      // "deleted_in_log", "created_before_shadow_not_yet", ...
  std::vector<std::uint32_t> sightings;
  std::vector<std::uint32_t> targets;  // indices of the targets it belongs to
};

// Text that was found by what it says where nobody has it now, or where no list leads to it: of a script, or of the extension's own
// documents and logs.
struct FragmentReport {
  std::optional<std::uint32_t> volume;  // empty: it lies in none
  std::string place;                    // "free_clusters", "file_slack", "allocated", "outside", "record_slack", "log_file"
  std::string language;                 // "powershell", "batch", "vbscript", "python", "shell"; "settings", "status", "agent_log"
  std::string encoding;                 // "utf-8", "utf-16le", "json" (in a JSON string, escaped)
  std::vector<std::string> rules;       // why it was taken
  std::uint64_t lines = 0, lines_matched = 0;
  std::vector<Range> ranges;  // its bytes as they are stored, joined from several places where these follow each other in a file
  std::string ranges_sha256;  // over them
  std::uint64_t copies = 0;   // of the same text elsewhere, left out
  std::string text;           // UTF-8
  std::string sha256;         // of `text`, which is what is written
  std::string recovered_as;   // set when it was
  // The deleted file whose run list names these clusters, or in whose record the text lies.
  std::u16string file;
  std::optional<FileReference> reference;
  std::optional<std::uint64_t> file_offset;
  std::vector<RuleMark> marks;
};

struct Finding {
  std::string id;  // "F1", "F2", ...
  std::string target;
  std::string statement;
  std::string rule;  // of inferred ones: which
  Grade grade = Grade::established;
  std::optional<FileTime> earliest, latest;
  std::vector<std::uint32_t> sightings;
};

enum class Verdict : std::uint8_t { present, removed, upgraded, traces, none };
std::string_view to_string(Verdict verdict) noexcept;

struct Instance {  // one version of the handler that was on the volume
  std::uint32_t volume = 0;
  std::string version;
  std::string state;  // "present", "removed", "upgraded", "unknown" (named, but no record says whether it is still there)
  std::optional<FileTime> installed;
  std::string installed_basis;
  std::optional<Bounds> removed;
  std::optional<Estimate> removed_estimate;
  bool inherited = false;  // older than this machine's provisioning
  std::vector<std::uint32_t> sightings;
};

struct ScriptReport {
  std::string path;
  ContentState state = ContentState::unknown;
  std::string sha256, recovered_as;
  bool named_in_settings = false;
};

// A file that came into being on the volume while a run was under way. That the run made it is an inference: others write too.
struct CreatedFile {
  std::string path;
  FileTime created;
  FileState state = FileState::unknown;
  std::vector<std::uint32_t> sightings;
};

// What protectedSettings were sealed for, and what was in them when the examiner gave the key. Source: CMS EnvelopedData (RFC 5652).
struct SealedSettings {
  struct Recipient {
    std::string issuer, serial, key_id, key_algorithm;  // serial and key identifier in hex
  };
  std::string envelope;  // the base64 text as it stands
  std::vector<Recipient> recipients;
  std::string content_algorithm;
  bool cut = false;     // only the beginning of the envelope came back
  bool opened = false;  // decrypted with the examiner's key
  std::string why_not;  // of one that was not opened: why
  std::string command;
  std::vector<std::string> file_uris;
  std::string text;  // the settings' JSON, when opened
};

// A process that a run started, by a record of its start.
struct ProcessRecord {
  std::optional<FileTime> started;
  std::string path, command, parent, process_id, user;
  std::string relation;  // why it is taken for this run's
  Grade grade = Grade::established;
  std::vector<std::uint32_t> sightings;
};

// A script's text as an event log has it.
struct ScriptText {
  std::string name;      // its path where the log has it, else its script block's id
  std::string relation;  // why it is taken for this run's, or the target's
  Grade grade = Grade::established;
  std::optional<FileTime> time;
  std::uint64_t parts = 0, missing = 0;  // of the script block; missing ones are left out of the stretches
  struct Stretch {
    std::uint64_t first_part = 1, last_part = 1;
    std::string text, sha256, recovered_as;  // recovered_as: set when written
  };
  std::vector<Stretch> stretches;  // one when nothing is missing
  std::vector<std::uint32_t> sightings;
};

// What a run looks like, by what it left. No judgement: many use the extension in bulk.
struct RunLabel {
  std::string name, basis;
};

struct RunRecord {  // one execution request: a sequence number of one version
  std::uint32_t volume = 0;
  std::string sequence, version;  // sequence: "3", or "name.3" where the handler names its requests; empty: not known
  std::optional<FileTime> started, finished;
  std::string started_basis, finished_basis;
  std::string command;
  bool command_cut = false;  // what came back of the settings ends within the command: it may go on
  std::vector<std::string> file_uris;
  std::optional<bool> protected_settings;  // empty: the settings are not back
  std::string certificate_thumbprint;
  std::vector<ScriptReport> scripts, made;     // made: files in the working directory that the settings do not name
  std::vector<CreatedFile> created_elsewhere;  // outside the handler's folders, between `started` and `finished`, by the journal
  std::uint64_t created_elsewhere_total = 0;   // the list is bounded
  std::string status;                          // success, error, transitioning, ...
  std::optional<std::int64_t> exit_code;
  std::string output, error_output;
  std::optional<SealedSettings> sealed;
  std::vector<ProcessRecord> processes;
  std::uint64_t processes_total = 0;  // the list is bounded
  std::vector<ScriptText> script_texts;
  std::vector<RunLabel> labels;
  std::vector<std::uint32_t> sightings;
};

// An operation of the cloud on a machine or its extensions, by the Activity Log.
struct CloudEvent {
  std::string operation;  // "Microsoft.Compute/virtualMachines/extensions/write"
  std::string resource, extension_name, machine;
  std::string handler, version;  // only where the log states them
  std::string caller, address, correlation_id, status;
  std::optional<FileTime> first, last;
  std::string match;                        // what of the disk it was matched with, and how; empty: nothing
  std::optional<std::int64_t> gap_seconds;  // from the cloud's event to the disk's
  Grade grade = Grade::inferred;            // of the match
  std::vector<std::uint32_t> sightings;
};

// One step of what happened, with each source that tells of it beside the others.
struct StoryStep {
  std::string
      what;  // "installed", "configured", "started", "script", "finished", "made", "disabled", "removed", "log_cleared", "cloud", ...
  std::string version, sequence;
  std::optional<FileTime> earliest, latest;
  std::string text;  // one sentence
  Grade grade = Grade::established;
  struct Source {
    std::string source;  // kind of evidence, as Sighting::source
    std::optional<FileTime> time;
    bool zone_stated = true;
    std::string text;
    std::vector<std::uint32_t> sightings;
  };
  std::vector<Source> sources;
  // By the clock of its volume's sequence numbers; where no time is stated, or only bounds of one, the step stands where this puts it.
  std::optional<SequenceEstimate> placed;
  std::string note;  // where the times that are stated contradict the order of the numbers
};

struct TargetReport {
  std::string target;  // as asked
  Verdict verdict = Verdict::none;
  Grade grade = Grade::established;
  std::string reason;    // one sentence: why this verdict
  std::string coverage;  // one sentence: what "none" or an empty list is worth
  std::vector<Instance> instances;
  std::vector<RunRecord> runs;
  std::vector<CloudEvent> cloud;
  std::vector<ScriptText> script_texts;  // of the target, but of no run that is known
  std::vector<StoryStep> story;          // by time
};

struct Examination {
  std::vector<SourceInfo> sources;
  std::vector<PartitionInfo> partitions;
  std::vector<VolumeInfo> volumes;
  std::vector<Coverage> coverage;
  std::vector<WitnessInfo> witnesses;
  std::vector<TargetReport> targets;
  std::vector<Finding> findings;
  std::vector<FileReport> files;
  std::vector<FragmentReport> fragments;
  std::vector<Sighting> sightings;  // the cited ones
  std::vector<Warning> warnings;
  bool complete = true;  // false: damage, an unread volume or a short image; exit code 1
  // The evidence itself, by Range::space, for outputs that show the bytes they cite. Null, or missing at the end, where a space has none.
  std::vector<SourcePtr> spaces;
};

}  // namespace trimcarve
