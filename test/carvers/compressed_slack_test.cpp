#include "carvers/compressed_slack.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#include "ntfs/lznt1.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::carvers;
using namespace trimcarve::test;

namespace {

constexpr std::uint64_t cluster = 4096;

// Units of 16 clusters of 4 KiB, on a volume of 64 clusters; its lengths of data, chunk by chunk, put at a cluster.
Bytes volume_with(std::uint64_t lcn, std::initializer_list<std::size_t> chunks, bool ended) {
  Bytes bytes(64 * cluster, std::byte{0xAA});
  std::size_t at = static_cast<std::size_t>(lcn * cluster);
  for (const std::size_t size : chunks) {
    put(bytes, at, 0xB000 | (size - 3), 2);
    at += size;
  }
  if (ended) put(bytes, at, 0, 2);
  return bytes;
}

std::vector<Stretch> slack_of(const Bytes& bytes, std::uint64_t valid, std::initializer_list<RunFact> runs, std::uint64_t passed_over = 0) {
  std::vector<Stretch> out;
  const std::vector<RunFact> all(runs);
  CHECK(compressed_slack(MemorySource(bytes), {cluster, 4, valid, all}, out) == passed_over);
  for (const Stretch& s : out) {
    CHECK(s.kind == StretchKind::file_slack);
    CHECK(fits(bytes.size(), s.offset, s.length));
  }
  return out;
}

}  // namespace

TEST_CASE("The slack of a file that Windows compressed begins behind its last chunk") {
  // ntfs-samples' author states where: image offset 213303, in a sector, and from 213504 on in the cluster (test data's README).
  const std::string path = unpacked_data("ntfs-volumes/ntfs-ramslack.raw.gz");
  if (path.empty()) return;
  const ntfs::Volume volume = open_first_volume(path);
  const ByteSource& bytes = *volume.partition();
  std::size_t files = 0;
  carve_records(*volume.mft(), record_options(volume), [&](const Sighting& s) {
    if (s.source != SourceKind::mft || name_of(s) != "1.txt") return;
    for (const StreamFact& stream : s.streams) {
      if (!stream.compressed || stream.resident) continue;
      std::vector<Stretch> out;
      const auto runs = std::span(s.runs).subspan(stream.first_run, stream.run_count);
      CHECK(compressed_slack(bytes, {volume.cluster_size(), stream.compression_unit_log2, stream.valid_size, runs}, out) == 0);
      REQUIRE(out.size() == 1);
      const auto in_image = bytes.locate(out[0].offset, 1);
      REQUIRE(in_image.size() == 1);
      CHECK(in_image[0].offset == 213303);
      CHECK(in_image[0].offset + out[0].length > 213504);
      CHECK((out[0].offset + out[0].length) % volume.cluster_size() == 0);
      ++files;
    }
  });
  CHECK(files == 1);
}

TEST_CASE("A compressed unit's slack lies behind its chunks, whether a mark, the clusters or the unit's size ends them") {
  // MS-XCA 2.5: a header of two bytes before each chunk, a header of zero ends them.
  auto out = slack_of(volume_with(3, {1000, 2000}, true), 8192, {{0, 3, 1}, {1, -1, 15}});
  REQUIRE(out.size() == 1);
  CHECK(out[0].offset == 3 * cluster + 3002);
  CHECK(out[0].length == cluster - 3002);
  CHECK(slack_of(volume_with(3, {4096}, false), 8192, {{0, 3, 1}, {1, -1, 15}}).empty());
  // Sixteen chunks are a unit: nothing has to mark their end.
  out = slack_of(volume_with(3, {600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600}, false), 65536,
                 {{0, 3, 3}, {3, -1, 13}});
  REQUIRE(out.size() == 1);
  CHECK(out[0].offset == 3 * cluster + 9600);
  CHECK(out[0].length == 3 * cluster - 9600);
  // In two runs: the second one holds the end.
  Bytes bytes = volume_with(3, {4090}, false);
  put(bytes, 3 * cluster + 4090, 0xB000 | (506 - 3), 2);
  put(bytes, 20 * cluster + 500, 0, 2);
  out = slack_of(bytes, 8192, {{0, 3, 1}, {1, 20, 1}, {2, -1, 14}});
  REQUIRE(out.size() == 1);
  CHECK(out[0].offset == 20 * cluster + 502);
  CHECK(out[0].length == cluster - 502);
}

TEST_CASE("Units that are stored as they are have slack behind the valid data only") {
  const Bytes bytes(64 * cluster);
  CHECK(slack_of(bytes, 32 * cluster, {{0, 3, 32}}).empty());
  const auto out = slack_of(bytes, 20 * cluster + 100, {{0, 3, 32}, {32, -1, 1'000'000'000'000}});
  REQUIRE(out.size() == 1);
  CHECK(out[0].offset == 23 * cluster + 100);
  CHECK(out[0].length == 12 * cluster - 100);
}

TEST_CASE("A unit that is none is passed over, and the next one is not") {
  Bytes bytes = volume_with(3, {1000}, true);
  const Bytes other = volume_with(9, {500}, true);
  std::copy_n(other.begin() + 9 * cluster, cluster, bytes.begin() + 9 * cluster);
  for (const std::uint64_t header : {0x0000U, 0x1003U, 0x4ABCU}) {
    CAPTURE(header);
    put(bytes, 3 * cluster, header, 2);
    const auto out = slack_of(bytes, 32 * cluster, {{0, 3, 1}, {1, -1, 15}, {16, 9, 1}, {17, -1, 15}}, 1);
    REQUIRE(out.size() == 1);
    CHECK(out[0].offset == 9 * cluster + 502);
  }
  // A hole before the clusters; clusters the volume does not have; sizes that wrap.
  CHECK(slack_of(volume_with(3, {1000}, true), 32 * cluster, {{0, -1, 1}, {1, 3, 1}, {2, -1, 14}}, 1).empty());
  CHECK(slack_of(bytes, 8192, {{0, 63, 2}, {2, -1, 14}}, 1).empty());
  CHECK(slack_of(bytes, 8192, {{~std::uint64_t{0}, 3, 1}, {1, -1, ~std::uint64_t{0}}}, 1).empty());
}
