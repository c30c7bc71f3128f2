// What lies in no volume: the space between partitions and behind them, and what is left in a container's file of earlier blocks.
#pragma once

#include "carvers/script_text.hpp"
#include "examine/witnesses.hpp"
#include "trimcarve/examine.hpp"

namespace trimcarve {

struct OutsideSearch {
  std::vector<Range> ranges;                  // in any order; of the disk, or of a file of the image
  std::vector<SourcePtr> spaces;              // by Range::space, as Examination::spaces
  std::optional<bool> wanted;                 // empty: when no more than `free_space_by_default` bytes are stored there
  const carvers::ScriptText* text = nullptr;  // null: text is not looked for
};

// Text becomes fragments of no volume; event logs, hives and lines of agents' logs are heard. Structures of NTFS are counted, and told with
// their places: without their volume they join no history. Adds one row to the coverage. Throws
// RunError{interrupted}.
void search_outside(const OutsideSearch& search, Witnesses& witnesses, const Progress& progress, Examination& out);

}  // namespace trimcarve
