// The text logs of the guest agent and of handlers: CustomScriptHandler.log, CommandExecution*.log, RunCommandExtension.log,
// RunCommandHandler.log, WaAppAgent.log, and Azure Arc's under \ProgramData\GuestConfig.
#pragma once

#include <string_view>

#include "witness/witness.hpp"

namespace trimcarve::witness {

// One pass in bounded memory; UTF-8 with or without byte order mark, UTF-16LE. `path`: on the volume or the examiner's; names the handler
// and version where lines do not, and Statement::event (its last component).
//
// One statement for each message that speaks of a handler; in a handler's own log (by path, by its name or by the form of the line) for
// each message. A line without a prefix continues the message before it; where there is none it is a message of its own. What statements
// hold: agent_message.hpp. Fields besides: "level", as written. Statement::process_id: where the line has one.
// Offset and length: the lines in the file, with their line ends. Stretches of zeros and unreadable ones end the message (cut) and are
// gaps. Messages longer than most_text are cut.
// Tally: records are messages; damaged those that are cut or whose date is none. Not readable: no line has a prefix and the path names no
// handler's log.
Tally read_agent_log(const ByteSource& file, std::string_view path, const StatementSink& sink);

}  // namespace trimcarve::witness
