#include "findings/profile.hpp"

#include <algorithm>
#include <array>

#include "history/select.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

using namespace std::string_view_literals;

// Folder names: Azure's publisher and type. Siblings of one extension (RunCommand has two handlers) are one profile.
constexpr std::array custom_script{u"Microsoft.Compute.CustomScriptExtension"sv};
constexpr std::array run_command{u"Microsoft.CPlat.Core.RunCommandWindows"sv, u"Microsoft.CPlat.Core.RunCommandHandlerWindows"sv};
constexpr std::array dsc{u"Microsoft.Powershell.DSC"sv};
constexpr std::array vm_access{u"Microsoft.Compute.VMAccessAgent"sv};

constexpr std::array custom_script_signatures{u"CustomScriptHandler.exe"sv, u"CustomScriptHandler.exe.config"sv};
constexpr std::array run_command_signatures{u"RunCommandExtension.exe"sv, u"RunCommandHandler.exe"sv};
constexpr std::span<const std::u16string_view> no_signatures;

// What every handler package holds beside its bin folder.
constexpr std::array package_files{"handlermanifest.json"sv, "handlerenvironment.json"sv, "manifest.xml"sv, "packageinformation.txt"sv,
                                   "config.txt"sv,           "heartbeat.json"sv};

constexpr std::array<Profile, 5> all{
    Profile{"custom-script", "the Custom Script Extension", custom_script, custom_script_signatures, package_files},
    Profile{"run-command", "Run Command", run_command, run_command_signatures, package_files},
    Profile{"dsc", "the DSC extension", dsc, no_signatures, package_files},
    Profile{"vm-access", "the VMAccess extension", vm_access, no_signatures, package_files},
    Profile{"all-extensions", "a VM extension", {}, no_signatures, package_files},
};

}  // namespace

std::span<const Profile> profiles() noexcept { return all; }

const Profile* find_profile(std::string_view name) noexcept {
  const auto found = std::ranges::find(all, name, &Profile::name);
  return found == all.end() ? nullptr : &*found;
}

std::optional<Target> parse_target(std::string_view asked) {
  if (const Profile* profile = find_profile(asked)) return Target{std::string(asked), profile, {}};
  const bool drive = asked.size() >= 2 && asked[1] == ':';
  if (!drive && asked.find_first_of("\\/") == std::string_view::npos) return std::nullopt;
  return Target{std::string(asked), nullptr, history::path_components(to_utf16(asked))};
}

std::span<const std::u16string> plugins_path() {
  static const std::vector<std::u16string> path{u"Packages", u"Plugins"};
  return path;
}

std::span<const std::u16string> logs_path() {
  static const std::vector<std::u16string> path{u"WindowsAzure", u"Logs", u"Plugins"};
  return path;
}

}  // namespace trimcarve::findings
