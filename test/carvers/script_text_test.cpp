#include "carvers/script_text.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "script_samples.hpp"

using namespace trimcarve;
using namespace trimcarve::carvers;

namespace {

const Result<ScriptText>& scripts() {
  static const Result<ScriptText> made = ScriptText::make();
  return made;
}

bool skipped() {
  if (scripts()) return false;
  MESSAGE("SKIPPED: " << scripts().error().what);
  return true;
}

std::vector<TextFragment> search(std::string_view bytes) {
  std::vector<TextFragment> found;
  scripts()->search(std::as_bytes(std::span(bytes)), 0, bytes.size(), 0, 4096, 0, [&](const TextFragment& f) { found.push_back(f); });
  return found;
}

std::string wide(std::string_view text) {
  std::string out;
  for (const char c : text) (out += c) += '\0';
  return out;
}

}  // namespace

TEST_CASE("A script between zeros is taken whole, as UTF-8 and as UTF-16LE, and nothing beside it") {
  if (skipped()) return;
  for (const std::string_view text : samples::powershell) {
    CAPTURE(text.substr(0, 40));
    const auto found = search(std::string(700, '\0') + std::string(text) + std::string(700, '\0'));
    REQUIRE(found.size() == 1);
    CHECK(found[0].language == Language::powershell);
    CHECK(found[0].encoding == TextEncoding::utf8);
    CHECK(found[0].offset == 700);
    CHECK(found[0].length == text.size());
    CHECK(found[0].text == text);
    CHECK_FALSE(found[0].rules.empty());
    const auto as_wide = search(std::string(701, '\0') + wide(text) + std::string(700, '\0'));
    REQUIRE(as_wide.size() == 1);
    CHECK(as_wide[0].encoding == TextEncoding::utf16le);
    CHECK(as_wide[0].offset == 701);
    CHECK(as_wide[0].length == 2 * text.size());
    CHECK(as_wide[0].text == text);
  }
}

TEST_CASE("Batch and VBScript are told by what only they have") {
  if (skipped()) return;
  for (const std::string_view text : samples::batch) {
    const auto found = search(std::string(text) + '\0');
    REQUIRE(found.size() == 1);
    CHECK(found[0].language == Language::batch);
  }
  for (const std::string_view text : samples::vbscript) {
    const auto found = search(std::string(text) + '\0');
    REQUIRE(found.size() == 1);
    CHECK(found[0].language == Language::vbscript);
  }
}

TEST_CASE("A script in a JSON string is read without its escapes") {
  if (skipped()) return;
  std::string escaped;
  for (const char c : samples::powershell[0]) escaped += c == '\n' ? "\\r\\n" : c == '"' ? "\\\"" : c == '\\' ? "\\\\" : std::string(1, c);
  const auto found = search("{\"source\": {\"script\": \"" + escaped + "\"}}\n");
  const auto in_json = std::ranges::find(found, TextEncoding::json, &TextFragment::encoding);
  REQUIRE(in_json != found.end());
  CHECK(in_json->language == Language::powershell);
  std::string text = in_json->text;
  std::erase(text, '\r');
  CHECK(text == samples::powershell[0]);
}

TEST_CASE("The extension's own documents and log lines are taken whole") {
  if (skipped()) return;
  const std::string settings =
      R"({"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":"AB","publicSettings":{"commandToExecute":"cmd /c ver"}}}]})";
  auto found = search(std::string(100, '\0') + settings + std::string(100, '\0'));
  REQUIRE(found.size() == 1);
  CHECK(found[0].language == Language::settings);
  CHECK(found[0].text == settings);
  const std::string log =
      "[4892+00000001] [03/04/2021 20:49:58.30] [INFO] Executing command\n[4892+00000001] [03/04/2021 20:50:02.10] [ERROR] it failed\n";
  found = search(log + std::string(100, '\0'));
  REQUIRE(found.size() == 1);
  CHECK(found[0].language == Language::agent_log);
  CHECK(found[0].text == log);
}

TEST_CASE("A page that mentions commands, a list of words, noise: none is a script") {
  if (skipped()) return;
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 1 << 20; ++i) noise += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  CHECK(search(noise).empty());
  CHECK(search("To begin, start PowerShell and run Get-Help. Then the function returns, or else it prints nothing at all.\n"
               "If you want to exit the program, type exit and press the key. Other users export the list and import it again.\n"
               "While this runs, the machine cannot be used; print the page if you must. The class of such tools is large.\n")
            .empty());
  std::string words;
  for (const char* word : {"powershell", "import", "function", "return", "echo", "goto", "setlocal", "createobject", "param("})
    for (int i = 0; i < 20; ++i) words += std::string(word) + "\0"[0];
  CHECK(search(words).empty());
}

TEST_CASE("A text longer than the window comes in pieces that follow each other, and windows side by side find what one finds") {
  if (skipped()) return;
  std::string text;
  while (text.size() < 3 * ScriptText::longest) text += samples::powershell[2];
  std::size_t end = 0, bytes = 0;
  for (const TextFragment& f : search(text)) {
    CHECK(f.offset >= end);
    end = f.offset + f.length;
    bytes += f.length;
  }
  CHECK(bytes == text.size());
  const std::string small = std::string(3000, '\0') + std::string(samples::powershell[0]) + std::string(3000, '\0');
  std::vector<TextFragment> found;
  std::size_t low = 0;
  for (std::size_t at = 0; at < small.size(); at += 512)
    low =
        scripts()->search(std::as_bytes(std::span(small)), at, at + 512, low, 4096, 0, [&](const TextFragment& f) { found.push_back(f); });
  REQUIRE(found.size() == 1);
  CHECK(found[0].text == samples::powershell[0]);
}
