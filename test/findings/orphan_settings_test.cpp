// Settings and status reports without a file. Expectations worked by hand; what an envelope says of itself vouches openssl, which made it
// and states its recipient's serial number (`openssl cms -cmsout -print`, `openssl x509 -serial`).
#include "findings/orphan_settings.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "findings/sealed.hpp"
#include "hearing.hpp"

using namespace trimcarve;

namespace {

struct Case {
  Examination x;
  test::Witnessed w{x};
  std::vector<RunRecord> runs;
  std::vector<findings::LooseEnvelope> loose;

  Statement& settings(const std::string& text, bool whole = true) {
    Statement& s = w.say(SourceKind::agent_log, Deed::configured, "");
    s.event = "settings";
    s.carved = true;
    s.cut = !whole;
    (whole ? s.settings : s.text) = text;
    return s;
  }
  Statement& status(const char* time, const char* state) {
    Statement& s = w.say(SourceKind::agent_log, Deed::status, time);
    s.event = "status";
    s.carved = true;
    s.status = state;
    return s;
  }
  RunRecord& run(const char* sequence, const char* command) {
    RunRecord& r = runs.emplace_back();
    r.sequence = sequence;
    r.version = "1.10.20";
    r.command = command;
    r.protected_settings = false;
    return r;
  }
  void hear(const char* profile = "custom-script") {
    findings::hear_orphans(*findings::find_profile(profile), w.hearing(), nullptr, runs, loose);
  }
};

std::string document(const std::string& command, const std::string& more = "") {
  return R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"fileUris":["https://a.example/a.ps1"],"commandToExecute":")" +
         command + "\"}" + more + "}}]}";
}

std::string output_of(const std::string& command) {
  std::string out;
  if (FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r"); pipe != nullptr) {
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    ::pclose(pipe);
  }
  return out;
}

// What openssl seals for a new certificate; empty when it is not installed.
struct Sealed {
  std::string envelope, serial;
  std::uint64_t bytes = 0;
};
Sealed seal(const std::string& text) {
  char folder[] = "/tmp/trimcarve-cms-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return {};
  const std::string in = folder;
  std::ofstream(in + "/text") << text;
  output_of(
      "cd " + in +
      " && openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 30 -subj '/DC=Windows Azure CRP Certificate Generator'");
  output_of("cd " + in + " && openssl cms -encrypt -aes256 -binary -in text -outform DER -out cms cert");
  Sealed out;
  out.envelope = output_of("openssl base64 -A -in " + in + "/cms");
  const std::string serial = output_of("openssl x509 -noout -serial -in " + in + "/cert");
  if (serial.starts_with("serial=")) out.serial = serial.substr(7, serial.find('\n') - 7);
  std::error_code error;
  out.bytes = std::filesystem::file_size(in + "/cms", error);
  std::filesystem::remove_all(in, error);
  return out;
}

}  // namespace

TEST_CASE("settings without a file join the run that has the same content, once for each place") {
  Case c;
  c.run("0", "powershell -File a.ps1 ").file_uris = {"https://a.example/a.ps1"};
  c.run("1", "cmd /c b.cmd");
  c.settings(document("powershell -File a.ps1"));
  c.hear();
  REQUIRE(c.runs.size() == 2);
  REQUIRE(c.runs[0].sightings.size() == 1);
  CHECK(c.x.sightings[c.runs[0].sightings[0]].statement->carved);
  CHECK(c.runs[1].sightings.empty());
  CHECK(c.loose.empty());
}

TEST_CASE("settings that no run has make one without a sequence number; what says the same again joins it") {
  Case c;
  c.run("0", "cmd /c b.cmd");
  c.settings(document("powershell -File a.ps1"));
  c.settings(R"(ublicSettings":{"fileUris":["https://a.example/a.ps1"],"commandToExecute":"powershell -File a.ps1"}}]})", false);
  c.settings(document("powershell -File other.ps1"));
  c.hear();
  REQUIRE(c.runs.size() == 3);
  const RunRecord& made = c.runs[1];
  CHECK(made.sequence.empty());
  CHECK(made.version.empty());
  CHECK_FALSE(made.started);
  CHECK(made.command == "powershell -File a.ps1");
  CHECK(made.file_uris == std::vector<std::string>{"https://a.example/a.ps1"});
  CHECK(made.protected_settings == false);
  CHECK(made.sightings.size() == 2);
  CHECK(findings::is_orphan(made, c.x));
  CHECK_FALSE(findings::is_orphan(c.runs[0], c.x));
  CHECK(c.runs[2].command == "powershell -File other.ps1");
}

TEST_CASE("a fragment whose command is cut joins by its beginning only when that is long enough") {
  Case c;
  c.run("0", "powershell -ExecutionPolicy Unrestricted -File a.ps1");
  SUBCASE("long") {
    c.settings(R"("publicSettings":{"commandToExecute":"powershell -ExecutionPolicy Unres)", false);
    c.hear();
    CHECK(c.runs.size() == 1);
    CHECK(c.runs[0].sightings.size() == 1);
    CHECK(c.runs[0].command == "powershell -ExecutionPolicy Unrestricted -File a.ps1");
  }
  SUBCASE("short: it may be any request's") {
    c.settings(R"("publicSettings":{"commandToExecute":"powershell -Ex)", false);
    c.hear();
    REQUIRE(c.runs.size() == 2);
    CHECK(c.runs[0].sightings.empty());
    CHECK(c.runs[1].command_cut);
  }
}

TEST_CASE("another extension's settings are no run of this one") {
  Case c;
  c.settings(R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"workspaceId":"1"}}}]})");
  c.settings(R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"script":["whoami"]}}}]})");
  SUBCASE("the Custom Script Extension") {
    c.hear();
    CHECK(c.runs.empty());
  }
  SUBCASE("Run Command") {
    c.hear("run-command");
    REQUIRE(c.runs.size() == 1);
    CHECK(c.runs[0].command == "whoami");
  }
  SUBCASE("DSC: none of these keys is its own") {
    c.settings(document("powershell -File a.ps1"));
    c.hear("dsc");
    CHECK(c.runs.empty());
  }
  CHECK(c.loose.empty());
}

TEST_CASE("a sealed part joins the run with the same envelope; one of no run is told with what it says of itself") {
  const Sealed one = seal(R"({"commandToExecute":"powershell -File secret.ps1"})"), other = seal(R"({"commandToExecute":"cmd"})");
  if (one.envelope.empty() || one.serial.empty()) {
    MESSAGE("SKIPPED: openssl is not installed");
    return;
  }
  const auto with = [](const std::string& envelope, bool escaped) {
    std::string text = envelope;
    for (std::size_t at = 0; escaped && (at = text.find('/', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return R"({"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":"00112233445566778899AABBCCDDEEFF00112233","protectedSettings":")" +
           text + R"(","publicSettings":{}}}]})";
  };
  Case c;
  RunRecord& run = c.run("4", "");
  run.protected_settings = true;
  run.sealed = SealedSettings{.envelope = one.envelope};
  SUBCASE("the same, with escaped slashes") {
    c.settings(with(one.envelope, true));
    c.hear();
    CHECK(c.runs.size() == 1);
    CHECK(c.runs[0].sightings.size() == 1);
    CHECK(c.runs[0].certificate_thumbprint == "00112233445566778899AABBCCDDEEFF00112233");
    CHECK(c.loose.empty());
  }
  SUBCASE("the blob alone, cut: its beginning is enough, unless it ends before it differs from others") {
    c.settings("", false).fields.emplace_back("protectedSettings", one.envelope.substr(0, 700));
    c.settings("", false).fields.emplace_back("protectedSettings", one.envelope.substr(0, 200));
    c.hear();
    CHECK(c.runs.size() == 1);
    CHECK(c.runs[0].sightings.size() == 1);
    CHECK(c.runs[0].sealed->envelope == one.envelope);
    CHECK(c.loose.size() == 1);
  }
  SUBCASE("another: serial number and size as openssl states them") {
    c.settings(with(other.envelope, false));
    c.settings(with(other.envelope, true));
    c.hear();
    CHECK(c.runs.size() == 1);
    CHECK(c.runs[0].sightings.empty());
    REQUIRE(c.loose.size() == 1);
    CHECK(c.loose[0].sightings.size() == 2);
    CHECK(c.loose[0].text.find(other.serial) != std::string::npos);
    CHECK(c.loose[0].text.find(std::to_string(other.bytes) + " bytes") != std::string::npos);
    CHECK(c.loose[0].text.find("00112233445566778899AABBCCDDEEFF00112233") != std::string::npos);
    CHECK(c.loose[0].text.find("aes-256-cbc") != std::string::npos);
  }
}

TEST_CASE("a status without a file tells the outcome of the one run that it can be of") {
  Case c;
  RunRecord& ended = c.run("0", "a");
  ended.finished = test::at("2026-05-12T10:00:30Z");
  ended.status = "success";
  c.run("3", "b");
  SUBCASE("by its time") {
    Statement& s = c.status("2026-05-12T10:00:30Z", "success");
    s.exit_code = 0;
    s.output = "done";
    c.hear();
    CHECK(c.runs[0].output == "done");
    CHECK(c.runs[0].exit_code == 0);
    CHECK(c.runs[0].sightings.size() == 1);
    CHECK(c.runs[1].sightings.empty());
  }
  SUBCASE("by the number it states") {
    Statement& s = c.status("2026-05-12T11:00:00Z", "error");
    s.fields.emplace_back("name", "SecureCommand_3");
    s.exit_code = 5;
    c.hear();
    CHECK(c.runs[1].status == "error");
    CHECK(c.runs[1].exit_code == 5);
    CHECK(c.runs[1].finished == test::at("2026-05-12T11:00:00Z"));
    CHECK(c.runs[0].sightings.empty());
  }
  SUBCASE("of none, or of two: nothing is guessed") {
    c.status("2026-05-12T12:00:00Z", "success").output = "other";
    c.run("4", "c").output = "same";
    c.run("5", "d").output = "same";
    c.runs[2].status = c.runs[3].status = "success";
    c.status("2026-05-12T13:00:00Z", "success").output = "same";
    c.hear();
    CHECK(c.runs.size() == 4);
    for (const RunRecord& run : c.runs) CHECK(run.sightings.empty());
  }
}
