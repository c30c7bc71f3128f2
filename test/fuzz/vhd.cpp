// VHD: footer, dynamic header, block table, sector bitmaps. The input is the file; checksums need not be right, so no help is needed.
#include "image/vhd.hpp"

#include "memory_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const auto file = std::make_shared<fuzz::MemorySource>(data, size);
  const auto footer = image::find_vhd_footer(*file);
  if (!footer) return 0;
  if (const auto disk = image::open_vhd(file, *footer)) fuzz::check_source(*disk->disk);
  return 0;
}
