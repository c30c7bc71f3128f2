// Any bytes as free space. Candidates lie in their stretch; what a structure states lies in the source, and carve_free_at finds it again.
#include <cstdint>
#include <cstdlib>

#include "carvers/free_space.hpp"
#include "sighting_check.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  const auto source = fuzz::padded_source(data, size, 512);
  const std::uint64_t half = source.size() / 1024 * 512;
  const std::vector<carvers::Stretch> stretches{{0, half}, {half, source.size() - half}};
  carvers::FreeSpaceOptions options;
  options.records = 100'000;
  const auto tally = carvers::search_free_space(source, stretches, options, [&](const carvers::Candidate& c) {
    const carvers::Stretch& s = stretches[c.stretch];
    if (c.offset < s.offset || c.length > s.offset + s.length - c.offset || c.length == 0) std::abort();
    const auto take = [&](const Sighting& sighting) {
      fuzz::check(sighting, source.size());
      bool again = false;
      carvers::carve_free_at(source, sighting.place.offset, options, [&](const Sighting& t) {
        again = again || (t.text == sighting.text && t.reference == sighting.reference && t.place == sighting.place);
      });
      // Another structure may begin nearer to it than its own: then that one is told from there.
      if (!again && sighting.place.offset == c.offset) std::abort();
    };
    if (c.kind == carvers::CandidateKind::file_record) carvers::carve_free_record(source, c.offset, options, take);
    if (c.kind == carvers::CandidateKind::index_block) carvers::carve_free_index(source, c.offset, options, take);
    if (c.kind == carvers::CandidateKind::usn_record && !carvers::carve_free_usn(source, c.offset, options, take)) std::abort();
  });
  if (tally.data + tally.zeros + tally.holes + tally.unreadable != source.size()) std::abort();
  return 0;
}
