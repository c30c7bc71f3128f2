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

template <std::uint32_t Polynomial>
std::uint32_t crc(ByteView bytes) noexcept {
  static constexpr auto table = crc_table<Polynomial>();
  std::uint32_t value = ~0U;
  for (const std::byte b : bytes) value = (value >> 8) ^ table[(value ^ static_cast<std::uint32_t>(b)) & 0xFFU];
  return ~value;
}
}  // namespace detail

inline std::uint32_t crc32(ByteView bytes) noexcept { return detail::crc<0xEDB88320U>(bytes); }
inline std::uint32_t crc32c(ByteView bytes) noexcept { return detail::crc<0x82F63B78U>(bytes); }

}  // namespace trimcarve::image
