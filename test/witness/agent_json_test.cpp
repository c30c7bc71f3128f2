// Telemetry: real, in the shared data; what it says is in the files, as its README and Python's json read them. Goal states: the forms of
// WALinuxAgent's tests/data/wire/ext_conf*.xml and tests/data/hostgaplugin/vm_settings*.json, shortened. Statuses: the forms that Microsoft
// documents for <seq>.status, and that WALinuxAgent's protocol/wire.py writes for the aggregate.
#include "witness/agent_json.hpp"

#include <doctest/doctest.h>

#include <ctime>
#include <string>

#include "collect.hpp"
#include "image/open.hpp"
#include "real_data.hpp"

using namespace trimcarve;
using test::Collected;
using test::field;
using witness::Tally;

namespace {

constexpr std::string_view aggregate =
    R"({"version":"1.0","timestampUTC":"2026-05-13T10:10:00Z","aggregateStatus":{"guestAgentStatus":{"version":"2.7.41491","status":"Ready"},)"
    R"("handlerAggregateStatus":[{"handlerName":"Microsoft.Compute.CustomScriptExtension","handlerVersion":"1.10.20","status":"Ready",)"
    R"("runtimeSettingsStatus":{"settingsStatus":{"status":{"name":"CustomScript","operation":"Command Execution Finished","status":"error",)"
    R"("code":-196608,"formattedMessage":{"lang":"en-US","message":"Command execution finished, but failed because it returned a non-zero exit )"
    R"(code of: '3'"},"substatus":[{"name":"StdOut","status":"success","code":0,"formattedMessage":{"lang":"en-US","message":"out \"q\"\nb"}},)"
    R"({"name":"StdErr","status":"success","code":0,"formattedMessage":{"lang":"en-US","message":"err"}}]},"version":"1.0",)"
    R"("timestampUTC":"2026-05-13T10:09:53.6256578Z"},"sequenceNumber":"7"}},)"
    R"({"handlerName":"Microsoft.CPlat.Core.RunCommandHandlerWindows","handlerVersion":"2.0.8","status":"Ready","runtimeSettingsStatus":)"
    R"({"settingsStatus":{"status":{"status":"success"},"timestampUTC":"2026-05-13T10:08:00Z"},"sequenceNumber":"0","extensionName":"Demo"}},)"
    R"({"handlerName":"Microsoft.Compute.BGInfo","handlerVersion":"2.1","status":"NotReady","code":1,"message":"no"}]}})";

std::string_view part(std::string_view text, const Statement& s) { return text.substr(s.offset, s.length); }

}  // namespace

TEST_CASE("an aggregate status gives each handler's outcome, output and exit code") {
  Collected got;
  const std::string padded = std::string(aggregate) + std::string(3000, '\0');
  const Tally tally = witness::read_aggregate_status(*test::source_of(padded), got.sink);
  CHECK(tally.readable);
  CHECK(tally.damaged == 0);
  CHECK(tally.note.empty());
  REQUIRE(got.statements.size() == 3);
  const Statement& s = got.statements[0];
  CHECK(s.deed == Deed::status);
  CHECK(s.handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(s.version == "1.10.20");
  CHECK(s.sequence == "7");
  CHECK(s.status == "error");
  CHECK(s.exit_code == 3);
  CHECK(s.output == "out \"q\"\nb");
  CHECK(s.error_output == "err");
  CHECK(s.time_text == "2026-05-13T10:09:53.6256578Z");
  CHECK(to_iso8601(s.time) == s.time_text);
  CHECK(field(s, "handlerStatus") == "Ready");
  CHECK(field(s, "code") == "-196608");
  CHECK(field(s, "timestampUTC") == "2026-05-13T10:10:00Z");
  CHECK(part(aggregate, s).starts_with(R"({"handlerName":"Microsoft.Compute.CustomScriptExtension")"));
  CHECK(part(aggregate, s).ends_with(R"("sequenceNumber":"7"}})"));
  CHECK(got.statements[1].sequence == "Demo.0");
  CHECK_FALSE(got.statements[1].exit_code);
  CHECK(got.statements[2].status == "NotReady");
  CHECK(got.statements[2].text == "no");
  CHECK(to_iso8601(got.statements[2].time) == "2026-05-13T10:10:00.0000000Z");
}

TEST_CASE("what an older, longer text left behind the NUL is told apart as carved") {
  const std::string shorter = R"({"version":"1.0","timestampUTC":"2026-05-14T10:10:00Z","aggregateStatus":{"handlerAggregateStatus":[]}})";
  std::string text(aggregate);
  text.replace(0, shorter.size(), shorter);
  text[shorter.size()] = '\0';
  Collected got;
  const Tally tally = witness::read_aggregate_status(*test::source_of(text), got.sink);
  CHECK(tally.damaged == 0);
  REQUIRE(got.statements.size() == 3);  // the cut is within the agent's own status, before the first handler
  for (const Statement& s : got.statements) CHECK(s.carved);
  CHECK(got.statements[0].exit_code == 3);
  CHECK(part(text, got.statements[0]).starts_with(R"({"handlerName")"));
  CHECK(tally.note == "of them 3 from an older text behind the end");
  // The same with the end inside a string of the first handler: that one is lost, the others are not.
  text = aggregate;
  const std::size_t inside = text.find("non-zero");
  text.replace(0, shorter.size(), shorter);
  for (std::size_t i = shorter.size(); i < inside; ++i) text[i] = '\0';
  got.statements.clear();
  witness::read_aggregate_status(*test::source_of(text), got.sink);
  REQUIRE(got.statements.size() == 2);
  CHECK(got.statements[0].sequence == "Demo.0");
}

TEST_CASE("a damaged aggregate keeps its whole objects, and UTF-16 is read") {
  Collected got;
  const Tally tally = witness::read_aggregate_status(*test::source_of(aggregate.substr(0, aggregate.size() - 60)), got.sink);
  CHECK(tally.readable);
  CHECK(tally.damaged == 1);
  CHECK(got.statements.size() == 2);
  got.statements.clear();
  const std::string wide = "\xFF\xFE" + test::utf16le(aggregate);
  CHECK(witness::read_aggregate_status(*test::source_of(wide), got.sink).damaged == 0);
  REQUIRE(got.statements.size() == 3);
  CHECK(got.statements[0].output == "out \"q\"\nb");
  CHECK(got.statements[0].offset == 0);
  CHECK(got.statements[0].length == wide.size());
  got.statements.clear();
  CHECK_FALSE(witness::read_aggregate_status(*test::source_of("{\"a\":1}"), got.sink).readable);
  CHECK_FALSE(witness::read_aggregate_status(*test::source_of(""), got.sink).readable);
}

TEST_CASE("text that a strict parser refuses is read: malformed bytes, lone surrogates and raw line ends in strings") {
  std::string text(aggregate);
  const std::string_view plain = R"(out \"q\"\nb)";
  text.replace(text.find(plain), plain.size(), "caf\xE9 \\ud800 \n");
  Collected got;
  const Tally tally = witness::read_aggregate_status(*test::source_of(text), got.sink);
  CHECK(tally.damaged == 0);
  REQUIRE(got.statements.size() == 3);
  CHECK(got.statements[0].output == "caf\\udce9 \\ud800 \n");
}

TEST_CASE("real telemetry: every event, its sequence, its protected settings; version and handler as its environment says") {
  const std::string path = test::real_data("azure/extension_events/1591905451.json");
  if (path.empty()) return;
  Collected got;
  const auto file = image::open_file(path, 0).source;
  const Tally tally = witness::read_telemetry(*file, path, got.sink);
  CHECK(tally.damaged == 0);
  REQUIRE(got.statements.size() == 8);
  for (const Statement& s : got.statements) {
    CHECK(s.handler == "Microsoft.Compute.CustomScriptExtension");
    CHECK(s.version == "1.10.3");
    CHECK(s.zone_stated);
    CHECK(s.process_id == "3228");
    std::string text(s.length, '\0');
    REQUIRE(file->read_at(s.offset, std::as_writable_bytes(std::span(text))));
    CHECK(text.starts_with("{"));
    CHECK(text.ends_with("}"));
    CHECK(text.find(s.time_text) != std::string::npos);
  }
  const auto& s = got.statements;
  CHECK(s[0].text == "Starting IaaS ScriptHandler Extension v1");
  CHECK(s[2].deed == Deed::enabled);
  CHECK(s[2].status == "started");  // "Comamnd Executed: enable"
  CHECK(s[4].deed == Deed::other);  // "Successfully enabled TLS."
  CHECK(s[5].deed == Deed::enabled);
  CHECK(s[5].status == "success");
  CHECK(s[6].deed == Deed::configured);
  CHECK(s[6].sequence == "11");
  CHECK(s[7].deed == Deed::configured);
  CHECK(s[7].sequence == "11");
  CHECK(s[7].settings == "{}");
  CHECK(field(s[7], "protectedSettingsCertThumbprint") == "C8F2B56B0E79B592334BA0AFFFE172EB3DEF6753");
  CHECK(field(s[7], "protectedSettings").starts_with("MIIB0AYJKoZIhvcNAQcD"));
  CHECK(field(s[7], "protectedSettings").ends_with("yOOLFQZj8XrJj4HhQNTndIDwyNz"));
  CHECK(to_iso8601(s[7].time) == "2019-12-12T01:20:16.7047734Z");
}

// WALinuxAgent's tests/data/events/extension_events: names in any case, an event alone, numbers for text, parameters that are missing.
TEST_CASE("telemetry whose form differs is read as far as it goes") {
  Collected got;
  Tally tally = witness::read_telemetry(
      *test::source_of(
          R"([{"eventlevel":"INFO","Message":"Files downloaded. Asynchronously executing command: 'SecureCommand_11'","Version":"1",)"
          R"("TASKNAME":"Downloading files","EventPid":3228,"EventTid":1,"OperationId":"5","tIMEsTAMP":"2019-12-12T01:21:05.1960563Z"},)"
          R"({"EventLevel":"INFO","msg":"x","TaskName":"y","EventPid":"1","OperationId":"6"}, {"broken": ])"),
      R"(C:\WindowsAzure\Logs\Plugins\Microsoft.Compute.CustomScriptExtension\Events\1591918616.json)", got.sink);
  CHECK(tally.damaged == 1);
  REQUIRE(got.statements.size() == 2);
  CHECK(got.statements[0].deed == Deed::command_started);
  CHECK(got.statements[0].command == "SecureCommand_11");
  CHECK(got.statements[0].handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(got.statements[0].process_id == "3228");
  CHECK(got.statements[1].time == no_time);
  CHECK_FALSE(witness::read_telemetry(*test::source_of("{\"BadEvent\": true ]"), "", got.sink).readable);
}

TEST_CASE("a settings file and a status file speak of the handler and request that their path names") {
  const std::string settings = R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"commandToExecute":"x"}}}]})";
  Collected got;
  witness::read_settings_status(*test::source_of(settings),
                                R"(\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\1.10.20\RuntimeSettings\3.settings)",
                                got.sink);
  REQUIRE(got.statements.size() == 1);
  CHECK(got.statements[0].deed == Deed::configured);
  CHECK(got.statements[0].settings == settings);
  CHECK(got.statements[0].handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(got.statements[0].version == "1.10.20");
  CHECK(got.statements[0].sequence == "3");
  CHECK(got.statements[0].length == settings.size());
  got.statements.clear();
  CHECK(witness::read_settings_status(*test::source_of(settings.substr(0, 70)), "Demo.4.settings", got.sink).damaged == 1);
  REQUIRE(got.statements.size() == 1);
  CHECK(got.statements[0].cut);
  CHECK(got.statements[0].settings.empty());
  CHECK(got.statements[0].text == settings.substr(0, 70));
  CHECK(got.statements[0].sequence == "Demo.4");
  got.statements.clear();
  const std::string status =
      R"([{"version":"1.0","timestampUTC":"2026-05-13T10:09:53.6256578Z","status":{"name":"n","operation":"o","status":"success","code":0,)"
      R"("formattedMessage":{"lang":"en-US","message":"done"},"substatus":[{"name":"StdOut","formattedMessage":{"message":"hello"}}]}}])";
  witness::read_settings_status(*test::source_of(status + std::string(50, '\0')), "7.status", got.sink);
  REQUIRE(got.statements.size() == 1);
  CHECK(got.statements[0].deed == Deed::status);
  CHECK(got.statements[0].status == "success");
  CHECK(got.statements[0].text == "done");
  CHECK(got.statements[0].output == "hello");
  CHECK(got.statements[0].sequence == "7");
  CHECK(part(status, got.statements[0]) == status.substr(1, status.size() - 2));
  got.statements.clear();
  witness::read_settings_status(*test::source_of(status.substr(0, 150)), "7.status", got.sink);
  REQUIRE(got.statements.size() == 1);
  CHECK(got.statements[0].cut);
  CHECK_FALSE(witness::read_settings_status(*test::source_of("{}"), "7.status", got.sink).readable);
}

TEST_CASE("a goal state as XML: handlers with the state wanted, requests with settings and sequence number, when it was made") {
  const std::string text =
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Extensions version=\"1.0.0.0\" goalStateIncarnation=\"4\">\n<Plugins>\n"
      "  <Plugin name=\"Microsoft.CPlat.Core.RunCommandHandlerWindows\" version=\"2.3.0\" location=\"http://x/?a=1&amp;b=2\" "
      "state=\"enabled\" />\n"
      "  <Plugin name=\"Microsoft.Compute.CustomScriptExtension\" version=\"1.10.9\" state=\"uninstall\" />\n</Plugins>\n<PluginSettings>\n"
      "  <Plugin name=\"Microsoft.CPlat.Core.RunCommandHandlerWindows\" version=\"2.3.0\">\n"
      "    <ExtensionRuntimeSettings seqNo=\"2\" name=\"first\" "
      "state=\"disabled\">{\"runtimeSettings\":[{\"handlerSettings\":{\"publicSettings\":"
      "{\"source\":{\"script\":\"Write-Host &lt;1&gt;\"}}}}]}</ExtensionRuntimeSettings>\n  </Plugin>\n"
      "  <Plugin name=\"Microsoft.Compute.CustomScriptExtension\" version=\"1.10.9\">\n"
      "    <RuntimeSettings seqNo=\"5\"><![CDATA[{\"runtimeSettings\":[{\"handlerSettings\":{\"publicSettings\":{\"commandToExecute\":\"a "
      "& b\"}}}]}]]>"
      "</RuntimeSettings>\n  </Plugin>\n</PluginSettings>\n"
      "<InVMGoalStateMetaData inSvdSeqNo=\"10\" createdOnTicks=\"637726657706205217\" />\n</Extensions>\n";
  Collected got;
  Tally tally = witness::read_goal_state(*test::source_of(text + std::string(20, '\0')), got.sink);
  CHECK(tally.readable);
  CHECK(tally.damaged == 0);
  REQUIRE(got.statements.size() == 4);
  const auto& s = got.statements;
  for (const Statement& one : s) {
    CHECK(one.deed == Deed::configured);
    CHECK(to_iso8601(one.time) == "2021-11-16T13:22:50.6205217Z");  // Python's datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)
    CHECK(field(one, "goalStateIncarnation") == "4");
  }
  CHECK(s[0].status == "enabled");
  CHECK(field(s[0], "location") == "http://x/?a=1&b=2");
  CHECK(part(text, s[0]).starts_with("<Plugin name=\"Microsoft.CPlat"));
  CHECK(part(text, s[0]).ends_with("state=\"enabled\" />"));
  CHECK(s[1].status == "uninstall");
  CHECK(s[1].version == "1.10.9");
  CHECK(s[2].sequence == "first.2");
  CHECK(s[2].status == "disabled");
  CHECK(s[2].command == "Write-Host <1>");
  CHECK(part(text, s[2]).starts_with("<ExtensionRuntimeSettings"));
  CHECK(part(text, s[2]).ends_with("</ExtensionRuntimeSettings>"));
  CHECK(s[3].sequence == "5");
  CHECK(s[3].status == "uninstall");  // of its handler
  CHECK(s[3].command == "a & b");
  CHECK(s[3].settings == R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"commandToExecute":"a & b"}}}]})");

  got.statements.clear();
  tally = witness::read_goal_state(*test::source_of(text.substr(0, text.find("seqNo=\"5\""))), got.sink);
  CHECK(tally.damaged == 1);
  CHECK(got.statements.size() == 3);
  got.statements.clear();
  tally = witness::read_goal_state(
      *test::source_of("<!DOCTYPE x [<!ENTITY a \"aaaa\">]><Extensions><Plugins><Plugin name=\"&a;\"/></Plugins></Extensions>"), got.sink);
  CHECK_FALSE(tally.readable);
  CHECK(got.statements.empty());
}

TEST_CASE("a goal state as the host's JSON") {
  const std::string text =
      R"({"vmSettingsSchemaVersion":"0.0","extensionsLastModifiedTickCount":637726657706205299,"extensionGoalStates":[)"
      R"({"name":"Microsoft.Compute.CustomScriptExtension","version":"1.10.9","state":"enabled","useExactVersion":true,"settingsSeqNo":3,)"
      R"("settings":[{"protectedSettingsCertThumbprint":"AB","protectedSettings":"MII","publicSettings":"{\"commandToExecute\":\"echo\"}"}]},)"
      R"({"name":"Microsoft.CPlat.Core.RunCommandHandlerWindows","version":"2.3.0","state":"enabled","isMultiConfig":true,"runAsStartupTask":false,)"
      R"("settings":[{"publicSettings":"{\"source\":{\"script\":\"ls\"}}","seqNo":1,"extensionName":"one","extensionState":"disabled"}]}]})";
  Collected got;
  CHECK(witness::read_goal_state(*test::source_of(text), got.sink).damaged == 0);
  REQUIRE(got.statements.size() == 4);
  const auto& s = got.statements;
  CHECK(s[1].sequence == "3");
  CHECK(s[1].settings == R"({"commandToExecute":"echo"})");
  CHECK(s[1].command == "echo");
  CHECK(field(s[1], "protectedSettings") == "MII");
  CHECK(to_iso8601(s[1].time) == "2021-11-16T13:22:50.6205299Z");
  CHECK(s[3].sequence == "one.1");
  CHECK(s[3].status == "disabled");
  CHECK(s[3].command == "ls");
}

// Made up after the real events: two operations in one file, of which one does not say which handler it is.
TEST_CASE("telemetry of one operation is not told of another's handler, version or request") {
  const auto event = [](std::string_view operation, std::string_view message) {
    return R"({"EventLevel":"Info","Message":")" + std::string(message) +
           R"(","Version":"1","TaskName":"x","EventPid":"1","OperationId":")" + std::string(operation) +
           R"(","TimeStamp":"2026-11-20T10:00:00Z"})";
  };
  const std::string text =
      "[" +
      event("A", R"(HandlerEnvironment = LogFolder: C:\\WindowsAzure\\Logs\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.12)") +
      "," + event("A", "Loading configuration for sequence number 3") + "," + event("B", "Comamnd Executed: enable") + "," +
      event("A", "Command execution finished. Command exited with code: 0") + "]";
  Collected got;
  witness::read_telemetry(*test::source_of(text), "1591905451.json", got.sink);
  REQUIRE(got.statements.size() == 4);
  CHECK(got.statements[1].version == "1.10.12");
  CHECK(got.statements[2].deed == Deed::enabled);
  CHECK(got.statements[2].handler.empty());
  CHECK(got.statements[2].version.empty());
  CHECK(got.statements[2].sequence.empty());
  CHECK(got.statements[3].version == "1.10.12");
  CHECK(got.statements[3].sequence == "3");  // B between does not end A
}

// In the square of their number these took minutes.
TEST_CASE("goal states with very many requests are read in time") {
  std::string xml =
      R"(<Extensions goalStateIncarnation="1"><Plugins><Plugin name="x.y" version="1.0"/></Plugins><PluginSettings><Plugin name="a.b" version="1.0">)";
  for (int i = 0; i < 100'000; ++i) xml += R"(<RuntimeSettings seqNo="0"/>)";
  xml += "</Plugin></PluginSettings></Extensions>";
  const std::clock_t begun = std::clock();
  std::uint64_t count = 0;
  witness::read_goal_state(*test::source_of(xml), [&](const Statement&) { ++count; });
  CHECK(count == 100'001);
  std::string json = R"({"extensionGoalStates":[{"name":"a.b","version":"1.0",)";
  for (int i = 0; i < 20'000; ++i) json += "\"a" + std::to_string(i) + "\":0,";
  json += R"("settingsSeqNo":7,"settings":[{})";
  for (int i = 1; i < 20'000; ++i) json += ",{}";
  json += "]}]}";
  count = 0;
  std::uint64_t seventh = 0;
  witness::read_goal_state(*test::source_of(json), [&](const Statement& s) {
    ++count;
    seventh += s.sequence == "7" ? 1U : 0U;
  });
  CHECK(count == 20'001);
  CHECK(seventh == 20'000);
  CHECK(static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC < 10);
}

TEST_CASE("documents nested without end cost themselves only") {
  std::string json, xml = "<Extensions><Plugins>";
  for (int i = 0; i < 300000; ++i) json += R"({"TaskName":1,"publicSettings":)";
  for (int i = 0; i < 300000; ++i) xml += "<a>";
  Collected got;
  CHECK_FALSE(witness::read_telemetry(*test::source_of(json), "", got.sink).readable);
  CHECK_FALSE(witness::read_telemetry(*test::source_of(json + std::string(300000, '}')), "", got.sink).readable);
  CHECK(witness::read_goal_state(*test::source_of(xml), got.sink).damaged == 1);
  CHECK(witness::read_goal_state(*test::source_of("{\"extensionGoalStates\":" + json + std::string(300001, '}')), got.sink).emitted == 0);
  CHECK(got.statements.empty());
}
