// Pages, log records and tables of $LogFile of any bytes. What is handed out must lie inside the bytes given.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "ntfs/fix_up.hpp"
#include "ntfs/lfs_page.hpp"
#include "ntfs/lfs_record.hpp"
#include "ntfs/lfs_tables.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool inside(ByteView part, ByteView whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void tables(ByteView bytes) {
  LogTableWalk walk(bytes);
  ByteView entry;
  for (std::uint32_t offset = 0; walk.next(entry, offset);) {
    require(inside(entry, bytes) && entry.size() == walk.entry_size() && fits(bytes, offset, entry.size()));
    decode_open_attribute(entry);
    decode_active_transaction(entry);
    if (const auto page = decode_dirty_page(entry)) require(inside(page->lcns, entry));
  }
  AttributeNameWalk names(bytes);
  Units name;
  for (std::uint16_t target = 0; names.next(target, name);) require(!name.empty() && inside(name.bytes(), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  tables(bytes);
  if (const auto record = decode_log_record(bytes)) {
    require(inside(record->redo, bytes) && inside(record->undo, bytes) && inside(record->lcns, bytes));
    require(record->redo.empty() || record->redo.size() == record->redo_length);
    require(!to_string(record->redo_operation).empty());
    decode_log_sizes(record->redo);
    decode_log_bits(record->redo);
    decode_log_duplicated(record->redo);
  }
  decode_log_checkpoint(bytes);
  decode_lfs_page_header(bytes);

  std::vector<std::byte> page(bytes.begin(), bytes.end());
  apply_fix_up(page);
  const auto restart = decode_lfs_restart(page);
  if (!restart) return 0;
  if (restart->client) require(inside(restart->client->name.bytes(), page));
  const auto geometry = geometry_of(*restart);
  if (!geometry) return 0;
  // Every place in the log has an LSN that leads back to it.
  require(geometry->page_size >= 512 && geometry->pages() >= 4);
  const std::uint64_t last = (geometry->file_size - 8) / 8 * 8;
  require(geometry->offset_of((std::uint64_t{1} << (64 - geometry->sequence_bits)) | (last >> 3)) == last);
  for (std::uint64_t at = 0; at < page.size(); at += 8)
    if (const auto header = decode_lfs_record_header(page, at, *geometry))
      require(geometry->offset_of(header->lsn) % geometry->page_size == at && header->previous < header->lsn);
  return 0;
}
