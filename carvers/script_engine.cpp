#include "carvers/script_engine.hpp"

#if TRIMCARVE_HYPERSCAN

#include <algorithm>

#include "carvers/script_rules.hpp"

namespace trimcarve::carvers {

namespace {

constexpr unsigned first_rule = 256;  // number of a pattern: its language when it is a sign, else that of the rule and this

struct Patterns {
  std::vector<const char*> texts;
  std::vector<unsigned> flags, ids;
  void add(const char* text, bool any_case, unsigned id) {
    texts.push_back(text);
    flags.push_back(HS_FLAG_MULTILINE | (any_case ? HS_FLAG_CASELESS : 0U));
    ids.push_back(id);
  }
};

Patterns patterns_of(unsigned set) {
  Patterns out;
  if (set == ScriptEngine::signs)
    for (const ScriptSign& sign : script_signs()) out.add(sign.pattern, sign.any_case, static_cast<unsigned>(sign.language));
  for (unsigned r = 0; r < script_rules().size() && r < most_rules; ++r) {
    const ScriptRule& rule = script_rules()[r];
    const bool wanted = set >= ScriptEngine::language ? static_cast<unsigned>(rule.language) == set - ScriptEngine::language
                                                      : rule.weight == RuleWeight::alone;
    if (wanted) out.add(rule.pattern, rule.any_case, first_rule + r);
  }
  return out;
}

int on_match(unsigned id, unsigned long long, unsigned long long end, unsigned, void* hits) {
  const bool is_rule = id >= first_rule;
  static_cast<std::vector<RuleHit>*>(hits)->push_back({static_cast<std::size_t>(end), static_cast<std::uint16_t>(is_rule ? 0 : id),
                                                       static_cast<std::uint16_t>(is_rule ? id - first_rule : RuleHit::no_rule)});
  return 0;
}

}  // namespace

const ScriptEngine::Compiled& ScriptEngine::compiled(unsigned set) const {
  Compiled& out = sets_[set];
  std::call_once(out.once, [&] {
    const Patterns patterns = patterns_of(set);
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(patterns.texts.data(), patterns.flags.data(), patterns.ids.data(), static_cast<unsigned>(patterns.texts.size()),
                         HS_MODE_BLOCK, nullptr, &database, &error) == HS_SUCCESS) {
      out.database.reset(database);
      return;
    }
    out.why = error != nullptr && error->expression >= 0
                  ? std::string(error->message) + ": " + patterns.texts[static_cast<std::size_t>(error->expression)]
                  : "Hyperscan does not compile";
    hs_free_compile_error(error);
  });
  return out;
}

void ScriptEngine::scan(unsigned set, std::string_view text, Scratch& scratch, std::vector<RuleHit>& hits) const {
  hits.clear();
  const Compiled& rules = compiled(set);
  if (rules.database == nullptr) return;
  if ((scratch.ready >> set & 1U) == 0) {
    hs_scratch_t* raw = scratch.memory.release();
    const bool grown = hs_alloc_scratch(rules.database.get(), &raw) == HS_SUCCESS;
    scratch.memory.reset(raw);
    if (!grown) return;
    scratch.ready |= 1U << set;
  }
  hs_scan(rules.database.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch.memory.get(), on_match, &hits);
  // They come nearly in order.
  if (!std::ranges::is_sorted(hits, {}, &RuleHit::end)) std::ranges::stable_sort(hits, {}, &RuleHit::end);
}

std::string ScriptEngine::compile_all() const {
  for (unsigned set = 0; set < sets_.size(); ++set)
    if (!compiled(set).why.empty()) return compiled(set).why;
  return {};
}

Scratch ScriptEngine::take() const {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return {};
  Scratch out = std::move(idle_.back());
  idle_.pop_back();
  return out;
}

void ScriptEngine::give(Scratch scratch) const {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(scratch));
}

}  // namespace trimcarve::carvers

#endif
