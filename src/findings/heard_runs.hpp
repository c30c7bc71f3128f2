// The runs as witnesses tell of them: what logs, status reports and event logs add to the runs that the tree showed, and the runs that
// only they know.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "findings/touch.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::findings {

// Two sources that do not agree; both are cited.
struct Disagreement {
  std::string text;
  std::vector<std::uint32_t> sightings;
  std::string rule;  // of one that is only inferred to be one
};
// More of one target are not told; that there are more is.
inline constexpr std::size_t most_disagreements = 256;

// Adds what the agent's and the handler's own logs and reports state. A member of a run that the tree already gave is never changed.
void hear_requests(const Hearing& hearing, std::span<const Touching> touches, std::vector<RunRecord>& runs,
                   std::vector<Disagreement>& disagreements);

// Adds the processes and scripts of event logs to the runs in whose time they fall. A process that the handler started and that falls in no
// run's time is a run of its own. Scripts that fall in none go to `others`.
void hear_events(const Hearing& hearing, std::span<const Touching> touches, std::vector<RunRecord>& runs, std::vector<ScriptText>& others,
                 std::vector<Disagreement>& disagreements);

// What the handler's program was started for: install, enable, disable, uninstall or update, by the last word of its command line. Nothing
// when the statement is no start of the handler's own program, or says no such word.
std::optional<Deed> asked_of_handler(const Statement& statement);

// Runs in order of their start.
void sort_runs(std::vector<RunRecord>& runs);

}  // namespace trimcarve::findings
