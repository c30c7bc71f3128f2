// The Azure Activity Log against the disk: which operation of the cloud goes with which step on the disk, and what goes with nothing.
#pragma once

#include <vector>

#include "findings/heard_runs.hpp"
#include "findings/hearing.hpp"
#include "findings/profile.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::findings {

// The operations on extensions and commands that can be of this profile, by time, each matched with the nearest step of `report` that it
// can have caused. Matching is by time; the log's name of an extension is the caller's choice and proves no type. An operation whose body
// states another handler is left out. `disagreements`: deletions that nothing on the disk goes with, and installations that the log,
// although it speaks of their time, does not have.
std::vector<CloudEvent> match_cloud(const Profile& profile, const Hearing& hearing, const Examination& examination,
                                    const TargetReport& report, std::vector<Disagreement>& disagreements);

}  // namespace trimcarve::findings
