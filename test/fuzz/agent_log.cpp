// The agents' text logs, under paths of each kind. What is handed on is well-formed UTF-8, lies in the file, in order, and is counted.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "memory_source.hpp"
#include "statement_check.hpp"
#include "witness/agent_log.hpp"
#include "witness/recognise.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  constexpr std::string_view paths[] = {
      "\\WindowsAzure\\Logs\\WaAppAgent.log",
      "\\WindowsAzure\\Logs\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\CustomScriptHandler.log",
      "C:\\ProgramData\\GuestConfig\\extension_logs\\A.B\\x_stdout.txt"};
  if (size == 0) return 0;
  const fuzz::MemorySource file(data + 1, size - 1);
  std::uint64_t emitted = 0, last = 0;
  const auto sink = [&](const Statement& s) {
    fuzz::check_statement(s, file.size());
    fuzz::require(s.offset >= last);
    last = s.offset;
    ++emitted;
  };
  const witness::Tally tally = witness::read_agent_log(file, paths[data[0] % 3], sink);
  fuzz::require(tally.emitted == emitted && tally.damaged <= tally.records && tally.gaps.bytes <= file.size());
  fuzz::require(tally.readable || emitted == 0);
  (void)witness::recognise(file, paths[data[0] % 3]);
  // A path is hostile, too.
  witness::read_agent_log(file, std::string_view(reinterpret_cast<const char*>(data), size), [](const Statement&) {});
  return 0;
}
