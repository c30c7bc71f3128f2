// What `verify` takes from findings.json: where the evidence is, and every hash over bytes of it. The document is hostile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::report {

// No sighting is longer: the largest structure any of them cites is an index block or a FILE record.
inline constexpr std::uint64_t max_cited = 1 << 24;

struct CitedSighting {
  std::uint64_t id = 0;
  std::vector<Range> ranges;
  std::string sha256;  // empty: the document has none
};

// A recovered content or a part of one.
struct CitedContent {
  std::uint64_t file = 0;  // its position in `files`
  std::string path;        // of the file in the evidence
  std::uint64_t file_offset = 0, length = 0;
  std::string sha256, recovered_as;
  std::vector<Range> ranges;  // the raw bytes behind it; empty when the document has no hash of them
  std::string ranges_sha256;
};

struct Cited {
  std::vector<SourceInfo> sources;  // path, container, files, parents, whether a log was replayed
  std::vector<CitedSighting> sightings;
  std::vector<CitedContent> contents;
};

Result<Cited> read_cited(int fd);

}  // namespace trimcarve::report
