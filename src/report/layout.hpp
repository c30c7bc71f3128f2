// Text in columns for a terminal of any width. All text given is already safe for a terminal (for_terminal).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trimcarve/examination.hpp"
#include "trimcarve/file_time.hpp"

namespace trimcarve::report {

// How many columns a terminal uses for it: East Asian wide characters and emoji count two, combining marks none.
std::size_t columns(std::string_view utf8);

// Cut to `width` columns, with … in place of what is missing; `cut_middle` keeps both ends (paths).
std::string fitted(std::string_view utf8, std::size_t width, bool cut_middle = false);
std::string padded(std::string_view utf8, std::size_t width);       // on the right
std::string padded_left(std::string_view utf8, std::size_t width);  // on the left: numbers

// Broken at blanks into lines of at most `width` columns; later lines begin with `indent` blanks. A longer word is broken where it must be.
// Ends without a line break.
std::string wrapped(std::string_view utf8, std::size_t width, std::size_t indent);

std::string with_commas(std::uint64_t number);
std::string bytes_for_people(std::uint64_t bytes);   // 127.0 GiB
std::string seconds_of(FileTime time);               // 2026-11-03 10:02:11: cut to the second, for tables
std::string blocks_text(const BlockCounts& blocks);  // 63 of 2.0 MiB: 12 present, 51 not present

}  // namespace trimcarve::report
