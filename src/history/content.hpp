// What is left of a file's content, run by run and cluster by cluster.
//
// Rule 8 of the design: zeros are never recovered. A cluster of a deleted file is, in this order: allocated now (reallocated, to whom),
// claimed by a younger deleted file too (contested), a hole in the container, unreadable, all zero, or data. A zero in a raw image or a
// fixed VHD is only "zero, cause unknown": such files have no way to say that a cluster was discarded.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "history/cluster_owners.hpp"
#include "ntfs/volume.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::history {

// One stream of a file, joined from all sightings that state a piece of it.
struct StreamPieces {
  std::u16string name;
  std::uint32_t type = 0x80;
  bool resident = false, compressed = false, encrypted = false;
  bool complete = true;            // every extent is there and whole
  bool first_extent_seen = false;  // the sizes below are stated
  std::uint8_t compression_unit_log2 = 0;
  std::uint64_t size = 0, valid_size = 0;
  std::vector<RunFact> runs;  // by vcn
  Place content;              // resident
  Integrity integrity = Integrity::good;
  bool logged = false;          // a log record states it, not an $MFT record
  std::uint64_t lsn = 0;        // of that log record
  bool other_log = false;       // `lsn` is of carved pages that are not known to be of the volume's $LogFile
  std::optional<Place> carved;  // the FILE record in free space that states it
};

// The $DATA streams that these sightings state, the unnamed one first. By the $MFT record; where none is left, by $LogFile: of each stream
// what was said last, so those sightings come in the order of what they state. What neither states, by the youngest record in free space.
std::vector<StreamPieces> join_streams(std::span<const Sighting> all, std::span<const std::uint32_t> mine);

// Another record that claims a cluster.
struct Owner {
  bool live = false;
  std::uint64_t lsn = 0;
  FileTime created;
};

// Bytes in $LogFile, with fix-ups applied; null when they cannot be had.
using LogContent = std::function<SourcePtr(const Place& place)>;

struct ContentContext {
  const ntfs::Volume* volume;  // null: only artefacts without an $MFT were given
  const ClusterOwners& owners;
  std::function<Owner(std::uint32_t entry)> owner;             // of a claim's entry
  std::function<std::string(std::uint32_t entry)> owner_text;  // "123-4 \Windows\x.log"
  // How many clusters may still be looked at, counted down, those that a sparse stretch stands for included; null: no limit. A hostile $MFT
  // could claim the whole volume in each of its records.
  std::uint64_t* clusters_left = nullptr;
  LogContent log = {};
};

struct FileFacts {
  FileReference reference;
  bool live = false;
  std::uint64_t lsn = 0;  // of its record, 0 when not known
  FileTime created;
  bool bitmap_lags = false;  // its deletion stands only in $LogFile: $Bitmap may still show its clusters as its own
};

// Live streams larger than this are not read: what they hold is not in question.
inline constexpr std::uint64_t largest_live_read = std::uint64_t{16} << 20;

// Stretches of one stream that come back apart; more are only counted.
inline constexpr std::size_t most_parts = 4096;

StreamReport judge_stream(const ContentContext& context, const FileFacts& file, const StreamPieces& stream);

// Adds what record slack and $LogFile keep of a file's text to its unnamed stream's report. `renamed`: the record held another name when
// the text was in it, so its attributes may have moved and the place of the text in the file is less sure.
void add_fragments(const ntfs::Volume* volume, const LogContent& log, std::span<const Sighting> all, std::span<const std::uint32_t> mine,
                   bool renamed, std::vector<StreamReport>& streams);

}  // namespace trimcarve::history
