// Expectations: NTFS's rules of reuse (a freed record's sequence is raised, the next owner keeps it; a child keeps its parent's old
// reference), worked by hand.
#include "history/graph.hpp"

#include <doctest/doctest.h>

#include "history/sightings.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using Standing = history::Graph::Standing;

TEST_CASE("a reference is live when its record is in use with the same sequence, deleted when it was the owner before the free") {
  const auto graph = graph_of({record(ref(40, 3), true, true, {{u"live", root}}), record(ref(41, 3), false, true, {{u"gone", root}})});
  CHECK(graph.standing(ref(40, 3)) == Standing::live);
  CHECK(graph.standing(ref(41, 3)) == Standing::deleted);
}

TEST_CASE("in every other case the record was reused, in use at sequence + 1 above all") {
  const auto graph =
      graph_of({record(ref(40, 4), true, true, {{u"next owner", root}}), record(ref(41, 7), false, true, {{u"later", root}})});
  CHECK(graph.standing(ref(40, 3)) == Standing::reused);
  CHECK(graph.standing(ref(41, 3)) == Standing::reused);
  CHECK(graph.standing(ref(41, 8)) == Standing::reused);
}

TEST_CASE("a free record whose sequence tells nothing, and one that was never read, leave the standing unknown") {
  Sighting at_one = record(ref(40, 0), false, true, {{u"whose", root}});
  at_one.reference_known = false;
  at_one.record_sequence = 1;
  const auto graph = graph_of({at_one});
  CHECK(graph.standing(ref(40, 0xFFFF)) == Standing::unknown);
  CHECK(graph.standing(ref(40, 1)) == Standing::unknown);
  CHECK(graph.standing(ref(4000, 1)) == Standing::unknown);
}

TEST_CASE("names of an extension record belong to its base, also when the base is gone") {
  Sighting extension = record(ref(41, 1), true, false, {{u"long name", root}});
  extension.base_is_elsewhere = true;
  extension.reference = ref(40, 2);
  const auto graph = graph_of({extension});
  REQUIRE(graph.first_row(40) != history::no_row);
  CHECK(graph.rows()[graph.first_row(40)].reference == ref(40, 2));
  std::vector<std::uint64_t> extensions;
  graph.extensions(ref(40, 2), extensions);
  CHECK(extensions == std::vector<std::uint64_t>{41});
}

TEST_CASE("children are those of the exact reference, not of the entry's next owner") {
  const auto graph = graph_of(
      {record(ref(41, 1), true, false, {{u"of the old", ref(40, 1)}}), record(ref(42, 1), true, false, {{u"of the new", ref(40, 2)}})});
  std::vector<history::RowIndex> children;
  graph.children(ref(40, 1), children);
  REQUIRE(children.size() == 1);
  CHECK(graph.name(graph.rows()[children[0]]) == u"of the old");
}

TEST_CASE("an 8.3 name is left out beside the record's other name, and kept where it stands alone") {
  const auto graph =
      graph_of({record(ref(40, 1), true, false, {{u"LONGNA~1.TXT", root, NameSpace::dos}, {u"long name.txt", root, NameSpace::win32}}),
                record(ref(41, 1), true, false, {{u"ALONE~1.TXT", root, NameSpace::dos}})});
  const auto first = graph.first_row(40);
  REQUIRE(first != history::no_row);
  CHECK(graph.name(graph.rows()[first]) == u"long name.txt");
  CHECK(graph.rows()[first].next == history::no_row);
  CHECK(graph.rows()[graph.first_row(41)].alias);
}

TEST_CASE("consecutive journal records under one name are one span; a name that ended begins a new one when it comes back") {
  using namespace usn_reason;
  const FileReference f = ref(40, 1);
  const auto graph =
      graph_of({event(f, {u"a", root}, file_create, 10), event(f, {u"a", root}, file_create | data_extend | usn_reason::close, 11),
                event(f, {u"a", root}, rename_old_name, 12), event(f, {u"b", root}, rename_new_name, 12),
                event(f, {u"b", root}, rename_old_name, 13), event(f, {u"a", root}, rename_new_name, 13)});
  std::vector<std::u16string> names;
  for (auto i = graph.first_row(40); i != history::no_row; i = graph.rows()[i].next) names.emplace_back(graph.name(graph.rows()[i]));
  CHECK(names == std::vector<std::u16string>{u"a", u"b", u"a"});
  CHECK(graph.events().size() == 6);
}

TEST_CASE("a record far behind all others and references out of garbage cost no array of that size") {
  Sighting far = record(ref(0xFFFF'0000, 1), true, false, {{u"far", root}});
  const auto graph = graph_of({far, event(ref(0xFFFF'FFFF'FFFF, 9), {u"garbage", ref(0xFFFF'FFFF'FFF0, 1)}, usn_reason::file_create, 5)});
  CHECK(graph.memory() < (32U << 20));
  CHECK(graph.standing(ref(0xFFFF'0000, 1)) == Standing::live);
  std::vector<history::RowIndex> children;
  graph.children(ref(0xFFFF'FFFF'FFF0, 1), children);
  CHECK(children.size() == 1);
}

TEST_CASE("the identity before the free may be 0xFFFF, at which sequences wrap") {
  // NTFS's rule: a free record at 0 was 0xFFFF. The carver works that out (mft_test); here it must stand as any other.
  const auto graph = graph_of({record(ref(40, 0xFFFF), false, true, {{u"wrapped", root}})});
  REQUIRE(graph.record(40) != nullptr);
  CHECK(graph.record(40)->stored_sequence == 0);
  CHECK(graph.standing(ref(40, 0xFFFF)) == Standing::deleted);
  CHECK(graph.standing(ref(40, 0)) == Standing::reused);
}

TEST_CASE("a reference to a record that is an extension now was reused; to one that is a free extension, nobody can tell") {
  Sighting used = record(ref(41, 1), true, false, {{u"a", root}}), freed = record(ref(42, 1), false, false, {{u"b", root}});
  used.base_is_elsewhere = freed.base_is_elsewhere = true;
  used.reference = freed.reference = ref(40, 2);
  const auto graph = graph_of({used, freed});
  CHECK(graph.standing(ref(41, 1)) == Standing::reused);
  CHECK(graph.standing(ref(42, 1)) == Standing::unknown);
}

TEST_CASE("rows of all who had a record are kept, each under its own reference, newest first") {
  const auto graph = graph_of({record(ref(40, 3), true, false, {{u"third", root}}), slack(ref(40, 2), {u"second", root}, root),
                               event(ref(40, 1), {u"first", root}, usn_reason::file_create, 5)});
  std::vector<std::pair<FileReference, std::u16string>> rows;
  for (auto i = graph.first_row(40); i != history::no_row; i = graph.rows()[i].next)
    rows.emplace_back(graph.rows()[i].reference, graph.name(graph.rows()[i]));
  CHECK(rows ==
        std::vector<std::pair<FileReference, std::u16string>>{{ref(40, 1), u"first"}, {ref(40, 2), u"second"}, {ref(40, 3), u"third"}});
}

TEST_CASE("the names of a free record without a known owner are kept under no real reference") {
  Sighting at_one = record(ref(40, 0), false, true, {{u"whose", root}});
  at_one.reference_known = false;
  at_one.record_sequence = 1;
  const auto graph = graph_of({at_one});
  REQUIRE(graph.first_row(40) != history::no_row);
  CHECK(graph.rows()[graph.first_row(40)].reference == ref(40, 0));
}

TEST_CASE("two journals do not share a span: what one saw end, the other may still have seen") {
  using namespace usn_reason;
  // Hand-made. The live journal (70) was read first and knows the file as "a" at 900; the older one (60) saw it lose that name at 80.
  const FileReference f = ref(40, 1);
  const auto graph = graph_of({event(f, {u"a", root}, data_extend, 900, 70), event(f, {u"a", root}, file_create, 50, 60),
                               event(f, {u"a", root}, rename_old_name, 80, 60), event(f, {u"b", root}, rename_new_name, 80, 60)});
  struct Span {
    std::u16string name;
    FileTime first, last;
    bool ended;
    bool operator==(const Span&) const = default;
  };
  std::vector<Span> spans;
  for (auto i = graph.first_row(40); i != history::no_row; i = graph.rows()[i].next) {
    const history::NameRow& row = graph.rows()[i];
    spans.push_back({std::u16string(graph.name(row)), row.first_seen, row.last_seen, row.ended});
  }
  CHECK(spans == std::vector<Span>{{u"b", {80}, {80}, false}, {u"a", {50}, {80}, true}, {u"a", {900}, {900}, false}});
  CHECK(std::vector(graph.journals().begin(), graph.journals().end()) == std::vector<std::uint64_t>{70, 60});
}

TEST_CASE("a span's reasons and last time grow with each record of its name") {
  using namespace usn_reason;
  const FileReference f = ref(40, 1);
  const auto graph = graph_of({event(f, {u"a", root}, file_create, 10), event(f, {u"a", root}, data_extend, 12),
                               event(f, {u"a", root}, file_delete | usn_reason::close, 15)});
  const history::NameRow& row = graph.rows()[graph.first_row(40)];
  CHECK(row.next == history::no_row);
  CHECK(row.first_seen == FileTime{10});
  CHECK(row.last_seen == FileTime{15});
  CHECK(row.reasons == (file_create | data_extend | file_delete | usn_reason::close));
  CHECK(row.began);
  CHECK(row.ended);
}

TEST_CASE("extents of one base are listed once and in order, those of its entry's other owners apart") {
  std::vector<Sighting> all;
  for (const auto& [entry, base] : {std::pair{44U, ref(40, 2)}, {42U, ref(40, 2)}, {43U, ref(40, 1)}, {42U, ref(40, 2)}}) {
    Sighting& extension = all.emplace_back(record(ref(entry, 1), true, false, {}));
    extension.base_is_elsewhere = true;
    extension.reference = base;
  }
  const auto graph = graph_of(all);
  std::vector<std::uint64_t> found;
  graph.extensions(ref(40, 2), found);
  CHECK(found == std::vector<std::uint64_t>{42, 44});
  graph.extensions(ref(40, 1), found);
  CHECK(found == std::vector<std::uint64_t>{43});
}
