// Oracle: DFIR-ORC's sample of a real Windows XP system, in which 737 names point at a parent whose record is in use at sequence + 1.
#include <doctest/doctest.h>

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
