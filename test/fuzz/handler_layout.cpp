// Any path of 16-bit units, placed in a handler's tree.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "findings/layout.hpp"

namespace {
bool digits(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using trimcarve::findings::Area;
  std::u16string path(size / 2, u'\0');
  std::memcpy(path.data(), data, path.size() * 2);
  for (const char16_t* base : {u"", u"\\Packages\\Plugins\\h\\1.2\\", u"\u2026\\"})
    for (const bool directory : {false, true}) {
      const auto placed = trimcarve::findings::place(base + path, directory);
      if (!digits(placed.sequence) || !digits(placed.download)) __builtin_trap();
      const bool request = placed.area == Area::settings || placed.area == Area::status;
      if (request == placed.sequence.empty()) __builtin_trap();
      const bool folder = placed.area == Area::handler || placed.area == Area::version;
      if (directory ? request || placed.area == Area::download : folder) __builtin_trap();
    }
  return 0;
}
