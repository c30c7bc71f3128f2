// What the sandbox takes away, tried in a process of its own; vouching for it: the kernel's answers.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "cli/sandbox.hpp"

using namespace trimcarve::cli;

namespace {

bool opens(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

// Runs it in a child; its exit code. 99: a signal.
template <class Work>
int in_child(Work work) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(work());
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

std::string state_of(const SandboxRules& rules) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  in_child([&] {
    const std::string state = enter_sandbox(rules);
    return ::write(ends[1], state.data(), state.size()) > 0 ? 0 : 1;
  });
  ::close(ends[1]);
  std::string out(200, 0);
  const ssize_t got = ::read(ends[0], out.data(), out.size());
  ::close(ends[0]);
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

}  // namespace

TEST_CASE("in the sandbox no other file opens, nothing can be sent or started, and the output folder still works") {
  char name[] = "/tmp/trimcarve-sandbox-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  const std::string folder = name, out = folder + "/out", secret = folder + "/secret";
  REQUIRE(::mkdir(out.c_str(), 0700) == 0);
  REQUIRE(opens(secret, O_WRONLY | O_CREAT));
  const std::string state = state_of({.folders = {out}});
  MESSAGE(state);
  const bool files = state.find("by Landlock") != std::string::npos, calls = state.find("by seccomp") != std::string::npos;
  if (!files) MESSAGE("SKIPPED: this kernel has no Landlock");
  if (!calls) MESSAGE("SKIPPED: no seccomp here");

  const int open_before = ::open(secret.c_str(), O_RDONLY | O_CLOEXEC);
  const int failed = in_child([&] {
    enter_sandbox({.folders = {out}});
    if (files) {
      if (opens("/etc/passwd", O_RDONLY) || errno != EACCES) return 1;
      if (opens(secret, O_RDONLY) || errno != EACCES) return 2;
      if (opens(folder + "/new", O_WRONLY | O_CREAT) || errno != EACCES) return 3;
      if (::unlink(secret.c_str()) == 0) return 4;
      if (::rename((out + "/a").c_str(), secret.c_str()) == 0) return 5;
    }
    if (calls) {
      if (::socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM) return 6;
      if (::socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM) return 7;
      if (::fork() >= 0 || errno != EPERM) return 8;
      char program[] = "/bin/true";
      char* const arguments[] = {program, nullptr};
      if (::execv(program, arguments) >= 0 || errno != EPERM) return 9;
      if (::kill(::getppid(), 0) == 0 || errno != EPERM) return 10;
    }
    char byte = 0;
    if (::pread(open_before, &byte, 1, 0) < 0) return 11;
    if (!opens(out + "/a", O_RDWR | O_CREAT) || ::mkdir((out + "/b").c_str(), 0700) != 0) return 12;
    if (::rename((out + "/a").c_str(), (out + "/b/c").c_str()) != 0) return 13;
    if (::unlink((out + "/b/c").c_str()) != 0 || ::rmdir((out + "/b").c_str()) != 0) return 14;
    return 0;
  });
  CHECK(failed == 0);
  ::close(open_before);
  ::unlink(secret.c_str());
  ::rmdir(out.c_str());
  ::rmdir(folder.c_str());
}

TEST_CASE("where a file may be made it is not read, and a connection that is open before cannot be made anew") {
  char name[] = "/tmp/trimcarve-sandbox-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  const std::string folder = name, file = folder + "/a.unfinished", other = folder + "/other";
  REQUIRE(opens(file, O_WRONLY | O_CREAT));
  REQUIRE(opens(other, O_WRONLY | O_CREAT));
  const bool files = state_of({}).find("by Landlock") != std::string::npos;
  const int failed = in_child([&] {
    enter_sandbox({.files = {file}, .places = {folder}});
    if (!opens(file, O_RDWR)) return 1;
    if (files && (opens(other, O_RDONLY) || errno != EACCES)) return 2;
    if (::rename(file.c_str(), (folder + "/a").c_str()) != 0) return 3;
    return 0;
  });
  CHECK(failed == 0);
  ::unlink(other.c_str());
  ::unlink((folder + "/a").c_str());
  ::rmdir(folder.c_str());
}
