// What events state, in logs that the fixture writer makes (test/fixtures/event_log_writer.hpp). The writer is vouched for by evtxexport,
// which must read every field of what it writes; the names of fields are those of Windows' event manifests (Microsoft's documentation of
// events 1102, 104, 4688, 4689, 4104). The guest agent's events are synthetic: their field names are not public.
#include <doctest/doctest.h>

#include <algorithm>

#include "event_log_writer.hpp"
#include "event_support.hpp"
#include "witness/handler_name.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using fixtures::Event;
using fixtures::EventData;
using fixtures::write_event_log;

namespace {

constexpr std::uint64_t noon = 133'800'000'000'000'000;  // 2024-12-30
constexpr const char* handler_path =
    "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\bin\\CustomScriptHandler.exe";

Event script(std::uint64_t record_id, const std::string& text, const std::string& path = "") {
  Event event;
  event.time = noon + record_id;
  event.record_id = record_id;
  event.user = "S-1-5-18";
  event.process_id = 4242;
  event.thread_id = 7;
  event.data = {{"MessageNumber", "1"}, {"MessageTotal", "1"}, {"ScriptBlockText", text}, {"ScriptBlockId", "id-1"}, {"Path", path}};
  return event;
}

Event other(const std::string& channel, const std::string& provider, std::uint16_t id, std::vector<EventData> data) {
  Event event;
  event.channel = channel;
  event.provider = provider;
  event.id = id;
  event.time = noon;
  event.record_id = 9;
  event.data = std::move(data);
  return event;
}

Statement only(const Event& event) {
  const LogRead read = read_log(write_event_log({event}));
  REQUIRE(read.statements.size() == 1);
  CHECK(read.tally.damaged == 0);
  CHECK(read.tally.note.empty());
  return read.statements[0];
}

}  // namespace

TEST_CASE("what the writer writes is what evtxexport reads, over several chunks, templates and names used again") {
  if (!have_evtxexport()) return;
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 200; ++i) {
    events.push_back(script(i + 1, "Write-Host '<&>\"' # " + std::string(i * 9, 'x') + "\r\n\tgrüße", handler_path));
    if (i % 3 == 0) events.back().computer = "other";
    if (i % 5 == 0)
      events.push_back(other("Security", "Microsoft-Windows-Security-Auditing", 4688,
                             {{"SubjectUserSid", "S-1-5-21-1-2-4294967295-500", EventData::Type::sid},
                              {"NewProcessId", "0x1f4", EventData::Type::hex},
                              {"CommandLine", "cmd /c \"a & b\""}}));
  }
  const std::vector<std::byte> log = write_event_log(events);
  REQUIRE(log.size() > 4096 + 3 * 65536);
  const std::vector<OracleEvent> oracle = evtxexport(log);
  REQUIRE(oracle.size() == events.size());
  const LogRead read = read_log(log);
  REQUIRE(read.statements.size() == events.size());
  CHECK(read.tally.damaged == 0);
  CHECK(read.tally.gaps.count == 0);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    CAPTURE(i);
    CHECK(oracle[i].record_id == std::to_string(event.record_id));
    CHECK(oracle[i].channel == event.channel);
    CHECK(oracle[i].provider == event.provider);
    CHECK(oracle[i].computer == event.computer);
    CHECK(oracle[i].user == event.user);
    CHECK(oracle[i].process_id == std::to_string(event.process_id));
    CHECK(from_iso8601(oracle[i].time) == FileTime{event.time});
    REQUIRE(oracle[i].fields.size() == event.data.size());
    for (std::size_t f = 0; f < event.data.size(); ++f) {
      CHECK(oracle[i].fields[f].first == event.data[f].name);
      if (event.data[f].type != EventData::Type::hex) CHECK(oracle[i].fields[f].second == event.data[f].value);
    }
    CHECK(read.statements[i].time == FileTime{event.time});
  }
}

TEST_CASE("a script's text keeps every line end, blank and control character") {
  for (const std::string& text : {std::string("a\r\nb\nc\rd\t  "), std::string("  "), std::string("\r\n"), std::string("x\x01\x1b[0m"),
                                  std::string("<a attr='&amp;'>]]></a>&lt;"), std::string("\xEF\xBF\xBF\xEE\x80\x80")})
    CHECK(only(script(1, text)).text == text);
}

TEST_CASE("a zero in a script does not hide what stands behind it") {
  const std::string text("a\0b\0\0c \xF0\x9F\x98\x80", 11);
  CHECK(only(script(1, text)).text == text);
  CHECK(only(script(1, std::string("end\0", 4))).text == "end");  // a zero that ends a string is no part of it
}

// libevtx 20181227 gives U+1F201 for U+1F600, and U+FFFD for half a character; the text that went into the log vouches.
TEST_CASE("characters outside the BMP come out right, whatever else the text has, and halves of them are kept") {
  for (const std::string& text :
       {std::string("a \xF0\x9F\x98\x80\xF4\x8F\xBF\xBF z"), std::string("\xF0\x9F\x98\x80 \xEE\x80\x80 private use too"),
        std::string("\xEE\x80\x80\xEA\x80\x80\xE1\x80\x80 \xF0\x90\x80\x80")})
    CHECK(only(script(1, text)).text == text);
  std::vector<std::byte> log = write_event_log({script(1, "a\xF0\x9F\x98\x80z"), script(2, "b")});
  const std::uint64_t record = read_log(log).statements[0].offset;
  for (std::size_t at = record; at < record + 2000; ++at)
    if (le<std::uint32_t>(log, at) == 0xDE00D83D) {
      log[at + 2] = std::byte{'m'};  // "a", the first half, "m", "z"
      log[at + 3] = std::byte{0};
    }
  const LogRead read = read_log(log);
  REQUIRE(read.statements.size() == 2);
  CHECK(read.statements[0].text == "a\\ud83dmz");
  CHECK(read.statements[1].text == "b");
}

TEST_CASE("a script below the handler's folder names the handler; one that only speaks of it does not") {
  const Statement below =
      only(script(1, "whoami", "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\Downloads\\0\\a.ps1"));
  CHECK(below.handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(below.version == "1.10.20");
  const Statement speaks = only(script(1, std::string("dir ") + handler_path));
  CHECK(speaks.handler.empty());
}

TEST_CASE("a process of the handler, and its end") {
  Event event = other("Security", "Microsoft-Windows-Security-Auditing", 4688,
                      {{"SubjectUserSid", "S-1-5-18", EventData::Type::sid},
                       {"NewProcessId", "0x37c", EventData::Type::hex},
                       {"NewProcessName", "C:\\Windows\\System32\\cmd.exe"},
                       {"ProcessId", "0x10", EventData::Type::hex},
                       {"CommandLine", "cmd /c whoami"},
                       {"ParentProcessName", handler_path}});
  const Statement started = only(event);
  CHECK(started.deed == Deed::process_started);
  CHECK(started.process_id == "892");
  CHECK(started.parent_process_id == "16");
  CHECK(started.parent_process == handler_path);
  CHECK(started.handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(started.version == "1.10.20");
  const Statement ended = only(other("Security", "Microsoft-Windows-Security-Auditing", 4689,
                                     {{"SubjectUserSid", "S-1-5-18", EventData::Type::sid},
                                      {"Status", "0x0"},
                                      {"ProcessId", "0x37c", EventData::Type::hex},
                                      {"ProcessName", "C:\\Windows\\System32\\cmd.exe"}}));
  CHECK(ended.deed == Deed::process_ended);
  CHECK(ended.process_id == "892");
  CHECK(ended.process == "C:\\Windows\\System32\\cmd.exe");
}

TEST_CASE("a cleared log: which, and by whom") {
  Event security = other("Security", "Microsoft-Windows-Eventlog", 1102,
                         {{"SubjectUserSid", "S-1-5-21-1-2-3-1001", EventData::Type::sid},
                          {"SubjectUserName", "mallory"},
                          {"SubjectDomainName", "VM"},
                          {"SubjectLogonId", "0x12", EventData::Type::hex}});
  security.user_data = "LogFileCleared";
  const Statement first = only(security);
  CHECK(first.deed == Deed::log_cleared);
  CHECK(first.text == "Security");
  CHECK(first.user == "S-1-5-21-1-2-3-1001");
  REQUIRE(first.fields.size() >= 4);
  CHECK(first.fields[first.fields.size() - 3] == std::pair<std::string, std::string>("SubjectUserName", "mallory"));
  Event system = other("System", "Microsoft-Windows-Eventlog", 104,
                       {{"SubjectUserName", "mallory"},
                        {"SubjectDomainName", "VM"},
                        {"Channel", "Microsoft-Windows-PowerShell/Operational"},
                        {"BackupPath", ""}});
  system.user_data = "LogFileCleared";
  const Statement second = only(system);
  CHECK(second.deed == Deed::log_cleared);
  CHECK(second.text == "Microsoft-Windows-PowerShell/Operational");
  CHECK(second.user == "VM\\mallory");
}

TEST_CASE("the guest agent's events are all kept; handler, version and verb say what was done") {
  const auto agent = [](std::vector<EventData> data) {
    return only(other("Microsoft-WindowsAzure-Status/Plugins", "Microsoft-WindowsAzure-Status", 7, std::move(data)));
  };
  const Statement installed = agent({{"name", "Microsoft.Compute.CustomScriptExtension"}, {"version", "1.10.20"}, {"op", "Install"}});
  CHECK(installed.deed == Deed::installed);
  CHECK(installed.handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(installed.version == "1.10.20");
  CHECK(agent({{"", "Handler Microsoft.CPlat.Core.RunCommandWindows_1.1.11 uninstalled"}}).deed == Deed::uninstalled);
  CHECK(agent({{"", "Handler Microsoft.CPlat.Core.RunCommandWindows_1.1.11 uninstalled"}}).version == "1.1.11");
  CHECK(agent({{"", "Disabling Microsoft.Compute.VMAccessAgent"}}).deed == Deed::disabled);
  CHECK(agent({{"", "Setting the install state of the handler Microsoft.Powershell.DSC_2.83.5.0 to Enabled"}}).deed == Deed::enabled);
  CHECK(agent({{"", "Setting the install state of the handler Microsoft.Powershell.DSC_2.83.5.0 to NotInstalled"}}).deed ==
        Deed::uninstalled);
  CHECK(agent({{"", "Failed to install Microsoft.Powershell.DSC"}}).deed == Deed::other);  // it was not done
  const Statement silent = agent({{"message", "Install of the agent"}});
  CHECK(silent.deed == Deed::other);
  CHECK(silent.handler.empty());
}

// Made up: no real event of the agent is at hand (../shared/domain.md); the fields are those of its telemetry.
TEST_CASE("an event of the guest agent claims no step that it denies, and no version that is not the handler's") {
  const auto agent = [](std::vector<EventData> data) {
    return only(other("Microsoft-WindowsAzure-Status/GuestAgent", "Microsoft-WindowsAzure-Status", 7, std::move(data)));
  };
  Statement s = agent({{"AgentVersion", "2.7.41491.1095"}, {"Message", "Enabled plugin Microsoft.Compute.CustomScriptExtension"}});
  CHECK(s.deed == Deed::enabled);
  CHECK(s.handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(s.version.empty());
  CHECK(s.text == "Enabled plugin Microsoft.Compute.CustomScriptExtension");
  s = agent({{"Name", "WaAppAgent"}, {"Version", "2.7.41491.1095"}, {"Message", "Installing plugin (name: Contoso.Agent, version: 1.2)"}});
  CHECK(s.deed == Deed::installed);
  CHECK(s.handler == "Contoso.Agent");
  CHECK(s.version == "1.2");
  for (const char* message : {"Skipping uninstall of plugin Microsoft.Compute.CustomScriptExtension_1.10.20",
                              "Plugin Microsoft.Compute.CustomScriptExtension_1.10.20 will be uninstalled",
                              "Deleting the certificates of deleted users for Microsoft.Compute.CustomScriptExtension_1.10.20",
                              "Removing C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\Status\\3.status",
                              "Could not uninstall plugin Microsoft.Compute.CustomScriptExtension_1.10.20"}) {
    CAPTURE(message);
    s = agent({{"Message", message}});
    CHECK(s.deed == Deed::other);
    CHECK(s.version == "1.10.20");
  }
  const auto fields = [&](const char* operation, const char* outcome, const char* message) {
    return agent({{"Name", "Microsoft.Compute.CustomScriptExtension"},
                  {"Version", "1.10.20"},
                  {"Operation", operation},
                  {"OperationSuccess", outcome},
                  {"Message", message}});
  };
  s = fields("UnInstall", "True", "Plugin Microsoft.Compute.CustomScriptExtension (version 1.10.20) uninstalled.");
  CHECK(s.deed == Deed::uninstalled);
  CHECK(s.status == "success");
  CHECK(s.version == "1.10.20");
  CHECK(fields("Uninstall", "True", "").deed == Deed::uninstalled);
  s = fields("Uninstall", "False", "");
  CHECK(s.deed == Deed::other);
  CHECK(s.status == "error");
  CHECK(fields("", "False", "Plugin Microsoft.Compute.CustomScriptExtension (version 1.10.20) uninstalled.").deed == Deed::other);
  s = fields("Uninstall", "True", "Uninstall skipped: it is still in the goal state");
  CHECK(s.deed == Deed::other);
  CHECK(s.status.empty());
  CHECK(fields("Heartbeat", "True", "").deed == Deed::other);
  // Fields without names: what stands beside the handler is its version.
  s = agent({{"", "2.7.41491.1095"}, {"", "Microsoft.Compute.CustomScriptExtension"}, {"", "1.10.20"}, {"", "Disable"}});
  CHECK(s.deed == Deed::disabled);
  CHECK(s.version == "1.10.20");
}

TEST_CASE("any other event is kept only when it names a handler") {
  const LogRead read = read_log(
      write_event_log({other("System", "Service Control Manager", 7045,
                             {{"ServiceName", "x"}, {"ImagePath", "c:/packages/plugins/Contoso.Agent/2.1/x.exe"}}),
                       other("System", "Service Control Manager", 7045, {{"ServiceName", "x"}, {"ImagePath", "C:\\Windows\\x.exe"}}),
                       other("Application", "MsiInstaller", 1040, {{"", "customscripthandler"}})}));
  CHECK(read.tally.records == 3);
  REQUIRE(read.statements.size() == 2);
  CHECK(read.statements[0].deed == Deed::other);
  CHECK(read.statements[0].handler == "Contoso.Agent");
  CHECK(read.statements[0].version == "2.1");
  CHECK(read.statements[0].event == "System 7045");
  CHECK(read.statements[1].fields[0] == std::pair<std::string, std::string>("0", "customscripthandler"));
}

TEST_CASE("a log that is in use is read to its end, and said to be open") {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 100; ++i) events.push_back(script(i + 1, std::string(1000, 'y')));
  const LogRead read = read_log(write_event_log(events, true));
  CHECK(read.statements.size() == 100);
  CHECK(read.tally.note == "not closed");
  for (const Statement& s : read.statements) CHECK_FALSE(s.carved);
}

// libevtx 20181227 passes over a record that ends in the last four bytes of its chunk; the writer vouches for what is there.
TEST_CASE("a record that ends with its chunk is read when its padding allows it, else counted as damaged") {
  std::size_t whole = 0, lost = 0;
  for (std::size_t length = 0; length < 12; ++length) {
    std::vector<Event> events;
    for (std::uint64_t i = 0; i < 32; ++i) events.push_back(script(i + 1, std::string(800, 'y')));
    std::vector<std::byte> log;
    for (std::size_t more = 0; more < 8000; more += 4) {  // the last one grows until the chunk is full
      events[31].data[4].value = std::string(length + more, 'z');
      log = write_event_log(events);
      if (le<std::uint32_t>(log, 4096 + 48) == 65536) break;
    }
    REQUIRE(le<std::uint32_t>(log, 4096 + 48) == 65536);
    const LogRead read = read_log(log);
    CHECK(read.tally.damaged + read.statements.size() == 32);
    whole += read.tally.damaged == 0 ? 1 : 0;
    lost += read.tally.damaged == 1 ? 1 : 0;
    if (read.tally.damaged != 0) continue;
    CHECK(read.statements[31].path == events[31].data[4].value);
    CHECK(read.statements[31].offset + read.statements[31].length == 4096 + 65536);
  }
  CHECK(whole > 0);
  CHECK(whole + lost == 12);
}

TEST_CASE("chunks behind those that a closed log counts are left from an earlier use") {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 100; ++i) events.push_back(script(i + 1, std::string(1000, 'y')));
  std::vector<std::byte> log = write_event_log({events[0]});
  const std::vector<std::byte> older = write_event_log(events);
  log.insert(log.end(), older.begin() + 4096, older.begin() + 4096 + 65536);
  const LogRead read = read_log(log);
  REQUIRE(read.statements.size() > 2);
  CHECK_FALSE(read.statements[0].carved);
  CHECK(std::all_of(read.statements.begin() + 1, read.statements.end(), [](const Statement& s) { return s.carved; }));
}

// Each of these made libevtx 20181227 read past the chunk, allocate gigabytes or recurse without end.
TEST_CASE("binary XML that lies costs its record and nothing else") {
  const std::vector<std::byte> good = write_event_log({script(1, "first"), script(2, "second"), script(3, "third")});
  const LogRead whole = read_log(good);
  REQUIRE(whole.statements.size() == 3);
  const std::uint64_t record = whole.statements[1].offset;
  const auto patched = [&](std::uint64_t at, std::initializer_list<int> values) {
    auto log = good;
    for (const int value : values) log[static_cast<std::size_t>(at++)] = static_cast<std::byte>(value);
    return read_log(log);
  };
  const auto second_is_lost = [](const LogRead& read) {
    return read.tally.damaged == 1 && read.tally.records == 3 && read.statements.size() == 2 && read.statements[0].text == "first" &&
           read.statements[1].text == "third";
  };
  // 24: fragment header; 28: template instance, its definition's offset at 34; 38: the number of values; then 4 bytes for each.
  CHECK(second_is_lost(patched(record + 38, {0x01, 0x00, 0x00, 0x40})));  // a count whose size in bytes wraps
  CHECK(second_is_lost(patched(record + 38, {0xFF, 0xFF, 0xFF, 0xFF})));
  CHECK(second_is_lost(patched(record + 34, {0xF0, 0xFF, 0x00, 0x00})));        // a template at the end of the chunk
  CHECK(second_is_lost(patched(record + 42 + 4 * 8, {0x02})));                  // a process id of two bytes
  CHECK(second_is_lost(patched(record + 42 + 4 * 14 + 2, {0x21})));             // a name that says it is binary XML
  CHECK(second_is_lost(patched(record + 24, {0x0F, 0x01, 0x01, 0x00, 0x41})));  // an element instead of the instance
}

TEST_CASE("handlers are found by name, program and folder, in any case and with either slash") {
  using witness::find_handler;
  CHECK(find_handler("MICROSOFT.COMPUTE.CUSTOMSCRIPTEXTENSION").found);
  CHECK(find_handler("x CustomScriptHandler.exe").found);
  CHECK(find_handler("x CustomScriptHandler.exe").handler.empty());
  CHECK(find_handler("c:/packages/plugins/A.B/1.2/x").handler == "A.B");
  CHECK(find_handler("D:\\WindowsAzure\\Logs\\Plugins\\A.B\\1.2.3.4\\x.log").version == "1.2.3.4");
  CHECK(find_handler("(name: Microsoft.Powershell.DSC, version: 2.9.1)").version == "2.9.1");
  CHECK(find_handler("Microsoft.Powershell.DSC; Microsoft.Compute.VMAccessAgent_2.4").handler == "Microsoft.Compute.VMAccessAgent");
  CHECK(find_handler("\\Packages\\Plugins\\").found);
  CHECK_FALSE(find_handler("Microsoft.Compute.Custom").found);
  CHECK_FALSE(find_handler("").found);
  CHECK(witness::is_version("1.10.12"));
  CHECK_FALSE(witness::is_version("1"));
  CHECK_FALSE(witness::is_version("1.10.12 "));
  CHECK_FALSE(witness::is_version("1.2.3.4.5"));
}
