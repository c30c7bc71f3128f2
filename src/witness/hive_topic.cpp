#include "witness/hive_topic.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "witness/handler_name.hpp"
#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

struct Pattern {
  Topic topic;
  std::string_view path;  // a part that ends in * stands for any ending
  bool below;             // keys below it too
  int least_known;        // how many of its parts other than * must be there when the path's beginning is lost
};
// The first that fits counts.
constexpr std::array<Pattern, 17> patterns{{
    {Topic::handler_state, R"(Microsoft\Windows Azure\HandlerState\*)", true, 1},
    {Topic::agent, R"(Microsoft\Windows Azure)", true, 1},
    {Topic::agent, R"(Microsoft\GuestAgent)", true, 1},
    {Topic::agent, R"(Microsoft\Virtual Machine\Guest)", true, 2},
    {Topic::agent, R"(Microsoft\Azure Connected Machine Agent)", true, 1},
    {Topic::certificate, R"(Microsoft\SystemCertificates\MY\Certificates\*)", false, 2},
    {Topic::certificate, R"(Microsoft\SystemCertificates\Windows Azure*\Certificates\*)", false, 2},
    {Topic::windows, R"(Microsoft\Windows NT\CurrentVersion)", false, 2},
    {Topic::setup, R"(Microsoft\Windows\CurrentVersion\Setup\State)", false, 3},
    {Topic::setup, R"(Setup)", false, 2},
    {Topic::setup, R"(Setup\Source OS*)", false, 2},
    {Topic::setup, R"(Setup\Status\*)", false, 2},
    {Topic::computer_name, R"(ControlSet*\Control\ComputerName\*)", false, 2},
    {Topic::program_cache, R"(ControlSet*\Control\Session Manager\AppCompatCache)", false, 1},
    {Topic::service, R"(ControlSet*\Services\*)", false, 1},
    {Topic::inventory, R"(Root\InventoryApplicationFile\*)", false, 1},
    {Topic::file_inventory, R"(Root\File\*\*)", false, 1},
}};

bool starts(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && same_word(text.substr(0, with.size()), with);
}

bool is_wild(std::string_view part) { return part.ends_with('*'); }
bool part_fits(std::string_view part, std::string_view name) {
  return is_wild(part) ? starts(name, part.substr(0, part.size() - 1)) : same_word(part, name);
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = path.find('\\');
    parts.push_back(path.substr(0, at));
    if (at == std::string_view::npos) return parts;
    path.remove_prefix(at + 1);
  }
}

struct Parts {
  Pattern pattern;
  std::vector<std::string_view> parts;
};
const std::vector<Parts>& table() {
  static const std::vector<Parts> all = [] {
    std::vector<Parts> out;
    out.reserve(patterns.size());
    for (const Pattern& p : patterns) out.push_back({p, split(p.path)});
    return out;
  }();
  return all;
}

bool fits_from(const Parts& entry, std::size_t from, const KeyPath& path) {
  const std::size_t needed = entry.parts.size() - from;
  if (path.size() < needed || (path.size() > needed && !entry.pattern.below)) return false;
  for (std::size_t i = 0; i < needed; ++i)
    if (!part_fits(entry.parts[from + i], path[i])) return false;
  return true;
}

int plain_parts(const Parts& entry, std::size_t from) {
  return static_cast<int>(std::count_if(entry.parts.begin() + static_cast<std::ptrdiff_t>(from), entry.parts.end(),
                                        [](std::string_view part) { return part != "*"; }));
}

}  // namespace

std::string_view to_string(HiveKind kind) noexcept {
  switch (kind) {
    case HiveKind::unknown: return "hive";
    case HiveKind::software: return "SOFTWARE";
    case HiveKind::system: return "SYSTEM";
    case HiveKind::amcache: return "Amcache";
  }
  return "hive";
}

HiveKind recognise_hive(const std::vector<std::string>& root_keys, std::string_view embedded_name, std::string_view path) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(root_keys, [&](const std::string& k) { return part_fits(name, k); });
  };
  if (has("ControlSet0*")) return HiveKind::system;
  if (has("Root")) return HiveKind::amcache;
  if (has("Microsoft")) return HiveKind::software;
  for (std::string_view name : {embedded_name, path}) {
    const std::size_t slash = name.find_last_of("/\\");
    if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
    if (same_word(name, "SOFTWARE")) return HiveKind::software;
    if (same_word(name, "SYSTEM")) return HiveKind::system;
    if (starts(name, "Amcache")) return HiveKind::amcache;
  }
  return HiveKind::unknown;
}

bool may_lead_to_topic(const KeyPath& path) {
  return std::ranges::any_of(table(), [&](const Parts& entry) {
    const std::size_t both = std::min(entry.parts.size(), path.size());
    if (path.size() > entry.parts.size() && !entry.pattern.below) return false;
    for (std::size_t i = 0; i < both; ++i)
      if (!part_fits(entry.parts[i], path[i])) return false;
    return true;
  });
}

Topic topic_of(const KeyPath& path, bool rooted) {
  if (path.empty()) return Topic::none;
  for (const Parts& entry : table()) {
    if (rooted) {
      if (fits_from(entry, 0, path)) return entry.pattern.topic;
      continue;
    }
    for (std::size_t from = 0; from < entry.parts.size(); ++from)
      if (plain_parts(entry, from) >= entry.pattern.least_known && fits_from(entry, from, path)) return entry.pattern.topic;
  }
  if (!rooted && path.size() == 1 && handler_of_package(path[0])) return Topic::handler_state;
  return Topic::none;
}

}  // namespace trimcarve::witness
