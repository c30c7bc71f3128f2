// Fragments of scripts, and of the extension's own JSON and log lines, in bytes that belong to nobody.
//
// What may be text is found first (as single bytes and as UTF-16LE), each text taken as far as it is one, and looked through once, by
// Hyperscan, for signs of the languages. Where there are enough of a language's, the lines are held against its rules, `grain` by `grain`:
// a fragment is where enough of the lines are that language's, or where something stands that only it has. So a page that mentions a
// command is no script, and a binary that holds a word is none either. Text in a JSON string is read without its escapes.
//
// Immutable once made; search() may be called from many threads. Source of the rules: the languages' own references, and `domain.md` for
// the extension's documents.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trimcarve/bytes.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::carvers {

enum class Language : std::uint8_t {
  powershell,
  batch,
  vbscript,
  python,
  shell,
  settings,   // a request's settings: runtimeSettings, protectedSettings
  status,     // an extension's status, or an aggregate of them
  agent_log,  // lines of the guest agent's or a handler's log
};
inline constexpr std::size_t language_count = 8;
std::string_view to_string(Language language) noexcept;

enum class TextEncoding : std::uint8_t {
  utf8,  // or ASCII, or a code page: single bytes above 0x7F are let through
  utf16le,
  json,  // UTF-8 inside a JSON string, escaped
};
std::string_view to_string(TextEncoding encoding) noexcept;

struct TextFragment {
  std::uint64_t offset = 0, length = 0;  // bytes as they are stored, from the window's beginning
  Language language = Language::powershell;
  TextEncoding encoding = TextEncoding::utf8;
  std::vector<std::string_view> rules;         // why it was taken: those that matched, static storage
  std::uint32_t lines = 0, lines_matched = 0;  // that are not blank
  std::string text;                            // UTF-8, not cleaned; of `json` without the escapes
};

class ScriptText {
 public:
  // Fails when the build has no Hyperscan or the processor is too old for it (SSSE3); the text says which.
  static Result<ScriptText> make();

  // What one text is at most; longer ones come as several fragments that follow each other.
  static constexpr std::size_t longest = std::size_t{256} << 10;

  // Texts that begin in [from, to) of the window, or reach into it from `low` on: what is before `low` was looked at already. They may
  // reach beyond `to`. Returns where the last text ended, not less than `low`: the next search's `low`. `grain_at`: how far the window's
  // first byte lies behind a multiple of `grain`.
  std::size_t search(ByteView window, std::size_t from, std::size_t to, std::size_t low, std::size_t grain, std::size_t grain_at,
                     const std::function<void(const TextFragment&)>& sink) const;

  struct Parts;  // of script_text.cpp

 private:
  explicit ScriptText(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace trimcarve::carvers
