// Names are any 16-bit units. Inside the library they are UTF-16 strings; outside they are UTF-8 in which an unpaired surrogate is written
// as the six characters \udXXX, so nothing is lost and nothing invalid is printed.
#pragma once

#include <string>
#include <string_view>

namespace trimcarve {

std::string to_utf8(std::u16string_view units);
bool well_formed(std::u16string_view units) noexcept;
// The exact units as lower-case hex of their little-endian bytes.
std::string to_hex_units(std::u16string_view units);
// UTF-8 to UTF-16; malformed bytes become U+FFFD. For the examiner's own words (command line), never for evidence.
std::u16string to_utf16(std::string_view utf8);
// For terminals: C0, C1, U+2028/9 and bidirectional controls are escaped as \xNN or \uXXXX; the rest is left as it is.
std::string for_terminal(std::string_view utf8);

}  // namespace trimcarve
