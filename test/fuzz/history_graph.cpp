// A graph of whatever references, names and events the input says: it must be walked in bounded time.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "history/deletion.hpp"
#include "history/paths.hpp"
#include "history/select.hpp"

using namespace trimcarve;

namespace {

// Twelve bytes a sighting: few distinct entries, so that they meet.
Sighting sighting_of(const std::uint8_t* b, std::uint64_t n) {
  Sighting s;
  const auto reference = [](std::uint8_t entry, std::uint8_t sequence) {
    return FileReference::of(entry >= 250 ? 0xFFFF'FFFF'0000ULL + entry : entry % 32, sequence % 4);
  };
  s.source = static_cast<SourceKind>(b[0] % 5);
  s.reference = reference(b[1], b[2]);
  s.reference_known = (b[0] & 0x80) == 0;
  s.place = {s.source == SourceKind::usn_journal ? StreamKind::usn_journal : StreamKind::mft, b[3] % 3U, n * 64, 64};
  if (s.source == SourceKind::mft) {
    s.has_record = true;
    s.record_entry = s.reference.entry() & 0xFFFF'FFFF;
    s.record_sequence = s.reference.sequence();
    s.in_use = (b[4] & 1) != 0;
    s.directory = (b[4] & 2) != 0;
    s.base_is_elsewhere = (b[4] & 12) == 12;
    s.runs.push_back({b[5], b[6] - 1, std::uint64_t{1} << (b[7] % 64)});
    s.streams.push_back({.start_vcn = 0, .first_run = 0, .run_count = 1});
  }
  if (s.source == SourceKind::usn_journal) {
    s.has_usn = true;
    s.usn.time = FileTime{b[5]};
    s.usn.reason = static_cast<std::uint32_t>(b[6]) << 8;
  }
  NameFact fact;
  s.text.assign(b[8] % 5U, static_cast<char16_t>(u'a' + b[8] % 3));
  if (b[8] % 7 == 0) s.text = u"$Deleted";
  fact.length = static_cast<std::uint16_t>(s.text.size());
  fact.name_space = static_cast<NameSpace>(b[9] % 4);
  fact.parent = reference(b[10], b[11]);
  fact.parent_known = (b[9] & 0x80) == 0;
  fact.parent_inferred = !fact.parent_known && (b[9] & 0x40) != 0;
  s.names.push_back(fact);
  return s;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  history::Graph graph(ntfs::UpCase(), 16);
  const std::size_t count = std::min<std::size_t>(size / 12, 400);
  for (std::size_t i = 0; i < count; ++i) graph.add(sighting_of(data + i * 12, i));
  graph.finish();
  history::Paths paths(graph);
  (void)history::select_below(graph, {{graph.root()}, {}});
  std::vector<history::DeletionNode> nodes;
  for (std::size_t i = 0; i < graph.rows().size(); ++i) {
    const history::NameRow& row = graph.rows()[i];
    for (const history::NameSpan& span : paths.spans(row.reference)) (void)paths.path(row.reference, span, span.last_seen);
    (void)paths.path(row, static_cast<history::RowIndex>(i));
    (void)paths.name_at(row.reference, row.first_seen);
    (void)graph.standing(row.parent);
    history::DeletionNode& node = nodes.emplace_back();
    node.deleted = i % 3 != 0;
    node.parent = static_cast<std::ptrdiff_t>(row.parent.entry() % (graph.rows().size() + 1)) - 1;
    node.alive = {{row.first_seen, "a", {}}};
    node.gone = {{row.last_seen, "g", {}}};
  }
  history::bound_deletions(nodes);
  const std::vector<std::u16string> wanted{u"aa", u"bb"};
  (void)history::find(graph, wanted);
  return 0;
}
