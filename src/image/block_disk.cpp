#include "image/block_disk.hpp"

#include <algorithm>
#include <bit>

#include "image/host_file.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {
bool bit(ByteView bitmap, std::uint64_t sector) noexcept {
  return (static_cast<unsigned>(bitmap[static_cast<std::size_t>(sector / 8)]) & (0x80U >> (sector % 8))) != 0;
}
}  // namespace

BlockDisk::BlockDisk(SourcePtr file, std::uint64_t size, std::uint64_t block_size, std::vector<Block> table, std::uint64_t bitmap_size)
    : file_(std::move(file)),
      size_(size),
      shift_(static_cast<unsigned>(std::countr_zero(block_size))),
      table_(std::move(table)),
      bitmap_size_(bitmap_size),
      bitmaps_(bitmap_size == 0 ? nullptr : std::make_unique<std::atomic<Bitmap>[]>(table_.size())) {}

Result<bool> BlockDisk::full(std::uint64_t index, Block block) const {
  if (!bitmaps_) return true;
  auto& known = bitmaps_[static_cast<std::size_t>(index)];
  const Bitmap now = known.load(std::memory_order_relaxed);
  if (now != Bitmap::not_read) return now == Bitmap::full;
  const std::uint64_t length = std::min(block_size(), size_ - (index << shift_));
  bool all = true;
  auto result = visit_sectors(block, 0, length, [&](bool written, std::uint64_t, std::uint64_t) -> Result<void> {
    all = all && written;
    return {};
  });
  if (!result) return std::unexpected(std::move(result.error()));
  known.store(all ? Bitmap::full : Bitmap::partial, std::memory_order_relaxed);
  return all;
}

template <class Visit>
Result<void> BlockDisk::visit_sectors(Block block, std::uint64_t within, std::uint64_t length, Visit visit) const {
  constexpr std::uint64_t sector = 512;
  const std::uint64_t first_byte = within / sector / 8, end = within + length;
  std::vector<std::byte> bitmap(static_cast<std::size_t>((end - 1) / sector / 8 - first_byte + 1));
  if (auto result = file_->read_at(block.file_offset() - bitmap_size_ + first_byte, bitmap); !result) return result;
  while (within < end) {
    const bool written = bit(bitmap, within / sector - first_byte * 8);
    std::uint64_t until = (within / sector + 1) * sector;
    while (until < end && bit(bitmap, until / sector - first_byte * 8) == written) until += sector;
    until = std::min(until, end);
    if (auto result = visit(written, within, until - within); !result) return result;
    within = until;
  }
  return {};
}

Result<void> BlockDisk::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (!fits(size_, offset, out.size())) return fail("past the end of the disk");
  while (!out.empty()) {
    const std::uint64_t within = offset & (block_size() - 1), index = offset >> shift_;
    const auto piece = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), block_size() - within)));
    const Block b = block(index);
    switch (b.kind()) {
      case ExtentKind::data: {
        const auto whole = full(index, b);
        if (!whole) return std::unexpected(whole.error());
        auto result = *whole ? file_->read_at(b.file_offset() + within, piece)
                             : visit_sectors(b, within, piece.size(), [&](bool written, std::uint64_t at, std::uint64_t length) {
                                 const auto part = piece.subspan(static_cast<std::size_t>(at - within), static_cast<std::size_t>(length));
                                 if (written) return file_->read_at(b.file_offset() + at, part);
                                 std::ranges::fill(part, std::byte{0});
                                 return Result<void>();
                               });
        if (!result) return result;
        break;
      }
      case ExtentKind::unreadable: return fail("the block table is damaged here");
      case ExtentKind::hole:
      case ExtentKind::container_zero:
      case ExtentKind::unmapped: std::ranges::fill(piece, std::byte{0}); break;
    }
    offset += piece.size();
    out = out.subspan(piece.size());
  }
  return {};
}

std::vector<Extent> BlockDisk::extents(std::uint64_t offset, std::uint64_t length) const {
  std::vector<Extent> found;
  if (offset >= size_) return found;
  length = std::min(length, size_ - offset);
  // The container file may itself have holes inside a block, or end in it.
  const auto add_stored = [&](std::uint64_t at_disk, std::uint64_t at_file, std::uint64_t piece) {
    std::uint64_t covered = 0;
    for (const Extent& e : file_->extents(at_file, piece)) {
      add_extent(found, at_disk + covered, e.length, e.kind);
      covered += e.length;
    }
    add_extent(found, at_disk + covered, piece - covered, ExtentKind::unreadable);
  };
  while (length > 0) {
    const std::uint64_t index = offset >> shift_;
    if (index >= table_.size()) {  // the whole rest at once: a disk may claim far more blocks than its table has
      add_extent(found, offset, length, ExtentKind::unreadable);
      break;
    }
    const std::uint64_t within = offset & (block_size() - 1);
    const std::uint64_t piece = std::min(length, block_size() - within);
    const Block b = block(index);
    if (b.kind() != ExtentKind::data) {
      add_extent(found, offset, piece, b.kind());
    } else if (const auto whole = full(index, b); !whole) {
      add_extent(found, offset, piece, ExtentKind::unreadable);
    } else if (*whole) {
      add_stored(offset, b.file_offset() + within, piece);
    } else {
      const auto done = visit_sectors(b, within, piece, [&](bool written, std::uint64_t at, std::uint64_t part) -> Result<void> {
        if (written)
          add_stored(offset + (at - within), b.file_offset() + at, part);
        else
          add_extent(found, offset + (at - within), part, ExtentKind::hole);
        return {};
      });
      if (!done) add_extent(found, offset, piece, ExtentKind::unreadable);
    }
    offset += piece;
    length -= piece;
  }
  return found;
}

std::vector<Range> BlockDisk::locate(std::uint64_t offset, std::uint64_t length) const {
  if (offset >= size_ || length == 0) return {};
  return {{disk_space, offset, std::min(length, size_ - offset)}};
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
  const std::uint64_t blocks = size_ / block_size() + (size_ % block_size() != 0 ? 1 : 0);
  const std::uint64_t in_table = std::min<std::uint64_t>(blocks, table_.size());
  for (std::uint64_t i = 0; i < in_table; ++i) {
    const std::uint64_t offset = i << shift_;
    const std::uint64_t length = std::min(block_size(), size_ - offset);
    const Block b = block(i);
    const bool bad = b.kind() == ExtentKind::unreadable || (b.kind() == ExtentKind::data && !fits(file_->size(), b.file_offset(), length));
    if (bad) add(offset, length, 1);
  }
  if (in_table < blocks) add(in_table << shift_, size_ - (in_table << shift_), blocks - in_table);
  return result;
}

std::vector<std::uint64_t> BlockDisk::stored_blocks(std::size_t count) const {
  std::vector<std::uint64_t> found;
  if (count == 0) return found;
  std::uint64_t stored = 0;
  for (const Block b : table_)
    if (b.kind() == ExtentKind::data) ++stored;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < table_.size() && found.size() < count; ++i) {
    if (table_[i].kind() != ExtentKind::data) continue;
    // Of `stored` blocks the k-th taken is number k * stored / count.
    if (stored <= count || seen >= found.size() * stored / count) found.push_back(std::uint64_t{i} << shift_);
    ++seen;
  }
  return found;
}

}  // namespace trimcarve::image
