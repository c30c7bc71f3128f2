// Any bytes as text. Fragments lie in the window, in order, and windows beside each other never tell the same bytes twice.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "carvers/script_text.hpp"

using namespace trimcarve;

namespace {

const Result<carvers::ScriptText>& scripts() {
  static const auto made = carvers::ScriptText::make();
  return made;
}

}  // namespace

// The rules are compiled when a text is met: once, and not within an input's time.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  constexpr std::string_view text = "$x = Get-Item $env:TEMP\nif ($x -eq $null) {\nWrite-Host $x\n}\n";
  if (scripts()) scripts()->search(std::as_bytes(std::span(text)), 0, text.size(), 0, 4096, 0, [](const carvers::TextFragment&) {});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (!scripts() || size > 65536) return 0;
  const ByteView window = std::as_bytes(std::span(data, size));
  std::size_t low = 0;
  for (std::size_t at = 0; at < size; at += 4096) {
    const std::size_t before = low;
    low = scripts()->search(window, at, at + 4096, low, 1024, 0, [&](const carvers::TextFragment& f) {
      if (f.offset < before || !fits(window, f.offset, f.length) || f.length == 0 || f.rules.empty() || f.lines_matched > f.lines)
        std::abort();
    });
    if (low < before || low > size) std::abort();
  }
  return 0;
}
