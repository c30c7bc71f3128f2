// What must hold for every sighting a carver emits.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <tuple>
#include <vector>

#include "memory_source.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::fuzz {

// The fuzzer's bytes, padded with zeros to a multiple of `unit`.
inline MemorySource padded_source(const std::uint8_t* data, std::size_t size, std::size_t unit) {
  std::vector<std::byte> bytes((size + unit - 1) / unit * unit);
  if (size != 0) std::memcpy(bytes.data(), data, size);
  return MemorySource(std::move(bytes));
}

// Every fact points into the text, every place into the stream.
inline void check(const Sighting& s, std::uint64_t stream_size) {
  const auto inside = [&](const Place& p) { return p.offset <= stream_size && p.length <= stream_size - p.offset; };
  bool good = inside(s.place) && s.place.length != 0;
  for (const NameFact& n : s.names) good = good && n.text + std::uint64_t{n.length} <= s.text.size();
  for (const StreamFact& f : s.streams) {
    good = good && f.text + std::uint64_t{f.length} <= s.text.size() && f.first_run + std::uint64_t{f.run_count} <= s.runs.size();
    good = good && (!f.resident || inside(f.content));
  }
  for (const FragmentFact& f : s.fragments) good = good && inside(f.place) && f.place.length != 0;
  if (!good) std::abort();
}

// A source kind and a place name one sighting of a stream.
class PlacesOnce {
 public:
  void see(const Sighting& s) {
    if (!seen_.emplace(s.source, s.place.offset, s.place.length).second) std::abort();
  }

 private:
  std::set<std::tuple<SourceKind, std::uint64_t, std::uint64_t>> seen_;
};

}  // namespace trimcarve::fuzz
