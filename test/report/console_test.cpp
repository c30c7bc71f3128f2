#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "example.hpp"
#include "report/console.hpp"
#include "report/layout.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

std::string console(const Examination& x, report::ConsoleStyle style = {}) {
  std::string out;
  report::write_console(x, style, [&out](std::string_view text) { out += text; });
  return out;
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the summary answers what, when, how it is known, and what is not") {
  const TempFolder folder;
  const std::string text = console(example(make_example_disk(folder)));
  CHECK(has(text, "custom-script: REMOVED  (corroborated)"));
  CHECK(has(text, "deleted within five seconds"));
  CHECK(has(text, "2026-11-03T10:00:00.0000000Z ($STANDARD_INFORMATION)"));
  CHECK(has(text, "2026-11-03T11:00:00.0000000Z .. 2026-11-03T11:00:05.0000000Z"));
  CHECK(has(text, "the parent's modification"));
  CHECK(has(text, "error, exit code -1"));
  CHECK(has(text, "settings were encrypted; certificate 0123456789ABCDEF"));
  CHECK(has(text, "| line 7\n"));
  CHECK(!has(text, "line 8"));
  CHECK(has(text, "and 4 more lines"));
  CHECK(has(text, "1 recovered"));
  CHECK(has(text, "2026-11-03 11:00:00 .. 11:00:05"));
  CHECK(has(text, "(place not known)"));
  CHECK(has(text, "$LogFile"));  // not looked at
  CHECK(has(text, "zeroed"));    // the gap
}

TEST_CASE("nothing from the evidence reaches the terminal as a control or a bidirectional override") {
  const TempFolder folder;
  const std::string text = console(example(make_example_disk(folder)));
  CHECK(std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; }));
  CHECK(!has(text, "\u202E"));
  CHECK(has(text, "\\x1b[31m\\u202eevil"));
}

TEST_CASE("no line is wider than the terminal") {
  const TempFolder folder;
  const Examination x = example(make_example_disk(folder));
  for (const std::size_t width : {60U, 80U, 100U, 140U}) {
    std::istringstream in(console(x, {.width = width}));
    for (std::string line; std::getline(in, line);) {
      CAPTURE(line);
      CHECK(report::columns(line) <= width);
    }
  }
}

TEST_CASE("nothing found is said together with what that is worth") {
  Examination x;
  TargetReport target;
  target.target = "custom-script";
  target.coverage = "$UsnJrnl speaks of nothing before 2026-11-01";
  x.targets.push_back(target);
  CHECK(has(console(x), "custom-script: NOTHING FOUND"));
  CHECK(has(console(x), "speaks of nothing before 2026-11-01"));
  x.targets[0].coverage.clear();
  CHECK(has(console(x), "this answer proves nothing"));
}

TEST_CASE("an incomplete examination says so, a complete one does not") {
  Examination x;
  CHECK(!has(console(x), "INCOMPLETE"));
  x.complete = false;
  CHECK(has(console(x), "INCOMPLETE"));
}

TEST_CASE("a tree of more files than fit shows what came back and counts the rest") {
  const TempFolder folder;
  Examination x = example(make_example_disk(folder));
  const FileReport zeroed = x.files[3], script = x.files[1];
  x.files.clear();
  for (char16_t i = 0; i < 500; ++i) {
    x.files.push_back(zeroed);
    x.files.back().path +=
        std::u16string(1, static_cast<char16_t>(u'a' + i % 26)) + std::u16string(1, static_cast<char16_t>(u'a' + i / 26));
  }
  x.files.push_back(script);
  const std::string text = console(x, {.tree_rows = 10});
  CHECK(has(text, "1.ps1"));
  CHECK(has(text, "and 491 more (491 zeroed)"));
  CHECK(std::ranges::count(text, '\n') < 100);
}

TEST_CASE("two generations of a folder and its files are each shown, at the depth of their place") {
  Examination x;
  x.targets.push_back({.target = "t"});
  const auto add = [&x](const char16_t* path, bool directory) {
    FileReport file;
    file.path = path;
    file.directory = directory;
    file.targets = {0};
    if (!directory) file.streams.push_back({.state = ContentState::zeroed});
    x.files.push_back(file);
  };
  add(u"\\a\\b\\c", true);
  add(u"\\a\\b\\c", true);
  add(u"\\a\\b\\c\\c", false);
  add(u"\\a\\b\\c\\d\\e", false);
  const std::string text = console(x);
  const auto from = text.find("    a\\b\\\n");
  REQUIRE(from != std::string::npos);
  std::vector<std::string> names;
  std::istringstream in(text.substr(from));
  for (std::string line; std::getline(in, line) && !line.empty();)
    names.push_back(line.substr(0, line.find("  ", line.find_first_not_of(' '))));
  CHECK(names == std::vector<std::string>{"    a\\b\\", "      c\\", "      c\\", "        c", "        d\\", "          e"});
}

TEST_CASE("a command whose end did not come back is not shown as whole") {
  Examination x;
  x.targets.push_back({.target = "t"});
  x.targets[0].runs.push_back({.sequence = "0", .command = "powershell -File a"});
  CHECK_FALSE(has(console(x), "may go on"));
  x.targets[0].runs[0].command_cut = true;
  CHECK(has(console(x), "may go on"));
}
