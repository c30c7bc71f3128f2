// Expectations: the rule that the verdict is the volume's own, and what a volume shadow copy adds to it, worked by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "findings/judge.hpp"
#include "ntfs/stream.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;

namespace {

constexpr const char* handler = "\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension";
constexpr FileTime copied{5000};

// Volume 0, and its shadow copy as volume 1.
struct Case {
  Case() {
    x.volumes.push_back({.index = 0, .records = 1000, .state = "examined"});
    x.volumes.push_back({.index = 1, .records = 1000, .shadow_of = 0, .shadow_created = copied, .state = "examined"});
  }
  FileReport& add(std::uint32_t volume, const std::string& below, std::uint64_t entry, FileState state, bool directory = true) {
    FileReport& file = x.files.emplace_back();
    file.volume = volume;
    file.path = to_utf16(handler + below);
    file.name = file.path.substr(file.path.rfind(u'\\') + 1);
    file.directory = directory;
    file.state = state;
    file.targets = {0};
    file.reference = FileReference::of(entry, 1);
    Sighting& s = x.sightings.emplace_back();
    s.volume = volume;
    s.reference = file.reference;
    s.reference_known = s.has_record = s.has_standard_information = true;
    s.in_use = state == FileState::live;
    s.standard_information.created = FileTime{1000};
    file.sightings = {static_cast<std::uint32_t>(x.sightings.size() - 1)};
    if (state == FileState::deleted) file.deleted = Deletion{};
    return file;
  }
  // A file whose content came back.
  void add_text(std::uint32_t volume, const std::string& below, std::uint64_t entry, const std::string& text, FileState state) {
    FileReport& file = add(volume, below, entry, state, false);
    StreamReport& stream = file.streams.emplace_back();
    stream.state = text.empty() ? ContentState::zeroed : ContentState::recovered;
    if (text.empty()) return;
    stream.sha256 = "00";
    RecoveredPart& part = stream.parts.emplace_back();
    part.length = text.size();
    std::vector<std::byte> bytes(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
    part.bytes = ntfs::make_buffer(std::move(bytes), nullptr, 0);
  }
  void add_tree(std::uint32_t volume, FileState state) {
    add(volume, "", 40, state);
    add(volume, "\\1.10.20", 41, state).parent = FileReference::of(40, 1);
  }
  const TargetReport& judge(const char* target = "custom-script") {
    findings::judge(*findings::parse_target(target), 0, {}, nullptr, x);
    for (const Finding& f : x.findings) {
      for (const std::uint32_t n : f.sightings) CHECK(n < x.sightings.size());
      CHECK((f.grade != Grade::inferred || !f.rule.empty()));
    }
    return x.targets.front();
  }
  bool says(std::string_view text) const {
    return std::ranges::any_of(x.findings, [&](const Finding& f) { return f.statement.find(text) != std::string::npos; });
  }
  Examination x;
};

constexpr const char* settings =
    R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"commandToExecute":"powershell -File a.ps1"}}}]})";

}  // namespace

TEST_CASE("a handler's folder in use in a shadow copy alone is not present: it was removed since") {
  Case c;
  c.add_tree(1, FileState::live);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::removed);
  CHECK(t.grade == Grade::inferred);
  CHECK(t.reason.find("shadow copy") != std::string::npos);
  REQUIRE(t.instances.size() == 1);
  CHECK(t.instances[0].volume == 0);
  CHECK(t.instances[0].state == "removed");
  REQUIRE(t.instances[0].removed);
  CHECK(t.instances[0].removed->earliest == copied);
  CHECK(t.instances[0].removed->earliest_basis == "shadow_alive");
  CHECK_FALSE(t.instances[0].removed->latest);
}

TEST_CASE("where a later shadow copy has the version's folder no more, the removal lies between the two") {
  Case c;
  c.add_tree(1, FileState::live);
  const FileTime later{copied.ticks + 1000};
  for (FileReport& file : c.x.files)
    if (file.name == u"1.10.20") file.copies = {{1, copied, "there", {0}}, {2, later, "gone", {1}}};
  const TargetReport& t = c.judge();
  REQUIRE(t.instances.size() == 1);
  REQUIRE(t.instances[0].removed);
  CHECK(t.instances[0].removed->earliest == copied);
  CHECK(t.instances[0].removed->latest == later);
  CHECK(t.instances[0].removed->latest_basis == "shadow_gone");
  CHECK(t.instances[0].removed->latest_sightings == std::vector<std::uint32_t>{1});
}

TEST_CASE("a removal that the volume shows stays its own, and its versions are not doubled by a copy that has them") {
  Case c;
  c.add_tree(0, FileState::deleted);
  c.add_tree(1, FileState::live);
  c.add_text(1, "\\1.10.20\\bin\\x.dll", 42, "MZ", FileState::live);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::removed);
  CHECK(t.reason.find("shadow copy") == std::string::npos);
  CHECK(t.instances.size() == 1);
  CHECK(c.says("The volume shadow copy of " + to_iso8601(copied) + " (volume 1) holds"));
  CHECK(c.says("1 files as they were then, 1 of them recovered"));
  CHECK_FALSE(c.says("on volume 0"));  // there is one volume, whatever copies it has
}

TEST_CASE("a handler in use on the volume is present, whatever a copy shows deleted") {
  Case c;
  c.add_tree(0, FileState::live);
  c.add_tree(1, FileState::deleted);
  const TargetReport& t = c.judge();
  CHECK(t.verdict == Verdict::present);
  CHECK(t.instances.size() == 1);
  CHECK(t.instances[0].state == "present");
}

TEST_CASE("what the volume has lost of a run comes from the copy; what it has stays") {
  Case c;
  c.add_tree(0, FileState::deleted);
  c.add_text(0, "\\1.10.20\\RuntimeSettings\\0.settings", 43, "", FileState::deleted);
  c.add_tree(1, FileState::live);
  c.add_text(1, "\\1.10.20\\RuntimeSettings\\0.settings", 43, settings, FileState::live);
  c.add_text(1, "\\1.10.20\\RuntimeSettings\\1.settings", 44, settings, FileState::live);
  c.add_text(1, "\\1.10.20\\RuntimeSettings\\2.settings", 45, settings, FileState::deleted);  // of an earlier installation, maybe
  const TargetReport& t = c.judge();
  REQUIRE(t.runs.size() == 2);
  for (const RunRecord& run : t.runs) {
    CHECK(run.volume == 0);
    CHECK(run.command == "powershell -File a.ps1");
  }
  CHECK(c.says("Sequence 0 of version 1.10.20: what the volume has lost of it came back from the volume shadow copy"));
  CHECK(c.says("Sequence 1 of version 1.10.20 is known by the volume shadow copy"));

  Case kept;
  kept.add_tree(0, FileState::live);
  kept.add_text(0, "\\1.10.20\\RuntimeSettings\\0.settings", 43, settings, FileState::live);
  kept.add_text(1, "\\1.10.20\\RuntimeSettings\\0.settings", 43,
                R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"commandToExecute":"other"}}}]})", FileState::live);
  REQUIRE(kept.judge().runs.size() == 1);
  CHECK(kept.x.targets.front().runs[0].command == "powershell -File a.ps1");
}

TEST_CASE("a path that only a copy has was removed since; one that is there is present") {
  Case c;
  c.add(1, "", 40, FileState::live);
  const TargetReport& gone = c.judge(handler);
  CHECK(gone.verdict == Verdict::removed);
  CHECK(gone.grade == Grade::inferred);
  Case there;
  there.add(0, "", 40, FileState::live);
  there.add(1, "", 40, FileState::live);
  CHECK(there.judge(handler).verdict == Verdict::present);
}
