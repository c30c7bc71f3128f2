// The Azure Activity Log, as whoever collected it saved it:
// - REST, `az monitor activity-log list`, the portal's JSON: an array of events, or pages {"value":[...]};
// - diagnostic settings: JSON lines, or {"records":[...]};
// - Log Analytics' AzureActivity: an array of rows, JSON lines, the query answer {"tables":[{"columns","rows"}]}, CSV.
// UTF-8 with or without byte order mark, UTF-16. Shapes may be mixed and concatenated.
#pragma once

#include <string>
#include <vector>

#include "witness/witness.hpp"

namespace trimcarve::witness {

// Emits the events that speak of extensions, run commands, and of what is done to machines, their disks and snapshots, in file order; the
// other events only count. A statement's `computer` is the machine's name in the cloud, `user` the caller, `event` the operation in its
// canonical case, `status` as the log has it ("Succeeded", "Success", ...). `handler` and `version` are set only where a request or answer
// body states publisher and type. Of the fields, `extensionName` is the caller's choice and proves nothing about the type.
// Memory: one event at a time. An event that does not parse costs itself and is a gap; `damaged` counts stretches, of which one may have
// swallowed several broken events.
Tally read_activity_log(const ByteSource& file, const StatementSink& sink);

// What a machine's body lists, out of the fields "extensions[<n>].<member>" of a statement.
struct ListedExtension {
  std::string name, publisher, type, version, state;  // empty where the body does not say
};
std::vector<ListedExtension> listed_extensions(const Statement& statement);

}  // namespace trimcarve::witness
