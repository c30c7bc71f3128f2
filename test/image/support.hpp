// Helpers of the image room's tests: temporary folders, files, sources in memory, and the tools that serve as independent readers.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "image/host_file.hpp"
#include "real_data.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::test {

using Bytes = std::vector<std::byte>;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "trimcarve-image-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  REQUIRE(in);
  Bytes bytes(static_cast<std::size_t>(in.tellg()));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

inline void write_file(const std::string& path, ByteView bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out);
}

// Bytes that differ from place to place, so that a wrong offset shows.
inline Bytes pattern(std::size_t size, std::uint32_t seed = 1) {
  Bytes bytes(size);
  std::uint32_t state = seed * 2654435761U + 12345U;
  for (auto& b : bytes) {
    state = state * 1664525U + 1013904223U;
    b = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

// A source in memory, with a stretch that cannot be read as a medium with a bad sector has it.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes, Unread bad = {}) : bytes_(std::move(bytes)), bad_(bad) {}
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_.size(), offset, out.size())) return fail("past the end");
    if (offset < bad_.offset + bad_.length && bad_.offset < offset + out.size()) return fail("bad sector");
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size()) return {};
    return {{offset, std::min(length, size() - offset), ExtentKind::data}};
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size()) return {};
    return {{disk_space, offset, std::min(length, size() - offset)}};
  }

 private:
  Bytes bytes_;
  Unread bad_;
};

inline SourcePtr memory(Bytes bytes, Unread bad = {}) { return std::make_shared<MemorySource>(std::move(bytes), bad); }

inline void put_le(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes.at(at + i) = static_cast<std::byte>(value >> (8 * i));
}
inline void put_be(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes.at(at + i) = static_cast<std::byte>(value >> (8 * (width - 1 - i)));
}
inline void put_text(Bytes& bytes, std::size_t at, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) bytes.at(at + i) = static_cast<std::byte>(text[i]);
}

// False, with the line `./dev test` counts, when a tool is not on this machine.
inline bool have_tool(const std::string& tool) {
  if (std::system(("PATH=$PATH:/usr/sbin:/sbin command -v " + tool + " >/dev/null 2>&1").c_str()) == 0) return true;
  std::printf("SKIPPED: %s is not installed\n", tool.c_str());
  return false;
}

// Runs a command quietly; its standard output when it succeeds.
inline std::string run(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen(("PATH=$PATH:/usr/sbin:/sbin; " + command + " 2>/dev/null").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  INFO(command);
  REQUIRE(status == 0);
  return out;
}

inline bool has_warning(const std::vector<Warning>& warnings, std::string_view code) {
  return std::ranges::any_of(warnings, [&](const Warning& w) { return w.code == code; });
}

// Where two sources first differ within `size` bytes, or `size`. Stretches that are holes in both files are passed over.
inline std::uint64_t first_difference(const ByteSource& a, const ByteSource& b, std::uint64_t size) {
  std::vector<std::byte> x(1 << 20), y(1 << 20);
  for (std::uint64_t at = 0; at < size;) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(x.size(), size - at));
    const auto ea = a.extents(at, length), eb = b.extents(at, length);
    const auto all_zero = [](const std::vector<Extent>& e) {
      return e.size() == 1 && e[0].kind != ExtentKind::data && e[0].kind != ExtentKind::unreadable;
    };
    if (!all_zero(ea) || !all_zero(eb)) {
      if (!a.read_at(at, std::span(x).first(length)) || !b.read_at(at, std::span(y).first(length))) return at;
      if (std::memcmp(x.data(), y.data(), length) != 0) return at;
    }
    at += length;
  }
  return size;
}

}  // namespace trimcarve::test
