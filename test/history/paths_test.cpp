// Expectations: what the directory tree was at each time, worked by hand from the events given.
#include "history/paths.hpp"

#include <doctest/doctest.h>

#include "history/select.hpp"
#include "history/sightings.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::usn_reason;

namespace {

history::Path last_path(history::Paths& paths, FileReference file) {
  const history::NameSpan* name = paths.last_name(file);
  REQUIRE(name != nullptr);
  return paths.path(file, *name, name->until != no_time ? name->until : name->last_seen);
}

}  // namespace

TEST_CASE("a path is made of the names that records state") {
  const auto graph =
      graph_of({record(ref(40, 1), true, true, {{u"Packages", root}}), record(ref(41, 1), false, false, {{u"x.ps1", ref(40, 1)}})});
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(41, 1));
  CHECK(path.text == u"\\Packages\\x.ps1");
  CHECK(path.known);
  CHECK(path.grade == Grade::established);
  CHECK(path.rows.size() == 2);
}

TEST_CASE("two independent kinds of evidence for every part corroborate a path") {
  const auto graph =
      graph_of({record(ref(40, 1), true, true, {{u"d", root}}), event(ref(40, 1), {u"d", root}, file_create, 5),
                record(ref(41, 1), true, false, {{u"f", ref(40, 1)}}), event(ref(41, 1), {u"f", ref(40, 1)}, file_create, 6)});
  history::Paths paths(graph);
  CHECK(last_path(paths, ref(41, 1)).grade == Grade::corroborated);
}

TEST_CASE("a deleted file keeps the name that its directory had then, however the directory was renamed since") {
  const auto graph = graph_of(
      {record(ref(40, 1), true, true, {{u"after", root}}), event(ref(40, 1), {u"before", root}, file_create, 1),
       event(ref(41, 1), {u"f", ref(40, 1)}, file_create, 2), event(ref(41, 1), {u"f", ref(40, 1)}, file_delete | usn_reason::close, 3),
       event(ref(40, 1), {u"before", root}, rename_old_name, 4), event(ref(40, 1), {u"after", root}, rename_new_name, 4)});
  history::Paths paths(graph);
  CHECK(last_path(paths, ref(41, 1)).text == u"\\before\\f");
}

TEST_CASE("a moved file has both paths, each in its time") {
  const FileReference f = ref(42, 1);
  const auto graph = graph_of({record(ref(40, 1), true, true, {{u"one", root}}), record(ref(41, 1), true, true, {{u"two", root}}),
                               event(f, {u"x", ref(40, 1)}, file_create, 1), event(f, {u"x", ref(40, 1)}, rename_old_name, 5),
                               event(f, {u"y", ref(41, 1)}, rename_new_name, 5), record(f, true, false, {{u"y", ref(41, 1)}})});
  history::Paths paths(graph);
  const auto& spans = paths.spans(f);
  REQUIRE(spans.size() == 2);
  CHECK(paths.path(f, spans[0], FileTime{1}).text == u"\\one\\x");
  CHECK(spans[0].until == FileTime{5});
  CHECK(paths.path(f, spans[1], FileTime{6}).text == u"\\two\\y");
  CHECK(spans[1].current);
}

TEST_CASE("a reused parent gives no path through its new owner") {
  const auto graph =
      graph_of({record(ref(40, 2), true, true, {{u"new owner", root}}), record(ref(41, 1), false, false, {{u"f", ref(40, 1)}})});
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(41, 1));
  CHECK(path.text == u"\u2026\\f");
  CHECK_FALSE(path.known);
  CHECK(path.note == "parent 40-1 reused: its name is not known");
}

TEST_CASE("a reused parent whose name another source knows gives the old path, and says from where") {
  const auto graph = graph_of({record(ref(40, 2), true, true, {{u"new owner", root}}), event(ref(40, 1), {u"old", root}, file_create, 1),
                               record(ref(41, 1), false, false, {{u"f", ref(40, 1)}})});
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(41, 1));
  CHECK(path.text == u"\\old\\f");
  CHECK(path.note == "parent 40-1 reused: name known from usn_journal");
}

TEST_CASE("directories that contain each other end the path with a note") {
  const auto graph = graph_of({record(ref(40, 1), true, true, {{u"a", ref(41, 1)}}), record(ref(41, 1), true, true, {{u"b", ref(40, 1)}})});
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(40, 1));
  CHECK_FALSE(path.known);
  CHECK(path.note.find("its own ancestor") != std::string::npos);
}

TEST_CASE("a parent that is no directory makes no path") {
  const auto graph = graph_of({record(ref(40, 1), true, false, {{u"file", root}}), record(ref(41, 1), false, false, {{u"f", ref(40, 1)}})});
  history::Paths paths(graph);
  CHECK_FALSE(last_path(paths, ref(41, 1)).known);
}

TEST_CASE("a name below $Extend\\$Deleted is an alias: the name before it stands") {
  const FileReference f = ref(42, 1), deleted = ref(30, 1);
  const auto graph =
      graph_of({record(ref(11, 11), true, true, {{u"$Extend", root}}), record(deleted, true, true, {{u"$Deleted", ref(11, 11)}}),
                event(f, {u"run.ps1", root}, file_create, 1), event(f, {u"run.ps1", root}, rename_old_name, 2),
                event(f, {u"000100000000002A00000001", deleted}, rename_new_name, 2),
                record(f, false, false, {{u"000100000000002A00000001", deleted}})});
  history::Paths paths(graph);
  CHECK(last_path(paths, f).text == u"\\run.ps1");
  CHECK(paths.spans(f).back().deletion_alias);
}

TEST_CASE("a parent under the end marker is inferred from the place, and the path graded so") {
  const auto graph =
      graph_of({record(ref(40, 1), true, true, {{u"d", root}}), slack(ref(41, 1), {u"child", ref(40, 1)}, ref(40, 1), false)});
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(41, 1));
  CHECK(path.text == u"\\d\\child");
  CHECK(path.grade == Grade::inferred);
}

TEST_CASE("find gives every reference that was at a path at any time, and the rows that have none") {
  const auto graph =
      graph_of({record(ref(40, 1), true, true, {{u"Plugins", root}}), record(ref(41, 2), true, true, {{u"Handler", ref(40, 1)}}),
                event(ref(50, 1), {u"handler", ref(40, 1)}, file_create, 1), slack({}, {u"HANDLER", ref(40, 1)}, ref(40, 1))});
  std::vector<history::RowIndex> nameless;
  const std::vector<std::u16string> path = history::path_components(u"C:\\plugins\\Handler");
  CHECK(history::find(graph, path, &nameless) == std::vector<FileReference>{ref(50, 1), ref(41, 2)});  // by value: the sequence is on top
  CHECK(nameless.size() == 1);
}

TEST_CASE("everything below a directory is selected once, also in cycles") {
  const auto graph =
      graph_of({record(ref(40, 1), true, true, {{u"a", root}}), record(ref(41, 1), true, true, {{u"b", ref(40, 1)}}),
                record(ref(42, 1), false, false, {{u"f", ref(41, 1)}}), event(ref(40, 1), {u"a", ref(41, 1)}, rename_new_name, 9)});
  const auto selection = history::select_below(graph, {{ref(40, 1)}, {}});
  CHECK(selection.references == std::vector<FileReference>{ref(40, 1), ref(41, 1), ref(42, 1)});
}

TEST_CASE("path components are split at either slash and know drive letters") {
  CHECK(history::path_components(u"C:\\a\\b") == std::vector<std::u16string>{u"a", u"b"});
  CHECK(history::path_components(u"/a//b/") == std::vector<std::u16string>{u"a", u"b"});
  CHECK(history::path_components(u"\\").empty());
}

TEST_CASE("a deleted directory whose record is not reused still names its children's path") {
  // NTFS's rule: a child keeps its parent's old sequence, which is the one before the free.
  const auto graph = graph_of({record(ref(40, 3), false, true, {{u"gone", root}}), record(ref(41, 1), false, false, {{u"f", ref(40, 3)}})});
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(41, 1));
  CHECK(path.text == u"\\gone\\f");
  CHECK(path.known);
  CHECK(path.note.empty());
}

TEST_CASE("a path is as good as the least of its parts") {
  // Hand-made: "f" has two kinds of evidence; its folder one, two, or a name whose place is only inferred.
  const auto grade = [](std::vector<Sighting> folder) {
    folder.push_back(record(ref(41, 1), true, false, {{u"f", ref(40, 1)}}));
    folder.push_back(event(ref(41, 1), {u"f", ref(40, 1)}, file_create, 6));
    const auto graph = graph_of(folder);
    history::Paths paths(graph);
    return last_path(paths, ref(41, 1)).grade;
  };
  CHECK(grade({record(ref(40, 1), true, true, {{u"d", root}}), slack(ref(40, 1), {u"d", root}, root)}) == Grade::corroborated);
  CHECK(grade({record(ref(40, 1), true, true, {{u"d", root}})}) == Grade::established);
  CHECK(grade({slack(ref(40, 1), {u"d", root}, root), slack(ref(40, 1), {u"d", root}, root)}) == Grade::established);  // one kind, twice
  CHECK(grade({slack(ref(40, 1), {u"d", root}, root, false)}) == Grade::inferred);
  CHECK(grade({slack(ref(40, 1), {u"d", root}, root, false), record(ref(40, 1), true, true, {{u"d", root}})}) == Grade::established);
}

TEST_CASE("a name whose parent is lost and that lies nowhere has no path above it") {
  Sighting lost = slack(ref(41, 1), {u"f", FileReference{0x1147'7982'FFFF'FFFF}}, ref(40, 1), false);
  lost.names.back().parent_inferred = false;
  const auto graph = graph_of({record(ref(40, 1), true, true, {{u"d", root}}), lost});
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(41, 1));
  CHECK(path.text == u"\u2026\\f");
  CHECK_FALSE(path.known);
  CHECK(path.note == "its parent is overwritten");
}

TEST_CASE("the root's path is a backslash") {
  const auto graph = graph_of({});
  history::Paths paths(graph);
  const auto path = last_path(paths, root);
  CHECK(path.text == u"\\");
  CHECK(path.known);
}

TEST_CASE("a reused parent that only slack names gives the old path, and every such parent is told") {
  const auto graph = graph_of({record(ref(40, 2), true, true, {{u"new", root}}), record(ref(41, 2), true, true, {{u"new too", root}}),
                               slack(ref(40, 1), {u"old", root}, root), event(ref(41, 1), {u"older", ref(40, 1)}, file_create, 1),
                               record(ref(42, 1), false, false, {{u"f", ref(41, 1)}})});
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(42, 1));
  CHECK(path.text == u"\\old\\older\\f");
  CHECK(path.note == "parent 41-1 reused: name known from usn_journal; parent 40-1 reused: name known from index_slack");
}

TEST_CASE("a moved directory takes its files along: each time has its own path") {
  const FileReference d = ref(42, 1), f = ref(43, 1);
  const auto graph = graph_of({record(ref(40, 1), true, true, {{u"one", root}}), record(ref(41, 1), true, true, {{u"two", root}}),
                               event(d, {u"d", ref(40, 1)}, file_create, 1), event(f, {u"f", d}, file_create, 2),
                               event(d, {u"d", ref(40, 1)}, rename_old_name, 5), event(d, {u"d", ref(41, 1)}, rename_new_name, 5),
                               record(f, true, false, {{u"f", d}})});
  history::Paths paths(graph);
  const history::NameSpan& name = *paths.last_name(f);
  CHECK(paths.path(f, name, FileTime{3}).text == u"\\one\\d\\f");
  CHECK(paths.path(f, name, FileTime{7}).text == u"\\two\\d\\f");
  CHECK(paths.path(f, name, no_time).text == u"\\two\\d\\f");
}

TEST_CASE("a path deeper than is followed is not called a cycle") {
  // Hand-made: 600 directories named "d" are 1,200 units, well within what Windows accepts (32,767).
  std::vector<Sighting> sightings;
  for (std::uint64_t entry = 100; entry < 700; ++entry)
    sightings.push_back(record(ref(entry, 1), true, true, {{u"d", entry == 100 ? root : ref(entry - 1, 1)}}));
  const auto graph = graph_of(sightings);
  history::Paths paths(graph);
  const auto path = last_path(paths, ref(699, 1));
  CHECK_FALSE(path.known);
  CHECK(path.note == "more than 512 directories deep");
}
