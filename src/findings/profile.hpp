// Profiles: what to look for, as data. A profile names handler folders below \Packages\Plugins and what their product leaves there.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trimcarve::findings {

struct Profile {
  std::string_view name;                            // as the examiner asks for it
  std::string_view title;                           // for statements: "the Custom Script Extension"
  std::span<const std::u16string_view> handlers;    // folder names; empty: every handler
  std::span<const std::u16string_view> signatures;  // file names that no other product has: an orphan of that name is a trace
  std::span<const std::string_view> package_files;  // lower case; what the package itself brings: never a script, never made by one
};

std::span<const Profile> profiles() noexcept;
const Profile* find_profile(std::string_view name) noexcept;

// One question of the examiner: a profile, or a path.
struct Target {
  std::string asked;
  const Profile* profile = nullptr;
  std::vector<std::u16string> path;  // components, when it is a path; empty: the whole volume
};
// Nothing when the text is neither a profile's name nor a path (a path holds a slash, a backslash or a drive letter).
std::optional<Target> parse_target(std::string_view asked);

// Where handlers live, and where their logs do.
std::span<const std::u16string> plugins_path();  // \Packages\Plugins
std::span<const std::u16string> logs_path();     // \WindowsAzure\Logs\Plugins

}  // namespace trimcarve::findings
