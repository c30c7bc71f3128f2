// What the examples are is stated by whoever made them: the shared data's README (event logs, telemetry), and the format documents (a hive
// begins with "regf", its type at 0x1C is 0; a zip's local header with PK\3\4).
#include "witness/recognise.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "image/open.hpp"
#include "ntfs/stream.hpp"
#include "real_data.hpp"

using namespace trimcarve;
using witness::Kind;

namespace {

Kind kind_of(const std::string& text, std::string_view path = "") {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return witness::recognise(*ntfs::make_buffer(std::move(bytes), nullptr, 0), path);
}

}  // namespace

TEST_CASE("real event logs and telemetry are recognised whatever they are called") {
  for (const auto& [item, kind] :
       {std::pair{"evtx/powershell-4104-43.evtx", Kind::event_log}, std::pair{"azure/extension_events/1591905451.json", Kind::telemetry}}) {
    const std::string path = test::real_data(item);
    if (path.empty()) continue;
    CHECK(witness::recognise(*image::open_file(path, 0).source, "x") == kind);
  }
}

TEST_CASE("both forms of the agents' lines are recognised, behind a byte order mark and other lines too") {
  CHECK(kind_of("[00000012] [01/02/2024 10:11:12.13] [INFO]  text\r\n") == Kind::agent_log);
  CHECK(kind_of("\xEF\xBB\xBF[1234+00000001] [01/02/2024 10:11:12.13] [INFO] text\n") == Kind::agent_log);
  CHECK(kind_of("[00000012] 2024-01-02T10:11:12.130Z [WARN]  text\n") == Kind::agent_log);
  CHECK(kind_of("   at System.Exception\n[00000012] 2024-01-02T10:11:12.130Z [WARN]  text\n") == Kind::agent_log);
  CHECK(kind_of("a log of another program\n[1] no\n") == Kind::unknown);
}

TEST_CASE("a log that holds only lines of another form is known by its name") {
  CHECK(kind_of("Unhandled exception", "\\WindowsAzure\\Logs\\Plugins\\X\\1.0\\CustomScriptHandler.log") == Kind::agent_log);
  CHECK(kind_of("Unhandled exception", "notes.log") == Kind::unknown);
}

// The lines' forms: Microsoft's support wiki (Azure Monitor agent under Azure Arc).
TEST_CASE("Azure Arc's lines are recognised, and a handler's own output by its folder") {
  CHECK(kind_of("[2024-03-20 17:03:22.048] [PID 4528] [TID 2116] [EXTMGR] [INFO] [x] text\n") == Kind::agent_log);
  CHECK(kind_of("[2024-07-15 08:28:21.000]  [Main] ErrorCode:0 ERROR: Operation Complete.\n") == Kind::agent_log);
  CHECK(kind_of("done", "C:\\ProgramData\\GuestConfig\\extension_logs\\A.B\\x_stdout.txt") == Kind::agent_log);
  CHECK(kind_of("done", "C:\\x_stdout.txt") == Kind::unknown);
  CHECK(kind_of("[2024] [1, 2]") == Kind::unknown);
}

// The forms: WALinuxAgent's tests/data/wire/ext_conf.xml and tests/data/hostgaplugin/vm_settings.json.
TEST_CASE("goal states are recognised in both forms, other XML is not") {
  CHECK(
      kind_of(
          R"(<?xml version="1.0"?><Extensions version="1.0.0.0" goalStateIncarnation="9"><Plugins><Plugin name="A.B"/></Plugins></Extensions>)") ==
      Kind::goal_state);
  CHECK(kind_of(R"({"vmSettingsSchemaVersion":"0.0","extensionGoalStates":[]})") == Kind::goal_state);
  CHECK(kind_of("<html><body>plugins</body></html>") == Kind::unknown);
}

TEST_CASE("JSON is known by keys that only one document has") {
  CHECK(kind_of(R"({"aggregateStatus":{"guestAgentStatus":{}}})") == Kind::aggregate_status);
  CHECK(kind_of(R"([{"authorization":{},"operationName":{"value":"x"}}])") == Kind::activity_log);
  CHECK(kind_of(R"({"records":[{"time":"","operationName":"MICROSOFT.COMPUTE"}]})") == Kind::activity_log);
  CHECK(kind_of(R"([{"TimeGenerated":"","OperationNameValue":""}])") == Kind::activity_log);
  CHECK(kind_of(R"({"runtimeSettings":[]})") == Kind::settings);
  CHECK(kind_of(R"({"other":1})") == Kind::unknown);
}

TEST_CASE("a hive and its transaction logs are told apart by the type in the base block, or by the name") {
  std::string hive("regf");
  hive.resize(4096);
  CHECK(kind_of(hive, "SOFTWARE") == Kind::hive);
  CHECK(kind_of(hive, "SOFTWARE.LOG1") == Kind::hive_log);
  hive[0x1C] = 6;
  CHECK(kind_of(hive, "x") == Kind::hive_log);
  CHECK(kind_of(std::string("PK\x03\x04") + std::string(30, '\0')) == Kind::guest_logs);
  CHECK(kind_of("") == Kind::unknown);
  CHECK(kind_of(std::string(100, '\0')) == Kind::unknown);
}

// WALinuxAgent's tests hold both: an event and a status whose texts are longer than what recognition reads.
TEST_CASE("documents are known by their beginnings when their texts are long") {
  const std::string text(100000, 'a');
  CHECK(kind_of(R"([{"EventLevel":"INFO","Message":")" + text + R"(","TaskName":"x"}])") == Kind::telemetry);
  CHECK(kind_of(R"([{"status":{"status":"success","formattedMessage":{"message":")" + text + R"("}},"timestampUTC":"x"}])") ==
        Kind::settings);
}
