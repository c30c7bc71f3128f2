// One event of the Azure Activity Log as a statement, whichever of its shapes it has.
//
// Sources: Microsoft's "Azure Activity Log event schema" (REST, diagnostic settings), the AzureActivity table reference (Log Analytics),
// and the resource provider operations of Microsoft.Compute and Microsoft.HybridCompute.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "trimcarve/statement.hpp"

namespace trimcarve::witness {

struct Operation {
  std::string_view name;  // in its canonical case
  Deed deed = Deed::other;
};
// An operation that matters here, by its name in any case. Null for all others.
const Operation* find_operation(std::string_view name);

struct EventTime {
  FileTime time;
  bool zone_stated = true;
};
// ISO 8601 with Z, an offset or neither; also "1/31/2024, 1:02:03.456 AM", as the portal exports tables.
std::optional<EventTime> read_event_time(std::string_view text);

// Fills everything but the offsets. False when the event is none (no operation that matters).
bool read_event(const nlohmann::json& event, Statement& out);

// The operation's name and the time, in whichever member they stand; empty when they do not.
std::string operation_of(const nlohmann::json& event);
std::string time_of(const nlohmann::json& event);

}  // namespace trimcarve::witness
