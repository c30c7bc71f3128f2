#include "ntfs/lfs_page.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace trimcarve::ntfs {

namespace {

constexpr std::size_t restart_header_size = 30, restart_area_size = 44, client_size = 160, client_name_at = 32;

struct StoredArea {
  Little<std::uint64_t> current_lsn;
  Little<std::uint16_t> clients, free_list, in_use_list, flags;
  Little<std::uint32_t> sequence_bits;
  Little<std::uint16_t> length, client_offset;
  Little<std::uint64_t> file_size;
  Little<std::uint32_t> last_data_length;
  Little<std::uint16_t> record_header_size, data_offset;
  Little<std::uint32_t> revision;
};
static_assert(sizeof(StoredArea) == restart_area_size);

struct StoredPage {
  char signature[4];
  Little<std::uint16_t> array_offset, array_count;
  Little<std::uint64_t> last_lsn;  // 0x08
  Little<std::uint32_t> flags;     // 0x10
  Little<std::uint16_t> page_count, page_position;
  Little<std::uint16_t> next_record;  // 0x18
  Little<std::uint16_t> unused[3];
  Little<std::uint64_t> last_end_lsn;  // 0x20
};
static_assert(sizeof(StoredPage) == 0x28);

struct StoredRecord {
  Little<std::uint64_t> lsn, previous, undo_next;
  Little<std::uint32_t> data_length, client, type, transaction;
  Little<std::uint16_t> flags;
  Little<std::uint16_t> unused[3];
};
static_assert(sizeof(StoredRecord) == lfs_record_header_size);

bool page_size_possible(std::uint32_t size) noexcept { return size >= 512 && size <= 65536 && std::has_single_bit(size); }

bool all_ones(ByteView view) noexcept {
  return view.front() == std::byte{0xFF} && std::memcmp(view.data(), view.data() + 1, view.size() - 1) == 0;
}

}  // namespace

LfsSignature lfs_signature(ByteView page) noexcept {
  if (page.size() < 4) return LfsSignature::none;
  if (std::memcmp(page.data(), "RCRD", 4) == 0) return LfsSignature::record;
  if (std::memcmp(page.data(), "RSTR", 4) == 0 || std::memcmp(page.data(), "CHKD", 4) == 0) return LfsSignature::restart;
  return all_ones(page) ? LfsSignature::untouched : LfsSignature::none;
}

Result<LfsRestart> decode_lfs_restart(ByteView page) {
  if (lfs_signature(page) != LfsSignature::restart) return fail("no RSTR signature");
  if (page.size() < 512) return fail("shorter than a sector");
  LfsRestart out;
  out.chkdsk_lsn = le<std::uint64_t>(page, 8);
  out.system_page_size = le<std::uint32_t>(page, 16);
  out.page_size = le<std::uint32_t>(page, 20);
  const std::size_t area = le<std::uint16_t>(page, 24);
  out.version = {le<std::uint16_t>(page, 28), le<std::uint16_t>(page, 26)};
  if (!lfs_version_known(out.version)) return out;
  if (!page_size_possible(out.system_page_size) || !page_size_possible(out.page_size)) return fail("a page size that is none");
  if (area < restart_header_size || area % 8 != 0 || !fits(page, area, restart_area_size)) return fail("the restart area leaves the page");
  const auto stored = load<StoredArea>(page, area);
  out.current_lsn = stored.current_lsn;
  out.flags = stored.flags;
  out.sequence_bits = stored.sequence_bits;
  out.file_size = stored.file_size;
  out.record_header_size = stored.record_header_size;
  out.data_offset = stored.data_offset;
  out.clients = stored.clients;
  const std::uint64_t client = area + stored.client_offset;
  if (out.clients != 0 && stored.client_offset >= restart_area_size && fits(page, client, client_size)) {
    const std::uint32_t name = std::min<std::uint32_t>(le<std::uint32_t>(page, client + 28), client_size - client_name_at);
    out.client = LfsClient{le<std::uint64_t>(page, client), le<std::uint64_t>(page, client + 8),
                           Units(page.subspan(static_cast<std::size_t>(client) + client_name_at, name))};
  }
  return out;
}

std::optional<LfsPageHeader> decode_lfs_page_header(ByteView page) noexcept {
  if (page.size() < lfs_page_header_size || lfs_signature(page) != LfsSignature::record) return std::nullopt;
  const auto stored = load<StoredPage>(page);
  LfsPageHeader out;
  out.last_lsn = stored.last_lsn;
  out.flags = stored.flags;
  out.page_count = stored.page_count;
  out.page_position = stored.page_position;
  out.next_record = stored.next_record;
  out.last_end_lsn = stored.last_end_lsn;
  // Only where the update sequence array ends before it.
  if (stored.array_offset + 2U * stored.array_count <= 60U) out.file_offset = le<std::uint32_t>(page, 60);
  return out;
}

std::optional<LfsGeometry> geometry_of(const LfsRestart& r) noexcept {
  if (!lfs_version_known(r.version) || r.sequence_bits < 3 || r.sequence_bits > 61) return std::nullopt;
  if (r.record_header_size < lfs_record_header_size || r.record_header_size % 8 != 0 || r.record_header_size > 512) return std::nullopt;
  if (r.data_offset < 0x28 || r.data_offset % 8 != 0 || r.data_offset + std::uint32_t{r.record_header_size} > r.page_size)
    return std::nullopt;
  // Every offset in the log must have an LSN.
  if (r.file_size < 4 * std::uint64_t{r.page_size} || (r.file_size >> 3) > (std::uint64_t{1} << (64 - r.sequence_bits)))
    return std::nullopt;
  const std::uint32_t restart_pages = 2 * std::max(1U, r.system_page_size / r.page_size);
  return LfsGeometry{
      r.page_size, r.sequence_bits, r.file_size, r.record_header_size, r.data_offset, static_cast<std::uint16_t>(restart_pages), r.version};
}

LfsGeometry one_lap_geometry(std::uint32_t page_size, std::uint16_t data_offset) noexcept {
  LfsGeometry out;
  out.page_size = page_size;
  out.data_offset = data_offset;
  out.sequence_bits = 3;
  out.file_size = std::uint64_t{1} << 60;
  out.version = {1, 1};
  out.one_lap = true;
  return out;
}

std::uint32_t usual_sequence_bits(std::uint64_t file_size) noexcept {
  return static_cast<std::uint32_t>(64 - (std::clamp(static_cast<int>(std::bit_width(file_size)), 6, 60) - 3));
}

std::optional<LfsRecordHeader> decode_lfs_record_header(ByteView page, std::uint64_t offset, const LfsGeometry& geometry) noexcept {
  if (!fits(page, offset, geometry.record_header_size)) return std::nullopt;
  const std::uint64_t lsn = le<std::uint64_t>(page, offset);
  const std::uint64_t in_log = geometry.offset_of(lsn);
  if (in_log % geometry.page_size != offset || geometry.lap_of(lsn) == 0 || (geometry.one_lap && lsn >> 61 != 0)) return std::nullopt;
  const std::uint64_t number = in_log / geometry.page_size;
  if (number < 2 || number >= geometry.pages()) return std::nullopt;
  const auto stored = load<StoredRecord>(page, offset);
  LfsRecordHeader out;
  out.lsn = lsn;
  out.previous = stored.previous;
  out.undo_next = stored.undo_next;
  out.data_length = stored.data_length;
  out.client = stored.client;
  out.type = stored.type;
  out.transaction = stored.transaction;
  out.flags = stored.flags;
  if (out.previous >= lsn || out.undo_next >= lsn) return std::nullopt;
  if (out.type != lfs_record_type::client_record && out.type != lfs_record_type::client_restart) return std::nullopt;
  if (out.data_length < 8 || out.data_length > max_lfs_data || (out.flags & ~7U) != 0) return std::nullopt;
  // A record that fits the page does not say otherwise.
  const bool leaves = out.data_length > page.size() - offset - geometry.record_header_size;
  if (leaves && !out.multi_page()) return std::nullopt;
  return out;
}

}  // namespace trimcarve::ntfs
