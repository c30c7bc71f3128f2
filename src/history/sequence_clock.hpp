// When something happened whose time is not recorded, from the sequence number that it got.
//
// $LogFile numbers its records (LSN), the change journal its own (USN), and both only grow. A FILE record keeps the LSN of the log record
// that last changed it, a deletion included, and $STANDARD_INFORMATION the USN of the file's last journal record. Each record that states a
// number and times is a tick; between the ticks below and above a number lies the time at which it was given out.
//
// A bracket is an estimate in the sense of the design, and never narrows bounds: its upper end rests on a time that may have been written
// long after it was taken, and its lower end on clocks and times that a program may have set. What the ticks make of each other is in the
// health; a clock that is not sound says so, and its brackets are not to be used.
//
// Memory: 16 bytes a tick, and 12 more for each while it is built. Threads: fill from one; after `finish` everything is const.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "history/sequence_clock_chain.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::history {

enum class TickKind : std::uint8_t {
  // The operation of this number took the time: the change time in $STANDARD_INFORMATION of a record in use, or as a log record sets it,
  // which NTFS sets with nearly every change and no documented call of Win32 can; the time of a change journal record. About a fifth of the
  // records of a real volume (mft_winxp) were written since without it, so the time is but a lower bound; the chain sorts these out.
  written,
  // It had come by then, and may be much older: all times of a freed record, for a deletion writes none; what a log record says was there
  // before it; times of names, which are copies; of entries in an index block, or of what is left in its slack of those that went.
  at_least,
};

struct ClockLimits {
  std::optional<FileTime> not_after;         // ticks behind it are implausible, whatever the other ticks say
  std::optional<std::uint64_t> last_number;  // that the present sequence gave out: higher numbers are of one before it
  bool hold_out_all = false;                 // tests every tick, at eight times the cost
};

struct ClockHealth {
  std::uint64_t ticks = 0, at_least = 0;  // of each kind
  std::uint64_t first_number = 0, last_number = 0;
  FileTime first, last;
  ChainTally tally;
  std::vector<SetBack> set_backs;
  std::optional<std::uint64_t>
      restarted_at;  // the last number of the present sequence, where it began anew and an earlier one went further
  // Each of a share of the ticks, told from the others: `inside` its bracket; `older` than it, which is no error, for a record may be
  // written without its time; `later`, so that the bracket would have been wrong; `open`, where the bracket has an end missing.
  struct HoldOut {
    std::uint64_t tested = 0, inside = 0, older = 0, later = 0, open = 0;
    std::uint64_t median_width = 0;  // of the brackets that held, in 100 ns
  } held_out;
  bool sound = false;
  std::string why_not;  // of one that is not sound
};

class SequenceClock {
 public:
  // Numbers of 0 and times that are not stated are passed over.
  void add(std::uint64_t number, FileTime time, TickKind kind) {
    if (number == 0 || time == no_time) return;
    (kind == TickKind::written ? written_ : at_least_).push_back({number, time});
  }
  // Before finish: a clock of the ticks that are not later.
  SequenceClock until(FileTime time) const;
  void reserve(std::size_t ticks) { written_.reserve(ticks); }
  // Once, behind the last tick.
  void finish(const ClockLimits& limits = {});

  // The time at which a number was given out. `not_before`: a time at which it certainly was not yet, which may tell one of two
  // sequences from the other; the bracket is not cut by it.
  Bracket at(std::uint64_t number, FileTime not_before = no_time) const;
  // How a time that is stated beside a number stands to what the other ticks say: what of it is later than the narrow bracket, in 100 ns;
  // 0: nothing, or the clock cannot tell.
  std::uint64_t later_by(std::uint64_t number, FileTime time) const;

  const ClockHealth& health() const noexcept { return health_; }

 private:
  void split(std::uint64_t last_number);
  std::optional<std::uint64_t> find_restart(const ClockChain& chain) const;
  void hold_out(const ClockChain& whole, std::span<const Tick> written, std::span<const Tick> at_least, bool all,
                std::vector<std::uint64_t>& widths);
  void hold_out_one(const ClockChain& whole, std::span<const Tick> written, std::span<const Tick> at_least, std::size_t each,
                    std::size_t round, std::vector<std::uint64_t>& widths);
  void judge();

  std::vector<Tick> written_, at_least_;          // emptied by finish
  std::vector<Tick> old_written_, old_at_least_;  // of the sequence before, if there was one
  ClockChain present_, old_;
  FileTime old_end_;  // no time of the old sequence is later
  ClockHealth health_;
};

// What a sighting says to the clock of each sequence. Only whole records: a torn one may have the number of one state and the times of
// another. `logged`: what the change time in a $STANDARD_INFORMATION of $LogFile is: written where the log record sets it (a record made,
// a value updated), at_least where it is what stood there before (undo data, a record that is freed).
void add_ticks(const Sighting& sighting, SequenceClock& by_lsn, SequenceClock& by_usn, TickKind logged = TickKind::at_least);

}  // namespace trimcarve::history
