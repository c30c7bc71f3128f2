#include "carvers/content_shape.hpp"

#include <algorithm>

namespace trimcarve::carvers {

namespace {

constexpr std::size_t shortest_text = 8;
// A non-resident attribute that lost its first bytes is 72 bytes and its run list: shorter pieces that are not text prove nothing.
constexpr std::size_t shortest_binary = 96;

constexpr unsigned at(ByteView bytes, std::size_t i) noexcept { return std::to_integer<unsigned>(bytes[i]); }

constexpr bool printable(unsigned c) noexcept { return (c >= 0x20 && c < 0x7F) || c == '\t' || c == '\r' || c == '\n'; }

// At least 19 of 20 bytes are printable ASCII or part of a well-formed UTF-8 sequence.
bool reads_as_utf8(ByteView piece) noexcept {
  std::size_t good = 0, ascii = 0;
  for (std::size_t i = 0; i < piece.size();) {
    const unsigned c = at(piece, i);
    if (printable(c)) {
      ++good, ++ascii, ++i;
      continue;
    }
    const std::size_t more = c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : 0;
    std::size_t have = 0;
    while (have < more && i + 1 + have < piece.size() && (at(piece, i + 1 + have) & 0xC0U) == 0x80U) ++have;
    if (more != 0 && have == more) good += more + 1;
    i += have + 1;
  }
  // Random bytes form short sequences now and then; text of any script has blanks, digits or markup between.
  return good * 20 >= piece.size() * 19 && ascii * 4 >= piece.size();
}

bool reads_as_utf16(ByteView piece, bool odd_unit) noexcept {
  std::size_t good = 0, units = 0;
  for (std::size_t i = odd_unit ? 1 : 0; i + 2 <= piece.size(); i += 2, ++units)
    if (at(piece, i + 1) == 0 && printable(at(piece, i))) ++good;
  return units >= shortest_text && good * 20 >= units * 19;
}

// A run list that shrank leaves the mapping pairs of its former self: they chain from one header byte to the next up to a terminator.
bool reads_as_mapping_pairs(ByteView piece) noexcept {
  for (std::size_t start = 0; start < 17 && start < piece.size(); ++start) {
    std::size_t i = start;
    while (i < piece.size()) {
      const unsigned length = at(piece, i) & 15U, offset = at(piece, i) >> 4;
      if (length == 0 || length > 8 || offset > 8) break;
      i += 1 + length + offset;
    }
    if (i + 8 >= piece.size() || (i - start) * 10 >= piece.size() * 9) return true;
  }
  return false;
}

}  // namespace

ContentShape content_shape(ByteView piece, bool odd_unit) noexcept {
  if (piece.size() >= shortest_text && reads_as_utf8(piece)) return ContentShape::text;
  if (piece.size() >= 2 * shortest_text && reads_as_utf16(piece, odd_unit)) return ContentShape::text;
  if (piece.size() < shortest_binary) return ContentShape::none;
  const auto zeros = static_cast<std::size_t>(std::ranges::count(piece, std::byte{0}));
  if (zeros * 2 > piece.size() || reads_as_mapping_pairs(piece)) return ContentShape::none;
  return ContentShape::binary;
}

}  // namespace trimcarve::carvers
