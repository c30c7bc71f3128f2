// A text file of any size as lines, in bounded memory: UTF-8 with or without byte order mark, UTF-16LE.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "carvers/carver.hpp"
#include "trimcarve/byte_source.hpp"

namespace trimcarve::witness {

struct Line {
  std::string_view text;                 // without line end; UTF-8, not cleaned; valid during the call
  std::uint64_t offset = 0, length = 0;  // bytes in the file, line end included
  bool headless = false;                 // bytes before it are missing: its beginning may be
  bool cut = false;                      // its end is missing, or it is longer than most_text
};

// Calls on_line for each line, in order, and on_gap between lines where zeros (16 or more), unreadable bytes or the rest of an overlong
// line were left out; these are added to `gaps`.
void read_lines(const ByteSource& file, carvers::GapList& gaps, const std::function<void(const Line&)>& on_line,
                const std::function<void()>& on_gap);

}  // namespace trimcarve::witness
