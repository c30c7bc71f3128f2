// What the acquisition wrote down in an EnCase image: case, evidence number, examiner, dates. Statements of the tool that made the image;
// nothing here is checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

// The body of a "header2" section (`wide`: UTF-16) or of a "header" section, zlib-compressed. Each note as "label: value"; values that are
// empty are left out. Nothing when the section is damaged.
std::optional<std::vector<std::string>> read_ewf_notes(ByteView body, bool wide);

}  // namespace trimcarve::image
