// Pages of $LogFile as the Log File Service (LFS) lays them out: restart pages (RSTR), record pages (RCRD), log record headers and the
// arithmetic of log sequence numbers (LSNs).
//
// Format: Linux-NTFS documentation, "$LogFile", and the structures as ntfs-3g's and Linux ntfs3's headers describe them. Pages carry update
// sequence arrays like FILE records: apply_fix_up first, on a copy. Pure; no allocation; views live as long as the bytes given.
#pragma once

#include <cstdint>
#include <optional>

#include "ntfs/units.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::ntfs {

struct LfsVersion {
  std::uint16_t major = 0, minor = 0;
  friend bool operator==(const LfsVersion&, const LfsVersion&) = default;
};
// 1.1 until Windows 8 (and whenever a newer Windows dismounts a volume), 2.0 since. Others exist and are not decoded.
constexpr bool lfs_version_known(LfsVersion version) noexcept { return version == LfsVersion{1, 1} || version == LfsVersion{2, 0}; }

// A client of the log service; NTFS is the only one there is.
struct LfsClient {
  std::uint64_t oldest_lsn = 0, restart_lsn = 0;
  Units name;
};

// A restart page and the restart area in it.
struct LfsRestart {
  std::uint64_t chkdsk_lsn = 0;
  std::uint32_t system_page_size = 0, page_size = 0;  // bytes: of restart pages; of record pages
  LfsVersion version;
  // The rest is read only for a known version.
  std::uint64_t current_lsn = 0;
  std::uint16_t flags = 0;               // 2: the log was closed cleanly
  std::uint32_t sequence_bits = 0;       // of an LSN's 64 bits, the high ones that count the laps
  std::uint64_t file_size = 0;           // bytes of the log
  std::uint16_t record_header_size = 0;  // of a log record
  std::uint16_t data_offset = 0;         // where log records begin in a record page
  std::uint16_t clients = 0;             // stored
  std::optional<LfsClient> client;       // the first
};

enum class LfsSignature : std::uint8_t {
  none,
  restart,    // RSTR, or CHKD: a restart page that chkdsk wrote
  record,     // RCRD
  untouched,  // FF throughout: never written since the log was made
};
LfsSignature lfs_signature(ByteView page) noexcept;

// Of a page of 512 bytes or more, fix-ups applied. An unknown version is no error: the caller names it. Fails on a senseless field.
Result<LfsRestart> decode_lfs_restart(ByteView page);

struct LfsPageHeader {
  std::uint64_t last_lsn = 0;  // of the last record that begins in the page; in a tail page of LFS 1.1: the page's own offset in the log
  std::uint32_t flags = 0;     // 1: a record ends in this page
  std::uint16_t page_count = 0, page_position = 0;  // of one write of several pages
  std::uint16_t next_record = 0;                    // offset of the free space
  std::uint64_t last_end_lsn = 0;                   // of the last record that ends in the page
  std::uint32_t file_offset = 0;                    // LFS 2.0, a fast page: the page's own offset in the log
};
inline constexpr std::size_t lfs_page_header_size = 64;
std::optional<LfsPageHeader> decode_lfs_page_header(ByteView page) noexcept;  // RCRD only

namespace lfs_record_type {
inline constexpr std::uint32_t client_record = 1, client_restart = 2;
}

struct LfsRecordHeader {
  std::uint64_t lsn = 0, previous = 0, undo_next = 0;  // the client's previous LSN in this transaction; where an undo goes on
  std::uint32_t data_length = 0;                       // of the client's data, behind the header
  std::uint32_t client = 0;
  std::uint32_t type = 0;  // lfs_record_type::*
  std::uint32_t transaction = 0;
  std::uint16_t flags = 0;  // 1: goes on in the next page
  bool multi_page() const noexcept { return (flags & 1U) != 0; }
};
inline constexpr std::size_t lfs_record_header_size = 48;
// Longer than any record of NTFS: two 16-bit lengths, and 65,535 cluster numbers.
inline constexpr std::uint32_t max_lfs_data = 1U << 20;

// How LSNs and places in the log belong together. The low bits of an LSN are an offset in units of 8 bytes, the high bits the lap.
struct LfsGeometry {
  std::uint32_t page_size = 4096;
  std::uint32_t sequence_bits = 0;
  std::uint64_t file_size = 0;  // bytes, as the log says
  std::uint16_t record_header_size = lfs_record_header_size;
  std::uint16_t data_offset = lfs_page_header_size;
  std::uint16_t restart_pages = 2;  // in units of page_size
  LfsVersion version;
  // The log's size is not known (pages without a restart page): all LSNs are of one lap, so what follows each other in a lap does so here
  // too, and page numbers count on behind the log's end.
  bool one_lap = false;

  constexpr std::uint64_t offset_of(std::uint64_t lsn) const noexcept {
    return one_lap ? lsn << 3 : ((lsn << sequence_bits) >> sequence_bits) << 3;
  }
  constexpr std::uint64_t lap_of(std::uint64_t lsn) const noexcept { return one_lap ? 1 : lsn >> (64 - sequence_bits); }
  constexpr std::uint64_t page_of(std::uint64_t lsn) const noexcept { return offset_of(lsn) / page_size; }
  constexpr std::uint64_t pages() const noexcept { return file_size / page_size; }
  // The page the log goes on with behind its last one: behind the restart pages, and 2 tail pages (1.1) or 32 fast pages (2.0).
  constexpr std::uint64_t first_page(LfsVersion of) const noexcept { return restart_pages + (of.major >= 2 ? 32U : 2U); }
};
std::optional<LfsGeometry> geometry_of(const LfsRestart& restart) noexcept;  // nothing when the numbers do not fit together

// Of record pages of this size that belong to a log whose restart pages are not known. An LSN is a 64-bit count of 8-byte units, and
// Windows' logs are 4 GiB at most, so no true one is near the end that this sets.
LfsGeometry one_lap_geometry(std::uint32_t page_size, std::uint16_t data_offset) noexcept;

// How Windows chooses the sequence bits for a size. For a log whose restart pages are lost.
std::uint32_t usual_sequence_bits(std::uint64_t file_size) noexcept;

// The header of a log record at `offset` of a page. Strict, for it is also searched for: the LSN must name this offset in a page of the
// log, and type, length, flags and the LSNs it refers to must be possible.
std::optional<LfsRecordHeader> decode_lfs_record_header(ByteView page, std::uint64_t offset, const LfsGeometry& geometry) noexcept;

}  // namespace trimcarve::ntfs
