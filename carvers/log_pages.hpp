// Record pages of a $LogFile that were found by their shape: which of them are of one log, and which of the volume's own.
//
// A page does not say to which log it belongs. What it says is its records' LSNs, and an LSN names one record of one log, and the 8-byte
// units that it fills; a record names the one before it in its transaction, and goes on where the next page's records leave room for it. So
// two pages in which one LSN names different records, records overlap, or a record is named that is not there are of different logs (the
// log was made anew: a volume formatted again, a log that chkdsk or a tool emptied); of several logs that a page may be of it is taken for
// that to which most links lead. And a page that holds a record of the volume's $LogFile, byte by byte, is of that log. Of all others
// nothing tells that they are: they are kept apart, and no number of theirs is put in an order with the volume's own. Pages of one size
// that do not contradict each other are read as one log.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "carvers/log_file.hpp"

namespace trimcarve::carvers {

struct LogPage {
  std::uint64_t offset = 0;  // bytes, in the source
  std::uint32_t size = 0;
};

// By its signature and update sequence array, which has one value for each sector of 512 bytes. Needs 8 bytes of it.
std::optional<std::uint32_t> log_page_size(ByteView head) noexcept;

struct LogPageGroup {
  std::uint32_t page_size = 0;
  bool same_log = false;             // as the one that was given
  std::vector<std::uint64_t> pages;  // offsets, rising
};

struct LogPageTally {
  std::uint64_t pages = 0;
  std::uint64_t torn = 0;        // with a sector whose fix-up fails
  std::uint64_t empty = 0;       // no record begins in them, and no page of which one may go on lies before them: not taken
  std::uint64_t repeated = 0;    // all their records stand in the given log, or in another page of their group: not taken
  std::uint64_t unreadable = 0;  // or torn in their first sector, or no page at all by their header: not taken
  std::uint64_t left_out = 0;    // of more logs than are told apart
};

inline constexpr std::size_t most_page_groups = 16;

// `pages` in order of offset. `own`: the volume's log; may be null.
std::vector<LogPageGroup> group_log_pages(const ByteSource& source, std::span<const LogPage> pages, LogFileCarver* own,
                                          LogPageTally& tally);

}  // namespace trimcarve::carvers
