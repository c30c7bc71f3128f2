// What an examiner may ask for. Expectations: hand-made; the folders' names are those of the domain notes' "Sibling handlers".
#include "findings/profile.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace trimcarve::findings;

TEST_CASE("each profile is found by its own name, and its handlers are folders that no other profile has") {
  std::vector<std::u16string_view> seen;
  for (const Profile& profile : profiles()) {
    CHECK(find_profile(profile.name) == &profile);
    const auto target = parse_target(profile.name);
    REQUIRE(target);
    CHECK(target->profile == &profile);
    CHECK(target->asked == profile.name);
    CHECK(target->path.empty());
    for (const std::u16string_view handler : profile.handlers) {
      CHECK(std::ranges::find(seen, handler) == seen.end());
      seen.push_back(handler);
    }
  }
  CHECK(find_profile("all-extensions")->handlers.empty());
  CHECK(find_profile("custom-script")->handlers.front() == u"Microsoft.Compute.CustomScriptExtension");
  CHECK(find_profile("run-command")->handlers.size() == 2);
}

TEST_CASE("a path may have a drive, either slash, and slashes too many") {
  const std::vector<std::u16string> expected{u"Temp", u"x y.ps1"};
  for (const char* asked : {"C:\\Temp\\x y.ps1", "\\Temp\\x y.ps1", "/Temp/x y.ps1", "c:/Temp//x y.ps1\\", "Temp\\x y.ps1"}) {
    const auto target = parse_target(asked);
    REQUIRE(target);
    CHECK(target->profile == nullptr);
    CHECK(target->path == expected);
    CHECK(target->asked == asked);
  }
}

TEST_CASE("a slash or a drive alone is the whole volume") {
  for (const char* asked : {"\\", "/", "C:", "C:\\", "\\\\"}) {
    const auto target = parse_target(asked);
    REQUIRE(target);
    CHECK(target->profile == nullptr);
    CHECK(target->path.empty());
  }
}

TEST_CASE("a word that is no profile is no target: it is not taken for a file's name") {
  for (const char* asked : {"", "nonsense", "custom-script ", "Custom-Script", "x.ps1", "customscript"}) CHECK_FALSE(parse_target(asked));
}

TEST_CASE("a path in UTF-8 is compared in UTF-16, and bytes that are none do not throw") {
  CHECK(parse_target("\\caf\xC3\xA9")->path == std::vector<std::u16string>{u"caf\u00e9"});
  CHECK(parse_target("\\a\xFF")->path == std::vector<std::u16string>{u"a\uFFFD"});
}
