#include "image/vhdx.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <string_view>

#include "image/block_disk.hpp"
#include "image/crc.hpp"
#include "image/guid.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

constexpr std::uint64_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib, tib = 1024 * gib;

using Guid = std::array<std::byte, 16>;

struct Header {                       // 2.2.2
  std::array<char, 4> signature;      // 0   "head"
  Little<std::uint32_t> checksum;     // 4   CRC-32C over 4 KiB with this field zero
  Little<std::uint64_t> sequence;     // 8   the greater one is current
  Guid file_write;                    // 16
  Guid data_write;                    // 32
  Guid log;                           // 48  zero: no log to replay
  Little<std::uint16_t> log_version;  // 64
  Little<std::uint16_t> version;      // 66
};
static_assert(sizeof(Header) == 68);

struct RegionEntry {               // 2.2.3.2
  Guid guid;                       // 0
  Little<std::uint64_t> offset;    // 16
  Little<std::uint32_t> length;    // 24
  Little<std::uint32_t> required;  // 28
};
static_assert(sizeof(RegionEntry) == 32);

struct MetadataEntry {           // 2.6.1.2
  Guid guid;                     // 0
  Little<std::uint32_t> offset;  // 16  in the region
  Little<std::uint32_t> length;  // 20
  Little<std::uint32_t> flags;   // 24  bit 0 user, 1 virtual disk, 2 required
  Little<std::uint32_t> reserved;
};
static_assert(sizeof(MetadataEntry) == 32);

// As they are written: [MS-VHDX] 2.2.3.2 and 2.6.2.
constexpr std::string_view bat_region = "2dc27766-f623-4200-9d64-115e9bfd4a08", metadata_region = "8b7ca206-4790-4b9a-b8fe-575f050f886e",
                           file_parameters = "caa16737-fa36-4d43-b3b6-33f0aa44e76b", disk_size = "2fa54224-cd1b-4876-b211-5dbed83bf4b8",
                           logical_sector = "8141bf1d-a96f-4709-ba47-f233a8faab5f",
                           physical_sector = "cda348c7-445d-4471-9cc9-e9885251c556", disk_id = "beca12ab-b2e6-4523-93ef-c309e000c746",
                           parent_locator = "a8d35f2d-b30b-454d-abf7-d3d84834ab0c";

std::string text_of(const Guid& guid) { return guid_text(guid, GuidOrder::little); }

// A structure with its signature first and its CRC-32C, computed with the field zeroed, at offset 4.
std::optional<std::vector<std::byte>> read_checked(const ByteSource& file, std::uint64_t offset, std::size_t length,
                                                   std::string_view signature) {
  std::vector<std::byte> bytes(length);
  if (!fits(file.size(), offset, length) || !file.read_at(offset, bytes)) return std::nullopt;
  if (std::memcmp(bytes.data(), signature.data(), 4) != 0) return std::nullopt;
  const auto stored = le<std::uint32_t>(bytes, 4);
  std::fill_n(bytes.begin() + 4, 4, std::byte{0});
  if (crc32c(bytes) != stored) return std::nullopt;
  return bytes;
}

Warning warn(std::string code, std::string text, std::uint64_t offset, std::uint64_t length) {
  return {std::move(code), std::move(text), {{file_space(0), offset, length}}};
}

Result<Header> current_header(const ByteSource& file, Container& disk) {
  constexpr std::array<std::uint64_t, 2> places{64 * kib, 128 * kib};
  Header current{};
  bool found = false;
  for (const std::uint64_t place : places) {
    const auto bytes = read_checked(file, place, 4 * kib, "head");
    if (!bytes) {
      disk.warnings.push_back(warn("vhdx_header_damaged", "one of the two headers is damaged", place, 4 * kib));
      continue;
    }
    const auto header = load<Header>(*bytes);
    if (!found || header.sequence > current.sequence) current = header;
    found = true;
  }
  if (!found) return fail("both of its headers are damaged");
  if (current.version != 1) return fail("its header version is not 1");
  return current;
}

struct Regions {
  RegionEntry bat, metadata;
};

Result<Regions> read_regions(const ByteSource& file, Container& disk) {
  constexpr std::array<std::uint64_t, 2> places{192 * kib, 256 * kib};
  std::optional<std::vector<std::byte>> table;
  for (const std::uint64_t place : places) {
    auto bytes = read_checked(file, place, 64 * kib, "regi");
    if (!bytes) disk.warnings.push_back(warn("vhdx_region_table_damaged", "one of the two region tables is damaged", place, 64 * kib));
    if (bytes && !table) table = std::move(bytes);
  }
  if (!table) return fail("both of its region tables are damaged");
  const auto count = std::min<std::uint64_t>(le<std::uint32_t>(*table, 8), 2047);  // the table's limit, and what fits into it
  std::optional<RegionEntry> bat, metadata;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry = load<RegionEntry>(*table, 16 + i * sizeof(RegionEntry));
    const std::string guid = text_of(entry.guid);
    if (guid == bat_region)
      bat = entry;
    else if (guid == metadata_region)
      metadata = entry;
    else if ((entry.required & 1U) != 0)
      return fail("it needs a region that is not known: " + guid);
  }
  if (!bat || !metadata) return fail("its region table names no block table or no metadata");
  return Regions{*bat, *metadata};
}

struct Metadata {
  std::uint32_t block_size = 0, sector_size = 0;
  std::uint64_t size = 0;
  bool fixed = false, has_parent = false;
};

Result<Metadata> read_metadata(const ByteSource& file, const RegionEntry& region) {
  std::vector<std::byte> table(64 * kib);
  if (region.length < table.size() || !fits(file.size(), region.offset, table.size()) || !file.read_at(region.offset, table) ||
      std::memcmp(table.data(), "metadata", 8) != 0)
    return fail("its metadata table is damaged");
  const auto count = std::min<std::uint64_t>(le<std::uint16_t>(table, 10), 2047);
  Metadata result;
  bool parameters = false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry = load<MetadataEntry>(table, 32 + i * sizeof(MetadataEntry));
    const std::string guid = text_of(entry.guid);
    // Reads the item's first bytes; an item outside its region is as good as absent.
    const auto item = [&]<class T>(T& out, std::uint64_t at) {
      std::array<std::byte, sizeof(T)> bytes;
      if (!fits(entry.length, at, sizeof(T)) || !fits(region.length, entry.offset, entry.length)) return false;
      const std::uint64_t from = region.offset + entry.offset + at;
      if (!fits(file.size(), from, sizeof(T)) || !file.read_at(from, bytes)) return false;
      out = le<T>(bytes, 0);
      return true;
    };
    if (guid == file_parameters) {
      std::uint32_t flags = 0;
      parameters = item(result.block_size, 0) && item(flags, 4);
      result.fixed = (flags & 1U) != 0;
      result.has_parent = (flags & 2U) != 0;
    } else if (guid == disk_size) {
      item(result.size, 0);
    } else if (guid == logical_sector) {
      item(result.sector_size, 0);
    } else if (guid != physical_sector && guid != disk_id && guid != parent_locator && (entry.flags & 4U) != 0) {
      return fail("it needs a metadata item that is not known: " + guid);
    }
  }
  if (!parameters || result.size == 0 || result.sector_size == 0) return fail("its metadata is incomplete or damaged");
  if (!std::has_single_bit(result.block_size) || result.block_size < mib || result.block_size > 256 * mib)
    return fail("its block size is impossible: " + std::to_string(result.block_size));
  if (result.sector_size != 512 && result.sector_size != 4096)
    return fail("its sector size is impossible: " + std::to_string(result.sector_size));
  if (result.size > 64 * tib || result.size % result.sector_size != 0)
    return fail("its disk size is impossible: " + std::to_string(result.size));
  return result;
}

// 2.5.1.1: bits 0-2 state, 20-63 offset in MiB.
Block block_of(std::uint64_t entry, std::uint64_t file_size) {
  switch (entry & 7U) {
    case 0:  // not present
    case 1:  // undefined: the content may be anything; nothing of it is in the file
      return Block::none(ExtentKind::hole);
    case 2: return Block::none(ExtentKind::container_zero);
    case 3:
    case 5:  // in early drafts
      return Block::none(ExtentKind::unmapped);
    case 6: {
      const std::uint64_t offset = entry >> 20 << 20;
      // The first MiB holds the headers: no block lies there.
      return offset < mib || offset >= file_size ? Block::none(ExtentKind::unreadable) : Block::at(offset);
    }
    default: return Block::none(ExtentKind::unreadable);  // 4 is not defined; 7, partially present, only has a meaning with a parent
  }
}

// The payload entries of the block table: after each `chunk` of them stands one entry for a sector bitmap, which only differencing disks
// use.
std::vector<Block> read_table(const ByteSource& file, const RegionEntry& region, std::uint64_t blocks, std::uint64_t chunk,
                              std::vector<Unread>& unread) {
  std::vector<Block> table;
  std::vector<std::byte> bytes;
  const std::uint64_t last = region.offset >= file.size() ? 0 : std::min<std::uint64_t>(region.length, file.size() - region.offset) / 8;
  constexpr std::uint64_t at_once = 65536;
  for (std::uint64_t index = 0; index < last && table.size() < blocks; index += at_once) {
    const std::uint64_t count = std::min(at_once, last - index);
    bytes.resize(static_cast<std::size_t>(count * 8));
    const std::uint64_t from = region.offset + index * 8;
    std::vector<Unread> bad;
    read_tolerant(file, from, bytes, bad);
    std::size_t next_bad = 0;
    for (std::uint64_t i = 0; i < count && table.size() < blocks; ++i) {
      const std::uint64_t at = from + i * 8;
      while (next_bad < bad.size() && bad[next_bad].offset + bad[next_bad].length <= at) ++next_bad;
      if ((index + i) % (chunk + 1) == chunk) continue;  // a sector bitmap's
      const bool readable = next_bad == bad.size() || bad[next_bad].offset >= at + 8;
      table.push_back(readable ? block_of(le<std::uint64_t>(bytes, i * 8), file.size()) : Block::none(ExtentKind::unreadable));
    }
    unread.insert(unread.end(), bad.begin(), bad.end());
  }
  return table;
}

}  // namespace

bool is_vhdx(const ByteSource& file) {
  std::array<std::byte, 8> signature;
  return file.size() >= 8 && file.read_at(0, signature) && std::memcmp(signature.data(), "vhdxfile", 8) == 0;
}

Result<Container> open_vhdx(const SourcePtr& file) {
  Container disk;
  const auto header = current_header(*file, disk);
  if (!header) return std::unexpected(header.error());
  const auto regions = read_regions(*file, disk);
  if (!regions) return std::unexpected(regions.error());
  const auto metadata = read_metadata(*file, regions->metadata);
  if (!metadata) return std::unexpected(metadata.error());
  if (metadata->has_parent)
    return fail("it is a differencing disk: most of its bytes lie in its parent, and reading it with its parents is not supported yet");
  if (header->log != Guid{})
    return fail("its log holds changes that were not written to the disk yet, and replaying a log is not supported yet");
  if (metadata->fixed && metadata->size > 4 * gib) return fail("it is a fixed VHDX over 4 GiB, which is not supported yet");

  disk.kind = metadata->fixed ? "vhdx fixed" : "vhdx dynamic";
  disk.identifier = text_of(header->data_write);
  disk.sector_size = metadata->sector_size;
  const std::uint64_t block_size = metadata->block_size;
  const std::uint64_t blocks = (metadata->size + block_size - 1) / block_size;
  const std::uint64_t chunk = (std::uint64_t{1} << 23) * metadata->sector_size / block_size;  // 2.5: 2^23 sectors per bitmap block

  std::vector<Unread> unread;
  auto table = read_table(*file, regions->bat, blocks, chunk, unread);
  for (const Unread& u : unread)
    disk.warnings.push_back(warn("block_table_unreadable", "a part of the block table cannot be read", u.offset, u.length));
  auto served = std::make_shared<BlockDisk>(file, metadata->size, block_size, std::move(table));
  auto damage = served->damage();
  if (damage.blocks != 0) {
    disk.complete = false;
    disk.warnings.push_back({"blocks_unreadable",
                             std::to_string(damage.blocks) + " of " + std::to_string(blocks) +
                                 " blocks lie beyond the end of the file or their table entries are damaged",
                             std::move(damage.ranges)});
  }
  disk.samples = sample_offsets(metadata->size, block_size, served->stored_blocks(16));
  disk.disk = std::move(served);
  return disk;
}

}  // namespace trimcarve::image
