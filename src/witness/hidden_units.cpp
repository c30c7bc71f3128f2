#include "witness/hidden_units.hpp"

#include <algorithm>
#include <array>

#include "trimcarve/text.hpp"

namespace trimcarve::witness {

namespace {

// Stand-ins: first of the block + 0x000 to 0x7FF for the surrogates, + 0x800 for zero.
constexpr char16_t block_size = 0x1000, surrogates = 0x800, zero = 0x800;
constexpr bool is_surrogate(char16_t unit) { return unit >= 0xD800 && unit <= 0xDFFF; }

// Private use first, then what scripts use least.
constexpr std::array<char16_t, 8> blocks{0xE000, 0xA000, 0x1000, 0xB000, 0x8000, 0x7000, 0x6000, 0xC000};

std::uint32_t end_of_text(std::span<const std::byte> chunk, const TextSpan& text) {  // without the zeros that end it
  std::uint32_t end = text.offset + text.size / 2 * 2;
  while (!text.array && end > text.offset && le<std::uint16_t>(chunk, end - 2) == 0) end -= 2;
  return end;
}

}  // namespace

char16_t hide_units(std::span<std::byte> chunk, const std::vector<TextSpan>& texts) {
  bool any = false;
  std::array<bool, 0x10000 / block_size> used{};
  const auto each = [&](const auto& visit) {
    for (const TextSpan& text : texts) {
      const std::uint32_t end = end_of_text(chunk, text);
      for (std::uint32_t at = text.offset; at < end; at += 2) {
        const char16_t unit = le<std::uint16_t>(chunk, at);
        visit(at, unit, is_surrogate(unit) || (unit == 0 && !text.array));
      }
    }
  };
  each([&](std::uint32_t, char16_t unit, bool lost) {
    any = any || lost;
    used[unit / block_size] = true;
  });
  if (!any) return 0;
  const auto block = std::ranges::find_if(blocks, [&](char16_t first) { return !used[first / block_size]; });
  if (block == blocks.end()) return 0;
  each([&](std::uint32_t at, char16_t unit, bool lost) {
    if (!lost) return;
    const auto stand_in = static_cast<char16_t>(*block + (unit == 0 ? zero : unit % surrogates));
    chunk[at] = static_cast<std::byte>(stand_in & 0xFF);
    chunk[at + 1] = static_cast<std::byte>(stand_in >> 8);
  });
  return *block;
}

void restore_units(std::string& text, char16_t block) {
  std::u16string units = to_utf16(text);
  for (char16_t& unit : units) {
    if (unit / block_size != block / block_size) continue;
    const auto place = static_cast<char16_t>(unit % block_size);
    unit = place < surrogates ? static_cast<char16_t>(0xD800 + place) : place == zero ? u'\0' : unit;
  }
  text = to_utf8(units);
}

}  // namespace trimcarve::witness
