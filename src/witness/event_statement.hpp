// Which events speak of an extension or of what one ran, and what they state.
#pragma once

#include "trimcarve/statement.hpp"
#include "witness/event_record.hpp"

namespace trimcarve::witness {

// Fills the members of `statement` that the event states, all but where it lies. False, with `statement` unspecified, when the event is of
// no concern.
//
// Kept: process creation and end (Security 4688, 4689), script blocks and pipelines (PowerShell 4104, 4103), Windows PowerShell 400, 403,
// 600, 800, cleared logs (1102, 104: `text` is the cleared log's channel), every event of the guest agent, and every other event that
// names a handler. `fields` holds all fields in order, but for the script block's text, which is `text`. For a process `path` and
// `process` are its image, `process_id` and `parent_process_id` are decimal although the log has them in hex.
bool state_event(Event& event, Statement& statement);

}  // namespace trimcarve::witness
