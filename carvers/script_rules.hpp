// The words that scripts and the extension's documents have, and the rules by which a line is one of theirs. For script_text only.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "carvers/script_text.hpp"

namespace trimcarve::carvers {

// Looked for in all bytes, without case, as they are and as UTF-16LE. Four bytes or more: shorter ones stand in any noise.
struct ScriptWord {
  std::string_view text;
  bool alone = false;  // it may stand in a text of a line or two that is worth telling; the others need lines around them
};
std::span<const ScriptWord> script_words() noexcept;

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

}  // namespace trimcarve::carvers
