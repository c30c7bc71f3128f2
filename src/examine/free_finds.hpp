// What the search of a volume's free space brought, until it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "carvers/free_space.hpp"
#include "carvers/log_pages.hpp"
#include "trimcarve/examination.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve {

struct FoundText {
  carvers::TextFragment fragment;  // offset and length: in the stream
  std::string place;               // FragmentReport::place
  StreamKind stream = StreamKind::volume;
  std::optional<FileReference> reference;  // of the file in whose record it lies
};

// Of what a sighting states, whatever says so and wherever it stands.
std::size_t said_hash(const Sighting& sighting);

struct FreeFinds {
  // Gathered while $MFT is read.
  std::vector<carvers::Stretch> slack;
  std::vector<carvers::Stretch> known;   // allocated, and read elsewhere: not for a search of the whole volume
  std::uint64_t slack_not_searched = 0;  // files in use in extents of which not all are in one record; compressed units that are none
  struct Compressed {
    std::uint8_t unit_log2 = 0;
    std::uint64_t valid_size = 0;
    std::size_t first_run = 0, run_count = 0;  // of compressed_runs
  };
  std::vector<Compressed> compressed;
  std::vector<RunFact> compressed_runs;
  std::vector<FragmentFact> record_slack;
  std::vector<FileReference> record_slack_of;  // each of them

  bool searched = false;
  std::string why_not;
  std::uint64_t stored = 0;  // bytes that would be, or were, searched

  // The change journal's records, by USN. Those that a journal has as well are taken out again.
  struct Usn {
    std::uint64_t offset = 0;
    FileReference reference;
    FileTime time;
  };
  std::unordered_multimap<std::uint64_t, Usn> journal;
  std::uint64_t journal_left_out = 0, journal_known = 0;

  std::unordered_set<std::size_t> said;  // hashes of what structures state
  std::uint64_t records = 0, blocks = 0, entries = 0;
  std::uint64_t repeated = 0;  // sightings that say what $MFT or another says too
  std::uint64_t foreign = 0;   // of another volume
  std::uint64_t no_structure = 0;
  carvers::TimeWindow window;

  std::vector<carvers::Stretch> event_chunks, hives;
  std::vector<carvers::Stretch> hive_bins;  // of no hive that was found
  std::vector<carvers::LogPage> log_pages;
  std::vector<FoundText> texts;
  std::uint64_t text_bytes = 0, texts_left_out = 0;
};

}  // namespace trimcarve
