// Held against Paths, whose own tests are worked by hand: both must give the same path for every directory at every time.
#include "history/directory_paths.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "history/sightings.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::usn_reason;

namespace {

std::string by_paths(history::Paths& paths, FileReference directory, FileTime time) {
  const history::NameSpan* name = paths.name_at(directory, time);
  REQUIRE(name != nullptr);
  return to_utf8(paths.path(directory, *name, time).text);
}

}  // namespace

TEST_CASE("a directory's path is that of Paths, at every time, whatever was asked before") {
  const auto graph =
      graph_of({record(ref(40, 1), true, true, {{u"now", root}}), record(ref(41, 1), true, true, {{u"in", ref(40, 1)}}),
                record(ref(42, 1), true, true, {{u"deep", ref(41, 1)}}), record(ref(43, 1), true, true, {{u"still", root}}),
                record(ref(44, 1), true, true, {{u"below", ref(43, 1)}}), record(ref(50, 2), true, true, {{u"new owner", root}}),
                record(ref(45, 1), true, true, {{u"lost", ref(50, 1)}}), event(ref(40, 1), {u"then", root}, file_create, 10),
                event(ref(40, 1), {u"then", root}, rename_old_name, 20), event(ref(40, 1), {u"now", root}, rename_new_name, 20)});
  history::Paths paths(graph);
  history::DirectoryPaths directories(graph, paths);
  for (int round = 0; round < 2; ++round)
    for (const std::uint64_t time : {0U, 15U, 25U, 15U})
      for (const std::uint64_t entry : {42U, 41U, 40U, 44U, 43U, 45U, 42U})
        CHECK(directories.of(ref(entry, 1), FileTime{time}).utf8 == by_paths(paths, ref(entry, 1), FileTime{time}));
  CHECK(directories.of(ref(42, 1), FileTime{15}).utf8 == "\\then\\in\\deep");
  CHECK(directories.of(ref(42, 1), no_time).utf8 == "\\now\\in\\deep");
  CHECK(directories.of(root, no_time).utf8.empty());
  CHECK_FALSE(directories.of(ref(45, 1), no_time).known);
}

TEST_CASE("directories that are their own ancestors end, and say that their parents are not known") {
  const auto graph = graph_of({record(ref(40, 1), true, true, {{u"a", ref(41, 1)}}), record(ref(41, 1), true, true, {{u"b", ref(40, 1)}})});
  history::Paths paths(graph);
  history::DirectoryPaths directories(graph, paths);
  for (const std::uint64_t entry : {40U, 41U, 40U}) {
    const auto& path = directories.of(ref(entry, 1), no_time);
    CHECK_FALSE(path.known);
    CHECK(path.utf8.starts_with("\u2026"));
    CHECK(path.utf8.ends_with(entry == 40 ? "\\a" : "\\b"));
  }
}

TEST_CASE("a path is no longer than Windows allows, however deep the directories") {
  std::vector<Sighting> records;
  const std::u16string name(200, u'x');
  constexpr std::uint64_t first = 100, count = 2000;
  for (std::uint64_t i = 0; i < count; ++i)
    records.push_back(record(ref(first + i, 1), true, true, {{name, i == 0 ? root : ref(first + i - 1, 1)}}));
  const auto graph = graph_of(records);
  history::Paths paths(graph);
  history::DirectoryPaths directories(graph, paths);
  CHECK(directories.of(ref(first + 9, 1), no_time).utf8.size() == 10 * 201);
  std::size_t longest = 0;
  for (std::uint64_t i = 0; i < count; ++i) longest = std::max(longest, directories.of(ref(first + i, 1), no_time).utf8.size());
  CHECK(longest <= 32'767);
  CHECK_FALSE(directories.of(ref(first + count - 1, 1), no_time).known);
}
