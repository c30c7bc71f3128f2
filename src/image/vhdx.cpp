#include "image/vhdx.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "image/block_disk.hpp"
#include "image/vhdx_header.hpp"
#include "image/vhdx_log.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

// 2.5.1: bits 0-2 state, 20-63 offset in MiB. 0 when the offset is none a block can have: the first MiB holds the headers.
std::uint64_t offset_of(std::uint64_t entry, std::uint64_t file_size) {
  const std::uint64_t offset = entry >> 20 << 20;
  return offset < mib || offset >= file_size ? 0 : offset;
}

// 2.5.1.1. Only of a disk with a parent can a block be partially present.
Block block_of(std::uint64_t entry, std::uint64_t file_size, bool has_parent) {
  const std::uint64_t offset = offset_of(entry, file_size);
  switch (entry & 7U) {
    case 0: return Block::none(BlockState::not_present);
    case 1: return Block::none(BlockState::undefined);
    case 2: return Block::none(BlockState::zero);
    case 3:
    case 5:  // in early drafts
      return Block::none(BlockState::unmapped);
    case 6: return offset == 0 ? Block::none(BlockState::unreadable) : Block::at(offset);
    case 7: return offset == 0 || !has_parent ? Block::none(BlockState::unreadable) : Block::at(offset, BlockState::partial);
    default: return Block::none(BlockState::unreadable);  // 4 is not defined
  }
}

struct BlockTable {
  std::vector<Block> blocks;
  std::vector<std::uint64_t> bitmaps;  // by chunk: file offset, or 0
  std::vector<Unread> unread;
};

// 2.5: after each `chunk` payload entries stands one for their sector bitmap, which only differencing disks use.
BlockTable read_table(const ByteSource& file, const VhdxRegion& region, std::uint64_t blocks, std::uint64_t chunk, bool has_parent) {
  BlockTable table;
  std::vector<std::byte> bytes;
  const std::uint64_t size = file.size();
  const std::uint64_t last = region.offset >= size ? 0 : std::min<std::uint64_t>(region.length, size - region.offset) / 8;
  const std::uint64_t wanted = has_parent ? (blocks + chunk - 1) / chunk * (chunk + 1) : blocks + (blocks - 1) / chunk;
  constexpr std::uint64_t at_once = 65536;
  for (std::uint64_t index = 0; index < std::min(last, wanted); index += at_once) {
    const std::uint64_t count = std::min(at_once, std::min(last, wanted) - index);
    bytes.resize(static_cast<std::size_t>(count * 8));
    const std::uint64_t from = region.offset + index * 8;
    std::vector<Unread> bad;
    read_tolerant(file, from, bytes, bad);
    std::size_t next_bad = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t at = from + i * 8, entry = le<std::uint64_t>(bytes, i * 8);
      while (next_bad < bad.size() && bad[next_bad].offset + bad[next_bad].length <= at) ++next_bad;
      const bool readable = next_bad == bad.size() || bad[next_bad].offset >= at + 8;
      if ((index + i) % (chunk + 1) == chunk)
        table.bitmaps.push_back(readable && (entry & 7U) == 6 ? offset_of(entry, size) : 0);
      else if (table.blocks.size() < blocks)
        table.blocks.push_back(readable ? block_of(entry, size, has_parent) : Block::none(BlockState::unreadable));
    }
    table.unread.insert(table.unread.end(), bad.begin(), bad.end());
  }
  return table;
}

// Which sectors of the file a log changes, by what they hold, and what of the disk reads otherwise for it.
class LogEffect {
 public:
  LogEffect(const ByteSource& file, const BlockDisk& disk, const VhdxRegions& regions) : file_(file), disk_(disk), regions_(regions) {
    const auto& layout = disk.layout();
    for (std::size_t i = 0; i < layout.table.size(); ++i)
      if (layout.table[i].stored()) stored_.emplace_back(layout.table[i].file_offset(), i);
    std::ranges::sort(stored_);
    for (const std::uint64_t chunk : layout.bitmaps.chunks)
      if (chunk != 0) chunks_.push_back(chunk);
    std::ranges::sort(chunks_);
  }

  void add_patches(const Patches& patches, const ByteSource& patched, LogReplay& report) {
    std::array<std::byte, Patches::sector> before, after;
    for (const auto& [begin, patch] : patches.all()) {
      // Zeros are as long as the log says: those past the end of the file, or beyond all measure, are counted, not compared.
      const std::uint64_t until = patch.zero ? std::min(patch.end, std::max(begin, file_.size())) : patch.end;
      const std::uint64_t sectors = (until - begin) / Patches::sector;
      const std::uint64_t compared = begin + std::min(sectors, sectors_left_) * Patches::sector;
      sectors_left_ -= (compared - begin) / Patches::sector;
      for (std::uint64_t at = begin; at < compared; at += Patches::sector) {
        const bool same = file_.read_at(at, before) && patched.read_at(at, after) && before == after;
        if (!same) add_sector(at, report);
      }
      const std::uint64_t beyond = (patch.end - compared) / Patches::sector;
      report.changed += beyond;
      report.changed_other += beyond;
    }
  }

  // Blocks whose table entry the log changes.
  void add_blocks(const std::vector<Block>& before) {
    const auto& after = disk_.layout().table;
    for (std::size_t i = 0; i < after.size(); ++i)
      if (i >= before.size() || !(after[i] == before[i])) ranges_.push_back({disk_space, i * disk_.block_size(), disk_.block_size()});
  }

  // Joined and in order, at most 64.
  std::vector<Range> ranges() {
    std::ranges::sort(ranges_, {}, &Range::offset);
    std::vector<Range> joined;
    for (Range r : ranges_) {
      r.length = std::min(r.length, disk_.size() - std::min(r.offset, disk_.size()));
      if (r.length == 0) continue;
      const std::uint64_t end = r.offset + r.length;
      if (!joined.empty() && r.offset <= joined.back().offset + joined.back().length)
        joined.back().length = std::max(end, joined.back().offset + joined.back().length) - joined.back().offset;
      else if (joined.size() < most_ranges)
        joined.push_back(r);
    }
    return joined;
  }

 private:
  static constexpr std::size_t most_ranges = 64;
  std::uint64_t sectors_left_ = std::uint64_t{1} << 18;  // 1 GiB: a log has a MiB or a few

  static bool inside(std::uint64_t at, std::uint64_t offset, std::uint64_t length) { return at >= offset && at - offset < length; }

  void add_sector(std::uint64_t at, LogReplay& report) {
    ++report.changed;
    if (inside(at, regions_.table.offset, regions_.table.length)) {
      ++report.changed_table;
      return;
    }
    if (inside(at, regions_.metadata.offset, regions_.metadata.length)) {
      ++report.changed_metadata;
      return;
    }
    const auto chunk = std::ranges::upper_bound(chunks_, at);
    if (chunk != chunks_.begin() && inside(at, *std::prev(chunk), mib)) {
      ++report.changed_bitmaps;
      return;
    }
    const auto next = std::ranges::upper_bound(stored_, at, {}, &std::pair<std::uint64_t, std::size_t>::first);
    if (next != stored_.begin() && inside(at, std::prev(next)->first, disk_.block_size())) {
      ++report.changed_payload;
      const auto& [offset, index] = *std::prev(next);
      ranges_.push_back({disk_space, index * disk_.block_size() + (at - offset), Patches::sector});
      return;
    }
    ++report.changed_other;
  }

  const ByteSource& file_;
  const BlockDisk& disk_;
  const VhdxRegions& regions_;
  std::vector<std::pair<std::uint64_t, std::size_t>> stored_;  // file offset and number of each stored block
  std::vector<std::uint64_t> chunks_;                          // file offsets of the sector bitmaps
  std::vector<Range> ranges_;
};

void add_used(Container& disk, const LogPlace& log, const VhdxRegions& regions, const BlockLayout& layout) {
  const auto add = [&](std::uint64_t offset, std::uint64_t length) { disk.used.push_back({offset, length, ExtentKind::data}); };
  add(0, mib);
  add(log.offset, log.length);
  add(regions.table.offset, regions.table.length);
  add(regions.metadata.offset, regions.metadata.length);
  for (const Block b : layout.table)
    if (b.stored()) add(b.file_offset(), layout.block_size);
  for (const std::uint64_t chunk : layout.bitmaps.chunks)
    if (chunk != 0) add(chunk, mib);
}

// What the log changes when it is laid over `file`; `disk` is the disk with it, or, when it is not replayed, without it.
LogReplay effect_of(const PendingLog& log, const ByteSource& file, const BlockDisk& disk, const SourcePtr& patched,
                    const VhdxRegions& regions, bool has_parent, bool replayed) {
  LogReplay report{.replayed = replayed, .entries = log.entries, .sectors = log.sectors};
  LogEffect effect(file, disk, regions);
  effect.add_patches(log.patches, *patched, report);
  if (report.changed_table != 0) {
    const ByteSource& other = replayed ? file : *patched;
    effect.add_blocks(read_table(other, regions.table, disk.blocks(), disk.layout().bitmaps.blocks_per_chunk, has_parent).blocks);
  }
  report.ranges = effect.ranges();
  return report;
}

}  // namespace

bool is_vhdx(const ByteSource& file) {
  std::array<std::byte, 8> signature;
  return file.size() >= 8 && file.read_at(0, signature) && std::memcmp(signature.data(), "vhdxfile", 8) == 0;
}

Result<std::string> vhdx_identifier(const ByteSource& file) {
  Container unused;
  auto header = read_vhdx_header(file, unused);
  if (!header) return std::unexpected(std::move(header.error()));
  return std::move(header->data_write);
}

Result<Container> open_vhdx(const SourcePtr& file, const OpenParent& open_parent, bool replay_log) {
  Container disk;
  const auto header = read_vhdx_header(*file, disk);
  if (!header) return std::unexpected(header.error());
  disk.file = file;
  std::optional<PendingLog> log;
  if (header->log_pending) {
    auto pending = read_vhdx_log(*file, header->log);
    if (pending) {
      log = std::move(*pending);
      if (replay_log) disk.file = overlay(file, log->patches);
    } else if (replay_log) {
      return fail(pending.error().what + "; without replaying it (--no-log-replay) the disk is as it was before");
    } else {
      disk.log = LogReplay{};
      disk.warnings.push_back({"vhdx_log_damaged", pending.error().what, file->locate(header->log.offset, header->log.length)});
    }
  }

  const auto regions = read_vhdx_regions(*disk.file, disk);
  if (!regions) return std::unexpected(regions.error());
  const auto metadata = read_vhdx_metadata(*disk.file, regions->metadata);
  if (!metadata) return std::unexpected(metadata.error());
  disk.kind = metadata->has_parent ? "vhdx differencing" : metadata->fixed ? "vhdx fixed" : "vhdx dynamic";
  disk.identifier = header->data_write;
  disk.sector_size = metadata->sector_size;

  BlockLayout layout{.size = metadata->size, .block_size = metadata->block_size};
  layout.bitmaps.sector_size = metadata->sector_size;
  layout.bitmaps.blocks_per_chunk = (std::uint64_t{1} << 23) * metadata->sector_size / layout.block_size;  // 2.5: 2^23 bits in a bitmap
  if (metadata->has_parent) {
    disk.parent = metadata->parent.names.empty() ? metadata->parent.identifiers.front() : metadata->parent.names.front();
    layout.parent = open_parent(metadata->parent);
  }
  const std::uint64_t blocks = (layout.size + layout.block_size - 1) / layout.block_size, chunk = layout.bitmaps.blocks_per_chunk;
  auto table = read_table(*disk.file, regions->table, blocks, chunk, metadata->has_parent);
  layout.table = std::move(table.blocks);
  if (metadata->has_parent) layout.bitmaps.chunks = std::move(table.bitmaps);
  for (const Unread& u : table.unread)
    disk.warnings.push_back(file_warning(*file, "block_table_unreadable", "a part of the block table cannot be read", u.offset, u.length));
  add_used(disk, header->log, *regions, layout);

  auto served = std::make_shared<BlockDisk>(disk.file, std::move(layout));
  describe_blocks(*served, disk);
  if (log) {
    const SourcePtr patched = replay_log ? disk.file : overlay(file, log->patches);
    disk.log = effect_of(*log, *file, *served, patched, *regions, metadata->has_parent, replay_log);
    disk.warnings.push_back({replay_log ? "vhdx_log_replayed" : "vhdx_log_pending",
                             replay_log ? "its log was pending and was replayed in memory: the file itself still has the state before"
                                        : "its log is pending and was not replayed: the disk is as it was before",
                             disk.log->ranges});
    if (log->unreadable) {
      disk.complete = false;
      disk.warnings.push_back({"vhdx_log_unreadable", "a part of its pending log cannot be read: the last changes may be missing",
                               file->locate(header->log.offset, header->log.length)});
    }
    if (log->flushed > file->size()) {
      disk.complete = false;
      disk.warnings.push_back(
          {"vhdx_cut_short",
           "its log says that the file had " + std::to_string(log->flushed) + " bytes, it has " + std::to_string(file->size()),
           {}});
    }
  }
  disk.disk = std::move(served);
  return disk;
}

}  // namespace trimcarve::image
