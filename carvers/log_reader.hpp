// Finds the log records of a $LogFile and puts each together from its pages.
//
// Nothing is replayed and no chain of LSNs is followed: every page is searched, wherever it lies, and a record is taken when its LSN names
// the very offset at which it stands. So restart pages may be lost, old pages behind the wrap count like new ones, and the copies of a page
// (tail pages of LFS 1.1, fast pages of 2.0, what a downgrade from 2.0 to 1.1 left of them) add what the page itself does not hold (yet).
// A record that several pages hold is taken once: complete before cut, from its own page before a copy.
//
// Pages that were carved are read in the same way, from a source that holds them alone (log_pages.hpp): no restart page tells the size of
// their log, so every LSN counts as of one lap; a record goes on in the page whose LSNs follow, wherever that lies, but for one that goes
// over the log's end.
//
// Threads: one reader is for one thread; it keeps the pages it read last.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "carvers/carver.hpp"
#include "ntfs/fix_up.hpp"
#include "ntfs/lfs_page.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::carvers {

inline constexpr std::uint64_t log_file_entry = 2;  // of $LogFile in $MFT: the owner in every Place

enum class LogState : std::uint8_t {
  read,
  untouched,        // FF throughout: no record was ever written
  unknown_version,  // named in the tally and skipped
  none,             // no page of a log in it
};
std::string_view to_string(LogState state) noexcept;

struct LogPages {
  std::uint64_t slots = 0;    // pages the stream has room for, restart pages included
  std::uint64_t restart = 0;  // restart pages that could be read
  std::uint64_t record = 0;   // pages with a record page's signature
  std::uint64_t copies = 0;   // of them: copies of a page whose own place is elsewhere
  std::uint64_t torn = 0;     // of them: with a sector whose fix-up fails
  std::uint64_t untouched = 0, zero = 0, garbage = 0, unreadable = 0, holes = 0;
};

// Where a log record was found.
struct LogRecordAt {
  std::uint64_t lsn = 0, previous = 0, undo_next = 0;
  std::uint64_t offset = 0;  // of its first byte in the stream
  std::uint32_t data_length = 0;
  std::uint32_t transaction = 0;
  std::uint32_t next_pages = 0;  // index of its further pages, when it has some
  std::uint16_t next_count = 0;
  bool restart = false;  // a client's restart area, not a log record
  bool cut = false;      // a further page is missing or torn: what lies before it is there
  bool stale = false;    // behind the end of its page's records: of an earlier lap, or taken back
  bool follows = false;  // the record before it in LSN order ends where this one begins: none is missing between them
};

// A stretch of a record's client data and where it lies in the stream.
struct LogPiece {
  std::uint64_t data = 0;    // offset in the client data
  std::uint64_t offset = 0;  // in the stream
  std::uint64_t length = 0;
};

struct LogBytes {
  std::vector<std::byte> data;  // client data, fix-ups applied; shorter than it should be when cut
  std::vector<LogPiece> pieces;
};

class LogReader {
 public:
  // `carved_page_size` not 0: `log` is no $LogFile, but carved record pages of this size, each at a multiple of it; what lies between is a
  // hole.
  explicit LogReader(const ByteSource& log, std::uint32_t carved_page_size = 0) : log_(log), carved_page_size_(carved_page_size) {}

  // Reads the restart pages and searches all record pages. False when `progress` asked for the end (the records found so far are kept).
  bool scan(const ProgressSink& progress);

  LogState state() const noexcept { return state_; }
  ntfs::LfsVersion version() const noexcept { return geometry_.version; }  // also of an unknown one; 0.0 when no restart page was found
  const ntfs::LfsGeometry& geometry() const noexcept { return geometry_; }
  bool clean() const noexcept { return clean_; }                         // the restart area says that the log was closed cleanly
  std::uint64_t stated_lsn() const noexcept { return newest_restart_; }  // that the restart area names as current; 0: there is none
  bool geometry_guessed() const noexcept { return guessed_; }            // no restart page could be used
  bool carved() const noexcept { return carved_page_size_ != 0; }
  const LogPages& pages() const noexcept { return pages_; }
  GapList& gaps() noexcept { return gaps_; }
  std::uint64_t duplicates() const noexcept { return duplicates_; }      // copies of records that were left out
  std::uint64_t crowded() const noexcept { return crowded_; }            // records cut: more pages claim one place than are looked at
  std::uint64_t torn_records() const noexcept { return torn_records_; }  // their header's own sector fails: not in records()

  const std::vector<LogRecordAt>& records() const noexcept { return records_; }  // in LSN order

  // The client data of a record. `whole` is the stretch from its first byte to its last: over pages when they lie one behind the other
  // (with the headers between), else as far as they do.
  void read(const LogRecordAt& record, LogBytes& out, Place& whole);

  // The record that has a byte at `offset` of the stream: an index of records().
  std::optional<std::size_t> record_at(std::uint64_t offset);

  // Bytes of the stream with fix-ups applied. False when they reach into a torn or unreadable sector, or leave the stream.
  bool read_fixed(std::uint64_t offset, std::span<std::byte> out);

 private:
  struct Page {
    std::uint64_t slot = ~std::uint64_t{0};
    std::vector<std::byte> bytes;
    ntfs::SectorSet bad;
  };
  // What is known of a page that holds records or a part of one.
  struct Instance {
    std::uint64_t home = 0;  // the page's own number in the log
    std::uint64_t slot = 0;
    std::uint64_t first_lsn = 0;             // of the first record that begins in it; 0 when none does
    std::uint64_t newest = 0, last_end = 0;  // as its header states them
    std::uint16_t first_offset = 0, next_record = 0;
    bool claimed = false;  // a record goes on in it
  };

  void read_restart_pages();
  void take_carved_geometry();
  bool take_restart(std::uint64_t offset, std::uint32_t size);
  void scan_page(std::uint64_t slot, std::span<std::byte> page);
  void records_of(std::uint64_t slot, ByteView page, const ntfs::SectorSet& bad, const ntfs::LfsPageHeader& header);
  bool choose(const ProgressSink& progress);
  void complete(LogRecordAt& record);
  const Instance* continuation(std::uint64_t home, std::uint64_t lap, std::uint64_t lsn, std::uint64_t rest);
  bool mark_followers(const ProgressSink& progress);
  const Page& page_at(std::uint64_t slot);

  const ByteSource& log_;
  const std::uint32_t carved_page_size_;
  LogState state_ = LogState::none;
  ntfs::LfsGeometry geometry_;
  std::uint64_t newest_restart_ = 0;
  bool clean_ = false, guessed_ = false;
  LogPages pages_;
  GapList gaps_;
  std::uint64_t duplicates_ = 0, torn_records_ = 0, crowded_ = 0;
  std::vector<LogRecordAt> records_;
  std::vector<Instance> instances_;        // by home, the page itself before its copies
  std::vector<std::uint64_t> next_pages_;  // slots
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_offset_;
  std::array<Page, 4> cache_;
  std::size_t cache_next_ = 0;
  std::vector<Unread> unread_;
};

}  // namespace trimcarve::carvers
