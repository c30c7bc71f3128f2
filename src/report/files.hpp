// Files below one folder, made and read without ever leaving it: each component is opened by itself and no symbolic link is followed.
// Relative paths here have `/` between components and no `.`, `..` or empty component.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "trimcarve/bytes.hpp"
#include "trimcarve/result.hpp"
#include "types/sha256.hpp"

namespace trimcarve::report {

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;

 private:
  int fd_ = -1;
};

// True when a relative path keeps to the rule above.
bool stays_inside(std::string_view relative) noexcept;

// A new file being written, its hash made on the way. Errors are RunError{output} naming `shown`.
class NewFile {
 public:
  // `folder` is an open folder; `name` one component that must not exist yet.
  NewFile(int folder, const std::string& name, std::string shown);
  void write(ByteView bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  struct Done {
    std::uint64_t size = 0;
    std::string sha256;
  };
  Done close();

 private:
  Descriptor fd_;
  std::string shown_;
  Sha256 digest_;
  std::uint64_t size_ = 0;
};

// Opens a regular file below `folder` for reading. Nothing when it is absent, not a regular file, or reached through a link: `why` says
// which.
Result<Descriptor> open_inside(int folder, std::string_view relative);

// Size and SHA-256 of an open file from its beginning.
struct FileIdentity {
  std::uint64_t size = 0;
  std::string sha256;
};
Result<FileIdentity> identify(int fd);

std::string sha256_of_text(std::string_view text);

// What the last system call said, for people.
std::string system_error();

}  // namespace trimcarve::report
