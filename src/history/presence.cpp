#include "history/presence.hpp"

namespace trimcarve::history {

Lifetime lifetime_of(std::span<const Seen> states) {
  Lifetime life;
  const auto at = [&](std::ptrdiff_t i) { return states[static_cast<std::size_t>(i)].time; };
  for (std::size_t n = 0; n < states.size(); ++n) {
    const auto i = static_cast<std::ptrdiff_t>(n);
    const auto first = [&](std::ptrdiff_t& which) {
      if (which < 0 || at(i) < at(which)) which = i;
    };
    const auto last = [&](std::ptrdiff_t& which) {
      if (which < 0 || at(i) > at(which)) which = i;
    };
    switch (states[n].presence) {
      case Presence::unknown: break;
      case Presence::not_yet: last(life.last_before); break;
      case Presence::there: first(life.first_there), last(life.last_there); break;
      case Presence::gone: first(life.first_gone); break;
    }
  }
  const auto after = [&](std::ptrdiff_t a, std::ptrdiff_t b) { return a >= 0 && b >= 0 && at(a) >= at(b); };
  if (after(life.last_before, life.first_there) || after(life.last_there, life.first_gone) || after(life.last_before, life.first_gone))
    return {.ordered = false};
  return life;
}

}  // namespace trimcarve::history
