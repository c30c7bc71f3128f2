#include "image/guid.hpp"

#include <array>

namespace trimcarve::image {

std::string guid_text(ByteView bytes, GuidOrder order) {
  static constexpr std::array<std::size_t, 16> little{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const auto b = static_cast<unsigned>(bytes[order == GuidOrder::little ? little[i] : i]);
    text += digits[b >> 4];
    text += digits[b & 15U];
  }
  return text;
}

}  // namespace trimcarve::image
