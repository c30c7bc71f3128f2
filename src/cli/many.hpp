// Several images: each is examined in a process of its own, so that what one of them does to its reader costs that one.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cli/terminal.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::cli {

struct ImageOutcome {
  bool started = false;
  ExitCode code = ExitCode::done;
  int signal = 0;       // that ended the process; 0: it ended by itself. `code` is then `input`
  std::string summary;  // what `work` left there
};

// Calls work(n, summary) for n = 0, 1, ... in a process each, at most `at_once` at a time. What they write to standard output comes out on
// `out` in the order of n. After one whose output failed no more are started; when `cancel` is set all are interrupted.
// `done` is called with the number of those that ended. One thread.
std::vector<ImageOutcome> run_many(std::size_t count, std::size_t at_once,
                                   const std::function<ExitCode(std::size_t n, std::string& summary)>& work, Output& out,
                                   const std::atomic<bool>& cancel, const std::function<void(std::size_t done)>& done);

}  // namespace trimcarve::cli
