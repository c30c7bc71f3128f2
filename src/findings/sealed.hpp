// The sealed settings of runs: what they say of themselves, and what is in them when the examiner has the key.
#pragma once

#include <span>
#include <string>

#include "trimcarve/examination.hpp"
#include "witness/cms.hpp"

namespace trimcarve::findings {

// Reads the envelope of each run that has one, and opens it with `key` (may be null). What was in it fills the run's command and URIs where
// those are empty.
void open_sealed(std::span<RunRecord> runs, const witness::Certificate* key);

}  // namespace trimcarve::findings
