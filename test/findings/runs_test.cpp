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
