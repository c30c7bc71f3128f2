#include "history/presence.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace trimcarve;
using history::Presence;

// Expectations: by the meaning of the words. A file comes once and goes once, and a reference is never given twice.
TEST_CASE("of a volume's states those next to a file's creation and deletion are found, in whatever order they are given") {
  const std::vector<history::Seen> states{{{50}, Presence::gone},    {{10}, Presence::not_yet}, {{40}, Presence::there},
                                          {{20}, Presence::not_yet}, {{60}, Presence::unknown}, {{30}, Presence::there},
                                          {{70}, Presence::gone}};
  const history::Lifetime life = history::lifetime_of(states);
  CHECK(life.ordered);
  CHECK(life.last_before == 3);
  CHECK(life.first_there == 5);
  CHECK(life.last_there == 2);
  CHECK(life.first_gone == 0);
}

TEST_CASE("a state that is alone bounds one side only") {
  for (const auto presence : {Presence::not_yet, Presence::there, Presence::gone, Presence::unknown}) {
    const std::vector<history::Seen> states{{{10}, presence}};
    const history::Lifetime life = history::lifetime_of(states);
    CHECK(life.ordered);
    CHECK((life.last_before == 0) == (presence == Presence::not_yet));
    CHECK((life.first_there == 0) == (presence == Presence::there));
    CHECK((life.last_there == 0) == (presence == Presence::there));
    CHECK((life.first_gone == 0) == (presence == Presence::gone));
  }
  CHECK(history::lifetime_of({}).ordered);
}

TEST_CASE("states in an order that cannot be bound nothing") {
  using States = std::vector<history::Seen>;
  for (const States& states :
       {States{{{10}, Presence::there}, {{20}, Presence::not_yet}}, States{{{10}, Presence::gone}, {{20}, Presence::there}},
        States{{{10}, Presence::gone}, {{20}, Presence::not_yet}}, States{{{10}, Presence::there}, {{10}, Presence::gone}}}) {
    const history::Lifetime life = history::lifetime_of(states);
    CHECK_FALSE(life.ordered);
    CHECK(life.last_before == -1);
    CHECK(life.first_there == -1);
    CHECK(life.last_there == -1);
    CHECK(life.first_gone == -1);
  }
}
