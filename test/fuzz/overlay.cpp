// Patches over a file: whatever is laid over what, the bytes are those of a flat copy into which each patch was written in turn.
#include "image/overlay.hpp"

#include "memory_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  constexpr std::size_t sector = image::Patches::sector, sectors = 32, held = 24;  // the file ends before what patches may reach
  static const std::vector<std::byte> file = [] {
    std::vector<std::byte> bytes(held * sector);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 131 >> 4);
    return bytes;
  }();
  std::vector<std::byte> flat = file;
  flat.resize(sectors * sector);
  std::vector<bool> there(sectors);
  for (std::size_t i = 0; i < held; ++i) there[i] = true;
  image::Patches patches;
  for (; size >= 2; data += 2, size -= 2) {
    const std::size_t begin = data[0] % sectors, count = std::min<std::size_t>(1 + data[1] % 8, sectors - begin);
    image::Patch patch;
    if (data[0] < 128) {
      patch.end = (begin + count) * sector;
      std::fill_n(flat.begin() + static_cast<std::ptrdiff_t>(begin * sector), count * sector, std::byte{0});
      for (std::size_t i = 0; i < count; ++i) there[begin + i] = true;
    } else {
      patch.end = (begin + 1) * sector;
      patch.zero = false;
      patch.body = data[1] * 64 + 8;
      patch.leading.fill(static_cast<std::byte>(data[1]));
      patch.trailing.fill(static_cast<std::byte>(~data[1]));
      const auto out = flat.begin() + static_cast<std::ptrdiff_t>(begin * sector);
      std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(patch.body), sector - 12, out + 8);
      std::ranges::copy(patch.leading, out);
      std::ranges::copy(patch.trailing, out + sector - 4);
      there[begin] = true;
    }
    patches.add(begin * sector, patch);
  }
  const auto source = image::overlay(std::make_shared<fuzz::MemorySource>(ByteView(file)), patches);
  fuzz::check_source(*source);
  std::vector<std::byte> out(sector / 2);
  for (std::size_t at = 0; at + out.size() <= source->size(); at += out.size()) {
    const bool read = source->read_at(at, out).has_value();
    if (read != there[at / sector]) __builtin_trap();
    if (read && !std::equal(out.begin(), out.end(), flat.begin() + static_cast<std::ptrdiff_t>(at))) __builtin_trap();
  }
  return 0;
}
