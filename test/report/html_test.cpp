// What a browser makes of the page is held in browser_test.py; here is what must be so in its bytes.
#include "report/html/html.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "example.hpp"
#include "html_example.hpp"
#include "report/files.hpp"
#include "report/folder.hpp"
#include "report/html/page.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using nlohmann::json;

namespace {

std::string page_of(const Examination& x) {
  std::string page;
  report::write_html(x, {"trimcarve", "examine", "disk.raw"}, [&page](std::string_view text) { page += text; });
  return page;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t at = text.find(begin);
  REQUIRE(at != std::string_view::npos);
  text.remove_prefix(at + begin.size());
  return text.substr(0, text.find(end));
}

std::string unhex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

}  // namespace

TEST_CASE("text is escaped for elements and for attributes, and controls are shown") {
  CHECK(report::html_text("a<b>&\"'\n\u202Ec\x1b") == "a&lt;b&gt;&amp;&quot;&#39;\\x0a\\u202ec\\x1b");
  CHECK(report::html_text("\xff\xc3") == "\\xff\\xc3");
  CHECK(report::html_text("\u00fc\u4e2d") == "\u00fc\u4e2d");
  CHECK(report::html_lines("a\r\n\tb\rc\n") == "a\n\tb\\x0dc\n");
}

TEST_CASE("JSON in the page cannot end its element") {
  std::string out;
  const report::Sink sink = [&out](std::string_view text) { out += text; };
  report::json_in_html(sink)("[\"</script><!--\"]");
  CHECK(out == "[\"\\u003c/script>\\u003c!--\"]");
  CHECK(json::parse(out)[0] == "</script><!--");
}

// RFC 4648, section 10: its test vectors.
TEST_CASE("base64 is that of RFC 4648") {
  CHECK(report::base64("") == "");
  CHECK(report::base64("f") == "Zg==");
  CHECK(report::base64("fo") == "Zm8=");
  CHECK(report::base64("foobar") == "Zm9vYmFy");
}

TEST_CASE("content is shown as text when it is text, in UTF-8 or UTF-16 with its mark, also when cut within a character") {
  CHECK(report::as_text("\xEF\xBB\xBF"
                        "dir \xC3\xBC") == "dir \u00fc");
  CHECK(report::as_text(std::string_view("\xFF\xFE"
                                         "d\0i\0",
                                         6)) == "di");
  CHECK(report::as_text(std::string_view("\xFE\xFF"
                                         "\0d\0i",
                                         6)) == "di");
  CHECK(report::as_text("caf\xC3") == "caf\xC3");
  CHECK(!report::as_text(std::string_view("MZ\0\1", 4)));
  CHECK(!report::as_text("\x89PNG\r\n"));
}

TEST_CASE("the page allows its own style and script by their hashes and nothing else") {
  const TempFolder temp;
  const std::string page = page_of(example(make_example_disk(temp)));
  const std::string_view policy = between(page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
  // Oracle: OpenSSL's SHA-256 of what stands in the elements, where the build wrote Python's.
  const std::string style = report::base64(unhex(report::sha256_of_text(between(page, "<style>", "</style>"))));
  const std::string script = report::base64(unhex(report::sha256_of_text(between(page, "<script>", "</script>"))));
  CHECK(policy ==
        "default-src 'none'; script-src 'sha256-" + script + "'; style-src 'sha256-" + style + "'; base-uri 'none'; form-action 'none'");
  CHECK(page.find("Content-Security-Policy") < page.find("<style>"));
  CHECK(count(page, "<script") == 3);  // two of data
  CHECK(count(page, "</script") == 3);
  CHECK(!has(page, " src="));
  CHECK(!has(page, "<link"));
  CHECK(!has(page, " style="));
  CHECK(!has(page, "href=\"http"));
  CHECK(!has(between(page, "<style>", "</style>"), "url("));
}

TEST_CASE("the same examination gives the same page") {
  const TempFolder temp;
  const Examination x = example(make_example_disk(temp));
  CHECK(page_of(x) == page_of(x));
}

TEST_CASE("two runs into different folders write the same page, without the folder's name") {
  const TempFolder temp;
  const std::string disk = make_example_disk(temp);
  for (const std::string name : {"first-folder", "second-folder"}) {
    Examination x = example(disk);
    report::OutputFolder(temp / name)
        .write(x, {{"trimcarve", "examine", "disk.raw", "-o", name},
                   "/",
                   name == "first-folder" ? "2026-11-24T08:00:00Z" : "2026-11-25T09:00:00Z"});
  }
  const std::string page = read_file(temp / "first-folder/report.html");
  CHECK(page == read_file(temp / "second-folder/report.html"));
  CHECK(has(page, "trimcarve examine disk.raw -o DIR"));
}

TEST_CASE("whatever evidence says stays text") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  make_hostile(x);
  const std::string page = page_of(x);
  CHECK(!has(page, "<img"));
  CHECK(!has(page, "\u202E"));
  CHECK(!has(page, "\u2028"));
  CHECK(!has(page, "\x1b"));
  CHECK(count(page, "<script") == 3);
  CHECK(count(page, "</script") == 3);
  CHECK(count(page, "</style") == 1);
  CHECK(!has(page, "<!--"));
  // And it is there, shown.
  CHECK(count(page, "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;amp;&lt;/script&gt;") > 40);
  CHECK(count(page, "\\u202egnp.exe") > 40);
}

TEST_CASE("a finding names its sightings, and the page has their bytes") {
  const TempFolder temp;
  const std::string disk = make_example_disk(temp), bytes = read_file(disk);
  const Examination x = example(disk);
  const std::string page = page_of(x);
  CHECK(has(page, "<details class=\"finding\" id=\"F1\" data-grade=\"inferred\">"));
  CHECK(has(page, "data-sightings=\"0 1\""));
  CHECK(has(page, "8,192 + 96"));
  CHECK(has(page, x.sightings[1].sha256));
  const json data = json::parse(between(page, "id=\"sighting-data\">", "</script>"));
  CHECK(data["1"]["b"] == report::base64(bytes.substr(8192, 96)));
  CHECK(data["1"]["r"] == json::parse("[[\"disk\", 8192, 96]]"));
  CHECK(data["0"]["b"] == report::base64(bytes.substr(4096, 1024)));
}

TEST_CASE("without the evidence the page has all but the bytes") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  x.spaces.clear();
  const json data = json::parse(between(page_of(x), "id=\"sighting-data\">", "</script>"));
  CHECK(!data["1"].contains("b"));
  CHECK(data["1"]["h"] == x.sightings[1].sha256);
}

TEST_CASE("the page's data has every file, and of many sightings and bytes as many as it may") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  add_rows(x, 3000);
  x.sightings.resize(30'000, x.sightings[0]);
  for (std::uint32_t i = 4; i < x.sightings.size(); ++i) x.files[5 + i % 3000].sightings.push_back(i);
  const std::string page = page_of(x);
  CHECK(json::parse(between(page, "id=\"file-data\">", "</script>"))["files"].size() == x.files.size());
  const json data = json::parse(between(page, "id=\"sighting-data\">", "</script>"));
  CHECK(data.size() == 20'000);
  std::size_t bytes = 0;
  for (const json& sighting : data) bytes += sighting.contains("b") ? sighting["b"].get<std::string>().size() : 0;
  CHECK(bytes < 9 << 20);
  CHECK(bytes > 4 << 20);
}

TEST_CASE("a step without a time is in the picture and in the table") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  x.targets[0].story.resize(1);
  x.targets[0].story[0] = {};
  x.targets[0].story[0].what = "removed";
  x.targets[0].story[0].sources = {{"usn_journal", std::nullopt, true, "", {1}}};
  const std::string page = page_of(x);
  CHECK(count(page, "<circle") == 1);
  CHECK(has(page, "<td class=\"t\">time unknown</td><td><b>removed</b>"));
}

TEST_CASE("the health of each clock of sequence numbers is in the page: its ticks, span, contradictions and hold-out") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  const std::string page = page_of(x);
  const std::string_view row = between(page, "<table class=\"clocks\">", "</table>");
  for (const char* text : {"<td>LSN</td><td>sound</td>", "<td class=\"n\">300</td>", "2026-10-01&nbsp;00:00:00", "2026-11-03&nbsp;11:00:02",
                           "<td class=\"n\">280 of 281 (99.6&nbsp;%)</td>", "<td class=\"n\">0.01&nbsp;s</td>", "set back before 2000000",
                           "what is above 3000000 is of an earlier sequence"})
    CHECK_MESSAGE(has(row, text), text);
  x.volumes[0].clocks[0].sound = false;
  x.volumes[0].clocks[0].why_not = "3 dated records, too few <b>";
  const std::string other = page_of(x);
  CHECK(has(other, "<b>cannot tell</b>"));
  CHECK(has(other, "3 dated records, too few &lt;b&gt;"));
  x.volumes[0].clocks.clear();
  CHECK_FALSE(has(page_of(x), "class=\"clocks\""));
}

TEST_CASE("a step that only its sequence number places is in the picture where that is, and says by what") {
  const TempFolder temp;
  const std::string page = page_of(example(make_example_disk(temp)));
  CHECK(has(page, "by LSN 1048576: about"));
  CHECK(has(page, "<b>the numbers say otherwise</b>"));
  CHECK(count(page, "<circle") == 1);
}

TEST_CASE("an examination of nothing makes a page") {
  const std::string page = page_of({});
  CHECK(has(page, "No target was asked for."));
  CHECK(has(page, "</html>"));
}

TEST_CASE("each cell of the map is what most of its clusters are, with a line where some others have data") {
  const TempFolder folder;
  Examination x = example(make_example_disk(folder));
  ClusterMap& map = x.volumes.front().map;
  map.clusters = 2560;  // two a cell
  map.per_cell = 2;
  map.cells.resize(1280);
  for (auto& cell : map.cells) cell[ClusterMap::unmapped] = 2;
  map.cells[3] = {};
  map.cells[3][ClusterMap::not_free] = 2;
  map.cells[130] = {};  // row 1, column 2
  map.cells[130][ClusterMap::data] = map.cells[130][ClusterMap::not_free] = 1;
  x.files[2].streams[0].runs = {{0, 2558, 9, RunState::data, ""}, {9, 1, 2, RunState::zero, ""}};  // the first leaves the volume
  const std::string page = page_of(x);
  CHECK(has(page, "each cell 2 clusters, 8.0 KiB,"));
  CHECK(has(page, "<path class=\"m-not_free\" d=\"M27 0h9v14h-9zM18 16h9v14h-9z\"/>"));
  CHECK(has(page, "<path class=\"m-data\" d=\"M18 27h9v3h-9z\"/>"));
  CHECK(has(page, "<i class=\"k m-unmapped\"></i>free, unmapped by the container's table: discarded</li>"));
  CHECK(has(page, "<rect class=\"r-data\" x=\"1144\" y=\"145\""));
  CHECK(has(page, "from byte 0 of the volume: 1 zero<"));
  CHECK(has(page, "from byte 8,192 of the volume: 1 zero<"));
}

TEST_CASE("without a bitmap the map shows what is stored, and calls nothing free") {
  const TempFolder folder;
  const std::string page = page_of(example(make_example_disk(folder)));
  const std::string_view map = between(page, "<h4>Where it lies", "<h4>Clusters of the tree");
  CHECK(has(map, "<path class=\"m-stored\" d=\"M0 0h144v14h-144z\"/>"));  // 65,536 bytes are 16 clusters, each a cell
  CHECK(!has(map, "free"));
}
