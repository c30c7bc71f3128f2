// A registry hive as a witness: the agent's keys, certificates, programs Windows saw, how the machine was set up; live and deleted.
//
// libregf reads what is linked; the carver what is not. Statement::offset and length are the key's cell (for a deleted value alone: its
// record's; for an entry of ShimCache in free space: the entry) in the hive with its logs applied: apply_hive_logs gives the source whose
// locate() says where those bytes lie. A live key's time is its last write; where a statement's time is something else, its field "time is"
// says what.
#pragma once

#include <string_view>

#include "witness/witness.hpp"

namespace trimcarve::witness {

// Logs may be null. The hive is read into memory: at most `most_hive` bytes of it, which is what Windows allows a hive.
Tally read_hive(SourcePtr hive, SourcePtr log1, SourcePtr log2, std::string_view path, const StatementSink& sink);

inline constexpr std::uint64_t most_hive = std::uint64_t{2} << 30;

}  // namespace trimcarve::witness
