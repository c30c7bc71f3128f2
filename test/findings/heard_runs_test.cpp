// Expectations worked by hand; the order of the lines is that of the handler's own log (test/witness names the sources of the format).
#include "findings/heard_runs.hpp"

#include <doctest/doctest.h>

#include "hearing.hpp"

using namespace trimcarve;

namespace {

struct Case {
  Examination x;
  test::Witnessed w{x};
  std::vector<RunRecord> runs;
  std::vector<findings::Disagreement> disagreements;
  std::vector<ScriptText> others;

  void hear() {
    auto touches = findings::touching(*findings::find_profile("custom-script"), w.hearing());
    findings::hear_requests(w.hearing(), touches, runs, disagreements);
    findings::sort_runs(runs);
    findings::add_by_script_name(w.hearing(), runs, touches);
    findings::hear_events(w.hearing(), touches, runs, others, disagreements);
    findings::sort_runs(runs);
  }
  void log_of_run(const char* minute, const char* sequence, const char* command, std::int64_t code) {
    const std::string time = std::string("2026-05-12T10:") + minute;
    w.log(Deed::configured, (time + ":00Z").c_str(), sequence).settings = R"({"commandToExecute":")" + std::string(command) + R"("})";
    w.log(Deed::command_started, (time + ":05Z").c_str()).command = command;
    w.log(Deed::command_finished, (time + ":30Z").c_str()).exit_code = code;
  }
};

}  // namespace

TEST_CASE("a log alone gives its runs: request, command, end and exit code") {
  Case c;
  c.log_of_run("00", "0", "powershell -File a.ps1", 0);
  c.log_of_run("20", "1", "cmd /c b.cmd", 5);
  c.hear();
  REQUIRE(c.runs.size() == 2);
  CHECK(c.runs[0].sequence == "0");
  CHECK(c.runs[0].command == "powershell -File a.ps1");
  CHECK(c.runs[0].started == test::at("2026-05-12T10:00:00Z"));
  CHECK(c.runs[0].finished == test::at("2026-05-12T10:00:30Z"));
  CHECK(c.runs[0].started_basis == "handler_log_no_zone");
  CHECK(c.runs[1].exit_code == 5);
  CHECK(c.runs[1].sightings.size() == 3);
  CHECK(c.disagreements.empty());
}

TEST_CASE("what the tree gave is kept; the log fills what is missing, and another command is a disagreement") {
  Case c;
  RunRecord& run = c.runs.emplace_back();
  run.version = "1.10.20";
  run.sequence = "0";
  run.started = test::at("2026-05-12T09:59:58Z");
  run.started_basis = "settings_usn_create";
  run.exit_code = 0;
  SUBCASE("the same command") {
    run.command = "powershell -File a.ps1 ";
    c.log_of_run("00", "0", "powershell -File a.ps1", 0);
    c.hear();
    CHECK(c.disagreements.empty());
  }
  SUBCASE("another") {
    run.command = "powershell -File other.ps1";
    c.log_of_run("00", "0", "powershell -File a.ps1", 1);
    c.hear();
    CHECK(c.disagreements.size() == 3);  // by the settings, by the start, and the exit code
    for (const auto& d : c.disagreements) CHECK_FALSE(d.sightings.empty());
  }
  REQUIRE(c.runs.size() == 1);
  CHECK(c.runs[0].command.starts_with("powershell -File"));
  CHECK(c.runs[0].started_basis == "settings_usn_create");
  CHECK(c.runs[0].finished == test::at("2026-05-12T10:00:30Z"));
  CHECK(c.runs[0].exit_code == 0);
}

TEST_CASE("the same number after an uninstallation is another run") {
  Case c;
  c.log_of_run("00", "0", "cmd /c a.cmd", 0);
  c.w.log(Deed::uninstalled, "2026-05-12T10:10:00Z");
  c.log_of_run("20", "0", "cmd /c b.cmd", 0);
  c.hear();
  REQUIRE(c.runs.size() == 2);
  CHECK(c.runs[0].command == "cmd /c a.cmd");
  CHECK(c.runs[1].command == "cmd /c b.cmd");
}

TEST_CASE("a handler that is enabled again after a restart speaks of its last request again, and makes no new run") {
  Case c;
  c.log_of_run("00", "0", "cmd /c a.cmd", 0);
  c.w.log(Deed::configured, "2026-05-13T08:00:00Z", "0");
  c.hear();
  REQUIRE(c.runs.size() == 1);
  CHECK(c.runs[0].started == test::at("2026-05-12T10:00:00Z"));
}

TEST_CASE("a process that the handler started, of a run that nothing else tells of, is a run of its own with its descendants") {
  Case c;
  constexpr const char* handler_exe =
      "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\bin\\CustomScriptHandler.exe";
  c.w.process("2026-05-12T10:00:01Z", "101", "100", "C:\\Windows\\System32\\cmd.exe", handler_exe, "cmd /c powershell -File a.ps1");
  c.w.process("2026-05-12T10:00:02Z", "102", "101", "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
              "C:\\Windows\\System32\\cmd.exe", "powershell -File a.ps1");
  Statement& engine = c.w.say(SourceKind::event_log, Deed::engine_started, "2026-05-12T10:00:03Z", 2);
  engine.command = "powershell -File a.ps1";
  engine.computer = "VM1";
  c.hear();
  REQUIRE(c.runs.size() == 1);
  CHECK(c.runs[0].started_basis == "process_start");
  CHECK(c.runs[0].version == "1.10.20");
  REQUIRE(c.runs[0].processes.size() == 2);
  CHECK(c.runs[0].processes[1].sightings.size() == 1);
}

TEST_CASE("the handler's own steps are no runs") {
  Case c;
  c.w.process("2026-05-12T10:00:00Z", "100", "50",
              "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\bin\\CustomScriptHandler.exe",
              "C:\\WindowsAzure\\x.exe", "\"C:\\Packages\\...\\CustomScriptHandler.exe\" uninstall");
  c.hear();
  CHECK(c.runs.empty());
  CHECK(findings::asked_of_handler(c.w.hearing().all[0].statement) == Deed::uninstalled);
}

TEST_CASE("a script block is joined over its parts with those that touch nothing by themselves; what is missing is said") {
  Case c;
  const auto part = [&](const char* number, const char* text, const char* path) {
    Statement& s = c.w.say(SourceKind::event_log, Deed::script_text, "2026-05-12T10:00:05Z", 2);
    s.text = text;
    s.path = path;
    s.computer = "VM1";
    s.fields = {{"MessageNumber", number}, {"MessageTotal", "3"}, {"ScriptBlockId", "aaaaaaaa-0000-0000-0000-000000000001"}};
  };
  const char* path = "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\Downloads\\0\\a.ps1";
  part("1", "one ", path);
  SUBCASE("whole") {
    part("2", "two ", "");
    part("3", "three", "");
    c.hear();
    REQUIRE(c.others.size() == 1);
    CHECK(c.others[0].missing == 0);
    REQUIRE(c.others[0].stretches.size() == 1);
    CHECK(c.others[0].stretches[0].text == "one two three");
    // printf 'one two three' | sha256sum
    CHECK(c.others[0].stretches[0].sha256 == "6899ee404683a14e8c2a03149860df25d67d34d9cd4dae7350cbe91e4b3976be");
    CHECK(c.others[0].sightings.size() == 3);
  }
  SUBCASE("without the second part") {
    part("3", "three", "");
    c.hear();
    REQUIRE(c.others.size() == 1);
    CHECK(c.others[0].missing == 1);
    CHECK(c.others[0].stretches.size() == 2);
  }
  CHECK(c.others[0].name == path);
  CHECK(c.others[0].relation == "a script in the handler's folder");
}
