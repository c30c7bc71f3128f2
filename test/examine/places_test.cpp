// Expectations: worked by hand from what "covered" means.
#include "examine/places.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace trimcarve;

TEST_CASE("what nothing covers is what lies before, between and behind, however the covers overlap and whatever sizes they state") {
  using Ranges = std::vector<Range>;
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  CHECK(not_covered(100, {}) == Ranges{{disk_space, 0, 100}});
  CHECK(not_covered(0, {{0, 10}}).empty());
  CHECK(not_covered(100, {{0, 100}}).empty());
  CHECK(not_covered(100, {{50, 10}, {10, 20}}) == Ranges{{disk_space, 0, 10}, {disk_space, 30, 20}, {disk_space, 60, 40}});
  CHECK(not_covered(100, {{10, 60}, {20, 5}, {60, 20}}) == Ranges{{disk_space, 0, 10}, {disk_space, 80, 20}});
  // A table may state anything.
  CHECK(not_covered(100, {{90, 1000}}) == Ranges{{disk_space, 0, 90}});
  CHECK(not_covered(100, {{40, most}}) == Ranges{{disk_space, 0, 40}});
  CHECK(not_covered(100, {{most, most}}) == Ranges{{disk_space, 0, 100}});
  CHECK(not_covered(100, {{200, 5}, {10, 10}}) == Ranges{{disk_space, 0, 10}, {disk_space, 20, 80}});
  CHECK(not_covered(100, {{30, 0}}) == Ranges{{disk_space, 0, 30}, {disk_space, 30, 70}});
}
