// Any path of 16-bit units, placed in a handler's tree.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "findings/layout.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::u16string path(size / 2, u'\0');
  std::memcpy(path.data(), data, path.size() * 2);
  for (const char16_t* base : {u"", u"\\Packages\\Plugins\\h\\1.2\\", u"\u2026\\"})
    for (const bool directory : {false, true}) (void)trimcarve::findings::place(base + path, directory);
  return 0;
}
