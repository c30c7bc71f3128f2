// When a file was deleted, as bounds: each end with what sets it.
//
// Rules (design, "Bounds have a direction"): a journal record of the deletion gives both ends. The last time at which the file is known to
// have been alive sets `earliest`. The first time at which it is known to have been gone sets `latest`: the next owner of its record, the
// last change of the live directory it was removed from. Two more follow from NTFS itself: a directory is removed only when it is empty, so
// it goes no earlier than any of its children, and they go no later than it. An estimate never narrows the bounds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trimcarve/examination.hpp"

namespace trimcarve::history {

struct TimeBasis {
  FileTime time;
  std::string basis;                     // "usn_delete", "record_changed", ...
  std::vector<std::uint32_t> sightings;  // positions in Examination::sightings
};

struct DeletionNode {
  bool deleted = false;
  std::ptrdiff_t parent = -1;         // the node of the directory it was last in; -1 when that is not among the nodes
  std::vector<TimeBasis> deleted_at;  // records of the deletion itself
  std::vector<TimeBasis> alive;       // it existed at these times
  std::vector<TimeBasis> gone;        // it was gone by these times
  // Out:
  Bounds bounds;
  std::vector<BoundingSource> sources;  // by kind, each with its own interval
  std::vector<std::string> contradictions;
};

// Fills `bounds`, `sources` and `contradictions` of every deleted node. Parents may come in any order; cycles among them are cut.
void bound_deletions(std::vector<DeletionNode>& nodes);

}  // namespace trimcarve::history
