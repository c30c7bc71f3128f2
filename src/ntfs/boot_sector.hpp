// The NTFS boot sector ($Boot, first sector of a volume; its copy lies in the sector behind the volume).
//
// Format: Microsoft "NTFS boot sector" documentation; libfsntfs' NTFS format document, "The volume header".
// Pure: nothing is read but the view given. Never throws but for lack of memory.
#pragma once

#include <cstdint>
#include <string>

#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

inline constexpr std::size_t boot_sector_size = 512;

struct Geometry {
  std::uint32_t bytes_per_sector = 0;
  std::uint32_t cluster_size = 0;      // bytes, a power of two, 512 .. 2 MiB
  std::uint32_t record_size = 0;       // bytes of a FILE record, a power of two, 512 .. 64 KiB
  std::uint32_t index_block_size = 0;  // bytes of an INDX block, the same limits
  std::uint64_t total_sectors = 0;     // without the backup boot sector behind them
  std::uint64_t mft_lcn = 0, mft_mirror_lcn = 0;
  std::uint64_t serial = 0;
  std::uint64_t volume_size = 0;  // bytes: total_sectors * bytes_per_sector
  std::uint64_t clusters() const noexcept { return cluster_size == 0 ? 0 : volume_size / cluster_size; }
};

enum class BootKind : std::uint8_t {
  ntfs,       // `geometry` is valid
  bitlocker,  // a BitLocker volume (`-FVE-FS-`): encrypted, not NTFS until unlocked
  other,      // no NTFS boot sector; `why` says what is wrong, in one line
};

struct BootSector {
  BootKind kind = BootKind::other;
  Geometry geometry;
  std::string why;
};

// `bytes`: at least the first 512 bytes of the (backup) boot sector; fewer gives `other`.
BootSector decode_boot_sector(ByteView bytes);

}  // namespace trimcarve::ntfs
