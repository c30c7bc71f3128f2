#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "example.hpp"
#include "html_example.hpp"
#include "report/uco/case_jsonld.hpp"
#include "report/uco/graph.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using nlohmann::json;

namespace {

std::string graph_of(const Examination& x, std::string_view seed = "seed", const std::vector<std::string>& command = {}) {
  std::string text;
  report::write_case_jsonld(x, command, seed, [&text](std::string_view piece) { text += piece; });
  return text;
}

// Every @id that is defined: the object has more than it.
void ids_of(const json& value, std::vector<std::string>& defined, std::vector<std::string>& used) {
  if (value.is_object()) {
    if (value.contains("@id")) (value.size() > 1 ? defined : used).push_back(value["@id"]);
    for (const json& member : value) ids_of(member, defined, used);
  } else if (value.is_array()) {
    for (const json& element : value) ids_of(element, defined, used);
  }
}

}  // namespace

TEST_CASE("the identifiers are name-based UUIDs") {
  // Python: uuid.uuid5(uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), "trimcarve:seed") is the name space, and of it uuid5(_, "file
  // 3").
  const Examination x;
  const report::Graph graph(x, "seed", [](std::string_view) {});
  CHECK(graph.id("file", {3}) == "urn:uuid:11e0a28c-d804-5c03-ac00-9fa768cd218b");
  CHECK(graph.id("part", {1, 2, 3}) == "urn:uuid:d32641b2-6c71-54ad-a6e9-999369571c7c");
}

TEST_CASE("every node of the graph has an identifier of its own, and every reference leads to one") {
  const TempFolder folder;
  Examination x = example(make_example_disk(folder));
  add_rows(x, 500);
  std::vector<std::string> defined, used;
  ids_of(json::parse(graph_of(x, "seed", {"trimcarve", "examine", ""}))["@graph"], defined, used);
  std::ranges::sort(defined);
  CHECK(defined.size() > 3000);
  CHECK(std::ranges::adjacent_find(defined) == defined.end());
  for (const std::string& id : used) CHECK_MESSAGE(std::ranges::binary_search(defined, id), id);
}

TEST_CASE("the same examination gives the same graph, and another seed gives other identifiers only") {
  const TempFolder folder;
  const Examination x = example(make_example_disk(folder));
  CHECK(graph_of(x) == graph_of(x));
  std::vector<std::string> one, other, used;
  ids_of(json::parse(graph_of(x))["@graph"], one, used);
  ids_of(json::parse(graph_of(x, "other"))["@graph"], other, used);
  CHECK(one.size() == other.size());
  for (const std::string& id : one) CHECK(std::ranges::find(other, id) == other.end());
}

TEST_CASE("text out of the evidence stays text in the graph") {
  const TempFolder folder;
  Examination x = example(make_example_disk(folder));
  make_hostile(x);
  const std::string text = graph_of(x, "seed", {"trimcarve", "\x1b[31m"});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(!json::parse(text, nullptr, false).is_discarded());
}

TEST_CASE("a time that readers of xsd:dateTime refuse is left out, and so is none") {
  Examination x;
  FileReport file;
  file.standard_information = TimeSet{FileTime{2'650'467'743'999'999'999U}, FileTime{2'650'467'744'000'000'000U}, no_time, FileTime{1}};
  x.files.push_back(file);
  const std::string text = graph_of(x);
  CHECK(text.find("9999-12-31T23:59:59.9999999Z") != std::string::npos);
  CHECK(text.find("10000-01-01") == std::string::npos);
  CHECK(text.find("uco-observable:modifiedTime") == std::string::npos);
  CHECK(text.find("uco-observable:metadataChangeTime") == std::string::npos);
  CHECK(text.find("1601-01-01T00:00:00.0000001Z") != std::string::npos);
}

TEST_CASE("hashes and the evidence number that an acquisition stated are those of the image and of the record of inputs") {
  const TempFolder folder;
  Examination x = example(make_example_disk(folder));
  x.sources.front().acquisition_hashes = "MD5 0123456789abcdef0123456789abcdef, SHA-1 0123456789abcdef0123456789abcdef01234567";
  x.sources.front().acquisition_notes = {"case number: 9", "evidence number: E-7"};
  json image, record;
  const json graph = json::parse(graph_of(x));
  for (const json& node : graph["@graph"]) {
    if (node["@type"] == "uco-observable:Image") image = node;
    if (node.contains("case-investigation:exhibitNumber")) record = node;
  }
  CHECK(record["case-investigation:exhibitNumber"] == "E-7");
  CHECK(record["uco-core:object"][0]["@id"] == image["@id"]);
  const json& hashes = image["uco-core:hasFacet"][1]["uco-observable:hash"];
  REQUIRE(hashes.size() == 2);
  CHECK(hashes[0]["uco-types:hashMethod"] == "MD5");
  CHECK(hashes[0]["uco-types:hashValue"]["@value"] == "0123456789abcdef0123456789abcdef");
  CHECK(hashes[1]["uco-types:hashMethod"] == "SHA1");
  CHECK(hashes[1]["uco-types:hashValue"]["@value"] == "0123456789abcdef0123456789abcdef01234567");
}
