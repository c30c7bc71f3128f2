#include "image/bitlocker.hpp"

#include <optional>

namespace trimcarve::image {

namespace {

// The eight groups of six digits that begin here, each the 16 bits of a key times 11.
std::optional<std::string> password_at(std::string_view text) {
  constexpr std::size_t length = 8 * 6 + 7;
  if (text.size() < length) return std::nullopt;
  for (std::size_t group = 0; group < 8; ++group) {
    unsigned value = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      const char c = text[group * 7 + i];
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (value % 11 != 0 || value / 11 > 0xFFFF || (group < 7 && text[group * 7 + 6] != '-')) return std::nullopt;
  }
  return std::string(text.substr(0, length));
}

}  // namespace

std::string find_recovery_password(ByteView bytes) {
  // Digits and hyphens are the same in UTF-8 and, but for the zero bytes between, in UTF-16 of either order.
  std::string text;
  for (const std::byte b : bytes)
    if (b != std::byte{0}) text += static_cast<char>(b);
  for (std::size_t at = 0; at < text.size(); ++at)
    if (auto found = password_at(std::string_view(text).substr(at))) return *std::move(found);
  return {};
}

#if !TRIMCARVE_BDE
Result<BitlockerVolume> unlock_bitlocker(const SourcePtr&, const BitlockerKeys&) {
  return fail("this trimcarve was built without libbde (Debian: libbde-dev); build it with that, or give the decrypted volume");
}
#endif

}  // namespace trimcarve::image
