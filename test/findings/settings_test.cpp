// Expectations: the shapes of the extension's JSON as documented and seen in real samples; a whole real protectedSettings blob comes from
// the shared data.
#include "findings/settings.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "real_data.hpp"
#include "trimcarve/text.hpp"

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

// Expectation: what AggregateStatus and some writers do (domain notes): text padded with NUL, in UTF-8 or UTF-16LE.
TEST_CASE("a byte order mark, UTF-16 and padding with NUL do not matter") {
  const std::string unmarked = utf16le(whole).substr(2), padding(100, '\0');
  for (const std::string& text : {"\xEF\xBB\xBF" + whole, utf16le(whole), unmarked, whole + padding, utf16le(whole) + padding,
                                  unmarked + padding, utf16le(whole) + '\0', "\xEF\xBB\xBF" + whole + padding}) {
    const auto s = read_settings(text);
    REQUIRE(s);
    CHECK(s->whole);
    CHECK(s->command == command);
    CHECK_FALSE(s->command_cut);
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

TEST_CASE("protected settings are told by a text that is not empty, whatever escapes are in it") {
  const auto sealed = [](const std::string& value) {
    const auto s = read_settings(R"({"runtimeSettings":[{"handlerSettings":{"protectedSettings":)" + value + "}}]}");
    REQUIRE(s);
    return s->has_protected;
  };
  CHECK(sealed(R"("MIIB\/+8=")"));
  CHECK_FALSE(sealed("\"\""));
  CHECK_FALSE(sealed("null"));
  CHECK_FALSE(sealed("[]"));
}

namespace {

// With what makes cutting hard: an escaped quote and backslash, \u escapes, a pair of surrogates, characters of two to four bytes, and a
// command that talks of commandToExecute itself.
const std::string hard = R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"note":"\"commandToExecute\":\"decoy\"",)"
                         R"("commandToExecute":"cmd /c \"C:\\t\\\u00e9\ud83d\ude00.cmd\" )"
                         "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
                         R"( \"commandToExecute\":\"x\" \/end"}}}]})";
const std::string hard_command =
    "cmd /c \"C:\\t\\\xC3\xA9\xF0\x9F\x98\x80.cmd\" \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 \"commandToExecute\":\"x\" /end";

void check_fragment(std::string_view text, const std::string& expected) {
  const auto s = read_settings(text);
  if (!s || s->command.empty()) return;
  CHECK(expected.starts_with(s->command));
  CHECK(s->command_cut == (s->command != expected));
}

}  // namespace

// Vouched for by the text itself: what is read is compared with what was written.
TEST_CASE("a fragment gives what is whole in it, and never a command that is not in it") {
  for (const auto& [text, expected] : {std::pair{whole, command}, {hard, hard_command}})
    for (std::size_t at = 0; at <= text.size(); ++at) {
      const std::string head = text.substr(0, at), zeroed = head + std::string(64, '\0') + "\",\"x\":\"";
      const auto s = read_settings(head);
      // The last quotation mark may be cut off behind the whole of it.
      if (s && s->command == expected && s->command_cut) continue;
      check_fragment(head, expected);
      check_fragment(text.substr(at), expected);
      check_fragment(zeroed, expected);
    }
  const std::string wide = utf16le(whole);
  for (std::size_t at = 0; at <= wide.size(); at += 2) {
    const auto s = read_settings(wide.substr(2, at));
    if (s && !s->command.empty()) CHECK(command.starts_with(s->command));
    check_fragment(wide.substr(at), command);
  }
  const auto tail = read_settings(std::string_view(whole).substr(60));
  REQUIRE(tail);
  CHECK_FALSE(tail->whole);
  CHECK(tail->command == command);
  CHECK_FALSE(tail->command_cut);
}

TEST_CASE("a command is cut at the last character and escape of which all is there") {
  const auto cut = [](const std::string& value) {
    const auto s = read_settings("\"commandToExecute\":\"" + value);
    REQUIRE(s);
    CHECK(s->command_cut);
    return s->command;
  };
  CHECK(cut("ab\\") == "ab");
  CHECK(cut(R"(ab\\)") == "ab\\");
  CHECK(cut(R"(ab\u00e)") == "ab");
  CHECK(cut(R"(ab\u00e9)") == "ab\xC3\xA9");
  CHECK(cut(R"(ab\ud83d)") == "ab");
  CHECK(cut(R"(ab\ud83d\ude0)") == "ab");
  CHECK(cut(R"(ab\ud83d\ude00)") == "ab\xF0\x9F\x98\x80");
  CHECK(cut("ab\xE2\x82") == "ab");
  CHECK(cut("ab\xE2\x82\xAC") == "ab\xE2\x82\xAC");
  CHECK(cut("ab\\" + std::string(1, '\0') + "cd\"") == "ab");
  CHECK(cut("").empty());
}

TEST_CASE("a thumbprint that is cut short is none") {
  const auto s = read_settings(R"({"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":"7D0A5E)");
  REQUIRE(s);
  CHECK(s->thumbprint.empty());
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

namespace {

// The script printed what looks like a success; the run failed.
const std::string failed =
    R"([{"version":1.0,"timestampUTC":"2026-05-14T11:09:09.1713242Z","status":{"name":"Enable","operation":"Enable","status":"error",)"
    R"("code":1,"formattedMessage":{"lang":"en-US","message":"Command exited: a non-zero exit code of: '7'"},)"
    R"("substatus":[{"name":"StdOut","status":"success","code":0,"formattedMessage":{"message":"exit code of: '0' )"
    R"(\"status\":{\"status\":\"success\"}"}},{"name":"StdErr","status":"success","formattedMessage":{"message":""}}]}}])";

}  // namespace

// Vouched for by the documented shape: the streams' states and messages come behind the run's own, and are not the run's.
TEST_CASE("a fragment of a status never gives a stream's state or message for the run's") {
  const std::string wide = utf16le(failed);
  for (std::size_t at = 0; at <= failed.size(); ++at)
    for (const std::string& text : {failed.substr(0, at), failed.substr(at), failed.substr(0, at) + std::string(10, '\0'),
                                    wide.substr(0, 2 * at), wide.substr(2 * at)}) {
      const auto s = read_status(text);
      if (!s) continue;
      CHECK((s->status.empty() || s->status == "error"));
      CHECK((!s->exit_code || s->exit_code == 7));
      CHECK((s->time.empty() || s->time == "2026-05-14T11:09:09.1713242Z"));
    }
  // With a gap in the middle, as where a cluster was zeroed.
  for (std::size_t from = 0; from < failed.size(); from += 3)
    for (std::size_t to = from + 1; to < failed.size(); to += 7) {
      const auto s = read_status(failed.substr(0, from) + std::string(4, '\0') + failed.substr(to));
      if (!s) continue;
      CHECK((s->status.empty() || s->status == "error"));
      CHECK((!s->exit_code || s->exit_code == 7));
    }
  const std::size_t operation = failed.find("\"status\":\"error\""), streams = failed.find("\"substatus\"");
  const auto without_state = read_status(failed.substr(0, operation) + failed.substr(streams, failed.size() - streams - 2));
  REQUIRE(without_state);
  CHECK(without_state->status.empty());
  CHECK(without_state->message.empty());
  const auto head = read_status(failed.substr(0, failed.find("substatus")));
  REQUIRE(head);
  CHECK_FALSE(head->whole);
  CHECK(head->status == "error");
  CHECK(head->exit_code == 7);
}

TEST_CASE("an exit code is a whole number between quotation marks, and no other text") {
  const auto code = [](const std::string& message) {
    const auto s = read_status(R"([{"status":{"status":"error","formattedMessage":{"message":")" + message + R"("}}}])");
    REQUIRE(s);
    return s->exit_code;
  };
  CHECK(code("a non-zero exit code of: '1'. See the log") == 1);
  CHECK(code("a non-zero exit code of: '-1073741819'") == -1073741819);
  CHECK(code("a non-zero exit code of: '4294967295'") == 4294967295);
  for (const char* none : {"exit code of: ''", "exit code of: '1", "exit code of: 1", "exit code of: 'x'", "exit code of: '1.5'",
                           "exit code of: '99999999999999999999999'", "exit code of: '+1'", ""})
    CHECK_FALSE(code(none));
}

TEST_CASE("a status that stands alone, or whose version is a text, is read too") {
  const auto s = read_status(R"({"version":"1.0","timestampUTC":"t","status":{"status":"transitioning"}})");
  REQUIRE(s);
  CHECK(s->whole);
  CHECK(s->status == "transitioning");
  CHECK_FALSE(read_status("[]"));
  CHECK_FALSE(read_status("{}"));
  CHECK_FALSE(read_status(""));
}

// The one expectation of hostile text is that reading it ends, with a value or none.
TEST_CASE("hostile JSON neither throws nor runs out of stack") {
  CHECK_FALSE(read_settings(std::string(200'000, '[')));
  CHECK_FALSE(read_settings(R"({"a":)" + std::string(100'000, '{')));
  const std::string nested = R"({"runtimeSettings":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK(read_settings(nested));  // an array without what is looked for in it
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"status":)";
  CHECK_FALSE(read_status(objects));
  const auto deep = read_status(objects + "1" + std::string(100'000, '}'));
  REQUIRE(deep);
  CHECK(deep->status.empty());
  CHECK_FALSE(read_settings("\xFF\xFE\x00\xD8"));
  CHECK_FALSE(read_settings("{\"x\":1e999999999999}"));
  CHECK_FALSE(read_settings(std::string(std::size_t{5} << 20, ' ') + whole));  // no settings are that long
  const auto bad = read_settings("\"commandToExecute\":\"a\xFF\xC0z");
  REQUIRE(bad);
  CHECK(bad->command.find('\xFF') == std::string::npos);
  CHECK_FALSE(read_status(R"({"status":[[[[]]]]})"));
}

TEST_CASE("a command with bytes that are no UTF-8, in settings that are whole else, has its escapes undone") {
  const auto s = read_settings(R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"commandToExecute":"\"caf)"
                               "\xE9"
                               R"(\" a\\b"}}}]})");
  REQUIRE(s);
  CHECK(s->command == "\"caf\xEF\xBF\xBD\" a\\b");
  CHECK_FALSE(s->command_cut);
}

TEST_CASE("a member of another type, or a byte of another value, anywhere, is survived") {
  const char* const values[] = {"null",       "true",        "-1", "1e999", "1e-999", "123456789012345678901234567890",
                                "\"\"",       "\"\\u0000\"", "[]", "{}",    "[[]]",   "{\"status\":{\"status\":{}}}",
                                "\"\\ud800\""};
  for (const std::string& text : {whole, failed})
    for (std::size_t at = text.find(':'); at != std::string::npos; at = text.find(':', at + 1))
      for (const char* value : values) {
        const std::string changed = text.substr(0, at + 1) + value + text.substr(std::min(text.find_first_of(",}", at), text.size()));
        (void)read_settings(changed);
        (void)read_status(changed);
      }
  for (std::string text : {whole, failed})
    for (char& c : text)
      for (const char other : {'\0', '"', '\\', '{', ']', '\xFF', '\xE2', ','}) {
        const char before = std::exchange(c, other);
        if (const auto s = read_settings(text); s && !s->command.empty()) CHECK(well_formed(to_utf16(s->command)));
        (void)read_status(text);
        c = before;
      }
}

TEST_CASE("the file name of a URI leaves out its query") {
  CHECK(findings::file_name_of_uri("https://a.example/b/run.ps1?sv=1&sig=a/b") == "run.ps1");
  CHECK(findings::file_name_of_uri("run.ps1") == "run.ps1");
  CHECK(findings::file_name_of_uri("https://a.example/b/run.ps1#part/x") == "run.ps1");
  CHECK(findings::file_name_of_uri("https://a.example/b/").empty());
  CHECK(findings::file_name_of_uri("").empty());
}

// Vouched for by real telemetry of the extension, which logs its settings in clear.
TEST_CASE("a real protectedSettings blob and thumbprint are seen, whole, in UTF-16 and cut at a record's end") {
  const std::string path = test::real_data("azure/extension_events/1591905451.json");
  if (path.empty()) return;
  std::ifstream in(path, std::ios::binary);
  std::stringstream stream;
  stream << in.rdbuf();
  const std::string text = stream.str();
  const auto after = [&](const std::string& lead, char end) {
    const std::size_t at = text.find(lead);
    REQUIRE(at != std::string::npos);
    return text.substr(at + lead.size(), text.find(end, at + lead.size()) - at - lead.size());
  };
  const std::string blob = after(" ProtectedSettings: {", '}'), thumbprint = after("ProtectedSettingsCertThumbprint: ", ',');
  REQUIRE(blob.size() > 500);
  REQUIRE(thumbprint.size() == 40);
  const std::string settings = R"({"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":")" + thumbprint +
                               R"(","protectedSettings":")" + blob + R"(","publicSettings":{}}}]})";
  for (const std::string& version : {settings, utf16le(settings), settings.substr(0, 400)}) {
    const auto s = read_settings(version);
    REQUIRE(s);
    CHECK(s->whole == (version.size() >= settings.size()));
    CHECK(s->has_protected);
    CHECK(s->thumbprint == thumbprint);
    CHECK(s->command.empty());
  }
}
