#include "ntfs/boot_sector.hpp"

#include <doctest/doctest.h>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

namespace {

Bytes boot_of(const RealVolume& volume) {
  const auto partition = open_partition(volume);
  Bytes bytes;
  if (partition) {
    bytes.resize(512);
    REQUIRE(partition->read_at(0, bytes));
  }
  return bytes;
}

}  // namespace

TEST_CASE("the boot sector of a real volume gives the geometry that fsstat and fsntfsinfo print") {
  // Vouched for by `fsstat` (first clusters, sizes) and `fsntfsinfo` (serial a4a408c8a4089f44).
  const Bytes bytes = boot_of(charlie);
  if (bytes.empty()) return;
  const auto boot = decode_boot_sector(bytes);
  REQUIRE(boot.kind == BootKind::ntfs);
  const Geometry& g = boot.geometry;
  CHECK(g.bytes_per_sector == 512);
  CHECK(g.cluster_size == 4096);
  CHECK(g.record_size == 1024);
  CHECK(g.index_block_size == 4096);
  CHECK(g.mft_lcn == 3157);
  CHECK(g.mft_mirror_lcn == 2);
  CHECK(g.serial == 0xa4a408c8a4089f44ULL);
  CHECK(g.volume_size == g.total_sectors * 512);
}

TEST_CASE("1 KiB clusters are read from the sectors per cluster") {
  // Vouched for by fsstat: cluster size 1024, $MFT at 2005, mirror at 4069.
  const Bytes bytes = boot_of(dftt7);
  if (bytes.empty()) return;
  const auto boot = decode_boot_sector(bytes);
  REQUIRE(boot.kind == BootKind::ntfs);
  CHECK(boot.geometry.cluster_size == 1024);
  CHECK(boot.geometry.record_size == 1024);
  CHECK(boot.geometry.mft_lcn == 2005);
  CHECK(boot.geometry.mft_mirror_lcn == 4069);
}

TEST_CASE("clusters up to 2 MiB are stated as a power of two") {
  // Hand-made from a real one: no real volume with large clusters is at hand. Rule: value above 0x80 means 2^(256 - value) sectors
  // (libfsntfs' format document; Linux reads it so since 5.16).
  Bytes bytes = boot_of(charlie);
  if (bytes.empty()) return;
  put<std::uint64_t>(bytes, 0x28, 1ULL << 40);
  bytes[0x0D] = std::byte{0xF4};
  bytes[0x44] = std::byte{0xF4};  // index blocks of 2^12 bytes
  const auto boot = decode_boot_sector(bytes);
  REQUIRE(boot.kind == BootKind::ntfs);
  CHECK(boot.geometry.cluster_size == 2U << 20);
  bytes[0x0D] = std::byte{0xF3};
  CHECK(decode_boot_sector(bytes).kind == BootKind::other);
  bytes[0x0D] = std::byte{0x80};
  CHECK(decode_boot_sector(bytes).geometry.cluster_size == 65536);
}

TEST_CASE("a BitLocker volume is its own outcome") {
  // Hand-made: the signature alone decides (Microsoft, "BitLocker: how to tell", -FVE-FS- at offset 3).
  Bytes bytes(512);
  std::memcpy(bytes.data() + 3, "-FVE-FS-", 8);
  CHECK(decode_boot_sector(bytes).kind == BootKind::bitlocker);
}

TEST_CASE("what is no NTFS boot sector says why") {
  CHECK(decode_boot_sector(Bytes(100)).why == "shorter than a boot sector (512 bytes)");
  CHECK(decode_boot_sector(Bytes(512)).why == "the boot sector is all zero");
  Bytes bytes(512);
  std::memcpy(bytes.data() + 3, "EXFAT   ", 8);
  CHECK(decode_boot_sector(bytes).why == "an exFAT boot sector, not NTFS");
  std::memcpy(bytes.data() + 3, "MSDOS5.0", 8);
  std::memcpy(bytes.data() + 82, "FAT32   ", 8);
  CHECK(decode_boot_sector(bytes).why == "a FAT boot sector, not NTFS");
  std::memcpy(bytes.data() + 3,
              "\x01"
              "ABCDEF\x7F",
              8);
  std::memcpy(bytes.data() + 82, "        ", 8);
  CHECK(decode_boot_sector(bytes).why == "no NTFS signature: '?ABCDEF?' stands where 'NTFS    ' should");
}

TEST_CASE("each senseless field of an NTFS boot sector is refused by name") {
  const Bytes good = boot_of(charlie);
  if (good.empty()) return;
  const auto why = [&](std::size_t offset, std::uint64_t value, std::size_t width) {
    Bytes bytes = good;
    for (std::size_t i = 0; i < width; ++i) bytes[offset + i] = static_cast<std::byte>((value >> (8 * i)) & 0xFF);
    const auto boot = decode_boot_sector(bytes);
    CHECK(boot.kind == BootKind::other);
    return boot.why;
  };
  CHECK(why(0x0B, 513, 2).find("bytes per sector") != std::string::npos);
  CHECK(why(0x0B, 0, 2).find("bytes per sector") != std::string::npos);
  CHECK(why(0x0D, 3, 1).find("cluster size") != std::string::npos);
  CHECK(why(0x0D, 0, 1).find("cluster size") != std::string::npos);
  CHECK(why(0x28, 0, 8).find("0 sectors") != std::string::npos);
  CHECK(why(0x28, ~0ULL, 8).find("sectors") != std::string::npos);
  CHECK(why(0x40, 0, 1).find("file record size") != std::string::npos);
  CHECK(why(0x40, 0xE0, 1).find("file record size") != std::string::npos);  // 2^32 bytes
  CHECK(why(0x44, 0xE8, 1).find("index block size") != std::string::npos);  // 2^24 bytes
}
