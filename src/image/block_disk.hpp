// A virtual disk in blocks: the block table of a dynamic or differencing VHD or VHDX, serving bytes.
//
// One 64-bit word a block, one pread per touched block. Thread-safe as its file and its parent are: all that changes after construction is
// an atomic note whether a block's sector bitmap was found full.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::image {

enum class BlockState : std::uint8_t {
  present,      // all of it is stored
  partial,      // of its sectors those are stored that its bitmap marks
  not_present,  // nothing of it is in this file: the parent's where there is one
  undefined,    // these three hide the parent
  zero,
  unmapped,
  unreadable,  // its table entry is damaged or could not be read
};

// Where a block's bytes lie in the container file (a multiple of 512), or why they lie nowhere. Packed: the state in the low bits.
class Block {
 public:
  static constexpr Block at(std::uint64_t file_offset, BlockState state = BlockState::present) noexcept {
    return Block((file_offset & ~mask) | static_cast<std::uint64_t>(state));
  }
  static constexpr Block none(BlockState state) noexcept { return Block(static_cast<std::uint64_t>(state)); }
  constexpr BlockState state() const noexcept { return static_cast<BlockState>(word_ & mask); }
  constexpr bool stored() const noexcept { return state() <= BlockState::partial; }
  constexpr std::uint64_t file_offset() const noexcept { return word_ & ~mask; }
  friend constexpr bool operator==(Block, Block) = default;

 private:
  static constexpr std::uint64_t mask = 511;
  constexpr explicit Block(std::uint64_t word) noexcept : word_(word) {}
  std::uint64_t word_;
};

// Where the bitmaps of partial blocks lie: one bit a sector. Either before each block (VHD, the first sector the highest bit of a byte), or
// one for each chunk of blocks (VHDX, the lowest bit first).
struct SectorBitmaps {
  std::uint32_t sector_size = 512;
  std::uint64_t before_block = 0;      // bytes of the bitmap in front of each stored block; 0: by chunks
  std::uint64_t blocks_per_chunk = 1;  // at least 1
  std::vector<std::uint64_t> chunks;   // file offset of each chunk's bitmap; 0: there is none, its partial blocks cannot be read
};

struct BlockLayout {
  std::uint64_t size = 0;        // of the disk
  std::uint64_t block_size = 0;  // a power of two, at least 512 and a multiple of eight sectors when there are bitmaps by chunks
  std::vector<Block> table;      // blocks of the disk beyond it are unreadable
  SectorBitmaps bitmaps;
  SourcePtr parent;  // the parent's disk; beyond its end, and without one, what is not present is a hole
};

// What of a table cannot be served.
struct BlockDamage {
  std::uint64_t blocks = 0;   // how many
  std::vector<Range> ranges;  // in the disk, joined; at most 64 of them
};

// Bytes that stored blocks hold in sectors which their bitmaps do not count.
struct HiddenBytes {
  std::uint64_t sectors = 0, read = 0;  // that hold more than zeros; bytes looked at
  bool finished = true;                 // false: more than is looked at
  std::vector<Range> ranges;            // of the file, joined; at most 64 of them
};

class BlockDisk final : public ByteSource {
 public:
  // `file` holds the blocks.
  BlockDisk(SourcePtr file, BlockLayout layout);

  std::uint64_t size() const noexcept override { return layout_.size; }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override;
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override;

  // Blocks that are unreadable by the table or lie, in whole or part, past the end of the file.
  BlockDamage damage() const;
  BlockCounts counts() const;
  HiddenBytes hidden() const;
  // Offsets in the disk of up to `count` stored blocks, evenly spread over them.
  std::vector<std::uint64_t> stored_blocks(std::size_t count) const;
  std::uint64_t block_size() const noexcept { return std::uint64_t{1} << shift_; }
  std::uint64_t blocks() const noexcept { return (layout_.size >> shift_) + ((layout_.size & (block_size() - 1)) != 0 ? 1 : 0); }
  const BlockLayout& layout() const noexcept { return layout_; }

 private:
  Block block(std::uint64_t index) const noexcept {
    return index < layout_.table.size() ? layout_.table[static_cast<std::size_t>(index)] : Block::none(BlockState::unreadable);
  }
  // The length of a block: the last one may be cut by the end of the disk.
  std::uint64_t length(std::uint64_t index) const noexcept;

  // Whether all sectors of a partial block are stored. An error when its bitmap cannot be read.
  Result<bool> full(std::uint64_t index, Block block) const;
  // Calls visit(stored, offset in the block, length) for the stretches of [within, within + length), in order, until it fails.
  template <class Visit>
  Result<void> visit_sectors(std::uint64_t index, Block block, std::uint64_t within, std::uint64_t length, Visit visit) const;
  Result<void> read_partial(std::uint64_t index, Block block, std::uint64_t within, std::span<std::byte> out) const;
  // What is not in this file, at an offset of the disk.
  Result<void> read_absent(std::uint64_t offset, std::span<std::byte> out) const;
  void add_absent(std::vector<Extent>& found, std::uint64_t offset, std::uint64_t length, bool partial) const;
  void add_stored(std::vector<Extent>& found, std::uint64_t offset, std::uint64_t file_offset, std::uint64_t length, bool partial) const;
  void add_partial(std::vector<Extent>& found, std::uint64_t index, Block block, std::uint64_t within, std::uint64_t length) const;

  SourcePtr file_;
  BlockLayout layout_;
  unsigned shift_;
  enum class Bitmap : std::uint8_t { not_read, full, partial };
  std::unique_ptr<std::atomic<Bitmap>[]> bitmaps_;  // one a block; none when no block is partial
};

// Adds what is known of a disk's blocks: a warning where some cannot be served, which makes the container incomplete.
struct Container;
void describe_blocks(const BlockDisk& disk, Container& container);

}  // namespace trimcarve::image
