// Text as script_text judges it: where a run of it ends, and its lines, decoded, with where each lies. For the script_text carver only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "carvers/byte_tests.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::carvers {

struct TextRun {
  std::size_t begin = 0, end = 0;
};

// The run of text around `at`, not before `low` and no longer than ScriptText::longest; `measure`: of all of it.
TextRun run_of_bytes(ByteView window, std::size_t at, std::size_t low, TextMeasure& measure);
// Of UTF-16LE. `at`: behind a whole unit, so of the text's own parity.
TextRun run_of_units(ByteView window, std::size_t at, std::size_t low);
char16_t unit_at(ByteView window, std::size_t at);

// High bytes that are no UTF-8 are a code page's letters; when there are many of them it is no text.
bool reads_as_text(std::string_view text, const TextMeasure& measure);

// Decoded text, and where each of its lines lies in the window.
struct TextLines {
  struct Line {
    std::size_t begin = 0, end = 0;   // in `text`, without the line end
    std::size_t from = 0, until = 0;  // in the window, line end included
    bool blank = true;
  };
  std::string text;
  std::vector<Line> lines;

  // `stored`: where in the window the next character begins.
  void start(std::size_t stored);
  void add(char32_t c, std::size_t stored_end);
  void add_byte(char c, std::size_t stored_end);
  // Bytes that are stored as they are, from `stored` on.
  void add_stored(std::string_view bytes, std::size_t stored);
  void finish();

 private:
  void took(char32_t c, std::size_t stored_end);
};

}  // namespace trimcarve::carvers
