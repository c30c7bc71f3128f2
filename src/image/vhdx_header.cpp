#include "image/vhdx_header.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>

#include "image/crc.hpp"
#include "image/guid.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::image {

namespace {

constexpr std::uint64_t kib = 1024, mib = 1024 * kib, tib = mib * mib;

using Guid = std::array<std::byte, 16>;

struct HeaderOnDisk {                 // 2.2.2
  std::array<char, 4> signature;      // 0   "head"
  Little<std::uint32_t> checksum;     // 4   CRC-32C over 4 KiB with this field zero
  Little<std::uint64_t> sequence;     // 8   the greater one is current
  Guid file_write;                    // 16
  Guid data_write;                    // 32
  Guid log;                           // 48  zero: no log to replay
  Little<std::uint16_t> log_version;  // 64
  Little<std::uint16_t> version;      // 66
  Little<std::uint32_t> log_length;   // 68
  Little<std::uint64_t> log_offset;   // 72
};
static_assert(sizeof(HeaderOnDisk) == 80);

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

struct LocatorEntry {                  // 2.6.2.6.2
  Little<std::uint32_t> key_offset;    // 0   in the item
  Little<std::uint32_t> value_offset;  // 4
  Little<std::uint16_t> key_length;    // 8   bytes
  Little<std::uint16_t> value_length;  // 10
};
static_assert(sizeof(LocatorEntry) == 12);

// As they are written: [MS-VHDX] 2.2.3.2, 2.6.2 and 2.6.2.6.1.
constexpr std::string_view bat_region = "2dc27766-f623-4200-9d64-115e9bfd4a08", metadata_region = "8b7ca206-4790-4b9a-b8fe-575f050f886e",
                           file_parameters = "caa16737-fa36-4d43-b3b6-33f0aa44e76b", disk_size = "2fa54224-cd1b-4876-b211-5dbed83bf4b8",
                           logical_sector = "8141bf1d-a96f-4709-ba47-f233a8faab5f",
                           physical_sector = "cda348c7-445d-4471-9cc9-e9885251c556", disk_id = "beca12ab-b2e6-4523-93ef-c309e000c746",
                           parent_locator = "a8d35f2d-b30b-454d-abf7-d3d84834ab0c", vhdx_locator = "b04aefb7-d19e-4a81-b789-25b8e9445913";

std::string text_of(const Guid& guid) { return guid_text(guid, GuidOrder::little); }

// A structure with its signature first and its CRC-32C, computed with the field zeroed, at offset 4.
struct Checked {
  std::vector<std::byte> bytes;
  bool good = false;
};
std::optional<Checked> read_checked(const ByteSource& file, std::uint64_t offset, std::size_t length, std::string_view signature) {
  Checked result;
  result.bytes.resize(length);
  if (!fits(file.size(), offset, length) || !file.read_at(offset, result.bytes)) return std::nullopt;
  if (std::memcmp(result.bytes.data(), signature.data(), 4) != 0) return std::nullopt;
  const auto stored = le<std::uint32_t>(result.bytes, 4);
  std::fill_n(result.bytes.begin() + 4, 4, std::byte{0});
  result.good = crc32c(result.bytes) == stored;
  return result;
}

struct Kind {
  const char *name, *code, *text, *signature;
  std::array<std::uint64_t, 2> places;
  std::size_t length;
};
constexpr Kind header_kind{"header ", "vhdx_header_damaged", "one of the two headers is damaged", "head", {64 * kib, 128 * kib}, 4 * kib};
constexpr Kind region_kind{"region table ", "vhdx_region_table_damaged", "one of the two region tables is damaged",
                           "regi",          {192 * kib, 256 * kib},      64 * kib};

// Both copies of a structure, the usable ones: those with a good checksum, or all with their signature when there is no good one. The
// checks and warnings go to the container.
std::vector<std::vector<std::byte>> read_copies(const ByteSource& file, const Kind& kind, Container& disk) {
  std::vector<Checked> found;
  for (std::size_t i = 0; i < kind.places.size(); ++i) {
    auto copy = read_checked(file, kind.places[i], kind.length, kind.signature);
    disk.checks.push_back({kind.name + std::to_string(i + 1), !copy ? "missing" : copy->good ? "good" : "checksum wrong", {}});
    if (!copy || !copy->good) disk.warnings.push_back(file_warning(file, kind.code, kind.text, kind.places[i], kind.length));
    if (copy) found.push_back(std::move(*copy));
  }
  const bool any_good = std::ranges::any_of(found, &Checked::good);
  std::vector<std::vector<std::byte>> usable;
  for (Checked& copy : found)
    if (copy.good == any_good) usable.push_back(std::move(copy.bytes));
  if (!any_good && !usable.empty()) {
    disk.complete = false;
    disk.warnings.push_back({std::string(kind.code) + "_used",
                             "no checksum of a " + std::string(kind.name, std::strlen(kind.name) - 1) +
                                 " is good: what it says is used all the same, and may be wrong",
                             {}});
  }
  return usable;
}

// The UTF-16 text of a key or value of a locator; empty when it leaves the item.
std::string locator_text(ByteView item, std::uint64_t offset, std::uint64_t length) {
  const auto bytes = slice(item, offset, length);
  if (!bytes) return {};
  std::u16string text;
  for (std::size_t i = 0; i + 2 <= bytes->size(); i += 2) {
    const char16_t unit = le<std::uint16_t>(*bytes, i);
    if (unit == 0) break;
    text += unit;
  }
  return to_utf8(text);
}

// A GUID as text, with or without braces: lower case, without.
std::string plain_guid(std::string text) {
  std::erase_if(text, [](char c) { return c == '{' || c == '}'; });
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// 2.6.2.6: keys and values. parent_linkage holds the parent's data write GUID; parent_linkage2 another one that is as good, or zero.
Result<ParentLink> read_locator(ByteView item) {
  if (!fits(item, 0, 20) || text_of(load<Guid>(item)) != vhdx_locator) return fail("what it says of its parent is damaged");
  ParentLink link;
  const auto count = le<std::uint16_t>(item, 18);
  for (std::uint64_t i = 0; i < count && fits(item, 20 + i * sizeof(LocatorEntry), sizeof(LocatorEntry)); ++i) {
    const auto entry = load<LocatorEntry>(item, 20 + i * sizeof(LocatorEntry));
    const std::string key = locator_text(item, entry.key_offset, entry.key_length);
    const std::string value = locator_text(item, entry.value_offset, entry.value_length);
    if (key.starts_with("parent_linkage")) {
      std::string guid = plain_guid(value);
      if (guid.find_first_not_of("0-") != std::string::npos) link.identifiers.push_back(std::move(guid));
    } else if (key == "relative_path") {
      add_name(link.names, value);
      if (const auto name = file_name_of(value)) std::ranges::rotate(link.names, std::ranges::find(link.names, *name));
    } else if (key == "absolute_win32_path" || key == "volume_path") {
      add_name(link.names, value);
    }
  }
  if (link.identifiers.empty()) return fail("it does not say which parent it was made from");
  return link;
}

}  // namespace

Result<VhdxHeader> read_vhdx_header(const ByteSource& file, Container& disk) {
  HeaderOnDisk current{};
  bool found = false;
  for (const auto& bytes : read_copies(file, header_kind, disk)) {
    const auto header = load<HeaderOnDisk>(bytes);
    if (!found || header.sequence > current.sequence) current = header;
    found = true;
  }
  if (!found) return fail("both of its headers are damaged");
  if (current.version != 1) return fail("its header version is not 1");
  return VhdxHeader{
      text_of(current.data_write), {current.log, current.log_offset, current.log_length, current.log_version}, current.log != Guid{}};
}

Result<VhdxRegions> read_vhdx_regions(const ByteSource& file, Container& disk) {
  const auto tables = read_copies(file, region_kind, disk);
  if (tables.empty()) return fail("both of its region tables are damaged");
  const std::vector<std::byte>& table = tables.front();
  const auto count = std::min<std::uint64_t>(le<std::uint32_t>(table, 8), 2047);  // the table's limit, and what fits into it
  std::optional<VhdxRegion> bat, metadata;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry = load<RegionEntry>(table, 16 + i * sizeof(RegionEntry));
    const std::string guid = text_of(entry.guid);
    if (guid == bat_region)
      bat = {entry.offset, entry.length};
    else if (guid == metadata_region)
      metadata = {entry.offset, entry.length};
    else if ((entry.required & 1U) != 0)
      return fail("it needs a region that is not known: " + guid);
  }
  if (!bat || !metadata) return fail("its region table names no block table or no metadata");
  return VhdxRegions{*bat, *metadata};
}

Result<VhdxMetadata> read_vhdx_metadata(const ByteSource& file, const VhdxRegion& region) {
  std::vector<std::byte> table(64 * kib);
  if (region.length < table.size() || !fits(file.size(), region.offset, table.size()) || !file.read_at(region.offset, table) ||
      std::memcmp(table.data(), "metadata", 8) != 0)
    return fail("its metadata table is damaged");
  const auto count = std::min<std::uint64_t>(le<std::uint16_t>(table, 10), 2047);
  VhdxMetadata result;
  bool parameters = false;
  std::vector<std::byte> locator;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry = load<MetadataEntry>(table, 32 + i * sizeof(MetadataEntry));
    const std::string guid = text_of(entry.guid);
    const auto bytes_of_item = [&](std::uint64_t at, std::span<std::byte> out) {
      if (!fits(entry.length, at, out.size()) || !fits(region.length, entry.offset, entry.length)) return false;
      const std::uint64_t from = region.offset + entry.offset + at;
      return fits(file.size(), from, out.size()) && file.read_at(from, out).has_value();
    };
    // Reads the item's first bytes; an item outside its region is as good as absent.
    const auto item = [&]<class T>(T& out, std::uint64_t at) {
      std::array<std::byte, sizeof(T)> bytes;
      if (!bytes_of_item(at, bytes)) return false;
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
    } else if (guid == parent_locator) {
      locator.resize(std::min<std::uint64_t>(entry.length, mib));  // 2.6.1.2: an item has at most 1 MiB
      if (!bytes_of_item(0, locator)) locator.clear();
    } else if (guid != physical_sector && guid != disk_id && (entry.flags & 4U) != 0) {
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
  if (result.has_parent) {
    auto link = read_locator(locator);
    if (!link) return std::unexpected(std::move(link.error()));
    result.parent = std::move(*link);
  }
  return result;
}

}  // namespace trimcarve::image
