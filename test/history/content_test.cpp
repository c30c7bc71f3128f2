// States of runs and streams on a small volume: mkntfs's, in memory, with clusters filled by hand. Expectations follow from what was put
// into the clusters; that the others are free or allocated is $Bitmap's word, as mkntfs wrote it.
#include "history/content.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>

#include "history/sightings.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

constexpr std::uint64_t cluster = 4096;

class Disk final : public ByteSource {
 public:
  std::vector<std::byte> bytes;
  std::vector<Extent> special;  // in order

  std::uint64_t size() const noexcept override { return bytes.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes, offset, out.size())) return fail("past the end");
    for (const Extent& e : special)
      if (e.kind == ExtentKind::unreadable && e.offset < offset + out.size() && offset < e.offset + e.length) return fail("bad sector");
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> out;
    const std::uint64_t end = std::min<std::uint64_t>(offset + length, bytes.size());
    for (std::uint64_t at = offset; at < end;) {
      const auto here = std::ranges::find_if(special, [&](const Extent& e) { return at < e.offset + e.length; });
      const bool inside = here != special.end() && here->offset <= at;
      const std::uint64_t next = std::min(end, here == special.end() ? end : inside ? here->offset + here->length : here->offset);
      out.push_back({at, next - at, inside ? here->kind : ExtentKind::data});
      at = next;
    }
    return out;
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return {{disk_space, offset, length}}; }
};

// Nothing when mkntfs is not installed.
std::optional<std::vector<std::byte>> make_volume() {
  const auto path = std::filesystem::temp_directory_path() / ("content_test_" + std::to_string(std::random_device{}()) + ".img");
  std::ofstream(path).close();
  std::filesystem::resize_file(path, 16 << 20);
  const std::string command = "PATH=$PATH:/usr/sbin:/sbin; mkntfs -q -F -Q -c 4096 '" + path.string() + "' >/dev/null 2>&1";
  const bool made = std::system(command.c_str()) == 0;
  std::vector<std::byte> out;
  if (made) {
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::ranges::transform(text, std::back_inserter(out), [](char c) { return static_cast<std::byte>(c); });
  }
  std::filesystem::remove(path);
  return made ? std::optional(std::move(out)) : std::nullopt;
}

struct Fixture {
  std::shared_ptr<Disk> disk = std::make_shared<Disk>();
  std::optional<ntfs::Volume> volume;
  history::Graph graph{ntfs::UpCase(), 64};
  std::uint64_t free = 0;  // the first of many free clusters
  bool holes_speak = false;
  std::uint64_t left = 1 << 20;

  bool ready() {
    auto bytes = make_volume();
    if (!bytes) {
      MESSAGE("skipped: mkntfs is not installed");
      return false;
    }
    disk->bytes = std::move(*bytes);
    volume = std::move(*ntfs::open_volume(disk));
    for (auto run = volume->bitmap().next_free(0); run; run = volume->bitmap().next_free(run->lcn + run->clusters))
      if (run->clusters > 200) free = run->lcn;
    REQUIRE(free != 0);
    return true;
  }
  void fill(std::uint64_t lcn, std::uint64_t clusters, unsigned char value = 0xA5) {
    std::fill_n(disk->bytes.begin() + static_cast<std::ptrdiff_t>(lcn * cluster), clusters * cluster, std::byte{value});
  }
  // A record that claims clusters.
  void claim(FileReference reference, bool in_use, std::uint64_t lcn, std::uint64_t clusters, std::uint64_t lsn) {
    Sighting s = record(reference, in_use, false, {{u"other", root}});
    s.runs.push_back({0, static_cast<std::int64_t>(lcn), clusters});
    s.streams.push_back({.run_count = 1});
    graph.add(s);
    lsns[static_cast<std::uint32_t>(reference.entry())] = lsn;
  }
  std::map<std::uint32_t, std::uint64_t> lsns;

  StreamReport judge(const history::StreamPieces& stream, bool live = false, std::uint64_t lsn = 50) {
    graph.finish();
    std::vector<history::Claim> wanted;
    for (const RunFact& run : stream.runs)
      if (run.lcn >= 0)
        wanted.push_back(
            {static_cast<std::uint64_t>(run.lcn), static_cast<std::uint32_t>(std::min<std::uint64_t>(run.clusters, 1 << 30)), 0});
    const history::ClusterOwners owners(graph, std::move(wanted));
    const history::ContentContext context{*volume,
                                          owners,
                                          holes_speak,
                                          [this](std::uint32_t entry) {
                                            return history::Owner{.live = graph.record(entry) != nullptr && graph.record(entry)->in_use,
                                                                  .lsn = lsns[entry]};
                                          },
                                          [](std::uint32_t entry) { return std::to_string(entry); },
                                          &left};
    return history::judge_stream(context, {.reference = ref(40, 1), .live = live, .lsn = lsn}, stream);
  }
};

history::StreamPieces plain(std::vector<RunFact> runs, std::uint64_t size) {
  history::StreamPieces stream;
  stream.first_extent_seen = true;
  stream.size = stream.valid_size = size;
  stream.runs = std::move(runs);
  return stream;
}

std::vector<RunState> states(const StreamReport& report) {
  std::vector<RunState> out;
  for (const RunReport& run : report.runs) out.push_back(run.state);
  return out;
}

}  // namespace

TEST_CASE("data in free clusters that nobody else claims is recovered, to the byte") {
  Fixture f;
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
  Fixture f;
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
  Fixture f;
  if (!f.ready()) return;
  const auto mft = static_cast<std::int64_t>(f.volume->geometry().mft_lcn);
  const auto nobody = f.judge(plain({{0, mft, 1}}, cluster));
  CHECK(nobody.state == ContentState::reallocated);
  CHECK(nobody.runs[0].owner == "allocated in $Bitmap; no record in use claims it");
  f.claim(ref(41, 1), true, f.volume->geometry().mft_lcn, 1, 10);
  CHECK(f.judge(plain({{0, mft, 1}}, cluster)).runs[0].owner == "41");
}

TEST_CASE("what a live record claims is its own, though $Bitmap lags behind") {
  Fixture f;
  if (!f.ready()) return;
  f.fill(f.free, 1);
  f.claim(ref(41, 1), true, f.free, 1, 10);  // an older record than the deleted file's: live all the same
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 1}}, cluster));
  CHECK(report.state == ContentState::reallocated);
}

TEST_CASE("of two deleted files the later one had the cluster last; where that is not known neither is believed") {
  Fixture f;
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
  Fixture f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  for (std::uint64_t entry = 100; entry < 100 + history::ClusterOwners::most_claims + 1; ++entry)
    f.claim(ref(entry, 1), false, f.free + 1, 1, 10);
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 2}}, 2 * cluster));
  CHECK(states(report) == std::vector{RunState::data, RunState::contested});
}

TEST_CASE("holes are evidence in containers that can say so, else zeros of unknown cause; what cannot be read is unreadable") {
  Fixture f;
  if (!f.ready()) return;
  f.fill(f.free, 5);
  f.disk->special = {{f.free * cluster, cluster, ExtentKind::hole},
                     {(f.free + 1) * cluster, cluster, ExtentKind::unmapped},
                     {(f.free + 2) * cluster, cluster, ExtentKind::container_zero},
                     {(f.free + 3) * cluster, cluster, ExtentKind::unreadable}};
  const auto stream = plain({{0, static_cast<std::int64_t>(f.free), 5}}, 5 * cluster);
  CHECK(states(f.judge(stream)) ==
        std::vector{RunState::zero, RunState::unmapped, RunState::container_hole, RunState::unreadable, RunState::data});
  f.holes_speak = true;
  CHECK(f.judge(stream).runs.at(0).state == RunState::container_hole);
}

TEST_CASE("a cluster of which one sector cannot be read is unreadable") {
  Fixture f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  f.disk->special = {{f.free * cluster + 512, 512, ExtentKind::unreadable}};
  const auto report = f.judge(plain({{0, static_cast<std::int64_t>(f.free), 2}}, 2 * cluster));
  CHECK(states(report) == std::vector{RunState::unreadable, RunState::data});
}

TEST_CASE("sparse runs have no cluster; what lies beyond the valid size was never written and does not come back") {
  Fixture f;
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
  Fixture f;
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
  Fixture f;
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
  Fixture f;
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
  Fixture f;
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
