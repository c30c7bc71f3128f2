// VHDX: headers, region table, metadata, block table. A real file is megabytes of zeros with little between, so the input is the little:
// the header, the region table, the metadata and the block table, each laid out at its place and given its checksum.
#include "image/vhdx.hpp"

#include "image/crc.hpp"
#include "memory_source.hpp"

namespace {
constexpr std::size_t kib = 1024, mib = 1024 * kib;

void seal(std::vector<std::byte>& file, std::size_t at, std::size_t size) {
  std::memset(file.data() + at + 4, 0, 4);
  const std::uint32_t crc = trimcarve::image::crc32c(trimcarve::ByteView(file).subspan(at, size));
  for (std::size_t i = 0; i < 4; ++i) file[at + 4 + i] = static_cast<std::byte>(crc >> (8 * i));
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  static std::vector<std::byte> file(4 * mib);  // each run writes the same places, whole
  const auto take = [&](std::size_t at, std::size_t length) {
    const std::size_t n = std::min(size, length);
    std::memset(file.data() + at, 0, length);
    if (n != 0) std::memcpy(file.data() + at, data, n);
    data += n;
    size -= n;
  };
  std::memcpy(file.data(), "vhdxfile", 8);
  take(64 * kib, 80);
  take(192 * kib, 16 + 3 * 32);
  take(mib, 32 + 6 * 32);
  take(mib + 64 * kib, 128);
  take(2 * mib, 4 * kib);
  seal(file, 64 * kib, 4 * kib);
  seal(file, 192 * kib, 64 * kib);
  const auto source = std::make_shared<fuzz::MemorySource>(ByteView(file));
  if (const auto disk = image::open_vhdx(source)) fuzz::check_source(*disk->disk);
  return 0;
}
