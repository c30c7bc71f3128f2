// Verdict, runs, cloud and story from hostile statements: whatever witnesses say, the report holds together. Findings and steps cite what
// exists, an inference names its rule, intervals are not turned round, steps stand in order.
#include <fuzzer/FuzzedDataProvider.h>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "findings/judge.hpp"

using namespace trimcarve;

namespace {

std::string text(FuzzedDataProvider& in) {
  static const std::vector<std::string> words{
      "",
      "Microsoft.Compute.CustomScriptExtension",
      "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\bin\\CustomScriptHandler.exe",
      "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\Downloads\\0\\a.ps1",
      "powershell -File a.ps1",
      "CustomScriptHandler.exe uninstall",
      "1.10.20",
      "1.10.3",
      "0",
      "1",
      "S-1-5-18",
      "started",
      "{\"commandToExecute\":\"cmd /c a.cmd\",\"fileUris\":[\"https://x/a.cmd\"]}",
      "goal state",
      "101",
      "102"};
  const auto n = in.ConsumeIntegralInRange<std::size_t>(0, words.size());
  return n < words.size() ? words[n] : in.ConsumeRandomLengthString(64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider in(data, size);
  std::vector<findings::Heard> heard;
  while (in.remaining_bytes() > 4 && heard.size() < 64) {
    findings::Heard& h = heard.emplace_back();
    h.source = static_cast<SourceKind>(
        in.ConsumeIntegralInRange<int>(static_cast<int>(SourceKind::agent_log), static_cast<int>(SourceKind::activity_log)));
    h.witness = in.ConsumeIntegralInRange<std::uint32_t>(0, 3);
    if (in.ConsumeBool()) h.volume = 0;
    Statement& s = h.statement;
    s.deed = static_cast<Deed>(in.ConsumeIntegralInRange<int>(0, static_cast<int>(Deed::cloud_machine)));
    s.time = FileTime{in.ConsumeBool() ? in.ConsumeIntegral<std::uint64_t>()
                                       : in.ConsumeIntegralInRange<std::uint64_t>(0, 200) * ticks_per_second};
    for (std::string* member : {&s.handler, &s.version, &s.sequence, &s.command, &s.path, &s.parent_process, &s.process_id,
                                &s.parent_process_id, &s.settings, &s.status, &s.event, &s.text, &s.user})
      if (in.ConsumeBool()) *member = text(in);
    if (in.ConsumeBool()) s.exit_code = in.ConsumeIntegral<std::int64_t>();
    if (in.ConsumeBool())
      s.fields = {{"ScriptBlockId", text(in)}, {"MessageNumber", text(in)}, {"MessageTotal", text(in)}, {"protectedSettings", text(in)}};
  }
  Examination x;
  if (in.ConsumeBool()) x.volumes.push_back({.index = 0, .records = 10, .state = "examined"});
  std::map<std::size_t, std::uint32_t> cited;
  const findings::Hearing hearing{heard, [&](std::size_t n) {
                                    if (n >= heard.size()) __builtin_trap();
                                    const auto [slot, is_new] = cited.try_emplace(n, static_cast<std::uint32_t>(x.sightings.size()));
                                    if (is_new) {
                                      Sighting& s = x.sightings.emplace_back();
                                      s.source = heard[n].source;
                                      s.statement = std::make_shared<const Statement>(heard[n].statement);
                                    }
                                    return slot->second;
                                  }};
  findings::judge(*findings::parse_target("custom-script"), 0, hearing, nullptr, x);
  const auto check = [&](const std::vector<std::uint32_t>& numbers) {
    for (const std::uint32_t n : numbers)
      if (n >= x.sightings.size()) __builtin_trap();
  };
  for (const Finding& f : x.findings) {
    check(f.sightings);
    if (f.grade == Grade::inferred && f.rule.empty()) __builtin_trap();
    if (f.earliest && f.latest && *f.earliest > *f.latest) __builtin_trap();
  }
  const TargetReport& t = x.targets.front();
  std::optional<FileTime> before;
  for (const StoryStep& step : t.story) {
    for (const StoryStep::Source& source : step.sources) check(source.sightings);
    const auto time = step.earliest ? step.earliest : step.latest;
    if (before && time && *time < *before) __builtin_trap();
    if (time) before = time;
  }
  for (const RunRecord& run : t.runs) check(run.sightings);
  for (const Instance& i : t.instances) check(i.sightings);
  for (const CloudEvent& e : t.cloud) check(e.sightings);
  return 0;
}
