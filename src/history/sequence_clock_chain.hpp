// One sequence of numbers against time: the chain of ticks that fits together, and the bracket it gives for any number.
//
// Among ticks by number, the chain is the longest run of times that never goes back, save where going back wins more ticks than chance
// makes (a clock that was set back). What is not on it is older (a time that was written long before: it says nothing), later (a time in
// the future, or a copied one), or doubtful: later than so few others that it may well be these which are old. Doubtful ticks widen the
// brackets they touch.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "trimcarve/file_time.hpp"

namespace trimcarve::history {

struct Tick {
  std::uint64_t number = 0;  // LSN or USN
  FileTime time;
  friend bool operator==(const Tick&, const Tick&) = default;
};

// What the clock says of one number. An end that it cannot tell is empty.
struct Bracket {
  std::optional<FileTime> earliest;  // the latest time that is stated at or below the number: close to a bound
  std::optional<FileTime> latest;    // the next later time above it: a heuristic, for a time may be written long after it was taken
  bool widened = false;              // ticks contradict the narrow one
};

struct SetBack {
  std::uint64_t number = 0;  // of the first tick behind it
  FileTime from, to;
};

struct ChainTally {
  std::uint64_t on_chain = 0, older = 0, later = 0, doubtful = 0;  // of the written ticks
  std::uint64_t at_least_later = 0, at_least_doubtful = 0;         // of the others
};

// The positions of the longest chain of ticks (by number), where each step back costs `price` ticks. O(n log price).
std::vector<std::uint32_t> longest_chain(std::span<const Tick> ticks, std::size_t price);
// So many ticks in order come about among `ticks` at random, twice over: no less may make the clock go back.
std::size_t set_back_price(std::size_t ticks) noexcept;

class ClockChain {
 public:
  ClockChain() = default;
  // Both by number. The second only raise lower ends, or cast doubt.
  ClockChain(std::span<const Tick> written, std::span<const Tick> at_least);

  Bracket at(std::uint64_t number) const;
  // The same as if no tick were doubtful.
  Bracket narrow_at(std::uint64_t number) const { return bracket(number, plain_); }
  // Is this time one that the clock had shown before it was set back to where it stands at `number`?
  bool before_set_back(std::uint64_t number, FileTime time) const;

  std::span<const Tick> ticks() const noexcept { return chain_; }
  const std::vector<SetBack>& set_backs() const noexcept { return set_backs_; }
  // Positions in ticks() at which a set-back's new stretch begins.
  std::span<const std::uint32_t> breaks() const noexcept { return breaks_; }
  // Of the written ticks, those that are later than the chain allows.
  std::span<const Tick> later() const noexcept { return later_; }
  const ChainTally& tally() const noexcept { return tally_; }

 private:
  static constexpr std::uint32_t none = 0xFFFF'FFFF;
  Bracket bracket(std::uint64_t number, const std::vector<std::uint32_t>& upper) const;
  // The last position of a number no greater; none: there is no such.
  std::uint32_t find(std::uint64_t number) const;
  std::uint32_t end_of_stretch(std::uint32_t position) const;
  void weigh(std::span<const Tick> written, std::span<const Tick> at_least);

  std::vector<Tick> chain_;
  std::vector<std::uint32_t> breaks_;
  std::vector<FileTime> reached_;     // by stretch: the latest time of all stretches before it
  std::vector<std::uint32_t> plain_;  // by position: that of the next later time in the stretch, or none
  std::vector<std::uint32_t> upper_;  // the same with doubtful ticks in mind
  std::uint32_t first_ = 0;           // the position that bounds what lies before the chain, with doubtful ticks in mind, or none
  std::vector<Tick> raised_;          // at_least ticks that fit: by number, time the latest since the chain's last tick
  std::vector<SetBack> set_backs_;
  std::vector<Tick> later_;
  ChainTally tally_;
};

}  // namespace trimcarve::history
