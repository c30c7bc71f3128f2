// What states of a volume from different times - its shadow copies - say together of one file's life.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trimcarve/file_time.hpp"

namespace trimcarve::history {

// By the record of its entry, so of this very file: not there yet (the record was another's before it), there, or gone again.
enum class Presence : std::uint8_t { unknown, not_yet, there, gone };

struct Seen {
  FileTime time;
  Presence presence = Presence::unknown;
};

// The states next to its creation and to its deletion, as positions in what was given; -1: there is none.
struct Lifetime {
  std::ptrdiff_t last_before = -1, first_there = -1, last_there = -1, first_gone = -1;
  // False: by their times it was there before it came, or after it went (the clock was set, or a time is not true). Then no state bounds
  // anything, and all four are -1.
  bool ordered = true;
};

// In any order. Of states with the same time the first counts.
Lifetime lifetime_of(std::span<const Seen> states);

}  // namespace trimcarve::history
