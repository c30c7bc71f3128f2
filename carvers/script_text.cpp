#include "carvers/script_text.hpp"

#include "carvers/script_rules.hpp"

namespace trimcarve::carvers {

std::string_view to_string(Language language) noexcept {
  switch (language) {
    case Language::powershell: return "powershell";
    case Language::batch: return "batch";
    case Language::vbscript: return "vbscript";
    case Language::python: return "python";
    case Language::shell: return "shell";
    case Language::settings: return "settings";
    case Language::status: return "status";
    case Language::agent_log: return "agent_log";
  }
  return "unknown";
}

std::string_view to_string(TextEncoding encoding) noexcept {
  switch (encoding) {
    case TextEncoding::utf8: return "utf-8";
    case TextEncoding::utf16le: return "utf-16le";
    case TextEncoding::json: return "json";
  }
  return "unknown";
}

}  // namespace trimcarve::carvers

#if TRIMCARVE_HYPERSCAN

#include <hs.h>

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <optional>

#include "carvers/script_lines.hpp"

namespace trimcarve::carvers {

namespace {

constexpr std::size_t shortest_text = 48;  // characters; less says too little, but for what nothing else has
constexpr std::size_t shortest_alone = 16;
constexpr std::size_t most_rules = 64;
constexpr std::size_t most_between = 4;    // grains of a script that do not look like it
constexpr unsigned utf16_word = 1U << 16;  // added to a word's number

struct CloseDatabase {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
using Database = std::unique_ptr<hs_database_t, CloseDatabase>;

struct CloseScratch {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};
using Scratch = std::unique_ptr<hs_scratch_t, CloseScratch>;

struct Pattern {
  std::string text;
  unsigned flags = 0, id = 0;
};

Result<Database> compile(const std::vector<Pattern>& patterns) {
  std::vector<const char*> texts;
  std::vector<unsigned> flags, ids;
  for (const Pattern& p : patterns) texts.push_back(p.text.c_str()), flags.push_back(p.flags), ids.push_back(p.id);
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()), HS_MODE_BLOCK, nullptr, &database,
                       &error) != HS_SUCCESS) {
    const std::string why = error != nullptr && error->expression >= 0
                                ? std::string(error->message) + ": " + texts[static_cast<std::size_t>(error->expression)]
                                : "Hyperscan does not compile";
    hs_free_compile_error(error);
    return fail(why);
  }
  return Database(database);
}

// A word as Hyperscan's pattern, each byte by its number; `wide`: as UTF-16LE.
std::string literal(std::string_view word, bool wide) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  const auto put = [&](unsigned char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');  // so that case does not count
    if (letter)
      out += static_cast<char>(c);
    else
      (out += "\\x") += {digits[c >> 4], digits[c & 15]};
  };
  for (const char c : word) {
    put(static_cast<unsigned char>(c));
    if (wide) put(0);
  }
  return out;
}

// Signs that programs are full of and prose has few of.
enum SignKind : std::uint8_t { other_kind, line_end, sign };
constexpr std::size_t least_signs = 2;  // of a hundred bytes, as UTF-16LE too
constexpr auto sign_kinds = [] {
  std::array<SignKind, 256> kinds{};
  for (const char c : std::string_view("{}()[]=$;<>\\_%@&|#*+\"'/:!~^`")) kinds[static_cast<unsigned char>(c)] = sign;
  kinds['\n'] = line_end;
  return kinds;
}();

// What is known of the lines [first, end): for each language how many are its own, by which rules.
struct Verdict {
  Language language = Language::powershell;
  std::uint32_t lines = 0, matched = 0;
  bool alone = false, firm = false;
  std::uint64_t rules = 0;
};

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

}  // namespace

struct ScriptText::Parts {
  Database words;
  Scratch words_prototype;
  // Made when a text is met: on most disks that are trimmed there is none, and compiling takes more than half a second.
  mutable std::once_flag rules_once;
  mutable Database rules, strong_rules;  // the strong ones alone: a text without any is not held against the others, which cost more
  mutable Scratch rules_prototype;
  // Scratch spaces that are not in use, so that several threads may search.
  mutable std::mutex mutex;
  mutable std::vector<std::pair<Scratch, Scratch>> idle;

  std::pair<Scratch, Scratch> take() const {
    {
      const std::scoped_lock lock(mutex);
      if (!idle.empty()) {
        auto out = std::move(idle.back());
        idle.pop_back();
        return out;
      }
    }
    hs_scratch_t* words_scratch = nullptr;
    if (hs_clone_scratch(words_prototype.get(), &words_scratch) != HS_SUCCESS) words_scratch = nullptr;
    return {Scratch(words_scratch), nullptr};
  }
  // False when there is no memory for them. `scratch`: filled when it is empty.
  bool need_rules(Scratch& scratch) const {
    std::call_once(rules_once, [this] {
      std::vector<Pattern> patterns, strong;
      for (unsigned i = 0; i < script_rules().size(); ++i) {
        const ScriptRule& rule = script_rules()[i];
        patterns.push_back({rule.pattern, HS_FLAG_MULTILINE | (rule.any_case ? HS_FLAG_CASELESS : 0U), i});
        if (rule.weight == RuleWeight::strong || rule.weight == RuleWeight::alone) strong.push_back(patterns.back());
      }
      auto compiled = compile(patterns), compiled_strong = compile(strong);
      hs_scratch_t* prototype = nullptr;
      if (!compiled || !compiled_strong || hs_alloc_scratch(compiled->get(), &prototype) != HS_SUCCESS) return;
      if (hs_alloc_scratch(compiled_strong->get(), &prototype) != HS_SUCCESS) {
        hs_free_scratch(prototype);
        return;
      }
      rules = std::move(*compiled);
      strong_rules = std::move(*compiled_strong);
      rules_prototype.reset(prototype);
    });
    if (scratch != nullptr) return true;
    hs_scratch_t* clone = nullptr;
    if (rules == nullptr || hs_clone_scratch(rules_prototype.get(), &clone) != HS_SUCCESS) return false;
    scratch.reset(clone);
    return true;
  }
  void give(std::pair<Scratch, Scratch> scratch) const {
    const std::scoped_lock lock(mutex);
    idle.push_back(std::move(scratch));
  }
};

namespace {

class Search {
 public:
  Search(const ScriptText::Parts& parts, Scratch& scratch, ByteView window, std::size_t grain, std::size_t grain_at,
         const std::function<void(const TextFragment&)>& sink)
      : parts_(parts), scratch_(scratch), window_(window), grain_(grain), grain_at_(grain_at), sink_(sink) {}

  // A word ends at `at`.
  void word(std::size_t at, bool wide, bool alone) {
    // Within a run that is too short, by a word that needs more: most of what lies in the string tables of programs.
    if (at <= done_ || (!alone && at <= short_until_)) return;
    const TextRun run = wide ? run_of_units(window_, at, done_) : run_of_bytes(window_, at, done_);
    if (!alone && !has_lines(run)) {
      short_until_ = std::max(at, run.end);
      return;
    }
    done_ = std::max(at, run.end);
    if (run.end - run.begin < (wide ? 2 : 1) * shortest_alone) return;
    if (wide)
      read_units(run);
    else
      read_bytes(run);
    if (!reads_as_text(lines_.text)) return;
    judge(wide ? TextEncoding::utf16le : TextEncoding::utf8);
    if (!wide) read_strings(run);
  }
  std::size_t done() const { return done_; }
  void begin_at(std::size_t from) { done_ = from; }

 private:
  // What is asked of a text without a word that is enough by itself, before more is spent on it. A string of JSON has its line ends
  // escaped.
  bool has_lines(const TextRun& run) const {
    if (run.end - run.begin < shortest_text) return false;
    std::array<std::uint32_t, 3> counts{};
    for (std::size_t i = run.begin; i < run.end; ++i) ++counts[sign_kinds[std::to_integer<std::size_t>(window_[i])]];
    if (counts[line_end] < 2 && counts[sign] < 2) return false;
    return counts[sign] * 100 >= (run.end - run.begin) * least_signs;
  }

  void read_bytes(const TextRun& run) {
    lines_.start(run.begin);
    lines_.add_stored({reinterpret_cast<const char*>(window_.data()) + run.begin, run.end - run.begin}, run.begin);
    lines_.finish();
  }

  void read_units(const TextRun& run) {
    lines_.start(run.begin);
    for (std::size_t i = run.begin; i < run.end; i += 2) lines_.add(unit_at(window_, i), i + 2);
    lines_.finish();
  }

  // Strings of JSON that hold line ends: a script, or the log of one, as a document quotes it.
  void read_strings(const TextRun& run) {
    const auto byte = [&](std::size_t i) { return static_cast<char>(window_[i]); };
    for (std::size_t i = run.begin; i < run.end; ++i) {
      if (byte(i) != '"') continue;
      std::size_t end = i + 1, ends = 0;
      while (end < run.end && byte(end) != '"' && byte(end) != '\n') {
        if (byte(end) == '\\' && end + 1 < run.end) {
          ends += byte(end + 1) == 'n' ? 1U : 0U;
          ++end;
        }
        ++end;
      }
      end = std::min(end, run.end);
      if (ends >= 2 && end - i > shortest_text) {
        read_string(i + 1, end);
        judge(TextEncoding::json);
      }
      i = end;
    }
  }

  // RFC 8259, section 7.
  void read_string(std::size_t begin, std::size_t end) {
    lines_.start(begin);
    for (std::size_t i = begin; i < end;) {
      const char c = static_cast<char>(window_[i]);
      if (c != '\\' || i + 1 >= end) {
        lines_.add_byte(c, ++i);
        continue;
      }
      const char escaped = static_cast<char>(window_[i + 1]);
      i += 2;
      switch (escaped) {
        case 'n': lines_.add(U'\n', i); break;
        case 'r': lines_.add(U'\r', i); break;
        case 't': lines_.add(U'\t', i); break;
        case 'b':
        case 'f': lines_.add(U' ', i); break;
        case 'u': {
          char32_t value = 0;
          std::size_t digits = 0;
          for (; digits < 4 && i + digits < end; ++digits) {
            const char h = static_cast<char>(window_[i + digits]);
            const int d = h >= '0' && h <= '9' ? h - '0' : h >= 'a' && h <= 'f' ? h - 'a' + 10 : h >= 'A' && h <= 'F' ? h - 'A' + 10 : -1;
            if (d < 0) break;
            value = value * 16 + static_cast<char32_t>(d);
          }
          i += digits;
          lines_.add(digits == 4 && value != 0 && (value < 0xD800 || value > 0xDFFF) ? value : U'?', i);
          break;
        }
        default: lines_.add_byte(escaped, i); break;
      }
    }
    lines_.finish();
  }

  static int on_rule(unsigned id, unsigned long long, unsigned long long end, unsigned, void* self) {
    auto& search = *static_cast<Search*>(self);
    const auto at = static_cast<std::size_t>(end);
    // Matches come nearly in order.
    const std::size_t where = at == 0 ? 0 : at - 1;
    const auto& lines = search.lines_.lines;
    std::size_t& line = search.last_line_;
    if (line >= lines.size() || where < lines[line].begin || (line + 1 < lines.size() && where >= lines[line + 1].begin))
      line = line + 1 < lines.size() && where >= lines[line + 1].begin && (line + 2 == lines.size() || where < lines[line + 2].begin)
                 ? line + 1
                 : search.lines_.line_of(where);
    search.matches_[line] |= std::uint64_t{1} << (id % most_rules);
    return 0;
  }

  // Lines that begin in the same grain of the source.
  std::size_t grain_of(std::size_t line) const { return (lines_.lines[line].from + grain_at_) / grain_; }

  void judge(TextEncoding encoding) {
    if (!parts_.need_rules(scratch_)) return;
    const auto length = static_cast<unsigned>(lines_.text.size());
    const auto at_first = [](unsigned, unsigned long long, unsigned long long, unsigned, void*) { return 1; };
    if (hs_scan(parts_.strong_rules.get(), lines_.text.data(), length, 0, scratch_.get(), at_first, nullptr) != HS_SCAN_TERMINATED) return;
    matches_.assign(lines_.lines.size(), 0);
    last_line_ = 0;
    if (hs_scan(parts_.rules.get(), lines_.text.data(), length, 0, scratch_.get(), on_rule, this) != HS_SUCCESS) return;
    // A document or a log is taken whole.
    if (const auto whole = verdict(0, lines_.lines.size(), true); whole && whole->firm)
      return emit(0, lines_.lines.size(), *whole, encoding);
    grains_.clear();
    for (std::size_t at = 0; at < lines_.lines.size();) {
      std::size_t next = at + 1;
      while (next < lines_.lines.size() && grain_of(next) == grain_of(at)) ++next;
      grains_.push_back({at, next, verdict(at, next, false)});
      at = next;
    }
    // Tables and long comments inside of a script are that script's: what is weak beside what is firm, and a little that is neither
    // between.
    for (std::size_t i = 0; i < grains_.size();) {
      if (!grains_[i].verdict || !grains_[i].verdict->firm) {
        ++i;
        continue;
      }
      Verdict whole = *grains_[i].verdict;
      const auto same = [&](std::size_t g) { return grains_[g].verdict && grains_[g].verdict->language == whole.language; };
      std::size_t first = i, last = i;
      while (first > taken_until_ && same(first - 1)) --first;
      for (std::size_t g = i + 1; g < grains_.size() && g - last <= most_between + 1; ++g) {
        if (grains_[g].verdict && grains_[g].verdict->firm && !same(g)) break;
        if (same(g) && (grains_[g].verdict->firm || g == last + 1)) last = g;
      }
      for (std::size_t g = first; g <= last; ++g) {
        if (g == i || !same(g)) continue;
        whole.rules |= grains_[g].verdict->rules;
        whole.lines += grains_[g].verdict->lines;
        whole.matched += grains_[g].verdict->matched;
      }
      emit(grains_[first].begin, grains_[last].end, whole, encoding);
      taken_until_ = last + 1;
      i = last + 1;
    }
    taken_until_ = 0;
  }

  std::optional<Verdict> verdict(std::size_t first, std::size_t end, bool documents) const {
    std::optional<Verdict> best;
    std::uint32_t best_score = 0;
    const std::size_t length = lines_.lines[end - 1].end - lines_.lines[first].begin;
    for (std::size_t l = 0; l < language_count; ++l) {
      const auto language = static_cast<Language>(l);
      if (is_document(language) != documents) continue;
      const RuleSets& sets = rule_sets()[l];
      Verdict v;
      v.language = language;
      std::uint32_t strong = 0, foreign = 0;
      for (std::size_t i = first; i < end; ++i) {
        if (lines_.lines[i].blank) continue;
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
  static bool weakly(const Verdict& v, std::uint32_t strong, std::uint32_t foreign) {
    if (v.lines == 0 || v.matched == 0) return false;
    if (is_document(v.language)) return v.alone;
    return v.alone || (strong >= 1 && v.matched * 100 >= v.lines * 15 && foreign * 3 <= v.matched);
  }
  static bool firmly(const Verdict& v, std::uint32_t strong, std::size_t length) {
    if (v.alone && length >= shortest_alone && (is_document(v.language) || v.lines <= 4 || v.matched * 4 >= v.lines)) return true;
    return length >= shortest_text && v.lines >= 3 && strong >= 1 && std::popcount(v.rules) >= 2 && v.matched * 100 >= v.lines * 33 &&
           strong * 100 >= v.lines * 6;
  }

  void emit(std::size_t first, std::size_t end, const Verdict& verdict, TextEncoding encoding) {
    while (first < end && lines_.lines[first].blank) ++first;
    while (end > first && lines_.lines[end - 1].blank) --end;
    if (first >= end) return;
    fragment_.offset = lines_.lines[first].from;
    fragment_.length = lines_.lines[end - 1].until - fragment_.offset;
    fragment_.language = verdict.language;
    fragment_.encoding = encoding;
    fragment_.lines = verdict.lines;
    fragment_.lines_matched = verdict.matched;
    const std::size_t text_end = end < lines_.lines.size() ? lines_.lines[end].begin : lines_.text.size();
    fragment_.text = lines_.text.substr(lines_.lines[first].begin, text_end - lines_.lines[first].begin);
    fragment_.rules.clear();
    for (std::size_t r = 0; r < script_rules().size(); ++r)
      if ((verdict.rules >> r & 1U) != 0) fragment_.rules.push_back(script_rules()[r].name);
    sink_(fragment_);
  }

  const ScriptText::Parts& parts_;
  Scratch& scratch_;
  ByteView window_;
  std::size_t grain_, grain_at_;
  const std::function<void(const TextFragment&)>& sink_;
  std::size_t done_ = 0, short_until_ = 0, last_line_ = 0;
  TextLines lines_;
  std::vector<std::uint64_t> matches_;  // of each line: its rules
  struct Grain {
    std::size_t begin, end;  // lines
    std::optional<Verdict> verdict;
  };
  std::vector<Grain> grains_;
  std::size_t taken_until_ = 0;  // grains
  TextFragment fragment_;
};

}  // namespace

Result<ScriptText> ScriptText::make() {
  if (hs_valid_platform() != HS_SUCCESS) return fail("this processor lacks SSSE3, which Hyperscan needs");
  if (script_rules().size() > most_rules) return fail("more rules than there is room for");
  std::vector<Pattern> words;
  for (unsigned i = 0; i < script_words().size(); ++i)
    for (const bool wide : {false, true})
      words.push_back({literal(script_words()[i].text, wide), HS_FLAG_CASELESS | HS_FLAG_DOTALL, i | (wide ? utf16_word : 0)});
  auto compiled = compile(words);
  if (!compiled) return std::unexpected(compiled.error());
  auto parts = std::make_shared<Parts>();
  hs_scratch_t* prototype = nullptr;
  if (hs_alloc_scratch(compiled->get(), &prototype) != HS_SUCCESS) return fail("not enough memory for Hyperscan");
  parts->words = std::move(*compiled);
  parts->words_prototype.reset(prototype);
  return ScriptText(std::move(parts));
}

std::size_t ScriptText::search(ByteView window, std::size_t from, std::size_t to, std::size_t low, std::size_t grain, std::size_t grain_at,
                               const std::function<void(const TextFragment&)>& sink) const {
  to = std::min(to, window.size());
  if (from >= to || grain == 0) return low;
  auto scratch = parts_->take();
  if (scratch.first == nullptr) return low;
  Search search(*parts_, scratch.second, window, grain, grain_at, sink);
  search.begin_at(low);
  struct Context {
    Search& search;
    std::size_t from;
  } context{search, from};
  const auto on_word = [](unsigned id, unsigned long long, unsigned long long end, unsigned, void* raw) {
    const auto& c = *static_cast<Context*>(raw);
    c.search.word(c.from + static_cast<std::size_t>(end), (id & utf16_word) != 0, script_words()[id & ~utf16_word].alone);
    return 0;
  };
  const ByteView part = window.subspan(from, to - from);
  hs_scan(parts_->words.get(), reinterpret_cast<const char*>(part.data()), static_cast<unsigned>(part.size()), 0, scratch.first.get(),
          on_word, &context);
  parts_->give(std::move(scratch));
  return search.done();
}

}  // namespace trimcarve::carvers

#else

namespace trimcarve::carvers {

struct ScriptText::Parts {};

Result<ScriptText> ScriptText::make() { return fail("this build of trimcarve has no Hyperscan"); }

std::size_t ScriptText::search(ByteView, std::size_t, std::size_t, std::size_t low, std::size_t, std::size_t,
                               const std::function<void(const TextFragment&)>&) const {
  return low;
}

}  // namespace trimcarve::carvers

#endif
