#include "witness/surrogates.hpp"

#include <algorithm>
#include <array>

#include "trimcarve/text.hpp"

namespace trimcarve::witness {

namespace {

constexpr char16_t block_size = 0x800;  // as many as there are surrogates, U+D800 to U+DFFF
constexpr bool is_surrogate(char16_t unit) { return unit / block_size == 0xD800 / block_size; }

// Private use first, then what scripts use least.
constexpr std::array<char16_t, 8> blocks{0xE000, 0xE800, 0xF000, 0xA000, 0x1000, 0x3800, 0xB800, 0x8800};

}  // namespace

char16_t hide_surrogates(std::span<std::byte> chunk, const std::vector<TextSpan>& texts) {
  bool any = false;
  std::array<bool, 0x10000 / block_size> used{};
  const auto each = [&](auto&& visit) {
    for (const TextSpan& text : texts)
      for (std::size_t at = text.offset; at + 2 <= std::size_t{text.offset} + text.size; at += 2) visit(at, le<std::uint16_t>(chunk, at));
  };
  each([&](std::size_t, char16_t unit) {
    any = any || is_surrogate(unit);
    used[unit / block_size] = true;
  });
  if (!any) return 0;
  const auto block = std::ranges::find_if(blocks, [&](char16_t first) { return !used[first / block_size]; });
  if (block == blocks.end()) return 0;
  each([&](std::size_t at, char16_t unit) {
    if (!is_surrogate(unit)) return;
    const auto stand_in = static_cast<char16_t>(*block + unit % block_size);
    chunk[at] = static_cast<std::byte>(stand_in & 0xFF);
    chunk[at + 1] = static_cast<std::byte>(stand_in >> 8);
  });
  return *block;
}

void restore_surrogates(std::string& text, char16_t block) {
  std::u16string units = to_utf16(text);
  for (char16_t& unit : units)
    if (unit / block_size == block / block_size) unit = static_cast<char16_t>(0xD800 + unit % block_size);
  text = to_utf8(units);
}

}  // namespace trimcarve::witness
