// Expectations: the rules of verdicts and grades (a record says so: established; two independent kinds of evidence: corroborated; a rule:
// inferred; sources disagree: contradicted), worked by hand.
#include "findings/judge.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "trimcarve/text.hpp"

using namespace trimcarve;

namespace {

enum Evidence : unsigned { record = 1, journal_delete = 2, slack = 4, in_use = 8 };

class Case {
 public:
  Case() { x.volumes.push_back({.index = 0, .state = "examined"}); }

  FileReport& add(const char* path, FileState state, unsigned evidence, std::uint64_t created = 1000) {
    FileReport& file = x.files.emplace_back();
    file.path = to_utf16(path);
    file.name = file.path.substr(file.path.rfind(u'\\') + 1);
    file.directory = file.name.find(u".ps1") == std::u16string::npos;
    file.state = state;
    file.targets = {0};
    file.reference = FileReference::of(next_, 1);
    references_.push_back({file.path, file.reference});
    for (const auto& [above, reference] : references_)
      if (file.path.starts_with(above + u"\\") && file.path.find(u'\\', above.size() + 1) == std::u16string::npos) file.parent = reference;
    ++next_;
    const auto cite = [&](Sighting s) {
      s.reference = file.reference;
      s.reference_known = true;
      file.sightings.push_back(static_cast<std::uint32_t>(x.sightings.size()));
      x.sightings.push_back(std::move(s));
    };
    if ((evidence & (record | in_use)) != 0) {
      Sighting s;
      s.has_record = s.has_standard_information = true;
      s.in_use = (evidence & in_use) != 0;
      s.standard_information = {FileTime{created}, FileTime{created}, FileTime{created}, FileTime{created}};
      cite(s);
    }
    if ((evidence & journal_delete) != 0) {
      Sighting s;
      s.source = SourceKind::usn_journal;
      s.has_usn = true;
      s.usn.reason = usn_reason::file_delete;
      cite(s);
    }
    if ((evidence & slack) != 0) {
      Sighting s;
      s.source = SourceKind::index_slack;
      s.slack_role = SlackRole::directory_child;
      cite(s);
    }
    if (state == FileState::deleted) file.deleted = Deletion{};
    return file;
  }

  const TargetReport& judge(const char* target = "custom-script") {
    const auto parsed = findings::parse_target(target);
    REQUIRE(parsed);
    findings::judge(*parsed, 0, x);
    for (const Finding& f : x.findings)
      for (const std::uint32_t n : f.sightings) CHECK(n < x.sightings.size());
    return x.targets.front();
  }

  bool says(std::string_view text) const {
    return std::ranges::any_of(x.findings, [&](const Finding& f) { return f.statement.find(text) != std::string::npos; });
  }

  Examination x;

 private:
  std::uint64_t next_ = 40;
  std::vector<std::pair<std::u16string, FileReference>> references_;
};

constexpr const char* handler = "\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension";
constexpr const char* version = "\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20";
constexpr const char* older = "\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.15";

}  // namespace

TEST_CASE("a handler's folder in use with a version in it is present") {
  Case c;
  c.add(handler, FileState::live, in_use);
  c.add(version, FileState::live, in_use);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::present);
  CHECK(t.grade == Grade::established);
  REQUIRE(t.instances.size() == 1);
  CHECK(t.instances[0].state == "present");
  CHECK(t.reason.find("$LogFile") != std::string::npos);
}

TEST_CASE("an older version's folder gone beside a newer one is an upgrade, not a removal") {
  Case c;
  c.add(handler, FileState::live, in_use);
  c.add(older, FileState::deleted, record);
  c.add(version, FileState::live, in_use, 2000);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::upgraded);
  REQUIRE(t.instances.size() == 2);
  CHECK(t.instances[0].version == "1.10.15");
  CHECK(t.instances[0].state == "upgraded");
}

TEST_CASE("another installation after a removal is present, and the removal is told") {
  Case c;
  c.add(handler, FileState::deleted, record | journal_delete);
  c.add(older, FileState::deleted, record);
  c.add(handler, FileState::live, in_use);
  c.add(version, FileState::live, in_use, 2000);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::present);
  CHECK(c.says("An earlier installation"));
  CHECK(t.instances[0].state == "removed");
}

TEST_CASE("a removal is graded by the kinds of evidence that speak for it") {
  const struct {
    unsigned evidence;
    Grade grade;
  } rows[] = {{record, Grade::established},
              {journal_delete, Grade::established},
              {record | journal_delete, Grade::corroborated},
              {record | slack, Grade::corroborated},
              {slack, Grade::inferred}};
  for (const auto& row : rows) {
    Case c;
    c.add(handler, FileState::deleted, row.evidence);
    c.add(version, FileState::deleted, row.evidence);
    const TargetReport& t = c.judge();
    CHECK(t.verdict == Verdict::removed);
    CHECK(t.grade == row.grade);
  }
}

TEST_CASE("a version's folder whose handler's folder is not known is a removal by inference") {
  Case c;
  FileReport& f = c.add(version, FileState::deleted, record);
  f.path = u"\u2026\\1.10.20";
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::removed);
  CHECK(t.grade == Grade::inferred);
}

TEST_CASE("a log folder alone, or names that only the handler has, are traces") {
  Case logs;
  logs.add("\\WindowsAzure\\Logs\\Plugins\\Microsoft.Compute.CustomScriptExtension", FileState::live, in_use);
  CHECK(logs.judge().verdict == Verdict::traces);
  Case orphan;
  orphan.add("\\CustomScriptHandler.exe", FileState::deleted, record).path = u"\u2026\\CustomScriptHandler.exe";
  const TargetReport& t = orphan.judge();
  CHECK(t.verdict == Verdict::traces);
  CHECK(t.grade == Grade::inferred);
}

TEST_CASE("nothing found is an inference, and none at all where no volume was examined") {
  Case c;
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::none);
  CHECK(t.grade == Grade::inferred);
  CHECK_FALSE(t.coverage.empty());
  Case locked;
  locked.x.volumes[0].state = "bitlocker";
  CHECK(locked.judge().reason.find("says nothing") != std::string::npos);
}

TEST_CASE("what was installed before the machine was provisioned came with its image") {
  Case c;
  c.x.volumes[0].provisioned = FileTime{5000};
  c.add(handler, FileState::deleted, record);
  FileReport& folder = c.add(version, FileState::deleted, record, 1000);
  folder.deleted->bounds.latest = FileTime{4000};
  const TargetReport& t = c.judge();
  REQUIRE(t.instances.size() == 1);
  CHECK(t.instances[0].inherited);
  CHECK(c.says("it was gone before then"));
  Case own;
  own.x.volumes[0].provisioned = FileTime{500};
  own.add(handler, FileState::deleted, record);
  own.add(version, FileState::deleted, record, 1000);
  CHECK_FALSE(own.judge().instances[0].inherited);
}

TEST_CASE("a journal younger than the installation is told") {
  Case c;
  c.x.volumes[0].journal_created = FileTime{3000};
  c.add(handler, FileState::deleted, record);
  c.add(version, FileState::deleted, record, 1000);
  c.judge();
  CHECK(c.says("The change journal of volume 0 was created"));
}

TEST_CASE("a contradiction is a finding of its own") {
  Case c;
  c.add(handler, FileState::live, in_use | journal_delete).flags = {
      "contradiction: the journal records its deletion, $MFT shows it in use"};
  c.add(version, FileState::live, in_use);
  c.judge();
  CHECK(std::ranges::any_of(c.x.findings, [](const Finding& f) { return f.grade == Grade::contradicted; }));
}

TEST_CASE("a path is present, removed or not named") {
  Case live;
  live.add("\\Temp", FileState::live, in_use);
  CHECK(live.judge("\\Temp").verdict == Verdict::present);
  Case gone;
  gone.add("\\Temp", FileState::deleted, journal_delete);
  CHECK(gone.judge("\\Temp").verdict == Verdict::removed);
  Case none;
  CHECK(none.judge("\\Temp").verdict == Verdict::none);
}

TEST_CASE("a target is a profile's name or a path") {
  CHECK(findings::parse_target("custom-script")->profile != nullptr);
  CHECK(findings::parse_target("C:\\a")->path == std::vector<std::u16string>{u"a"});
  CHECK(findings::parse_target("\\")->path.empty());
  CHECK_FALSE(findings::parse_target("nonsense"));
}

TEST_CASE("a file that was moved away is not called present where it was") {
  Case c;
  c.add("\\other\\x.ps1", FileState::live, in_use);
  const TargetReport& t = c.judge("\\temp\\x.ps1");
  CHECK(t.verdict == Verdict::present);
  CHECK(t.reason.find("another path: \\other\\x.ps1") != std::string::npos);
  CHECK(c.says("What was at \\temp\\x.ps1 is present as \\other\\x.ps1"));
  Case same;
  same.add("\\Temp\\X.ps1", FileState::live, in_use);
  same.judge("\\temp\\x.ps1");
  CHECK(same.says("\\temp\\x.ps1 is present"));
}

TEST_CASE("a folder of which no record says whether it is still there is not called removed") {
  Case c;
  c.add(handler, FileState::unknown, 0);
  c.add(version, FileState::unknown, 0);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::traces);
  REQUIRE(t.instances.size() == 1);
  CHECK(t.instances[0].state == "unknown");
  CHECK_FALSE(c.says("was removed"));
}

TEST_CASE("a file of no known state beside a deleted one does not hide the removal") {
  Case c;
  c.add("\\temp\\x.ps1", FileState::deleted, record);
  c.add("\\temp\\x.ps1", FileState::unknown, 0);
  CHECK(c.judge("\\temp\\x.ps1").verdict == Verdict::removed);
}

TEST_CASE("references of one volume say nothing of another's") {
  Case c;
  FileReport& first = c.add("\\temp", FileState::live, in_use);
  first.volume = 1;
  FileReport& second = c.add("\\temp", FileState::live, in_use);
  second.parent = c.x.files.front().reference;  // the same number, on volume 0
  c.x.files.front().state = FileState::unknown;
  CHECK(c.judge("\\temp").verdict == Verdict::present);
}

TEST_CASE("a version that is known to be gone only by its name in slack is removed by inference") {
  Case c;
  c.add(handler, FileState::deleted, record);
  c.add(version, FileState::deleted, slack);
  c.judge();
  const auto removed = std::ranges::find(c.x.findings, "Version 1.10.20 was removed", &Finding::statement);
  REQUIRE(removed != c.x.findings.end());
  CHECK(removed->grade == Grade::inferred);
  CHECK_FALSE(removed->rule.empty());
}
