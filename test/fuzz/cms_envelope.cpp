// protectedSettings: the input as base64 text, and as what base64 stands for.
#include <string_view>

#include "trimcarve/text.hpp"
#include "witness/cms.hpp"

namespace {

void check(std::string_view text, std::size_t most) {
  const auto envelope = trimcarve::witness::read_envelope(text);
  if (!envelope) return;
  const auto require = [](bool holds) {
    if (!holds) __builtin_trap();
  };
  require(envelope->der.size() <= most);
  require(envelope->cut || envelope->content_length <= envelope->der.size());
  for (const auto& r : envelope->recipients)
    for (const std::string& part : {r.issuer, r.serial, r.key_id, r.key_algorithm})
      require(trimcarve::to_utf8(trimcarve::to_utf16(part)) == part);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check({reinterpret_cast<const char*>(data), size}, size);
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i + 2 < size; i += 3) {
    const std::uint32_t bits = (std::uint32_t{data[i]} << 16) | (std::uint32_t{data[i + 1]} << 8) | data[i + 2];
    for (const unsigned shift : {18U, 12U, 6U, 0U}) text.push_back(digits[(bits >> shift) & 63U]);
  }
  check(text, size);
  return 0;
}
