// Which statements of witnesses touch a target, and how sure that is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "findings/hearing.hpp"
#include "findings/profile.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::findings {

struct Touching {
  std::size_t heard = 0;  // position in Hearing::all
  std::string relation;   // for people: how it touches the target
  Grade grade = Grade::established;
  std::string handler, version, sequence;  // of the target's handler, as far as it is told
  bool names_handler = false;              // it names the handler, or a path below its folder
};

// The statements that name one of the profile's handlers or a path of theirs; the processes that a handler's process started, by their
// parents' names or, through generations, by process ids; and script blocks whose process is one of these. In the order of `hearing`.
std::vector<Touching> touching(const Profile& profile, const Hearing& hearing);

// Statements that name no handler, yet a script of a run by its bare file name while the run was under way, as SYSTEM or as nobody stated:
// appended to `found`. A script is started with its folder as working directory, so its command line names no path.
void add_by_script_name(const Hearing& hearing, std::span<const RunRecord> runs, std::vector<Touching>& found);

// Statements in which the path stands, for a target that is a path.
std::vector<Touching> naming_path(std::span<const std::u16string> components, const Hearing& hearing);

// The time in which what a run started can have happened; nothing when neither end is known. An end that is not known is the longest
// time that the extension lets a command run, 90 minutes, from the other.
struct Window {
  FileTime from, until;
};
std::optional<Window> window_of(const RunRecord& run);

// The bare names of a run's scripts, lower case: of its files, of the URIs, and of the words of its command that end as scripts do.
std::vector<std::string> script_names(const RunRecord& run);

}  // namespace trimcarve::findings
