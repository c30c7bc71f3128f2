// Requests' settings and status reports that lie where no file is known any more: in free clusters, in slack, in no volume.
//
// Such a document does not say which extension it was for, nor which request: both stood in its file's path, and a number that is not known
// is not guessed. It joins a run that has the same content (the command, or the sealed settings, byte by byte), or whose outcome it tells.
// Settings with keys that only the target's handler has make a run of their own, without a sequence number. Of all others only the sealed
// part is told, as settings of some extension.
#pragma once

#include <string>
#include <vector>

#include "findings/hearing.hpp"
#include "findings/profile.hpp"
#include "trimcarve/examination.hpp"
#include "witness/cms.hpp"

namespace trimcarve::findings {

// Sealed settings that are of no run that is known.
struct LooseEnvelope {
  std::string text;  // what it says of itself, one sentence
  std::vector<std::uint32_t> sightings;
};

// `key` opens what is sealed for it, so that it may tell whose it is; may be null.
void hear_orphans(const Profile& profile, const Hearing& hearing, const witness::Certificate* key, std::vector<RunRecord>& runs,
                  std::vector<LooseEnvelope>& loose);

// Is this run known by such settings alone?
bool is_orphan(const RunRecord& run, const Examination& examination);

}  // namespace trimcarve::findings
