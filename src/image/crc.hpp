// The two cyclic redundancy checks of disk formats, reflected, initial value and final XOR all ones: CRC-32 (GPT; IEEE 802.3) and CRC-32C
// (VHDX; Castagnoli). Pure.
#pragma once

#include <array>
#include <cstdint>

#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace detail {
template <std::uint32_t Polynomial>
constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) != 0 ? Polynomial : 0U);
    table[i] = value;
  }
  return table;
}

// `before`: the check of the bytes in front, 0 when there are none.
template <std::uint32_t Polynomial>
std::uint32_t crc(ByteView bytes, std::uint32_t before) noexcept {
  static constexpr auto table = crc_table<Polynomial>();
  std::uint32_t value = ~before;
  for (const std::byte b : bytes) value = (value >> 8) ^ table[(value ^ static_cast<std::uint32_t>(b)) & 0xFFU];
  return ~value;
}
}  // namespace detail

inline std::uint32_t crc32(ByteView bytes) noexcept { return detail::crc<0xEDB88320U>(bytes, 0); }
inline std::uint32_t crc32c(ByteView bytes, std::uint32_t before = 0) noexcept { return detail::crc<0x82F63B78U>(bytes, before); }

}  // namespace trimcarve::image
