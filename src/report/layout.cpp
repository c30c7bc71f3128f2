#include "report/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace trimcarve::report {

namespace {

// One character of well-formed UTF-8 and its width.
struct Character {
  std::size_t bytes = 1, width = 1;
};

constexpr std::array<std::array<char32_t, 2>, 9> wide{{{0x1100, 0x115F},
                                                       {0x2E80, 0x303E},
                                                       {0x3041, 0xA4CF},
                                                       {0xAC00, 0xD7A3},
                                                       {0xF900, 0xFAFF},
                                                       {0xFE30, 0xFE6F},
                                                       {0xFF00, 0xFF60},
                                                       {0x1F300, 0x1FAFF},
                                                       {0x20000, 0x3FFFD}}};
constexpr std::array<std::array<char32_t, 2>, 7> zero{
    {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}}};

Character next(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  std::size_t bytes = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  bytes = std::clamp<std::size_t>(text.size() - at, 1, bytes);
  char32_t c = bytes == 1 ? lead : lead & (0x3FU >> (bytes - 1));
  for (std::size_t i = 1; i < bytes; ++i) c = (c << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  const auto in = [c](const auto& ranges) { return std::ranges::any_of(ranges, [c](const auto& r) { return c >= r[0] && c <= r[1]; }); };
  return {bytes, in(zero) ? 0U : in(wide) ? 2U : 1U};
}

// The longest beginning of at most `width` columns, in bytes.
std::size_t beginning(std::string_view text, std::size_t width) {
  std::size_t at = 0, used = 0;
  while (at < text.size()) {
    const Character c = next(text, at);
    if (used + c.width > width) break;
    used += c.width;
    at += c.bytes;
  }
  return at;
}

}  // namespace

std::size_t columns(std::string_view utf8) {
  std::size_t total = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const Character c = next(utf8, at);
    total += c.width;
    at += c.bytes;
  }
  return total;
}

std::string fitted(std::string_view utf8, std::size_t width, bool cut_middle) {
  const std::size_t total = columns(utf8);
  if (total <= width) return std::string(utf8);
  if (width == 0) return {};
  const std::size_t tail_width = cut_middle ? (width - 1) * 2 / 3 : 0;
  const std::size_t head = beginning(utf8, width - 1 - tail_width);
  std::string out(utf8.substr(0, head));
  out += "…";
  if (tail_width > 0) {
    std::size_t from = beginning(utf8, total - tail_width);
    // A wide character may lie across the cut: leave it out.
    while (columns(utf8.substr(from)) > tail_width) from += next(utf8, from).bytes;
    out += utf8.substr(from);
  }
  return out;
}

std::string padded(std::string_view utf8, std::size_t width) {
  std::string out(utf8);
  if (const std::size_t used = columns(utf8); used < width) out.append(width - used, ' ');
  return out;
}

std::string padded_left(std::string_view utf8, std::size_t width) {
  const std::size_t used = columns(utf8);
  return std::string(used < width ? width - used : 0, ' ') + std::string(utf8);
}

std::string wrapped(std::string_view utf8, std::size_t width, std::size_t indent) {
  width = std::max<std::size_t>(width, 8);
  std::string out;
  bool first = true;
  while (!utf8.empty()) {
    if (!first) out += "\n" + std::string(indent, ' ');
    first = false;
    std::size_t end = beginning(utf8, width), skip = 0;
    if (end < utf8.size()) {
      if (const auto blank = utf8.substr(0, end + 1).rfind(' '); blank != std::string_view::npos && blank > 0) {
        end = blank;
        skip = 1;
      }
      if (end == 0) end = next(utf8, 0).bytes;  // one character wider than the line
    }
    out += utf8.substr(0, end);
    utf8.remove_prefix(std::min(end + skip, utf8.size()));
  }
  return out;
}

std::string with_commas(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string bytes_for_people(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> units{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string seconds_of(FileTime time) {
  std::string text = to_iso8601(time);
  text.resize(text.find('.'));
  text[text.find('T')] = ' ';
  return text;
}

std::string blocks_text(const BlockCounts& blocks) {
  std::string text =
      fmt::format("{} of {}: {} present", with_commas(blocks.total), bytes_for_people(blocks.block_size), with_commas(blocks.present));
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count > 0) text += fmt::format(", {} {}", with_commas(count), what);
  };
  add(blocks.partially_present, "partially present");
  add(blocks.not_present, "not present");
  add(blocks.undefined, "undefined");
  add(blocks.zero, "zero");
  add(blocks.unmapped, "unmapped");
  add(blocks.unreadable, "unreadable");
  return text;
}

}  // namespace trimcarve::report
