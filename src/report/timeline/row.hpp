// A row of a timeline: one time of one entry, with all that the sorted formats print of it.
//
// While rows are sorted an entry is kept once, as bytes (pack), with one key for each of its times; a row is read back from them (Row).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "trimcarve/timeline.hpp"

namespace trimcarve::report {

// Which of an entry's times a row is about.
enum class Which : std::uint8_t { created, modified, changed, accessed, at, until };

// What of an entry has a fixed length.
struct RowFacts {
  TimeSet times;
  FileTime time, until;
  FileReference reference, parent;
  std::uint64_t size = 0, usn = 0, lsn = 0;
  Range range;
  std::uint32_t volume = 0, attributes = 0, reasons = 0;
  std::array<std::uint32_t, 5> lengths{};  // of the texts, in bytes
  EntryKind kind = EntryKind::standard_information;
  SourceKind source = SourceKind::mft;
  Integrity integrity = Integrity::good;
  Deed deed = Deed::other;
  bool has_source = true, reference_known = false, parent_known = false, path_known = true, deleted = false, reused = false,
       directory = false, has_size = false, has_attributes = false, zone_stated = true;
};

struct Row {
  FileTime time;
  Which which = Which::at;
  RowFacts facts;
  std::string_view directory, file_name, name_hex, detail, event;  // UTF-8
};

// Appends the entry's bytes; at most `longest_detail` bytes of its detail, cut between characters.
inline constexpr std::size_t longest_detail = 8192;
void pack(const TimelineEntry& entry, std::string& out);
// Of bytes that pack made; the row's texts point into them. `time` and `which` are left to the caller.
Row unpack(const char* bytes);
// How many bytes pack made.
std::size_t packed_size(const char* bytes);

// Calls take(which, time) for each time that the entry states.
template <class Take>
void each_time(const RowFacts& facts, Take take) {
  const auto put = [&](Which which, FileTime time) {
    if (time != no_time) take(which, time);
  };
  if (facts.kind == EntryKind::standard_information || facts.kind == EntryKind::file_name) {
    put(Which::created, facts.times.created);
    put(Which::modified, facts.times.modified);
    put(Which::changed, facts.times.changed);
    put(Which::accessed, facts.times.accessed);
    return;
  }
  put(Which::at, facts.time);
  if (facts.until != facts.time) put(Which::until, facts.until);
}

// The four words of a row, as plaso has them where it has one for it: `fs:stat:ntfs`, `Creation Time`.
std::string_view data_type(const RowFacts& facts) noexcept;
std::string_view timestamp_desc(const RowFacts& facts, Which which) noexcept;
// The path: `\a\b`; `\` for the root.
void append_path(std::string& out, const Row& row);
// One line for people: the path, whether the file is deleted, what happened, and what says so.
void append_message(std::string& out, const Row& row);

// `2026-11-24T08:01:02.1234567Z`, as to_iso8601, faster for times of the same day.
class IsoTimes {
 public:
  void append(std::string& out, FileTime time);

 private:
  std::uint64_t day_ = ~std::uint64_t{0};
  std::string date_;
};

// Microseconds since 1970, rounded towards the past.
std::int64_t unix_microseconds(FileTime time) noexcept;

}  // namespace trimcarve::report
