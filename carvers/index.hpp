// Directory indexes ($I30): live entries (SourceKind::index) and what lies in slack (SourceKind::index_slack).
//
// One sighting per entry, its Place the entry (from its 16-byte header when that is there, else from the $FILE_NAME). In slack entries are
// found by their $FILE_NAME; the child's reference is known only when the header in front survived, an overwritten time is no_time.
// `container` is the directory whose index it is; the parent is as the entry states it, so an entry of an earlier use of the clusters shows
// by its parent. Blocks that the index's $BITMAP calls free are stale: all their entries are index_slack. A torn block keeps the entries in
// its good sectors. Zero blocks are counted; nothing ends the run.
#pragma once

#include <optional>

#include "carvers/record_view.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::carvers {

struct IndexTally {
  std::uint64_t roots = 0;   // $INDEX_ROOTs of directories
  std::uint64_t blocks = 0;  // slots of the stream
  std::uint64_t live_blocks = 0, stale_blocks = 0, zero_blocks = 0, garbage_blocks = 0, unreadable_blocks = 0;
  std::uint64_t torn_blocks = 0;       // among live and stale ones
  std::uint64_t misplaced_blocks = 0;  // their stored VCN is not that of their place
  std::uint64_t damaged_nodes = 0;     // roots or blocks whose entries could not be walked to the end
  std::uint64_t damaged_live = 0;      // blocks that the bitmap of a directory in use calls in use: torn, or no index block
  std::uint64_t live = 0, slack = 0;   // sightings
  std::uint64_t references_lost = 0;   // among `slack`
  std::uint64_t foreign_parents = 0;   // the stated parent is another directory than the container (when that is known)
  TimeWindow window;                   // of the entries' record change times
  GapList gaps;                        // in the stream
  bool stopped = false;
  void add(const IndexTally& other);  // sums; gaps are offsets in different streams and are only counted
};

// The $INDEX_ROOT of a directory's record (base or extension). In a free record all entries are index_slack.
void carve_index_root(const RecordView& view, Sighting& scratch, const SightingSink& sink, IndexTally& tally);

struct IndexOptions {
  std::uint32_t volume = 0;
  std::optional<FileReference> directory;  // nothing for a bare $I30 file: sightings then have no container
  std::uint64_t owner = 0;                 // for Place: the directory's entry
  std::uint32_t block_size = 4096;         // bytes; a power of two, 512 to 65536 (others are taken as 4096)
  std::uint32_t vcn_unit = 0;              // bytes one VCN of the index counts (cluster size, or 512 when blocks are smaller); 0: not known
  std::optional<ByteView> bitmap;          // the value of $BITMAP:$I30; nothing when not known: all blocks count as in use
  bool directory_deleted = false;          // the directory's record is free: nothing of its index is live, all entries are index_slack
  ProgressSink progress;
};

// All blocks of an $INDEX_ALLOCATION:$I30.
IndexTally carve_index_allocation(const ByteSource& allocation, const IndexOptions& options, const SightingSink& sink);

// The block that holds byte `offset` of the stream.
void carve_index_block_at(const ByteSource& allocation, std::uint64_t offset, const IndexOptions& options, const SightingSink& sink);

}  // namespace trimcarve::carvers
