// E01, qcow2 and VMDK through the libraries and tables that read them: whatever the bytes, nothing but a RunError, and what is read fits
// what is said of it.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "image/foreign.hpp"
#include "memory_source.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 512) return 0;
  const auto file = std::make_shared<fuzz::MemorySource>(data, size);
  try {
    const auto disk = image::open_foreign(file, "image.bin", [&](const std::string&) { return file; });
    if (!disk) return 0;
    const std::uint64_t all = disk->disk->size(), looked_at = std::min<std::uint64_t>(all, 1 << 22);
    std::array<std::byte, 4096> bytes;
    std::uint64_t end = 0;
    for (const Extent& e : disk->disk->extents(0, looked_at)) {
      if (e.offset != end || e.length == 0) std::abort();
      end += e.length;
      const auto part = std::span(bytes).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), e.length)));
      const bool read = disk->disk->read_at(e.offset, part).has_value();
      if (e.kind == ExtentKind::unreadable ? read : e.kind != ExtentKind::data && (!read || !all_zero(part))) std::abort();
    }
    if (end != looked_at) std::abort();
    if (all > 4096) (void)disk->disk->read_at(all - 4096, bytes);
  } catch (const RunError&) {
  }
  return 0;
}
