// The parents of differencing images: where they may be, and which file is the one meant.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/container.hpp"

namespace trimcarve::image {

// The identifier by which a child names a file: a VHD's unique id, a VHDX's data write GUID. Nothing when it is neither.
std::optional<std::string> container_identifier(const ByteSource& file);

// The path of the parent of `child`: of `given` and of the link's names beside the child (in any case of letters), the first file with an
// identifier of the link. `chain` holds the paths opened so far, none of which is its own parent. Throws RunError{input} that names what is
// missing, or what is there but another file.
std::string find_parent(const std::string& child, const ParentLink& link, const std::vector<std::string>& given,
                        const std::vector<std::string>& chain);

}  // namespace trimcarve::image
