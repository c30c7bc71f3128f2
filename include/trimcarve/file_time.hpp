// FILETIME: 100 ns units since 1601-01-01 00:00:00 UTC, as NTFS stores it. Source: Windows' FILETIME documentation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trimcarve {

struct FileTime {
  std::uint64_t ticks = 0;
  friend auto operator<=>(const FileTime&, const FileTime&) = default;
};
inline constexpr FileTime no_time{0};
inline constexpr std::uint64_t ticks_per_second = 10'000'000;
inline constexpr std::uint64_t unix_epoch_ticks = 116'444'736'000'000'000;

// `2026-11-24T08:01:02.1234567Z`; years above 9999 are printed with as many digits as they need. Never fails.
std::string to_iso8601(FileTime time);

// Reads `YYYY-MM-DDTHH:MM:SS[.fraction]Z` (also with a blank for T); nothing when the text is not one or is before 1601.
std::optional<FileTime> from_iso8601(std::string_view text);

// The four times that $STANDARD_INFORMATION and $FILE_NAME carry, in their on-disk order.
struct TimeSet {
  FileTime created, modified, changed, accessed;  // changed: the record itself ("MFT modified")
  friend bool operator==(const TimeSet&, const TimeSet&) = default;
};

}  // namespace trimcarve
