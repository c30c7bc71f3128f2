// Which file belongs to which run. Expectations: the product writes <seq>.settings, then downloads into Downloads\<n>, whose number need
// not be the sequence; worked by hand.
#include "findings/runs.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "ntfs/stream.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;

namespace {

class Tree {
 public:
  // `path` below the version's folder; `created` 0: nothing says when.
  FileReport& add(const std::string& path, std::uint64_t created, std::string_view content = {}) {
    FileReport& file = files.emplace_back();
    file.path = to_utf16("\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10\\" + path);
    file.name = file.path.substr(file.path.rfind(u'\\') + 1);
    file.state = FileState::deleted;
    if (created != 0) {
      Sighting s;
      s.source = SourceKind::usn_journal;
      s.has_usn = true;
      s.usn.reason = usn_reason::file_create;
      s.usn.time = FileTime{created};
      file.sightings.push_back(static_cast<std::uint32_t>(x.sightings.size()));
      x.sightings.push_back(s);
    }
    if (!content.empty()) {
      std::vector<std::byte> bytes(content.size());
      std::memcpy(bytes.data(), content.data(), content.size());
      StreamReport& stream = file.streams.emplace_back();
      stream.state = ContentState::recovered;
      stream.parts.push_back({.length = content.size(), .bytes = ntfs::make_buffer(std::move(bytes), nullptr, 0)});
    }
    return file;
  }
  std::vector<RunRecord> runs(std::size_t instance_of_last = 0) {
    std::vector<findings::PlacedFile> placed;
    for (const FileReport& file : files) placed.push_back({&file, findings::place(file.path, false), 0});
    if (instance_of_last != 0) placed.back().instance = instance_of_last;
    return findings::find_runs(placed, x);
  }

  std::deque<FileReport> files;
  Examination x;
};

std::string settings(const std::string& command, const std::string& uri) {
  return R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"fileUris":[")" + uri + R"("],"commandToExecute":")" + command +
         R"("}}}]})";
}

std::vector<std::string> names(const std::vector<ScriptReport>& scripts) {
  std::vector<std::string> out;
  for (const ScriptReport& s : scripts) out.push_back(s.path.substr(s.path.rfind('\\') + 1));
  return out;
}

}  // namespace

TEST_CASE("a file belongs to the last request before it, whatever number its download folder has") {
  Tree tree;
  tree.add("RuntimeSettings\\0.settings", 100, settings("powershell -File a.ps1", "https://x/a.ps1"));
  tree.add("RuntimeSettings\\1.settings", 200, settings("powershell -File b.ps1", "https://x/b.ps1?sig=1"));
  tree.add("Downloads\\7\\a.ps1", 110);
  tree.add("Downloads\\9\\b.ps1", 210);
  tree.add("Downloads\\9\\result.txt", 220);
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].sequence == "0");
  CHECK(runs[0].command == "powershell -File a.ps1");
  CHECK(names(runs[0].scripts) == std::vector<std::string>{"a.ps1"});
  CHECK(runs[0].scripts[0].named_in_settings);
  CHECK(names(runs[1].scripts) == std::vector<std::string>{"b.ps1"});
  CHECK(names(runs[1].made) == std::vector<std::string>{"result.txt"});
}

TEST_CASE("what was downloaded before the first request that is known belongs to none of them") {
  Tree tree;
  tree.add("RuntimeSettings\\1.settings", 200, settings("b.cmd", "https://x/b.cmd"));
  tree.add("Downloads\\0\\a.ps1", 110);
  tree.add("Downloads\\1\\b.cmd", 210);
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].sequence.empty());
  CHECK(runs[0].command.empty());
  CHECK(runs[0].started == FileTime{110});
  CHECK(names(runs[0].scripts) == std::vector<std::string>{"a.ps1"});
  CHECK(names(runs[1].scripts) == std::vector<std::string>{"b.cmd"});
}

TEST_CASE("a file older than every request goes with the others of its download folder") {
  Tree tree;
  tree.add("RuntimeSettings\\1.settings", 200, settings("b.cmd", "https://x/b.cmd"));
  tree.add("Downloads\\1\\from-an-archive.exe", 5);
  tree.add("Downloads\\1\\b.cmd", 210);
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 1);
  CHECK(names(runs[0].made) == std::vector<std::string>{"from-an-archive.exe"});
}

TEST_CASE("without a time a file belongs to the only request there is, and to none of several") {
  Tree one;
  one.add("RuntimeSettings\\0.settings", 200);
  one.add("Downloads\\0\\a.ps1", 0);
  CHECK(one.runs().size() == 1);
  Tree two;
  two.add("RuntimeSettings\\0.settings", 200);
  two.add("RuntimeSettings\\1.settings", 300);
  two.add("Downloads\\0\\a.ps1", 0);
  const auto runs = two.runs();
  CHECK(runs.size() == 3);
  CHECK(std::ranges::count_if(runs, [](const RunRecord& r) { return r.sequence.empty() && r.scripts.size() == 1; }) == 1);
}

TEST_CASE("requests of two folders of one version are kept apart") {
  Tree tree;
  tree.add("RuntimeSettings\\0.settings", 100);
  tree.add("RuntimeSettings\\0.settings", 900);
  CHECK(tree.runs(1).size() == 2);
}

TEST_CASE("a command names a file as a word of its own, not as a part of another name") {
  Tree tree;
  tree.add("RuntimeSettings\\0.settings", 100, settings("cmd /c .\\\\remove.ps1; echo done", "https://x/other.bin"));
  tree.add("Downloads\\0\\move.ps1", 110);
  tree.add("Downloads\\0\\REMOVE.ps1", 110);
  tree.add("Downloads\\0\\e", 110);
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 1);
  CHECK(names(runs[0].scripts) == std::vector<std::string>{"REMOVE.ps1"});
}

TEST_CASE("a status gives the end of its run: by its own stamp when it is whole, else by its last write") {
  Tree tree;
  tree.add(
      "Status\\3.status", 100,
      R"([{"timestampUTC":"2026-03-01T10:00:00Z","status":{"status":"error","formattedMessage":{"message":"a non-zero exit code of: '5'"}}}])");
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].sequence == "3");
  CHECK(runs[0].exit_code == 5);
  CHECK(runs[0].finished_basis == "status_timestamp");
  CHECK(runs[0].finished == from_iso8601("2026-03-01T10:00:00Z"));
}

TEST_CASE("a creation time of zero is no time") {
  FileReport file;
  Examination x;
  Sighting s;
  s.has_standard_information = true;
  x.sightings.push_back(s);
  file.sightings = {0};
  CHECK_FALSE(findings::created(file, x));
  CHECK_FALSE(findings::written(file, x));
}

namespace {

void add_part(FileReport& file, std::uint64_t offset, std::string_view content) {
  std::vector<std::byte> bytes(content.size());
  std::memcpy(bytes.data(), content.data(), content.size());
  if (file.streams.empty()) file.streams.emplace_back().state = ContentState::partial;
  file.streams.front().parts.push_back(
      {.file_offset = offset, .length = content.size(), .bytes = ntfs::make_buffer(std::move(bytes), nullptr, 0)});
}

std::string status(const std::string& time, const std::string& state, int code) {
  return R"([{"timestampUTC":")" + time + R"(","status":{"status":")" + state +
         R"(","formattedMessage":{"message":"a non-zero exit code of: ')" + std::to_string(code) + R"('"}}}])";
}

}  // namespace

TEST_CASE("no command is read across a gap in what came back of the settings") {
  const std::string text = settings("powershell -File first.ps1; powershell -File second.ps1", "https://x/first.ps1");
  const std::size_t first = text.find(" first.ps1"), second = text.find(" second.ps1");
  Tree gap;
  FileReport& file = gap.add("RuntimeSettings\\0.settings", 100);
  add_part(file, 0, std::string_view(text).substr(0, first));
  add_part(file, second, std::string_view(text).substr(second));
  const auto cut = gap.runs();
  REQUIRE(cut.size() == 1);
  CHECK(cut[0].command == "powershell -File");
  CHECK(cut[0].command_cut);
  Tree joined;
  FileReport& both = joined.add("RuntimeSettings\\0.settings", 100);
  add_part(both, 0, std::string_view(text).substr(0, first));
  add_part(both, first, std::string_view(text).substr(first));
  const auto whole = joined.runs();
  REQUIRE(whole.size() == 1);
  CHECK(whole[0].command == "powershell -File first.ps1; powershell -File second.ps1");
  CHECK_FALSE(whole[0].command_cut);
}

TEST_CASE("a gap does not shift what is read behind it in UTF-16") {
  std::string wide;
  for (const char c : settings("b.cmd", "https://x/b.cmd")) wide += {c, '\0'};
  Tree tree;
  FileReport& file = tree.add("RuntimeSettings\\0.settings", 100);
  add_part(file, 0, std::string_view(wide).substr(0, 40));
  add_part(file, 60, std::string_view(wide).substr(60));
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].command == "b.cmd");
}

TEST_CASE("requests that a handler names are kept apart where they have one sequence, and joined without case") {
  Tree tree;
  tree.add("RuntimeSettings\\first.0.settings", 100, settings("first.cmd", ""));
  tree.add("RuntimeSettings\\second.0.settings", 200, settings("second.cmd", ""));
  tree.add("Status\\SECOND.0.status", 210, status("2026-03-01T10:00:00Z", "error", 5));
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].sequence == "first.0");
  CHECK(runs[0].command == "first.cmd");
  CHECK_FALSE(runs[0].exit_code);
  CHECK(runs[1].command == "second.cmd");
  CHECK(runs[1].exit_code == 5);
}

TEST_CASE("of several statuses of one request the last speaks, wherever it stands in the list") {
  for (const bool last_first : {false, true}) {
    Tree tree;
    tree.add("RuntimeSettings\\0.settings", 100, settings("a.cmd", ""));
    const auto early = [&] { tree.add("Status\\0.status", 110, status("2026-03-01T10:00:00Z", "transitioning", 1)); };
    if (!last_first) early();
    tree.add("Status\\0.status", 120, status("2026-03-01T10:05:00Z", "error", 2));
    if (last_first) early();
    const auto runs = tree.runs();
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].status == "error");
    CHECK(runs[0].exit_code == 2);
    CHECK(runs[0].finished == from_iso8601("2026-03-01T10:05:00Z"));
  }
}

TEST_CASE("a status that says the run goes on gives no end") {
  Tree tree;
  tree.add("Status\\0.status", 110, R"([{"timestampUTC":"2026-03-01T10:00:00Z","status":{"status":"transitioning"}}])");
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].status == "transitioning");
  CHECK_FALSE(runs[0].finished);
  CHECK(runs[0].finished_basis.empty());
}

TEST_CASE("settings that were written again began with the first, and their command is of one of them") {
  for (const bool fragment_last : {false, true}) {
    Tree tree;
    const std::string fragment = R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"commandToExecute":"hal)";
    if (!fragment_last) tree.add("RuntimeSettings\\0.settings", 100, fragment);
    tree.add("RuntimeSettings\\0.settings", 200, settings("whole.cmd", "https://x/whole.cmd"));
    if (fragment_last) tree.add("RuntimeSettings\\0.settings", 100, fragment);
    const auto runs = tree.runs();
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].started == FileTime{100});
    CHECK(runs[0].command == "whole.cmd");
    CHECK_FALSE(runs[0].command_cut);
    CHECK(runs[0].sightings.size() == 2);
  }
}

TEST_CASE("of requests that left only their status, the one that ended next owns a file") {
  Tree tree;
  const auto write = [&](const char* path, std::uint64_t time) {
    Sighting& s = tree.x.sightings[tree.add(path, time).sightings[0]];
    s.usn.reason = usn_reason::data_extend;
  };
  write("Status\\2.status", 100);
  write("Status\\10.status", 200);
  tree.add("Downloads\\0\\a.ps1", 50);
  tree.add("Downloads\\1\\b.ps1", 150);
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].sequence == "2");
  CHECK(runs[0].finished_basis == "status_usn_write");
  CHECK(names(runs[0].scripts) == std::vector<std::string>{"a.ps1"});
  CHECK(names(runs[1].scripts) == std::vector<std::string>{"b.ps1"});
}

TEST_CASE("what is not back is not known: neither command, nor outcome, nor whether settings were protected") {
  Tree tree;
  tree.add("RuntimeSettings\\0.settings", 100);
  tree.add("Downloads\\0\\readme.txt", 110);
  tree.add("Downloads\\0\\run.PS1", 110);
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].command.empty());
  CHECK_FALSE(runs[0].protected_settings);
  CHECK(runs[0].status.empty());
  CHECK_FALSE(runs[0].finished);
  CHECK(names(runs[0].scripts) == std::vector<std::string>{"run.PS1"});
  CHECK_FALSE(runs[0].scripts[0].named_in_settings);
  CHECK(names(runs[0].made) == std::vector<std::string>{"readme.txt"});
}

TEST_CASE("a name is the one a URI asks for with its escapes undone, or as it is") {
  Tree tree;
  tree.add("RuntimeSettings\\0.settings", 100, settings("x", "https://x/My%20Script%2Eps1?a=b/c"));
  tree.add("Downloads\\0\\my script.ps1", 110);
  tree.add("Downloads\\0\\My%20Script%2Eps1", 110);
  tree.add("Downloads\\0\\other.ps1", 110);
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].scripts.size() == 2);
  CHECK(names(runs[0].made) == std::vector<std::string>{"other.ps1"});
}

TEST_CASE("a script of which only a named stream is left has no state and no hash of its own") {
  Tree tree;
  tree.add("RuntimeSettings\\0.settings", 100);
  FileReport& file = tree.add("Downloads\\0\\a.ps1", 110, "[ZoneTransfer]");
  file.streams.front().name = u"Zone.Identifier";
  file.streams.front().sha256 = "00";
  const auto runs = tree.runs();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].scripts[0].state == ContentState::unknown);
  CHECK(runs[0].scripts[0].sha256.empty());
}

// The order is the design's: a record of the event itself, then $STANDARD_INFORMATION, then a $FILE_NAME.
TEST_CASE("creation and last write are taken from the best source there is") {
  Examination x;
  FileReport file;
  const auto cite = [&](Sighting s) {
    file.sightings.push_back(static_cast<std::uint32_t>(x.sightings.size()));
    x.sightings.push_back(std::move(s));
  };
  Sighting name;
  name.names.push_back({.has_times = true, .times = {FileTime{1}, FileTime{2}, FileTime{3}, FileTime{4}}});
  cite(name);
  CHECK(findings::created(file, x)->basis == std::string("name_created"));
  CHECK(findings::written(file, x)->time == FileTime{2});
  Sighting record;
  record.has_standard_information = true;
  record.standard_information = {FileTime{11}, FileTime{12}, FileTime{13}, FileTime{14}};
  cite(record);
  CHECK(findings::created(file, x)->time == FileTime{11});
  CHECK(findings::written(file, x)->basis == std::string("record_modified"));
  Sighting journal;
  journal.has_usn = true;
  journal.usn = {.time = FileTime{30}, .reason = usn_reason::file_create | usn_reason::data_extend | usn_reason::close};
  cite(journal);
  journal.usn = {.time = FileTime{20}, .reason = usn_reason::file_create};
  cite(journal);
  journal.usn = {.time = FileTime{40}, .reason = usn_reason::data_overwrite | usn_reason::file_delete | usn_reason::close};
  cite(journal);
  CHECK(findings::created(file, x)->time == FileTime{20});
  CHECK(findings::created(file, x)->basis == std::string("usn_create"));
  CHECK(findings::created(file, x)->sighting == 3);
  CHECK(findings::written(file, x)->time == FileTime{30});
  CHECK(findings::written(file, x)->basis == std::string("usn_write"));
}
