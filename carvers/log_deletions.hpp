// Places the deletions in a log in time, between dated neighbours (see LogDeletion). For the log_file carver only.
#pragma once

#include <vector>

#include "carvers/log_file.hpp"

namespace trimcarve::carvers {

class LogDeletions {
 public:
  // Both in LSN order.
  void see(const LogTime& time);
  void add(const LogDeletion& deletion) { deletions_.push_back(deletion); }

  // All deletions with their neighbours.
  std::vector<LogDeletion> take();
  TimeWindow window() const noexcept { return window_; }

 private:
  std::vector<LogTime> times_;
  std::vector<LogDeletion> deletions_;
  TimeWindow window_;
};

}  // namespace trimcarve::carvers
