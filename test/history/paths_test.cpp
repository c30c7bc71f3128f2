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
