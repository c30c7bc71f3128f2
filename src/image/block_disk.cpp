#include "image/block_disk.hpp"

#include <algorithm>
#include <bit>

#include "image/host_file.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

BlockDisk::BlockDisk(SourcePtr file, std::uint64_t size, std::uint64_t block_size, std::vector<Block> table)
    : file_(std::move(file)), size_(size), shift_(static_cast<unsigned>(std::countr_zero(block_size))), table_(std::move(table)) {}

Result<void> BlockDisk::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (!fits(size_, offset, out.size())) return fail("past the end of the disk");
  while (!out.empty()) {
    const std::uint64_t within = offset & (block_size() - 1);
    const auto piece = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), block_size() - within)));
    const Block b = block(offset >> shift_);
    switch (b.kind()) {
      case ExtentKind::data:
        if (auto result = file_->read_at(b.file_offset() + within, piece); !result) return result;
        break;
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
  while (length > 0) {
    const std::uint64_t index = offset >> shift_;
    if (index >= table_.size()) {  // the whole rest at once: a disk may claim far more blocks than its table has
      add_extent(found, offset, length, ExtentKind::unreadable);
      break;
    }
    const std::uint64_t within = offset & (block_size() - 1);
    const std::uint64_t piece = std::min(length, block_size() - within);
    const Block b = block(index);
    if (b.kind() == ExtentKind::data) {
      // The container file may itself have holes inside a block, or end in it.
      const std::uint64_t at = b.file_offset() + within;
      std::uint64_t covered = 0;
      for (const Extent& e : file_->extents(at, piece)) {
        add_extent(found, offset + covered, e.length, e.kind);
        covered += e.length;
      }
      add_extent(found, offset + covered, piece - covered, ExtentKind::unreadable);
    } else {
      add_extent(found, offset, piece, b.kind());
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
