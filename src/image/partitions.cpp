#include "image/partitions.hpp"

#include <array>
#include <cstring>

#include "image/tables.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

// The file system whose boot sector this is, or nothing. Such a sector also ends in 55 AA, and its text and code may look like entries.
std::string_view boot_sector_of(ByteView sector) {
  const std::string_view text(reinterpret_cast<const char*>(sector.data()), sector.size());
  if (text.substr(3, 8) == "NTFS    ") return "NTFS";
  if (text.substr(3, 8) == "-FVE-FS-") return "BitLocker";
  if (text.substr(3, 8) == "EXFAT   ") return "exFAT";
  if (text.substr(3, 4) == "ReFS") return "ReFS";
  if (le<std::uint16_t>(sector, 510) == 0xAA55 && (text.substr(54, 3) == "FAT" || text.substr(82, 3) == "FAT")) return "FAT";
  return {};
}

// Bytes an NTFS volume claims by its boot sector. 0 when it makes no sense. The copy of the boot sector in the sector after them is not
// counted: an image of the volume alone may lack it and still hold every cluster.
std::uint64_t ntfs_size(ByteView sector) {
  const std::uint64_t sector_size = le<std::uint16_t>(sector, 11), sectors = le<std::uint64_t>(sector, 40);
  if (sector_size < 256 || sector_size > 4096 || sectors >= (std::uint64_t{1} << 50)) return 0;
  return sectors * sector_size;
}

void add_bare_volume(const ByteSource& disk, std::string_view file_system, std::uint64_t size, PartitionTable& table) {
  Partition volume;
  volume.size = size;
  volume.type_name = file_system;
  add_partition(table, disk, std::move(volume));
}

// An NTFS volume keeps a copy of its boot sector in the sector after its last. When sector 0 is gone, the copy tells what this was.
bool read_backup_boot(const ByteSource& disk, PartitionTable& table) {
  if (disk.size() < 1024) return false;
  const std::uint64_t last = disk.size() / 512 * 512 - 512;
  std::array<std::byte, 512> sector;
  if (!read_piece(disk, last, sector) || boot_sector_of(sector) != "NTFS" || ntfs_size(sector) != last) return false;
  table.warnings.push_back(
      {"boot_sector_damaged", "the boot sector is missing, its copy at the end of the volume is there", {{disk_space, 0, 512}}});
  add_bare_volume(disk, "NTFS", disk.size(), table);
  return true;
}

}  // namespace

std::string_view to_string(Scheme scheme) noexcept {
  switch (scheme) {
    case Scheme::none: return "none";
    case Scheme::mbr: return "mbr";
    case Scheme::gpt: return "gpt";
  }
  return "none";
}

bool read_piece(const ByteSource& disk, std::uint64_t offset, std::span<std::byte> out) {
  return fits(disk.size(), offset, out.size()) && disk.read_at(offset, out).has_value();
}

void add_partition(PartitionTable& table, const ByteSource& disk, Partition partition) {
  partition.index = static_cast<std::uint32_t>(table.partitions.size());
  if (!fits(disk.size(), partition.offset, partition.size)) {
    table.complete = false;
    table.warnings.push_back({"disk_cut_short",
                              "partition " + std::to_string(partition.index) + " (offset " + std::to_string(partition.offset) + ", " +
                                  std::to_string(partition.size) + " bytes) reaches past the end of the disk (" +
                                  std::to_string(disk.size()) + " bytes)",
                              {}});
  }
  table.partitions.push_back(std::move(partition));
}

PartitionTable read_partitions(const ByteSource& disk, std::uint32_t sector_size) {
  PartitionTable table;
  table.sector_size = sector_size == 0 ? 512 : sector_size;
  std::array<std::byte, 512> sector{};
  const bool readable = read_piece(disk, 0, sector);
  if (!readable && disk.size() >= 512) {
    table.complete = false;
    table.warnings.push_back({"sector_unreadable", "the first sector of the disk cannot be read", {{disk_space, 0, 512}}});
  }
  if (const auto file_system = boot_sector_of(sector); !file_system.empty()) {
    // A volume that claims more than there is keeps its own size: what is missing is then unreadable, not absent.
    const std::uint64_t claimed = file_system == "NTFS" ? ntfs_size(sector) : 0;
    add_bare_volume(disk, file_system, claimed > disk.size() ? claimed : disk.size(), table);
    return table;
  }
  // A real MBR without a protective entry wins over a GPT, which is then a leftover of earlier use.
  if (has_mbr_entries(sector) && !has_protective_entry(sector)) {
    read_mbr(disk, sector, sector_size, table);
    return table;
  }
  if (sector_size != 0) {
    if (read_gpt(disk, sector_size, table)) return table;
  } else {
    if (read_gpt(disk, 512, table) || read_gpt(disk, 4096, table)) return table;
  }
  if (has_protective_entry(sector)) {
    table.complete = false;
    table.warnings.push_back(
        {"gpt_missing", "the disk says it has a GUID partition table, but neither copy is there", {{disk_space, 0, 512}}});
    if (has_mbr_entries(sector)) read_mbr(disk, sector, sector_size, table);
    return table;
  }
  read_backup_boot(disk, table);
  return table;
}

}  // namespace trimcarve::image
