// A hive made safe for libregf, in memory.
//
// libregf (20201007) follows an index root ("ri") that names index roots without end: one that names itself overflows the stack, a few
// levels of them take for ever. It also steps over what is no bin and then takes all later offsets for others. Neither is legal, and both
// are mended here: an index root names leaves only, and each stretch of the hive has a bin's header. Source: M. Suhanov, "Windows registry
// file format specification" ("Index root", "Hive bin").
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "witness/hive_key.hpp"

namespace trimcarve::witness {

struct Mended {
  std::uint64_t bins = 0;                                              // headers written
  std::uint64_t lists = 0;                                             // of subkeys, taken from their keys
  std::uint64_t value_lists = 0;                                       // cut to what their cells hold
  std::vector<std::pair<std::size_t, std::vector<std::byte>>> before;  // what stood where, in the order of the changes
};

// Walks from the root to each key for whose path `leads` says true. A key on the way, or a child of one, whose list breaks the rule, lies
// outside of the hive or would bring more entries than the hive can hold gets an empty list; of its values it keeps those that their list's
// cell has room for.
Mended mend_hive(std::span<std::byte> hive, const std::function<bool(const KeyPath&)>& leads);

// The hive as it was.
void undo_mending(std::span<std::byte> hive, const Mended& mended);

}  // namespace trimcarve::witness
