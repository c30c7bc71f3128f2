// Any bytes as a boot sector: geometry, when given, keeps its promises.
#include <bit>
#include <cstdlib>

#include "ntfs/boot_sector.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const auto boot = ntfs::decode_boot_sector(std::as_bytes(std::span(data, size)));
  if (boot.kind == ntfs::BootKind::ntfs) {
    const auto& g = boot.geometry;
    if (!std::has_single_bit(g.cluster_size) || !std::has_single_bit(g.record_size) || !std::has_single_bit(g.index_block_size) ||
        g.volume_size / g.bytes_per_sector != g.total_sectors)
      std::abort();
  }
  return 0;
}
