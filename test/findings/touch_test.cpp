// Expectations worked by hand from the rules that touch.hpp states; the shape of the statements is that of Windows' event 4688 and of the
// handler's log lines (the format documents that test/witness names).
#include "findings/touch.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "hearing.hpp"

using namespace trimcarve;
using findings::Touching;

namespace {

constexpr const char* handler_exe = "C:\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\bin\\CustomScriptHandler.exe";
constexpr const char* powershell = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";

const Touching* touch_of(const std::vector<Touching>& all, std::size_t heard) {
  const auto found = std::ranges::find(all, heard, &Touching::heard);
  return found == all.end() ? nullptr : &*found;
}

std::vector<Touching> touching(test::Witnessed& w, const char* profile = "custom-script") {
  return findings::touching(*findings::find_profile(profile), w.hearing());
}

}  // namespace

TEST_CASE("the handler's program, what it started, and what that started belong to it, each with its grade") {
  Examination x;
  test::Witnessed w(x);
  w.process("2026-05-12T10:00:00Z", "100", "50", handler_exe, "C:\\WindowsAzure\\GuestAgent\\WindowsAzureGuestAgent.exe",
            "\"CustomScriptHandler.exe\" enable");
  w.process("2026-05-12T10:00:01Z", "101", "100", "C:\\Windows\\System32\\cmd.exe", handler_exe, "cmd /c powershell -File a.ps1");
  w.process("2026-05-12T10:00:02Z", "102", "101", powershell, "C:\\Windows\\System32\\cmd.exe", "powershell -File a.ps1");
  w.process("2026-05-12T10:00:03Z", "103", "60", powershell, "C:\\Windows\\explorer.exe", "powershell");
  const auto all = touching(w);
  REQUIRE(all.size() == 3);
  CHECK(touch_of(all, 0)->relation == "the handler's own program");
  CHECK(touch_of(all, 0)->version == "1.10.20");
  CHECK(touch_of(all, 1)->relation == "started by the handler");
  CHECK(touch_of(all, 1)->grade == Grade::established);
  CHECK(touch_of(all, 2)->grade == Grade::inferred);
  CHECK(touch_of(all, 2)->version == "1.10.20");
}

TEST_CASE("a process id that another process has taken since proves nothing") {
  Examination x;
  test::Witnessed w(x);
  w.process("2026-05-12T10:00:01Z", "101", "100", "C:\\Windows\\System32\\cmd.exe", handler_exe, "cmd /c a.cmd");
  SUBCASE("taken by another process") {
    w.process("2026-05-12T10:30:00Z", "101", "60", "C:\\Windows\\notepad.exe", "C:\\Windows\\explorer.exe", "notepad");
    w.process("2026-05-12T10:30:01Z", "105", "101", "C:\\Windows\\x.exe", "C:\\Windows\\notepad.exe", "x");
  }
  SUBCASE("ended") {
    Statement& ended = w.say(SourceKind::event_log, Deed::process_ended, "2026-05-12T10:10:00Z", 1);
    ended.process_id = "101";
    ended.computer = "VM1";
    w.process("2026-05-12T10:30:01Z", "105", "101", "C:\\Windows\\x.exe", "", "x");
  }
  SUBCASE("its parent's name is another") {
    w.process("2026-05-12T10:30:01Z", "105", "101", "C:\\Windows\\x.exe", "C:\\Windows\\notepad.exe", "x");
  }
  SUBCASE("of another computer") { w.process("2026-05-12T10:00:02Z", "105", "101", "C:\\Windows\\x.exe", "", "x").computer = "VM2"; }
  SUBCASE("too long ago") { w.process("2026-05-14T10:00:02Z", "105", "101", "C:\\Windows\\x.exe", "", "x"); }
  CHECK(touch_of(touching(w), w.hearing().all.size() - 1) == nullptr);
}

TEST_CASE("a script block of a descendant's process touches the target, whatever the order of the logs") {
  Examination x;
  test::Witnessed w(x);
  Statement& script = w.say(SourceKind::event_log, Deed::script_text, "2026-05-12T10:00:05Z", 2);
  script.process_id = "101";
  script.computer = "vm1";
  script.text = "Write-Output 1";
  w.process("2026-05-12T10:00:01Z", "101", "100", powershell, handler_exe, "powershell -File a.ps1");
  const auto all = touching(w);
  REQUIRE(all.size() == 2);
  CHECK(touch_of(all, 0)->grade == Grade::inferred);
}

TEST_CASE("a handler's name inside a longer name is another handler") {
  Examination x;
  test::Witnessed w(x);
  w.say(SourceKind::agent_log, Deed::other, "2026-05-12T10:00:00Z").text = "Microsoft.Compute.CustomScriptExtensionPreview_1.0 enabled";
  w.say(SourceKind::agent_log, Deed::other, "2026-05-12T10:00:00Z").text = "MyMicrosoft.Compute.CustomScriptExtension";
  w.say(SourceKind::agent_log, Deed::other, "2026-05-12T10:00:00Z").text = "plugin microsoft.compute.customscriptextension_1.10.3 is ready";
  const auto all = touching(w);
  REQUIRE(all.size() == 1);
  CHECK(all[0].heard == 2);
  CHECK(all[0].version == "1.10.3");
}

TEST_CASE("for all extensions any handler counts, by its field or its folder") {
  Examination x;
  test::Witnessed w(x);
  w.say(SourceKind::registry, Deed::registered, "").handler = "Contoso.Agent";
  w.say(SourceKind::event_log, Deed::other, "").text = "ran C:\\Packages\\Plugins\\Contoso.Agent\\2.0.1\\bin\\a.exe";
  w.say(SourceKind::event_log, Deed::other, "").text = "nothing";
  const auto all = touching(w, "all-extensions");
  REQUIRE(all.size() == 2);
  CHECK(all[1].handler == "Contoso.Agent");
  CHECK(all[1].version == "2.0.1");
}

TEST_CASE("a bare script name counts only within its run's time, as SYSTEM or nobody, and as a word of its own") {
  Examination x;
  test::Witnessed w(x);
  RunRecord run;
  run.sequence = "0";
  run.command = "powershell -ExecutionPolicy Unrestricted -File setup.ps1";
  run.started = test::at("2026-05-12T10:00:00Z");
  run.finished = test::at("2026-05-12T10:05:00Z");
  const auto engine = [&](const char* time, const char* command, const char* user = "") {
    Statement& s = w.say(SourceKind::event_log, Deed::engine_started, time, 3);
    s.command = command;
    s.user = user;
  };
  engine("2026-05-12T10:01:00Z", "powershell -File SETUP.ps1");
  engine("2026-05-12T11:01:00Z", "powershell -File setup.ps1");
  engine("2026-05-12T09:01:00Z", "powershell -File setup.ps1");
  engine("2026-05-12T10:01:00Z", "powershell -File oldsetup.ps1");
  engine("2026-05-12T10:01:00Z", "powershell -File setup.ps1", "S-1-5-21-1-2-3-500");
  std::vector<Touching> found;
  findings::add_by_script_name(w.hearing(), std::span(&run, 1), found);
  REQUIRE(found.size() == 1);
  CHECK(found[0].heard == 0);
  CHECK(found[0].grade == Grade::inferred);
  CHECK(found[0].sequence == "0");
}

TEST_CASE("a run of which one end is known is open for the 90 minutes that the extension lets a command run") {
  RunRecord run;
  CHECK_FALSE(findings::window_of(run));
  run.started = test::at("2026-05-12T10:00:00Z");
  CHECK(findings::window_of(run)->until == test::at("2026-05-12T11:30:00Z"));
  run.started.reset();
  run.finished = test::at("2026-05-12T10:00:00Z");
  CHECK(findings::window_of(run)->from == test::at("2026-05-12T08:30:00Z"));
}

TEST_CASE("scripts are what the settings and the command name, not the programs that run them") {
  RunRecord run;
  run.command = "C:\\Windows\\System32\\cmd.exe /c \"stage one.cmd\" && powershell.exe -File .\\b.ps1";
  run.file_uris = {"https://x.example/a%20b.ps1?sig=1"};
  CHECK(findings::script_names(run) == std::vector<std::string>{"a b.ps1", "b.ps1", "one.cmd"});
}

TEST_CASE("for a path the statements count in which it stands, not those of a longer name") {
  Examination x;
  test::Witnessed w(x);
  w.say(SourceKind::event_log, Deed::other, "").text = "opened c:\\users\\BOB\\a.txt";
  w.say(SourceKind::event_log, Deed::other, "").text = "opened c:\\users\\bobby\\a.txt";
  const std::vector<std::u16string> path{u"Users", u"bob"};
  const auto all = findings::naming_path(path, w.hearing());
  REQUIRE(all.size() == 1);
  CHECK(all[0].heard == 0);
}
