// A graph of sightings made of the input's bytes: few entries and names, so that references meet, cycle, wrap and contradict each other.
// Everything that history works out of it must end, and keep its own rules.
#include <algorithm>
#include <cstdlib>

#include "history/cluster_owners.hpp"
#include "history/deletion.hpp"
#include "history/paths.hpp"
#include "history/select.hpp"

namespace {

using namespace trimcarve;

struct Input {
  const std::uint8_t* at;
  const std::uint8_t* end;
  bool empty() const { return at == end; }
  std::uint8_t byte() { return at == end ? std::uint8_t{0} : *at++; }
};

FileReference reference(Input& in) {
  static constexpr std::uint16_t sequences[] = {0, 1, 2, 5, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF};
  const std::uint8_t b = in.byte();
  const std::uint64_t entry = b >> 3;
  // Entries of the first records, and some that no $MFT holds.
  return FileReference::of(entry < 28 ? entry : std::uint64_t{1} << (entry + 17), sequences[b & 7]);
}

void add_name(Input& in, Sighting& s) {
  static constexpr std::u16string_view names[] = {u"a", u"A", u"$Deleted", u"$Extend", u"0005000000000006AAAAAAAA", u"", u"b~1", u"long"};
  const std::uint8_t b = in.byte();
  const std::u16string_view name = names[b & 7];
  NameFact& fact = s.names.emplace_back();
  fact.text = static_cast<std::uint32_t>(s.text.size());
  fact.length = static_cast<std::uint16_t>(name.size());
  fact.name_space = (b & 8) != 0 ? NameSpace::dos : NameSpace::win32;
  fact.parent_known = (b & 0x30) != 0;
  fact.parent_inferred = (b & 0x30) == 0x10;
  fact.parent = reference(in);
  s.text += name;
}

Sighting sighting(Input& in) {
  Sighting s;
  const std::uint8_t b = in.byte();
  s.reference = reference(in);
  s.reference_known = (b & 0x80) == 0;
  s.place.offset = in.byte();
  switch (b & 3) {
    case 0:
      s.source = SourceKind::mft;
      s.has_record = true;
      s.in_use = (b & 4) != 0;
      s.directory = (b & 8) != 0;
      s.base_is_elsewhere = (b & 16) != 0;
      s.record_entry = s.base_is_elsewhere ? in.byte() : s.reference.entry();
      for (int i = 0; i < ((b >> 5) & 3); ++i) {
        s.streams.push_back({.first_run = static_cast<std::uint32_t>(i), .run_count = 1});
        s.runs.push_back({0, static_cast<std::int64_t>(in.byte()) << (in.byte() & 31), std::uint64_t{in.byte()} << (in.byte() & 31)});
      }
      break;
    case 1:
      s.source = SourceKind::usn_journal;
      s.reference_known = s.has_usn = true;
      s.place.stream = StreamKind::usn_journal;
      s.place.owner = 60 + ((b >> 2) & 1);
      s.usn.time = FileTime{in.byte()};
      s.usn.reason = ((b & 8) != 0 ? usn_reason::file_create : 0U) | ((b & 16) != 0 ? usn_reason::rename_old_name : 0U) |
                     ((b & 32) != 0 ? usn_reason::rename_new_name : 0U) | ((b & 64) != 0 ? usn_reason::file_delete : 0U);
      break;
    case 2: s.source = (b & 4) != 0 ? SourceKind::index : SourceKind::index_slack; break;
    default: s.source = SourceKind::record_slack; break;
  }
  if (!s.reference_known && s.source != SourceKind::mft) s.reference = {};
  for (int i = in.byte() & 3; i > 0; --i) add_name(in, s);
  return s;
}

void check_path(const history::Path& path) {
  if (path.text.empty() || path.text.size() > 70'000 || path.rows.size() > 513) std::abort();
  if (path.known != (path.text.front() == u'\\')) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  Input in{data, data + size};
  history::Graph graph(ntfs::UpCase{}, in.byte());
  const std::uint8_t finish_after = in.byte();
  for (unsigned n = 0; !in.empty(); ++n) {
    graph.add(sighting(in));
    if (n == finish_after) graph.finish();
  }
  graph.finish();

  history::Paths paths(graph);
  std::vector<history::DeletionNode> nodes;
  std::vector<FileReference> all;
  for (history::RowIndex i = 0; i < graph.rows().size(); ++i) {
    const history::NameRow& row = graph.rows()[i];
    check_path(paths.path(row, i));
    if (row.reference.value == 0) continue;
    // Every row must be found again by the entry it speaks of.
    history::RowIndex found = graph.first_row(row.reference.entry());
    while (found != history::no_row && found != i) found = graph.rows()[found].next;
    if (found != i) std::abort();
    all.push_back(row.reference);
    for (const history::NameSpan& span : paths.spans(row.reference)) check_path(paths.path(row.reference, span, span.last_seen));
    if (paths.name_at(row.reference, FileTime{finish_after}) == nullptr || paths.last_name(row.reference) == nullptr) std::abort();
  }
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  for (const FileReference r : all) {
    history::DeletionNode& node = nodes.emplace_back();
    node.deleted = graph.standing(r) != history::Graph::Standing::live;
    const history::NameSpan* name = paths.last_name(r);
    const auto parent = std::ranges::lower_bound(all, name->parent);
    if (parent != all.end() && *parent == name->parent && *parent != r) node.parent = parent - all.begin();
    if (name->first_seen != no_time) node.alive.push_back({name->first_seen, "first", {}});
    if (name->last_seen != no_time) node.gone.push_back({name->last_seen, "last", {}});
    if (name->until != no_time) node.deleted_at.push_back({name->until, "deleted", {}});
  }
  history::bound_deletions(nodes);
  for (const history::DeletionNode& node : nodes)
    if (node.bounds.earliest && node.bounds.latest && *node.bounds.earliest > *node.bounds.latest) std::abort();

  history::Selection tops;
  const std::u16string path[] = {u"a", u"A"};
  tops.references = history::find(graph, path, &tops.nameless);
  tops.references.push_back(graph.root());
  const auto selection = history::select_below(graph, std::move(tops));
  if (selection.nameless.size() > graph.rows().size()) std::abort();

  const history::ClusterOwners owners(graph, {{0, 0xFFFF'FFFF, 0}});
  std::vector<history::Claim> claims;
  for (const FileReference r : all) {
    owners.others(64, 1 << 20, r, claims);
    for (const history::Claim& claim : claims)
      if (claim.lcn < 64 || claim.lcn + claim.clusters > 64 + (1 << 20) || claim.clusters == 0) std::abort();
  }
  return 0;
}
