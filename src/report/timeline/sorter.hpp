// Rows by time, however many there are: sorted in memory as far as `budget` goes, then in a temporary file, merged at the end.
//
// Rows of one time come in the order in which their entries were added. The temporary file has no name (nothing is left of it whatever
// happens) and lies in $TMPDIR, or /tmp. Errors are RunError{output}.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "report/files.hpp"
#include "report/timeline/row.hpp"

namespace trimcarve::report {

class RowSorter {
 public:
  static constexpr std::size_t default_budget = std::size_t{256} << 20;  // bytes of memory
  // Opens the temporary file, if it can: later this may not be allowed any more.
  explicit RowSorter(std::size_t budget = default_budget);

  void add(const TimelineEntry& entry);
  // Once, last. `cancel` set: RunError{interrupted}.
  void each(const std::function<void(const Row&)>& take, const std::atomic<bool>* cancel = nullptr);

  std::uint64_t rows() const noexcept { return rows_; }
  std::size_t runs() const noexcept { return runs_.size(); }  // in the temporary file

 private:
  struct Key {
    FileTime time;
    std::uint64_t at;  // of the entry's bytes in entries_, times 8, and Which
  };
  struct Run {
    std::uint64_t begin, end;  // in the temporary file
  };
  class Reader;

  void sort();
  void spill();

  std::size_t budget_;
  std::string entries_;
  std::vector<Key> keys_;
  Descriptor file_;
  int why_not_ = 0;  // errno: why there is no temporary file
  std::uint64_t written_ = 0, rows_ = 0;
  std::vector<Run> runs_;
};

}  // namespace trimcarve::report
