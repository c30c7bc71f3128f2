#include "report/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace trimcarve::report {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}
Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
int Descriptor::release() noexcept { return std::exchange(fd_, -1); }

std::string system_error() { return std::generic_category().message(errno); }

std::string sha256_of_text(std::string_view text) {
  Sha256 digest;
  digest.update(std::as_bytes(std::span(text)));
  return digest.finish();
}

bool stays_inside(std::string_view relative) noexcept {
  if (relative.find('\0') != std::string_view::npos) return false;
  for (std::size_t at = 0;;) {
    const auto end = std::min(relative.find('/', at), relative.size());
    const auto part = relative.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == relative.size()) return true;
    at = end + 1;
  }
}

NewFile::NewFile(int folder, const std::string& name, std::string shown) : shown_(std::move(shown)) {
  fd_ = Descriptor(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd_) throw RunError(ExitCode::output, shown_, "cannot create", system_error());
}

void NewFile::write(ByteView bytes) {
  digest_.update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw RunError(ExitCode::output, shown_, "cannot write", system_error());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

NewFile::Done NewFile::close() {
  // Some file systems report a full disk only here.
  if (::close(fd_.release()) != 0) throw RunError(ExitCode::output, shown_, "cannot write", system_error());
  return {size_, digest_.finish()};
}

Result<Descriptor> open_inside(int folder, std::string_view relative) {
  if (!stays_inside(relative)) return fail("not a path inside the folder");
  Descriptor at;
  int from = folder;
  for (;;) {
    const auto end = std::min(relative.find('/'), relative.size());
    const bool last = end == relative.size();
    const std::string part(relative.substr(0, end));
    // O_NONBLOCK: a named pipe planted here must not stop us.
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY);
    Descriptor next(::openat(from, part.c_str(), flags));
    if (!next) return fail(errno == ENOENT ? "missing" : errno == ELOOP ? "a symbolic link" : "cannot open: " + system_error());
    at = std::move(next);
    from = at.get();
    if (last) break;
    relative.remove_prefix(end + 1);
  }
  struct stat info{};
  if (::fstat(at.get(), &info) != 0) return fail("cannot open: " + system_error());
  if (!S_ISREG(info.st_mode)) return fail("not a regular file");
  return at;
}

Result<FileIdentity> identify(int fd) {
  if (::lseek(fd, 0, SEEK_SET) < 0) return fail("cannot read: " + system_error());
  Sha256 digest;
  FileIdentity identity;
  static thread_local std::array<std::byte, 1 << 18> buffer;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("cannot read: " + system_error());
    if (got == 0) break;
    digest.update(ByteView(buffer).first(static_cast<std::size_t>(got)));
    identity.size += static_cast<std::uint64_t>(got);
  }
  identity.sha256 = digest.finish();
  return identity;
}

}  // namespace trimcarve::report
