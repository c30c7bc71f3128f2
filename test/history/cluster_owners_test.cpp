// Expectations: worked by hand; the many-claims case against a plain search over all claims.
#include "history/cluster_owners.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "history/sightings.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

Sighting with_runs(Sighting s, const std::vector<RunFact>& runs) {
  s.runs = runs;
  s.streams.push_back({.run_count = static_cast<std::uint32_t>(runs.size())});
  return s;
}

std::vector<std::uint32_t> entries(const history::ClusterOwners& owners, std::uint64_t lcn, std::uint64_t clusters, FileReference own) {
  std::vector<history::Claim> claims;
  CHECK(owners.others(lcn, clusters, own, claims));
  std::vector<std::uint32_t> out;
  for (const history::Claim& claim : claims) out.push_back(claim.entry);
  return out;
}

}  // namespace

TEST_CASE("claims of other records that touch a run are found, clipped to it") {
  const auto graph = graph_of({with_runs(record(ref(40, 1), false, false, {{u"a", root}}), {{0, 100, 50}}),
                               with_runs(record(ref(41, 1), false, false, {{u"b", root}}), {{0, 120, 100}}),
                               with_runs(record(ref(42, 1), false, false, {{u"c", root}}), {{0, 300, 5}})});
  const history::ClusterOwners owners(graph, {{100, 50, 0}});
  std::vector<history::Claim> claims;
  REQUIRE(owners.others(100, 50, ref(40, 1), claims));
  REQUIRE(claims.size() == 1);
  CHECK(claims[0].entry == 41);
  CHECK(claims[0].lcn == 120);
  CHECK(claims[0].clusters == 30);
}

TEST_CASE("an extension record's claims are its base's, also when the base's record belongs to another file now") {
  Sighting extension = with_runs(record(ref(50, 1), false, false, {}), {{0, 100, 10}});
  extension.base_is_elsewhere = true;
  extension.reference = ref(40, 1);
  const auto graph = graph_of({with_runs(record(ref(40, 2), true, false, {{u"next owner", root}}), {{0, 500, 1}}), std::move(extension)});
  const history::ClusterOwners owners(graph, {{100, 10, 0}, {500, 1, 0}});
  CHECK(entries(owners, 100, 10, ref(40, 1)).empty());                            // its own
  CHECK(entries(owners, 100, 10, ref(40, 2)) == std::vector<std::uint32_t>{50});  // not the next owner's
  CHECK(entries(owners, 500, 1, ref(40, 1)) == std::vector<std::uint32_t>{40});   // what the next owner claims is another file's
}

TEST_CASE("claims are found whatever lies between, as a plain search finds them") {
  std::mt19937 random(7);
  std::vector<Sighting> sightings;
  std::vector<history::Claim> plain;
  for (std::uint32_t entry = 40; entry < 240; ++entry) {
    const std::uint64_t lcn = random() % 5000, clusters = entry % 50 == 0 ? 4000 : 1 + random() % 20;
    sightings.push_back(with_runs(record(ref(entry, 1), false, false, {{u"x", root}}), {{0, static_cast<std::int64_t>(lcn), clusters}}));
    plain.push_back({lcn, static_cast<std::uint32_t>(clusters), entry});
  }
  const auto graph = graph_of(sightings);
  const history::ClusterOwners owners(graph, {{0, 10000, 0}});
  for (std::uint64_t at = 0; at < 9000; at += 37) {
    std::vector<std::uint32_t> expected, found = entries(owners, at, 11, ref(41, 1));
    for (const history::Claim& claim : plain)
      if (claim.entry != 41 && claim.lcn < at + 11 && at < claim.lcn + claim.clusters) expected.push_back(claim.entry);
    std::ranges::sort(expected);
    std::ranges::sort(found);
    CHECK(found == expected);
  }
}

TEST_CASE("more claims than are told apart are said to be more") {
  std::vector<Sighting> sightings;
  for (std::uint32_t entry = 40; entry < 40 + history::ClusterOwners::most_claims + 5; ++entry)
    sightings.push_back(with_runs(record(ref(entry, 1), false, false, {{u"x", root}}), {{0, 100, 10}}));
  const auto graph = graph_of(sightings);
  const history::ClusterOwners owners(graph, {{100, 10, 0}});
  std::vector<history::Claim> claims;
  CHECK_FALSE(owners.others(100, 10, ref(40, 1), claims));
  CHECK(claims.size() == history::ClusterOwners::most_claims);
}

TEST_CASE("a run of absurd length costs one claim") {
  const auto graph = graph_of({with_runs(record(ref(40, 1), false, false, {{u"x", root}}), {{0, 1, std::uint64_t{1} << 61}})});
  CHECK(graph.claims().size() == 1);
}
