// Expectations: the rules of verdicts and grades, worked by hand, for a disk that is silent and witnesses that are not.
#include <doctest/doctest.h>

#include <algorithm>

#include "findings/judge.hpp"
#include "hearing.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;

namespace {

struct Case {
  Examination x;
  test::Witnessed w{x};

  explicit Case(bool with_mft = true) {
    if (with_mft) x.volumes.push_back({.index = 0, .records = 1000, .state = "examined"});
  }
  const TargetReport& judge(const char* target = "custom-script") {
    findings::judge(*findings::parse_target(target), 0, w.hearing(), nullptr, x);
    for (const Finding& f : x.findings) {
      for (const std::uint32_t n : f.sightings) CHECK(n < x.sightings.size());
      CHECK((f.grade != Grade::inferred || !f.rule.empty()));
    }
    for (const StoryStep& step : x.targets.front().story) CHECK_FALSE(step.sources.empty());
    return x.targets.front();
  }
  bool says(std::string_view text) const {
    return std::ranges::any_of(x.findings, [&](const Finding& f) { return f.statement.find(text) != std::string::npos; });
  }
  const StoryStep* step(std::string_view what) const {
    const auto& story = x.targets.front().story;
    const auto found = std::ranges::find(story, what, &StoryStep::what);
    return found == story.end() ? nullptr : &*found;
  }
  void life() {
    w.log(Deed::installed, "2026-05-12T10:00:00Z").event = "WaAppAgent.log";
    Statement& settings = w.log(Deed::configured, "2026-05-12T10:00:05Z", "0");
    settings.settings = R"({"commandToExecute":"powershell -File a.ps1"})";
    w.log(Deed::command_finished, "2026-05-12T10:01:00Z").exit_code = 0;
  }
};

}  // namespace

TEST_CASE("a log that tells of installation, run and removal, and an $MFT without the folder, prove the removal together") {
  Case c;
  c.life();
  c.w.log(Deed::uninstalled, "2026-05-13T10:00:00Z").event = "WaAppAgent.log";
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::removed);
  CHECK(t.grade == Grade::corroborated);
  REQUIRE(t.instances.size() == 1);
  CHECK(t.instances[0].state == "removed");
  CHECK(t.instances[0].installed == test::at("2026-05-12T10:00:00Z"));
  REQUIRE(t.instances[0].removed);
  CHECK(t.instances[0].removed->earliest == test::at("2026-05-13T10:00:00Z"));
  CHECK_FALSE(t.instances[0].removed->latest);  // nothing says when it was done
  REQUIRE(t.runs.size() == 1);
  CHECK(t.runs[0].command == "powershell -File a.ps1");
  for (const char* what : {"installed", "started", "finished", "removed"}) CHECK_MESSAGE(c.step(what) != nullptr, what);
}

TEST_CASE("without a word of the removal it is inferred from the folder's absence, and bounded by the last word") {
  Case c;
  c.life();
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::removed);
  CHECK(t.grade == Grade::inferred);
  CHECK(t.instances[0].removed->earliest == test::at("2026-05-12T10:01:00Z"));
  CHECK(t.instances[0].removed->earliest_basis == "witness_last_no_zone");
}

TEST_CASE("logs without any $MFT prove no removal by themselves") {
  Case c(false);
  c.life();
  SUBCASE("none told") {
    const TargetReport& t = c.judge();
    CHECK(t.verdict == Verdict::traces);
    CHECK(t.instances[0].state == "unknown");
  }
  SUBCASE("one told") {
    c.w.log(Deed::uninstalled, "2026-05-13T10:00:00Z");
    const TargetReport& t = c.judge();
    CHECK(t.verdict == Verdict::removed);
    CHECK(t.grade == Grade::inferred);
  }
}

TEST_CASE("a script or a command that only names the handler is no proof that it was there") {
  Case c;
  Statement& s = c.w.say(SourceKind::event_log, Deed::script_text, "2026-05-12T10:00:00Z", 1);
  s.text = "Get-AzVMExtension | ? Publisher -eq Microsoft.Compute.CustomScriptExtension";
  s.fields = {{"ScriptBlockId", "1"}, {"MessageNumber", "1"}, {"MessageTotal", "1"}};
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::none);
  CHECK(t.instances.empty());
  REQUIRE(t.script_texts.size() == 1);
}

TEST_CASE("witnesses that speak of nothing of the target are not cited") {
  Case c;
  c.w.process("2026-05-12T10:00:01Z", "5", "4", "C:\\Windows\\x.exe", "C:\\Windows\\y.exe", "x");
  CHECK(c.judge().verdict == Verdict::none);
  CHECK(c.w.cited() == 0);
}

TEST_CASE("a certificate in the store with the settings' thumbprint is matched, whatever the case of its digits") {
  Case c;
  Statement& settings = c.w.log(Deed::configured, "2026-05-12T10:00:05Z", "0");
  settings.settings =
      R"({"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":"ABCD","protectedSettings":"AAAA","publicSettings":{}}}]})";
  c.w.say(SourceKind::registry, Deed::certificate, "2026-05-12T09:00:00Z", 4).fields = {{"thumbprint", "abcd"}};
  const TargetReport& t = c.judge();
  CHECK(c.says("The certificate ABCD"));
  REQUIRE(t.runs.size() == 1);
  REQUIRE(t.runs[0].sealed);
  CHECK_FALSE(t.runs[0].sealed->opened);
  CHECK_FALSE(t.runs[0].sealed->why_not.empty());
}

TEST_CASE("a cleared log is told of, since what was before is not in it") {
  Case c;
  Statement& s = c.w.say(SourceKind::event_log, Deed::log_cleared, "2026-05-14T10:00:00Z", 1);
  s.event = "Security 1102";
  s.user = "S-1-5-21-1-2-3-500";
  c.judge();
  CHECK(c.says("was cleared at 2026-05-14T10:00:00"));
  CHECK(c.step("log_cleared") != nullptr);
}

TEST_CASE("an installation in the tree and its line in the log are one step, told of by both") {
  Case c;
  FileReport& folder = c.x.files.emplace_back();
  folder.path = u"\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20";
  folder.name = u"1.10.20";
  folder.directory = true;
  folder.state = FileState::deleted;
  folder.reference = FileReference::of(40, 1);
  folder.targets = {0};
  folder.deleted = Deletion{.bounds = {.earliest = test::at("2026-05-13T10:00:03Z"), .latest = test::at("2026-05-13T10:00:03Z")}};
  Sighting s;
  s.has_record = s.has_standard_information = true;
  s.standard_information.created = test::at("2026-05-12T10:00:02Z");
  folder.sightings = {0};
  c.x.sightings.push_back(s);
  c.w.log(Deed::installed, "2026-05-12T10:00:00Z");
  c.w.log(Deed::uninstalled, "2026-05-13T10:00:00Z");
  const TargetReport& t = c.judge();
  CHECK(t.instances.size() == 1);
  CHECK(std::ranges::count(t.story, "installed", &StoryStep::what) == 1);
  REQUIRE(c.step("installed") != nullptr);
  CHECK(c.step("installed")->sources.size() == 2);
  CHECK(c.step("installed")->grade == Grade::corroborated);
  REQUIRE(c.step("removed") != nullptr);
  CHECK(c.step("removed")->sources.size() == 2);
  CHECK(c.step("uninstalled") == nullptr);
}

TEST_CASE("a removal that a log tells of while the folder is in use is a contradiction, unless it came again since") {
  Case c;
  const auto add = [&](const char* path, std::uint64_t entry, std::uint64_t parent) {
    FileReport& f = c.x.files.emplace_back();
    f.path = to_utf16(path);
    f.name = f.path.substr(f.path.rfind(u'\\') + 1);
    f.directory = true;
    f.reference = FileReference::of(entry, 1);
    f.parent = FileReference::of(parent, 1);
    f.targets = {0};
    f.sightings = {static_cast<std::uint32_t>(c.x.sightings.size())};
    Sighting s;
    s.has_record = s.in_use = s.has_standard_information = true;
    s.standard_information.created = test::at("2026-05-12T10:00:02Z");
    c.x.sightings.push_back(s);
  };
  add("\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension", 40, 39);
  add("\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20", 41, 40);
  SUBCASE("later than its creation") {
    c.w.log(Deed::uninstalled, "2026-05-13T10:00:00Z");
    CHECK(c.judge().verdict == Verdict::present);
    CHECK(std::ranges::any_of(c.x.findings, [](const Finding& f) { return f.grade == Grade::contradicted; }));
  }
  SUBCASE("before it") {
    c.w.log(Deed::uninstalled, "2026-05-11T10:00:00Z");
    CHECK(c.judge().verdict == Verdict::present);
    CHECK(std::ranges::none_of(c.x.findings, [](const Finding& f) { return f.grade == Grade::contradicted; }));
  }
}

TEST_CASE("when the registry says that the machine was set up is told beside what was found, and alone not") {
  Case c;
  c.w.say(SourceKind::registry, Deed::provisioned, "2026-05-12T08:00:00Z", 4).event = "SOFTWARE CurrentVersion";
  SUBCASE("with an installation") {
    c.life();
    c.judge();
    CHECK(c.says("Windows was set up on this machine at 2026-05-12T08:00:00"));
  }
  SUBCASE("alone") {
    c.judge();
    CHECK_FALSE(c.says("Windows was set up"));
  }
}

TEST_CASE("words of an end before the last sign of life are of an earlier installation") {
  Case c;
  c.w.log(Deed::uninstalled, "2026-05-11T10:00:00Z");
  c.life();
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::removed);
  CHECK(t.grade == Grade::inferred);  // the folder is not there, but no witness tells of that removal
  REQUIRE(t.instances.size() == 1);
  CHECK(t.instances[0].removed->earliest == test::at("2026-05-12T10:01:00Z"));
}

TEST_CASE("given logs beside a disk that knows nothing of it prove no removal from that disk") {
  Case c;
  c.life();
  c.w.give();
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::traces);
  CHECK(t.instances[0].state == "unknown");
  CHECK(t.reason.find("the disk itself has no trace") != std::string::npos);
}
