// What all readers of witnesses share.
//
// A reader takes the bytes of one file, live, carved or given, and emits the statements that may speak of a VM extension or of what one
// ran; it judges nothing. It fills one scratch Statement again and again, so a sink copies what it keeps. Bad bytes cost themselves only
// and are counted. Readers never throw and keep no state between calls; the sink is called on the calling thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "carvers/carver.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/statement.hpp"

namespace trimcarve::witness {

using StatementSink = std::function<void(const Statement&)>;

// What a file is, by its content (its name only where content does not tell).
enum class Kind : std::uint8_t {
  unknown,
  agent_log,         // a text log of the guest agent or of a handler
  aggregate_status,  // aggregatestatus*.json
  telemetry,         // Events\<epoch>.json
  settings,          // <seq>.settings, <seq>.status: the extension's own JSON, as a given file
  goal_state,        // what the cloud wants of the agent: ExtensionsConfig (XML), VmSettings (JSON)
  guest_logs,        // a zip of CollectGuestLogs, or another zip of logs
  event_log,         // .evtx
  hive,              // a registry hive
  hive_log,          // .LOG1, .LOG2
  hive_bins,         // bins of a hive without its first page, found by their shape
  activity_log,      // the Azure Activity Log, in one of its three shapes
};
std::string_view to_string(Kind kind) noexcept;

// How much of a witness spoke, and from when to when.
struct Tally {
  std::uint64_t records = 0;   // lines, event records, keys: all that were read
  std::uint64_t emitted = 0;   // of them, those that became statements
  std::uint64_t damaged = 0;   // could not be read or only in part
  carvers::TimeWindow window;  // of all records, emitted or not
  carvers::GapList gaps;       // stretches that gave nothing
  std::string note;            // one line, for the coverage row; mostly empty
  bool readable = true;        // false: it is not what it was taken for; nothing was emitted. `note` says why
};

// Time as text without a zone is taken for UTC and said so (Statement::zone_stated).
// No reader allocates more than this for one text; longer ones are cut, and say so.
inline constexpr std::size_t most_text = std::size_t{16} << 20;

}  // namespace trimcarve::witness
