// mft, record_slack and $INDEX_ROOT over records of any bytes; the first byte picks the record size. What the pass emits for a record must
// come again from carve_record_at.
#include <cstdint>
#include <cstdlib>

#include "carvers/record_pass.hpp"
#include "sighting_check.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 65536) return 0;
  carvers::RecordPassOptions options;
  options.record_size = (data[0] & 1) != 0 ? 4096 : 1024;
  options.volume_clusters = (data[0] & 2) != 0 ? 0 : 1000;
  const auto mft = fuzz::padded_source(data + 1, size - 1, options.record_size);
  fuzz::PlacesOnce places;
  std::uint64_t emitted = 0, again = 0;
  carvers::carve_records(mft, options, [&](const Sighting& s) {
    fuzz::check(s, mft.size());
    places.see(s);
    ++emitted;
  });
  for (std::uint64_t entry = 0; entry * options.record_size < mft.size(); ++entry)
    carvers::carve_record_at(mft, entry, options, [&](const Sighting&) { ++again; });
  if (emitted != again) std::abort();
  return 0;
}
