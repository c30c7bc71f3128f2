#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <termios.h>
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

namespace {

// What is typed is not shown while this lives.
class Unseen {
 public:
  Unseen() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    if (!changed_) return;
    ::tcflush(STDIN_FILENO, TCIFLUSH);  // the beginning of a secret that was not ended must not reach the next program
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  bool good() const { return changed_; }

 private:
  termios before_{};
  bool changed_ = false;
};

}  // namespace

std::string ask_secret(std::string_view question) {
  constexpr std::size_t longest = 4096;
  const auto refuse = [](const char* why) { return RunError(ExitCode::usage, "command line", "no password", why); };
  if (::isatty(STDIN_FILENO) == 0)
    throw refuse("standard input is no terminal to ask at; give an open descriptor with --bitlocker-password-fd");
  std::string line;
  {
    const Unseen unseen;
    if (!unseen.good()) throw refuse("the terminal cannot be kept from showing it");
    [[maybe_unused]] const auto asked = ::write(STDERR_FILENO, question.data(), question.size());
    for (char c = 0; line.size() < longest;) {
      const ssize_t got = ::read(STDIN_FILENO, &c, 1);
      if (interrupted) break;
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0 || c == '\n') break;
      line += c;
    }
    [[maybe_unused]] const auto ended = ::write(STDERR_FILENO, "\n", 1);  // the one typed was not shown either
  }
  if (interrupted) throw RunError(ExitCode::interrupted, "run", "stopped", "interrupted");
  if (line.empty()) throw refuse("nothing was typed");
  return line;
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
