#include "ntfs/boot_sector.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t largest_cluster = 2U << 20;

// On-disk layout of the boot sector's fields that NTFS uses.
struct Stored {
  std::byte jump[3];
  char oem[8];
  Little<std::uint16_t> bytes_per_sector;  // 0x0B
  std::uint8_t sectors_per_cluster;        // 0x0D; above 0x80: 2^(256 - value) sectors, for clusters over 64 KiB
  std::byte unused1[26];
  Little<std::uint64_t> total_sectors;  // 0x28
  Little<std::uint64_t> mft_lcn;        // 0x30
  Little<std::uint64_t> mirror_lcn;     // 0x38
  std::int8_t record_size;              // 0x40: clusters, or -n: 2^n bytes
  std::byte unused2[3];
  std::int8_t index_block_size;  // 0x44: the same
  std::byte unused3[3];
  Little<std::uint64_t> serial;  // 0x48
};
static_assert(sizeof(Stored) == 0x50);

// The size that a record size field states, 0 when it cannot be one.
std::uint32_t stated_size(std::int8_t field, std::uint32_t cluster_size) noexcept {
  std::uint64_t size = 0;
  if (field > 0) size = static_cast<std::uint64_t>(field) * cluster_size;
  if (field < 0 && field >= -31) size = std::uint64_t{1} << -field;
  return size >= 512 && size <= 65536 && std::has_single_bit(size) ? static_cast<std::uint32_t>(size) : 0;
}

std::string other_file_system(ByteView bytes, const Stored& s) {
  const auto is = [&](std::size_t offset, std::string_view text) {
    return std::memcmp(bytes.data() + offset, text.data(), text.size()) == 0;
  };
  if (std::ranges::all_of(bytes.first(boot_sector_size), [](std::byte b) { return b == std::byte{0}; }))
    return "the boot sector is all zero";
  if (is(3, "EXFAT   ")) return "an exFAT boot sector, not NTFS";
  if (is(3, "ReFS")) return "a ReFS boot sector, not NTFS";
  if (is(54, "FAT1") || is(82, "FAT32")) return "a FAT boot sector, not NTFS";
  std::string oem;
  for (const char c : s.oem) oem += c >= ' ' && c < 0x7F ? c : '?';
  return "no NTFS signature: '" + oem + "' stands where 'NTFS    ' should";
}

}  // namespace

BootSector decode_boot_sector(ByteView bytes) {
  BootSector out;
  const auto refuse = [&](std::string why) {
    out.why = std::move(why);
    return out;
  };
  if (bytes.size() < boot_sector_size) return refuse("shorter than a boot sector (512 bytes)");
  const auto s = load<Stored>(bytes);
  if (std::memcmp(s.oem, "-FVE-FS-", 8) == 0) {
    out.kind = BootKind::bitlocker;
    out.why = "a BitLocker volume (-FVE-FS-): encrypted";
    return out;
  }
  if (std::memcmp(s.oem, "NTFS    ", 8) != 0) return refuse(other_file_system(bytes, s));

  Geometry& g = out.geometry;
  g.bytes_per_sector = s.bytes_per_sector;
  if (g.bytes_per_sector < 256 || g.bytes_per_sector > 4096 || !std::has_single_bit(g.bytes_per_sector))
    return refuse("NTFS signature, but " + std::to_string(g.bytes_per_sector) + " bytes per sector");
  std::uint64_t sectors = s.sectors_per_cluster;
  if (sectors > 0x80) sectors = sectors >= 0xF4 ? std::uint64_t{1} << (256 - sectors) : 0;
  const std::uint64_t cluster = sectors * g.bytes_per_sector;
  if (!std::has_single_bit(sectors) || cluster > largest_cluster)
    return refuse("NTFS signature, but a cluster size that cannot be (field " + std::to_string(s.sectors_per_cluster) + ")");
  g.cluster_size = static_cast<std::uint32_t>(cluster);
  g.record_size = stated_size(s.record_size, g.cluster_size);
  if (g.record_size == 0)
    return refuse("NTFS signature, but a file record size that cannot be (field " + std::to_string(s.record_size) + ")");
  g.index_block_size = stated_size(s.index_block_size, g.cluster_size);
  if (g.index_block_size == 0)
    return refuse("NTFS signature, but an index block size that cannot be (field " + std::to_string(s.index_block_size) + ")");
  g.total_sectors = s.total_sectors;
  if (g.total_sectors == 0 || g.total_sectors > (std::uint64_t{1} << 62) / g.bytes_per_sector)
    return refuse("NTFS signature, but " + std::to_string(g.total_sectors) + " sectors");
  g.volume_size = g.total_sectors * g.bytes_per_sector;
  g.mft_lcn = s.mft_lcn;
  g.mft_mirror_lcn = s.mirror_lcn;
  if (g.mft_lcn >= g.clusters() && g.mft_mirror_lcn >= g.clusters())
    return refuse("NTFS signature, but both $MFT and its mirror would lie beyond the volume");
  g.serial = s.serial;
  out.kind = BootKind::ntfs;
  return out;
}

}  // namespace trimcarve::ntfs
