// The rules by which a line is one of a language's, and the signs by which a text may hold such lines at all. For script_text only.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "carvers/script_text.hpp"

namespace trimcarve::carvers {

enum class RuleWeight : std::uint8_t {
  line,     // such lines are common in that language, and may stand elsewhere
  strong,   // hardly ever stands elsewhere
  alone,    // nothing else has it: it is enough by itself
  comment,  // says nothing of the language; the line does not count
  foreign,  // a line of another language that looks alike: counts against
};

struct ScriptRule {
  Language language;
  RuleWeight weight;
  std::string_view name;
  const char* pattern;  // Hyperscan's syntax (PCRE's without back references); ^ and $ are those of lines
  bool any_case = false;
};
std::span<const ScriptRule> script_rules() noexcept;

// Where a text is a language's, signs of it stand: the cores of its `strong` rules, without what is dear to look for (the beginning of a
// line, a name of any length). They stand elsewhere too. A text is held against a language's rules only where it has signs enough of it.
struct ScriptSign {
  Language language;
  const char* pattern;
  bool any_case = false;
};
std::span<const ScriptSign> script_signs() noexcept;

}  // namespace trimcarve::carvers
