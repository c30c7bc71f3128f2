#include "image/host_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

std::string reason(int error) { return std::generic_category().message(error); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class HostFile final : public ByteSource {
 public:
  HostFile(Descriptor file, std::uint64_t size, bool may_have_holes, std::uint32_t space)
      : file_(std::move(file)), size_(size), may_have_holes_(may_have_holes), space_(space) {}

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end of the file");
    while (!out.empty()) {
      const ssize_t got = ::pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail("read error at " + std::to_string(offset) + ": " + reason(errno));
      if (got == 0) return fail("the file ended early, at " + std::to_string(offset));
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    if (offset >= size_) return found;
    const std::uint64_t end = offset + std::min(length, size_ - offset);
    if (!may_have_holes_) {
      add_extent(found, offset, end - offset, ExtentKind::data);
      return found;
    }
    while (offset < end) {
      const std::uint64_t data = seek(offset, SEEK_DATA, end);
      add_extent(found, offset, data - offset, ExtentKind::hole);
      if (data >= end) break;
      std::uint64_t hole = seek(data, SEEK_HOLE, end);
      if (hole == data) hole = end;  // a file system that contradicts itself must not stop us: call it data
      add_extent(found, data, hole - data, ExtentKind::data);
      offset = hole;
    }
    return found;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size_ || length == 0) return {};
    return {{space_, offset, std::min(length, size_ - offset)}};
  }

 private:
  // Where data or a hole begins at or after `from`, at most `end`. The file position that lseek moves is used by nobody: reads are pread.
  std::uint64_t seek(std::uint64_t from, int whence, std::uint64_t end) const {
    const off_t at = ::lseek(file_.get(), static_cast<off_t>(from), whence);
    if (at >= 0) return std::clamp(static_cast<std::uint64_t>(at), from, end);
    if (whence == SEEK_DATA) return errno == ENXIO ? end : from;  // ENXIO: only a hole is left; else not supported: all is data
    return end;
  }

  Descriptor file_;
  std::uint64_t size_;
  bool may_have_holes_;
  std::uint32_t space_;
};

class Joined final : public ByteSource {
 public:
  explicit Joined(std::vector<SourcePtr> parts) : parts_(std::move(parts)) {
    for (const auto& part : parts_) {
      starts_.push_back(size_);
      size_ += part->size();
    }
  }

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end");
    Result<void> result;
    walk(offset, out.size(), [&](const ByteSource& part, std::uint64_t at, std::uint64_t length) {
      result = part.read_at(at, out.first(static_cast<std::size_t>(length)));
      out = out.subspan(static_cast<std::size_t>(length));
      return result.has_value();
    });
    return result;
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    walk(offset, length, [&](const ByteSource& part, std::uint64_t at, std::uint64_t piece) {
      for (const Extent& e : part.extents(at, piece)) add_extent(found, offset + (e.offset - at), e.length, e.kind, e.partial);
      offset += piece;
      return true;
    });
    return found;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Range> found;
    walk(offset, length, [&](const ByteSource& part, std::uint64_t at, std::uint64_t piece) {
      for (const Range& r : part.locate(at, piece)) found.push_back(r);
      return true;
    });
    return found;
  }

 private:
  // Calls visit(part, offset in it, length) for the parts under a stretch, in order, until it returns false.
  template <class Visit>
  void walk(std::uint64_t offset, std::uint64_t length, Visit visit) const {
    if (offset >= size_) return;
    length = std::min(length, size_ - offset);
    auto i = static_cast<std::size_t>(std::ranges::upper_bound(starts_, offset) - starts_.begin()) - 1;
    while (length > 0) {
      const std::uint64_t at = offset - starts_[i];
      const std::uint64_t piece = std::min(length, parts_[i]->size() - at);
      if (!visit(*parts_[i], at, piece)) return;
      offset += piece;
      length -= piece;
      ++i;
    }
  }

  std::vector<SourcePtr> parts_;
  std::vector<std::uint64_t> starts_;
  std::uint64_t size_ = 0;
};

class Disk final : public ByteSource {
 public:
  explicit Disk(SourcePtr payload) : payload_(std::move(payload)) {}
  std::uint64_t size() const noexcept override { return payload_->size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override { return payload_->read_at(offset, out); }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override { return payload_->extents(offset, length); }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size() || length == 0) return {};
    return {{disk_space, offset, std::min(length, size() - offset)}};
  }

 private:
  SourcePtr payload_;
};

}  // namespace

void add_extent(std::vector<Extent>& extents, std::uint64_t offset, std::uint64_t length, ExtentKind kind, bool partial) {
  if (length == 0) return;
  if (!extents.empty() && extents.back().kind == kind && extents.back().partial == partial &&
      extents.back().offset + extents.back().length == offset)
    extents.back().length += length;
  else
    extents.push_back({offset, length, kind, partial});
}

SourcePtr open_host_file(const std::string& path, std::uint32_t space) {
  const auto refuse = [&](const std::string& why) { return RunError(ExitCode::input, path, "cannot open", why); };
  // O_NONBLOCK: opening a pipe must not wait for a writer. O_NOATIME is allowed to the file's owner only.
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int fd = ::open(path.c_str(), flags | O_NOATIME);
  if (fd < 0 && errno == EPERM) fd = ::open(path.c_str(), flags);
  if (fd < 0) throw refuse(errno == ENOENT ? "no such file" : reason(errno));
  Descriptor file(fd);

  struct stat info{};
  if (::fstat(fd, &info) != 0) throw refuse(reason(errno));
  if (S_ISDIR(info.st_mode)) throw refuse("it is a directory");
  if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode)) throw refuse("it is a pipe or a device without a size");
  off_t size = info.st_size;
  if (S_ISBLK(info.st_mode)) {
    size = ::lseek(fd, 0, SEEK_END);
    if (size < 0) throw refuse("the size of the device is not known: " + reason(errno));
  }
  if (size == 0) throw refuse("the file is empty");
  return std::make_shared<HostFile>(std::move(file), static_cast<std::uint64_t>(size), S_ISREG(info.st_mode), space);
}

SourcePtr join_sources(std::vector<SourcePtr> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  return std::make_shared<Joined>(std::move(parts));
}

SourcePtr make_disk(SourcePtr base, std::uint64_t length) {
  if (base->size() != length) base = make_view(std::move(base), 0, length);
  return std::make_shared<Disk>(std::move(base));
}

}  // namespace trimcarve::image
