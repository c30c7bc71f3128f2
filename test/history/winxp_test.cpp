// Oracle: DFIR-ORC's sample of a real Windows XP system, in which 737 names point at a parent whose record is in use at sequence + 1.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "carvers/record_pass.hpp"
#include "history/graph.hpp"
#include "history/paths.hpp"
#include "image/open.hpp"
#include "ntfs/volume.hpp"
#include "real_data.hpp"

using namespace trimcarve;

TEST_CASE("of a real volume's names 737 have a parent that was reused, and none of them gets a path through it") {
  const std::string path = test::unpacked_data("mft/mft_winxp.xz");
  if (path.empty()) return;
  const auto mft = image::open_file(path, 0);
  const auto volume = ntfs::open_mft_artefact(mft.source, nullptr);
  REQUIRE(volume);
  history::Graph graph(volume->up_case(), volume->record_count());
  carvers::RecordPassOptions options;
  options.record_size = volume->record_size();
  std::vector<FileReference> parents;
  carvers::carve_records(*volume->mft(), options, [&](const Sighting& s) {
    if (s.source != SourceKind::mft) return;
    graph.add(s);
    for (const NameFact& name : s.names) parents.push_back(name.parent);
  });
  graph.finish();
  std::size_t reused = 0, by_the_next_owner = 0;
  for (const FileReference parent : parents) {
    if (graph.standing(parent) != history::Graph::Standing::reused) continue;
    ++reused;
    const history::RecordSlot& slot = *graph.record(parent.entry());
    by_the_next_owner += slot.in_use && slot.stored_sequence == parent.sequence() + 1 ? 1U : 0U;
  }
  CHECK(by_the_next_owner == 737);  // in use at sequence + 1
  CHECK(reused == 800);             // and 63 whose parent's record has had more owners since

  history::Paths paths(graph);
  std::vector<history::RowIndex> children;
  for (const FileReference parent : parents) {
    if (graph.standing(parent) != history::Graph::Standing::reused) continue;
    graph.children(parent, children);
    for (const history::RowIndex i : children) {
      const history::Path made = paths.path(graph.rows()[i], i);
      CHECK_FALSE(made.known);
      CHECK(made.text.find(u"\\", 2) == std::u16string::npos);  // "…\name": nothing above it is claimed
    }
  }
}

// A shadow copy's graph: the plain way, all records added, vouches for the fast one.
TEST_CASE("a graph that takes part of another's records and reads the rest equals one that reads all") {
  const std::string path = test::unpacked_data("mft/mft_winxp.xz");
  if (path.empty()) return;
  const auto mft = image::open_file(path, 0);
  const auto volume = ntfs::open_mft_artefact(mft.source, nullptr);
  REQUIRE(volume);
  const std::uint64_t slots = volume->record_count();
  const auto read = [&](history::Graph& graph, std::optional<std::vector<carvers::RecordStretch>> only) {
    carvers::RecordPassOptions options;
    options.record_size = volume->record_size();
    options.only = std::move(only);
    carvers::carve_records(*volume->mft(), options, [&](const Sighting& s) {
      if (s.source != SourceKind::index) graph.add(s);
    });
  };
  history::Graph all(volume->up_case(), slots);
  read(all, std::nullopt);
  history::Graph base(all, {}, volume->record_size());  // before finish, as it is taken
  all.finish();

  std::vector<bool> left_out(slots, false);
  std::vector<carvers::RecordStretch> stretches;
  for (std::uint64_t entry = 3; entry + 5 < slots; entry += 7 + entry % 13) {
    const std::uint64_t count = 1 + entry % 4;
    stretches.push_back({entry, count});
    for (std::uint64_t e = entry; e < entry + count; ++e) left_out[e] = true;
  }
  history::Graph joined(base, left_out, volume->record_size());
  CHECK(joined.rows().size() < all.rows().size());
  read(joined, stretches);
  joined.finish();

  REQUIRE(joined.rows().size() == all.rows().size());
  CHECK(joined.claims().size() == all.claims().size());
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, SourceKind, std::u16string>;
  const auto names = [](const history::Graph& graph, std::uint64_t entry) {
    std::vector<Key> out;
    for (auto i = graph.first_row(entry); i != history::no_row; i = graph.rows()[i].next) {
      const history::NameRow& row = graph.rows()[i];
      out.emplace_back(row.reference.value, row.parent.value, row.locator, row.source, graph.name(row));
    }
    std::ranges::sort(out);
    return out;
  };
  std::vector<history::RowIndex> a, b;
  std::vector<std::uint64_t> more_a, more_b;
  std::size_t different = 0;
  for (std::uint64_t entry = 0; entry < slots; ++entry) {
    different += names(joined, entry) != names(all, entry);
    const history::RecordSlot *x = joined.record(entry), *y = all.record(entry);
    different += (x == nullptr) != (y == nullptr);
    if (x == nullptr || y == nullptr) continue;
    different += x->identity != y->identity || x->in_use != y->in_use || x->stored_sequence != y->stored_sequence;
    joined.children(x->identity, a), all.children(x->identity, b);
    joined.extensions(x->identity, more_a), all.extensions(x->identity, more_b);
    different += a.size() != b.size() || more_a != more_b;
  }
  CHECK(different == 0);
}
