// What lies where nobody has it now: free clusters, slack behind the end of files, space outside of volumes.
//
// One pass over the stretches given: holes that the source knows of are not read, zeros cost a comparison, and in what is left each
// 512-byte sector is looked at for the signatures of NTFS's and Windows' own structures, each 8 bytes for a record of the change journal,
// and all of it for text (script_text). What has the shape of one is a candidate; nothing is decided by its dates. The functions below
// decode those that are NTFS's; the others are for the readers of witnesses.
//
// Sightings from here have SourceKind::free_space, and their Place is in StreamKind::volume: bytes of the source. A place names its
// sighting: carve_free_at emits it again. Threads: no state is kept between calls.
#pragma once

#include <span>

#include "carvers/carver.hpp"
#include "carvers/script_text.hpp"
#include "trimcarve/byte_source.hpp"

namespace trimcarve::carvers {

// What a stretch is.
enum class StretchKind : std::uint8_t {
  free_clusters,
  file_slack,  // behind the valid size of a file in use
  allocated,   // clusters that a file has: searched when the whole volume is asked for
  outside,     // in no volume
};
std::string_view to_string(StretchKind kind) noexcept;

struct Stretch {
  std::uint64_t offset = 0, length = 0;  // bytes, in the source
  StretchKind kind = StretchKind::free_clusters;
};

enum class CandidateKind : std::uint8_t {
  file_record,  // FILE
  index_block,  // INDX
  log_page,     // RCRD: of an earlier $LogFile
  usn_record,   // of $UsnJrnl:$J
  event_chunk,  // ElfChnk, 64 KiB of an event log
  hive,         // regf: the first page of a registry hive
  hive_bin,     // hbin
  text,
};

struct Candidate {
  CandidateKind kind = CandidateKind::file_record;
  std::uint64_t offset = 0, length = 0;  // bytes, in the source; `length` as the structure says, cut to the stretch
  std::size_t stretch = 0;               // in which of them it lies
  const TextFragment* text = nullptr;    // of `text`; valid during the call
};

struct FreeSpaceOptions {
  std::uint32_t volume = 0;
  std::uint32_t record_size = 1024, index_block_size = 4096;
  std::uint64_t volume_clusters = 0;  // 0: not known
  std::uint64_t records = 0;          // of $MFT, 0: not known. A journal record alone that speaks of others is none
  std::uint64_t grain = 4096;         // clusters: where one file's bytes may end and another's begin
  const ScriptText* text = nullptr;   // null: text is not looked for
  ProgressSink progress;
};

struct FreeSpaceTally {
  std::uint64_t bytes = 0;                             // of all stretches
  std::uint64_t holes = 0, unreadable = 0, zeros = 0;  // of these, bytes
  std::uint64_t data = 0;                              // looked at
  std::uint64_t file_records = 0, index_blocks = 0, log_pages = 0, usn_records = 0, event_chunks = 0, hives = 0, hive_bins = 0, texts = 0;
  std::uint64_t usn_version_4 = 0;  // of usn_records: with neither name nor time of their own
  std::uint64_t usn_alone = 0;      // with the shape of a journal record, but no neighbour and not all of its signs: not taken
  std::uint64_t cut = 0;            // structures that reach beyond their stretch
  bool stopped = false;
};

// `stretches` in order of offset, not overlapping. Candidates come in order of offset within a stretch, per kind.
using CandidateSink = std::function<void(const Candidate&)>;
FreeSpaceTally search_free_space(const ByteSource& source, std::span<const Stretch> stretches, const FreeSpaceOptions& options,
                                 const CandidateSink& sink);

// Everything that the structure at `offset` states: of a FILE record the record itself, its slack and its index root; of an INDX block its
// entries and what is in its slack; a journal record. False when what stands there is none, by the tests that a structure without anything
// that points at it has to pass: fix-ups, sizes, references.
bool carve_free_record(const ByteSource& source, std::uint64_t offset, const FreeSpaceOptions& options, const SightingSink& sink);
bool carve_free_index(const ByteSource& source, std::uint64_t offset, const FreeSpaceOptions& options, const SightingSink& sink);
bool carve_free_usn(const ByteSource& source, std::uint64_t offset, const FreeSpaceOptions& options, const SightingSink& sink);

// All sightings whose Place begins at `offset`.
void carve_free_at(const ByteSource& source, std::uint64_t offset, const FreeSpaceOptions& options, const SightingSink& sink);

}  // namespace trimcarve::carvers
