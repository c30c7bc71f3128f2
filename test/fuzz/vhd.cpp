// VHD: footer, dynamic header, parent locators, block table, sector bitmaps. The input is the file; checksums need not be right, so no help
// is needed. A differencing disk gets a small parent, of which a third is a hole.
#include "image/vhd.hpp"

#include "image/host_file.hpp"
#include "memory_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const auto file = std::make_shared<fuzz::MemorySource>(data, size);
  const auto footer = image::find_vhd_footer(*file);
  if (!footer) return 0;
  const auto parent = [](const image::ParentLink& link) -> SourcePtr {
    for (const std::string& name : link.names)
      if (name.empty() || name == ".." || name.find_first_of("/\\") != std::string::npos) __builtin_trap();
    return std::make_shared<fuzz::MemorySource>(std::vector<std::byte>(5000, std::byte{0x5A}));
  };
  const auto disk = image::open_vhd(file, *footer, parent);
  if (!disk) return 0;
  fuzz::check_source(*disk->disk);
  for (const auto& warning : disk->warnings)
    for (const Range& range : warning.ranges)
      if (!fits(std::max<std::uint64_t>(size, disk->disk->size()), range.offset, range.length)) __builtin_trap();
  return 0;
}
