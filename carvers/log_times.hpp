// The times that a log's records carry, and what they say of when another record of it was logged: the log itself has no clock.
//
// LSN order is the order in which the operations were logged, under one lock, so for an operation between two dated records:
// - `before` is a sound lower bound as far as the clock is: that record was logged before the operation, and a time is taken from the clock
//   before it is logged. It fails for a time that somebody set by hand, or a clock that was set back.
// - `behind` is an estimate: that record was logged after the operation, but its time may have been taken before. With basis usn or
// creation
//   the time is taken in the operation that is logged, so it is late by moments at most; with standard_information it may be older, for
//   NTFS writes times lazily.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "carvers/carver.hpp"
#include "trimcarve/file_time.hpp"

namespace trimcarve::carvers {

enum class LogTimeBasis : std::uint8_t {
  usn,                   // of a change journal record
  creation,              // record change time of a FILE record at its creation
  standard_information,  // record change time in an update
};
struct LogTime {
  std::uint64_t lsn = 0;
  FileTime time;
  LogTimeBasis basis = LogTimeBasis::usn;
  friend bool operator==(const LogTime&, const LogTime&) = default;
};

class LogTimes {
 public:
  // In LSN order.
  void see(const LogTime& time);

  struct Neighbours {
    std::optional<LogTime> before;  // the latest time of the 32 plausible ones before it
    std::optional<LogTime> behind;  // the first plausible one behind it that is not before `before`: such times say nothing
  };
  // Of an operation logged as `lsn`. A time that somebody set, or of a clock that was wrong, costs itself only.
  Neighbours around(std::uint64_t lsn, const std::function<bool(FileTime)>& plausible) const;
  TimeWindow window() const noexcept { return window_; }

 private:
  std::vector<LogTime> times_;
  TimeWindow window_;
};

}  // namespace trimcarve::carvers
