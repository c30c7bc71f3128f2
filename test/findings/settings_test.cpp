// Expectations: the shapes of the extension's JSON as documented and seen in real samples; a whole real protectedSettings blob comes from
// the shared data.
#include "findings/settings.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "real_data.hpp"

using namespace trimcarve;
using findings::read_settings;
using findings::read_status;

namespace {

const std::string whole =
    R"({"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":"7D0A5E21C4B96F3388E1B05C9A472FD613E80B94",)"
    R"("protectedSettings":"MIIB","publicSettings":{"fileUris":["https:\/\/x.example\/a\/run.ps1?sig=1"],)"
    R"("commandToExecute":"powershell -File run.ps1 -Name \"a b\" ","timestamp":123456789}}}]})";
const std::string command = R"(powershell -File run.ps1 -Name "a b" )";

std::string utf16le(const std::string& ascii) {
  std::string out = "\xFF\xFE";
  for (const char c : ascii) {
    out.push_back(c);
    out.push_back('\0');
  }
  return out;
}

}  // namespace

TEST_CASE("whole settings give command, files and what is protected") {
  const auto s = read_settings(whole);
  REQUIRE(s);
  CHECK(s->whole);
  CHECK(s->command == command);
  CHECK(s->file_uris == std::vector<std::string>{"https://x.example/a/run.ps1?sig=1"});
  CHECK(s->has_protected);
  CHECK(s->thumbprint == "7D0A5E21C4B96F3388E1B05C9A472FD613E80B94");
}

TEST_CASE("a byte order mark, UTF-16 and padding with NUL do not matter") {
  for (const std::string& text : {"\xEF\xBB\xBF" + whole, utf16le(whole), whole + std::string(100, '\0')}) {
    const auto s = read_settings(text);
    REQUIRE(s);
    CHECK(s->whole);
    CHECK(s->command == command);
  }
}

TEST_CASE("each part may be empty, null, absent, or of another type") {
  for (const char* settings : {"{}", R"({"publicSettings":null})", R"({"protectedSettings":null,"publicSettings":{}})",
                               R"({"publicSettings":[1,2],"protectedSettings":{"a":1}})", "null", "7", R"([{"commandToExecute":"x"}])"}) {
    const auto s = read_settings(R"({"runtimeSettings":[{"handlerSettings":)" + std::string(settings) + "}]}");
    REQUIRE(s);
    CHECK(s->command.empty());
    CHECK_FALSE(s->has_protected);
  }
  const auto as_text =
      read_settings(R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":"{\"commandToExecute\":\"cmd /c dir\"}"}}]})");
  REQUIRE(as_text);
  CHECK(as_text->command == "cmd /c dir");
}

TEST_CASE("RunCommand's script lines are its command") {
  const auto s = read_settings(R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"script":["whoami","hostname"]}}}]})");
  REQUIRE(s);
  CHECK(s->command == "whoami\nhostname");
}

TEST_CASE("a fragment gives what is whole in it, and never a command that is not in it") {
  for (std::size_t from = 0; from < whole.size(); ++from)
    for (const auto& [begin, length] : {std::pair{from, whole.size() - from}, std::pair{std::size_t{0}, from}}) {
      const auto s = read_settings(std::string_view(whole).substr(begin, length));
      if (!s || s->command.empty()) continue;
      CHECK(command.starts_with(s->command));
    }
  const auto tail = read_settings(std::string_view(whole).substr(60));
  REQUIRE(tail);
  CHECK_FALSE(tail->whole);
  CHECK(tail->command == command);
}

TEST_CASE("a status gives outcome, streams and the exit code its message names") {
  const auto s = read_status(
      R"([{"version":1.0,"timestampUTC":"2026-05-14T11:09:09.1713242Z","status":{"name":"SecureCommand_1","operation":"Enable","status":"error",)"
      R"("code":1,"formattedMessage":{"lang":"en-US","message":"Finished executing command: a non-zero exit code of: '-7'"},)"
      R"("substatus":[{"name":"StdOut","status":"success","code":0,"formattedMessage":{"message":"out"}},)"
      R"({"name":"StdErr","formattedMessage":{"message":"err"}}]}}])");
  REQUIRE(s);
  CHECK(s->status == "error");
  CHECK(s->exit_code == -7);
  CHECK(s->output == "out");
  CHECK(s->error_output == "err");
  CHECK(s->time == "2026-05-14T11:09:09.1713242Z");
}

TEST_CASE("a success without an exit code in its text has none") {
  const auto s = read_status(R"([{"status":{"status":"success","formattedMessage":{"message":"Finished executing command"}}}])");
  REQUIRE(s);
  CHECK_FALSE(s->exit_code);
}

TEST_CASE("hostile JSON neither throws nor runs out of stack") {
  CHECK_FALSE(read_settings(std::string(200'000, '[')));
  CHECK_FALSE(read_settings(R"({"a":)" + std::string(100'000, '{')));
  const std::string nested = R"({"runtimeSettings":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK(read_settings(nested));  // an array without what is looked for in it
  CHECK_FALSE(read_settings("\xFF\xFE\x00\xD8"));
  CHECK_FALSE(read_settings("{\"x\":1e999999999999}"));
  const auto bad = read_settings("\"commandToExecute\":\"a\xFF\xC0z");
  REQUIRE(bad);
  CHECK(bad->command.find('\xFF') == std::string::npos);
  CHECK_FALSE(read_status(R"({"status":[[[[]]]]})"));
}

TEST_CASE("the file name of a URI leaves out its query") {
  CHECK(findings::file_name_of_uri("https://a.example/b/run.ps1?sv=1&sig=a/b") == "run.ps1");
  CHECK(findings::file_name_of_uri("run.ps1") == "run.ps1");
}

TEST_CASE("a real protectedSettings blob is seen inside real telemetry") {
  const std::string path = test::real_data("azure/extension_events/1591905451.json");
  if (path.empty()) return;
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  // The telemetry quotes the settings: `"protectedSettings": "MII..."` with escaped quotes. Undo one level, as a reader of it would.
  std::string quoted = text.str(), plain;
  for (std::size_t i = 0; i < quoted.size(); ++i)
    if (quoted[i] != '\\' || i + 1 >= quoted.size() || quoted[i + 1] != '"') plain.push_back(quoted[i]);
  const std::size_t at = plain.find("ProtectedSettings: {");
  REQUIRE(at != std::string::npos);
  const std::string blob = plain.substr(at + 20, plain.find('}', at) - at - 20);
  CHECK(blob.size() > 500);
  const auto s = read_settings(R"({"runtimeSettings":[{"handlerSettings":{"protectedSettings":")" + blob + R"("}}]})");
  REQUIRE(s);
  CHECK(s->has_protected);
}
