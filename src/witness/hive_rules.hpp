// What a key, a deleted value or unallocated bytes of a hive state of a VM extension or of how the machine was set up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trimcarve/bytes.hpp"
#include "witness/hive_key.hpp"
#include "witness/hive_topic.hpp"
#include "witness/witness.hpp"

namespace trimcarve::witness {

struct Stated {
  std::uint64_t emitted = 0;
  std::uint64_t damaged = 0;  // entries of a value that could not be read, or a value of a form that is not known
};
// Emits what the key states. `scratch` is filled anew for each statement.
Stated state_key(const HiveKey& key, HiveKind kind, Statement& scratch, const StatementSink& sink);

// A deleted value that no key claims: it speaks when its text holds a path below a handler's folder.
std::uint64_t state_loose_value(const HiveValue& value, std::uint64_t offset, std::uint64_t length, HiveKind kind, Statement& scratch,
                                const StatementSink& sink);
// Entries of ShimCache in unallocated bytes at `offset` of the hive.
std::uint64_t state_free_space(ByteView bytes, std::uint64_t offset, HiveKind kind, Statement& scratch, const StatementSink& sink);

}  // namespace trimcarve::witness
