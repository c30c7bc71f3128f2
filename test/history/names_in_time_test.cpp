// Which of several names counts, and when. Expectations: worked by hand from what each source can know.
#include <doctest/doctest.h>

#include "history/paths.hpp"
#include "history/select.hpp"
#include "history/sightings.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::usn_reason;

namespace {

std::u16string last_path(const history::Graph& graph, FileReference file, FileTime time = no_time) {
  history::Paths paths(graph);
  const history::NameSpan* name = paths.last_name(file);
  return name == nullptr ? std::u16string() : paths.path(file, *name, time).text;
}

}  // namespace

TEST_CASE("a name read before its file's own record is found with those read after it") {
  // A directory's slack names a child whose record comes later in $MFT.
  const auto graph = graph_of(
      {slack(ref(60, 1), {u"earlier.txt", ref(40, 1)}, ref(40, 1)), record(ref(60, 1), false, false, {{u"later.txt", ref(40, 1)}})});
  std::vector<std::u16string> names;
  for (history::RowIndex i = graph.first_row(60); i != history::no_row; i = graph.rows()[i].next)
    names.emplace_back(graph.name(graph.rows()[i]));
  CHECK(names == std::vector<std::u16string>{u"later.txt", u"earlier.txt"});
}

TEST_CASE("the journal's order counts, not its clock: a clock that was set back reorders nothing") {
  const auto graph =
      graph_of({event(ref(60, 1), {u"first", root}, file_create, 500), event(ref(60, 1), {u"first", root}, rename_old_name, 510),
                event(ref(60, 1), {u"second", root}, rename_new_name, 100)});
  CHECK(last_path(graph, ref(60, 1)) == u"\\second");
}

TEST_CASE("two journals follow each other by the times at which they begin, in whatever order they were read") {
  const auto graph =
      graph_of({event(ref(60, 1), {u"new", root}, rename_new_name, 900, 70), event(ref(60, 1), {u"old", root}, file_create, 100, 60)});
  CHECK(last_path(graph, ref(60, 1)) == u"\\new");
}

TEST_CASE("a live file has the name that its record states, also when the journal ends with another") {
  const auto graph = graph_of({record(ref(60, 1), true, false, {{u"now", root}}), event(ref(60, 1), {u"now", root}, rename_old_name, 100),
                               event(ref(60, 1), {u"between", root}, rename_new_name, 100)});
  CHECK(last_path(graph, ref(60, 1)) == u"\\now");
}

TEST_CASE("a directory's name without times begins behind the ones that the journal dates") {
  const FileReference directory = ref(50, 1), file = ref(60, 1);
  const auto graph =
      graph_of({record(directory, true, true, {{u"now", root}}), event(directory, {u"then", root}, file_create, 100),
                event(directory, {u"then", root}, rename_old_name, 200), event(file, {u"x", directory}, file_create | file_delete, 150)});
  CHECK(last_path(graph, file, FileTime{150}) == u"\\then\\x");
  CHECK(last_path(graph, file, FileTime{250}) == u"\\now\\x");
}

TEST_CASE("without the name of $Deleted, a name made of the file's own reference is known for what it is") {
  const FileReference file = ref(0x60, 7), unknown = ref(0x70, 1);
  const history::Graph graph = graph_of(
      {event(file, {u"x.ps1", root}, rename_old_name, 100), event(file, {u"000700000000006001234567", unknown}, rename_new_name, 100)});
  CHECK(last_path(graph, file) == u"\\x.ps1");
  // The same digits in a directory that is known are a name like any other; another file's reference always is.
  const history::Graph known = graph_of({record(unknown, true, true, {{u"d", root}}), event(file, {u"x.ps1", root}, rename_old_name, 100),
                                         event(file, {u"000700000000006001234567", unknown}, rename_new_name, 100)});
  CHECK(last_path(known, file) == u"\\d\\000700000000006001234567");
  const history::Graph other = graph_of(
      {event(file, {u"x.ps1", root}, rename_old_name, 100), event(file, {u"000800000000006001234567", unknown}, rename_new_name, 100)});
  CHECK(last_path(other, file) != u"\\x.ps1");
}

TEST_CASE("the root is one reference: entry 5 under another sequence is no root") {
  const auto graph = graph_of({event(ref(60, 1), {u"x", ref(5, 9)}, file_create, 100)});
  CHECK(last_path(graph, ref(60, 1)) == u"\u2026\\x");
}

TEST_CASE("a stray record that puts the root into a directory does not put the volume there") {
  const FileReference directory = ref(50, 1);
  const auto graph = graph_of({record(directory, true, true, {{u"d", root}}), event(root, {u"root", directory}, file_create, 100),
                               record(ref(60, 1), true, false, {{u"elsewhere", root}})});
  CHECK(history::select_below(graph, {{directory}, {}}).references == std::vector<FileReference>{directory});
}

TEST_CASE("a path longer than Windows allows ends with a note") {
  std::vector<Sighting> sightings;
  const std::u16string name(250, u'n');
  for (std::uint64_t entry = 100; entry < 400; ++entry)
    sightings.push_back(record(ref(entry, 1), true, true, {{name, entry == 100 ? root : ref(entry - 1, 1)}}));
  const auto graph = graph_of(sightings);
  history::Paths paths(graph);
  const auto path = paths.path(ref(399, 1), *paths.last_name(ref(399, 1)), no_time);
  CHECK_FALSE(path.known);
  CHECK(path.text.size() < 33'100);
  CHECK(path.note == "a longer path than Windows allows");
}

TEST_CASE("a name that a file had in two journals is its name in each of their times, not in between") {
  // The live journal (70) is read first: it knows "a" at 900. The older one (60): "a" until 80, then "b".
  const auto graph =
      graph_of({event(ref(60, 1), {u"a", root}, data_extend, 900, 70), event(ref(60, 1), {u"a", root}, file_create, 50, 60),
                event(ref(60, 1), {u"a", root}, rename_old_name, 80, 60), event(ref(60, 1), {u"b", root}, rename_new_name, 80, 60)});
  history::Paths paths(graph);
  const auto name_at = [&](std::uint64_t time) {
    return std::u16string(graph.name(graph.rows()[paths.name_at(ref(60, 1), FileTime{time})->rows.front()]));
  };
  CHECK(name_at(60) == u"a");
  CHECK(name_at(500) == u"b");
  CHECK(name_at(950) == u"a");
}
