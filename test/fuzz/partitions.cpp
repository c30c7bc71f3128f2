// MBR, its chain of extended boot records, GPT with either sector size, bare volumes. The input is the disk.
#include "image/partitions.hpp"

#include "memory_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  if (size == 0) return 0;
  const std::uint32_t sector_size = data[0] % 3 == 0 ? 0 : data[0] % 3 == 1 ? 512 : 4096;
  const fuzz::MemorySource disk(data + 1, size - 1);
  const auto table = image::read_partitions(disk, sector_size);
  for (const auto& p : table.partitions) {
    if (!fits(disk.size(), p.offset, p.size) && table.complete) __builtin_trap();  // a cut disk must not pass as whole
    if (p.offset + p.size < p.offset) __builtin_trap();
  }
  return 0;
}
