#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "example.hpp"
#include "report/document.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using nlohmann::json;

namespace {
std::string document(const Examination& x) {
  std::string out;
  report::write_document(x, [&out](std::string_view text) { out += text; });
  return out;
}
}  // namespace

// The raw FILETIME was computed with Python's datetime.
TEST_CASE("findings.json says what the examination says") {
  const TempFolder folder;
  const Examination x = example(make_example_disk(folder));
  const json d = json::parse(document(x));
  CHECK(d["schema"] == "trimcarve/findings/1");
  CHECK(d["volumes"][0]["serial"] == "a1b2c3d4e5f60718");
  CHECK(d["targets"][0]["verdict"] == "removed");
  CHECK(d["targets"][0]["runs"][0]["exit_code"] == -1);
  CHECK(d["targets"][0]["runs"][0]["command_cut"] == false);

  const json& script = d["files"][1];
  CHECK(script["file_reference"] == json{{"entry", 120}, {"sequence", 2}});
  CHECK(script["standard_information"]["created"] == json{{"time", "2026-11-03T10:02:11.1234567Z"}, {"filetime", "134381737311234567"}});
  CHECK(script["standard_information"]["accessed"].is_null());
  CHECK(script["deleted"]["earliest"]["time"] == "2026-11-03T11:00:00.0000000Z");
  CHECK(script["content"]["state"] == "recovered");
  CHECK(script["streams"].size() == 1);
  CHECK(script["streams"][0]["name"] == "Zone.Identifier");
  CHECK(script["targets"] == json{"custom-script"});
  CHECK(d["files"][0]["content"].is_null());
  CHECK(d["files"][2]["deleted"]["estimate"]["method"] == "position in $MFT");

  const json& usn = d["sightings"][1];
  CHECK(usn["source"] == "usn_journal");
  CHECK(usn["usn"]["reasons"] == json{"file_delete", "close"});
  CHECK(d["sightings"][2]["ranges"][1] == json{{"space", "disk"}, {"offset", 16384}, {"length", 16}});
  CHECK(d["sightings"][2]["names"][0]["parent_reference"].is_null());
}

TEST_CASE("a name that is not well-formed UTF-16 keeps its exact units beside it") {
  const TempFolder folder;
  const json d = json::parse(document(example(make_example_disk(folder))));
  CHECK(d["files"][4]["name"] == "bad\\ud800name");
  CHECK(d["files"][4]["name_utf16le_hex"] == "62006100640000d86e0061006d006500");
  CHECK(!d["files"][1].contains("name_utf16le_hex"));
}

TEST_CASE("an examination without anything is still a whole document") {
  const json d = json::parse(document({}));
  for (const char* list : {"sources", "volumes", "coverage", "targets", "findings", "files", "sightings", "warnings"})
    CHECK(d[list] == json::array());
}

TEST_CASE("the same examination gives the same bytes") {
  const TempFolder folder;
  const std::string disk = make_example_disk(folder);
  CHECK(document(example(disk)) == document(example(disk)));
}

TEST_CASE("each JSON line is an object of its own with its kind and image, and the same content as the document") {
  const TempFolder folder;
  const Examination x = example(make_example_disk(folder));
  std::string lines;
  report::write_lines(x, 3, [&lines](std::string_view text) { lines += text; });
  std::map<std::string, json> by_kind;
  std::istringstream in(lines);
  std::string last;
  std::uint64_t count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    json object = json::parse(line);
    CHECK(object["image"] == 3);
    const std::string kind = last = object["record"];
    object.erase("image");
    object.erase("record");
    by_kind[kind].push_back(object);
  }
  const json d = json::parse(document(x));
  CHECK(by_kind["source"] == d["sources"]);
  CHECK(by_kind["volume"] == d["volumes"]);
  CHECK(by_kind["coverage"] == d["coverage"]);
  CHECK(by_kind["target"] == d["targets"]);
  CHECK(by_kind["finding"] == d["findings"]);
  CHECK(by_kind["file"] == d["files"]);
  CHECK(by_kind["sighting"] == d["sightings"]);
  CHECK(by_kind["warning"] == d["warnings"]);
  CHECK(by_kind["examination"][0]["schema"] == d["schema"]);
  // The last line says that there are no more, and how many there were.
  CHECK(last == "end");
  CHECK(by_kind["end"] == json::array({{{"complete", d["complete"]}, {"records", count}}}));
}
