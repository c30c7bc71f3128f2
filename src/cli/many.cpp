#include "cli/many.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "report/files.hpp"

namespace trimcarve::cli {

namespace {

[[noreturn]] void fail(const char* what) { throw RunError(ExitCode::output, "several images", what, report::system_error()); }

// In memory, as long as its process runs and the ones before it do.
report::Descriptor make_buffer(const char* name) {
  report::Descriptor buffer(::memfd_create(name, MFD_CLOEXEC));
  if (!buffer) fail("cannot make a buffer");
  return buffer;
}

template <class Take>
void each_part(int fd, Take take) {
  std::array<char, 1 << 16> part;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, part.data(), part.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read a buffer");
    if (got == 0) return;
    take(std::string_view(part.data(), static_cast<std::size_t>(got)));
    at += got;
  }
}

constexpr int look_every = 10;  // milliseconds

struct Child {
  pid_t pid = 0;  // 0: ended, or not started
  report::Descriptor output, summary;
};

[[noreturn]] void be_child(const Child& child, std::size_t n, const std::function<ExitCode(std::size_t, std::string&)>& work) {
  if (::dup2(child.output.get(), STDOUT_FILENO) < 0) ::_exit(static_cast<int>(ExitCode::output));
  std::string summary;
  const ExitCode code = work(n, summary);
  for (std::string_view rest = summary; !rest.empty();) {
    const ssize_t written = ::write(child.summary.get(), rest.data(), rest.size());
    if (written < 0 && errno != EINTR) break;
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  // The parent's objects are not this process's to take down.
  ::_exit(static_cast<int>(code));
}

}  // namespace

std::vector<ImageOutcome> run_many(std::size_t count, std::size_t at_once, const std::function<ExitCode(std::size_t, std::string&)>& work,
                                   Output& out, const std::atomic<bool>& cancel, const std::function<void(std::size_t)>& done) {
  std::vector<ImageOutcome> outcomes(count);
  std::vector<Child> children(count);
  std::size_t next = 0, running = 0, ended = 0, printed = 0;
  bool stop = false;
  while ((next < count && !stop) || running > 0) {
    if (cancel && !stop) {
      stop = true;
      for (const Child& child : children)
        if (child.pid != 0) ::kill(child.pid, SIGINT);
    }
    if (next < count && !stop && running < std::max<std::size_t>(at_once, 1)) {
      Child& child = children[next];
      child.output = make_buffer("output");
      child.summary = make_buffer("summary");
      out.flush();  // or the child would have it again
      child.pid = ::fork();
      if (child.pid < 0) fail("cannot start a process");
      if (child.pid == 0) be_child(child, next, work);
      outcomes[next++].started = true;
      ++running;
      continue;
    }
    // Not waitpid alone: an interrupt that came just before it would be seen when a process ends.
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid == 0) {
      ::poll(nullptr, 0, look_every);
      continue;
    }
    if (pid < 0) fail("cannot wait for a process");
    const auto n = static_cast<std::size_t>(std::ranges::find(children, pid, &Child::pid) - children.begin());
    if (n == count) continue;
    children[n].pid = 0;
    --running;
    ++ended;
    outcomes[n].signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    outcomes[n].code = WIFEXITED(status) ? static_cast<ExitCode>(WEXITSTATUS(status)) : ExitCode::input;
    each_part(children[n].summary.get(), [&](std::string_view part) { outcomes[n].summary += part; });
    stop = stop || outcomes[n].code == ExitCode::output;
    if (done) done(ended);
    for (; printed < next && children[printed].pid == 0; ++printed) {
      if (!cancel) each_part(children[printed].output.get(), [&out](std::string_view part) { out.write(part); });
      children[printed].output = {};
    }
  }
  return outcomes;
}

}  // namespace trimcarve::cli
