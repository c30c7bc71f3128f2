// Tables written by hand: sectors of 4096 bytes, broken chains, absurd numbers. What vouches: the UEFI specification (chapter 5) and the
// layout of boot records; for the 4K table mmls, which reads it with -b 4096.
#include "image/crc.hpp"
#include "image/partitions.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::read_partitions;

namespace {

void put_entry(Bytes& disk, std::size_t sector, std::size_t slot, unsigned type, std::uint64_t first, std::uint64_t count) {
  const std::size_t at = sector * 512 + 446 + slot * 16;
  put_le(disk, at + 4, type, 1);
  put_le(disk, at + 8, first, 4);
  put_le(disk, at + 12, count, 4);
  put_le(disk, sector * 512 + 510, 0xAA55, 2);
}

struct GptShape {
  std::uint32_t entry_count = 128, entry_size = 128;
  std::uint64_t entries_lba = 2, first = 6, last = 100;
};

// A primary header and one partition; the backup likewise at the end.
Bytes gpt_disk(std::size_t sectors, std::size_t sector_size, const GptShape& shape = {}) {
  Bytes disk(sectors * sector_size);
  put_entry(disk, 0, 0, 0xEE, 1, sectors - 1);
  Bytes array(128 * 128);
  put_text(array, 0, "\xA2\xA0\xD0\xEB\xE5\xB9\x33\x44\x87\xC0\x68\xB6\xB7\x26\x99\xC7");
  put_text(array, 16, "unique-partition");
  put_le(array, 32, shape.first, 8);
  put_le(array, 40, shape.last, 8);
  put_le(array, 56, 'D', 2);
  const std::size_t array_sectors = array.size() / sector_size;
  const auto put_copy = [&](std::size_t own, std::size_t other, std::uint64_t entries) {
    const std::size_t at = own * sector_size;
    put_text(disk, at, "EFI PART");
    put_le(disk, at + 8, 0x10000, 4);
    put_le(disk, at + 12, 92, 4);
    put_le(disk, at + 24, own, 8);
    put_le(disk, at + 32, other, 8);
    put_le(disk, at + 40, 2 + array_sectors, 8);
    put_le(disk, at + 48, sectors - 2 - array_sectors, 8);
    put_text(disk, at + 56, "unique-disk-guid");
    put_le(disk, at + 72, entries, 8);
    put_le(disk, at + 80, shape.entry_count, 4);
    put_le(disk, at + 84, shape.entry_size, 4);
    put_le(disk, at + 88, image::crc32(array), 4);
    put_le(disk, at + 16, image::crc32(ByteView(disk).subspan(at, 92)), 4);
  };
  std::copy(array.begin(), array.end(), disk.begin() + static_cast<std::ptrdiff_t>(2 * sector_size));
  std::copy(array.begin(), array.end(), disk.begin() + static_cast<std::ptrdiff_t>((sectors - 1 - array_sectors) * sector_size));
  put_copy(1, sectors - 1, shape.entries_lba);
  put_copy(sectors - 1, 1, shape.entries_lba == 2 ? sectors - 1 - array_sectors : shape.entries_lba);
  return disk;
}

}  // namespace

TEST_CASE("a GPT with sectors of 4096 bytes is found, told or not") {
  const Bytes disk = gpt_disk(1024, 4096);
  for (const std::uint32_t told : {0U, 4096U}) {
    const auto table = read_partitions(*memory(disk), told);
    CHECK(table.scheme == image::Scheme::gpt);
    CHECK(table.sector_size == 4096);
    CHECK(table.warnings.empty());
    REQUIRE(table.partitions.size() == 1);
    CHECK(table.partitions[0].offset == 6 * 4096);
    CHECK(table.partitions[0].size == 95 * 4096);
    CHECK(table.partitions[0].name == "D");
  }
  if (!have_tool("mmls")) return;
  const TemporaryFolder folder;
  write_file(folder / "4k.dd", disk);
  const std::string listing = run("mmls -b 4096 -a '" + (folder / "4k.dd") + "'");
  CHECK(listing.find("0000000006   0000000100   0000000095") != std::string::npos);
}

TEST_CASE("a 4096-byte GPT is also read by its copy alone") {
  Bytes disk = gpt_disk(1024, 4096);
  std::fill_n(disk.begin(), 16384, std::byte{0});
  const auto table = read_partitions(*memory(disk));
  CHECK(table.sector_size == 4096);
  CHECK(table.partitions.size() == 1);
  CHECK(has_warning(table.warnings, "gpt_primary_damaged"));
}

TEST_CASE("absurd counts and places in a GPT give no partition and no crash") {
  for (const GptShape& shape : {GptShape{.entry_count = 0xFFFFFFFF}, GptShape{.entry_size = 0xFFFFFFF8}, GptShape{.entry_size = 8},
                                GptShape{.entry_count = 0xFFFFFFFF, .entry_size = 0xFFFFFFF8}, GptShape{.entries_lba = ~0ULL},
                                GptShape{.entries_lba = 1ULL << 55}}) {
    const auto table = read_partitions(*memory(gpt_disk(512, 512, shape)));
    CHECK(table.partitions.empty());
    CHECK_FALSE(table.complete);
    CHECK_FALSE(table.warnings.empty());
  }
}

TEST_CASE("an entry of a GPT that ends before it begins costs that entry, one past the disk is kept as it says") {
  const auto damaged = read_partitions(*memory(gpt_disk(512, 512, {.first = 50, .last = 40})));
  CHECK(damaged.partitions.empty());
  CHECK(has_warning(damaged.warnings, "gpt_entry_damaged"));
  const auto huge = read_partitions(*memory(gpt_disk(512, 512, {.first = 50, .last = ~0ULL})));
  CHECK(has_warning(huge.warnings, "gpt_entry_damaged"));
  const auto beyond = read_partitions(*memory(gpt_disk(512, 512, {.first = 50, .last = 5049})));
  REQUIRE(beyond.partitions.size() == 1);
  CHECK(beyond.partitions[0].size == 5000 * 512);
  CHECK_FALSE(beyond.complete);
  CHECK(has_warning(beyond.warnings, "disk_cut_short"));
}

TEST_CASE("an MBR partition past the end of the disk says that the disk is cut short") {
  Bytes disk(1000 * 512);
  put_entry(disk, 0, 0, 0x07, 63, 2000);
  const auto table = read_partitions(*memory(disk));
  REQUIRE(table.partitions.size() == 1);
  CHECK(table.partitions[0].size == 2000 * 512);
  CHECK_FALSE(table.complete);
  CHECK(has_warning(table.warnings, "disk_cut_short"));
}

TEST_CASE(
    "a chain of logical partitions that runs in a circle, leaves the disk or hits garbage ends with a warning and keeps what it gave") {
  const auto chain = [](std::uint64_t second_next, bool sign) {
    Bytes disk(1000 * 512);
    put_entry(disk, 0, 0, 0x07, 1, 10);
    put_entry(disk, 0, 1, 0x0F, 100, 800);
    put_entry(disk, 100, 0, 0x07, 1, 50);  // logical at 101
    put_entry(disk, 100, 1, 0x05, 100, 100);
    put_entry(disk, 200, 0, 0x07, 1, 60);  // logical at 201
    put_entry(disk, 200, 1, 0x05, second_next, 100);
    if (!sign) put_le(disk, 200 * 512 + 510, 0, 2);
    return read_partitions(*memory(disk));
  };
  const auto circle = chain(0, true);  // back to the extended partition's own start
  CHECK(circle.partitions.size() == 3);
  CHECK(circle.partitions[2].offset == 201 * 512);
  CHECK_FALSE(circle.complete);
  CHECK(has_warning(circle.warnings, "mbr_chain_broken"));

  const auto outside = chain(100000, true);
  CHECK(outside.partitions.size() == 3);
  CHECK(has_warning(outside.warnings, "mbr_chain_broken"));

  const auto garbage = chain(0, false);
  CHECK(garbage.partitions.size() == 2);
  CHECK(has_warning(garbage.warnings, "mbr_chain_broken"));
}

TEST_CASE("a chain without end is cut off") {
  Bytes disk(2000 * 512);
  put_entry(disk, 0, 0, 0x05, 1, 1999);
  for (std::size_t i = 1; i < 1999; ++i) {
    put_entry(disk, i, 0, 0x07, 1, 1);
    put_entry(disk, i, 1, 0x05, i, 1);  // relative to the extended partition at 1: the next sector
  }
  const auto table = read_partitions(*memory(disk));
  CHECK(table.partitions.size() <= 256);
  CHECK(has_warning(table.warnings, "mbr_chain_broken"));
}

TEST_CASE("an extended partition that points at the MBR itself is no chain") {
  Bytes disk(100 * 512);
  put_entry(disk, 0, 0, 0x07, 1, 10);
  put_entry(disk, 0, 1, 0x05, 0, 10);
  const auto table = read_partitions(*memory(disk));
  CHECK(table.partitions.size() == 1);
  CHECK(has_warning(table.warnings, "mbr_chain_broken"));
}

TEST_CASE("an MBR counts in 4096-byte sectors when that is where its NTFS volume is") {
  Bytes disk(100 * 4096);
  put_entry(disk, 0, 0, 0x07, 20, 50);
  put_text(disk, 20 * 4096 + 3, "NTFS    ");
  const auto table = read_partitions(*memory(disk));
  CHECK(table.sector_size == 4096);
  CHECK(table.partitions[0].offset == 20 * 4096);
  CHECK(table.complete);
}

TEST_CASE("an MBR with real partitions wins over the remains of a GPT") {
  Bytes disk = gpt_disk(1024, 512);
  put_entry(disk, 0, 0, 0x07, 63, 500);
  const auto table = read_partitions(*memory(disk));
  CHECK(table.scheme == image::Scheme::mbr);
  CHECK(table.partitions[0].offset == 63 * 512);
}

TEST_CASE("a disk that promises a GPT and has none says so") {
  Bytes disk(1000 * 512);
  put_entry(disk, 0, 0, 0xEE, 1, 999);
  const auto table = read_partitions(*memory(disk));
  CHECK(table.partitions.empty());
  CHECK_FALSE(table.complete);
  CHECK(has_warning(table.warnings, "gpt_missing"));
}

TEST_CASE("boot sectors of volumes are volumes, not partition tables") {
  for (const auto& [text, at, name] : {std::tuple<std::string, std::size_t, std::string>{"NTFS    ", 3, "NTFS"},
                                       {"-FVE-FS-", 3, "BitLocker"},
                                       {"EXFAT   ", 3, "exFAT"},
                                       {"FAT16   ", 54, "FAT"},
                                       {"FAT32   ", 82, "FAT"}}) {
    Bytes disk(100 * 512);
    put_entry(disk, 0, 0, 0x07, 1, 10);  // code that happens to look like an entry
    put_text(disk, at, text);
    const auto table = read_partitions(*memory(disk));
    CHECK(table.scheme == image::Scheme::none);
    REQUIRE(table.partitions.size() == 1);
    CHECK(table.partitions[0].type_name == name);
    CHECK(table.partitions[0].size == 100 * 512);
  }
}

TEST_CASE("a bare NTFS volume that is larger than the file is cut short; without its boot sector it is known by the copy at its end") {
  Bytes disk(100 * 512);
  put_text(disk, 3, "NTFS    ");
  put_le(disk, 11, 512, 2);
  put_le(disk, 40, 99, 8);
  put_le(disk, 510, 0xAA55, 2);
  CHECK(read_partitions(*memory(disk)).complete);
  CHECK(read_partitions(*memory(Bytes(disk.begin(), disk.end() - 512))).complete);  // only the copy of the boot sector is missing
  Bytes cut(disk.begin(), disk.begin() + 60 * 512);
  const auto short_volume = read_partitions(*memory(cut));
  CHECK_FALSE(short_volume.complete);
  CHECK(short_volume.partitions[0].size == 99 * 512);

  std::copy_n(disk.begin(), 512, disk.end() - 512);
  std::fill_n(disk.begin(), 512, std::byte{0});
  const auto by_copy = read_partitions(*memory(disk));
  REQUIRE(by_copy.partitions.size() == 1);
  CHECK(by_copy.partitions[0].type_name == "NTFS");
  CHECK(has_warning(by_copy.warnings, "boot_sector_damaged"));
}

TEST_CASE("bytes without any table give nothing") {
  CHECK(read_partitions(*memory(pattern(65536))).partitions.empty());
  CHECK(read_partitions(*memory(Bytes(65536))).partitions.empty());
  CHECK(read_partitions(*memory(Bytes(512))).partitions.empty());
}
