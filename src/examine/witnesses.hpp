// The witnesses of an examination: reads each, keeps what they state, and cites it.
//
// A witness is a file on a volume, a member of an archive on it, or a file the examiner gave. Its number is its place in
// Examination::witnesses; its sightings lie in the stream StreamKind::witness of that number.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "findings/hearing.hpp"
#include "trimcarve/examine.hpp"
#include "witness/witness.hpp"

namespace trimcarve {

// A hive and its transaction logs; of every other kind only `file`.
struct WitnessBytes {
  SourcePtr file, log1, log2;
};

class Witnesses {
 public:
  // `spaces`: the sources that Range::space counts, disk first; it may grow while this lives.
  Witnesses(const std::vector<SourcePtr>& spaces, const Progress& progress, Examination& out);

  // Reads one. `info` names it; its kind and counts are filled in here. A file that is no witness is left out without a word, unless the
  // examiner gave it (`info.state` "given").
  void read(WitnessInfo info, const WitnessBytes& bytes, witness::Kind kind);
  // The same, by what its content says it is.
  void read(WitnessInfo info, const SourcePtr& file);

  // Bytes for statements that name no handler; those that do may take half as much again, and cited ones are copied.
  void keep_at_most(std::uint64_t bytes) { most_memory_ = std::min(most_memory_, bytes); }

  // From now on: this volume is a shadow copy of that one. What it says is said of that one, and only what nobody said before is kept.
  void speaks_for(std::uint32_t shadow, std::uint32_t volume) { speaks_for_[shadow] = volume; }
  // Was a file with these bytes read on this volume or on a copy of it? Remembers it when not.
  bool is_repeat(const WitnessInfo& info, const WitnessBytes& bytes);

  findings::Hearing hearing();

 private:
  void read_archive(const WitnessInfo& info, const SourcePtr& file, int depth);
  void read_members(WitnessInfo info, const WitnessBytes& bytes, witness::Kind kind, int depth);
  std::uint32_t cite(std::size_t n);
  bool was_said(std::uint32_t volume, const Statement& statement, bool carved);

  const std::vector<SourcePtr>& spaces_;
  const Progress& progress_;
  Examination& out_;
  std::vector<SourcePtr> bytes_;  // by number
  std::vector<findings::Heard> heard_;
  std::map<std::size_t, std::uint32_t> cited_;
  std::map<std::uint32_t, std::uint32_t> speaks_for_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::vector<WitnessBytes>> read_;  // by volume and size: what it or a copy had
  std::unordered_multimap<std::size_t, std::size_t> said_;  // by hash; only as far as `counted_`, and only when there are copies
  std::size_t counted_ = 0;
  // Statements are kept in memory, so that those around a run can be found once the runs are known. A log of a hundred thousand processes
  // takes about 100 MB.
  std::uint64_t most_memory_ = std::uint64_t{256} << 20;
  std::uint64_t memory_ = 0, left_out_ = 0;
  std::uint64_t unpacked_ = 0;  // bytes of members of archives
  bool told_unpacked_ = false;
};

}  // namespace trimcarve
