// A virtual disk in blocks: the block table of a dynamic VHD or VHDX, serving bytes.
//
// One 64-bit word a block, one pread per touched block. Thread-safe as its file is: all that changes after construction is an atomic note
// whether a block's sector bitmap was found full.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "trimcarve/byte_source.hpp"

namespace trimcarve::image {

// Where a block's bytes lie in the container file (a multiple of 512), or why they lie nowhere. Packed: the kind in the low bits.
class Block {
 public:
  static constexpr Block at(std::uint64_t file_offset) noexcept { return Block(file_offset & ~mask); }
  static constexpr Block none(ExtentKind kind) noexcept { return Block(static_cast<std::uint64_t>(kind)); }
  constexpr ExtentKind kind() const noexcept { return static_cast<ExtentKind>(word_ & mask); }
  constexpr std::uint64_t file_offset() const noexcept { return word_ & ~mask; }

 private:
  static constexpr std::uint64_t mask = 511;
  constexpr explicit Block(std::uint64_t word) noexcept : word_(word) {}
  std::uint64_t word_;
};

// What of a table cannot be served.
struct BlockDamage {
  std::uint64_t blocks = 0;   // how many
  std::vector<Range> ranges;  // in the disk, joined; at most 64 of them
};

class BlockDisk final : public ByteSource {
 public:
  // `file` holds the blocks. `block_size` is a power of two, at least 512. Blocks of the disk beyond the table are unreadable.
  // `bitmap_size`: bytes of the sector bitmap that stands before each stored block (VHD), else 0. A sector whose bit, the highest of a byte
  // first, is clear was never written: a hole.
  BlockDisk(SourcePtr file, std::uint64_t size, std::uint64_t block_size, std::vector<Block> table, std::uint64_t bitmap_size = 0);

  std::uint64_t size() const noexcept override { return size_; }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override;
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override;

  // Blocks that are unreadable by the table or lie, in whole or part, past the end of the file.
  BlockDamage damage() const;
  // Offsets in the disk of up to `count` stored blocks, evenly spread over them.
  std::vector<std::uint64_t> stored_blocks(std::size_t count) const;
  std::uint64_t block_size() const noexcept { return std::uint64_t{1} << shift_; }

 private:
  Block block(std::uint64_t index) const noexcept {
    return index < table_.size() ? table_[static_cast<std::size_t>(index)] : Block::none(ExtentKind::unreadable);
  }

  // Whether all sectors of a stored block are written. An error when its bitmap cannot be read.
  Result<bool> full(std::uint64_t index, Block block) const;
  // Calls visit(written, offset in the block, length) for the stretches of [within, within + length), in order, until it fails.
  template <class Visit>
  Result<void> visit_sectors(Block block, std::uint64_t within, std::uint64_t length, Visit visit) const;

  SourcePtr file_;
  std::uint64_t size_;
  unsigned shift_;
  std::vector<Block> table_;
  std::uint64_t bitmap_size_;
  enum class Bitmap : std::uint8_t { not_read, full, partial };
  std::unique_ptr<std::atomic<Bitmap>[]> bitmaps_;  // one a block; none when there are no bitmaps
};

}  // namespace trimcarve::image
