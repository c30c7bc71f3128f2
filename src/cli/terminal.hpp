// Standard output and error, and what interrupts.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "report/console.hpp"

namespace trimcarve::cli {

// Standard output, buffered. A failed write (closed pipe, full disk) is RunError{output}; an interrupt RunError{interrupted}.
class Output {
 public:
  explicit Output(const std::atomic<bool>& cancel) : cancel_(cancel) {}
  void write(std::string_view text);
  void flush();

 private:
  const std::atomic<bool>& cancel_;
  std::string buffer_;
};

// What the line of progress says: the stage, a bar, how much of it is done, how fast, and how long it will take. `seconds` have gone by
// since `first` of `total` were done. Rate and time left are told after the first second; a total of 0 is not known. At most `width`
// columns.
struct Step {
  std::uint64_t first = 0, done = 0, total = 0;
  double seconds = 0;
  bool bytes = true;  // false: done and total count something else
};
std::string progress_text(std::string_view stage, const Step& step, std::size_t width);

// One line on a terminal's standard error that is written over again and again, and wiped at the end. Nothing elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { wipe(); }
  void show(std::string_view stage, std::uint64_t done, std::uint64_t total);
  void wipe();

 private:
  using Clock = std::chrono::steady_clock;
  bool wanted_ = false, shown_ = false;
  std::string stage_;
  std::uint64_t first_ = 0, last_ = 0;  // done, of this stage
  Clock::time_point begun_, drawn_;
};

// Width, and whether colour is wanted: on a terminal, unless NO_COLOR is set (no-color.org) or the terminal is dumb. COLUMNS, when it is a
// number, is the width wherever the output goes.
report::ConsoleStyle console_style();

// `trimcarve: <message>`, one line, safe for a terminal.
void print_error(std::string_view message);

// A line typed at the terminal that is standard input, without being shown; asked for on standard error. Throws RunError{usage} when
// standard input is no terminal or nothing is typed, RunError{interrupted} when interrupted: the terminal shows what is typed again in each
// case.
std::string ask_secret(std::string_view question);

// SIGINT and SIGTERM set the flag (a second one ends the program at once); writes to a closed pipe or beyond a size limit become errors.
std::atomic<bool>& catch_signals();

}  // namespace trimcarve::cli
