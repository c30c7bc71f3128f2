// A small volume whose boot sector, record 0 and clusters are the input's: opening it, its streams and its directories never leaves bounds.
#include <algorithm>
#include <memory>

#include "memory_source.hpp"
#include "ntfs/volume.hpp"

namespace {

using namespace trimcarve;

void read_some(const ntfs::FileStream& stream) {
  fuzz::check_source(*stream.bytes);
  stream.bytes->extents(0, ~std::uint64_t{0});
  stream.bytes->locate(0, 70000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = std::make_shared<fuzz::MemorySource>(data, size);
  const auto bare = ntfs::open_mft_artefact(source, nullptr);
  const auto volume = ntfs::open_volume(source);
  if (bare) bare->open_stream(3, ntfs::attribute_type::data, u"");
  if (!volume) return 0;
  const std::uint64_t records = std::min<std::uint64_t>(volume->record_count(), 16);
  for (std::uint64_t entry = 0; entry < records; ++entry) {
    if (const auto stream = volume->open_stream(entry, ntfs::attribute_type::data, u"")) read_some(*stream);
    volume->find_in_directory(entry, u"$UsnJrnl");
  }
  volume->find_usn_journal();
  return 0;
}
