// A change journal of any bytes. Each record must be emitted again at its offset.
#include <cstdint>
#include <cstdlib>

#include "carvers/usn_journal.hpp"
#include "sighting_check.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  const auto journal = fuzz::padded_source(data, size, 1);
  fuzz::PlacesOnce places;
  carvers::carve_usn_journal(journal, {}, [&](const Sighting& s) {
    fuzz::check(s, journal.size());
    places.see(s);
    bool same = false;
    carvers::carve_usn_at(journal, s.place.offset, {}, [&](const Sighting& t) { same = t.usn.usn == s.usn.usn && t.text == s.text; });
    if (!same) std::abort();
  });
  return 0;
}
