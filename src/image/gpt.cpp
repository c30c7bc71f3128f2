// GUID partition table (UEFI specification, chapter 5): a header in the disk's second sector, its copy in the last, each with the CRC-32 of
// itself and of its array of entries.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "image/crc.hpp"
#include "image/guid.hpp"
#include "image/tables.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::image {

namespace {

struct Header {
  std::array<char, 8> signature;        // 0   "EFI PART"
  Little<std::uint32_t> revision;       // 8
  Little<std::uint32_t> header_size;    // 12
  Little<std::uint32_t> header_crc;     // 16  with this field zero
  Little<std::uint32_t> reserved;       // 20
  Little<std::uint64_t> own;            // 24  LBA of this header
  Little<std::uint64_t> other;          // 32  LBA of the other one
  Little<std::uint64_t> first_usable;   // 40
  Little<std::uint64_t> last_usable;    // 48
  std::array<std::byte, 16> disk_guid;  // 56
  Little<std::uint64_t> entries;        // 72  LBA
  Little<std::uint32_t> entry_count;    // 80
  Little<std::uint32_t> entry_size;     // 84
  Little<std::uint32_t> entries_crc;    // 88
};
static_assert(sizeof(Header) == 92);

// The usual array has 128 entries of 128 bytes.
constexpr std::uint64_t most_entry_bytes = 4 << 20;

struct Copy {
  Header header;
  std::uint64_t lba = 0;
  bool header_good = false, entries_good = false;
  std::vector<std::byte> entries;  // what of the array could be read
  bool good() const noexcept { return header_good && entries_good; }
};

// The copy at a sector, however damaged, as long as its signature and the shape of its array hold.
std::optional<Copy> read_copy(const ByteSource& disk, std::uint64_t lba, std::uint32_t sector_size) {
  std::vector<std::byte> sector(sector_size);
  if (lba > disk.size() / sector_size || !read_piece(disk, lba * sector_size, sector)) return std::nullopt;
  if (std::memcmp(sector.data(), "EFI PART", 8) != 0) return std::nullopt;
  Copy copy;
  copy.header = load<Header>(sector);
  copy.lba = lba;
  const std::uint64_t header_size = copy.header.header_size;
  if (header_size >= sizeof(Header) && header_size <= sector_size) {
    std::memset(sector.data() + 16, 0, 4);
    copy.header_good =
        crc32(ByteView(sector).first(static_cast<std::size_t>(header_size))) == copy.header.header_crc && copy.header.own == lba;
  }
  const std::uint64_t entry_size = copy.header.entry_size, bytes = entry_size * copy.header.entry_count;
  if (entry_size < 128 || entry_size % 8 != 0 || bytes > most_entry_bytes) return std::nullopt;
  const std::uint64_t at = copy.header.entries;
  if (at > disk.size() / sector_size || !fits(disk.size(), at * sector_size, bytes)) return copy;
  copy.entries.resize(static_cast<std::size_t>(bytes));
  std::vector<Unread> unread;
  read_tolerant(disk, at * sector_size, copy.entries, unread);
  copy.entries_good = unread.empty() && crc32(copy.entries) == copy.header.entries_crc;
  return copy;
}

std::string_view type_name(std::string_view guid) {
  struct Known {
    std::string_view guid, name;
  };
  static constexpr std::array known{
      Known{"EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "Microsoft basic data"},
      Known{"E3C9E316-0B5C-4DB8-817D-F92DF00215AE", "Microsoft reserved"},
      Known{"DE94BBA4-06D1-4D40-A16A-BFD50179D6AC", "Windows recovery"},
      Known{"C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "EFI system"},
      Known{"21686148-6449-6E6F-744E-656564454649", "BIOS boot"},
      Known{"5808C8AA-7E8F-42E0-85D2-E1E90434CFB3", "Windows dynamic disk metadata"},
      Known{"AF9B60A0-1431-4F62-BC68-3311714A69AD", "Windows dynamic disk data"},
      Known{"E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D", "Windows storage spaces"},
      Known{"0FC63DAF-8483-4772-8E79-3D69D8477DE4", "Linux"},
      Known{"0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "Linux swap"},
  };
  const auto it = std::ranges::find(known, guid, &Known::guid);
  return it == known.end() ? std::string_view() : it->name;
}

void add_entries(const ByteSource& disk, const Copy& copy, std::uint32_t sector_size, PartitionTable& table) {
  const std::size_t entry_size = copy.header.entry_size;
  for (std::size_t at = 0; at + entry_size <= copy.entries.size(); at += entry_size) {
    const ByteView entry = ByteView(copy.entries).subspan(at, entry_size);
    const ByteView type = entry.first(16);
    if (std::ranges::all_of(type, [](std::byte b) { return b == std::byte{0}; })) continue;
    const auto first = le<std::uint64_t>(entry, 32), last = le<std::uint64_t>(entry, 40);  // the last one belongs to it
    if (last < first || last >= UINT64_MAX / sector_size) {
      table.complete = false;
      table.warnings.push_back(
          {"gpt_entry_damaged", "entry " + std::to_string(at / entry_size) + " of the partition table is impossible", {}});
      continue;
    }
    Partition p;
    p.scheme = Scheme::gpt;
    p.offset = first * sector_size;
    p.size = (last - first + 1) * sector_size;
    p.type = guid_text(type, GuidOrder::little);
    std::ranges::transform(p.type, p.type.begin(), [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
    p.type_name = type_name(p.type);
    std::u16string name;
    for (std::size_t i = 56; i + 2 <= 128; i += 2) {
      const auto unit = le<std::uint16_t>(entry, i);
      if (unit == 0) break;
      name += static_cast<char16_t>(unit);
    }
    p.name = to_utf8(name);
    add_partition(table, disk, std::move(p));
  }
}

}  // namespace

bool read_gpt(const ByteSource& disk, std::uint32_t sector_size, PartitionTable& table) {
  const std::uint64_t sectors = disk.size() / sector_size;
  if (sectors < 3) return false;
  auto primary = read_copy(disk, 1, sector_size);
  auto backup = read_copy(disk, sectors - 1, sector_size);
  // The copy is where the first header says, when the disk grew after it was partitioned.
  if ((!backup || !backup->good()) && primary && primary->header.other != sectors - 1 && primary->header.other > 1)
    if (auto there = read_copy(disk, primary->header.other, sector_size); there && (!backup || there->good())) backup = std::move(there);
  if (!primary && !backup) return false;

  table.scheme = Scheme::gpt;
  table.sector_size = sector_size;
  const auto note = [&](const char* code, std::string text, std::uint64_t lba) {
    table.warnings.push_back({code, std::move(text), {{disk_space, lba * sector_size, sector_size}}});
  };
  const bool primary_good = primary && primary->good(), backup_good = backup && backup->good();
  if (!primary_good) note("gpt_primary_damaged", "the first copy of the partition table is missing or damaged", 1);
  if (!backup_good) {
    const std::uint64_t expected = primary_good ? std::uint64_t{primary->header.other} : sectors - 1;
    if (primary_good && expected >= sectors) {
      table.complete = false;
      note("disk_cut_short",
           "the partition table places its copy at sector " + std::to_string(expected) + ", the disk has " + std::to_string(sectors),
           sectors - 1);
    } else {
      note("gpt_backup_damaged", "the second copy of the partition table is missing or damaged", std::min(expected, sectors - 1));
    }
  }
  if (primary_good && backup_good && primary->header.entries_crc != backup->header.entries_crc)
    note("gpt_copies_differ", "the two copies of the partition table differ: the first is used", backup->lba);

  const Copy* chosen = primary_good ? &*primary : backup_good ? &*backup : nullptr;
  if (chosen == nullptr) {
    // Both damaged. What an entry says may still be right: take the copy whose entries are, else the first that is there.
    table.complete = false;
    chosen = primary && (primary->entries_good || !backup || !backup->entries_good) ? &*primary : &*backup;
  }
  add_entries(disk, *chosen, sector_size, table);
  return true;
}

}  // namespace trimcarve::image
