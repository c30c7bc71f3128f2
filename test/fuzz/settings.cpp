// The extension's settings and status JSON, whole or in fragments.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "findings/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)trimcarve::findings::read_settings(text);
  (void)trimcarve::findings::read_status(text);
  (void)trimcarve::findings::file_name_of_uri(text);
  return 0;
}
