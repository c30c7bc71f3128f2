#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "report/files.hpp"
#include "report/layout.hpp"
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

namespace {

// COLUMNS, else what the terminal says; nothing when neither does.
std::optional<std::size_t> width_of(int descriptor) {
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    std::size_t width = 0;
    const std::string_view text = columns;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), width);
    if (error == std::errc{} && stop == text.data() + text.size() && width > 0 && width <= 10'000) return width;
  }
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return std::nullopt;
}

std::string time_left(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::min(seconds, 359'999.0) + 0.5);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02} left", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02} left", whole / 60, whole % 60);
}

}  // namespace

std::string progress_text(std::string_view stage, const Step& step, std::size_t width) {
  std::string text;
  const double share = step.total == 0 ? 0 : std::min(1.0, static_cast<double>(step.done) / static_cast<double>(step.total));
  if (step.total != 0) text += fmt::format("  {:3}%", static_cast<unsigned>(share * 100));
  const double done = step.done > step.first ? static_cast<double>(step.done - step.first) : 0;
  if (step.seconds >= 1 && done > 0) {
    const double rate = done / step.seconds;
    const auto rounded = static_cast<std::uint64_t>(rate + 0.5);
    text += fmt::format("  {}/s", step.bytes ? report::bytes_for_people(rounded) : report::with_commas(rounded));
    if (step.total > step.done) text += "  " + time_left(static_cast<double>(step.total - step.done) / rate);
  }
  std::string line = for_terminal(stage);
  const std::size_t used = report::columns(line) + text.size();
  constexpr std::size_t longest_bar = 30, shortest_bar = 8, around = 4;  // two blanks and two brackets
  if (step.total != 0 && used + around + shortest_bar <= width) {
    const std::size_t bar = std::min(longest_bar, width - used - around);
    const auto filled = static_cast<std::size_t>(static_cast<double>(bar) * share);
    line += fmt::format("  [{}{}]", std::string(filled, '#'), std::string(bar - filled, '-'));
  }
  return report::fitted(line + text, width);
}

ProgressLine::ProgressLine(bool wanted) : wanted_(wanted && ::isatty(STDERR_FILENO) != 0) {}

void ProgressLine::show(std::string_view stage, std::uint64_t done, std::uint64_t total) {
  if (!wanted_) return;
  const auto now = Clock::now();
  // Another stage, or the same one of another volume.
  const bool anew = stage != stage_ || done < last_;
  last_ = done;
  if (anew) {
    stage_ = stage;
    first_ = done;
    begun_ = now;
  } else if (shown_ && now - drawn_ < std::chrono::milliseconds(100)) {
    return;
  }
  drawn_ = now;
  const Step step{first_, done, total, std::chrono::duration<double>(now - begun_).count(), stage != "contents" && stage != "verify"};
  // The last column stays free: some terminals wrap when it is written.
  const std::string line = "\r\x1b[K" + progress_text(stage, step, std::max<std::size_t>(width_of(STDERR_FILENO).value_or(80), 2) - 1);
  shown_ = ::write(STDERR_FILENO, line.data(), line.size()) > 0 || shown_;
}

void ProgressLine::wipe() {
  constexpr std::string_view blank = "\r\x1b[K";
  if (shown_ && ::write(STDERR_FILENO, blank.data(), blank.size()) > 0) shown_ = false;
}

report::ConsoleStyle console_style() {
  report::ConsoleStyle style;
  style.width = width_of(STDOUT_FILENO).value_or(style.width);
  const auto set = [](const char* name) { return std::string_view(std::getenv(name) == nullptr ? "" : std::getenv(name)); };
  style.colour = ::isatty(STDOUT_FILENO) != 0 && set("NO_COLOR").empty() && !set("TERM").empty() && set("TERM") != "dumb";
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

namespace {

// While this lives the signals that interrupt come in wait_for and nowhere else: one that came between a look at the flag and a read would
// be forgotten, and the read wait for what nobody types.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t stops;
    ::sigemptyset(&stops);
    ::sigaddset(&stops, SIGINT);
    ::sigaddset(&stops, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &stops, &before_);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  // False, with errno EINTR, when a signal came instead.
  bool wait_for(int descriptor) const {
    pollfd wanted{descriptor, POLLIN, 0};
    return ::ppoll(&wanted, 1, nullptr, &before_) >= 0;
  }

 private:
  sigset_t before_{};
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
    const SignalsHeld held;
    [[maybe_unused]] const auto asked = ::write(STDERR_FILENO, question.data(), question.size());
    for (char c = 0; line.size() < longest && !interrupted;) {
      if (!held.wait_for(STDIN_FILENO)) {
        if (errno == EINTR) continue;
        break;
      }
      const ssize_t got = ::read(STDIN_FILENO, &c, 1);
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
