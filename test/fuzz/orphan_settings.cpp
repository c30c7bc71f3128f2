// Settings and status reports of any text, beside runs that hold parts of it. Each run cites what it takes; no run takes a number from it.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "findings/orphan_settings.hpp"
#include "findings/sealed.hpp"
#include "memory_source.hpp"
#include "witness/agent_json.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 16384) return 0;
  const ByteView input = std::as_bytes(std::span(data + 1, size - 1));
  std::vector<findings::Heard> heard;
  const auto read = [&](ByteView bytes) {
    witness::read_settings_status(fuzz::MemorySource(bytes), "", [&](const Statement& s) {
      if (!fits(bytes.size(), s.offset, s.length)) std::abort();
      heard.push_back({SourceKind::agent_log, 0, 0U, s});
      heard.back().statement.carved = true;
    });
  };
  read(input);
  read(input.first(input.size() / 2));
  read(input.subspan(input.size() / 3));
  Examination x;
  const findings::Hearing hearing{heard, [&](std::size_t n) {
                                    x.sightings.emplace_back().statement = std::make_shared<const Statement>(heard[n].statement);
                                    return static_cast<std::uint32_t>(x.sightings.size() - 1);
                                  }};
  std::vector<RunRecord> runs(2);
  runs[0].sequence = "3";
  runs[0].command = "powershell -ExecutionPolicy Unrestricted -File a.ps1";
  runs[1].sequence = "4";
  runs[1].sealed = SealedSettings{.envelope = std::string(600, 'A')};
  std::vector<findings::LooseEnvelope> loose;
  const auto& profiles = findings::profiles();
  findings::hear_orphans(profiles[data[0] % profiles.size()], hearing, nullptr, runs, loose);
  findings::open_sealed(runs, nullptr);
  for (std::size_t i = 2; i < runs.size(); ++i)
    if (!runs[i].sequence.empty() || !runs[i].version.empty() || runs[i].sightings.empty()) std::abort();
  for (const findings::LooseEnvelope& l : loose)
    if (l.sightings.empty() || l.text.empty()) std::abort();
  return 0;
}
