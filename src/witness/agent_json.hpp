// The agents' small documents: the aggregate status, telemetry events, a request's settings and status, the goal state.
//
// All are read whole (at most most_text; longer ones are cut and say so). UTF-8, with or without byte order mark, or UTF-16LE. Objects that
// are whole in a damaged document count; Tally::damaged counts documents and objects that are not. Offset and length are the object's own
// stretch of the file; in UTF-16 the whole used part.
#pragma once

#include <string_view>

#include "witness/witness.hpp"

namespace trimcarve::witness {

// aggregatestatus*.json: a Deed::status for each handler that reports (event "aggregate status"): `status` the request's (the handler's own
// where no request is reported), time of the request's status (else the document's), message in `text`, StdOut and StdErr in output and
// error_output, exit code where the message states one. Fields as the document names them: "handlerStatus", "name", "operation", "code",
// "configurationAppliedTime", "timestampUTC" (of the document), other sub-statuses by their name. What stands behind the text's end (the
// writer pads with NUL and does not shorten) is an older document's: its whole objects are `carved`.
Tally read_aggregate_status(const ByteSource& file, const StatementSink& sink);

// Events\<epoch>.json: a statement for each event (event "telemetry"), read as agent_message.hpp says; the version is the one that the same
// operation's HandlerEnvironment names. Fields: "TaskName", "OperationId", "EventLevel", "Version" (of the event's form), "EventTid".
Tally read_telemetry(const ByteSource& file, std::string_view path, const StatementSink& sink);

// <seq>.settings: Deed::configured (event "settings"), the document in `settings`; one that is no JSON is in `text`, and cut; of one of
// which the sealed part alone is left, that is the field "protectedSettings".
// <seq>.status: Deed::status (event "status"), as above; of one that is damaged throughout the text, cut. The path gives the sequence ("3",
// "name.3"), handler and version.
Tally read_settings_status(const ByteSource& file, std::string_view path, const StatementSink& sink);

// What the cloud wants of the agent: ExtensionsConfig as XML, or the host's VmSettings as JSON, kept by the agent and in the zips of
// CollectGuestLogs. For each handler a Deed::configured (event "goal state") with its `status` as wanted ("enabled", "disabled",
// "uninstall": what is asked for, not what was done), and for each of its requests one with the settings and the sequence number.
// Time: when the cloud made the goal state, where it says so.
// XML: the form is WALinuxAgent's tests/data/wire/ext_conf*.xml, JSON: its tests/data/hostgaplugin/vm_settings*.json.
Tally read_goal_state(const ByteSource& file, const StatementSink& sink);

}  // namespace trimcarve::witness
