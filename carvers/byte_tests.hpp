// Tests of bytes by the million: what lets most of a disk be passed over before anything is decoded. For free_space and script_text.
//
// Each tells "there may be one" and is never wrong about "there is none"; what is found is then looked at closely. They are compiled twice
// on x86-64, the second time for AVX2, and the processor decides. Pure functions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "trimcarve/bytes.hpp"

namespace trimcarve::carvers {

// Could a record of the change journal begin at a multiple of 8 in `bytes`? By the first 8 bytes of its header (USN_RECORD_V2 to V4):
// a length of 8 to 1,016, a multiple of 8; major version 2 to 4 (6 and 7 pass too), minor version 0. `bytes`: a multiple of 64.
bool may_hold_journal_record(ByteView bytes) noexcept;

// Can a text stand in these 512 bytes? It can where eight that follow each other at a multiple of 8 could be characters below 0x80: as
// bytes, or as UTF-16LE. Each text of 16 characters that are has such.
inline constexpr std::size_t seed_piece = 512;
struct TextSeeds {
  bool bytes = false, units = false;
};
TextSeeds text_seeds(std::span<const std::byte, seed_piece> piece) noexcept;

// The same of one such eight, as they are stored. 0x09 to 0x7F: no such byte carries into the next when 0x77 is added to it, and one above
// is told by itself.
inline bool seed_of_bytes(std::uint64_t w) noexcept { return ((w | ~(w + 0x7777'7777'7777'7777)) & 0x8080'8080'8080'8080) == 0; }
inline bool seed_of_units_at_even(std::uint64_t w) noexcept {
  return ((w & 0xFF80'FF80'FF80'FF80) | (~(w + 0x0077'0077'0077'0077) & 0x0080'0080'0080'0080)) == 0;
}
inline bool seed_of_units_at_odd(std::uint64_t w) noexcept { return seed_of_units_at_even(std::rotr(w, 8)); }

// What a byte is to a text of single bytes.
enum class ByteKind : std::uint8_t { other, letter, sign, line_end, high, none };  // letter: of A-Z and a-z, and blanks
constexpr ByteKind kind_of(std::size_t c) noexcept {
  if (c >= 0x80) return ByteKind::high;
  if (c == '\n') return ByteKind::line_end;
  if (c == '\t' || c == '\r' || c == '\f') return ByteKind::other;
  if (c < 0x20 || c == 0x7F) return ByteKind::none;
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ') return ByteKind::letter;
  const bool of_prose = c == ',' || c == '-' || c == '.' || c == '?';
  return of_prose || (c >= '0' && c <= '9') ? ByteKind::other : ByteKind::sign;
}
inline constexpr auto byte_kinds = [] {
  std::array<ByteKind, 256> out{};
  for (std::size_t c = 0; c < out.size(); ++c) out[c] = kind_of(c);
  return out;
}();
inline ByteKind byte_kind(std::byte b) noexcept { return byte_kinds[std::to_integer<std::size_t>(b)]; }

// How far from its beginning `bytes` is text, exactly, and of what kinds it is: behind the first 128 bytes by what a quarter of it is.
// Signs: those that programs are full of and prose has few of.
struct TextMeasure {
  std::size_t length = 0, letters = 0, signs = 0, line_ends = 0, high = 0;
};
TextMeasure measure_text(ByteView bytes) noexcept;

// For tests, which hold both compilations against the same: whether the wide one is used from now on, where the processor has it. Returns
// whether it is.
bool use_wide_vectors(bool wanted) noexcept;

}  // namespace trimcarve::carvers
