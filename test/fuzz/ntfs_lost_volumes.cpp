// The search for lost volumes: what it finds lies on the disk, in order, none inside another, and opens or is refused.
#include "memory_source.hpp"
#include "ntfs/lost_volumes.hpp"
#include "ntfs/volume.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const auto disk = std::make_shared<fuzz::MemorySource>(data, size);
  for (const auto depth : {ntfs::SearchDepth::aligned, ntfs::SearchDepth::all}) {
    std::uint64_t end = 0;
    for (const auto& v : ntfs::find_lost_volumes(*disk, 0, size, depth).volumes) {
      if (v.offset < end || v.size == 0 || !fits(size, v.offset, v.size)) __builtin_trap();
      end = v.offset + v.size;
      (void)ntfs::open_volume(make_view(disk, v.offset, v.size), v.geometry ? &*v.geometry : nullptr);
    }
  }
  return 0;
}
