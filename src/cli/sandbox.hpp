// What the process gives up before it reads evidence: the input may be written to make a reader do something else.
//
// Files: Landlock (Linux 5.13 and later). What may still be opened is said by path; everything that was opened before stays open.
// System calls: seccomp, through libseccomp, where this was built with it. No program can be started, no socket made, no other process
// touched; what is not on the list fails with EPERM.
// Neither can be taken back, for this process or its children. Where the kernel has neither, the program runs without.
#pragma once

#include <string>
#include <vector>

namespace trimcarve::cli {

struct SandboxRules {
  bool read_all = false;             // any file may still be opened for reading
  std::vector<std::string> folders;  // below them files are made, written, read, renamed and removed
  std::vector<std::string> files;    // written and read
  std::vector<std::string>
      places;  // folders in which files are made, renamed and removed, and empty folders removed, but none read or written
};

// What was achieved, for people: "files by Landlock (version 7), system calls by seccomp".
std::string enter_sandbox(const SandboxRules& rules);

}  // namespace trimcarve::cli
