// Stretches of a source, one behind the other, as a source of its own.
#pragma once

#include <vector>

#include "carvers/free_space.hpp"
#include "trimcarve/byte_source.hpp"

namespace trimcarve {

// `gap` bytes of zeros, a hole, lie between two of them.
SourcePtr make_pieces(SourcePtr base, const std::vector<carvers::Stretch>& pieces, std::uint64_t gap);

}  // namespace trimcarve
