// A small volume with shadow copies, written by hand: the test says what stands in each structure. Source of the format: J. Metz, "Volume
// Shadow Snapshot (VSS) format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace trimcarve::test {

inline constexpr std::size_t shadow_block = 0x4000;

// One entry of a block list; numbers of blocks.
struct ListEntry {
  std::uint64_t original = 0, relative = 0, data = 0;
  std::uint32_t flags = 0, bits = 0;
};
struct StoreParts {
  std::vector<ListEntry> list;
  std::vector<std::uint64_t> unused;  // bits set in its bitmap
  std::uint64_t flags = 0x440;
};

// 64 blocks, each filled with its number. Block 1 holds the catalog; the n-th store (oldest first) has its header, block list, block ranges
// and bitmap in the four blocks from 4 + 4 n.
class ShadowVolumeBytes {
 public:
  static constexpr std::size_t blocks = 64, catalog = 1;
  static constexpr std::size_t store_block(std::size_t n) { return 4 + 4 * n; }

  explicit ShadowVolumeBytes(const std::vector<StoreParts>& stores) : bytes(blocks * shadow_block) {
    for (std::size_t b = 0; b < blocks; ++b) std::memset(bytes.data() + b * shadow_block, static_cast<int>(b + 1), shadow_block);
    std::memset(bytes.data(), 0, shadow_block);
    std::memcpy(bytes.data() + 3, "NTFS    ", 8);
    put(11, 512, 2);
    put(13, 8, 1);
    put(40, blocks * shadow_block / 512 - 1, 8);
    put(64, 0xF6, 1);
    put(510, 0xAA55, 2);
    std::memcpy(bytes.data() + 0x1E00, identifier.data(), 16);
    put(0x1E10, 1, 4);
    put(0x1E14, 1, 4);
    put(0x1E18, 0x1E00, 8);
    put(0x1E20, 0x1E00, 8);
    put(0x1E30, catalog * shadow_block, 8);
    std::size_t entry = start(catalog, 2) + 128;
    for (std::size_t n = 0; n < stores.size(); ++n) {
      const std::size_t first = store_block(n);
      put(entry, 2, 8);
      put(entry + 8, bytes.size(), 8);
      put(entry + 16, 0x51 + n, 1);
      put(entry + 32, n + 1, 8);
      put(entry + 40, stores[n].flags, 8);
      put(entry + 48, 132'000'000'000'000'000 + n * 36'000'000'000, 8);
      put(entry + 128, 3, 8);
      put(entry + 128 + 8, (first + 1) * shadow_block, 8);
      put(entry + 128 + 16, 0x51 + n, 1);
      put(entry + 128 + 32, first * shadow_block, 8);
      put(entry + 128 + 40, (first + 2) * shadow_block, 8);
      put(entry + 128 + 48, (first + 3) * shadow_block, 8);
      entry += 256;
      const std::size_t header = start(first, 4);
      put(header + 48, 66 + 2, 8);
      std::size_t at = start(first + 1, 3) + 128;
      for (const ListEntry& e : stores[n].list) {
        put(at, e.original * shadow_block, 8);
        put(at + 8, e.relative * shadow_block, 8);
        put(at + 16, e.data * shadow_block, 8);
        put(at + 24, e.flags, 4);
        put(at + 28, e.bits, 4);
        at += 32;
      }
      const std::size_t range = start(first + 2, 5) + 128;
      put(range, first * shadow_block, 8);
      put(range + 16, 4 * shadow_block, 8);
      const std::size_t bitmap = start(first + 3, 6) + 128;
      for (const std::uint64_t b : stores[n].unused) bytes[bitmap + b / 8] |= std::byte{static_cast<unsigned char>(1U << b % 8)};
    }
  }

  void put(std::size_t at, std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
  }

  std::vector<std::byte> bytes;

 private:
  static constexpr std::string_view identifier{"\x6B\x87\x08\x38\x76\xC1\x48\x4E\xB7\xAE\x04\x04\x6E\x6C\xC7\x52", 16};

  std::size_t start(std::size_t block, std::uint32_t type) {
    const std::size_t at = block * shadow_block;
    std::memset(bytes.data() + at, 0, shadow_block);
    std::memcpy(bytes.data() + at, identifier.data(), 16);
    put(at + 16, 1, 4);
    put(at + 20, type, 4);
    put(at + 32, at, 8);
    return at;
  }
};

}  // namespace trimcarve::test
