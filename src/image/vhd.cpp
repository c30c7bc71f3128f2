#include "image/vhd.hpp"

#include <algorithm>
#include <bit>
#include <memory>

#include "image/block_disk.hpp"
#include "image/guid.hpp"
#include "image/host_file.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::image {

namespace {

struct FooterOnDisk {                    // "Hard Disk Footer Format"
  std::array<char, 8> cookie;            // 0   "conectix"
  Big<std::uint32_t> features;           // 8
  Big<std::uint32_t> version;            // 12
  Big<std::uint64_t> header;             // 16  offset of the dynamic disk header; all ones for fixed disks
  Big<std::uint32_t> time;               // 24
  std::array<char, 4> creator;           // 28
  Big<std::uint32_t> creator_version;    // 32
  Big<std::uint32_t> creator_os;         // 36
  Big<std::uint64_t> original_size;      // 40
  Big<std::uint64_t> current_size;       // 48
  Big<std::uint32_t> geometry;           // 56
  Big<std::uint32_t> type;               // 60
  Big<std::uint32_t> checksum;           // 64
  std::array<std::byte, 16> identifier;  // 68
};
static_assert(sizeof(FooterOnDisk) == 84);

struct DynamicHeader {                          // "Dynamic Disk Header Format"
  std::array<char, 8> cookie;                   // 0   "cxsparse"
  Big<std::uint64_t> next;                      // 8
  Big<std::uint64_t> table_offset;              // 16
  Big<std::uint32_t> version;                   // 24
  Big<std::uint32_t> entries;                   // 28
  Big<std::uint32_t> block_size;                // 32
  Big<std::uint32_t> checksum;                  // 36
  std::array<std::byte, 16> parent_identifier;  // 40
  Big<std::uint32_t> parent_time;               // 56
  Big<std::uint32_t> reserved;                  // 60
  std::array<std::byte, 512> parent_name;       // 64  UTF-16, big-endian
};
static_assert(sizeof(DynamicHeader) == 576);

struct ParentLocator {           // "Dynamic Disk Header Format", eight of them at 576
  std::array<char, 4> platform;  // 0
  Big<std::uint32_t> space;      // 4
  Big<std::uint32_t> length;     // 8   bytes
  Big<std::uint32_t> reserved;   // 12
  Big<std::uint64_t> offset;     // 16  in the file
};
static_assert(sizeof(ParentLocator) == 24);

constexpr std::uint64_t footer_size = 512, header_size = 1024;
constexpr std::uint64_t sector = 512;
constexpr std::uint32_t absent = 0xFFFFFFFF;
// Of a disk of 2040 GiB, the format's limit, with blocks of 128 KiB; the usual block has 2 MiB.
constexpr std::uint64_t most_entries = 1 << 24, largest_by_blocks = std::uint64_t{2040} << 30;

// One's complement of the sum of all bytes, the checksum's own four left out.
bool checksum_good(ByteView bytes, std::size_t checksum_at) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (i < checksum_at || i >= checksum_at + 4) sum += static_cast<std::uint32_t>(bytes[i]);
  return ~sum == load<Big<std::uint32_t>>(bytes, checksum_at).value();
}

bool starts_with(const std::array<char, 8>& cookie, std::string_view text) { return std::string_view(cookie.data(), 8) == text; }

std::optional<VhdFooter> footer_at(const ByteSource& file, std::uint64_t offset) {
  std::array<std::byte, footer_size> bytes;
  if (!file.read_at(offset, bytes)) return std::nullopt;
  const auto raw = load<FooterOnDisk>(bytes);
  const std::uint32_t type = raw.type;
  if (!starts_with(raw.cookie, "conectix") || type < 2 || type > 4 || raw.current_size == 0) return std::nullopt;
  return VhdFooter{static_cast<VhdType>(type), raw.current_size, raw.header, raw.identifier, checksum_good(bytes, 64), true};
}

// UTF-16 of either byte order, up to the first zero.
std::string utf16_text(ByteView bytes, std::endian order) {
  std::u16string text;
  for (std::size_t i = 0; i + 2 <= bytes.size(); i += 2) {
    const char16_t unit = order == std::endian::big ? load<Big<std::uint16_t>>(bytes, i).value() : le<std::uint16_t>(bytes, i);
    if (unit == 0) break;
    text += unit;
  }
  return to_utf8(text);
}

// Names of the parent: of the locators those of Windows and of the Macintosh's file URL; the unicode name of the header.
ParentLink parent_of(const ByteSource& file, ByteView header_bytes, std::vector<Extent>& used) {
  const auto header = load<DynamicHeader>(header_bytes);
  ParentLink link{{guid_text(header.parent_identifier, GuidOrder::big)}, {}};
  add_name(link.names, utf16_text(header.parent_name, std::endian::big));
  for (std::size_t i = 0; i < 8; ++i) {
    const auto locator = load<ParentLocator>(header_bytes, sizeof(DynamicHeader) + i * sizeof(ParentLocator));
    const std::string_view platform(locator.platform.data(), 4);
    constexpr std::uint32_t longest = 65536;
    std::vector<std::byte> value(std::min<std::uint32_t>(locator.length, longest));
    if (value.empty() || !fits(file.size(), locator.offset, value.size()) || !file.read_at(locator.offset, value)) continue;
    used.push_back({locator.offset, std::max(locator.length.value(), locator.space.value()), ExtentKind::data});
    if (platform == "W2ru" || platform == "W2ku")  // relative and absolute path, UTF-16, little-endian
      add_name(link.names, utf16_text(value, std::endian::little));
    else if (platform == "MacX" || platform == "Wi2r" || platform == "Wi2k")  // file URL in UTF-8; older paths, in a code page
      add_name(link.names, std::string_view(reinterpret_cast<const char*>(value.data()), value.size()));
  }
  return link;
}

Result<Container> open_fixed(const SourcePtr& file, const VhdFooter& footer, Container disk) {
  const std::uint64_t payload = file->size() - footer_size;
  disk.kind = "vhd fixed";
  // The footer itself is no part of the disk: the payload ends before it, and what the footer promises beyond that is unreadable.
  disk.disk = make_disk(make_view(file, 0, payload), footer.size);
  if (payload < footer.size) {
    disk.complete = false;
    disk.warnings.push_back({"vhd_size_differs",
                             "the footer says " + std::to_string(footer.size) + " bytes, the file holds " + std::to_string(payload) +
                                 ": the missing ones are unreadable",
                             {{disk_space, payload, footer.size - payload}}});
  } else if (payload > footer.size) {
    disk.warnings.push_back(file_warning(*file, "vhd_size_differs",
                                         "the footer says " + std::to_string(footer.size) + " bytes, the file holds " +
                                             std::to_string(payload) + ": those between the disk and the footer are not examined",
                                         footer.size, payload - footer.size));
  }
  disk.used = {{0, file->size(), ExtentKind::data}};
  std::vector<std::uint64_t> stored;
  stored.reserve(16);
  for (std::uint64_t i = 0; i < 16; ++i) stored.push_back(footer.size / 16 * i / sector * sector);
  disk.samples = sample_offsets(footer.size, 65536, stored);
  return disk;
}

// The block allocation table: for each block the sector of the file at which its sector bitmap begins; the data follows the bitmap.
std::vector<Block> read_table(const ByteSource& file, std::uint64_t table_offset, std::uint64_t entries, std::uint64_t bitmap_size,
                              std::uint64_t first_block, std::vector<Unread>& unread) {
  std::vector<Block> table;
  std::vector<std::byte> chunk;
  constexpr std::uint64_t chunk_entries = 65536;
  for (std::uint64_t done = 0; done < entries;) {
    const std::uint64_t count = std::min(entries - done, chunk_entries);
    chunk.resize(static_cast<std::size_t>(count * 4));
    std::vector<Unread> bad;
    read_tolerant(file, table_offset + done * 4, chunk, bad);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint32_t at = load<Big<std::uint32_t>>(chunk, i * 4);
      const std::uint64_t offset = std::uint64_t{at} * sector;
      if (at == absent)
        table.push_back(Block::none(BlockState::not_present));
      else if (offset < first_block || offset >= file.size())
        table.push_back(Block::none(BlockState::unreadable));
      else
        table.push_back(Block::at(offset + bitmap_size, BlockState::partial));
    }
    for (const Unread& u : bad) {
      // An entry of which any byte could not be read is unknown: not a hole.
      const std::uint64_t from = (u.offset - table_offset) / 4, until = (u.offset + u.length - table_offset + 3) / 4;
      for (std::uint64_t i = from; i < until && i < table.size(); ++i)
        table[static_cast<std::size_t>(i)] = Block::none(BlockState::unreadable);
    }
    unread.insert(unread.end(), bad.begin(), bad.end());
    done += count;
  }
  return table;
}

Result<Container> open_dynamic(const SourcePtr& file, const VhdFooter& footer, Container disk, const OpenParent& open_parent) {
  const bool differencing = footer.type == VhdType::differencing;
  disk.kind = differencing ? "vhd differencing" : "vhd dynamic";
  if (footer.size > largest_by_blocks)
    return fail("it states a disk of " + std::to_string(footer.size) + " bytes; no VHD of blocks is larger than 2040 GiB");
  std::array<std::byte, header_size> bytes;
  if (!fits(file->size(), footer.header_offset, header_size) || !file->read_at(footer.header_offset, bytes))
    return fail("its dynamic disk header cannot be read");
  const auto header = load<DynamicHeader>(bytes);
  if (!starts_with(header.cookie, "cxsparse")) return fail("its dynamic disk header is damaged");
  const bool good = checksum_good(bytes, 36);
  disk.checks.push_back({"dynamic header", good ? "good" : "checksum wrong", {}});
  if (!good)
    disk.warnings.push_back(
        file_warning(*file, "vhd_header_checksum", "the checksum of the dynamic disk header is wrong", footer.header_offset, header_size));
  const std::uint64_t block_size = header.block_size;
  if (!std::has_single_bit(block_size) || block_size < sector) return fail("its block size is impossible: " + std::to_string(block_size));
  if (header.table_offset >= file->size()) return fail("its block table lies beyond the end of the file");

  const std::uint64_t needed = footer.size / block_size + (footer.size % block_size != 0 ? 1 : 0);
  const std::uint64_t in_file = (file->size() - header.table_offset) / 4;
  const std::uint64_t entries = std::min({needed, std::uint64_t{header.entries}, in_file});
  if (entries > most_entries) return fail("its block table is impossibly large");
  const std::uint64_t bitmap_size = (block_size / sector / 8 + sector - 1) / sector * sector;

  BlockLayout layout{.size = footer.size, .block_size = block_size};
  layout.bitmaps.before_block = bitmap_size;
  if (differencing) {
    const ParentLink link = parent_of(*file, bytes, disk.used);
    disk.parent = link.names.empty() ? link.identifiers.front() : link.names.front();
    layout.parent = open_parent(link);
  }
  std::vector<Unread> unread;
  layout.table = read_table(*file, header.table_offset, entries, bitmap_size, footer_size, unread);
  for (const Unread& u : unread)
    disk.warnings.push_back(file_warning(*file, "block_table_unreadable", "a part of the block table cannot be read", u.offset, u.length));
  disk.used.push_back({0, footer_size, ExtentKind::data});
  disk.used.push_back({file->size() - footer_size, footer_size, ExtentKind::data});
  disk.used.push_back({footer.header_offset, header_size, ExtentKind::data});
  disk.used.push_back({header.table_offset, (std::uint64_t{header.entries} * 4 + sector - 1) / sector * sector, ExtentKind::data});
  for (const Block b : layout.table)
    if (b.stored()) disk.used.push_back({b.file_offset() - bitmap_size, bitmap_size + block_size, ExtentKind::data});
  auto blocks = std::make_shared<BlockDisk>(file, std::move(layout));
  describe_blocks(*blocks, disk);
  disk.disk = std::move(blocks);
  return disk;
}

}  // namespace

std::optional<VhdFooter> find_vhd_footer(const ByteSource& file) {
  if (file.size() < footer_size) return std::nullopt;
  const auto end = footer_at(file, file.size() - footer_size);
  auto copy = footer_at(file, 0);
  if (copy && (copy->type == VhdType::fixed || file.size() == footer_size)) copy.reset();  // fixed disks keep no copy
  if (copy) copy->at_end = false;
  if (end && (end->checksum_good || !copy || !copy->checksum_good)) return end;
  return copy;
}

Result<Container> open_vhd(const SourcePtr& file, const VhdFooter& footer, const OpenParent& open_parent) {
  Container disk;
  disk.file = file;
  disk.identifier = guid_text(footer.identifier, GuidOrder::big);
  disk.sector_size = 512;
  const auto check = [&](const char* name, const std::optional<VhdFooter>& found) {
    disk.checks.push_back({name, !found ? "missing" : found->checksum_good ? "good" : "checksum wrong", {}});
  };
  check("footer", footer_at(*file, file->size() - footer_size));
  if (footer.type != VhdType::fixed) check("footer copy", footer_at(*file, 0));
  if (!footer.at_end)
    disk.warnings.push_back(file_warning(*file, "vhd_footer_missing",
                                         "the footer at the end of the file is missing or damaged, the copy at its start is used", 0,
                                         footer_size));
  else if (disk.checks.back().structure == "footer copy" && disk.checks.back().state != "good")
    disk.warnings.push_back(
        file_warning(*file, "vhd_footer_copy_damaged", "the copy of the footer at the start of the file is damaged", 0, footer_size));
  if (!footer.checksum_good)
    disk.warnings.push_back(file_warning(*file, "vhd_footer_checksum", "the checksum of the footer is wrong",
                                         footer.at_end ? file->size() - footer_size : 0, footer_size));
  return footer.type == VhdType::fixed ? open_fixed(file, footer, std::move(disk))
                                       : open_dynamic(file, footer, std::move(disk), open_parent);
}

}  // namespace trimcarve::image
