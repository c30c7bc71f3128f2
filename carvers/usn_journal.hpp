// Records of $UsnJrnl:$J, all of them: across the sparse prefix, holes, zeroed pages, garbage and page or cluster boundaries.
//
// One sighting per record, its Place the record. Holes known from the source's extents are not read. After garbage the next record is found
// in 8-byte steps. A version 4 record has neither name nor time: they are taken from the nearest version 2 or 3 record of the same
// reference within `usn_neighbourhood` bytes before it, else behind it, and marked name_inferred; without one the name is left out.
#pragma once

#include "carvers/carver.hpp"
#include "trimcarve/byte_source.hpp"

namespace trimcarve::carvers {

inline constexpr std::uint64_t usn_neighbourhood = 65536;

struct UsnTally {
  std::uint64_t records = 0;
  std::uint64_t version_2 = 0, version_3 = 0, version_4 = 0;
  std::uint64_t names_inferred = 0;     // version 4 records that got a neighbour's name
  std::uint64_t offset_mismatches = 0;  // records whose USN is not their offset in the stream
  std::int64_t first_mismatch = 0;      // USN minus offset of the first of them
  std::optional<std::uint64_t> first_usn, last_usn;
  TimeWindow window;  // of the records' own times
  GapList gaps;       // the zero padding at the end of a page is none
  bool stopped = false;
};

struct UsnOptions {
  std::uint32_t volume = 0;
  std::uint64_t owner = 0;  // for Place: the entry of $UsnJrnl
  // The source is no journal, but bytes that pieces of journals may lie in: a neighbour gives its name and time only when it lies as far
  // away as its USN does, so in one piece with the record.
  bool in_pieces = false;
  ProgressSink progress;
};

UsnTally carve_usn_journal(const ByteSource& journal, const UsnOptions& options, const SightingSink& sink);

// The record at `offset`, when there is one.
void carve_usn_at(const ByteSource& journal, std::uint64_t offset, const UsnOptions& options, const SightingSink& sink);

}  // namespace trimcarve::carvers
