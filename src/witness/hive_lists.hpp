// The lists of subkeys of a hive, checked before libregf follows them.
//
// libregf (20201007) follows an index root ("ri") that names index roots without end: one that names itself overflows the stack, a few
// levels of them take for ever. Neither is legal. Windows' own rule, that an index root names leaves only, is made true here in memory.
// Source: M. Suhanov, "Windows registry file format specification" ("Index root").
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "witness/hive_key.hpp"

namespace trimcarve::witness {

// Walks from the root to each key for whose path `leads` says true. A key on the way, or a child of one, whose list breaks the rules, lies
// outside of the hive or would bring more entries than the hive can hold gets an empty list in `hive`. Returns how many those are.
std::uint64_t mend_subkey_lists(std::span<std::byte> hive, const std::function<bool(const KeyPath&)>& leads);

}  // namespace trimcarve::witness
