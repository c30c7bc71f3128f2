// Bins of a registry hive (hbin) that were found without the hive's first page: what their keys and values state.
//
// A bin's header says where in its hive it stands, and nothing of which hive that is. Bins are read together only where they lie side by
// side, one behind the other in the hive as in the source; a reference to a cell in another bin leads nowhere. So a path is told as far up
// as parents lie in these bins, list the key below them where their list is here too, and could have had it. Statements are `carved`;
// offset and length are the key's cell, in the source.
#pragma once

#include "witness/witness.hpp"

namespace trimcarve::witness {

// `bins`: stretches with a bin at their beginning, and holes between those that do not lie side by side. What is no bin is stepped over.
Tally read_hive_bins(const ByteSource& bins, const StatementSink& sink);

}  // namespace trimcarve::witness
