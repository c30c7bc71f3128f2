// Master boot record and extended boot records: four entries of 16 bytes at 446, signature 55 AA at 510. Logical partitions hang on a
// chain: in each extended boot record the first entry is the partition (relative to this record), the second the next record (relative to
// the extended partition).
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "image/tables.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

constexpr std::size_t most_logical = 256;

struct Entry {
  std::uint8_t status = 0, type = 0;
  std::uint64_t first = 0, count = 0;  // sectors
  bool used() const noexcept { return type != 0 && count != 0; }
  bool extended() const noexcept { return type == 0x05 || type == 0x0F || type == 0x85; }
};

Entry entry_of(ByteView sector, std::size_t slot) {
  const std::size_t at = 446 + slot * 16;
  return {le<std::uint8_t>(sector, at), le<std::uint8_t>(sector, at + 4), le<std::uint32_t>(sector, at + 8),
          le<std::uint32_t>(sector, at + 12)};
}

bool signed_sector(ByteView sector) { return le<std::uint16_t>(sector, 510) == 0xAA55; }

std::string_view type_name(std::uint8_t type) {
  switch (type) {
    case 0x01: return "FAT12";
    case 0x04:
    case 0x06:
    case 0x0E: return "FAT16";
    case 0x07: return "NTFS or exFAT";
    case 0x0B:
    case 0x0C: return "FAT32";
    case 0x17:
    case 0x27: return "Windows recovery";
    case 0x42: return "Windows dynamic disk";
    case 0x82: return "Linux swap";
    case 0x83: return "Linux";
    case 0x8E: return "Linux LVM";
    case 0xEE: return "GPT protective";
    case 0xEF: return "EFI system";
    default: return {};
  }
}

Partition partition_of(std::uint8_t type, std::uint64_t first, std::uint64_t count, std::uint32_t sector_size) {
  static constexpr char digits[] = "0123456789ABCDEF";
  Partition p;
  p.scheme = Scheme::mbr;
  p.offset = first * sector_size;
  p.size = count * sector_size;
  p.type = std::string("0x") + digits[type >> 4] + digits[type & 15U];
  p.type_name = type_name(type);
  return p;
}

bool ntfs_at(const ByteSource& disk, std::uint64_t offset) {
  std::array<std::byte, 512> sector;
  return read_piece(disk, offset, sector) && std::memcmp(sector.data() + 3, "NTFS    ", 8) == 0;
}

// An MBR does not say its sector size. When no NTFS volume is where 512 puts it and one is where 4096 does, it is 4096.
std::uint32_t guess_sector_size(const ByteSource& disk, ByteView sector) {
  bool at_4096 = false;
  for (std::size_t slot = 0; slot < 4; ++slot) {
    const Entry e = entry_of(sector, slot);
    if (!e.used()) continue;
    if (ntfs_at(disk, e.first * 512)) return 512;
    at_4096 = at_4096 || ntfs_at(disk, e.first * 4096);
  }
  return at_4096 ? 4096 : 512;
}

void read_chain(const ByteSource& disk, std::uint64_t base, std::uint32_t sector_size, PartitionTable& table) {
  std::vector<std::uint64_t> visited{0};  // the MBR is no link of the chain
  const auto broken = [&](std::uint64_t at, const char* why) {
    table.complete = false;
    table.warnings.push_back(
        {"mbr_chain_broken", std::string("the chain of logical partitions ") + why, {{disk_space, at * sector_size, 512}}});
  };
  for (std::uint64_t at = base;;) {
    if (std::ranges::find(visited, at) != visited.end()) return broken(at, "runs in a circle");
    if (visited.size() == most_logical) return broken(at, "is too long");
    visited.push_back(at);
    std::array<std::byte, 512> sector;
    if (!read_piece(disk, at * sector_size, sector)) return broken(at, "leads to a place that cannot be read");
    if (!signed_sector(sector)) return broken(at, "leads to a sector that is no boot record");
    std::optional<std::uint64_t> next;
    for (std::size_t slot = 0; slot < 4; ++slot) {
      const Entry e = entry_of(sector, slot);
      if (!e.used()) continue;
      if (!e.extended())
        add_partition(table, disk, partition_of(e.type, at + e.first, e.count, sector_size));
      else if (!next)
        next = base + e.first;
    }
    if (!next) return;
    at = *next;
  }
}

}  // namespace

bool has_mbr_entries(ByteView sector) {
  if (!signed_sector(sector)) return false;
  for (std::size_t slot = 0; slot < 4; ++slot) {
    const Entry e = entry_of(sector, slot);
    // The status byte of a real entry is 0x00 or 0x80; boot code or text in a sector that is no MBR rarely looks like that.
    if (e.used() && e.first != 0 && (e.status & 0x7F) == 0) return true;
  }
  return false;
}

bool has_protective_entry(ByteView sector) {
  for (std::size_t slot = 0; slot < 4; ++slot)
    if (signed_sector(sector) && entry_of(sector, slot).type == 0xEE) return true;
  return false;
}

void read_mbr(const ByteSource& disk, ByteView sector, std::uint32_t sector_size, PartitionTable& table) {
  if (sector_size == 0) sector_size = guess_sector_size(disk, sector);
  table.scheme = Scheme::mbr;
  table.sector_size = sector_size;
  std::vector<std::uint64_t> chains;
  for (std::size_t slot = 0; slot < 4; ++slot) {
    const Entry e = entry_of(sector, slot);
    if (!e.used() || e.type == 0xEE) continue;
    if (e.extended())
      chains.push_back(e.first);
    else
      add_partition(table, disk, partition_of(e.type, e.first, e.count, sector_size));
  }
  for (const std::uint64_t base : chains) read_chain(disk, base, sector_size, table);
}

}  // namespace trimcarve::image
