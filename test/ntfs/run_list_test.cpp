#include "ntfs/run_list.hpp"

#include <doctest/doctest.h>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

// Real run lists are compared with istat's in volume_test.cpp. The lists here are the examples of the Linux-NTFS documentation ("Data
// Runs") and hand-made ones for what no real volume at hand has.

namespace {

struct Decoded {
  RunList list;
  std::vector<RunFact> runs;
};
Decoded decode(const Bytes& bytes, std::uint64_t volume_clusters = 0, std::uint64_t first_vcn = 0) {
  Decoded out;
  out.list = decode_run_list(bytes, first_vcn, volume_clusters, out.runs);
  return out;
}

}  // namespace

TEST_CASE("positive and negative offsets count from the run before") {
  // Linux-NTFS documentation, example 3: 11 30 60 21 10 00 01 11 20 E0 00 = 0x30 at 0x60, 0x10 at 0x160, 0x20 at 0x140.
  const auto d = decode(hex({0x11, 0x30, 0x60, 0x21, 0x10, 0x00, 0x01, 0x11, 0x20, 0xE0, 0x00}));
  REQUIRE(d.list.complete());
  REQUIRE(d.runs.size() == 3);
  CHECK(d.runs[0].lcn == 0x60);
  CHECK(d.runs[0].clusters == 0x30);
  CHECK(d.runs[1].vcn == 0x30);
  CHECK(d.runs[1].lcn == 0x160);
  CHECK(d.runs[2].vcn == 0x40);
  CHECK(d.runs[2].lcn == 0x140);
  CHECK(d.runs[2].clusters == 0x20);
  CHECK(d.list.clusters == 0x60);
}

TEST_CASE("a run without offset is sparse and does not move the position") {
  // Linux-NTFS documentation, example 4: 11 30 20 01 60 11 10 30 00 = 0x30 at 0x20, 0x60 sparse, 0x10 at 0x50.
  const auto d = decode(hex({0x11, 0x30, 0x20, 0x01, 0x60, 0x11, 0x10, 0x30, 0x00}));
  REQUIRE(d.list.complete());
  REQUIRE(d.runs.size() == 3);
  CHECK(d.runs[1].lcn == -1);
  CHECK(d.runs[1].clusters == 0x60);
  CHECK(d.runs[2].lcn == 0x50);
  CHECK(d.runs[2].vcn == 0x90);
}

TEST_CASE("what cannot be decoded keeps the runs before it") {
  // Hand-made.
  const auto check = [](const Bytes& bytes, RunListEnd end, std::size_t runs, std::uint64_t volume = 0) {
    const auto d = decode(bytes, volume);
    CHECK(d.list.end == end);
    CHECK(d.runs.size() == runs);
    CHECK(d.list.runs == runs);
  };
  check({}, RunListEnd::cut, 0);
  check(hex({0x00}), RunListEnd::complete, 0);
  check(hex({0x11, 0x30, 0x60}), RunListEnd::cut, 1);
  check(hex({0x11, 0x30, 0x60, 0x21, 0x10}), RunListEnd::cut, 1);
  check(hex({0x11, 0x30, 0x60, 0x10, 0x05}), RunListEnd::malformed, 1);              // no length field
  check(hex({0x11, 0x30, 0x60, 0x11, 0x00, 0x05, 0x00}), RunListEnd::malformed, 1);  // a run of no clusters
  check(hex({0x11, 0x30, 0x60, 0x11, 0x01, 0x80, 0x00}), RunListEnd::malformed, 1);  // to LCN -0x20
  check(hex({0x11, 0x30, 0x60, 0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}), RunListEnd::malformed, 1);
  check(hex({0x91, 0x30, 0x60}), RunListEnd::malformed, 0);
}

TEST_CASE("a run that leaves the volume is cut there and flagged") {
  // Hand-made: volume of 0x80 clusters.
  auto d = decode(hex({0x11, 0x30, 0x60, 0x11, 0x01, 0x01, 0x00}), 0x80);
  CHECK(d.list.end == RunListEnd::beyond);
  REQUIRE(d.runs.size() == 1);
  CHECK(d.runs[0].clusters == 0x20);
  d = decode(hex({0x11, 0x10, 0x60, 0x11, 0x01, 0x30, 0x00}), 0x80);
  CHECK(d.list.end == RunListEnd::beyond);
  CHECK(d.runs.size() == 1);
}

TEST_CASE("counts of 2^32, 2^48 and 2^63 clusters do not wrap or allocate") {
  // Hand-made.
  auto d = decode(hex({0x15, 0, 0, 0, 0, 1, 0x10, 0x00}), 1000);  // 2^32 clusters at 16 on a volume of 1000
  CHECK(d.list.end == RunListEnd::beyond);
  CHECK(d.runs.at(0).clusters == 984);
  d = decode(hex({0x07, 0, 0, 0, 0, 0, 0, 1, 0x00}));  // 2^48 sparse
  CHECK(d.list.complete());
  CHECK(d.list.clusters == 1ULL << 48);
  d = decode(hex({0x08, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x00}));  // 2^63
  CHECK(d.list.end == RunListEnd::malformed);
  d = decode(hex({0x08, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x01, 0x01, 0x00}));  // 2^62, and one more
  CHECK(d.list.end == RunListEnd::malformed);
  CHECK(d.runs.size() == 1);
  // LCN: 2^63 - 1 and on.
  d = decode(hex({0x81, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x11, 0x01, 0x01, 0x00}));
  CHECK_FALSE(d.list.complete());
  CHECK(decode(hex({0x01, 0x01, 0x00}), 0, ~0ULL).list.end == RunListEnd::malformed);
}

TEST_CASE("a list that maps another number of clusters than the attribute states is flagged") {
  // Hand-made.
  const Bytes bytes = hex({0x11, 0x30, 0x60, 0x00});
  Attribute a;
  a.resident = false;
  a.last_vcn = 0x2F;
  a.run_list = bytes;
  std::vector<RunFact> runs;
  CHECK(decode_run_list(a, 0, runs).complete());
  a.last_vcn = 0x30;
  CHECK(decode_run_list(a, 0, runs).end == RunListEnd::wrong_size);
  // An empty stream: last VCN -1, no runs.
  const Bytes none = hex({0x00});
  a.last_vcn = ~0ULL;
  a.run_list = none;
  CHECK(decode_run_list(a, 0, runs).complete());
}
