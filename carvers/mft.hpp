// FILE records, in use or not: names, times, streams and runs as they state them.
//
// One sighting per record (SourceKind::mft), its Place the whole record. A free record without any attribute was never used: it is counted
// only. Attributes in torn sectors are left out (Integrity::torn); an attribute with faults costs its bad part (Integrity::partial).
#pragma once

#include "carvers/record_view.hpp"

namespace trimcarve::carvers {

struct MftTally {
  std::uint64_t slots = 0;                             // records the stream has room for
  std::uint64_t file = 0, baad = 0;                    // by signature
  std::uint64_t in_use = 0, free = 0;                  // of `file` and `baad`
  std::uint64_t free_files = 0, free_directories = 0;  // base records among `free`
  std::uint64_t extension = 0;                         // records with a base elsewhere
  std::uint64_t never_used = 0;                        // free and without attributes; among `free`
  std::uint64_t zero = 0;                              // slots of zeros
  std::uint64_t garbage = 0;                           // slots with no record's signature, or too broken for a header
  std::uint64_t unreadable = 0;                        // slots of which nothing could be read
  std::uint64_t torn = 0, partial = 0;                 // emitted with that integrity
  std::uint64_t misplaced = 0;                         // the record's own number is not that of its slot
  std::uint64_t emitted = 0;
  TimeWindow window;  // of $STANDARD_INFORMATION's record change time
  GapList gaps;
};

// Emits the record's sighting; `scratch` is any Sighting. Counts everything but `slots`, `zero`, `garbage`, `unreadable` and the gaps.
void carve_mft_record(const RecordView& view, Sighting& scratch, const SightingSink& sink, MftTally& tally);

}  // namespace trimcarve::carvers
