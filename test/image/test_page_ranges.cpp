// Azure's listing of a page blob's ranges beside the blob: what it says, and what happens when it does not fit.
//
// What vouches: the REST documentation of Get Page Ranges (XML: PageList, PageRange and ClearRange with inclusive End, NextMarker), and the
// SDKs' documented classes: Python PageRange(start, end, cleared), .NET HttpRange(offset, length), PowerShell's StartOffset and EndOffset.
#include "chain_builder.hpp"
#include "image/open.hpp"
#include "image/page_ranges.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;
using image::PageInterval;

namespace {

using Intervals = std::vector<PageInterval>;

Result<image::PageList> parse(std::string_view text) { return image::parse_page_ranges(std::as_bytes(std::span(text))); }
std::string why(std::string_view text) {
  const auto list = parse(text);
  return list ? std::string() : list.error().what;
}

}  // namespace

TEST_CASE("the answer of Get Page Ranges is read, joined and put in order") {
  const auto list = parse(R"(<?xml version="1.0" encoding="utf-8"?>
<PageList><PageRange><Start>1024</Start><End>2047</End></PageRange>
<PageRange>
  <Start> 0 </Start><End>511</End></PageRange><PageRange><Start>512</Start><End>1023</End></PageRange><NextMarker /></PageList>)");
  REQUIRE(list.has_value());
  CHECK(list->stored == Intervals{{0, 2048}});
  CHECK(list->cleared.empty());
  CHECK(list->known_until == ~0ULL);
  const auto none = parse("\xEF\xBB\xBF<PageList/>");
  REQUIRE(none.has_value());
  CHECK(none->stored.empty());
}

TEST_CASE("one part of a longer answer says nothing beyond its last range, the difference of two snapshots only what was cleared") {
  const auto part = parse("<PageList><PageRange><Start>0</Start><End>511</End></PageRange><NextMarker>2!92!</NextMarker></PageList>");
  REQUIRE(part.has_value());
  CHECK(part->known_until == 512);
  const auto difference = parse(
      "<PageList><PageRange><Start>0</Start><End>511</End></PageRange><ClearRange><Start>1024</Start><End>2047</End></ClearRange></"
      "PageList>");
  REQUIRE(difference.has_value());
  CHECK(difference->cleared == Intervals{{1024, 2048}});
  CHECK(difference->known_until == 0);
}

TEST_CASE("what SDKs and PowerShell print of the ranges is read") {
  const Intervals expected{{0, 512}, {4096, 8192}};
  std::string utf16 = "\xFF\xFE";
  for (const char c : std::string_view(R"([{"StartOffset":0,"EndOffset":511},{"StartOffset":4096,"EndOffset":8191}])")) utf16 += {c, '\0'};
  for (const std::string_view text : {
           std::string_view(R"([{"start":0,"end":511},{"start":4096,"end":8191}])"),
           std::string_view(R"({"pageRanges":[{"start":0,"end":511},{"start":"4096","end":"8191"}]})"),
           std::string_view(R"({"PageRanges":[{"Offset":0,"Length":512},{"Offset":4096,"Length":4096}],"ClearRanges":[]})"),
           std::string_view(R"({"pageRange":[{"offset":0,"count":512},{"offset":4096,"count":4096}]})"),
           std::string_view(R"([[{"start":0,"end":511},{"start":4096,"end":8191}],[]])"),
           std::string_view(R"([{"range":{"offset":0,"length":512},"clear":false},{"range":{"offset":4096,"length":4096},"clear":false}])"),
           std::string_view(utf16),
       }) {
    CAPTURE(text);
    const auto list = parse(text);
    REQUIRE(list.has_value());
    CHECK(list->stored == expected);
    CHECK(list->cleared.empty());
  }
  const auto cleared = parse(R"([{"start":0,"end":511},{"start":1024,"end":2047,"cleared":true}])");
  REQUIRE(cleared.has_value());
  CHECK(cleared->cleared == Intervals{{1024, 2048}});
  CHECK(cleared->known_until == 0);
}

TEST_CASE("what is no listing is refused with its reason") {
  CHECK(why("") == "it is empty");
  CHECK(why("hello").find("no whole JSON") != std::string::npos);
  CHECK(why("{}").find("without page ranges") != std::string::npos);
  CHECK(why("[1,2]").find("no range") != std::string::npos);
  CHECK(why(R"([{"start":0,"end":512}])").find("whole pages") != std::string::npos);
  CHECK(why(R"([{"start":100,"end":511}])").find("whole pages") != std::string::npos);
  CHECK(why(R"([{"start":512,"end":511}])").find("whole pages") != std::string::npos);
  CHECK(why(R"([{"start":0}])").find("without an end") != std::string::npos);
  CHECK(why(R"([{"start":0,"end":511},{"start":"x","end":1023}])").find("whose start is no number") != std::string::npos);
  CHECK(why(R"([{"start":0,"end":511},{"start":null,"end":1023}])").find("whose start is no number") != std::string::npos);
  CHECK(why(R"([{"start":0,"end":511},{"start":-512,"end":1023}])").find("whose start is no number") != std::string::npos);
  CHECK(why("<PageList><PageRange><Start>x</Start><End>511</End></PageRange></PageList>").find("without Start and End") !=
        std::string::npos);
  CHECK(why(R"([{"start":0,"end":18446744073709551615}])").find("without an end") != std::string::npos);
  CHECK(why("<PageList><PageRange><Start>0</Start></PageRange></PageList>").find("without Start and End") != std::string::npos);
  CHECK(why("<Error><Code>AuthenticationFailed</Code></Error>").find("no PageList") != std::string::npos);
  CHECK(why("<PageList><PageRange>").find("line 1") != std::string::npos);
  CHECK_FALSE(why(R"(<!DOCTYPE a [<!ENTITY b "c">]><PageList/>)").empty());
}

TEST_CASE("in a fixed VHD a page that the listing leaves out is not present, and one with data is data all the same") {
  const TemporaryFolder folder;
  constexpr std::size_t size = 8 << 20;
  Bytes file(size);
  std::ranges::copy(pattern(4096, 1), file.begin());             // listed
  std::ranges::copy(pattern(512, 2), file.begin() + (1 << 20));  // not listed, but there
  const Bytes footer = vhd_footer(2, size);
  file.insert(file.end(), footer.begin(), footer.end());
  write_file(folder / "os.vhd", file);
  const std::string listing = R"([{"start":0,"end":8191},{"start":4194304,"end":4198399},{"start":8388608,"end":8389119}])";
  write_file(folder / "pages.json", std::as_bytes(std::span(listing)));
  const auto disk = open_image({folder / "os.vhd"}, {.page_ranges = folder / "pages.json"});
  CHECK(disk.info.page_ranges == folder / "pages.json");
  CHECK(has_warning(disk.warnings, "page_ranges_contradicted"));
  std::vector<Extent> empty;
  for (const Extent& e : disk.source->extents(0, size))
    if (e.kind == ExtentKind::not_present) empty.push_back(e);
  CHECK(empty == std::vector<Extent>{{8192, (1 << 20) - 8192, ExtentKind::not_present},
                                     {(1 << 20) + 512, (3 << 20) - 512, ExtentKind::not_present},
                                     {(4 << 20) + 4096, (4 << 20) - 4096, ExtentKind::not_present}});
  Bytes out(512);
  REQUIRE(disk.source->read_at(1 << 20, out).has_value());
  CHECK(out == pattern(512, 2));

  std::ranges::fill(std::span(file).subspan(1 << 20, 512), std::byte{0});
  write_file(folder / "os.vhd", file);
  CHECK(open_image({folder / "os.vhd"}, {.page_ranges = folder / "pages.json"}).warnings.empty());
  const std::string cleared = R"({"pageRanges":[],"clearRanges":[{"start":1048576,"end":2097151}]})";
  write_file(folder / "pages.json", std::as_bytes(std::span(cleared)));
  const auto later = open_image({folder / "os.vhd"}, {.page_ranges = folder / "pages.json"});
  CHECK(later.source->extents(1 << 20, 1 << 20) == std::vector<Extent>{{1 << 20, 1 << 20, ExtentKind::unmapped}});
  for (const Extent& e : later.source->extents(0, size)) CHECK(e.kind != ExtentKind::not_present);
}

TEST_CASE("a listing cannot apply to a container of blocks, and one that is none is refused by name") {
  const TemporaryFolder folder;
  write_file(folder / "d.vhd", dynamic_vhd(2 << 20, {pattern(2 << 20, 1)}));
  const std::string listing = "[]";
  write_file(folder / "pages.json", std::as_bytes(std::span(listing)));
  try {
    (void)open_image({folder / "d.vhd"}, {.page_ranges = folder / "pages.json"});
    FAIL("it was taken");
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::usage);
    CHECK(std::string(error.what()).find("is vhd dynamic") != std::string::npos);
  }
  write_file(folder / "pages.json", pattern(100));
  write_file(folder / "raw.dd", pattern(4096));
  try {
    (void)open_image({folder / "raw.dd"}, {.page_ranges = folder / "pages.json"});
    FAIL("it was taken");
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::input);
    CHECK(std::string(error.what()).find("pages.json: not a page listing") != std::string::npos);
  }
}
