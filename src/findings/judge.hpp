// From the reports of a target's files to its verdict, its instances, its runs and the findings.
//
// Each statement rests on cited sightings and has a grade: a record that says so establishes it; two independent kinds of evidence
// corroborate it; a rule infers it, and is named.
#pragma once

#include "findings/hearing.hpp"
#include "findings/profile.hpp"
#include "trimcarve/examination.hpp"
#include "witness/cms.hpp"

namespace trimcarve::findings {

// Appends to out.targets and out.findings (and cites in out.sightings what of the witnesses touches the target). `index`: the target's
// number in FileReport::targets. `key`: what sealed settings are opened with; may be null.
void judge(const Target& target, std::uint32_t index, const Hearing& hearing, const witness::Certificate* key, Examination& out);

// One sentence on what the sources could have shown.
std::string tell_coverage(const Examination& examination);

}  // namespace trimcarve::findings
