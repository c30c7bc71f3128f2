// The lines are real where a comment names where they are public (shortened there, or here, only where "..." stands); what they say is read
// off by eye. Lines marked "made up" follow the documented form; of uninstalling no real line is known.
#include "witness/agent_log.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "collect.hpp"
#include "trimcarve/file_time.hpp"

using namespace trimcarve;
using test::Collected;
using test::field;
using witness::Tally;

namespace {

constexpr std::string_view run_command_path =
    R"(C:\WindowsAzure\Logs\Plugins\Microsoft.CPlat.Core.RunCommandWindows\1.1.8\RunCommandExtension.log)";
constexpr std::string_view custom_script_path =
    R"(\WindowsAzure\Logs\Plugins\Microsoft.Compute.CustomScriptExtension\1.10.20\CustomScriptHandler.log)";
constexpr std::string_view agent_path = R"(\WindowsAzure\Logs\WaAppAgent.log)";

Tally read_log(std::string_view text, std::string_view path, Collected& out) {
  return witness::read_agent_log(*test::source_of(text), path, out.sink);
}

// The one statement of one line.
Statement one(std::string_view line, std::string_view path) {
  Collected got;
  witness::read_agent_log(*test::source_of(line), path, got.sink);
  REQUIRE(got.statements.size() == 1);
  return got.statements[0];
}

std::string time_of(const Statement& s) { return to_iso8601(s.time); }

// Microsoft's support wiki, Azure IaaS VM, "Run Command", a working example of action run command (1.1.8).
constexpr std::string_view run_command =
    "[4892+00000001] [03/04/2021 20:49:58.31] [INFO] Installing Handler\r\n"
    "[4892+00000001] [03/04/2021 20:49:58.31] [INFO] Handler successfully installed\r\n"
    "[1116+00000001] [03/04/2021 20:50:04.76] [INFO] Starting RunCommand Extension v1\r\n"
    "[1116+00000001] [03/04/2021 20:50:04.79] [INFO] HandlerEnvironment = Version: 1, HandlerEnvironment: [LogFolder: "
    "\"C:\\WindowsAzure\\Logs\\Plugins\\Microsoft.CPlat.Core.RunCommandWindows\\1.1.8\", ConfigFolder: "
    "\"C:\\Packages\\Plugins\\Microsoft.CPlat.Core.RunCommandWindows\\1.1.8\\RuntimeSettings\"]\r\n"
    "[1116+00000001] [03/04/2021 20:50:04.79] [INFO] Enabling Handler\r\n"
    "[1116+00000001] [03/04/2021 20:50:04.79] [INFO] Handler successfully enabled\r\n"
    "[1116+00000001] [03/04/2021 20:50:04.79] [INFO] Loading configuration for sequence number 0\r\n"
    "[1116+00000001] [03/04/2021 20:50:04.82] [INFO] HandlerSettings = ProtectedSettingsCertThumbprint: REDACTED, ProtectedSettings: "
    "{REDACTED}, PublicSettings: {Script: [Get-Process | Out-File -FilePath .\\Process.txt]}\r\n"
    "[1116+00000001] [03/04/2021 20:50:04.85] [INFO] Asynchronously executing the specified run command script.\r\n"
    "[1116+00000001] [03/04/2021 20:50:04.93] [INFO] Command execution task started. Awaiting completion...\r\n"
    "[1116+00000001] [03/04/2021 20:50:05.38] [INFO] Command execution finished. Command exited with code: 0\r\n";

}  // namespace

TEST_CASE("a run command's log gives its steps, its script, its sequence number and its exit code, every line once") {
  Collected got;
  const Tally tally = read_log(run_command, run_command_path, got);
  CHECK(tally.records == 11);
  CHECK(tally.emitted == 11);
  CHECK(tally.damaged == 0);
  REQUIRE(got.statements.size() == 11);
  const auto& s = got.statements;
  const Deed deeds[] = {Deed::installed,  Deed::installed,  Deed::other,           Deed::other, Deed::enabled,         Deed::enabled,
                        Deed::configured, Deed::configured, Deed::command_started, Deed::other, Deed::command_finished};
  for (std::size_t i = 0; i < s.size(); ++i) {
    CAPTURE(s[i].text);
    CHECK(s[i].deed == deeds[i]);
    CHECK(s[i].handler == "Microsoft.CPlat.Core.RunCommandWindows");
    CHECK(s[i].version == "1.1.8");
    CHECK(s[i].event == "RunCommandExtension.log");
    CHECK_FALSE(s[i].zone_stated);
    CHECK(run_command.substr(s[i].offset, s[i].length).starts_with("["));
    CHECK(run_command.substr(s[i].offset, s[i].length).ends_with("\r\n"));
  }
  CHECK(s[0].status == "started");
  CHECK(s[1].status == "success");
  CHECK(s[1].process_id == "4892");
  CHECK(time_of(s[1]) == "2021-03-04T20:49:58.3100000Z");
  CHECK(s[1].time_text == "03/04/2021 20:49:58.31");
  CHECK(field(s[1], "level") == "INFO");
  CHECK(s[6].sequence == "0");
  CHECK(field(s[6], "sequence_stated_at").empty());
  CHECK(s[7].command == "Get-Process | Out-File -FilePath .\\Process.txt");
  CHECK(s[7].settings.empty());  // it is no JSON
  CHECK(field(s[7], "publicSettings") == "{Script: [Get-Process | Out-File -FilePath .\\Process.txt]}");
  CHECK(field(s[7], "protectedSettings") == "REDACTED");
  CHECK(field(s[7], "protectedSettingsCertThumbprint") == "REDACTED");
  CHECK(s[10].exit_code == 0);
  CHECK(s[10].sequence == "0");
  CHECK(field(s[10], "sequence_stated_at") == std::to_string(s[6].offset));
  CHECK(s[0].sequence.empty());  // another process
  CHECK(to_iso8601(*tally.window.first) == "2021-03-04T20:49:58.3100000Z");
  CHECK(to_iso8601(*tally.window.last) == "2021-03-04T20:50:05.3800000Z");
}

// The same wiki, managed run command (2.0.8). Its settings go over several lines and are no JSON; a request has a name.
TEST_CASE("a managed run command's log: settings over several lines, a named request, rights removed but no handler") {
  constexpr std::string_view text =
      "[4400+00000001] [10/18/2023 19:07:57.03] [INFO] Process handler command: install\n"
      "[4400+00000001] [10/18/2023 19:07:57.03] [INFO] Removing user-level access rules for 2 directories\n"
      "[4400+00000001] [10/18/2023 19:07:57.03] [INFO] Removing Users access rules from directory "
      "'C:\\Packages\\Plugins\\Microsoft.CPlat.Core.RunCommandHandlerWindows\\2.0.8'\n"
      "[5864+00000001] [10/18/2023 19:08:03.42] [INFO] Using environment variable [ConfigExtensionName]=Demo\n"
      "[5864+00000001] [10/18/2023 19:08:03.42] [INFO] Using environment variable [ConfigSequenceNumber]=0\n"
      "[5864+00000001] [10/18/2023 19:08:03.42] [INFO] Process handler command: enable\n"
      "[5864+00000001] [10/18/2023 19:08:03.42] [INFO] Loading configuration for sequence number 0\n"
      "[5864+00000001] [10/18/2023 19:08:03.45] [INFO] HandlerSettings = ProtectedSettingsCertThumbprint: AB12, ProtectedSettings: MIIB, "
      "PublicSettings: Source: Script: ipconfig /all\n"
      "SIG  Begin signature block\n"
      "ScriptUri:  Parameters: []\n"
      "[5864+00000001] [10/18/2023 19:08:03.62] [INFO] RunCommand script execution task started.\n"
      "[5864+00000001] [10/18/2023 19:08:03.81] [INFO] RunCommand script execution finished with exit code: 0\n";
  Collected got;
  read_log(text, "RunCommandHandler.log", got);
  REQUIRE(got.statements.size() == 10);
  const auto& s = got.statements;
  CHECK(s[0].deed == Deed::installed);
  CHECK(s[0].status == "started");
  CHECK(s[0].handler == "Microsoft.CPlat.Core.RunCommandHandlerWindows");  // the file's name says so
  CHECK(s[1].deed == Deed::other);
  CHECK(s[2].deed == Deed::other);
  CHECK(s[4].deed == Deed::configured);
  CHECK(s[4].sequence == "Demo.0");
  CHECK(s[5].deed == Deed::enabled);
  CHECK(s[6].sequence == "Demo.0");
  CHECK(s[7].deed == Deed::configured);
  CHECK(s[7].command == "ipconfig /all\nSIG  Begin signature block");
  CHECK(field(s[7], "protectedSettings") == "MIIB");
  CHECK(s[7].text.ends_with("ScriptUri:  Parameters: []"));
  CHECK(text.substr(s[7].offset, s[7].length).ends_with("Parameters: []\n"));
  CHECK(s[8].deed == Deed::command_started);
  CHECK(s[9].deed == Deed::command_finished);
  CHECK(s[9].exit_code == 0);
  CHECK(s[9].sequence == "Demo.0");
}

// github.com/Azure/azure-powershell issue 11732 (Custom Script Extension 1.8).
TEST_CASE("a handler's disabling is told from its own log, whose environment names it when the path does not") {
  constexpr std::string_view text =
      "[968+00000001] [04/28/2020 14:23:08.41] [INFO] Starting IaaS ScriptHandler Extension v1\n"
      "[968+00000001] [04/28/2020 14:23:08.43] [INFO] HandlerEnvironment = Version: 1, HandlerEnvironment: [LogFolder: "
      "\"C:\\WindowsAzure\\Logs\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.8\", ConfigFolder: "
      "\"C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.8\\RuntimeSettings\"]\n"
      "[968+00000001] [04/28/2020 14:23:08.43] [INFO] Disabling Handler\n"
      "[968+00000001] [04/28/2020 14:23:08.43] [INFO] Handler successfully disabled\n";
  Collected got;
  const Tally tally = read_log(text, "carved-0017.txt", got);
  CHECK(tally.readable);
  REQUIRE(got.statements.size() == 4);
  CHECK(got.statements[0].handler.empty());
  CHECK(got.statements[2].deed == Deed::disabled);
  CHECK(got.statements[2].status == "started");
  CHECK(got.statements[3].deed == Deed::disabled);
  CHECK(got.statements[3].status == "success");
  CHECK(got.statements[3].handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(got.statements[3].version == "1.8");
}

// Texts of Custom Script Extension 1.9 as quoted publicly (a blog on running the extension twice); the quotes inside are theirs.
TEST_CASE("a custom script's command comes out with the quotes inside it, and its exit code with its sign") {
  Statement s =
      one("[100+00000001] [05/13/2026 10:09:38.10] [INFO] Files downloaded. Asynchronously executing command: "
          "'powershell.exe -Command 'Write-Output First''\n",
          custom_script_path);
  CHECK(s.deed == Deed::command_started);
  CHECK(s.command == "powershell.exe -Command 'Write-Output First'");
  CHECK_FALSE(s.cut);
  s = one("[100+00000001] [05/13/2026 10:09:38.10] [INFO] Command execution finished. Command exited with code: -196608\n",
          custom_script_path);
  CHECK(s.deed == Deed::command_finished);
  CHECK(s.exit_code == -196608);
  s = one("[100+00000001] [05/13/2026 10:09:38.10] [INFO] Downloading files specified in configuration...\n", custom_script_path);
  CHECK(s.deed == Deed::downloading);
  // Made up: a command over two lines; a command whose end is lost.
  s =
      one("[100+00000001] [05/13/2026 10:09:38.10] [INFO] Files downloaded. Asynchronously executing command: 'cmd /c \"echo a\r\necho "
          "b\"'\r\n",
          custom_script_path);
  CHECK(s.command == "cmd /c \"echo a\necho b\"");
  s = one("[100+00000001] [05/13/2026 10:09:38.10] [INFO] Files downloaded. Asynchronously executing command: 'powershell -Fi",
          custom_script_path);
  CHECK(s.command == "powershell -Fi");
  CHECK(s.cut);
}

// Made up after domain notes: settings logged as JSON.
TEST_CASE("public settings that are JSON are the settings, exactly as they stand; thumbprint and protected text are fields") {
  const Statement s =
      one("[100+00000001] [05/13/2026 10:09:37.00] [INFO] HandlerSettings = ProtectedSettingsCertThumbprint: C8F2, ProtectedSettings: "
          "{MIIB/+=}, "
          "PublicSettings: {\n  \"commandToExecute\": \"powershell -c \\\"{'a'}\\\"\",\n  \"fileUris\": []\n}\n",
          custom_script_path);
  CHECK(s.deed == Deed::configured);
  CHECK(s.settings == "{\n  \"commandToExecute\": \"powershell -c \\\"{'a'}\\\"\",\n  \"fileUris\": []\n}");
  CHECK(s.command == "powershell -c \"{'a'}\"");
  CHECK(field(s, "protectedSettingsCertThumbprint") == "C8F2");
  CHECK(field(s, "protectedSettings") == "MIIB/+=");
  CHECK(field(s, "publicSettings").empty());
}

// Microsoft Learn and Microsoft's support wiki (Azure Monitor agent): the guest agent's newer form.
TEST_CASE("the guest agent's log gives a handler's installing and enabling, and no statement for lines that name none") {
  constexpr std::string_view text =
      "[00000010] 2024-02-26T21:01:09.101Z [WARN]  Setting up plugin environment (name: Microsoft.Azure.Monitor.AzureMonitorWindowsAgent, "
      "version: "
      "1.23.0.0)., Code: 0\r\n"
      "[00000010] 2024-02-26T21:01:09.304Z [WARN]  Installing plugin (name: Microsoft.Azure.Monitor.AzureMonitorWindowsAgent, version: "
      "1.23.0.0), Code: 0\r\n"
      "[00000010] 2024-02-26T21:01:13.197Z [WARN]  Started a process with the launch command "
      "C:\\Packages\\Plugins\\Microsoft.Azure.Monitor.AzureMonitorWindowsAgent\\1.23.0.0\\AzureMonitorAgentExtension.exe, params: "
      "install.\r\n"
      "[00000010] 2024-02-26T21:01:16.373Z [WARN]  Installed plugin (name: Microsoft.Azure.Monitor.AzureMonitorWindowsAgent, version: "
      "1.23.0.0), "
      "Code: 0\r\n"
      "[00000010] 2024-02-26T21:01:16.373Z [WARN]  Setting the install state of the handler "
      "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent_1.23.0.0 to Installed\r\n"
      "[00000010] 2024-02-26T21:01:16.373Z [WARN]  Enabling plugin (handler name: Microsoft.Azure.Monitor.AzureMonitorWindowsAgent, "
      "extension "
      "name: , version: 1.23.0.0)., Code: 0\r\n"
      "[00000010] 2024-02-26T21:01:22.582Z [INFO]  Command "
      "C:\\Packages\\Plugins\\Microsoft.Azure.Monitor.AzureMonitorWindowsAgent\\1.23.0.0\\AzureMonitorAgentExtension.exe of "
      "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent has exited with Exit code: 0\r\n"
      "[00000010] 2024-02-26T21:01:22.582Z [WARN]  Setting the install state of the handler "
      "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent_1.23.0.0 to Enabled\r\n"
      "[00000020] [11/14/2019 06:02:33.43] [HEART] WindowsAzureGuestAgent Heartbeat.\r\n"
      "[00000006] [11/14/2019 05:52:13.44] [INFO]  WindowsAzureGuestAgent starting. Version 2.7.41491.949\r\n"
      "[00000010] 2024-02-26T21:00:42.389Z [INFO]  Extracting plug-in zip file to folder. Zip file: "
      "C:\\Packages\\Plugins\\Microsoft.Azure.Monitor.AzureMonitorWindowsAgent\\1.23.0.0\\Microsoft.Azure.Monitor.AzureMonitorWindowsAgent_"
      "1.23.0.0.zip"
      "\r\n";
  Collected got;
  const Tally tally = read_log(text, agent_path, got);
  CHECK(tally.records == 11);
  CHECK(tally.emitted == 9);
  REQUIRE(got.statements.size() == 9);
  const auto& s = got.statements;
  const std::pair<Deed, std::string_view> steps[] = {{Deed::other, ""},
                                                     {Deed::installed, "started"},
                                                     {Deed::installed, "started"},
                                                     {Deed::installed, "success"},
                                                     {Deed::installed, "Installed"},
                                                     {Deed::enabled, "started"},
                                                     {Deed::other, ""},
                                                     {Deed::enabled, "Enabled"},
                                                     {Deed::other, ""}};
  for (std::size_t i = 0; i < s.size(); ++i) {
    CAPTURE(s[i].text);
    CHECK(s[i].deed == steps[i].first);
    CHECK(s[i].status == steps[i].second);
    CHECK(s[i].handler == "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent");
    CHECK(s[i].version == "1.23.0.0");
    CHECK(s[i].zone_stated);
  }
  CHECK(s[2].process ==
        "C:\\Packages\\Plugins\\Microsoft.Azure.Monitor.AzureMonitorWindowsAgent\\1.23.0.0\\AzureMonitorAgentExtension.exe");
  CHECK(s[6].exit_code == 0);
  CHECK(time_of(s[7]) == "2024-02-26T21:01:22.5820000Z");
  CHECK(s[7].time_text == "2024-02-26T21:01:22.582Z");
  CHECK(to_iso8601(*tally.window.first) == "2019-11-14T05:52:13.4400000Z");  // lines that are not emitted count, too
}

// github.com/hashicorp/packer issue 12934, and Microsoft Learn (VM extensions' features: automatic minor upgrades).
TEST_CASE("lines that name a handler in passing are kept as they are") {
  Statement s =
      one("[00000004] 2024-04-17T07:19:26.812Z [INFO]  Beginning enable of plugin Microsoft.CPlat.Core.RunCommandWindows.\n", agent_path);
  CHECK(s.deed == Deed::enabled);
  CHECK(s.status == "started");
  CHECK(s.handler == "Microsoft.CPlat.Core.RunCommandWindows");
  s = one("[00000004] 2024-04-17T07:19:26.812Z [ERROR] Microsoft.CPlat.Core.RunCommandWindows: Error SetCPUNotification: 87\n", agent_path);
  CHECK(s.deed == Deed::other);
  CHECK(s.version.empty());
  s = one(
      "[00000004] 2024-04-17T07:19:26.812Z [INFO]  Getting plugin locations for plugin 'Microsoft.Compute.CustomScriptExtension'. Current "
      "Version: '1.8', Requested Version: '1.9'\n",
      agent_path);
  CHECK(s.deed == Deed::other);
  CHECK(s.version == "1.8");
  s =
      one("[00000004] 2024-04-17T07:19:26.812Z [INFO]  Auto-Upgrade mode. Highest public version for plugin "
          "'Microsoft.Compute.CustomScriptExtension' with requested version: '1.9', is: '1.9'\n",
          agent_path);
  CHECK(s.deed == Deed::other);
}

// Made up: of uninstalling no real line is known.
TEST_CASE("uninstalling is known by handler and verb, whatever the sentence") {
  for (const std::string_view line :
       {"Uninstalling plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20), Code: 0",
        "Setting the install state of the handler Microsoft.Compute.CustomScriptExtension_1.10.20 to NotInstalled",
        "handler Microsoft.Compute.CustomScriptExtension_1.10.20: state is now NOTINSTALLED",
        "Started a process with the launch command "
        "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\bin\\CustomScriptHandler.exe, params: uninstall.",
        "Microsoft.Compute.CustomScriptExtension_1.10.20 was uninstalled by request",
        "Removing plugin Microsoft.Compute.CustomScriptExtension, version: 1.10.20",
        "Deleted folder C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20"}) {
    CAPTURE(line);
    const Statement s = one("[00000010] 2026-05-14T15:04:05.101Z [INFO]  " + std::string(line) + "\n", agent_path);
    CHECK(s.deed == Deed::uninstalled);
    CHECK(s.handler == "Microsoft.Compute.CustomScriptExtension");
    CHECK(s.version == "1.10.20");
  }
  for (const std::string_view line : {"Disabling plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20), Code: 0",
                                      "plugin Microsoft.Compute.CustomScriptExtension_1.10.20 is DISABLED"}) {
    CAPTURE(line);
    CHECK(one("[00000010] 2026-05-14T15:04:05.101Z [INFO]  " + std::string(line) + "\n", agent_path).deed == Deed::disabled);
  }
  for (const std::string_view line :
       {"Removing old status files of Microsoft.Compute.CustomScriptExtension_1.10.20",
        "Deleting C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\Status\\3.status",
        "Failed to uninstall plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20)",
        "Uninstalling plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20), Code: 1009"}) {
    CAPTURE(line);
    CHECK(one("[00000010] 2026-05-14T15:04:05.101Z [INFO]  " + std::string(line) + "\n", agent_path).deed == Deed::other);
  }
  CHECK(one("[1+00000001] [05/14/2026 15:04:05.10] [INFO] Uninstalling Handler\n", custom_script_path).deed == Deed::uninstalled);
  CHECK(one("[1+00000001] [05/14/2026 15:04:05.10] [INFO] Handler successfully removed\n", custom_script_path).deed == Deed::uninstalled);
}

// Made up. Each denies a step, only intends it, says that it failed, or speaks of another thing than the handler: none is proof of it.
TEST_CASE("a step that a line denies, intends or says of something else is not claimed") {
  for (const std::string_view line :
       {"Skipping uninstall of plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20): still in goal state",
        "Could not set the install state of the handler Microsoft.Compute.CustomScriptExtension_1.10.20 to NotInstalled",
        "Failed to set the install state of the handler Microsoft.Compute.CustomScriptExtension_1.10.20 to Enabled",
        "Not setting the install state of the handler Microsoft.Compute.CustomScriptExtension_1.10.20 to NotInstalled",
        "Plugin Microsoft.Compute.CustomScriptExtension_1.10.20 does not need to be uninstalled",
        "Plugin Microsoft.Compute.CustomScriptExtension_1.10.20 was not uninstalled",
        "Plugin Microsoft.Compute.CustomScriptExtension_1.10.20 will be uninstalled",
        "Plugin Microsoft.Compute.CustomScriptExtension_1.10.20 is to be uninstalled",
        "Plugin Microsoft.Compute.CustomScriptExtension_1.10.20 isn't disabled",
        "Uninstall of plugin Microsoft.Compute.CustomScriptExtension_1.10.20 was skipped",
        "Uninstall of plugin Microsoft.Compute.CustomScriptExtension_1.10.20 is not needed",
        "Uninstall of plugin Microsoft.Compute.CustomScriptExtension_1.10.20 will begin after the restart",
        "No uninstall of plugin Microsoft.Compute.CustomScriptExtension_1.10.20",
        "Cannot uninstall plugin Microsoft.Compute.CustomScriptExtension_1.10.20",
        "Checking whether to uninstall plugin Microsoft.Compute.CustomScriptExtension_1.10.20",
        "Not removing plugin Microsoft.Compute.CustomScriptExtension_1.10.20",
        "Would have deleted folder C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20",
        "Skipping install of plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20)",
        "Will not enable plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20)",
        "Not started a process with the launch command C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\a.exe, "
        "params: uninstall.",
        "Uninstalling plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20), Code: 0x80070005",
        "Plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20) has autoUpgrade disabled",
        "Disabling auto-upgrade of plugin Microsoft.Compute.CustomScriptExtension_1.10.20",
        "Enabling heartbeat for extension: Microsoft.Compute.CustomScriptExtension_1.10.20",
        "Verified C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\uninstall.cmd"}) {
    CAPTURE(line);
    const Statement s = one("[00000010] 2026-05-14T15:04:05.101Z [INFO]  " + std::string(line) + "\n", agent_path);
    CHECK(s.deed == Deed::other);
    CHECK(s.handler == "Microsoft.Compute.CustomScriptExtension");
    CHECK(s.version == "1.10.20");
    CHECK(s.text == line);  // it is kept
  }
  for (const std::string_view line :
       {"Handler is not enabled, nothing to do", "Extension was not uninstalled: another command is running",
        "Skipping uninstall of the handler", "Handler will be uninstalled", "The command disable isn't supported by this handler",
        "Handler not removed", "Not removing handler"}) {
    CAPTURE(line);
    CHECK(one("[1+00000001] [05/14/2026 15:04:05.10] [INFO] " + std::string(line) + "\n", custom_script_path).deed == Deed::other);
  }
  // A reason that denies something else is no denial of the step.
  for (const std::string_view line :
       {"Uninstalling plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20): not in goal state",
        "Extension not wanted. Uninstalling plugin Microsoft.Compute.CustomScriptExtension_1.10.20",
        "As it is no longer wanted: uninstalling plugin Microsoft.Compute.CustomScriptExtension_1.10.20"}) {
    CAPTURE(line);
    CHECK(one("[00000010] 2026-05-14T15:04:05.101Z [INFO]  " + std::string(line) + "\n", agent_path).deed == Deed::uninstalled);
  }
}

TEST_CASE("a command that finished or failed was not started by that line") {
  const auto own = [](std::string_view text) {
    return one("[7+00000001] [11/20/2026 10:00:00.11] [INFO] " + std::string(text) + "\n", custom_script_path);
  };
  CHECK(own("Finished executing command").deed == Deed::command_finished);
  Statement s = own("Finished executing command: 'x.ps1', exit code: 0xC0000005");
  CHECK(s.deed == Deed::command_finished);
  CHECK(s.exit_code == -1073741819);
  CHECK(s.command == "x.ps1");
  s = own("Failed executing command: 'x.ps1'");  // it may never have begun
  CHECK(s.deed == Deed::other);
  CHECK(s.status == "error");
  CHECK(s.command == "x.ps1");
  CHECK(own("Not executing command: 'x.ps1'").deed == Deed::other);
  CHECK(own("Asynchronously executing command: 'x.ps1'").deed == Deed::command_started);
  CHECK(own("Command execution finished. Command exited with code: 0xC0000005").exit_code == -1073741819);
  s =
      own("Command execution finished, but failed because it returned a non-zero exit code of: '1'. The command had an error output of: "
          "'child exited with code 0'");
  CHECK(s.deed == Deed::command_finished);
  CHECK(s.exit_code == 1);
}

TEST_CASE("a script ends where its list does: brackets of its own stay, parameters behind it are none of it") {
  const auto script = [](std::string_view shown) {
    return one("[7+00000001] [11/20/2026 10:00:00.11] [INFO] HandlerSettings = ProtectedSettingsCertThumbprint: , ProtectedSettings: {}, "
               "PublicSettings: " +
                   std::string(shown) + "\n",
               run_command_path)
        .command;
  };
  CHECK(script("{Script: [line one]}") == "line one");
  CHECK(script("{Script: [line one]}, Parameters: [p1]}") == "line one");
  CHECK(script("{Script: [line one], Parameters: [p1]}") == "line one");
  CHECK(script("{Script: [$a[0] = @{b = $c[1]}; $d]}") == "$a[0] = @{b = $c[1]}; $d");
  CHECK(script("{Script: [$a[0]; x]") == "$a[0]; x");
}

TEST_CASE("a message costs no more than its limit, however many lines it has and handlers it names") {
  std::string text =
      "[00000012] [11/20/2026 10:00:01.11] [INFO]  Installing plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.1)\n";
  text.append(witness::most_text + (std::size_t{1} << 20), '\n');
  text += "x\n";
  Collected got;
  CHECK(read_log(text, agent_path, got).damaged == 1);
  REQUIRE(got.statements.size() == 1);
  CHECK(got.statements[0].cut);
  CHECK(got.statements[0].length == text.size());
  std::string names;
  for (int i = 0; i < 16; ++i) names += " (name: Microsoft.Compute.T" + std::to_string(i) + ", version: 1.1)";
  const std::string line = "[00000012] [11/20/2026 10:00:01.11] [INFO] " + names + std::string(1 << 20, 'y') + "\n";
  got.statements.clear();
  read_log(line, agent_path, got);
  REQUIRE(got.statements.size() == 16);
  std::size_t all = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(got.statements[i].handler == "Microsoft.Compute.T" + std::to_string(i));
    CHECK(got.statements[i].text.find(got.statements[i].handler) != std::string::npos);
    CHECK(got.statements[i].offset == 0);
    CHECK(got.statements[i].length == line.size());
    all += got.statements[i].text.size();
  }
  CHECK(all < line.size() + 15 * 2048);
}

// Microsoft's support wiki, Azure Monitor agent on Azure Arc (gc_ext.log; Extension.*.log), and its upgrade page.
TEST_CASE("Azure Arc's extension manager and the logs of handlers under it") {
  constexpr std::string_view path = R"(C:\ProgramData\GuestConfig\ext_mgr_logs\gc_ext.log)";
  Statement s =
      one("[2024-03-20 17:03:22.048] [PID 4528] [TID 2116] [EXTMGR] [INFO] [266c698f-ab13-4bd3-96c9-40b18c513d2f] Executing Install "
          "request for extension: Microsoft.Azure.Monitor.AzureMonitorWindowsAgent with version: 1.24.0.0 requestID: "
          "31878140-3e20-40f2-9774-9457671f43e6 Sequence Number: -1 Increase Sequnce number? true\n",
          path);
  CHECK(s.deed == Deed::installed);
  CHECK(s.status == "started");
  CHECK(s.version == "1.24.0.0");
  CHECK(s.sequence.empty());
  CHECK(s.process_id == "4528");
  CHECK_FALSE(s.zone_stated);
  CHECK(time_of(s) == "2024-03-20T17:03:22.0480000Z");
  s = one(
      "[2024-03-20 17:03:29.981] [PID 4528] [TID 2116] [EXTMGR] [INFO] [266c698f-ab13-4bd3-96c9-40b18c513d2f] Executing Enable command for "
      "extension: Microsoft.Azure.Monitor.AzureMonitorWindowsAgent with version: 1.24.0.0 and requestID: "
      "31878140-3e20-40f2-9774-9457671f43e6 Sequence Number: 0\n",
      path);
  CHECK(s.deed == Deed::enabled);
  CHECK(s.sequence == "0");
  s = one(
      "[2024-03-20 17:03:29.835] [PID 4528] [TID 2116] [EXTMGR] [INFO] [266c698f-ab13-4bd3-96c9-40b18c513d2f] Creating worker process for "
      "command: cmd.exe /c cd /d C:\\Packages\\Plugins\\Microsoft.Azure.Monitor.AzureMonitorWindowsAgent\\1.24.0.0 && "
      "AzureMonitorAgentExtension.exe install\n",
      path);
  CHECK(s.deed == Deed::installed);
  CHECK(s.version == "1.24.0.0");
  s =
      one("[2024-03-20 17:03:30.551] [PID 4528] [TID 2116] [EXTMGR] [INFO] [266c698f-ab13-4bd3-96c9-40b18c513d2f] Enable command for "
          "extension: "
          "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent with version 1.24.0.0 completed successfully.\n",
          path);
  CHECK(s.deed == Deed::enabled);
  CHECK(s.status == "success");
  s =
      one("[2022-12-18 22:40:28.180] [PID 2412] [TID 3728] [EXTMGR] [INFO] [e81aa658-5492-4ccb-92f3-5a8690832f34] Executing Upgrade "
          "request for "
          "extension: Microsoft.Azure.Monitor.AzureMonitorWindowsAgent from version: 1.9.0.0 to version: 1.11.0.0 and request ID: "
          "c72415a4-ce95-4d3a-bf7a-f991152e5b23\n",
          path);
  CHECK(s.deed == Deed::updated);
  CHECK(s.version == "1.11.0.0");
  CHECK(field(s, "from version") == "1.9.0.0");
  s = one("[2024-07-15 08:28:21.000]  [HandleInstallCommand] ErrorCode:0 INFO: Completed the Install Command\n",
          R"(C:\ProgramData\GuestConfig\extension_logs\Microsoft.Azure.Monitor.AzureMonitorWindowsAgent\Extension.1.log)");
  CHECK(s.deed == Deed::installed);
  CHECK(s.status == "success");
  CHECK(s.handler == "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent");
  CHECK(field(s, "level") == "INFO");
  CHECK(s.text == "Completed the Install Command");
  // Microsoft Learn, SQL Server enabled by Azure Arc.
  s = one("[07/14/2021 18:56:45 UTC] [INFO]          Status of service 'SqlServerExtension' before attempting start: Stopped\n",
          R"(C:\ProgramData\GuestConfig\extension_logs\Microsoft.AzureData.WindowsAgent.SqlServer\1.1.0.0\deployer.log)");
  CHECK(s.version == "1.1.0.0");
  CHECK(s.zone_stated);
  CHECK(time_of(s) == "2021-07-14T18:56:45.0000000Z");
}

// Made up: where the line ends, and words that only look like failure.
TEST_CASE("settings cut short give what is there; a failover location is no failure") {
  Statement s = one(
      "[100+00000001] [05/13/2026 10:09:37.00] [INFO] HandlerSettings = ProtectedSettingsCertThumbprint: C8F2, ProtectedSettings: {MIIB/",
      custom_script_path);
  CHECK(s.deed == Deed::configured);
  CHECK(field(s, "protectedSettings") == "MIIB/");
  s =
      one("[00000010] 2026-05-14T15:04:05.101Z [INFO]  Disabling plugin (name: Microsoft.Compute.CustomScriptExtension, version: 1.10.20, "
          "failoverlocation: x)\n",
          agent_path);
  CHECK(s.deed == Deed::disabled);
  CHECK(s.status == "started");
}

TEST_CASE("a bad date costs the time, not the line") {
  for (const std::string_view prefix :
       {"[1+00000001] [13/04/2021 20:49:58.31]", "[1+00000001] [02/30/2021 20:49:58.31]", "[00000010] 2024-02-30T21:01:16.373Z"}) {
    Collected got;
    const Tally tally = read_log(std::string(prefix) + " [INFO] Handler successfully enabled\n", custom_script_path, got);
    REQUIRE(got.statements.size() == 1);
    CHECK(got.statements[0].deed == Deed::enabled);
    CHECK(got.statements[0].time == no_time);
    CHECK_FALSE(got.statements[0].time_text.empty());
    CHECK(tally.damaged == 1);
  }
}

TEST_CASE("UTF-16 and marked UTF-8 logs say the same as plain ones, at the file's own offsets") {
  const std::string plain =
      "[1+00000001] [03/04/2021 20:49:58.31] [INFO] Enabling Handler\r\nmore\r\n"
      "[1+00000001] [03/04/2021 20:49:59.31] [INFO] Handler successfully enabled\r\n";
  const std::size_t second = plain.find("[1+", 4);
  for (const auto& [bytes, mark, width] :
       {std::tuple{plain, 0, 1}, {"\xEF\xBB\xBF" + plain, 3, 1}, {"\xFF\xFE" + test::utf16le(plain), 2, 2}, {test::utf16le(plain), 0, 2}}) {
    Collected got;
    read_log(bytes, custom_script_path, got);
    REQUIRE(got.statements.size() == 2);
    CHECK(got.statements[0].text == "Enabling Handler\nmore");
    CHECK(got.statements[1].text == "Handler successfully enabled");
    CHECK(got.statements[1].offset == static_cast<std::uint64_t>(mark) + second * static_cast<std::size_t>(width));
    CHECK(got.statements[1].offset + got.statements[1].length == bytes.size());
  }
}

TEST_CASE("a stretch of zeros ends the message and is a gap; what follows is read") {
  for (const bool wide : {false, true}) {
    const auto coded = [&](std::string_view text) { return wide ? test::utf16le(text) : std::string(text); };
    const std::string head =
        coded("[1+00000001] [03/04/2021 20:49:58.31] [INFO] Files downloaded. Asynchronously executing command: 'powersh");
    const std::string tail = coded("ell tail\n[1+00000001] [03/04/2021 20:49:59.31] [INFO] Handler successfully enabled\n");
    for (const std::size_t zeros : {std::size_t{64}, std::size_t{4096}, std::size_t{3} << 20}) {
      Collected got;
      const Tally tally = read_log(head + std::string(zeros, '\0') + tail, custom_script_path, got);
      REQUIRE(got.statements.size() == 3);
      CHECK(got.statements[0].command == "powersh");
      CHECK(got.statements[0].cut);
      CHECK(got.statements[0].length == head.size());
      CHECK(got.statements[1].text == "ell tail");
      CHECK(got.statements[1].cut);
      CHECK_FALSE(got.statements[2].cut);
      CHECK(tally.gaps.bytes == zeros);
      CHECK(tally.gaps.count == 1);
    }
  }
}

TEST_CASE("malformed bytes are escaped, and what is too long is cut and said so") {
  Statement s = one("[1+00000001] [03/04/2021 20:49:58.31] [INFO] caf\xE9 \xC3\xA9\n", custom_script_path);
  CHECK(s.text == "caf\\udce9 \xC3\xA9");
  std::string text = "[1+00000001] [03/04/2021 20:49:58.31] [INFO] Files downloaded. Asynchronously executing command: '";
  text +=
      std::string(witness::most_text + (std::size_t{4} << 20), 'a') + "'\n[1+00000001] [03/04/2021 20:49:59.31] [INFO] Enabling Handler\n";
  Collected got;
  const Tally tally = read_log(text, custom_script_path, got);
  REQUIRE(got.statements.size() == 2);
  CHECK(got.statements[0].cut);
  CHECK(got.statements[0].text.size() <= witness::most_text);
  CHECK(got.statements[1].text == "Enabling Handler");
  CHECK(tally.damaged == 1);
  CHECK(tally.gaps.bytes > (std::size_t{3} << 20));
}

TEST_CASE("a text that is no agent's log is not readable and gives nothing; a handler's own output is kept line by line") {
  Collected got;
  const Tally tally = read_log("2024 some other log\nwith lines\n", "notes.log", got);
  CHECK_FALSE(tally.readable);
  CHECK(got.statements.empty());
  CHECK(read_log("", custom_script_path, got).records == 0);
  read_log("Installing module\n\nDone", R"(C:\ProgramData\GuestConfig\extension_logs\Microsoft.Compute.CustomScriptExtension\x_stdout.txt)",
           got);
  REQUIRE(got.statements.size() == 2);
  CHECK(got.statements[0].deed == Deed::other);
  CHECK(got.statements[0].handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(got.statements[1].text == "Done");
}

TEST_CASE("a line that names several handlers speaks of each; .NET names, hosts and files are none") {
  Collected got;
  read_log(
      "[00000010] 2026-05-14T15:04:05.101Z [INFO]  Plugins: Microsoft.Compute.CustomScriptExtension_1.10.20, "
      "Symantec.SymantecEndpointProtection_14.2, "
      "Microsoft.Powershell.DSC\n",
      agent_path, got);
  REQUIRE(got.statements.size() == 3);
  CHECK(got.statements[1].handler == "Symantec.SymantecEndpointProtection");
  CHECK(got.statements[1].version == "14.2");
  CHECK(got.statements[2].handler == "Microsoft.Powershell.DSC");
  got.statements.clear();
  read_log(
      "[00000010] 2026-05-14T15:04:05.101Z [ERROR]  failed https://x.blob.core.windows.net/a.zip "
      "Microsoft.WindowsAzure.Storage.StorageException\n"
      "   at Microsoft.Azure.Some.Class.Method(String x) in Newtonsoft.Json.dll\n",
      agent_path, got);
  CHECK(got.statements.empty());
}
