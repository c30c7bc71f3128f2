#include "report/json_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t buffer_limit = 1 << 16;

constexpr unsigned char byte(std::string_view text, std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; }

// The length in bytes of a character at `at` that can deceive a terminal, and its code point; 0 when it is harmless. The same set as
// for_terminal's; `text` is well-formed.
std::size_t deceptive(std::string_view text, std::size_t at, unsigned& code) {
  const unsigned a = byte(text, at), b = byte(text, at + 1), c = byte(text, at + 2);
  if (a == 0x7F) {
    code = 0x7F;
    return 1;
  }
  if (a == 0xC2 && b < 0xA0) {  // C1
    code = b;
    return 2;
  }
  if (a == 0xD8 && b == 0x9C) {  // ARABIC LETTER MARK
    code = 0x61C;
    return 2;
  }
  if (a != 0xE2) return 0;
  code = 0x2000U | ((b & 0x3FU) << 6) | (c & 0x3FU);
  const bool hit = code == 0x200E || code == 0x200F || code == 0x2028 || code == 0x2029 || (code >= 0x202A && code <= 0x202E) ||
                   (code >= 0x2066 && code <= 0x2069);
  return hit ? 3 : 0;
}

// Bytes that stand for themselves whatever stands beside them.
constexpr auto is_plain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

void append_string(std::string& out, std::string_view text) {
  std::string repaired;
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    repaired = to_utf8(to_utf16(text));
    text = repaired;
  }
  out.push_back('"');
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto u = static_cast<unsigned char>(text[at]);
    if (is_plain[u]) {
      ++at;
      continue;
    }
    unsigned code = 0;
    std::size_t length = 1;
    const char c = text[at];
    if (u >= 0x7F && (length = deceptive(text, at, code)) == 0) {
      ++at;
      continue;
    }
    out.append(text, done, at - done);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += fmt::format("\\u{:04x}", u < 0x20 ? u : code);
    }
    at += length;
    done = at;
  }
  out.append(text, done);
  out.push_back('"');
}

}  // namespace

JsonWriter::JsonWriter(Sink sink) : sink_(std::move(sink)) { buffer_.reserve(buffer_limit + 4096); }

void JsonWriter::separate() {
  if (comma_) buffer_.push_back(',');
  if (break_) buffer_.push_back('\n');
  comma_ = break_ = false;
  if (buffer_.size() >= buffer_limit) flush();
}

void JsonWriter::begin_object() {
  separate();
  buffer_.push_back('{');
}
void JsonWriter::end_object() {
  if (std::exchange(break_, false)) buffer_.push_back('\n');
  buffer_.push_back('}');
  comma_ = true;
}
void JsonWriter::begin_array() {
  separate();
  buffer_.push_back('[');
}
void JsonWriter::end_array() {
  if (std::exchange(break_, false)) buffer_.push_back('\n');
  buffer_.push_back(']');
  comma_ = true;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  buffer_.push_back('"');
  buffer_ += name;
  buffer_ += "\":";
  return *this;
}

void JsonWriter::value(std::string_view text) {
  separate();
  append_string(buffer_, text);
  comma_ = true;
}
void JsonWriter::value(bool flag) {
  separate();
  buffer_ += flag ? "true" : "false";
  comma_ = true;
}
void JsonWriter::null() {
  separate();
  buffer_ += "null";
  comma_ = true;
}
void JsonWriter::integer(std::int64_t number) {
  separate();
  fmt::format_to(std::back_inserter(buffer_), "{}", number);
  comma_ = true;
}
void JsonWriter::natural(std::uint64_t number) {
  separate();
  fmt::format_to(std::back_inserter(buffer_), "{}", number);
  comma_ = true;
}

void JsonWriter::new_line() { break_ = true; }

void JsonWriter::end_line() {
  buffer_.push_back('\n');
  comma_ = break_ = false;
}

void JsonWriter::flush() {
  sink_(buffer_);
  buffer_.clear();
}

void append_json_string(std::string& out, std::string_view utf8) { append_string(out, utf8); }

std::string json_string(std::string_view utf8) {
  std::string out;
  append_string(out, utf8);
  return out;
}

}  // namespace trimcarve::report
