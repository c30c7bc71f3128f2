// What the tests of other tools' images share: a disk, its images, and the comparison of the two.
#pragma once

#include <string>

#include "image/open.hpp"
#include "support.hpp"

namespace trimcarve::test {

inline constexpr std::size_t mib = 1 << 20;

// 8 MiB: zeros, text that compresses, noise that does not, zeros, noise.
inline Bytes mixed_disk() {
  Bytes disk(8 * mib);
  for (std::size_t i = mib; i < 2 * mib; ++i) disk[i] = static_cast<std::byte>('a' + i / 777 % 26);
  std::ranges::copy(pattern(3 * mib), disk.begin() + 3 * mib);
  std::ranges::copy(pattern(mib / 2, 7), disk.begin() + 7 * mib + 4096 * 3);
  return disk;
}

inline std::string refusal(const std::string& path) {
  try {
    (void)image::open_image({path});
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::input);
    return error.what();
  }
  return {};
}

// Every byte, and reads that begin and end anywhere.
inline void check_bytes(const image::OpenedImage& image, const Bytes& disk) {
  REQUIRE(image.info.size == disk.size());
  std::vector<std::byte> all(disk.size());
  REQUIRE(image.source->read_at(0, all).has_value());
  CHECK(all == disk);
  std::uint32_t state = 5;
  for (int i = 0; i < 200; ++i) {
    state = state * 1664525U + 1013904223U;
    const std::size_t at = state % disk.size(), length = std::min<std::size_t>(state / 7 % 200000, disk.size() - at);
    std::vector<std::byte> part(length);
    REQUIRE(image.source->read_at(at, part).has_value());
    REQUIRE(std::memcmp(part.data(), disk.data() + at, length) == 0);
  }
  CHECK_FALSE(image.source->read_at(disk.size() - 1, std::span(all).first(2)).has_value());
  std::uint64_t covered = 0;
  for (const Extent& e : image.source->extents(0, disk.size())) {
    CHECK(e.offset == covered);
    covered += e.length;
    if (e.kind == ExtentKind::data) continue;
    CHECK(e.kind != ExtentKind::unreadable);
    CHECK(all_zero(ByteView(disk).subspan(static_cast<std::size_t>(e.offset), static_cast<std::size_t>(e.length))));
  }
  CHECK(covered == disk.size());
  CHECK(image.source->locate(700, 9) == std::vector<Range>{{disk_space, 700, 9}});
}

// Of a damaged copy no byte may be wrong: each sector is right or unreadable. How many are unreadable.
inline std::size_t sectors_lost(const image::OpenedImage& image, const Bytes& disk) {
  REQUIRE(image.info.size == disk.size());
  std::size_t lost = 0;
  std::vector<std::byte> sector(512);
  for (std::size_t at = 0; at < disk.size(); at += 512) {
    if (!image.source->read_at(at, sector)) {
      ++lost;
      continue;
    }
    INFO(at);
    REQUIRE(std::ranges::equal(sector, std::span(disk).subspan(at, 512)));
  }
  return lost;
}

struct Workshop {
  TemporaryFolder folder;
  Bytes disk = mixed_disk();

  Workshop() { write_file(folder / "disk.raw", disk); }
  std::string acquire(const std::string& name, const std::string& options) const {
    run("ewfacquire -u -q -d sha1 " + options + " -t '" + (folder / name) + "' '" + (folder / "disk.raw") + "' </dev/null");
    return folder / (name + ".E01");
  }
  std::string convert(const std::string& name, const std::string& options) const {
    run("qemu-img convert -f raw " + options + " '" + (folder / "disk.raw") + "' '" + (folder / name) + "'");
    return folder / name;
  }
  // A copy of a file with some bytes changed.
  std::string damaged(const std::string& path, const std::string& name, std::size_t at, unsigned char flip, std::size_t cut = 0) const {
    Bytes bytes = read_file(path);
    if (at < bytes.size()) bytes[at] ^= static_cast<std::byte>(flip);
    bytes.resize(bytes.size() - cut);
    write_file(folder / name, bytes);
    return folder / name;
  }
};

inline std::size_t find(const Bytes& bytes, ByteView what) {
  const auto at = std::search(bytes.begin(), bytes.end(), what.begin(), what.end());
  REQUIRE(at != bytes.end());
  return static_cast<std::size_t>(at - bytes.begin());
}

}  // namespace trimcarve::test
