#include "report/kinds.hpp"

#include <algorithm>
#include <array>

namespace trimcarve::report {

namespace {

struct Kind {
  std::string_view source, name;
};
constexpr std::array kinds{Kind{"mft", "$MFT"},
                           Kind{"record_slack", "slack of FILE records"},
                           Kind{"index", "directory indexes"},
                           Kind{"usn_journal", "$UsnJrnl:$J"},
                           Kind{"log_file", "$LogFile"},
                           Kind{"free_space", "free clusters"},
                           Kind{"outside", "space in no volume"},
                           Kind{"event_log", "event logs"},
                           Kind{"registry", "the registry"},
                           Kind{"agent_log", "logs of the Azure agent"},
                           Kind{"activity_log", "the Azure Activity Log"}};

}  // namespace

std::string_view kind_name(std::string_view source) noexcept {
  if (source == "index_slack") return "slack of directory indexes";
  const auto kind = std::ranges::find(kinds, source, &Kind::source);
  return kind == kinds.end() ? source : kind->name;
}

std::vector<std::string_view> kinds_not_covered(const Examination& examination) {
  std::vector<std::string_view> missing;
  for (const auto& [source, name] : kinds)
    if (std::ranges::none_of(examination.coverage, [&](const Coverage& c) {
          return c.source.starts_with(source) && (c.records != 0 || c.gaps.empty() || c.gaps.front().why != "not searched");
        }))
      missing.push_back(name);
  return missing;
}

}  // namespace trimcarve::report
