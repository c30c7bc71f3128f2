// A FILE record as it lies on a disk of which no volume is known yet.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ntfs/attribute.hpp"
#include "ntfs/file_record.hpp"
#include "ntfs/lost_volumes.hpp"
#include "ntfs/run_list.hpp"

namespace trimcarve::ntfs {

// False also when any of it lies beyond the end of the disk.
bool read_piece(const ByteSource& disk, std::uint64_t offset, std::span<std::byte> out);

// A base record in use, with the first extent of its unnamed $DATA.
struct LostRecord {
  std::vector<std::byte> bytes;
  FixUp fix;
  FileRecord record;
  Attribute data;
  bool has_data = false;       // its run list is whole and begins with clusters
  std::vector<RunFact> runs;   // of the data
  std::uint64_t clusters = 0;  // mapped by them
  std::u16string name;

  // False when no whole record of this size, and of this number where it knows its own, lies there.
  bool read(const ByteSource& disk, std::uint64_t at, std::uint32_t size, std::uint64_t number);
};

// What other records tell of a volume of which cluster size and place of $MFT are known: the size from $Bitmap's, and how large blocks of
// an index are. `mft`: where $MFT begins on the disk.
void complete_geometry(const ByteSource& disk, std::uint64_t mft, LostVolume& volume);

}  // namespace trimcarve::ntfs
