#include "carvers/index.hpp"

#include <algorithm>
#include <vector>

#include "carvers/facts.hpp"
#include "ntfs/file_name_scan.hpp"
#include "ntfs/index.hpp"

namespace trimcarve::carvers {

namespace {

constexpr std::uint32_t entry_header = 16;
constexpr std::size_t chunk_size = std::size_t{1} << 20;

// One node: the value of an $INDEX_ROOT or an INDX block, and what is known of the directory.
struct NodeView {
  std::uint32_t volume = 0;
  std::optional<FileReference> directory;
  ByteView bytes;  // after fix-ups
  Place base;      // of bytes[0]; its length is not used
  std::uint64_t lsn = 0;
  ntfs::SectorSet bad;        // sectors of the record or block from which nothing is taken
  std::uint32_t in_unit = 0;  // where `bytes` begins in that record or block
  bool stale = false;         // the index's bitmap calls the block free

  bool torn(std::uint64_t offset, std::uint64_t length) const noexcept { return bad.touches(in_unit + offset, length); }
};

class NodeCarver {
 public:
  NodeCarver(const NodeView& view, Sighting& scratch, const SightingSink& sink, IndexTally& tally)
      : view_(view), scratch_(scratch), sink_(sink), tally_(tally) {}

  void entries(const ntfs::IndexNode& node) {
    ntfs::IndexWalk walk(view_.bytes, node);
    for (ntfs::IndexEntry entry; walk.next(entry);) {
      if (view_.torn(entry.offset, entry.length)) continue;
      const auto name = ntfs::decode_file_name(entry.key);
      if (!name) {
        damaged_ = true;
        continue;
      }
      const std::uint64_t length = std::max<std::uint64_t>(entry_header, entry.key_offset - entry.offset) + name->stored_size();
      Sighting& sighting = begin(entry.offset, length, view_.stale);
      sighting.integrity = Integrity::good;
      sighting.reference = entry.reference;
      sighting.reference_known = true;
      add_name(sighting, *name);
      emit(sighting);
    }
    if (!walk.has_last() || walk.skipped() != 0 || !node.sane) damaged_ = true;
    if (damaged_) ++tally_.damaged_nodes;
    scan(walk.slack_begin(), false);
  }

  // Names from `slack`, where bytes that are no live entry begin, to the end of the node.
  // `demand_proof`: the bytes are no INDX block, so a name must say itself that it belongs to this directory.
  void scan(std::uint32_t slack, bool demand_proof) {
    ntfs::FileNameScan scan(view_.bytes, slack, view_.bytes.size());
    for (ntfs::FileNameCandidate candidate; scan.next(candidate);) {
      const auto at = static_cast<std::uint32_t>(candidate.offset);
      const ntfs::FileName& name = candidate.file_name;
      if (view_.torn(at, name.stored_size())) continue;
      // The header counts only when all of it lies in slack and can be one.
      FileReference reference;
      if (at >= std::uint64_t{slack} + entry_header && !view_.torn(at - entry_header, entry_header))
        reference = ntfs::reference_before_file_name(view_.bytes, candidate).value_or(FileReference{});
      const bool reference_known = reference_possible(reference);
      const bool parent_lost = candidate.parent_lost || !reference_possible(name.parent);
      const bool own_child = !parent_lost && view_.directory && name.parent.entry() == view_.directory->entry();
      if (demand_proof && !own_child) continue;

      const std::uint32_t first = reference_known ? at - entry_header : std::max(at, slack);
      Sighting& sighting = begin(first, at + name.stored_size() - first, true);
      sighting.integrity = parent_lost ? Integrity::partial : Integrity::carved;
      sighting.reference = reference_known ? reference : FileReference{};
      sighting.reference_known = reference_known;
      if (!reference_known) ++tally_.references_lost;
      NameFact& fact = add_name(sighting, name);
      if (parent_lost) {
        fact.parent_known = false;
        fact.parent_inferred = view_.directory.has_value();
        fact.parent = view_.directory.value_or(FileReference{});
      }
      sighting.slack_role = SlackRole::directory_child;
      emit(sighting);
    }
  }

 private:
  Sighting& begin(std::uint64_t offset, std::uint64_t length, bool slack) {
    scratch_.clear();
    scratch_.source = slack ? SourceKind::index_slack : SourceKind::index;
    scratch_.volume = view_.volume;
    scratch_.place = view_.base;
    scratch_.place.offset += offset;
    scratch_.place.length = length;
    scratch_.lsn = view_.lsn;
    scratch_.has_container = view_.directory.has_value();
    scratch_.container = view_.directory.value_or(FileReference{});
    return scratch_;
  }

  void emit(const Sighting& sighting) {
    const NameFact& name = sighting.names.front();
    sighting.source == SourceKind::index ? ++tally_.live : ++tally_.slack;
    if (name.parent_known && view_.directory && name.parent != *view_.directory) ++tally_.foreign_parents;
    tally_.window.see(name.times.changed);
    sink_(sighting);
  }

  const NodeView& view_;
  Sighting& scratch_;
  const SightingSink& sink_;
  IndexTally& tally_;
  bool damaged_ = false;
};

class AllocationCarver {
 public:
  AllocationCarver(const ByteSource& source, const IndexOptions& options, const SightingSink& sink)
      : source_(source), options_(options), sink_(sink), block_size_(usable_size(options.block_size, 4096)) {}

  IndexTally run() {
    const std::uint64_t total = source_.size();
    std::vector<std::byte> buffer;
    for (const Extent& extent : source_.extents(0, total)) {
      if (extent.kind != ExtentKind::data && extent.kind != ExtentKind::unreadable)
        tally_.gaps.add(extent.offset, extent.length, GapKind::hole);
    }
    for (std::uint64_t at = 0; at < total; at += chunk_size) {
      if (options_.progress && !options_.progress(at, total)) {
        tally_.stopped = true;
        break;
      }
      buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_size, total - at)));
      read_and_carve(at, buffer);
    }
    return std::move(tally_);
  }

  void block_at(std::uint64_t offset) {
    if (offset >= source_.size()) return;
    offset -= offset % block_size_;
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(block_size_, source_.size() - offset)));
    read_and_carve(offset, buffer);
  }

 private:
  void read_and_carve(std::uint64_t at, std::span<std::byte> buffer) {
    unread_.clear();
    read_tolerant(source_, at, buffer, unread_);
    auto unread = unread_.begin();
    for (std::size_t i = 0; i < buffer.size(); i += block_size_) {
      const auto block = buffer.subspan(i, std::min<std::size_t>(block_size_, buffer.size() - i));
      const std::uint64_t offset = at + i;
      ntfs::SectorSet lost;
      while (unread != unread_.end() && unread->offset + unread->length <= offset) ++unread;
      for (auto u = unread; u != unread_.end() && u->offset < offset + block.size(); ++u) {
        const std::uint64_t first = std::max(u->offset, offset) - offset;
        const std::uint64_t end = std::min(u->offset + u->length, offset + block.size()) - offset;
        for (std::uint64_t s = first / ntfs::fix_up_stride; s * ntfs::fix_up_stride < end; ++s) lost.add(static_cast<std::size_t>(s));
        tally_.gaps.add(offset + first, end - first, GapKind::unreadable);
      }
      ++tally_.blocks;
      if (lost.count() * ntfs::fix_up_stride >= block.size())
        ++tally_.unreadable_blocks;
      else
        carve(offset, block, lost);
    }
  }

  void carve(std::uint64_t offset, std::span<std::byte> block, const ntfs::SectorSet& lost) {
    NodeView view;
    view.volume = options_.volume;
    view.directory = options_.directory;
    view.bytes = block;
    view.base = {StreamKind::index_allocation, options_.owner, offset, 0};
    view.bad = lost;
    NodeCarver node(view, scratch_, sink_, tally_);
    const bool in_use = !options_.directory_deleted && options_.bitmap && ntfs::index_block_in_use(*options_.bitmap, offset / block_size_);
    if (!ntfs::has_index_signature(block)) {
      if (in_use) ++tally_.damaged_live;
      if (all_zero(block)) {
        ++tally_.zero_blocks;
        return;
      }
      ++tally_.garbage_blocks;
      tally_.gaps.add(offset, block.size(), GapKind::garbage);
      node.scan(0, true);
      return;
    }
    view.stale = options_.directory_deleted || (options_.bitmap && !ntfs::index_block_in_use(*options_.bitmap, offset / block_size_));
    view.stale ? ++tally_.stale_blocks : ++tally_.live_blocks;
    const ntfs::FixUp fix = ntfs::apply_fix_up(block);
    for (std::size_t s = 0; s < block.size() / ntfs::fix_up_stride; ++s)
      if (fix.bad.contains(s)) view.bad.add(s);
    if (!view.bad.empty()) ++tally_.torn_blocks;
    if (!view.bad.empty() && in_use) ++tally_.damaged_live;
    const auto decoded = ntfs::decode_index_block(block);
    if (!decoded) {
      ++tally_.damaged_nodes;
      node.scan(0, false);
      return;
    }
    view.lsn = decoded->lsn;
    if (options_.vcn_unit != 0 && decoded->vcn * options_.vcn_unit != offset) ++tally_.misplaced_blocks;
    node.entries(decoded->node);
  }

  const ByteSource& source_;
  const IndexOptions& options_;
  const SightingSink& sink_;
  const std::uint32_t block_size_;
  std::vector<Unread> unread_;
  Sighting scratch_;
  IndexTally tally_;
};

}  // namespace

void IndexTally::add(const IndexTally& other) {
  roots += other.roots;
  blocks += other.blocks;
  live_blocks += other.live_blocks;
  stale_blocks += other.stale_blocks;
  zero_blocks += other.zero_blocks;
  garbage_blocks += other.garbage_blocks;
  unreadable_blocks += other.unreadable_blocks;
  torn_blocks += other.torn_blocks;
  misplaced_blocks += other.misplaced_blocks;
  damaged_nodes += other.damaged_nodes;
  damaged_live += other.damaged_live;
  live += other.live;
  slack += other.slack;
  references_lost += other.references_lost;
  foreign_parents += other.foreign_parents;
  if (other.window.first) window.see(*other.window.first);
  if (other.window.last) window.see(*other.window.last);
  gaps.count += other.gaps.count;
  gaps.bytes += other.gaps.bytes;
  stopped = stopped || other.stopped;
}

void carve_index_root(const RecordView& view, Sighting& scratch, const SightingSink& sink, IndexTally& tally) {
  std::optional<RecordIdentity> identity;
  ntfs::AttributeWalk walk(view.record);
  for (ntfs::Attribute attribute; walk.next(attribute);) {
    if (attribute.type != ntfs::attribute_type::index_root || !attribute.resident || !attribute.name.equals(u"$I30")) continue;
    const auto root = ntfs::decode_index_root(attribute.value);
    if (!root || !root->directory()) {
      ++tally.damaged_nodes;
      continue;
    }
    if (!identity) identity = identity_of(view.record.header(), view.entry);
    ++tally.roots;
    NodeView node;
    node.volume = view.volume;
    if (identity->known) node.directory = identity->reference;
    node.bytes = attribute.value;
    node.base = {StreamKind::mft, 0, view.offset + attribute.value_offset, 0};
    node.lsn = view.record.header().lsn;
    node.bad = view.record.fix_up().bad;
    node.stale = !view.record.header().in_use();
    node.in_unit = attribute.value_offset;
    NodeCarver(node, scratch, sink, tally).entries(root->node);
  }
}

IndexTally carve_index_allocation(const ByteSource& allocation, const IndexOptions& options, const SightingSink& sink) {
  return AllocationCarver(allocation, options, sink).run();
}

void carve_index_block_at(const ByteSource& allocation, std::uint64_t offset, const IndexOptions& options, const SightingSink& sink) {
  AllocationCarver(allocation, options, sink).block_at(offset);
}

}  // namespace trimcarve::carvers
