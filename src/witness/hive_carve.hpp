// Deleted keys of a registry hive, and what else its cells hold that no list leads to.
//
// When Windows frees a cell it leaves its bytes: a deleted key (nk), its list of values, the values (vk) and their data stay until the
// space is used again. The carver walks all bins, looks at every 8-byte step of unallocated cells, of what lies between broken cells and of
// what lies behind the last bin, and rebuilds a key's path through its parents as far as they are still keys. Values count only where they
// lie in unallocated space too: what is allocated belongs to someone else by now. Allocated keys are offered as well, for the caller knows
// which of them it reached. Source: M. Suhanov, "Windows registry file format specification" ("Unallocated cell", "Key node", "Key value").
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "carvers/carver.hpp"
#include "trimcarve/bytes.hpp"
#include "witness/hive_key.hpp"

namespace trimcarve::witness {

struct HiveCarveOptions {
  // The bytes are no whole hive, but bins, one behind the other, of which the first stands at this offset of the hive's bins. A cell of
  // another bin is not there, the last bin may be cut, and a parent that cannot be one ends the path.
  std::optional<std::uint32_t> first_bin;
  // Asked for each key before its values are read. `offset` is its cell's in the hive; `allocated`: no deleted key.
  std::function<bool(const KeyPath&, bool rooted, bool allocated, std::uint64_t offset)> wanted;
  std::function<void(const HiveKey&)> key;
  // A deleted value that none of the deleted keys offered claims: `offset` and `length` of its record's cell. May be empty.
  std::function<void(const HiveValue&, std::uint64_t offset, std::uint64_t length)> loose_value;
  // Each unallocated stretch, in the hive's bytes. May be empty.
  std::function<void(std::uint64_t offset, ByteView bytes)> free_space;
};

struct HiveCarveTally {
  std::uint64_t bins = 0, cells = 0;
  std::uint64_t free_bytes = 0;    // in unallocated cells and remains
  std::uint64_t deleted_keys = 0;  // found in them, wanted or not
  std::uint64_t deleted_values = 0;
  std::uint64_t damaged = 0;   // bins and cells whose size is impossible
  carvers::TimeWindow window;  // of the deleted keys' last writes
};

// `hive`: the whole file, base block first; with first_bin the bins alone.
HiveCarveTally carve_hive(ByteView hive, const HiveCarveOptions& options);

// How many names a path may have; longer chains of parents are damage (Windows allows 512 levels).
inline constexpr std::size_t deepest_key = 512;

}  // namespace trimcarve::witness
