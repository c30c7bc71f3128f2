// Expectations: the rules of verdicts and grades (a record says so: established; two independent kinds of evidence: corroborated; a rule:
// inferred; sources disagree: contradicted), worked by hand.
#include "findings/judge.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "ntfs/stream.hpp"
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
    findings::judge(*parsed, 0, {}, nullptr, x);
    for (const Finding& f : x.findings) {
      for (const std::uint32_t n : f.sightings) CHECK(n < x.sightings.size());
      CHECK((f.grade != Grade::inferred || !f.rule.empty()));
      CHECK((!f.earliest || !f.latest || *f.earliest <= *f.latest));
      CHECK(f.target == target);
    }
    return x.targets.front();
  }

  const Finding* find(std::string_view text) const {
    const auto found = std::ranges::find_if(x.findings, [&](const Finding& f) { return f.statement.find(text) != std::string::npos; });
    return found == x.findings.end() ? nullptr : &*found;
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

// --- wording never says more than the evidence ------------------------------------------------------------------------------------------

TEST_CASE("a folder in use whose deletion the journal records is contradicted, in verdict and finding") {
  const std::string flag = "contradiction: the journal records its deletion, $MFT shows it in use";
  Case c;
  c.add(handler, FileState::live, in_use | journal_delete).flags = {flag};
  c.add(version, FileState::live, in_use);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::present);
  CHECK(t.grade == Grade::contradicted);
  CHECK(t.reason.find("the change journal records its deletion") != std::string::npos);
  CHECK(c.x.findings.front().grade == Grade::contradicted);
  Case path;
  path.add("\\Temp", FileState::live, in_use | journal_delete).flags = {flag};
  CHECK(path.judge("\\Temp").grade == Grade::contradicted);
}

TEST_CASE("versions are compared as numbers: only a higher one that is there makes an upgrade") {
  const struct {
    const char *deleted, *live;
    Verdict verdict;
  } rows[] = {{"1.9", "1.10", Verdict::upgraded},   {"1.10.9", "1.10.20", Verdict::upgraded},
              {"1.9.5", "2.0", Verdict::upgraded},  {"1.10", "1.10.1", Verdict::upgraded},
              {"1.10", "1.9", Verdict::present},    {"1.10.20", "1.10.15", Verdict::present},
              {"1.10.1", "1.10", Verdict::present}, {"1.10.20", "1.10.20", Verdict::present},
              {"1.010", "1.10", Verdict::present},  {"1.99999999999999999999", "1.100000000000000000000", Verdict::upgraded}};
  for (const auto& row : rows) {
    CAPTURE(row.deleted);
    CAPTURE(row.live);
    Case c;
    c.add(handler, FileState::live, in_use);
    c.add((std::string(handler) + "\\" + row.deleted).c_str(), FileState::deleted, record);
    c.add((std::string(handler) + "\\" + row.live).c_str(), FileState::live, in_use, 2000);
    const TargetReport& t = c.judge();
    CHECK(t.verdict == row.verdict);
    CHECK(t.instances[0].state == (row.verdict == Verdict::upgraded ? "upgraded" : "removed"));
    CHECK(c.says("newer") == (row.verdict == Verdict::upgraded));
  }
}

TEST_CASE("a deleted handler's folder of another handler or another volume is no earlier installation") {
  Case two;
  two.add("\\Packages\\Plugins\\Microsoft.CPlat.Core.RunCommandWindows", FileState::deleted, record);
  two.add("\\Packages\\Plugins\\Microsoft.CPlat.Core.RunCommandHandlerWindows", FileState::live, in_use);
  two.add("\\Packages\\Plugins\\Microsoft.CPlat.Core.RunCommandHandlerWindows\\2.0.12", FileState::live, in_use);
  CHECK(two.judge("run-command").verdict == Verdict::present);
  CHECK_FALSE(two.says("arlier"));
  CHECK(two.says("Microsoft.CPlat.Core.RunCommandWindows (40-1) was on this volume and was removed"));
  CHECK(two.says("Version 2.0.12 of Microsoft.CPlat.Core.RunCommandHandlerWindows was installed"));
  Case volumes;
  volumes.x.volumes.push_back({.index = 1, .state = "examined"});
  volumes.add(handler, FileState::deleted, record).volume = 1;
  volumes.add(handler, FileState::live, in_use);
  volumes.add(version, FileState::live, in_use);
  CHECK(volumes.judge().verdict == Verdict::present);
  CHECK_FALSE(volumes.says("arlier"));
  CHECK(volumes.says("is on volume 0"));
  CHECK(volumes.says("was on volume 1 and was removed"));
}

TEST_CASE("a handler's folder in use of which every version is deleted is a removal, with the last version's times") {
  Case c;
  c.add(handler, FileState::live, in_use);
  c.add(version, FileState::deleted, record).deleted->bounds.latest = FileTime{9000};
  c.add(older, FileState::deleted, record).deleted->bounds.latest = FileTime{8000};
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::removed);
  CHECK(t.reason.find("still there, without a version") != std::string::npos);
  CHECK(c.x.findings.front().latest == FileTime{9000});
  // With one of which no record says anything there is no telling.
  Case unknown;
  unknown.add(handler, FileState::live, in_use);
  unknown.add(older, FileState::deleted, record);
  unknown.add(version, FileState::unknown, 0);
  CHECK(unknown.judge().verdict == Verdict::traces);
  CHECK(unknown.x.targets[0].reason.find("no record says whether it is still there") != std::string::npos);
}

TEST_CASE("a handler's folder in use without any version known is told as such") {
  Case c;
  c.add(handler, FileState::live, in_use);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::present);
  CHECK(t.reason.find("no version's folder in it is known") != std::string::npos);
  CHECK(c.says("The folder of the Custom Script Extension is on this volume"));
}

TEST_CASE("a version's folder in use is present by inference where its handler's is not known, contradicted where that is deleted") {
  Case lost;
  lost.add(version, FileState::live, in_use).path = u"\u2026\\1.10.20";
  CHECK(lost.judge().verdict == Verdict::present);
  CHECK(lost.x.targets[0].grade == Grade::inferred);
  Case torn;
  torn.add(handler, FileState::deleted, journal_delete);
  torn.add(version, FileState::live, in_use);
  CHECK(torn.judge().grade == Grade::contradicted);
  CHECK(torn.x.targets[0].verdict == Verdict::present);
  CHECK(torn.says("was removed"));
}

TEST_CASE("two installations that were both removed: the verdict is of the later") {
  Case c;
  c.add(handler, FileState::deleted, record).deleted->bounds.latest = FileTime{5000};
  c.add(older, FileState::deleted, record);
  c.add(handler, FileState::deleted, record | journal_delete).deleted->bounds.latest = FileTime{7000};
  c.add(version, FileState::deleted, record, 6000);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::removed);
  CHECK(t.grade == Grade::corroborated);
  CHECK(c.x.findings.front().latest == FileTime{7000});
  REQUIRE(t.instances.size() == 2);
  CHECK(t.instances[0].version == "1.10.15");
  CHECK(t.instances[1].installed == FileTime{6000});
}

TEST_CASE("files of one version that was installed twice belong to the folder they lie in") {
  Case c;
  c.add(handler, FileState::live, in_use);
  for (const FileState state : {FileState::deleted, FileState::live}) {
    const unsigned evidence = state == FileState::live ? in_use : record;
    c.add(version, state, evidence);
    c.add((std::string(version) + "\\Downloads").c_str(), state, evidence);
    c.add((std::string(version) + "\\Downloads\\0").c_str(), state, evidence);
    c.add((std::string(version) + "\\Downloads\\0\\x.ps1").c_str(), state, evidence);
  }
  const TargetReport& t = c.judge();
  CHECK(t.instances.size() == 2);
  REQUIRE(t.runs.size() == 2);
  CHECK(t.runs[0].scripts.size() == 1);
  CHECK(t.runs[1].scripts.size() == 1);
}

TEST_CASE("a name in slack that stands in an index too does not speak for a deletion") {
  Case c;
  FileReport& folder = c.add(handler, FileState::deleted, record | slack);
  Sighting listed;
  listed.source = SourceKind::index;
  folder.sightings.push_back(static_cast<std::uint32_t>(c.x.sightings.size()));
  c.x.sightings.push_back(listed);
  const TargetReport& t = c.judge();
  CHECK(t.grade == Grade::established);
  CHECK(t.reason.find("slack") == std::string::npos);
}

TEST_CASE("a reference whose record was taken by another file is deleted by inference, and corroborates a record of the deletion") {
  Case alone;
  alone.add(handler, FileState::deleted, 0).flags = {"record_reused"};
  CHECK(alone.judge().grade == Grade::inferred);
  CHECK(alone.x.findings.front().rule.find("another file has now") != std::string::npos);
  Case both;
  both.add(handler, FileState::deleted, journal_delete).flags = {"record_reused"};
  CHECK(both.judge().grade == Grade::corroborated);
  Case nothing;
  nothing.add(handler, FileState::deleted, 0);
  CHECK(nothing.judge().grade == Grade::inferred);
  CHECK_FALSE(nothing.x.targets[0].reason.ends_with(": "));
}

TEST_CASE("a free extension record is not the file's: it does not establish a deletion") {
  Case c;
  FileReport& f = c.add(handler, FileState::deleted, record);
  c.x.sightings[f.sightings[0]].base_is_elsewhere = true;
  CHECK(c.judge().grade == Grade::inferred);
}

TEST_CASE("what came with the image: still there, gone before, removed here, or not known") {
  const struct {
    FileState state;
    std::optional<FileTime> earliest, latest;
    const char* says;
  } rows[] = {{FileState::live, {}, {}, "it is still there"},
              {FileState::deleted, {}, FileTime{4000}, "it was gone before then"},
              {FileState::deleted, FileTime{6000}, {}, "it was removed on this machine"},
              {FileState::deleted, FileTime{4000}, FileTime{6000}, "whether it was removed before or after is not known"},
              {FileState::deleted, {}, {}, "whether it was removed before or after is not known"},
              {FileState::unknown, {}, {}, "whether it is still there is not known"}};
  for (const auto& row : rows) {
    CAPTURE(row.says);
    Case c;
    c.x.volumes[0].provisioned = FileTime{5000};
    c.add(handler, row.state, row.state == FileState::live ? in_use : row.state == FileState::deleted ? record : slack);
    FileReport& folder = c.add(version, row.state, row.state == FileState::live ? in_use : record, 1000);
    if (folder.deleted) folder.deleted->bounds.earliest = row.earliest, folder.deleted->bounds.latest = row.latest;
    const TargetReport& t = c.judge();
    REQUIRE(t.instances.size() == 1);
    CHECK(t.instances[0].inherited);
    const Finding* f = c.find("it came with the image");
    REQUIRE(f != nullptr);
    CHECK(f->grade == Grade::inferred);
    CHECK(f->statement.ends_with(row.says));
  }
}

TEST_CASE("a version installed on this machine below a handler's folder of the image did not come with it") {
  Case c;
  c.x.volumes[0].provisioned = FileTime{5000};
  c.add(handler, FileState::deleted, record, 1000);
  c.add(version, FileState::deleted, record, 6000);
  const TargetReport& t = c.judge();
  CHECK_FALSE(t.instances[0].inherited);
  CHECK_FALSE(c.says("came with the image"));
  CHECK(t.reason.find("that folder is older than this machine's provisioning") != std::string::npos);
}

TEST_CASE("an installation is told with the time of its folder, and by what that is known") {
  Case c;
  c.add(handler, FileState::live, in_use);
  c.add(version, FileState::live, in_use, 1234);
  const TargetReport& t = c.judge();
  CHECK(t.instances[0].installed == FileTime{1234});
  CHECK(t.instances[0].installed_basis == "record_created");
  const Finding* f = c.find("Version 1.10.20 was installed (its folder was created)");
  REQUIRE(f != nullptr);
  CHECK(f->earliest == FileTime{1234});
}

TEST_CASE("a log folder of which only a deleted record is left was there, it is not") {
  Case c;
  c.add("\\WindowsAzure\\Logs\\Plugins\\Microsoft.Compute.CustomScriptExtension", FileState::deleted, record);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::traces);
  CHECK(t.reason.find("its log folder was there") != std::string::npos);
  CHECK_FALSE(c.says("still there"));
}

TEST_CASE("a folder that only a journal names is told as such, not as a name without a place") {
  Case c;
  c.add(handler, FileState::unknown, 0);
  CHECK(c.judge().verdict == Verdict::traces);
  CHECK(c.x.targets[0].reason.find("no record says whether it is still there") != std::string::npos);
  CHECK(c.x.targets[0].reason.find("place is not known") == std::string::npos);
}

TEST_CASE("a file with a version's name is no version") {
  Case c;
  c.add(handler, FileState::live, in_use);
  c.add(version, FileState::live, in_use).directory = false;
  CHECK(c.judge().instances.empty());
  CHECK_FALSE(c.says("was installed"));
}

TEST_CASE("what was moved and then removed was not removed where it was asked for") {
  Case c;
  c.add("\\other\\x.ps1", FileState::deleted, record | journal_delete);
  CHECK(c.judge("\\temp\\x.ps1").verdict == Verdict::removed);
  CHECK(c.says("What was at \\temp\\x.ps1 was moved, and was removed as \\other\\x.ps1"));
  // One that was removed there itself comes first.
  Case both;
  both.add("\\other\\x.ps1", FileState::deleted, record).deleted->bounds.latest = FileTime{9};
  both.add("\\temp\\x.ps1", FileState::deleted, record).deleted->bounds.latest = FileTime{5};
  both.judge("\\temp\\x.ps1");
  CHECK(both.says("\\temp\\x.ps1 was removed"));
}

TEST_CASE("a run is told as requested, never as done; a command that is cut is told so; times in disorder give no interval") {
  Case c;
  c.add(handler, FileState::live, in_use);
  c.add(version, FileState::live, in_use);
  const std::string settings = R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"commandToExecute":"cmd /c ech)";
  FileReport& file = c.add((std::string(version) + "\\RuntimeSettings\\0.settings").c_str(), FileState::deleted, record, 5000);
  file.directory = false;
  std::vector<std::byte> bytes(settings.size());
  std::memcpy(bytes.data(), settings.data(), settings.size());
  file.streams.push_back({.state = ContentState::partial});
  file.streams[0].parts.push_back({.length = settings.size(), .bytes = ntfs::make_buffer(std::move(bytes), nullptr, 0)});
  c.add((std::string(version) + "\\Status\\0.status").c_str(), FileState::deleted, record, 4000).directory = false;
  c.judge();
  const Finding* run = c.find("Sequence 0 of version 1.10.20 was requested");
  REQUIRE(run != nullptr);
  CHECK(run->statement.find("command, of which the end is not back: cmd /c ech") != std::string::npos);
  CHECK(run->statement.find("executed") == std::string::npos);
  CHECK(run->earliest == FileTime{5000});
}

TEST_CASE("content is told of the stream that came back") {
  Case c;
  c.add(handler, FileState::live, in_use);
  c.add(version, FileState::live, in_use);
  FileReport& file = c.add((std::string(version) + "\\Downloads\\0\\x.ps1").c_str(), FileState::deleted, record);
  StreamReport& stream = file.streams.emplace_back();
  stream.name = u"Zone.Identifier";
  stream.state = ContentState::recovered;
  stream.size = 3;
  stream.parts.push_back({.length = 3});
  c.judge();
  CHECK(c.says("x.ps1:Zone.Identifier came back: 3 bytes"));
}

TEST_CASE("clusters of deleted files are counted by what they hold now, without a cause that is not known") {
  Case c;
  c.add(handler, FileState::deleted, record);
  FileReport& file = c.add((std::string(version) + "\\bin\\x.ps1").c_str(), FileState::deleted, record);
  file.streams.emplace_back().runs = {{.clusters = 3, .state = RunState::zero},
                                      {.clusters = 2, .state = RunState::data},
                                      {.clusters = 7, .state = RunState::sparse},
                                      {.clusters = 1, .state = RunState::unmapped}};
  c.judge();
  const Finding* f = c.find("Of the 6 clusters");
  REQUIRE(f != nullptr);
  CHECK(f->statement.find("2 data") != std::string::npos);
  CHECK(f->statement.find("3 zero (cause unknown)") != std::string::npos);
  CHECK(f->statement.find("1 unmapped") != std::string::npos);
}

TEST_CASE("coverage names each source, its time, its gaps, volumes that were not examined, and what was not looked at") {
  Examination x;
  CHECK(findings::tell_coverage(x) == "nothing was read");
  x.coverage.push_back({.source = "usn_journal", .first = FileTime{unix_epoch_ticks}, .last = FileTime{unix_epoch_ticks}, .records = 9});
  x.coverage[0].gaps.push_back({.length = 8});
  x.coverage.push_back({.source = "index"});
  x.volumes.push_back({.index = 3, .state = "bitlocker"});
  const std::string text = findings::tell_coverage(x);
  for (const char* part : {"volume 0 usn_journal: 9 records, 1970-01-01T00:00:00.0000000Z to ", ", 1 gaps", "volume 0 index: nothing",
                           "volume 3: bitlocker, not examined", "Not looked at: $LogFile"})
    CHECK(text.find(part) != std::string::npos);
}
