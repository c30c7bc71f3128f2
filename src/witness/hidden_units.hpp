// A way around libevtx 20181227 for UTF-16 units that it does not bring through: it decodes a surrogate pair to the code point 0x3FF below
// the right one, makes U+FFFD of a lone surrogate, losing the unit behind it, and ends a string at its first zero. So these are replaced,
// one unit by one, by units of a block that the record does not use, before libevtx reads it, and put back in the text that comes out.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "witness/binary_xml.hpp"

namespace trimcarve::witness {

// Replaces the surrogates in these texts of the chunk, and the zeros that do not end one. Returns the first unit of the block used; 0 when
// there was nothing to replace, or no block is free.
char16_t hide_units(std::span<std::byte> chunk, const std::vector<TextSpan>& texts);

// The text as it was: UTF-8, an unpaired surrogate as to_utf8() writes it.
void restore_units(std::string& text, char16_t block);

}  // namespace trimcarve::witness
