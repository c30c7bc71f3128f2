#include "image/block_disk.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "image/container.hpp"
#include "image/host_file.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

BlockDisk::BlockDisk(SourcePtr file, BlockLayout layout)
    : file_(std::move(file)), layout_(std::move(layout)), shift_(static_cast<unsigned>(std::countr_zero(layout_.block_size))) {
  if (std::ranges::any_of(layout_.table, [](Block b) { return b.state() == BlockState::partial; }))
    bitmaps_ = std::make_unique<std::atomic<Bitmap>[]>(layout_.table.size());
}

std::uint64_t BlockDisk::length(std::uint64_t index) const noexcept { return std::min(block_size(), layout_.size - (index << shift_)); }

Result<bool> BlockDisk::full(std::uint64_t index, Block block) const {
  auto& known = bitmaps_[static_cast<std::size_t>(index)];
  const Bitmap now = known.load(std::memory_order_relaxed);
  if (now != Bitmap::not_read) return now == Bitmap::full;
  bool all = true;
  auto result = visit_sectors(index, block, 0, length(index), [&](bool stored, std::uint64_t, std::uint64_t) -> Result<void> {
    all = all && stored;
    return {};
  });
  if (!result) return std::unexpected(std::move(result.error()));
  known.store(all ? Bitmap::full : Bitmap::partial, std::memory_order_relaxed);
  return all;
}

template <class Visit>
Result<void> BlockDisk::visit_sectors(std::uint64_t index, Block block, std::uint64_t within, std::uint64_t length, Visit visit) const {
  const SectorBitmaps& maps = layout_.bitmaps;
  const std::uint64_t sector = maps.sector_size, end = within + length;
  const bool high_first = maps.before_block != 0;
  std::uint64_t place = 0;  // of the bit of the block's first sector, which begins a byte
  if (high_first) {
    place = block.file_offset() - maps.before_block;
  } else {
    const std::uint64_t chunk = index / maps.blocks_per_chunk;
    if (chunk >= maps.chunks.size() || maps.chunks[static_cast<std::size_t>(chunk)] == 0)
      return fail("the block's sector bitmap is missing");
    place = maps.chunks[static_cast<std::size_t>(chunk)] + index % maps.blocks_per_chunk * (block_size() / sector / 8);
  }
  // The bitmap is read a piece at a time: a small read costs no allocation, a large block no more than this.
  std::array<std::byte, 512> bits;
  const std::uint64_t last_byte = (end - 1) / sector / 8;
  std::uint64_t first_byte = 0, bytes = 0;  // which of the bitmap's are in `bits`
  Result<void> result;
  const auto bit = [&](std::uint64_t at) {
    const std::uint64_t number = at / sector;
    if (number / 8 < first_byte || number / 8 >= first_byte + bytes) {
      first_byte = number / 8;
      bytes = std::min<std::uint64_t>(bits.size(), last_byte - first_byte + 1);
      result = file_->read_at(place + first_byte, std::span(bits).first(static_cast<std::size_t>(bytes)));
    }
    const auto byte = static_cast<unsigned>(bits[static_cast<std::size_t>(number / 8 - first_byte)]);
    return (byte >> (high_first ? 7 - number % 8 : number % 8) & 1U) != 0;
  };
  bool stored = bit(within);
  while (within < end) {
    std::uint64_t until = (within / sector + 1) * sector;
    bool next = stored;
    while (result && until < end && (next = bit(until)) == stored) until += sector;
    if (!result) return result;
    until = std::min(until, end);
    if (auto visited = visit(stored, within, until - within); !visited) return visited;
    within = until;
    stored = next;
  }
  return {};
}

Result<void> BlockDisk::read_absent(std::uint64_t offset, std::span<std::byte> out) const {
  const std::uint64_t parent = layout_.parent ? layout_.parent->size() : 0;
  const auto inside = static_cast<std::size_t>(offset < parent ? std::min<std::uint64_t>(out.size(), parent - offset) : 0);
  std::ranges::fill(out.subspan(inside), std::byte{0});
  return inside == 0 ? Result<void>() : layout_.parent->read_at(offset, out.first(inside));
}

Result<void> BlockDisk::read_partial(std::uint64_t index, Block block, std::uint64_t within, std::span<std::byte> out) const {
  const auto all = full(index, block);
  if (!all) return std::unexpected(all.error());
  if (*all) return file_->read_at(block.file_offset() + within, out);
  return visit_sectors(index, block, within, out.size(), [&](bool stored, std::uint64_t at, std::uint64_t length) {
    const auto part = out.subspan(static_cast<std::size_t>(at - within), static_cast<std::size_t>(length));
    return stored ? file_->read_at(block.file_offset() + at, part) : read_absent((index << shift_) + at, part);
  });
}

Result<void> BlockDisk::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (!fits(layout_.size, offset, out.size())) return fail("past the end of the disk");
  while (!out.empty()) {
    const std::uint64_t within = offset & (block_size() - 1), index = offset >> shift_;
    const auto piece = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), block_size() - within)));
    const Block b = block(index);
    Result<void> result;
    switch (b.state()) {
      case BlockState::present: result = file_->read_at(b.file_offset() + within, piece); break;
      case BlockState::partial: result = read_partial(index, b, within, piece); break;
      case BlockState::not_present: result = read_absent(offset, piece); break;
      case BlockState::undefined:
      case BlockState::zero:
      case BlockState::unmapped: std::ranges::fill(piece, std::byte{0}); break;
      case BlockState::unreadable: return fail("the block table is damaged here");
    }
    if (!result) return result;
    offset += piece.size();
    out = out.subspan(piece.size());
  }
  return {};
}

// The container file may itself have holes inside a block, or end in it.
void BlockDisk::add_stored(std::vector<Extent>& found, std::uint64_t offset, std::uint64_t file_offset, std::uint64_t length,
                           bool partial) const {
  std::uint64_t covered = 0;
  for (const Extent& e : file_->extents(file_offset, length)) {
    add_extent(found, offset + covered, e.length, e.kind, partial);
    covered += e.length;
  }
  add_extent(found, offset + covered, length - covered, ExtentKind::unreadable, partial);
}

void BlockDisk::add_absent(std::vector<Extent>& found, std::uint64_t offset, std::uint64_t length, bool partial) const {
  std::uint64_t covered = 0;
  if (layout_.parent)
    for (const Extent& e : layout_.parent->extents(offset, length)) {
      add_extent(found, offset + covered, e.length, e.kind, partial || e.partial);
      covered += e.length;
    }
  add_extent(found, offset + covered, length - covered, ExtentKind::not_present, partial);
}

void BlockDisk::add_partial(std::vector<Extent>& found, std::uint64_t index, Block block, std::uint64_t within,
                            std::uint64_t length) const {
  const std::uint64_t begin = index << shift_;
  const auto all = full(index, block);
  if (!all) return add_extent(found, begin + within, length, ExtentKind::unreadable);
  // The table of a VHDX calls a block partially present, of a VHD only the bitmap does.
  if (*all) return add_stored(found, begin + within, block.file_offset() + within, length, layout_.bitmaps.before_block == 0);
  std::uint64_t done = within;
  const auto visited = visit_sectors(index, block, within, length, [&](bool stored, std::uint64_t at, std::uint64_t part) -> Result<void> {
    if (stored)
      add_stored(found, begin + at, block.file_offset() + at, part, true);
    else
      add_absent(found, begin + at, part, true);
    done = at + part;
    return {};
  });
  if (!visited) add_extent(found, begin + done, within + length - done, ExtentKind::unreadable);  // of a bitmap that could be read once
}

std::vector<Extent> BlockDisk::extents(std::uint64_t offset, std::uint64_t length) const {
  std::vector<Extent> found;
  if (offset >= layout_.size) return found;
  length = std::min(length, layout_.size - offset);
  while (length > 0) {
    const std::uint64_t index = offset >> shift_;
    if (index >= layout_.table.size()) {  // the whole rest at once: a disk may claim far more blocks than its table has
      add_extent(found, offset, length, ExtentKind::unreadable);
      break;
    }
    const std::uint64_t within = offset & (block_size() - 1);
    const std::uint64_t piece = std::min(length, block_size() - within);
    const Block b = block(index);
    switch (b.state()) {
      case BlockState::present: add_stored(found, offset, b.file_offset() + within, piece, false); break;
      case BlockState::partial: add_partial(found, index, b, within, piece); break;
      case BlockState::not_present: add_absent(found, offset, piece, false); break;
      case BlockState::undefined: add_extent(found, offset, piece, ExtentKind::undefined); break;
      case BlockState::zero: add_extent(found, offset, piece, ExtentKind::container_zero); break;
      case BlockState::unmapped: add_extent(found, offset, piece, ExtentKind::unmapped); break;
      case BlockState::unreadable: add_extent(found, offset, piece, ExtentKind::unreadable); break;
    }
    offset += piece;
    length -= piece;
  }
  return found;
}

std::vector<Range> BlockDisk::locate(std::uint64_t offset, std::uint64_t length) const {
  if (offset >= layout_.size || length == 0) return {};
  return {{disk_space, offset, std::min(length, layout_.size - offset)}};
}

BlockDamage BlockDisk::damage() const {
  constexpr std::size_t most_ranges = 64;
  BlockDamage result;
  const auto add = [&](std::uint64_t offset, std::uint64_t length, std::uint64_t blocks) {
    result.blocks += blocks;
    if (!result.ranges.empty() && result.ranges.back().offset + result.ranges.back().length == offset)
      result.ranges.back().length += length;
    else if (result.ranges.size() < most_ranges)
      result.ranges.push_back({disk_space, offset, length});
  };
  const std::uint64_t in_table = std::min<std::uint64_t>(blocks(), layout_.table.size());
  for (std::uint64_t i = 0; i < in_table; ++i) {
    const Block b = block(i);
    const SectorBitmaps& maps = layout_.bitmaps;
    bool bad = b.state() == BlockState::unreadable || (b.stored() && !fits(file_->size(), b.file_offset(), length(i)));
    if (b.state() == BlockState::partial && maps.before_block == 0) {
      const std::uint64_t chunk = i / maps.blocks_per_chunk;
      bad = bad || chunk >= maps.chunks.size() || maps.chunks[static_cast<std::size_t>(chunk)] == 0;
    } else if (b.state() == BlockState::partial) {
      bad = bad || !full(i, b);
    }
    if (bad) add(i << shift_, length(i), 1);
  }
  if (in_table < blocks()) add(in_table << shift_, layout_.size - (in_table << shift_), blocks() - in_table);
  return result;
}

BlockCounts BlockDisk::counts() const {
  BlockCounts counts{.block_size = block_size(), .total = blocks()};
  const std::uint64_t in_table = std::min<std::uint64_t>(counts.total, layout_.table.size());
  for (std::uint64_t i = 0; i < in_table; ++i) switch (block(i).state()) {
      case BlockState::present: ++counts.present; break;
      case BlockState::partial: {
        const auto whole = layout_.bitmaps.before_block != 0 ? full(i, block(i)) : Result<bool>(false);
        ++(!whole ? counts.unreadable : *whole ? counts.present : counts.partially_present);
        break;
      }
      case BlockState::not_present: ++counts.not_present; break;
      case BlockState::undefined: ++counts.undefined; break;
      case BlockState::zero: ++counts.zero; break;
      case BlockState::unmapped: ++counts.unmapped; break;
      case BlockState::unreadable: ++counts.unreadable; break;
    }
  counts.unreadable += counts.total - in_table;
  return counts;
}

HiddenBytes BlockDisk::hidden() const {
  constexpr std::uint64_t most_read = std::uint64_t{4} << 30, piece = 65536;
  constexpr std::size_t most_ranges = 64;
  const std::uint64_t sector = layout_.bitmaps.sector_size;
  HiddenBytes result;
  std::vector<std::byte> buffer(piece);
  const auto look = [&](std::uint64_t at, std::uint64_t length) {
    for (std::uint64_t done = 0; done < length; done += piece) {
      const auto bytes = std::span(buffer).first(static_cast<std::size_t>(std::min(piece, length - done)));
      if (result.read >= most_read) return void(result.finished = false);
      result.read += bytes.size();
      if (!file_->read_at(at + done, bytes) || all_zero(bytes)) continue;
      for (std::uint64_t s = 0; s < bytes.size(); s += sector) {
        const auto one = ByteView(bytes).subspan(static_cast<std::size_t>(s), std::min<std::size_t>(sector, bytes.size() - s));
        if (all_zero(one)) continue;
        ++result.sectors;
        const auto ranges = file_->locate(at + done + s, one.size());
        for (const Range& r : ranges) {
          if (!result.ranges.empty() && result.ranges.back().space == r.space &&
              result.ranges.back().offset + result.ranges.back().length == r.offset)
            result.ranges.back().length += r.length;
          else if (result.ranges.size() < most_ranges)
            result.ranges.push_back(r);
        }
      }
    }
  };
  const std::uint64_t in_table = std::min<std::uint64_t>(blocks(), layout_.table.size());
  for (std::uint64_t i = 0; i < in_table; ++i) {
    const Block b = block(i);
    if (b.state() != BlockState::partial || !fits(file_->size(), b.file_offset(), length(i))) continue;
    const auto whole = full(i, b);
    if (!whole || *whole) continue;
    // A bitmap that cannot be read is told by damage().
    (void)visit_sectors(i, b, 0, length(i), [&](bool stored, std::uint64_t at, std::uint64_t length) -> Result<void> {
      if (!stored)
        for (const Extent& e : file_->extents(b.file_offset() + at, length))
          if (e.kind == ExtentKind::data) look(e.offset, e.length);
      return {};
    });
  }
  return result;
}

std::vector<std::uint64_t> BlockDisk::stored_blocks(std::size_t count) const {
  std::vector<std::uint64_t> found;
  if (count == 0) return found;
  std::uint64_t stored = 0;
  for (const Block b : layout_.table)
    if (b.stored()) ++stored;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < layout_.table.size() && found.size() < count; ++i) {
    if (!layout_.table[i].stored()) continue;
    // Of `stored` blocks the k-th taken is number k * stored / count.
    if (stored <= count || seen >= found.size() * stored / count) found.push_back(std::uint64_t{i} << shift_);
    ++seen;
  }
  return found;
}

void describe_blocks(const BlockDisk& disk, Container& container) {
  container.blocks = disk.counts();
  auto damage = disk.damage();
  if (damage.blocks != 0) {
    container.complete = false;
    container.warnings.push_back({"blocks_unreadable",
                                  std::to_string(damage.blocks) + " of " + std::to_string(disk.blocks()) +
                                      " blocks lie beyond the end of the file or their table entries are damaged",
                                  std::move(damage.ranges)});
  }
  HiddenBytes hidden = disk.hidden();
  if (hidden.sectors != 0 || !hidden.finished)
    container.warnings.push_back(
        {"sectors_hidden",
         std::to_string(hidden.sectors) +
             " sectors hold bytes in the file although their block's sector bitmap does not count them: they read as " +
             (disk.layout().parent ? "the parent's" : "zeros") + ", and what they hold is no part of the disk" +
             (hidden.finished ? "" : " (looked for in the first 4 GiB of such sectors)"),
         std::move(hidden.ranges)});
  container.samples = sample_offsets(disk.size(), disk.block_size(), disk.stored_blocks(16));
}

}  // namespace trimcarve::image
