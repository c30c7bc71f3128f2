#include "cli/sandbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef TRIMCARVE_SECCOMP
#include <seccomp.h>
#endif

#include <array>
#include <cerrno>
#include <cstdint>

#include "report/files.hpp"

namespace trimcarve::cli {

namespace {

// By the version of Landlock that brought them; older headers lack the later names. Source: the kernel's Landlock documentation.
constexpr std::uint64_t execute = 1 << 0, write_file = 1 << 1, read_file = 1 << 2, read_dir = 1 << 3, remove_dir = 1 << 4,
                        remove_file = 1 << 5, make_char = 1 << 6, make_dir = 1 << 7, make_reg = 1 << 8, make_sock = 1 << 9,
                        make_fifo = 1 << 10, make_block = 1 << 11, make_sym = 1 << 12, refer = 1 << 13, truncate_file = 1 << 14;
constexpr std::uint64_t version_1 = (1 << 13) - 1;

// What the program itself needs that is nobody's secret: libraries that are loaded late (OpenSSL's modules), random numbers, its own memory
// use.
constexpr std::array system_files{"/usr", "/lib", "/lib64", "/etc/ssl", "/dev/null", "/dev/urandom", "/proc/self"};

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U /* LANDLOCK_CREATE_RULESET_VERSION */);
  return version < 0 ? 0 : static_cast<int>(version);
}

void allow(int rules, const std::string& path, std::uint64_t access, std::uint64_t handled) {
  const report::Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place) return;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access & handled;
  rule.parent_fd = place.get();
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return;
  // A file takes only the rights that files have.
  rule.allowed_access &= execute | write_file | read_file | truncate_file;
  ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

// The version in force; 0: none.
int restrict_files(const SandboxRules& wanted) {
  const int version = landlock_version();
  if (version == 0) return 0;
  std::uint64_t handled = version_1;
  if (version >= 2) handled |= refer;
  if (version >= 3) handled |= truncate_file;
  if (wanted.read_all) handled &= ~(read_file | read_dir);
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = handled;
  const report::Descriptor rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!rules) return 0;
  for (const char* path : system_files) allow(rules.get(), path, read_file | read_dir, handled);
  for (const std::string& path : wanted.folders)
    allow(rules.get(), path, write_file | read_file | read_dir | remove_dir | remove_file | make_dir | make_reg | refer | truncate_file,
          handled);
  for (const std::string& path : wanted.files) allow(rules.get(), path, write_file | read_file | truncate_file, handled);
  for (const std::string& path : wanted.places) allow(rules.get(), path, remove_dir | remove_file | make_reg, handled);
  return ::syscall(SYS_landlock_restrict_self, rules.get(), 0) == 0 ? version : 0;
}

#ifdef TRIMCARVE_SECCOMP
// Memory, files that Landlock lets through, time, signals to itself, and the end. No fork, no exec, no sockets, no ptrace.
constexpr std::array system_calls{SCMP_SYS(access),
                                  SCMP_SYS(arch_prctl),
                                  SCMP_SYS(brk),
                                  SCMP_SYS(clock_getres),
                                  SCMP_SYS(clock_gettime),
                                  SCMP_SYS(clock_nanosleep),
                                  SCMP_SYS(close),
                                  SCMP_SYS(close_range),
                                  SCMP_SYS(copy_file_range),
                                  SCMP_SYS(dup),
                                  SCMP_SYS(dup2),
                                  SCMP_SYS(exit),
                                  SCMP_SYS(exit_group),
                                  SCMP_SYS(faccessat),
                                  SCMP_SYS(faccessat2),
                                  SCMP_SYS(fadvise64),
                                  SCMP_SYS(fallocate),
                                  SCMP_SYS(fchmod),
                                  SCMP_SYS(fcntl),
                                  SCMP_SYS(fdatasync),
                                  SCMP_SYS(flock),
                                  SCMP_SYS(fstat),
                                  SCMP_SYS(fstatfs),
                                  SCMP_SYS(fsync),
                                  SCMP_SYS(ftruncate),
                                  SCMP_SYS(futex),
                                  SCMP_SYS(getcwd),
                                  SCMP_SYS(getdents64),
                                  SCMP_SYS(getegid),
                                  SCMP_SYS(geteuid),
                                  SCMP_SYS(getgid),
                                  SCMP_SYS(getpid),
                                  SCMP_SYS(getppid),
                                  SCMP_SYS(getrandom),
                                  SCMP_SYS(getrlimit),
                                  SCMP_SYS(getrusage),
                                  SCMP_SYS(gettid),
                                  SCMP_SYS(gettimeofday),
                                  SCMP_SYS(getuid),
                                  SCMP_SYS(ioctl),
                                  SCMP_SYS(lseek),
                                  SCMP_SYS(lstat),
                                  SCMP_SYS(madvise),
                                  SCMP_SYS(membarrier),
                                  SCMP_SYS(mkdir),
                                  SCMP_SYS(mkdirat),
                                  SCMP_SYS(mmap),
                                  SCMP_SYS(mprotect),
                                  SCMP_SYS(mremap),
                                  SCMP_SYS(munmap),
                                  SCMP_SYS(nanosleep),
                                  SCMP_SYS(newfstatat),
                                  SCMP_SYS(open),
                                  SCMP_SYS(openat),
                                  SCMP_SYS(openat2),
                                  SCMP_SYS(poll),
                                  SCMP_SYS(ppoll),
                                  SCMP_SYS(prctl),
                                  SCMP_SYS(pread64),
                                  SCMP_SYS(preadv),
                                  SCMP_SYS(prlimit64),
                                  SCMP_SYS(pwrite64),
                                  SCMP_SYS(read),
                                  SCMP_SYS(readlink),
                                  SCMP_SYS(readlinkat),
                                  SCMP_SYS(readv),
                                  SCMP_SYS(rename),
                                  SCMP_SYS(renameat),
                                  SCMP_SYS(renameat2),
                                  SCMP_SYS(restart_syscall),
                                  SCMP_SYS(rmdir),
                                  SCMP_SYS(rseq),
                                  SCMP_SYS(rt_sigaction),
                                  SCMP_SYS(rt_sigprocmask),
                                  SCMP_SYS(rt_sigreturn),
                                  SCMP_SYS(sched_getaffinity),
                                  SCMP_SYS(sched_yield),
                                  SCMP_SYS(set_robust_list),
                                  SCMP_SYS(sigaltstack),
                                  SCMP_SYS(stat),
                                  SCMP_SYS(statfs),
                                  SCMP_SYS(statx),
                                  SCMP_SYS(sync_file_range),
                                  SCMP_SYS(syncfs),
                                  SCMP_SYS(sysinfo),
                                  SCMP_SYS(umask),
                                  SCMP_SYS(uname),
                                  SCMP_SYS(unlink),
                                  SCMP_SYS(unlinkat),
                                  SCMP_SYS(utimensat),
                                  SCMP_SYS(write),
                                  SCMP_SYS(writev)};

bool restrict_calls() {
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return false;
  bool good = true;
  for (const int call : system_calls)
    if (call >= 0) good = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0 && good;  // negative: this machine has no such call
  // abort() signals its own process, and none else.
  good =
      ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()))) == 0 &&
      good;
  good = good && ::seccomp_load(filter) == 0;
  ::seccomp_release(filter);
  return good;
}
#endif

}  // namespace

std::string enter_sandbox(const SandboxRules& rules) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static_cast<void>(rules);
  return "none: the sanitizers of this build need what it takes away";
#else
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "none: " + report::system_error();
  const int files = restrict_files(rules);
  bool calls = false;
#ifdef TRIMCARVE_SECCOMP
  calls = restrict_calls();
#endif
  return fmt::format("files {}, system calls {}", files != 0 ? fmt::format("by Landlock (version {})", files) : "not restricted",
                     calls ? "by seccomp" : "not restricted");
#endif
}

}  // namespace trimcarve::cli
