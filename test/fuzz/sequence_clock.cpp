// A clock of any ticks: few numbers and times, so that they meet and contradict each other, and some at the ends of what 64 bits hold.
// Brackets must not invert, and every tick must be accounted for.
#include <cstdlib>

#include "history/sequence_clock.hpp"

namespace {

using namespace trimcarve;
using history::TickKind;

struct Input {
  const std::uint8_t* at;
  const std::uint8_t* end;
  bool empty() const { return at == end; }
  std::uint8_t byte() { return at == end ? std::uint8_t{0} : *at++; }
  std::uint64_t value() {
    const std::uint8_t b = byte();
    return b < 250 ? b : ~std::uint64_t{0} - (b - 250U);
  }
};

void check(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16'384) return 0;
  Input in{data, data + size};
  history::ClockLimits limits;
  const std::uint8_t options = in.byte();
  if ((options & 1) != 0) limits.last_number = in.value();
  if ((options & 2) != 0) limits.not_after = FileTime{in.value()};
  limits.hold_out_all = (options & 4) != 0;
  // By themselves, or spread out by their place, so that most are in order.
  const bool rising = (options & 8) != 0;
  history::SequenceClock clock;
  std::uint64_t written = 0, at_least = 0;
  for (std::uint64_t place = 0; !in.empty(); ++place) {
    const std::uint8_t kind = in.byte();
    const std::uint64_t number = in.value() + (rising ? place * 16 : 0), time = in.value() + (rising && (kind & 2) != 0 ? place * 16 : 0);
    clock.add(number, FileTime{time}, (kind & 1) != 0 ? TickKind::at_least : TickKind::written);
    if (number != 0 && time != 0) ++((kind & 1) != 0 ? at_least : written);
  }
  clock.finish(limits);

  const history::ClockHealth& health = clock.health();
  check(health.sound == health.why_not.empty());
  check(health.ticks <= written && health.tally.on_chain + health.tally.older + health.tally.later + health.tally.doubtful == health.ticks);
  check(health.at_least <= at_least && health.tally.at_least_later + health.tally.at_least_doubtful <= at_least);
  const auto& held = health.held_out;
  check(held.tested <= written && held.inside + held.older + held.later + held.open == held.tested);
  check(!health.sound || health.ticks >= 12);
  for (std::uint64_t i = 0; i < 512; ++i) {
    const std::uint64_t number = i < 500 ? i * (rising ? size / 100 + 1 : 1) : ~std::uint64_t{0} - (i - 500);
    const history::Bracket bracket = clock.at(number, FileTime{i});
    check(!bracket.earliest || !bracket.latest || *bracket.earliest <= *bracket.latest);
    check(!bracket.earliest || *bracket.earliest != no_time);
    clock.later_by(number, FileTime{i * 3});
  }
  return 0;
}
