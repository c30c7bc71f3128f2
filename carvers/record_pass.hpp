// One pass over $MFT for everything that lies in FILE records: each record is read once and handed to `mft`, `record_slack` and, for
// $INDEX_ROOT, `index`, in this order.
#pragma once

#include <optional>
#include <vector>

#include "carvers/index.hpp"
#include "carvers/mft.hpp"
#include "carvers/record_slack.hpp"
#include "trimcarve/byte_source.hpp"

namespace trimcarve::carvers {

struct RecordStretch {
  std::uint64_t first = 0, count = 0;
};

struct RecordPassOptions {
  std::uint32_t volume = 0;
  std::uint32_t record_size = 1024;   // bytes; a power of two, 512 to 65536 (others are taken as 1024)
  std::uint64_t volume_clusters = 0;  // 0: not known
  // The records to read, stretches by their first entry and their number, in order. Empty: all.
  std::optional<std::vector<RecordStretch>> only;
  ProgressSink progress;
};

struct RecordPassTally {
  MftTally mft;
  SlackTally slack;
  IndexTally index_roots;
  bool stopped = false;
};

RecordPassTally carve_records(const ByteSource& mft, const RecordPassOptions& options, const SightingSink& sink);

// Everything the pass emits for one record, again. Nothing when the entry lies beyond the stream.
void carve_record_at(const ByteSource& mft, std::uint64_t entry, const RecordPassOptions& options, const SightingSink& sink);

}  // namespace trimcarve::carvers
