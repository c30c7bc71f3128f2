// The signs that let a text be passed over, held against the rules they stand for, line by line: on the samples of the tests, and on the
// Python and shell of this machine. Where the rules would find a language, its signs have to.
#include <doctest/doctest.h>
#include <fmt/format.h>

#if TRIMCARVE_HYPERSCAN

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "carvers/script_engine.hpp"
#include "carvers/script_rules.hpp"
#include "script_samples.hpp"

using namespace trimcarve;
using namespace trimcarve::carvers;

namespace {

struct Lines {
  std::size_t strong = 0, signs = 0, of_any_kind = 0;
};

// Lines with a strong rule of the language, with one of its signs, and those that are neither blank nor comments.
Lines lines_of(const ScriptEngine& engine, Scratch& scratch, Language language, std::string_view text) {
  const auto line_of = [&](std::size_t end) { return std::ranges::count(text.substr(0, end == 0 ? 0 : end - 1), '\n'); };
  std::set<std::ptrdiff_t> strong, signs, comments;
  std::vector<RuleHit> hits;
  engine.scan(static_cast<unsigned>(ScriptEngine::language) + static_cast<unsigned>(language), text, scratch, hits);
  for (const RuleHit& hit : hits) {
    const RuleWeight weight = script_rules()[hit.rule].weight;
    if (weight == RuleWeight::strong || weight == RuleWeight::alone) strong.insert(line_of(hit.end));
    if (weight == RuleWeight::comment) comments.insert(line_of(hit.end));
  }
  engine.scan(ScriptEngine::signs, text, scratch, hits);
  for (const RuleHit& hit : hits)
    if (hit.rule == RuleHit::no_rule ? hit.sign == static_cast<unsigned>(language) : script_rules()[hit.rule].language == language)
      signs.insert(line_of(hit.end));
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  return {strong.size(), signs.size(), lines - std::min(lines, comments.size())};
}

}  // namespace

TEST_CASE("All sets of rules compile") { CHECK(ScriptEngine().compile_all() == ""); }

TEST_CASE("Where the strong rules of a language find it, its signs do") {
  if (hs_valid_platform() != HS_SUCCESS) {
    MESSAGE("SKIPPED: this processor lacks SSSE3");
    return;
  }
  const ScriptEngine engine;
  Scratch scratch;
  std::size_t clusters = 0, passed_over = 0;
  // As script_judge asks: a strong rule in six of a hundred lines is needed, a sign in two.
  const auto hold = [&](Language language, std::string_view text) {
    const Lines lines = lines_of(engine, scratch, language, text);
    if (lines.strong == 0 || lines.strong * 100 < lines.of_any_kind * 6) return;
    ++clusters;
    if (lines.signs * 50 >= lines.of_any_kind && lines.signs != 0) return;
    ++passed_over;
    MESSAGE(to_string(language) << ", " << lines.strong << " strong lines, " << lines.signs << " signs: " << text.substr(0, 200));
  };
  for (const std::string_view text : samples::powershell) hold(Language::powershell, text);
  for (const std::string_view text : samples::batch) hold(Language::batch, text);
  for (const std::string_view text : samples::vbscript) hold(Language::vbscript, text);
  CHECK(clusters >= 15);
  CHECK(passed_over == 0);
  for (const char* folder : {"/usr/lib/python3", "/usr/lib/python3.11", "/usr/bin", "/var/lib/dpkg/info", "/etc"}) {
    std::error_code error;
    std::size_t files = 0;
    using Walk = std::filesystem::recursive_directory_iterator;
    for (auto it = Walk(folder, std::filesystem::directory_options::skip_permission_denied, error); it != Walk() && files < 150;
         it.increment(error)) {
      if (!it->is_regular_file(error) || it->is_symlink(error)) continue;
      std::ifstream in(it->path(), std::ios::binary);
      std::string text(32768, '\0');
      in.read(text.data(), static_cast<std::streamsize>(text.size()));
      text.resize(static_cast<std::size_t>(in.gcount()));
      const bool python = it->path().extension() == ".py", shell = text.starts_with("#!/bin/sh") || text.starts_with("#!/bin/bash");
      if (!python && !shell) continue;
      ++files;
      for (std::size_t at = 0; at < text.size(); at += 4096) hold(python ? Language::python : Language::shell, text.substr(at, 4096));
    }
  }
  MESSAGE(fmt::format("{} clusters, {} of them passed over", clusters, passed_over));
  CHECK(passed_over * 100 <= clusters);
}

#endif
