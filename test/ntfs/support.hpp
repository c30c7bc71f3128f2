// What the tests of this room share: files as sources, memory as a disk, and independent readers run as commands.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "real_data.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::test {

using Bytes = std::vector<std::byte>;

inline Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Bytes out(text.size());
  std::memcpy(out.data(), text.data(), text.size());
  return out;
}

// Bytes as a disk: locate() is the identity. A stretch of it can be made unreadable.
class MemoryDisk final : public ByteSource {
 public:
  explicit MemoryDisk(Bytes bytes, std::uint64_t bad_offset = 0, std::uint64_t bad_length = 0)
      : bytes_(std::move(bytes)), bad_offset_(bad_offset), bad_length_(bad_length) {}
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_, offset, out.size())) return fail("past the end");
    if (offset < bad_offset_ + bad_length_ && bad_offset_ < offset + out.size()) return fail("bad sector");
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= bytes_.size()) return {};
    return {{offset, std::min(length, bytes_.size() - offset), ExtentKind::data}};
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= bytes_.size() || length == 0) return {};
    return {{disk_space, offset, std::min(length, bytes_.size() - offset)}};
  }

 private:
  Bytes bytes_;
  std::uint64_t bad_offset_, bad_length_;
};

// A file as a disk, read as needed (the real volumes are up to 1 GiB).
class FileDisk final : public ByteSource {
 public:
  explicit FileDisk(const std::string& path) : file_(std::fopen(path.c_str(), "rb")) {
    std::fseek(file_, 0, SEEK_END);
    size_ = static_cast<std::uint64_t>(std::ftell(file_));
  }
  ~FileDisk() override { std::fclose(file_); }
  std::uint64_t size() const noexcept override { return size_; }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end");
    std::fseek(file_, static_cast<long>(offset), SEEK_SET);
    if (std::fread(out.data(), 1, out.size(), file_) != out.size()) return fail("cannot be read");
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size_) return {};
    return {{offset, std::min(length, size_ - offset), ExtentKind::data}};
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size_ || length == 0) return {};
    return {{disk_space, offset, std::min(length, size_ - offset)}};
  }

 private:
  std::FILE* file_;
  std::uint64_t size_ = 0;
};

// The NTFS partition of a real disk; null when the data is not on this machine.
struct RealVolume {
  const char* item;
  std::uint64_t sector;  // where the partition begins (mmls)
  std::uint64_t length;  // in sectors; 0: to the end
};
inline constexpr RealVolume dftt7{"ntfs-volumes/dftt7-undel-ntfs.dd.xz", 0, 0};
inline constexpr RealVolume charlie{"ntfs-volumes/charlie.dd.bz2", 0, 0};
inline constexpr RealVolume ntfs_index{"ntfs-volumes/ntfs_index.raw.gz", 128, 59392};
inline constexpr RealVolume ramslack{"ntfs-volumes/ntfs-ramslack.raw.gz", 128, 2091008};
inline constexpr RealVolume lastaccess{"ntfs-volumes/ntfs-lastaccess.raw.gz", 128, 518144};
inline constexpr RealVolume ldm{"ntfs-volumes/usnjrnl-ldm-disk.raw.xz", 63, 2096577};

inline SourcePtr open_partition(const RealVolume& volume) {
  const std::string path = unpacked_data(volume.item);
  if (path.empty()) return nullptr;
  auto disk = std::make_shared<FileDisk>(path);
  const std::uint64_t offset = volume.sector * 512;
  const std::uint64_t length = volume.length != 0 ? volume.length * 512 : disk->size() - offset;
  return make_view(disk, offset, length);
}
// The same as arguments for The Sleuth Kit: `-o 128 '/tmp/...'`.
inline std::string sleuth_kit_arguments(const RealVolume& volume) {
  return "-o " + std::to_string(volume.sector) + " '" + unpacked_data(volume.item) + "'";
}

// What a command prints; its errors are dropped.
inline std::string output_of(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 65536> buffer;
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) != 0;) out.append(buffer.data(), n);
  ::pclose(pipe);
  return out;
}
inline bool have_command(const char* name) { return std::system(("command -v " + std::string(name) + " >/dev/null 2>&1").c_str()) == 0; }

inline Bytes hex(std::initializer_list<unsigned> bytes) {
  Bytes out;
  for (const unsigned b : bytes) out.push_back(static_cast<std::byte>(b));
  return out;
}
template <class T>
void put(Bytes& bytes, std::size_t offset, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[offset + i] = static_cast<std::byte>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xFF);
}
inline std::string text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}
inline std::string read_all(const ByteSource& source) {
  Bytes out(static_cast<std::size_t>(source.size()));
  std::vector<Unread> unread;
  read_tolerant(source, 0, out, unread);
  return text(out);
}

}  // namespace trimcarve::test
