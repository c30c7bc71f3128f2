#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "report/files.hpp"
#include "report/safe_name.hpp"

using namespace trimcarve;
using report::safe_component;
using report::SafePaths;

// Win32's rules as Microsoft's "Naming Files, Paths, and Namespaces" states them.
TEST_CASE("an ordinary name is kept as it is") {
  CHECK(safe_component(u"setup v2 (final).ps1") == "setup v2 (final).ps1");
  CHECK(safe_component(u"Отчёт 名前.txt") == "Отчёт 名前.txt");
  CHECK(safe_component(u"\xD83D\xDE00.txt") == "\U0001F600.txt");
  CHECK(safe_component(u".profile") == ".profile");
}

TEST_CASE("names that lead elsewhere or mean something to a system are escaped") {
  CHECK(safe_component(u"..") == ".%2E");
  CHECK(safe_component(u".") == "%2E");
  CHECK(safe_component(u"") == "%");
  CHECK(safe_component(u"a/b\\c:d") == "a%2Fb%5Cc%3Ad");
  CHECK(safe_component(u"-rf") == "%2Drf");
  CHECK(safe_component(u"ends. ") == "ends.%20");
  CHECK(safe_component(u"100%") == "100%25");
  CHECK(safe_component(u"\x1b[2J") == "%1B[2J");
  CHECK(safe_component(u"\u202Etxt.exe") == "%E2%80%AEtxt.exe");
  CHECK(safe_component(u"x\xD800y") == "x%uD800y");
}

TEST_CASE("device names are escaped with any extension, names that only begin like them are not") {
  for (const char16_t* name : {u"CON", u"nul.txt", u"Com1.log", u"LPT9", u"aux .x", u"COM\u00B2", u"CONIN$"})
    CHECK(safe_component(name).starts_with('%'));
  CHECK(safe_component(u"CONSOLE") == "CONSOLE");
  CHECK(safe_component(u"COM10") == "COM10");
  CHECK(safe_component(u"nul-device") == "nul-device");
}

TEST_CASE("an overlong name is cut with its hash and keeps its extension") {
  const std::u16string a(255, u'\u540D');
  const std::string one = safe_component(a + u".ps1"), two = safe_component(a + u"x.ps1");
  CHECK(one.size() <= report::max_name);
  CHECK(one.ends_with(".ps1"));
  CHECK(one != two);
}

TEST_CASE("paths never collide, not in case and not as file and folder at once") {
  SafePaths paths;
  const auto id = [](std::uint64_t entry) { return FileId{0, FileReference::of(entry, 1)}; };
  CHECK(paths.give(id(1), u"\\Dir\\File.txt", u"", "") == "volume0/Dir/File.txt");
  CHECK(paths.give(id(2), u"\\Dir\\file.TXT", u"", "") == "volume0/Dir/file~2-1.TXT");
  CHECK(paths.give(id(3), u"\\Dir\\File.txt", u"Zone.Identifier", "") == "volume0/Dir/File.txt%3AZone.Identifier");
  CHECK(paths.give(id(4), u"\\Dir\\File.txt\\inner", u"", "") == "volume0/Dir/File.txt~2/inner");
  CHECK(paths.give(id(5), u"\\dir", u"", "") == "volume0/dir~5-1");
  CHECK(paths.give(id(6), u"\\Dir\\a.bin", u"", "@0-512.part") == "volume0/Dir/a.bin@0-512.part");
  CHECK(paths.give({1, FileReference::of(1, 1)}, u"\\Dir\\File.txt", u"", "") == "volume1/Dir/File.txt");
  CHECK(paths.give(id(7), u"\\\\\\..\\..\\etc\\passwd", u"", "") == "volume0/.%2E/.%2E/etc/passwd");
  CHECK(paths.give(id(8), u"", u"", "") == "volume0/8-1");
}

TEST_CASE("a path too long for other systems moves to one folder and stays unique") {
  SafePaths paths;
  std::u16string deep;
  for (int i = 0; i < 40; ++i) deep += u"\\a folder";
  const auto one = paths.give({0, FileReference::of(1, 1)}, deep + u"\\x.txt", u"", "");
  const auto two = paths.give({0, FileReference::of(2, 1)}, deep + u"\\y\\x.txt", u"", "");
  CHECK(one == "volume0/long paths/x.txt");
  CHECK(two == "volume0/long paths/x~2-1.txt");
}

TEST_CASE("any units give a path that stays inside, is short enough, and is unlike all others") {
  std::mt19937 random(3);
  SafePaths paths;
  std::set<std::string> seen;
  for (unsigned round = 0; round < 5000; ++round) {
    std::u16string path, stream;
    const auto length = random() % 60;
    for (unsigned i = 0; i < length; ++i) {
      const auto kind = random() % 4;
      path.push_back(kind == 0 ? u'\\' : kind == 1 ? u'.' : static_cast<char16_t>(kind == 2 ? random() & 0x7F : random() & 0xFFFF));
    }
    if (random() % 8 == 0) stream = path;
    const auto given = paths.give({0, FileReference::of(round % 3, 1)}, path, stream, "");
    CHECK(report::stays_inside(given));
    std::size_t longest = 0, current = 0;
    for (const char c : given) longest = std::max(longest, current = c == '/' ? 0 : current + 1);
    CHECK(longest < 255);
    std::string key = given;
    std::ranges::transform(key, key.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    CHECK(seen.insert(key).second);
  }
}
