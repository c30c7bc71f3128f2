// The parts of a split raw image: image.001, image.002, ... or image.aa, image.ab, ...
#pragma once

#include <string>
#include <vector>

#include "trimcarve/examination.hpp"

namespace trimcarve::image {

struct Parts {
  std::vector<std::string> paths;
  std::vector<Warning> warnings;
  bool complete = true;
};

// All parts in order. One path: the first part of a split finds the others in its folder; any other path stands for itself. Several: as
// given, ordered by their endings when these number them. A part that is missing in between is a RunError that names it.
Parts find_parts(const std::vector<std::string>& given);

}  // namespace trimcarve::image
