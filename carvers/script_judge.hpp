// What language a text is in, `grain` by `grain`, by the rules of script_rules: where enough of the lines are that language's, or where
// something stands that only it has. For script_text only.
#pragma once

#if TRIMCARVE_HYPERSCAN

#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "carvers/byte_tests.hpp"
#include "carvers/script_engine.hpp"
#include "carvers/script_lines.hpp"

namespace trimcarve::carvers {

inline constexpr std::size_t shortest_text = 48;  // characters; less says too little, but for what nothing else has
inline constexpr std::size_t shortest_alone = 16;

// Programs and tables are full of signs, prose has few.
inline bool has_signs(const TextMeasure& text) noexcept { return text.signs * 100 >= text.length * 2; }

class ScriptJudge {
 public:
  // `grain_at`: how far the beginning of what lines count their places from lies behind a multiple of `grain`.
  ScriptJudge(const ScriptEngine& engine, Scratch& scratch, std::size_t grain, std::size_t grain_at,
              const std::function<void(const TextFragment&)>& sink)
      : engine_(engine), scratch_(scratch), grain_(grain), grain_at_(grain_at), sink_(sink) {}

  // Emits what is a script, or a document or a log of the extension's. Text stored as it is, at `stored`; and text read already. `signs`:
  // what ScriptEngine::signs found in it, or `alone`.
  void stored(std::string_view text, std::size_t stored, const std::vector<RuleHit>& signs);
  void read(const TextLines& lines, TextEncoding encoding, const std::vector<RuleHit>& signs);

 private:
  // What is known of some lines: how many are a language's own, by which rules.
  struct Verdict {
    Language language = Language::powershell;
    std::uint32_t lines = 0, matched = 0;
    bool alone = false, firm = false;
    std::uint64_t rules = 0;
  };
  // Lines that begin in the same grain of the source.
  struct Grain {
    std::size_t begin = 0, end = 0;  // of the lines
    std::uint32_t full = 0;          // lines that are not blank
    std::array<std::uint32_t, script_language_count> signs{};
    std::array<bool, script_language_count> alone{};
    bool judged = false;  // `verdict` says something
    Verdict verdict;
  };

  bool promising(std::string_view text, std::size_t stored, const std::vector<RuleHit>& signs) const;
  void divide(const TextLines& lines);
  bool place_signs(const TextLines& lines, const std::vector<RuleHit>& signs);
  void hold_against(std::size_t language, const TextLines& lines);
  std::optional<Verdict> verdict(const TextLines& lines, std::size_t first, std::size_t end, std::size_t first_language,
                                 std::size_t end_language) const;
  void emit(const TextLines& lines, std::size_t first, std::size_t end, const Verdict& verdict, TextEncoding encoding);
  void emit_scripts(const TextLines& lines, TextEncoding encoding);
  static bool goes_on(const TextLines& lines, const Grain& grain, Language language);
  static bool weakly(const Verdict& v, std::uint32_t strong, std::uint32_t foreign);
  static bool firmly(const Verdict& v, std::uint32_t strong, std::size_t length);

  const ScriptEngine& engine_;
  Scratch& scratch_;
  std::size_t grain_, grain_at_;
  const std::function<void(const TextFragment&)>& sink_;
  TextLines lines_;                     // of stored text
  std::vector<RuleHit> hits_;           // of a language's rules
  std::vector<std::uint64_t> matches_;  // of each line: its rules
  std::vector<Grain> grains_;
  TextFragment fragment_;
};

}  // namespace trimcarve::carvers

#endif
