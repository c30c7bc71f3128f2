// JSON text, written as it is made: nothing is kept but a small buffer, so a document of any length costs no memory.
//
// Strings are made valid UTF-8 (a malformed byte becomes U+FFFD), and what can deceive a terminal (C0, C1, bidirectional controls, line
// separators) is always written as \uXXXX: the same JSON value, harmless on a screen.
// The caller keeps the grammar: one value after each key, begin and end in pairs.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace trimcarve::report {

// Takes text in order. Throws RunError{output} when it cannot be written.
using Sink = std::function<void(std::string_view)>;

class JsonWriter {
 public:
  explicit JsonWriter(Sink sink);

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  JsonWriter& key(std::string_view name);  // names are our own and need no escaping

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(bool flag);
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  void value(T number) {
    if constexpr (std::signed_integral<T>)
      integer(static_cast<std::int64_t>(number));
    else
      natural(static_cast<std::uint64_t>(number));
  }
  void null();

  // A line break between values (elements of a long array stand one a line); after a top-level value, the end of a JSON line.
  void new_line();
  void end_line();
  void flush();

 private:
  void separate();
  void integer(std::int64_t number);
  void natural(std::uint64_t number);

  Sink sink_;
  std::string buffer_;
  bool comma_ = false;  // the next value or key needs one before it
  bool break_ = false;  // and a line break after that
};

// The text as a JSON string, quotes included.
std::string json_string(std::string_view utf8);
void append_json_string(std::string& out, std::string_view utf8);

}  // namespace trimcarve::report
