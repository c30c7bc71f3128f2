#include "trimcarve/text.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace trimcarve {

namespace {

constexpr bool is_high(char16_t c) { return c >= 0xD800 && c <= 0xDBFF; }
constexpr bool is_low(char16_t c) { return c >= 0xDC00 && c <= 0xDFFF; }

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

// One code point of UTF-8 at `at`, advancing it; U+FFFD for a malformed byte (which is then skipped alone).
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at++);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xC2 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2 : lead >= 0xF0 && lead < 0xF5 ? 3 : 0;
  if (more == 0) return 0xFFFD;
  char32_t c = lead & (0x3FU >> more);
  std::size_t probe = at;
  for (int i = 0; i < more; ++i, ++probe) {
    if (probe >= text.size() || (byte(probe) & 0xC0) != 0x80) return 0xFFFD;
    c = (c << 6) | (byte(probe) & 0x3FU);
  }
  if ((more == 2 && c < 0x800) || (more == 3 && (c < 0x10000 || c > 0x10FFFF)) || (c >= 0xD800 && c <= 0xDFFF)) return 0xFFFD;
  at = probe;
  return c;
}

bool spoofs_a_terminal(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0x200E || c == 0x200F || c == 0x061C ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string to_utf8(std::u16string_view units) {
  std::string out;
  out.reserve(units.size());
  std::size_t ascii = 0;
  while (ascii < units.size() && units[ascii] < 0x80) ++ascii;
  out.assign(units.begin(), units.begin() + static_cast<std::ptrdiff_t>(ascii));
  for (std::size_t i = ascii; i < units.size(); ++i) {
    const char16_t c = units[i];
    if (is_high(c) && i + 1 < units.size() && is_low(units[i + 1])) {
      append_utf8(out, 0x10000 + ((static_cast<char32_t>(c) - 0xD800) << 10) + (units[i + 1] - 0xDC00U));
      ++i;
    } else if (is_high(c) || is_low(c)) {
      out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
    } else {
      append_utf8(out, c);
    }
  }
  return out;
}

bool well_formed(std::u16string_view units) noexcept {
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (is_high(units[i]) && i + 1 < units.size() && is_low(units[i + 1]))
      ++i;
    else if (is_high(units[i]) || is_low(units[i]))
      return false;
  }
  return true;
}

std::string to_hex_units(std::u16string_view units) {
  std::string out;
  out.reserve(units.size() * 4);
  for (const char16_t c : units) out += fmt::format("{:02x}{:02x}", static_cast<unsigned>(c) & 0xFF, static_cast<unsigned>(c) >> 8);
  return out;
}

std::u16string to_utf16(std::string_view utf8) {
  std::u16string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t c = next_code_point(utf8, at);
    if (c < 0x10000) {
      out.push_back(static_cast<char16_t>(c));
    } else {
      out.push_back(static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF)));
    }
  }
  return out;
}

std::string for_terminal(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(utf8, at);
    if (c == 0xFFFD && at == begin + 1)
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(utf8[begin])));
    else if (spoofs_a_terminal(c))
      out += c < 0x100 ? fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c)) : fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
    else
      out.append(utf8.substr(begin, at - begin));
  }
  return out;
}

}  // namespace trimcarve
