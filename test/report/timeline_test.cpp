// The timeline's formats, by hand-made entries. What other programs read in them: timeline_readers_test.py.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "report/timeline/body.hpp"
#include "report/timeline/row.hpp"
#include "report/timeline/rows_text.hpp"
#include "report/timeline/sorter.hpp"
#include "report/timeline/timeline_file.hpp"
#include "report/timeline_example.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;
using namespace trimcarve::report;

namespace {

struct Told {
  FileTime time;
  Which which;
  std::string name;
  friend bool operator==(const Told&, const Told&) = default;
};

std::vector<Told> sorted(std::size_t budget, std::size_t entries, std::size_t& runs) {
  RowSorter sorter(budget);
  Sighting sighting;
  sighting.source = SourceKind::mft;
  sighting.has_standard_information = true;
  for (std::size_t i = 0; i < entries; ++i) {
    // Times that repeat, in no order; one of the four is not stated.
    const auto time = [i](std::uint64_t salt) { return FileTime{1 + ((i * 2'654'435'761U + salt * 97) >> 3) % 1000}; };
    sighting.standard_information = {time(1), time(2), i % 3 == 0 ? no_time : time(3), time(4)};
    const std::string name = "f" + std::to_string(i);
    TimelineEntry entry{.kind = EntryKind::standard_information, .sighting = &sighting};
    entry.file_name = name;
    entry.times = sighting.standard_information;
    sorter.add(entry);
  }
  std::vector<Told> out;
  sorter.each([&](const Row& row) { out.push_back({row.time, row.which, std::string(row.file_name)}); });
  runs = sorter.runs();
  CHECK(out.size() == sorter.rows());
  return out;
}

}  // namespace

TEST_CASE("rows come by time, those of one time as they were added, in memory or through a temporary file") {
  std::size_t none = 0, some = 0, many = 0;
  const auto in_memory = sorted(RowSorter::default_budget, 5000, none);
  const auto with_runs = sorted(std::size_t{1} << 20, 5000, some);
  const auto many_runs = sorted(20'000, 5000, many);
  CHECK(none == 0);
  CHECK(some >= 2);
  CHECK(many > 20);
  CHECK(in_memory.size() == 5000 * 4 - 1667);
  CHECK(in_memory == with_runs);
  CHECK(in_memory == many_runs);
  for (std::size_t i = 1; i < in_memory.size(); ++i) {
    REQUIRE(in_memory[i - 1].time <= in_memory[i].time);
    if (in_memory[i - 1].time == in_memory[i].time)
      REQUIRE(std::stoul(in_memory[i - 1].name.substr(1)) <= std::stoul(in_memory[i].name.substr(1)));
  }
}

TEST_CASE("a temporary folder that is not there is an output error, and nothing else") {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", "/no such folder", 1);
  std::size_t runs = 0;
  CHECK_THROWS_AS(sorted(20'000, 5000, runs), RunError);
  before == nullptr ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", kept.c_str(), 1);
}

TEST_CASE("times are written as to_iso8601 writes them, whatever was written before") {
  IsoTimes times;
  for (const std::uint64_t ticks :
       {std::uint64_t{1}, std::uint64_t{0}, std::uint64_t{133'884'888'172'481'093}, std::uint64_t{133'884'888'172'481'094},
        std::uint64_t{863'999'999'999}, std::uint64_t{864'000'000'000}, unix_epoch_ticks, ~std::uint64_t{0}}) {
    std::string out;
    times.append(out, FileTime{ticks});
    CHECK(out == to_iso8601(FileTime{ticks}));
  }
  CHECK(unix_microseconds(FileTime{unix_epoch_ticks}) == 0);
  CHECK(unix_microseconds(FileTime{unix_epoch_ticks + 19}) == 1);
  CHECK(unix_microseconds(FileTime{0}) == -11'644'473'600'000'000);
}

TEST_CASE("what is packed comes back") {
  test::TimelineExample example;
  for (const TimelineEntry& entry : example.entries()) {
    std::string bytes = "before";
    pack(entry, bytes);
    CHECK(packed_size(bytes.data() + 6) == bytes.size() - 6);
    const Row row = unpack(bytes.data() + 6);
    CHECK(row.directory == entry.directory);
    CHECK(row.file_name == entry.file_name);
    CHECK(row.name_hex == entry.file_name_hex);
    CHECK(row.facts.range == entry.range);
    CHECK(row.facts.reference == entry.reference);
    CHECK(row.facts.deleted == entry.deleted);
  }
}

TEST_CASE("a detail is cut between characters") {
  Sighting sighting;
  const std::string detail(longest_detail - 1, 'x');
  const std::string longer = detail + "\u00e9" + "y";
  TimelineEntry entry{.kind = EntryKind::deletion, .sighting = &sighting, .time = FileTime{5}, .detail = longer};
  std::string bytes;
  pack(entry, bytes);
  CHECK(unpack(bytes.data()).detail == detail);
}

TEST_CASE("a body line is what mactime and plaso take") {
  test::TimelineExample example;
  std::string plain, tsk;
  const TimelineEntry& record = example.entries().front();
  CHECK(append_body_lines(plain, record, BodyStyle::plain) == 2);  // the file and its named stream
  append_body_lines(tsk, record, BodyStyle::sleuthkit);
  // 2020-01-02 03:04:05.0000001 and the three seconds behind it; 40-3.
  CHECK(
      plain.substr(0, plain.find('\n')) ==
      "0|/Packages/a\\|b%41\\x0a=1.ps1|844424930132008|r/rrwxrwxrwx|0|0|12|1577934248.000000100|1577934246.000000100|1577934247.000000100|"
      "1577934245.000000100");
  CHECK(tsk.substr(0, tsk.find('\n')) ==
        "0|/Packages/a%7Cb%2541%0A=1.ps1|40-128-3|r/rrwxrwxrwx|0|0|12|1577934248|1577934246|1577934247|1577934245");
  CHECK(plain.find("=1.ps1:Zone.Identifier|") != std::string::npos);
}

TEST_CASE("only csv, jsonl, body and sqlite are formats") {
  CHECK(timeline_format("csv") == TimelineFormat::csv);
  CHECK(timeline_format_of_file("/x.y/a.jsonl") == TimelineFormat::jsonl);
  CHECK(timeline_format_of_file("a.db") == TimelineFormat::sqlite);
  CHECK_FALSE(timeline_format("db"));
  CHECK_FALSE(timeline_format_of_file("a.txt"));
  CHECK_FALSE(timeline_format_of_file("csv"));
}
