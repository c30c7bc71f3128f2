#include "carvers/script_lines.hpp"

#include <algorithm>

#include "carvers/script_text.hpp"

namespace trimcarve::carvers {

namespace {

// Latin, Greek, Cyrillic and general punctuation: what scripts on Windows are written in. More would let any noise through.
bool is_text(char16_t c) noexcept {
  return (c >= 0x20 && c < 0x7F) || c == u'\t' || c == u'\n' || c == u'\r' || (c >= 0xA0 && c < 0x0530) || (c >= 0x2010 && c < 0x2050);
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

}  // namespace

TextRun run_of_bytes(ByteView window, std::size_t at, std::size_t low, TextMeasure& measure) {
  TextRun run{at, at};
  while (run.begin > low && at - run.begin < ScriptText::longest && byte_kind(window[run.begin - 1]) != ByteKind::none) --run.begin;
  measure = measure_text(window.subspan(run.begin, std::min(window.size() - run.begin, ScriptText::longest)));
  run.end = run.begin + measure.length;
  return run;
}

char16_t unit_at(ByteView window, std::size_t at) { return le<std::uint16_t>(window, at); }

TextRun run_of_units(ByteView window, std::size_t at, std::size_t low) {
  TextRun run{at, at};
  while (run.begin >= low + 2 && at - run.begin < ScriptText::longest && is_text(unit_at(window, run.begin - 2))) run.begin -= 2;
  const std::size_t stop = std::min(window.size(), run.begin + ScriptText::longest);
  while (run.end + 2 <= stop && is_text(unit_at(window, run.end))) run.end += 2;
  return run;
}

bool reads_as_text(std::string_view text, const TextMeasure& measure) {
  if (measure.letters * 4 < text.size()) return false;
  if (measure.high * 20 <= text.size()) return true;
  std::size_t loose = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    bool whole = length != 0 && i + length <= text.size();
    for (std::size_t k = 1; whole && k < length; ++k) whole = (static_cast<unsigned char>(text[i + k]) & 0xC0) == 0x80;
    loose += whole ? 0 : 1;
    i += whole ? length : 1;
  }
  return loose * 20 <= text.size();
}

void TextLines::start(std::size_t stored) {
  text.clear();
  lines.clear();
  lines.push_back({0, 0, stored, stored, true});
}

void TextLines::add(char32_t c, std::size_t stored_end) {
  append_utf8(text, c);
  took(c, stored_end);
}

void TextLines::add_byte(char c, std::size_t stored_end) {
  text += c;
  took(static_cast<unsigned char>(c), stored_end);
}

void TextLines::add_stored(std::string_view bytes, std::size_t stored) {
  const std::size_t shift = text.size();
  text += bytes;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = bytes.find('\n', at), next = end == std::string_view::npos ? bytes.size() : end + 1;
    const std::string_view line = bytes.substr(at, (end == std::string_view::npos ? bytes.size() : end) - at);
    lines.back().blank = lines.back().blank && line.find_first_not_of(" \t\r\f") == std::string_view::npos;
    lines.back().until = stored + next;
    if (end != std::string_view::npos) {
      lines.back().end = shift + end;
      lines.push_back({shift + next, shift + next, stored + next, stored + next, true});
    }
    at = next;
  }
}

void TextLines::finish() {
  lines.back().end = text.size();
  if (lines.size() > 1 && lines.back().begin == text.size()) lines.pop_back();
}

void TextLines::took(char32_t c, std::size_t stored_end) {
  lines.back().until = stored_end;
  if (c == U'\n') {
    lines.back().end = text.size() - 1;
    lines.push_back({text.size(), text.size(), stored_end, stored_end, true});
  } else if (c != U' ' && c != U'\t' && c != U'\r' && c != U'\f') {
    lines.back().blank = false;
  }
}

}  // namespace trimcarve::carvers
