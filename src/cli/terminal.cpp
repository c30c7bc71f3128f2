#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "report/files.hpp"
#include "trimcarve/result.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::cli {

namespace {

constexpr std::size_t buffer_limit = 1 << 16;

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_signal(int) { interrupted = true; }

}  // namespace

void Output::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= buffer_limit) flush();
}

void Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    if (cancel_) throw RunError(ExitCode::interrupted, "standard output", "stopped", "interrupted");
    const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const std::string why = report::system_error();
      buffer_.clear();
      throw RunError(ExitCode::output, "standard output", "cannot write", why);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

ProgressLine::ProgressLine(bool wanted) : wanted_(wanted && ::isatty(STDERR_FILENO) != 0) {}

void ProgressLine::show(std::string_view stage, std::uint64_t done, std::uint64_t total) {
  if (!wanted_) return;
  const std::string amount = total == 0 ? "" : fmt::format(" {:3}%", std::min<std::uint64_t>(100, done / (total / 100 + 1)));
  const std::string line = fmt::format("\r\x1b[K{}{}", for_terminal(stage), amount);
  shown_ = ::write(STDERR_FILENO, line.data(), line.size()) > 0 || shown_;
}

void ProgressLine::wipe() {
  constexpr std::string_view blank = "\r\x1b[K";
  if (shown_ && ::write(STDERR_FILENO, blank.data(), blank.size()) > 0) shown_ = false;
}

report::ConsoleStyle console_style() {
  report::ConsoleStyle style;
  if (::isatty(STDOUT_FILENO) == 0) return style;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  const char* terminal = std::getenv("TERM");
  style.bold = std::getenv("NO_COLOR") == nullptr && terminal != nullptr && std::string_view(terminal) != "dumb";
  return style;
}

void print_error(std::string_view message) {
  const std::string line = fmt::format("trimcarve: {}\n", for_terminal(message));
  // Nothing can be done when even this fails; the exit code still tells.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

std::atomic<bool>& catch_signals() {
  struct sigaction stop{};
  stop.sa_handler = on_signal;
  stop.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &stop, nullptr);
  ::sigaction(SIGTERM, &stop, nullptr);
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
  ::sigaction(SIGXFSZ, &ignore, nullptr);
  return interrupted;
}

}  // namespace trimcarve::cli
