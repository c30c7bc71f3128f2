// Where steps stand of which no source states a time, or only bounds of one: by the numbers that a volume gave out. Expectations: worked by
// hand from the rule that a lower number was given out earlier.
#include <doctest/doctest.h>

#include <algorithm>

#include "findings/judge.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;

namespace {

constexpr std::uint64_t minute = 60 * ticks_per_second, start = 134'000'000'000'000'000;
FileTime at(std::uint64_t minutes) { return FileTime{start + minutes * minute}; }

struct Case {
  Examination x;

  Case() { x.volumes.push_back({.index = 0, .state = "examined"}); }

  // A version's folder. Its record states when it was created, or there is no record.
  FileReport& add(const char* version, FileState state, std::optional<FileTime> created) {
    FileReport& file = x.files.emplace_back();
    file.path = to_utf16(std::string("\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\") + version);
    file.name = to_utf16(version);
    file.directory = true;
    file.state = state;
    file.targets = {0};
    file.reference = FileReference::of(40 + x.files.size(), 1);
    Sighting s;
    s.reference = file.reference;
    s.reference_known = true;
    if (created) {
      s.has_record = s.has_standard_information = true;
      s.in_use = state == FileState::live;
      s.standard_information = {*created, *created, *created, *created};
    } else {
      s.source = SourceKind::index_slack;
      s.slack_role = SlackRole::directory_child;
    }
    file.sightings.push_back(static_cast<std::uint32_t>(x.sightings.size()));
    x.sightings.push_back(s);
    if (state == FileState::deleted) file.deleted = Deletion{};
    return file;
  }

  static void estimate(FileReport& file, const char* event, std::uint64_t lsn, FileTime earliest, FileTime latest, bool by_then = false) {
    file.estimates.push_back({event, "lsn", lsn, {earliest, latest, "clock"}, false, {file.sightings.front()}, by_then});
  }
  static void deleted_at(FileReport& file, FileTime earliest, FileTime latest) {
    file.deleted->bounds.earliest = earliest;
    file.deleted->bounds.latest = latest;
  }

  std::vector<std::string> judge() {
    findings::judge(*findings::parse_target("custom-script"), 0, {}, nullptr, x);
    std::vector<std::string> out;
    for (const StoryStep& step : x.targets.front().story) {
      CHECK_FALSE(step.sources.empty());
      out.push_back(step.what + " " + step.version);
    }
    return out;
  }
  const StoryStep& step(std::string_view what, std::string_view version) const {
    const auto& story = x.targets.front().story;
    const auto found = std::ranges::find_if(story, [&](const StoryStep& s) { return s.what == what && s.version == version; });
    REQUIRE(found != story.end());
    return *found;
  }
};

using Order = std::vector<std::string>;

}  // namespace

TEST_CASE("a step without a time stands where its number was given out, between steps that have one") {
  Case c;
  c.add("1.1", FileState::live, at(10));
  Case::estimate(c.add("1.2", FileState::live, std::nullopt), "created", 500, at(20), at(25));
  c.add("1.3", FileState::live, at(40));
  CHECK(c.judge() == Order{"installed 1.1", "installed 1.2", "installed 1.3"});
  const StoryStep& placed = c.step("installed", "1.2");
  CHECK_FALSE(placed.earliest);
  CHECK_FALSE(placed.latest);
  CHECK(placed.grade == Grade::inferred);
  REQUIRE(placed.placed);
  CHECK(placed.placed->number == 500);
  CHECK_FALSE(c.step("installed", "1.1").placed);
}

TEST_CASE("a step with neither time nor number is not told") {
  Case c;
  c.add("1.1", FileState::live, at(10));
  c.add("1.2", FileState::live, std::nullopt);
  CHECK(c.judge() == Order{"installed 1.1"});
}

TEST_CASE("of steps that one bracket holds the numbers tell which was first") {
  Case c;
  Case::estimate(c.add("1.1", FileState::live, std::nullopt), "created", 502, at(20), at(25));
  Case::estimate(c.add("1.2", FileState::live, std::nullopt), "created", 501, at(20), at(25));
  Case::estimate(c.add("1.3", FileState::live, std::nullopt), "created", 503, at(20), at(25));
  CHECK(c.judge() == Order{"installed 1.2", "installed 1.1", "installed 1.3"});
}

TEST_CASE("what had happened by a time stands before what happened then") {
  Case c;
  c.add("1.1", FileState::live, at(10));
  c.add("1.3", FileState::live, at(25));
  Case::estimate(c.add("1.2", FileState::live, std::nullopt), "created", 500, no_time, at(25), true);
  CHECK(c.judge() == Order{"installed 1.1", "installed 1.2", "installed 1.3"});
}

TEST_CASE("a removal that is only bounded stands where its number puts it, within its bounds") {
  for (const bool outside : {false, true}) {
    CAPTURE(outside);
    Case c;
    FileReport& first = c.add("1.1", FileState::deleted, at(10));
    Case::deleted_at(first, at(11), at(90));
    Case::estimate(first, "deleted", 700, outside ? at(100) : at(60), outside ? at(110) : at(62));
    c.add("1.2", FileState::live, at(50));
    c.add("1.3", FileState::live, at(95));
    CHECK(c.judge() == Order{"installed 1.1", "installed 1.2", "removed 1.1", "installed 1.3"});
  }
}

TEST_CASE("where the numbers of two steps say otherwise than their times the later number's step says so") {
  Case c;
  FileReport& first = c.add("1.1", FileState::deleted, at(10));
  Case::deleted_at(first, at(60), at(60));
  Case::estimate(first, "deleted", 700, at(59), at(61));
  FileReport& second = c.add("1.2", FileState::deleted, at(12));
  Case::deleted_at(second, at(30), at(30));
  Case::estimate(second, "deleted", 800, at(29), at(31));
  c.add("1.3", FileState::live, at(62));
  c.judge();
  const StoryStep& told = c.step("removed", "1.2");
  CHECK(told.note.find("by their LSNs it came after") != std::string::npos);
  CHECK(told.note.find("800 and 700") != std::string::npos);
  CHECK(c.step("removed", "1.1").note.empty());
}

TEST_CASE("a stated time that is not that of its number is said, and one that is within seconds of it is not") {
  for (const std::uint64_t minutes : {61U, 90U}) {
    CAPTURE(minutes);
    Case c;
    FileReport& gone = c.add("1.1", FileState::deleted, at(10));
    Case::deleted_at(gone, FileTime{at(minutes).ticks + 9 * ticks_per_second}, FileTime{at(minutes).ticks + 9 * ticks_per_second});
    Case::estimate(gone, "deleted", 700, at(59), at(61));
    c.judge();
    const StoryStep& told = c.step("removed", "1.1");
    CHECK(told.note.empty() == (minutes == 61));
    CHECK(told.placed);
  }
}

// The first that mentions a file is for something else: nothing is contradicted when the file is older.
TEST_CASE("a number by which something had happened contradicts no time") {
  Case c;
  Case::estimate(c.add("1.1", FileState::live, at(10)), "created", 700, no_time, at(61), true);
  Case::estimate(c.add("1.2", FileState::live, at(70)), "created", 600, at(69), at(71));
  c.judge();
  for (const StoryStep& step : c.x.targets.front().story) CHECK(step.note.empty());
}
