// How fast a disk image gives its bytes from the page cache: read on from start to end, and at random in pieces of 4 KiB.
//
// Usage: image_speed IMAGE... ; each is read once beforehand. Beside each image: the same reads by pread of the file alone, which no reader
// of the image can exceed. One thread; seconds of CPU time.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

#include "image/open.hpp"
#include "trimcarve/result.hpp"

using namespace trimcarve;

namespace {

constexpr std::uint64_t piece = 1U << 20, page = 4096, reads = 2'000'000;

// Of this process's own work: what else the machine does counts for nothing, and reads from the cache do not wait.
double seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Speed {
  double gigabytes = 0, random = 0;
};

// Only pieces that hold data: what is not stored costs nothing and would flatter the figure.
template <class Read>
Speed measure(const std::vector<std::uint64_t>& pieces, Read read) {
  // On a page's boundary: 16 bytes behind one, where malloc puts large pieces, AMD's Zen copies at less than half the speed.
  std::vector<std::byte> space(piece + page);
  void* aligned = space.data();
  std::size_t room = space.size();
  const std::span<std::byte> buffer(static_cast<std::byte*>(std::align(page, piece, aligned, room)), piece);
  Speed best;
  for (int round = 0; round < 4; ++round) {  // the first fills the cache
    const double begin = seconds();
    for (const std::uint64_t at : pieces) read(at, buffer);
    best.gigabytes = std::max(best.gigabytes, static_cast<double>(pieces.size() * piece) / 1e9 / (seconds() - begin));
  }
  std::uint64_t state = 88172645463325252;
  for (int round = 0; round < 3; ++round) {
    const double begin = seconds();
    for (std::uint64_t i = 0; i < reads; ++i) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      read(pieces[state % pieces.size()] + state / 7919 % (piece / page) * page, buffer.first(page));
    }
    best.random = std::max(best.random, static_cast<double>(reads) / (seconds() - begin));
  }
  return best;
}

std::vector<std::uint64_t> with_data(const ByteSource& source) {
  std::vector<std::uint64_t> pieces;
  for (const Extent& e : source.extents(0, source.size()))
    if (e.kind == ExtentKind::data)
      for (std::uint64_t at = (e.offset + piece - 1) / piece * piece; at + piece <= e.offset + e.length; at += piece) pieces.push_back(at);
  return pieces;
}

}  // namespace

int main(int argc, char** argv) try {
  for (int i = 1; i < argc; ++i) {
    const auto image = image::open_image({argv[i]});
    const auto pieces = with_data(*image.source);
    if (pieces.empty()) continue;
    const Speed disk = measure(pieces, [&](std::uint64_t at, std::span<std::byte> out) {
      if (!image.source->read_at(at, out)) throw RunError(ExitCode::input, argv[i], "cannot read", std::to_string(at));
    });
    const int fd = ::open(argv[i], O_RDONLY | O_CLOEXEC);
    struct stat info{};
    ::fstat(fd, &info);
    std::vector<std::uint64_t> in_file;
    for (std::uint64_t at = 0; at + piece <= static_cast<std::uint64_t>(info.st_size); at += piece) in_file.push_back(at);
    in_file.resize(std::min(in_file.size(), pieces.size()));
    const Speed file = measure(in_file, [&](std::uint64_t at, std::span<std::byte> out) {
      if (::pread(fd, out.data(), out.size(), static_cast<off_t>(at)) != static_cast<ssize_t>(out.size()))
        throw RunError(ExitCode::input, argv[i], "cannot read", std::to_string(at));
    });
    ::close(fd);
    fmt::print(
        "{} ({}, {} MiB with data)\n  disk   {:6.1f} GB/s in order, {:9.0f} random reads of 4 KiB a second\n"
        "  pread  {:6.1f} GB/s in order, {:9.0f}\n",
        argv[i], image.info.container, pieces.size(), disk.gigabytes, disk.random, file.gigabytes, file.random);
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
