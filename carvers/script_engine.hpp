// Hyperscan over the rules of script_rules: which of them match, and where. For script_text only; there is none in a build without
// Hyperscan.
//
// A set of rules is compiled when it is first asked for: a disk without text pays for none of them, and one without scripts for the first
// two only. One engine serves many threads, each with a Scratch of its own.
#pragma once

#if TRIMCARVE_HYPERSCAN

#include <hs.h>

#include <array>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "carvers/script_text.hpp"

namespace trimcarve::carvers {

inline constexpr std::size_t most_rules = 64;
inline constexpr std::size_t script_language_count = 5;  // of Language, the first ones: those with rules besides `alone`
static_assert(static_cast<std::size_t>(Language::shell) + 1 == script_language_count);

struct CloseDatabase {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
struct CloseScratch {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};
// What a thread scans with.
struct Scratch {
  std::unique_ptr<hs_scratch_t, CloseScratch> memory;
  unsigned ready = 0;  // a bit of each set that it is large enough for
};

// What matched, and where it ends. Either a sign of a language or one of script_rules().
struct RuleHit {
  std::size_t end = 0;
  std::uint16_t sign = 0, rule = no_rule;
  static constexpr std::uint16_t no_rule = 0xFFFF;
};

class ScriptEngine {
 public:
  enum Set : std::uint8_t {
    alone,     // the rules that are enough by themselves
    signs,     // these, and the signs of every language
    language,  // all rules of one; of the others: language + n
  };

  // In `hits`, in order of their ends. Nothing is found when there is no memory for it.
  void scan(unsigned set, std::string_view text, Scratch& scratch, std::vector<RuleHit>& hits) const;

  // Why a set does not compile; empty when all do. For tests: it takes half a second.
  std::string compile_all() const;

  // A scratch that is not in use, and its return.
  Scratch take() const;
  void give(Scratch scratch) const;

 private:
  struct Compiled {
    std::once_flag once;
    std::unique_ptr<hs_database_t, CloseDatabase> database;
    std::string why;
  };
  const Compiled& compiled(unsigned set) const;

  mutable std::array<Compiled, language + script_language_count> sets_;
  mutable std::mutex mutex_;
  mutable std::vector<Scratch> idle_;
};

}  // namespace trimcarve::carvers

#endif
