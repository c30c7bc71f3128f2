// Finds $FILE_NAME structures in bytes that no live structure points at: record slack, index slack, free index blocks.
//
// By shape and score only: a name that fits and reads as one, a name space that exists, sane flags, sizes and parent, and four times that
// could have been set by one clock (they resemble each other) - whatever the date is. No date window: an implausible time lowers the score
// and never alone refuses a name.
// Pure; no allocation; views point into the bytes given.
#pragma once

#include <cstdint>
#include <optional>

#include "ntfs/file_name.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

// The parent field of a $FILE_NAME over which a record's end marker was written (FF FF FF FF 82 79 47 11): lost, not a reference.
inline constexpr std::uint64_t end_marker_over_parent = 0x1147'7982'FFFF'FFFFULL;

struct FileNameCandidate {
  std::uint64_t offset = 0;  // in the bytes scanned
  FileName file_name;
  int score = 0;                // 0 .. 100
  bool parent_lost = false;     // overwritten (the end-marker trap, an index's end entry, live bytes); `parent` is then meaningless
  std::uint8_t times_lost = 0;  // so many of the four times, from `created` on, are overwritten too: they are no_time
};

inline constexpr int file_name_threshold = 60;  // what scan uses: measured on real slack, see test/ntfs

// What stands at `offset`, if it could be a $FILE_NAME at all. Callers that have other proof may take a lower score than the threshold.
// Fields before `live_end` belong to a live structure and are lost.
std::optional<FileNameCandidate> file_name_at(ByteView bytes, std::uint64_t offset, std::uint64_t live_end = 0) noexcept;

// Hands out candidates of at least the threshold whose names lie in [begin, end), in order, not overlapping. `begin` is where slack begins:
// a structure whose head the live bytes before it cover (up to the second time) is found too, its offset is then below `begin`. NTFS aligns
// the structure to 8 bytes, counted from the start of the record or block: give whole records or blocks and the part to scan.
class FileNameScan {
 public:
  FileNameScan(ByteView bytes, std::uint64_t begin, std::uint64_t end) noexcept;
  bool next(FileNameCandidate& out) noexcept;

 private:
  ByteView bytes_;
  std::uint64_t offset_, live_end_;
};

// A directory's remains often keep the 16-byte index entry header in front of the $FILE_NAME at `offset`: the child's file reference when
// the header's lengths agree with the name, else nothing.
std::optional<FileReference> reference_before_file_name(ByteView bytes, const FileNameCandidate& candidate) noexcept;

}  // namespace trimcarve::ntfs
