// Text of witnesses as UTF-8 that may be handed on, whatever bytes it came as.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/file_time.hpp"

namespace trimcarve::witness {

// Malformed bytes are written as the six characters \udcNN (as an unpaired surrogate is elsewhere; NN the byte): nothing is lost, nothing
// invalid is handed on. Well-formed text comes back as it is.
std::string to_clean_utf8(std::string_view bytes);

// UTF-16LE to UTF-8; an odd byte at the end is left out.
std::string from_utf16le(std::string_view bytes);

// ASCII only; the rest is compared as it is.
char lower(char c) noexcept;
bool same_word(std::string_view a, std::string_view b) noexcept;                                     // without case
std::size_t find_word(std::string_view text, std::string_view part, std::size_t from = 0) noexcept;  // `part` in lower case; npos
bool contains(std::string_view text, std::string_view part) noexcept;                                // `part` in lower case
std::string_view trim(std::string_view text) noexcept;                                               // blanks, tabs, line ends

// The last component of a path of either kind.
std::string_view file_name_of(std::string_view path) noexcept;

// The small files of the agents: one document of text.
struct Document {
  std::string text;           // UTF-8 without byte order mark, not cleaned (see to_clean_utf8), without the NULs at its end
  std::uint64_t text_at = 0;  // where its first byte lies in the file
  bool same_bytes = true;     // false: it was UTF-16, so offsets in `text` are not the file's
  std::uint64_t used = 0;     // bytes of the file up to the end of the text
  bool cut = false;           // longer than most_text, or a part could not be read
};
Document read_document(const ByteSource& file);

// What most dates in these files look like: ISO 8601 with Z; an offset (+02:00) is applied; without either it is taken for UTC and
// `zone_stated` is false. Nothing for what is no date.
struct StatedTime {
  FileTime time;
  bool zone_stated = true;
};
std::optional<StatedTime> read_iso_time(std::string_view text);

}  // namespace trimcarve::witness
