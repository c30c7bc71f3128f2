// Where the volumes of a disk lie: MBR with its chain of extended boot records, GPT (both copies), or no table at all.
//
// Pure over a ByteSource: reads a few sectors, never throws, bounds every count. A damaged part of a table costs that part and a warning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::image {

enum class Scheme : std::uint8_t { none, mbr, gpt };
std::string_view to_string(Scheme scheme) noexcept;

struct Partition {
  std::uint32_t index = 0;  // from 0, in the order of the table; logical partitions after the primary ones
  Scheme scheme = Scheme::none;
  std::uint64_t offset = 0, size = 0;  // bytes, as the table says: may reach past the end of the disk
  std::string type;                    // MBR "0x07", GPT the type GUID in upper case, bare volume empty
  std::string type_name;               // "NTFS or exFAT", "Microsoft basic data", ...; empty when not known
  std::string name;                    // GPT only, UTF-8
};

struct PartitionTable {
  // `none` with one partition: a bare volume (NTFS, BitLocker, exFAT or FAT boot sector at 0). `none` without: nothing recognised.
  Scheme scheme = Scheme::none;
  std::uint32_t sector_size = 512;  // the unit in which the table counts, bytes
  std::vector<Partition> partitions;
  std::vector<Warning> warnings;
  bool complete = true;  // false: something of the table, or of the disk it describes, is missing
};

// `sector_size`: the disk's logical sector size when the container states it (OpenedImage::sector_size), else 0: 512 and 4096 are tried.
PartitionTable read_partitions(const ByteSource& disk, std::uint32_t sector_size = 0);

}  // namespace trimcarve::image
