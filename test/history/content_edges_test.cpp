// What no plain run of clusters shows: content in the record, sizes and run lists that are not whole, the age of two claims, damage in a
// compressed unit, and lengths that nobody can read. Expectations follow from what was put where (hand-made); the volume is mkntfs's.
#include <doctest/doctest.h>

#include "history/content.hpp"
#include "history/small_volume.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

history::StreamPieces resident(std::uint64_t offset_in_mft, std::uint64_t length) {
  history::StreamPieces stream;
  stream.resident = stream.first_extent_seen = true;
  stream.size = stream.valid_size = length;
  stream.content = {StreamKind::mft, 0, offset_in_mft, length};
  return stream;
}

}  // namespace

TEST_CASE("content in the record comes back from the record, and its range is where the record lies") {
  SmallVolume f;
  if (!f.ready()) return;
  // Every file record begins with "FILE"; `printf FILE | sha256sum` says the hash.
  const auto report = f.judge(resident(std::uint64_t{3} * f.volume->record_size(), 4));
  CHECK(report.state == ContentState::recovered);
  CHECK(report.sha256 == "9ef2faffd23e7fdda264eeeb3114357fcb304142506cbb023c2894ac10f71654");
  REQUIRE(report.parts.size() == 1);
  CHECK(report.parts[0].source == "record");
  CHECK(report.parts[0].ranges ==
        std::vector<Range>{{disk_space, f.volume->geometry().mft_lcn * cluster + std::uint64_t{3} * f.volume->record_size(), 4}});
}

TEST_CASE("content in the record is zeroed, unreadable or empty like any other") {
  SmallVolume f;
  if (!f.ready()) return;
  const std::uint64_t record = f.volume->record_size();
  const std::uint64_t slack = 3 * record + record - 60;  // behind the record's end, before its last update sequence value
  CHECK(f.judge(resident(slack, 20)).state == ContentState::zeroed);
  CHECK(f.judge(resident(f.volume->record_count() * record + 100, 20)).state == ContentState::unreadable);
  CHECK(f.judge(resident(3 * record, 0)).state == ContentState::none);
}

TEST_CASE("a stream out of a torn record says so beside what came back") {
  SmallVolume f;
  if (!f.ready()) return;
  auto stream = resident(3 * std::uint64_t{f.volume->record_size()}, 4);
  stream.integrity = Integrity::torn;
  const auto report = f.judge(stream);
  CHECK(report.state == ContentState::recovered);
  CHECK(report.why.find("torn") != std::string::npos);
}

TEST_CASE("a stream of no bytes is empty, one without a run is lost, one that was never written holds nothing") {
  SmallVolume f;
  if (!f.ready()) return;
  CHECK(f.judge(plain({}, 0)).state == ContentState::none);
  const auto lost = f.judge(plain({}, 5000));
  CHECK(lost.state == ContentState::unknown);
  CHECK(lost.why == "its run list is lost");
  auto unwritten = plain({{0, static_cast<std::int64_t>(f.free), 2}}, 5000);
  unwritten.valid_size = 0;
  const auto report = f.judge(unwritten);
  CHECK(report.state == ContentState::none);
  CHECK(states(report) == std::vector{RunState::beyond_valid});
}

TEST_CASE("data whose run list is not whole is partial: a hole in the list, a missing end, a list that ended early") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 8);
  const auto run = static_cast<std::int64_t>(f.free);
  const auto hole = f.judge(plain({{0, run, 2}, {4, run + 2, 2}}, 6 * cluster));
  CHECK(hole.state == ContentState::partial);
  REQUIRE(hole.parts.size() == 2);
  CHECK(hole.parts[1].file_offset == 4 * cluster);
  CHECK(hole.why.find("run list is not whole") != std::string::npos);
  const auto end = f.judge(plain({{0, run, 2}}, 6 * cluster));
  CHECK(end.state == ContentState::partial);
  CHECK(end.sha256.empty());
  auto early = plain({{0, run, 2}}, 2 * cluster);
  early.complete = false;
  CHECK(f.judge(early).state == ContentState::partial);
}

TEST_CASE("data up to the valid size is all that was ever written: partial, and the rest is not made up") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 4);
  auto stream = plain({{0, static_cast<std::int64_t>(f.free), 4}}, 4 * cluster);
  stream.valid_size = cluster + 7;
  const auto report = f.judge(stream);
  CHECK(report.state == ContentState::partial);
  CHECK(states(report) == std::vector{RunState::data, RunState::beyond_valid});
  REQUIRE(report.parts.size() == 1);
  CHECK(report.parts[0].length == cluster + 7);
}

TEST_CASE("clusters that only a later deleted file can have written are overwritten") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  f.claim(ref(41, 1), false, f.free, 2, 90);
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 2}}, 2 * cluster));
  CHECK(report.state == ContentState::overwritten);
  CHECK(report.parts.empty());
}

TEST_CASE("without LSNs the later creation tells which of two deleted files had the clusters last") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  f.claim(ref(41, 1), false, f.free, 2, 0);
  f.created[41] = FileTime{500};
  const auto stream = plain({{0, static_cast<std::int64_t>(f.free), 2}}, 2 * cluster);
  CHECK(f.judge(stream, false, 0, FileTime{400}).state == ContentState::overwritten);
  CHECK(f.judge(stream, false, 0, FileTime{600}).state == ContentState::recovered);
  const auto same = f.judge(stream, false, 0, FileTime{500});
  CHECK(states(same) == std::vector{RunState::contested});
  CHECK(same.runs[0].owner.find("not known") != std::string::npos);
}

TEST_CASE("the state of a file without data is that of most of its clusters") {
  SmallVolume f;
  if (!f.ready()) return;
  const auto run = static_cast<std::int64_t>(f.free), mft = static_cast<std::int64_t>(f.volume->geometry().mft_lcn);
  CHECK(f.judge(plain({{0, mft, 1}, {1, run, 2}}, 3 * cluster)).state == ContentState::zeroed);
  CHECK(f.judge(plain({{0, mft, 2}, {2, run, 1}}, 3 * cluster)).state == ContentState::reallocated);
}

TEST_CASE("a live file is read where it lies: $Bitmap and other claims are not asked") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  f.claim(ref(41, 1), false, f.free, 2, 90);
  CHECK(f.judge(plain({{0, static_cast<std::int64_t>(f.free), 2}}, 2 * cluster), true).state == ContentState::recovered);
}

TEST_CASE("of a compressed stream the units before and behind a damaged one come back") {
  SmallVolume f;
  if (!f.ready()) return;
  // Three units: plain, one cluster of garbage with a sparse tail (so compressed, and no LZNT1: its first chunk header 0xA5A5 asks for
  // more bytes than its tokens give), plain.
  f.fill(f.free, 33, 0x11);
  f.fill(f.free + 16, 1, 0xFF);
  const auto run = static_cast<std::int64_t>(f.free);
  auto stream = plain({{0, run, 17}, {17, -1, 15}, {32, run + 17, 16}}, 48 * cluster);
  stream.compressed = true;
  stream.compression_unit_log2 = 4;
  const auto report = f.judge(stream);
  CHECK(report.state == ContentState::partial);
  REQUIRE(report.parts.size() == 2);
  CHECK(report.parts[0].file_offset == 0);
  CHECK(report.parts[0].length == 16 * cluster);
  CHECK(report.parts[1].file_offset == 32 * cluster);
  CHECK(report.parts[1].length == 16 * cluster);
}

TEST_CASE("a sparse stretch of absurd length is told, not read: what holds data comes back beside it") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  constexpr std::uint64_t absurd = std::uint64_t{1} << 48;  // clusters
  const auto run = static_cast<std::int64_t>(f.free);
  for (const bool compressed : {false, true}) {
    auto stream = plain({{0, run, 1}, {1, -1, absurd}, {absurd + 1, run + 1, 1}}, (absurd + 2) * cluster);
    if (compressed) {
      stream = plain({{0, run, 16}, {16, -1, absurd}}, (absurd + 16) * cluster);
      f.fill(f.free, 16);
      stream.compressed = true;
      stream.compression_unit_log2 = 4;
    }
    const auto report = f.judge(stream);
    CHECK(report.state == ContentState::partial);
    CHECK(report.sha256.empty());
    REQUIRE(report.parts.size() == (compressed ? 1 : 2));
    CHECK(report.parts[0].length == (compressed ? 16 : 1) * cluster);
    CHECK(report.parts.back().file_offset == (compressed ? 0 : (absurd + 1) * cluster));
    CHECK(report.why.find("sparse") != std::string::npos);
  }
}

TEST_CASE("more than 1 GiB of sparse stretches is not written out, even where the budget would allow it") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 1);
  constexpr std::uint64_t two_gib = (std::uint64_t{2} << 30) / cluster;
  REQUIRE(f.left > two_gib);
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 1}, {1, -1, two_gib}}, (1 + two_gib) * cluster));
  CHECK(report.state == ContentState::partial);
  REQUIRE(report.parts.size() == 1);
  CHECK(report.parts[0].length == cluster);
}

TEST_CASE("a small sparse stretch is part of the content") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  const auto run = static_cast<std::int64_t>(f.free);
  const auto report = f.judge(plain({{0, run, 1}, {1, -1, 3}, {4, run + 1, 1}}, 5 * cluster));
  CHECK(report.state == ContentState::recovered);
  REQUIRE(report.parts.size() == 1);
  CHECK(report.parts[0].length == 5 * cluster);
}

TEST_CASE("runs of 2^48 clusters inside and beyond the volume end at once") {
  SmallVolume f;
  if (!f.ready()) return;
  constexpr std::uint64_t absurd = std::uint64_t{1} << 48;
  f.fill(f.free, 1);
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), absurd}}, absurd * cluster));
  CHECK(report.state == ContentState::partial);
  CHECK(report.runs.front().state == RunState::data);
  CHECK(report.runs.back().state == RunState::unreadable);
  CHECK(report.runs.back().owner == "beyond the volume");
  CHECK(report.runs.back().vcn + report.runs.back().clusters == absurd);
}

TEST_CASE("a live file whose sizes are lost is not read when its runs are larger than what is read of live files") {
  SmallVolume f;
  if (!f.ready()) return;
  // Two extents that both claim the whole volume: together more than the limit.
  history::StreamPieces stream;
  const std::uint64_t all = f.volume->clusters();
  REQUIRE(2 * all * cluster > history::largest_live_read);
  stream.runs = {{10, 0, all}, {10 + all, 0, all}};
  const auto report = f.judge(stream, true);
  CHECK(report.state == ContentState::unknown);
  CHECK(report.parts.empty());
}

TEST_CASE("clusters of live files and sparse stretches that are written out count against what may be looked at") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 4);
  const auto run = static_cast<std::int64_t>(f.free);
  f.left = 5;
  CHECK(f.judge(plain({{0, run, 3}}, 3 * cluster), true).state == ContentState::recovered);
  CHECK(f.left == 2);
  CHECK(f.judge(plain({{0, run, 1}, {1, -1, 3}}, 4 * cluster)).state == ContentState::partial);  // its 3 sparse clusters are too many
  CHECK(f.left == 1);
  const auto repeated = f.judge(plain({{0, run, 2}}, 2 * cluster), true);
  CHECK(states(repeated) == std::vector{RunState::data, RunState::unreadable});
}
