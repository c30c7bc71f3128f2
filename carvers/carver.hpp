// What all carvers share: where sightings go, how a run reports progress, and how a carver says what it could not read.
//
// A carver reads bytes and emits sightings; it knows no other carver. It fills one scratch Sighting again and again, so a sink copies what
// it keeps. Within one stream (StreamKind and owner) a source kind and a Place name one sighting: whoever kept only the two gets the very
// same sighting again from carve_record_at, carve_index_block_at or carve_usn_at, which emit everything at a place in the order of the full
// run.
//
// Places are raw: bytes at a Place in $MFT or an index still carry the update sequence values at the sector ends. Apply fix-ups to the
// whole record or block before using them as content; hash them as they are. Threads: a carver's functions keep no state between calls; the
// sink is called on the calling thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "trimcarve/file_time.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::carvers {

using SightingSink = std::function<void(const Sighting&)>;

// Called now and then with the bytes of the stream that are done. False ends the run early: its tally then has `stopped` set. May be empty.
using ProgressSink = std::function<bool(std::uint64_t done, std::uint64_t total)>;

enum class GapKind : std::uint8_t {
  hole,        // never written, sparse, or discarded: the source's extents say so
  zero,        // zeros were read
  garbage,     // bytes that are no record
  unreadable,  // could not be read
};
std::string_view to_string(GapKind kind) noexcept;

struct Gap {
  std::uint64_t offset = 0, length = 0;  // bytes, in the stream
  GapKind kind = GapKind::garbage;
  friend bool operator==(const Gap&, const Gap&) = default;
};

// Stretches of a stream that gave nothing. Counts all, keeps the first `kept_limit`; neighbours of one kind are joined.
struct GapList {
  static constexpr std::size_t kept_limit = 4096;
  std::vector<Gap> kept;
  std::uint64_t count = 0;  // of gaps, kept or not
  std::uint64_t bytes = 0;
  void add(std::uint64_t offset, std::uint64_t length, GapKind kind);

 private:
  std::uint64_t end_ = 0;
  GapKind last_ = GapKind::garbage;
};

// First and last of the times a source states; a zero time is none.
struct TimeWindow {
  std::optional<FileTime> first, last;
  void see(FileTime time) noexcept {
    if (time == no_time) return;
    if (!first || time < *first) first = time;
    if (!last || time > *last) last = time;
  }
};

}  // namespace trimcarve::carvers
