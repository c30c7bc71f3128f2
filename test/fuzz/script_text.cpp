// Any bytes as text. Fragments lie in the window, in order, and windows beside each other never tell the same bytes twice.
#include <cstdint>
#include <cstdlib>

#include "carvers/script_text.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto scripts = carvers::ScriptText::make();
  if (!scripts || size > 65536) return 0;
  const ByteView window = std::as_bytes(std::span(data, size));
  std::size_t low = 0;
  for (std::size_t at = 0; at < size; at += 4096) {
    const std::size_t before = low;
    low = scripts->search(window, at, at + 4096, low, 1024, 0, [&](const carvers::TextFragment& f) {
      if (f.offset < before || !fits(window, f.offset, f.length) || f.length == 0 || f.rules.empty() || f.lines_matched > f.lines)
        std::abort();
    });
    if (low < before || low > size) std::abort();
  }
  return 0;
}
