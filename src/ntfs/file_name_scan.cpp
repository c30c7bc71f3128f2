#include "ntfs/file_name_scan.hpp"

#include <algorithm>
#include <array>

namespace trimcarve::ntfs {

namespace {

// What each part of the structure can earn; together 100.
constexpr int for_name = 35, for_parent = 20, for_times = 20, for_sizes = 15, for_attributes = 10;

// FILE_ATTRIBUTE_* bits that NTFS stores in $FILE_NAME, with its own two for directories and view indexes.
constexpr std::uint32_t known_attributes = 0x305F'FFB7;
constexpr std::uint64_t entry_limit = std::uint64_t{1} << 32, size_limit = std::uint64_t{1} << 50;

// The second half of an index's end entry (16 bytes, or 24 with a child), which often lies over the head of a dead entry's $FILE_NAME.
constexpr std::uint64_t end_entry_tail = 0x0000'0002'0000'0010, end_entry_tail_with_child = 0x0000'0003'0000'0018;

// An end marker whose second half is zero: Windows fills it, other drivers do not.
constexpr std::uint64_t bare_end_marker = 0x0000'0000'FFFF'FFFF;

constexpr bool is_overwriting(std::uint64_t field) noexcept {
  return field == end_marker_over_parent || field == bare_end_marker || field == end_entry_tail || field == end_entry_tail_with_child;
}

bool high_surrogate(char16_t unit) noexcept { return unit >= 0xD800 && unit < 0xDC00; }
bool low_surrogate(char16_t unit) noexcept { return unit >= 0xDC00 && unit < 0xE000; }

// Noncharacters, C1 controls and unpaired surrogates: allowed in a name, but nobody's choice.
bool odd_unit(const Units& name, std::size_t i) noexcept {
  const char16_t unit = name[i];
  if (high_surrogate(unit)) return i + 1 == name.size() || !low_surrogate(name[i + 1]);
  if (low_surrogate(unit)) return i == 0 || !high_surrogate(name[i - 1]);
  return unit >= 0xFFFE || (unit >= 0xFDD0 && unit <= 0xFDEF) || (unit >= 0x7F && unit < 0xA0);
}

int name_score(const Units& name, NameSpace space) noexcept {
  bool forbidden = false, odd = false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char16_t unit = name[i];
    if (unit == 0 || unit == u'/') return 0;  // no name space allows these
    forbidden = forbidden || unit < 0x20 || std::u16string_view(u"\"*:<>?\\|").find(unit) != std::u16string_view::npos;
    odd = odd || odd_unit(name, i);
  }
  if (space == NameSpace::dos) {
    // 8.3: at most twelve units, one dot at most, no blanks and no lower case.
    std::size_t dots = 0;
    bool shaped = name.size() <= 12;
    for (std::size_t i = 0; i < name.size(); ++i) {
      dots += name[i] == u'.' ? 1U : 0U;
      shaped = shaped && name[i] > 0x20 && (name[i] < u'a' || name[i] > u'z');
    }
    if (!shaped || dots > 1) return 0;
  }
  if (forbidden) return space == NameSpace::posix ? 15 : 0;
  // One unit that could stand in a name proves little; the rest of the structure has to speak for it.
  return odd || name.size() == 1 ? 15 : for_name;
}

// Four times set by one clock lie near each other, wherever that clock stood. A lost one is left out.
int times_score(const std::array<std::uint64_t, 4>& times, std::size_t lost) noexcept {
  constexpr std::uint64_t century = 36525ULL * 86400 * ticks_per_second;
  std::uint64_t lowest = ~std::uint64_t{0}, highest = 0;
  unsigned stated = 0;
  for (std::size_t i = lost; i < times.size(); ++i) {
    if (times[i] == 0) continue;
    lowest = std::min(lowest, times[i]);
    highest = std::max(highest, times[i]);
    ++stated;
  }
  if (stated == 0) return 0;
  if ((highest >> 63) != 0) return 0;  // beyond what FILETIME can say
  if (highest - lowest > century) return stated == 4 && lost == 0 ? 5 : 0;
  return for_times * static_cast<int>(stated + 1) / 5;
}

int sizes_score(const FileName& f) noexcept {
  if (f.size >= size_limit || f.allocated_size >= size_limit) return 0;
  int score = f.allocated_size % 8 == 0 ? for_sizes : 5;
  // A stale entry may lag behind, so a size above the allocation costs something and not all.
  if (f.size > f.allocated_size && f.allocated_size != 0) score -= 5;
  return score;
}

}  // namespace

std::optional<FileNameCandidate> file_name_at(ByteView bytes, std::uint64_t offset, std::uint64_t live_end) noexcept {
  if (!fits(bytes, offset, file_name_header_size + 2)) return std::nullopt;
  const auto at = static_cast<std::size_t>(offset);
  if (std::to_integer<unsigned>(bytes[at + 65]) > 3) return std::nullopt;
  if ((le<std::uint32_t>(bytes, offset + 56) & ~known_attributes) != 0) return std::nullopt;
  const auto decoded = decode_file_name(bytes.subspan(at));
  if (!decoded) return std::nullopt;

  FileNameCandidate out;
  out.offset = offset;
  out.file_name = *decoded;
  FileName& f = out.file_name;
  const int name = name_score(f.name, f.name_space);
  if (name == 0) return std::nullopt;

  // How many of the five leading fields (parent, four times) are lost: those that live bytes cover, and those up to the last over which an
  // end marker or an index's end entry lies.
  std::size_t lost = 0;
  for (std::size_t field = 0; field < 5; ++field)
    if (offset + 8 * field < live_end || is_overwriting(le<std::uint64_t>(bytes, offset + 8 * field))) lost = field + 1;
  const std::array<FileTime*, 4> times{&f.times.created, &f.times.modified, &f.times.changed, &f.times.accessed};
  const std::size_t times_lost = lost == 0 ? 0 : lost - 1;
  out.times_lost = static_cast<std::uint8_t>(times_lost);
  for (std::size_t i = 0; i < times_lost; ++i) *times[i] = no_time;
  out.parent_lost = lost != 0 || f.parent.sequence() == 0;

  out.score = name + for_attributes + sizes_score(f) +
              times_score({f.times.created.ticks, f.times.modified.ticks, f.times.changed.ticks, f.times.accessed.ticks}, times_lost);
  // Text in UTF-16 looks like a name with near times, but its "parent" is no entry number: that counts against it.
  if (lost != 0)
    out.score += for_parent / 2;
  else if (f.parent.entry() >= entry_limit)
    out.score -= for_parent;
  else if (f.parent.sequence() != 0)
    out.score += for_parent;
  return out;
}

FileNameScan::FileNameScan(ByteView bytes, std::uint64_t begin, std::uint64_t end) noexcept
    : bytes_(bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(end, bytes.size())))), live_end_(begin) {
  // A $FILE_NAME whose parent and first two times live bytes cover begins three fields earlier.
  begin = (begin + 7) / 8 * 8;
  offset_ = begin - std::min<std::uint64_t>(begin, 24);
}

bool FileNameScan::next(FileNameCandidate& out) noexcept {
  for (; fits(bytes_, offset_, file_name_header_size + 2); offset_ += 8) {
    // Most slack is zero: a length of none or a name space that is none needs no closer look.
    const unsigned length_and_space = le<std::uint16_t>(bytes_, offset_ + 64);
    if ((length_and_space & 0xFF) == 0 || length_and_space >= 0x400) continue;
    const auto found = file_name_at(bytes_, offset_, live_end_);
    if (!found || found->score < file_name_threshold) continue;
    out = *found;
    offset_ += (out.file_name.stored_size() + 7) / 8 * 8;
    return true;
  }
  return false;
}

std::optional<FileReference> reference_before_file_name(ByteView bytes, const FileNameCandidate& candidate) noexcept {
  if (candidate.offset < 16 || !fits(bytes, candidate.offset, candidate.file_name.stored_size())) return std::nullopt;
  const std::uint64_t at = candidate.offset - 16;
  const FileReference reference{le<std::uint64_t>(bytes, at)};
  const std::uint64_t length = le<std::uint16_t>(bytes, at + 8), key_length = le<std::uint16_t>(bytes, at + 10);
  const unsigned flags = le<std::uint16_t>(bytes, at + 12);
  const std::uint64_t expected = (16 + key_length + 7) / 8 * 8 + ((flags & 1U) != 0 ? 8 : 0);
  if (key_length != candidate.file_name.stored_size() || length != expected || flags > 1) return std::nullopt;
  if (reference.sequence() == 0 || reference.entry() >= entry_limit) return std::nullopt;
  return reference;
}

}  // namespace trimcarve::ntfs
