// Index blocks of any bytes, known and unknown directory, with and without bitmap.
#include <cstdint>
#include <cstdlib>

#include "carvers/index.hpp"
#include "sighting_check.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 65536) return 0;
  carvers::IndexOptions options;
  options.block_size = (data[0] & 1) != 0 ? 4096 : 1024;
  options.vcn_unit = 512;
  if ((data[0] & 2) != 0) options.directory = FileReference{0x5'0000'0000'0005ULL};
  const std::byte bitmap{data[0]};
  if ((data[0] & 4) != 0) options.bitmap = ByteView(&bitmap, 1);
  const auto blocks = fuzz::padded_source(data + 1, size - 1, 512);
  fuzz::PlacesOnce places;
  std::uint64_t emitted = 0, again = 0;
  carvers::carve_index_allocation(blocks, options, [&](const Sighting& s) {
    fuzz::check(s, blocks.size());
    places.see(s);
    ++emitted;
  });
  for (std::uint64_t at = 0; at < blocks.size(); at += options.block_size)
    carvers::carve_index_block_at(blocks, at, options, [&](const Sighting&) { ++again; });
  if (emitted != again) std::abort();
  return 0;
}
