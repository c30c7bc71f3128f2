// States of runs and streams on a small volume: mkntfs's, in memory, with clusters filled by hand. Expectations follow from what was put
// into the clusters; that the others are free or allocated is $Bitmap's word, as mkntfs wrote it.
#include "history/content.hpp"

#include <doctest/doctest.h>

#include "history/small_volume.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

TEST_CASE("data in free clusters that nobody else claims is recovered, to the byte") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 3);
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 3}}, 2 * cluster + 10));
  CHECK(report.state == ContentState::recovered);
  REQUIRE(report.parts.size() == 1);
  CHECK(report.parts[0].length == 2 * cluster + 10);
  CHECK(report.parts[0].ranges == std::vector<Range>{{disk_space, f.free * cluster, 2 * cluster + 10}});
  CHECK(report.parts[0].sha256 == report.sha256);
}

TEST_CASE("zeros are never recovered, and what is between them comes back as parts of its own") {
  SmallVolume f;
  if (!f.ready()) return;
  const auto run = static_cast<std::int64_t>(f.free);
  CHECK(f.judge(plain({{0, run, 4}}, 4 * cluster)).state == ContentState::zeroed);
  f.fill(f.free + 1, 1);
  f.fill(f.free + 3, 1);
  const auto report = f.judge(plain({{0, run, 4}}, 3 * cluster + 100));
  CHECK(report.state == ContentState::partial);
  CHECK(states(report) == std::vector{RunState::zero, RunState::data, RunState::zero, RunState::data});
  REQUIRE(report.parts.size() == 2);
  CHECK(report.parts[0].file_offset == cluster);
  CHECK(report.parts[0].length == cluster);
  CHECK(report.parts[1].file_offset == 3 * cluster);
  CHECK(report.parts[1].length == 100);
  CHECK(report.sha256.empty());
}

TEST_CASE("an allocated cluster is reallocated, to whom as far as a live record says") {
  SmallVolume f;
  if (!f.ready()) return;
  const auto mft = static_cast<std::int64_t>(f.volume->geometry().mft_lcn);
  const auto nobody = f.judge(plain({{0, mft, 1}}, cluster));
  CHECK(nobody.state == ContentState::reallocated);
  CHECK(nobody.runs[0].owner == "allocated in $Bitmap; no record in use claims it");
  f.claim(ref(41, 1), true, f.volume->geometry().mft_lcn, 1, 10);
  CHECK(f.judge(plain({{0, mft, 1}}, cluster)).runs[0].owner == "41");
}

TEST_CASE("what a live record claims is its own, though $Bitmap lags behind") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 1);
  f.claim(ref(41, 1), true, f.free, 1, 10);  // an older record than the deleted file's: live all the same
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 1}}, cluster));
  CHECK(report.state == ContentState::reallocated);
}

TEST_CASE("of two deleted files the later one had the cluster last; where that is not known neither is believed") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 4);
  f.claim(ref(41, 1), false, f.free + 1, 1, 90);
  const auto stream = plain({{0, static_cast<std::int64_t>(f.free), 4}}, 4 * cluster);
  const auto older = f.judge(stream);
  CHECK(states(older) == std::vector{RunState::data, RunState::contested, RunState::data});
  CHECK(older.state == ContentState::partial);
  CHECK(older.runs[1].owner == "41");
  CHECK(f.judge(stream, false, 100).state == ContentState::recovered);
  const auto unknown = f.judge(stream, false, 0);
  CHECK(unknown.runs.at(1).state == RunState::contested);
  CHECK(unknown.runs.at(1).owner.find("not known") != std::string::npos);
}

TEST_CASE("clusters that too many records claim are not called anyone's") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  for (std::uint64_t entry = 100; entry < 100 + history::ClusterOwners::most_claims + 1; ++entry)
    f.claim(ref(entry, 1), false, f.free + 1, 1, 10);
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 2}}, 2 * cluster));
  CHECK(states(report) == std::vector{RunState::data, RunState::contested});
}

TEST_CASE(
    "what a container says of a stretch without bytes is evidence, a hole of the file is a zero of unknown cause; what cannot be read is "
    "unreadable") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 7);
  f.disk->special = {{f.free * cluster, cluster, ExtentKind::hole},
                     {(f.free + 1) * cluster, cluster, ExtentKind::unmapped},
                     {(f.free + 2) * cluster, cluster, ExtentKind::container_zero},
                     {(f.free + 3) * cluster, cluster, ExtentKind::not_present},
                     {(f.free + 4) * cluster, cluster, ExtentKind::undefined},
                     {(f.free + 5) * cluster, cluster, ExtentKind::unreadable}};
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 7}}, 7 * cluster));
  CHECK(states(report) == std::vector{RunState::zero, RunState::unmapped, RunState::container_hole, RunState::container_hole,
                                      RunState::container_hole, RunState::unreadable, RunState::data});
  std::vector<std::string> blocks;
  for (const RunReport& run : report.runs) blocks.push_back(run.block);
  CHECK(blocks == std::vector<std::string>{"", "unmapped", "zero", "not_present", "undefined", "", ""});
}

TEST_CASE("a cluster of which one sector cannot be read is unreadable") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  f.disk->special = {{f.free * cluster + 512, 512, ExtentKind::unreadable}};
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 2}}, 2 * cluster));
  CHECK(states(report) == std::vector{RunState::unreadable, RunState::data});
}

TEST_CASE("sparse runs have no cluster; what lies beyond the valid size was never written and does not come back") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 4);
  auto stream = plain({{0, static_cast<std::int64_t>(f.free), 1}, {1, -1, 2}, {3, static_cast<std::int64_t>(f.free + 1), 3}}, 6 * cluster);
  stream.valid_size = 4 * cluster;
  const auto report = f.judge(stream);
  CHECK(states(report) == std::vector{RunState::data, RunState::sparse, RunState::data, RunState::beyond_valid});
  CHECK(report.state == ContentState::partial);
  REQUIRE(report.parts.size() == 1);
  CHECK(report.parts[0].length == 4 * cluster);
}

TEST_CASE("without the first extent the clusters still count, and are not cut to a size that nobody stated") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  history::StreamPieces stream;
  stream.runs = {{10, static_cast<std::int64_t>(f.free), 2}};
  const auto report = f.judge(stream);
  CHECK(report.state == ContentState::partial);
  CHECK(states(report) == std::vector{RunState::data});
  REQUIRE(report.parts.size() == 1);
  CHECK(report.parts[0].file_offset == 10 * cluster);
  CHECK(report.parts[0].length == 2 * cluster);
}

TEST_CASE("a compressed unit comes back alone when its neighbour was zeroed") {
  SmallVolume f;
  if (!f.ready()) return;
  // Two units of 16 clusters, each stored plainly in 16: a unit without sparse clusters is not compressed (LZNT1's rule in NTFS).
  f.fill(f.free + 16, 16);
  auto stream = plain({{0, static_cast<std::int64_t>(f.free), 32}}, 32 * cluster);
  stream.compressed = true;
  stream.compression_unit_log2 = 4;
  const auto report = f.judge(stream);
  CHECK(report.state == ContentState::partial);
  REQUIRE(report.parts.size() == 1);
  CHECK(report.parts[0].file_offset == 16 * cluster);
  CHECK(report.parts[0].length == 16 * cluster);
}

TEST_CASE("run lists out of garbage end soon: beyond the volume, over and over, of absurd length") {
  SmallVolume f;
  if (!f.ready()) return;
  const std::uint64_t clusters = f.volume->clusters();
  const auto beyond = f.judge(plain({{0, static_cast<std::int64_t>(clusters) + 5, std::uint64_t{1} << 60}}, cluster));
  CHECK(beyond.state == ContentState::unreadable);
  const auto sparse = f.judge(plain({{0, -1, std::uint64_t{1} << 62}}, std::uint64_t{1} << 62));
  CHECK(sparse.state == ContentState::none);
  f.left = 100;
  f.fill(f.free, 1);
  const auto spent = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 150}}, 150 * cluster));
  CHECK(spent.runs.back().state == RunState::unreadable);
  CHECK(spent.runs.back().clusters == 50);
  CHECK(f.left == 0);
}

TEST_CASE("a live file that is large is not read") {
  SmallVolume f;
  if (!f.ready()) return;
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 1}}, history::largest_live_read + 1), true);
  CHECK(report.state == ContentState::unknown);
  CHECK(report.runs.empty());
}

TEST_CASE("extents of a stream are joined from all its records in the order of their clusters") {
  Sighting base = record(ref(40, 1), false, false, {});
  base.runs = {{0, 10, 2}};
  base.streams.push_back({.size = 9000, .valid_size = 9000, .run_count = 1});
  Sighting extension = record(ref(41, 1), false, false, {});
  extension.runs = {{2, 50, 1}};
  extension.streams.push_back({.start_vcn = 2, .run_count = 1});
  const std::vector<Sighting> all{extension, base};
  const std::vector<std::uint32_t> mine{0, 1};
  const auto streams = history::join_streams(all, mine);
  REQUIRE(streams.size() == 1);
  CHECK(streams[0].first_extent_seen);
  CHECK(streams[0].size == 9000);
  REQUIRE(streams[0].runs.size() == 2);
  CHECK(streams[0].runs[0].lcn == 10);
  CHECK(streams[0].runs[1].lcn == 50);
}
