// Volume shadow copies: a small sound volume whose metadata the input changes, byte by byte, wherever it names a place in it.
#include "image/shadow.hpp"

#include <algorithm>

#include "../image/shadow_volume.hpp"
#include "memory_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  static const test::ShadowVolumeBytes sound({{.list = {{20, 30, 0, 1}, {30, 6, 44}, {21, 7, 45}}, .unused = {22}},
                                              {.list = {{21, 4, 46}, {23, 5, 47, 2, 0xFF}}},
                                              {.list = {{30, 4, 48}}}});
  auto bytes = sound.bytes;
  // A place among the headers and entries, then the bytes to put there.
  for (std::size_t i = 0; i + 4 <= size;) {
    const std::size_t block = data[i] % 17U, length = std::min<std::size_t>(data[i + 2] % 40U, size - i - 3);
    const std::size_t at = (block == 16 ? 0x1E00 : block * test::shadow_block) + data[i + 1] * 4U;
    std::memcpy(bytes.data() + at, data + i + 3, length);
    i += 3 + length;
  }
  const auto* raw = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto volume = std::make_shared<fuzz::MemorySource>(raw, bytes.size());
  const auto shadows = image::read_shadows(volume);
  if (!shadows.complete && shadows.warnings.empty()) __builtin_trap();
  std::vector<std::byte> read(test::shadow_block), located;
  for (const auto& store : shadows.stores) {
    if ((store.bytes == nullptr) == store.why.empty()) __builtin_trap();
    if (store.bytes == nullptr) continue;
    std::uint64_t at = 0;
    if (store.bytes->size() > volume->size()) __builtin_trap();
    for (const Extent& extent : store.bytes->extents(0, store.bytes->size())) {
      if (extent.offset != at || extent.length == 0) __builtin_trap();
      at += extent.length;
      // The bytes of the blocks that the entries speak of: all of them would take too long.
      const std::uint64_t begin = std::max<std::uint64_t>(extent.offset, 20 * test::shadow_block);
      const std::uint64_t end = std::min<std::uint64_t>(extent.offset + extent.length, 24 * test::shadow_block);
      for (std::uint64_t done = begin; done < end; done += test::shadow_block) {
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(read.size(), end - done));
        if (!store.bytes->read_at(done, std::span(read).first(length))) __builtin_trap();
        located.clear();
        for (const Range& range : store.bytes->locate(done, length)) {
          if (!fits(volume->size(), range.offset, range.length)) __builtin_trap();
          located.insert(located.end(), bytes.begin() + static_cast<std::ptrdiff_t>(range.offset),
                         bytes.begin() + static_cast<std::ptrdiff_t>(range.offset + range.length));
        }
        const ByteView part = ByteView(read).first(length);
        if (extent.kind == ExtentKind::hole ? !all_zero(part) || !located.empty() : !std::ranges::equal(part, located)) __builtin_trap();
      }
    }
    if (at != store.bytes->size()) __builtin_trap();
  }
  return 0;
}
