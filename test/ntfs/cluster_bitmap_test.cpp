#include "ntfs/cluster_bitmap.hpp"

#include <doctest/doctest.h>

#include <random>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

// A real $Bitmap is compared with The Sleuth Kit's in volume_test.cpp.

TEST_CASE("a bitmap knows its clusters, and neither what lies behind its bytes nor behind the volume") {
  const ClusterBitmap bitmap(hex({0x01, 0x80}), 20, {});
  CHECK(bitmap.allocation(0) == Allocation::allocated);
  CHECK(bitmap.allocation(1) == Allocation::free);
  CHECK(bitmap.allocation(15) == Allocation::allocated);
  CHECK(bitmap.allocation(16) == Allocation::unknown);
  CHECK(bitmap.allocation(~0ULL) == Allocation::unknown);
  CHECK(bitmap.free_clusters() == 14);
  CHECK(ClusterBitmap().allocation(0) == Allocation::unknown);
  CHECK_FALSE(ClusterBitmap().next_free(0));
  // Bits beyond the volume do not exist.
  const ClusterBitmap tail(hex({0x00}), 3, {});
  CHECK(tail.allocation(3) == Allocation::unknown);
  CHECK(tail.free_clusters() == 3);
}

TEST_CASE("a part that could not be read is unknown, not free") {
  const ClusterBitmap bitmap(Bytes(8), 64, {{2, 3}});
  CHECK(bitmap.allocation(15) == Allocation::free);
  CHECK(bitmap.allocation(16) == Allocation::unknown);
  CHECK(bitmap.allocation(39) == Allocation::unknown);
  CHECK(bitmap.allocation(40) == Allocation::free);
  const auto first = bitmap.next_free(0);
  REQUIRE(first);
  CHECK(first->clusters == 16);
  const auto second = bitmap.next_free(16);
  REQUIRE(second);
  CHECK(second->lcn == 40);
  CHECK(second->clusters == 24);
}

TEST_CASE("the runs of free clusters are those found bit by bit") {
  // Property: word-wise stepping against the plain test of each bit, over patterns with long and short runs.
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    Bytes bytes(203);
    for (auto& b : bytes)
      b = random() % 3 == 0 ? static_cast<std::byte>(random() & 0xFF) : random() % 2 == 0 ? std::byte{0} : std::byte{0xFF};
    const std::uint64_t clusters = 8 * bytes.size() - random() % 9;
    const ClusterBitmap bitmap(bytes, clusters, {});
    std::uint64_t counted = 0, stepped = 0;
    for (std::uint64_t lcn = 0; lcn < clusters; ++lcn) counted += bitmap.allocation(lcn) == Allocation::free ? 1U : 0U;
    std::uint64_t behind = 0;
    for (auto run = bitmap.next_free(0); run; run = bitmap.next_free(run->lcn + run->clusters)) {
      CHECK(run->clusters > 0);
      CHECK(run->lcn >= behind);
      if (run->lcn > 0) CHECK(bitmap.allocated(run->lcn - 1));
      behind = run->lcn + run->clusters;
      CHECK((behind == clusters || bitmap.allocated(behind)));
      stepped += run->clusters;
    }
    CHECK(stepped == counted);
    CHECK(bitmap.free_clusters() == counted);
  }
}

// Vouched for by asking cluster by cluster.
TEST_CASE("stretches of one allocation end where a cluster by itself says so") {
  std::vector<std::byte> bytes(64);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = i % 20 < 11 ? std::byte{0} : i % 20 < 19 ? std::byte{0xFF} : std::byte{0x3C};
  for (const bool hurt : {false, true}) {
    const ntfs::ClusterBitmap bitmap(bytes, 8 * 64 + 100, hurt ? std::vector<Unread>{{16, 16}} : std::vector<Unread>{});
    for (std::uint64_t lcn = 0; lcn < 8 * 64 + 90; ++lcn)
      for (const std::uint64_t most : {std::uint64_t{1}, std::uint64_t{64}, 8 * 64 + 100 - lcn}) {
        std::uint64_t plain = 1;
        while (plain < most && bitmap.allocation(lcn + plain) == bitmap.allocation(lcn)) ++plain;
        CHECK(bitmap.alike(lcn, most) == plain);
      }
  }
}
