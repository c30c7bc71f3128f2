// What every statement of a witness must hold to, whatever its bytes.
#pragma once

#include <string>

#include "trimcarve/bytes.hpp"
#include "trimcarve/statement.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::fuzz {

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

inline void check_text(const std::string& text) { require(to_utf8(to_utf16(text)) == text); }

inline void check_statement(const Statement& s, std::uint64_t file_size) {
  require(fits(file_size, s.offset, s.length));
  for (const std::string* text : {&s.time_text, &s.event, &s.text, &s.handler, &s.version, &s.sequence, &s.settings, &s.command, &s.path,
                                  &s.process, &s.process_id, &s.status, &s.output, &s.error_output})
    check_text(*text);
  for (const auto& [name, value] : s.fields) {
    check_text(name);
    check_text(value);
  }
}

}  // namespace trimcarve::fuzz
