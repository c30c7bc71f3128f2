// Which files belong to a path. Expectations: hand-made directories and what stood in them at each time; names are compared as Windows
// does, without regard to case.
#include "history/select.hpp"

#include <doctest/doctest.h>

#include "history/sightings.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::usn_reason;

namespace {

using References = std::vector<FileReference>;

References find(const history::Graph& graph, std::u16string_view path, std::vector<history::RowIndex>* nameless = nullptr) {
  return history::find(graph, history::path_components(path), nameless);
}

}  // namespace

TEST_CASE("a drive alone, a slash and nothing at all are the root") {
  CHECK(history::path_components(u"C:").empty());
  CHECK(history::path_components(u"").empty());
  CHECK(history::path_components(u"d:/a\\b/c") == std::vector<std::u16string>{u"a", u"b", u"c"});
  CHECK(history::path_components(u"ab:c") == std::vector<std::u16string>{u"ab:c"});  // no drive letter: a stream's name
  CHECK(find(graph_of({}), u"\\") == References{root});
}

TEST_CASE("two folders of one name, one after the other, are both found, and the files of each below its own") {
  // The first was deleted and its record is free; the second was made under the same name in another record.
  const auto graph =
      graph_of({record(ref(40, 1), false, true, {{u"Plugins", root}}), record(ref(41, 1), true, true, {{u"PLUGINS", root}}),
                record(ref(42, 1), false, false, {{u"old.ps1", ref(40, 1)}}), record(ref(43, 1), true, false, {{u"new.ps1", ref(41, 1)}})});
  CHECK(find(graph, u"\\plugins") == References{ref(40, 1), ref(41, 1)});
  CHECK(find(graph, u"\\plugins\\old.ps1") == References{ref(42, 1)});
  CHECK(history::select_below(graph, {{ref(40, 1)}, {}}).references == References{ref(40, 1), ref(42, 1)});
}

TEST_CASE("two folders of one name that had the same record, one after the other, are told apart by their sequences") {
  const auto graph =
      graph_of({event(ref(40, 1), {u"Handler", root}, file_create, 10), record(ref(40, 2), true, true, {{u"Handler", root}}),
                record(ref(42, 1), false, false, {{u"old.ps1", ref(40, 1)}}), record(ref(43, 1), true, false, {{u"new.ps1", ref(40, 2)}})});
  CHECK(find(graph, u"\\Handler") == References{ref(40, 1), ref(40, 2)});
  CHECK(history::select_below(graph, {{ref(40, 1)}, {}}).references == References{ref(40, 1), ref(42, 1)});
  CHECK(history::select_below(graph, {{ref(40, 2)}, {}}).references == References{ref(40, 2), ref(43, 1)});
}

TEST_CASE("a folder is found at a path that it has left, and so are the files that it had") {
  const FileReference folder = ref(40, 1);
  const auto graph = graph_of({event(folder, {u"before", root}, rename_old_name, 10), record(folder, true, true, {{u"after", root}}),
                               record(ref(41, 1), true, false, {{u"x", folder}})});
  CHECK(find(graph, u"\\before\\x") == References{ref(41, 1)});
  CHECK(find(graph, u"\\after\\x") == References{ref(41, 1)});
  CHECK(find(graph, u"\\never\\x").empty());
}

TEST_CASE("the next owner of a folder's record lends its children to nobody") {
  const auto graph =
      graph_of({record(ref(40, 2), true, true, {{u"next owner", root}}), record(ref(41, 1), false, false, {{u"x.ps1", ref(40, 1)}})});
  CHECK(find(graph, u"\\next owner\\x.ps1").empty());
  CHECK(history::select_below(graph, {{ref(40, 2)}, {}}).references == References{ref(40, 2)});
}

TEST_CASE("a name whose own reference is lost counts at the last component only: nothing can be looked for below it") {
  const auto graph = graph_of({record(ref(40, 1), true, true, {{u"Plugins", root}}), slack({}, {u"Handler", ref(40, 1)}, ref(40, 1)),
                               record(ref(41, 1), true, false, {{u"1.7", FileReference{}}})});
  std::vector<history::RowIndex> nameless;
  CHECK(find(graph, u"\\Plugins\\Handler", &nameless).empty());
  REQUIRE(nameless.size() == 1);
  CHECK(graph.name(graph.rows()[nameless[0]]) == u"Handler");
  nameless.clear();
  CHECK(find(graph, u"\\Plugins\\Handler\\1.7", &nameless).empty());
  CHECK(nameless.empty());
}

TEST_CASE("below a folder lie also the names whose own reference is lost, each once") {
  const auto graph = graph_of({record(ref(40, 1), true, true, {{u"Plugins", root}}), slack({}, {u"a", ref(40, 1)}, ref(40, 1)),
                               slack({}, {u"bb", ref(40, 1)}, ref(40, 1)), slack({}, {u"elsewhere", root}, root)});
  history::Selection tops{{ref(40, 1)}, {}};
  find(graph, u"\\Plugins\\a", &tops.nameless);
  const auto selection = history::select_below(graph, tops);
  REQUIRE(selection.nameless.size() == 2);
  CHECK(graph.name(graph.rows()[selection.nameless[0]]) == u"a");
  CHECK(graph.name(graph.rows()[selection.nameless[1]]) == u"bb");
}

TEST_CASE("parents come before their children, however deep and in whatever order they were read") {
  const auto graph = graph_of({record(ref(40, 1), false, false, {{u"file", ref(42, 1)}}), record(ref(41, 1), false, true, {{u"top", root}}),
                               record(ref(42, 1), false, true, {{u"middle", ref(41, 1)}})});
  CHECK(history::select_below(graph, {{ref(41, 1)}, {}}).references == References{ref(41, 1), ref(42, 1), ref(40, 1)});
}
