#include "report/output_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "trimcarve/result.hpp"

namespace trimcarve::report {

OutputFile::OutputFile(std::string path) : path_(std::move(path)), unfinished_(path_ + ".unfinished") {
  struct stat there{};
  if (::lstat(path_.c_str(), &there) == 0) throw RunError(ExitCode::output, path_, "will not write here", "it exists already");
  fd_ = Descriptor(::open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd_) throw RunError(ExitCode::output, unfinished_, "cannot create", system_error());
}

OutputFile::~OutputFile() {
  if (fd_) ::unlink(unfinished_.c_str());
}

void OutputFile::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd_.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw RunError(ExitCode::output, path_, "cannot write", system_error());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::finish() {
  // What a delayed write lost is told here, before the file gets its name.
  if (::fsync(fd_.get()) != 0) throw RunError(ExitCode::output, path_, "cannot write", system_error());
  if (::renameat2(AT_FDCWD, unfinished_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    // A file system that cannot refuse to replace.
    struct stat there{};
    if (errno == EEXIST || ::lstat(path_.c_str(), &there) == 0)
      throw RunError(ExitCode::output, path_, "will not write here", "it exists already");
    if (::rename(unfinished_.c_str(), path_.c_str()) != 0) throw RunError(ExitCode::output, path_, "cannot rename", system_error());
  }
  fd_ = Descriptor();
}

}  // namespace trimcarve::report
