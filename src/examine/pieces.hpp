// Stretches of a source, one behind the other, as a source of its own.
#pragma once

#include <vector>

#include "carvers/free_space.hpp"
#include "trimcarve/byte_source.hpp"

namespace trimcarve {

// `gap` bytes of zeros, a hole, lie between two of them.
SourcePtr make_pieces(SourcePtr base, const std::vector<carvers::Stretch>& pieces, std::uint64_t gap);

// Of registry hives: does the bin at `offset` belong to one of these, whose first pages were found? They are in order of offset.
bool is_bin_of(const std::vector<carvers::Stretch>& hives, std::uint64_t offset, const ByteSource& source);
// Adds a bin; those that lie side by side are joined.
void add_bin(std::vector<carvers::Stretch>& bins, const carvers::Stretch& bin);

}  // namespace trimcarve
