// The agents' documents: aggregate status, telemetry, settings and status files, goal states.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "memory_source.hpp"
#include "statement_check.hpp"
#include "witness/agent_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  if (size == 0) return 0;
  const fuzz::MemorySource file(data + 1, size - 1);
  std::uint64_t emitted = 0;
  const auto sink = [&](const Statement& s) {
    fuzz::check_statement(s, file.size());
    ++emitted;
  };
  constexpr std::string_view path = "\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\RuntimeSettings\\x.3.settings";
  witness::Tally tally;
  switch (data[0] % 4) {
    case 0: tally = witness::read_aggregate_status(file, sink); break;
    case 1: tally = witness::read_telemetry(file, path, sink); break;
    case 2: tally = witness::read_settings_status(file, path, sink); break;
    default: tally = witness::read_goal_state(file, sink); break;
  }
  fuzz::require(tally.emitted == emitted && tally.emitted <= tally.records && (tally.readable || emitted == 0));
  return 0;
}
