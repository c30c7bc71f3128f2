// The decoders behind read_partitions: one scheme each. Same rules as there.
#pragma once

#include "image/partitions.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

// One sector-sized or larger piece of the disk; false when it does not lie inside or cannot be read.
bool read_piece(const ByteSource& disk, std::uint64_t offset, std::span<std::byte> out);

// Appends, numbering it. A partition that reaches past the end of the disk costs completeness and a warning.
void add_partition(PartitionTable& table, const ByteSource& disk, Partition partition);

// MBR: `sector` is the first sector of the disk. `sector_size` 0: not known, 512 unless the volumes say 4096.
bool has_mbr_entries(ByteView sector);
bool has_protective_entry(ByteView sector);
void read_mbr(const ByteSource& disk, ByteView sector, std::uint32_t sector_size, PartitionTable& table);

// GPT with sectors of `sector_size`. False, with nothing added, when neither copy is there.
bool read_gpt(const ByteSource& disk, std::uint32_t sector_size, PartitionTable& table);

}  // namespace trimcarve::image
