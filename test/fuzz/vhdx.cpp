// VHDX: headers, region table, metadata with a parent's locator, block table, sector bitmap, pending log. A real file is megabytes of zeros
// with little between, so the input is the little: each structure is laid out at its place and given its checksum; log entries get their
// data sectors.
#include "image/vhdx.hpp"

#include <set>

#include "image/crc.hpp"
#include "memory_source.hpp"

namespace {
constexpr std::size_t kib = 1024, mib = 1024 * kib, log_at = 3 * mib, bitmap_at = 4 * mib, file_size = 8 * mib;

using Bytes = std::vector<std::byte>;

void put(Bytes& file, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) file[at + i] = static_cast<std::byte>(value >> (8 * i));
}

void seal(Bytes& file, std::size_t at, std::size_t size) {
  put(file, at + 4, 0, 4);
  put(file, at + 4, trimcarve::image::crc32c(trimcarve::ByteView(file).subspan(at, size)), 4);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  static Bytes file(file_size);  // each run writes the same places, whole; those of log entries are cleared again
  const auto byte = [&] { return size == 0 ? std::uint8_t{0} : (--size, *data++); };
  const auto take = [&](std::size_t at, std::size_t length) {
    const std::size_t n = std::min(size, length);
    std::memset(file.data() + at, 0, length);
    if (n != 0) std::memcpy(file.data() + at, data, n);
    data += n;
    size -= n;
  };
  std::memcpy(file.data(), "vhdxfile", 8);
  const unsigned shape = byte();
  take(64 * kib, 80);
  if ((shape & 1U) != 0) {  // a log that is there
    put(file, 64 * kib + 64, 0, 2);
    put(file, 64 * kib + 68, mib, 4);
    put(file, 64 * kib + 72, log_at, 8);
  }
  take(192 * kib, 16 + 3 * 32);
  take(mib, 32 + 7 * 32);
  take(mib + 64 * kib, 512);
  take(2 * mib, 512);
  take(bitmap_at, 64);
  std::set<std::size_t> entries;
  if ((shape & 1U) != 0) {
    for (unsigned n = byte() % 5; n > 0; --n) {
      const std::size_t at = log_at + byte() % 250 * 4096, descriptors = byte() % 6;
      for (std::size_t i = 0; i <= descriptors; ++i) entries.insert(at + 4096 * i);
      take(at, 64 + 32 * descriptors);
      std::memcpy(file.data() + at, "loge", 4);
      put(file, at + 8, 4096 * (descriptors + 1), 4);
      put(file, at + 24, descriptors, 4);
      std::memcpy(file.data() + at + 32, file.data() + 64 * kib + 48, 16);
      for (std::size_t i = 0; i < descriptors; ++i) {
        std::memcpy(file.data() + at + 64 + 32 * i, (shape >> (i + 1) & 1U) != 0 ? "zero" : "desc", 4);
        std::memcpy(file.data() + at + 64 + 32 * i + 24, file.data() + at + 16, 8);
        const std::size_t body = at + 4096 * (i + 1);
        std::memset(file.data() + body, 0xC3, 4096);
        std::memcpy(file.data() + body, "data", 4);
        std::memcpy(file.data() + body + 4, file.data() + at + 20, 4);
        std::memcpy(file.data() + body + 4092, file.data() + at + 16, 4);
      }
      seal(file, at, 4096 * (descriptors + 1));
    }
  }
  seal(file, 64 * kib, 4 * kib);
  seal(file, 192 * kib, 64 * kib);
  const auto source = std::make_shared<fuzz::MemorySource>(ByteView(file));
  const auto parent = [](const image::ParentLink& link) -> SourcePtr {
    if (link.identifiers.empty()) __builtin_trap();
    return std::make_shared<fuzz::MemorySource>(Bytes(5000, std::byte{0x5A}));
  };
  for (const bool replay : {true, false}) {
    const auto disk = image::open_vhdx(source, parent, replay);
    if (!disk) continue;
    fuzz::check_source(*disk->disk);
    if (disk->log)
      for (const Range& range : disk->log->ranges)
        if (range.length == 0 || !fits(disk->disk->size(), range.offset, range.length)) __builtin_trap();
  }
  for (const std::size_t at : entries)
    if (at < file_size) std::memset(file.data() + at, 0, 4096);
  return 0;
}
