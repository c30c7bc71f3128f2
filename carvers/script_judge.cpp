#include "carvers/script_judge.hpp"

#if TRIMCARVE_HYPERSCAN

#include <algorithm>
#include <bit>

#include "carvers/script_rules.hpp"

namespace trimcarve::carvers {

namespace {

constexpr std::size_t most_between = 4;  // grains of a script that do not look like it
// A sign in so many lines, at least, where a language may be. Less than `firmly` asks for: there comments are no lines.
constexpr std::size_t lines_of_a_sign = 50;

// The rules of a language, each by its bit.
struct RuleSets {
  std::uint64_t own = 0, strong = 0, alone = 0, comment = 0, foreign = 0;  // `strong` holds those that are enough alone, `own` both
};
static_assert(most_rules <= 64);

const std::array<RuleSets, language_count>& rule_sets() {
  static const auto sets = [] {
    std::array<RuleSets, language_count> out;
    const auto rules = script_rules();
    for (std::size_t r = 0; r < rules.size() && r < most_rules; ++r) {
      RuleSets& set = out[static_cast<std::size_t>(rules[r].language)];
      const std::uint64_t bit = std::uint64_t{1} << r;
      switch (rules[r].weight) {
        case RuleWeight::comment: set.comment |= bit; break;
        case RuleWeight::foreign: set.foreign |= bit; break;
        case RuleWeight::alone: set.alone |= bit; [[fallthrough]];
        case RuleWeight::strong: set.strong |= bit; [[fallthrough]];
        case RuleWeight::line: set.own |= bit; break;
      }
    }
    return out;
  }();
  return sets;
}

bool is_document(Language language) noexcept { return language >= Language::settings; }

std::string_view part(const TextLines& lines, std::size_t first, std::size_t end) {
  const std::size_t begin = lines.lines[first].begin;
  return std::string_view(lines.text).substr(begin, (end < lines.lines.size() ? lines.lines[end].begin : lines.text.size()) - begin);
}

// The line in which a match ends: matches come in order, so from the last one on.
std::size_t line_of(const TextLines& lines, std::size_t from, std::size_t end) {
  const std::size_t at = end == 0 ? 0 : end - 1;
  while (from + 1 < lines.lines.size() && lines.lines[from + 1].begin <= at) ++from;
  return from;
}

}  // namespace

void ScriptJudge::stored(std::string_view text, std::size_t stored, const std::vector<RuleHit>& signs) {
  if (!promising(text, stored, signs)) return;
  lines_.start(stored);
  lines_.add_stored(text, stored);
  lines_.finish();
  read(lines_, TextEncoding::utf8, signs);
}

// Before lines are read: is there a grain with signs enough?
bool ScriptJudge::promising(std::string_view text, std::size_t stored, const std::vector<RuleHit>& signs) const {
  std::array<std::size_t, language_count> counts{};
  for (std::size_t i = 0; i < signs.size();) {
    counts.fill(0);
    const std::size_t grain = (stored + signs[i].end - 1 + grain_at_) / grain_;
    for (; i < signs.size() && (stored + signs[i].end - 1 + grain_at_) / grain_ == grain; ++i) {
      if (signs[i].rule != RuleHit::no_rule) return true;
      ++counts[signs[i].sign];
    }
    const std::size_t place = grain * grain_, base = stored + grain_at_, begin = place > base ? place - base : 0;
    const std::string_view lines = text.substr(begin, std::min(place + grain_ - base, text.size()) - begin);
    if (std::ranges::max(counts) * lines_of_a_sign >= measure_text(std::as_bytes(std::span(lines))).line_ends) return true;
  }
  return false;
}

void ScriptJudge::divide(const TextLines& lines) {
  grains_.clear();
  const auto grain_of = [&](const TextLines::Line& line) { return (line.from + grain_at_) / grain_; };
  for (std::size_t i = 0; i < lines.lines.size(); ++i) {
    if (i == 0 || grain_of(lines.lines[i]) != grain_of(lines.lines[i - 1])) grains_.push_back({.begin = i});
    grains_.back().end = i + 1;
    grains_.back().full += lines.lines[i].blank ? 0U : 1U;
  }
}

// True when something of a document stands there.
bool ScriptJudge::place_signs(const TextLines& lines, const std::vector<RuleHit>& signs) {
  bool document = false;
  std::array<std::size_t, script_language_count> last;
  last.fill(lines.lines.size());
  std::size_t line = 0, grain = 0;
  for (const RuleHit& hit : signs) {
    line = line_of(lines, line, hit.end);
    while (grains_[grain].end <= line) ++grain;
    std::size_t language = hit.sign;
    if (hit.rule == RuleHit::no_rule && language >= script_language_count) continue;  // a document quoted in a string
    if (hit.rule != RuleHit::no_rule) {
      matches_[line] |= std::uint64_t{1} << hit.rule;
      language = static_cast<std::size_t>(script_rules()[hit.rule].language);
      if (language >= script_language_count) {
        document = true;
        continue;
      }
      grains_[grain].alone[language] = true;
    }
    // Lines are counted, not signs.
    if (last[language] != line) ++grains_[grain].signs[language];
    last[language] = line;
  }
  return document;
}

// A language's rules over the grains with signs of it; without any a grain is never that language's.
void ScriptJudge::hold_against(std::size_t language, const TextLines& lines) {
  const auto may_be = [&](const Grain& g) { return g.alone[language] || g.signs[language] != 0; };
  const auto may_be_firm = [&](const Grain& g) {
    return g.alone[language] || (g.signs[language] != 0 && g.signs[language] * lines_of_a_sign >= g.full);
  };
  if (std::ranges::none_of(grains_, may_be_firm)) return;
  for (std::size_t g = 0; g < grains_.size();) {
    if (!may_be(grains_[g])) {
      ++g;
      continue;
    }
    const std::size_t first = grains_[g].begin;
    while (g < grains_.size() && may_be(grains_[g])) ++g;
    engine_.scan(static_cast<unsigned>(ScriptEngine::language + language), part(lines, first, grains_[g - 1].end), scratch_, hits_);
    std::size_t line = first;
    for (const RuleHit& hit : hits_) {
      line = line_of(lines, line, lines.lines[first].begin + hit.end);
      matches_[line] |= std::uint64_t{1} << hit.rule;
    }
  }
}

void ScriptJudge::read(const TextLines& lines, TextEncoding encoding, const std::vector<RuleHit>& signs) {
  if (signs.empty()) return;
  matches_.assign(lines.lines.size(), 0);
  divide(lines);
  if (place_signs(lines, signs)) {
    // A document or a log is taken whole.
    const auto whole = verdict(lines, 0, lines.lines.size(), script_language_count, language_count);
    if (whole && whole->firm) return emit(lines, 0, lines.lines.size(), *whole, encoding);
  }
  for (std::size_t l = 0; l < script_language_count; ++l) hold_against(l, lines);
  for (Grain& grain : grains_) {
    const auto first = std::ranges::find_if(grain.signs, [](std::uint32_t n) { return n != 0; });
    if (first == grain.signs.end()) continue;
    const auto last = std::ranges::find_if(grain.signs.rbegin(), grain.signs.rend(), [](std::uint32_t n) { return n != 0; });
    const auto found = verdict(lines, grain.begin, grain.end, static_cast<std::size_t>(first - grain.signs.begin()),
                               static_cast<std::size_t>(last.base() - grain.signs.begin()));
    grain.judged = found.has_value();
    if (found) grain.verdict = *found;
  }
  emit_scripts(lines, encoding);
}

bool ScriptJudge::goes_on(const TextLines& lines, const Grain& grain, Language language) {
  if (grain.judged && grain.verdict.firm && grain.verdict.language != language) return false;
  return has_signs(measure_text(std::as_bytes(std::span(part(lines, grain.begin, grain.end)))));
}

void ScriptJudge::emit_scripts(const TextLines& lines, TextEncoding encoding) {
  std::size_t taken_until = 0;
  // Tables and long comments inside of a script are that script's: what is weak beside what is firm, and a little that is neither
  // between.
  for (std::size_t i = 0; i < grains_.size();) {
    if (!grains_[i].judged || !grains_[i].verdict.firm) {
      ++i;
      continue;
    }
    Verdict whole = grains_[i].verdict;
    const auto same = [&](std::size_t g) { return grains_[g].judged && grains_[g].verdict.language == whole.language; };
    std::size_t first = i, last = i;
    while (first > taken_until && same(first - 1)) --first;
    for (std::size_t g = i + 1; g < grains_.size() && g - last <= most_between + 1; ++g) {
      if (grains_[g].judged && grains_[g].verdict.firm && !same(g)) break;
      if (same(g) && (grains_[g].verdict.firm || g == last + 1)) last = g;
    }
    // Nothing that is no text lies between: what begins as a script is one to its end, unless it turns to prose or to another language.
    if (first == 0)
      while (last + 1 < grains_.size() && goes_on(lines, grains_[last + 1], whole.language)) ++last;
    for (std::size_t g = first; g <= last; ++g) {
      if (g == i || !same(g)) continue;
      whole.rules |= grains_[g].verdict.rules;
      whole.lines += grains_[g].verdict.lines;
      whole.matched += grains_[g].verdict.matched;
    }
    emit(lines, grains_[first].begin, grains_[last].end, whole, encoding);
    taken_until = last + 1;
    i = last + 1;
  }
}

std::optional<ScriptJudge::Verdict> ScriptJudge::verdict(const TextLines& lines, std::size_t first, std::size_t end,
                                                         std::size_t first_language, std::size_t end_language) const {
  std::optional<Verdict> best;
  std::uint32_t best_score = 0;
  const std::size_t length = lines.lines[end - 1].end - lines.lines[first].begin;
  for (std::size_t l = first_language; l < end_language; ++l) {
    const auto language = static_cast<Language>(l);
    const RuleSets& sets = rule_sets()[l];
    Verdict v;
    v.language = language;
    std::uint32_t strong = 0, foreign = 0;
    for (std::size_t i = first; i < end; ++i) {
      if (lines.lines[i].blank) continue;
      const std::uint64_t matches = matches_[i];
      const std::uint64_t own = matches & sets.own;
      const bool is_strong = (matches & sets.strong) != 0, is_foreign = (matches & sets.foreign) != 0;
      v.alone = v.alone || (matches & sets.alone) != 0;
      v.rules |= own;
      if ((matches & sets.comment) != 0 && !v.alone) continue;
      ++v.lines;
      if (is_foreign && !is_strong) ++foreign;
      v.matched += own != 0 && (!is_foreign || is_strong) ? 1U : 0U;
      strong += is_strong ? 1U : 0U;
    }
    if (!weakly(v, strong, foreign)) continue;
    v.firm = firmly(v, strong, length);
    const std::uint32_t score = v.matched * 2 + strong + (v.alone ? 3 : 0) - std::min(foreign, v.matched);
    if (!best || (v.firm && !best->firm) || (v.firm == best->firm && score > best_score)) best = v, best_score = score;
  }
  return best;
}

// The numbers are set by the corpus of test/carvers/script_corpus_test.cpp. `weakly`: enough beside a firm one.
bool ScriptJudge::weakly(const Verdict& v, std::uint32_t strong, std::uint32_t foreign) {
  if (v.lines == 0 || v.matched == 0) return false;
  if (is_document(v.language)) return v.alone;
  return v.alone || (strong >= 1 && v.matched * 100 >= v.lines * 15 && foreign * 3 <= v.matched);
}
bool ScriptJudge::firmly(const Verdict& v, std::uint32_t strong, std::size_t length) {
  if (v.alone && length >= shortest_alone && (is_document(v.language) || v.lines <= 4 || v.matched * 4 >= v.lines)) return true;
  return length >= shortest_text && v.lines >= 3 && strong >= 1 && std::popcount(v.rules) >= 2 && v.matched * 100 >= v.lines * 33 &&
         strong * 100 >= v.lines * 6;
}

void ScriptJudge::emit(const TextLines& lines, std::size_t first, std::size_t end, const Verdict& verdict, TextEncoding encoding) {
  while (first < end && lines.lines[first].blank) ++first;
  while (end > first && lines.lines[end - 1].blank) --end;
  if (first >= end) return;
  fragment_.offset = lines.lines[first].from;
  fragment_.length = lines.lines[end - 1].until - fragment_.offset;
  fragment_.language = verdict.language;
  fragment_.encoding = encoding;
  fragment_.lines = verdict.lines;
  fragment_.lines_matched = verdict.matched;
  fragment_.text = part(lines, first, end);
  fragment_.rules.clear();
  for (std::size_t r = 0; r < script_rules().size(); ++r)
    if ((verdict.rules >> r & 1U) != 0) fragment_.rules.push_back(script_rules()[r].name);
  sink_(fragment_);
}

}  // namespace trimcarve::carvers

#endif
