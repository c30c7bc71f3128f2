// What a file is as a witness, by its content; its name decides only where content does not tell.
#pragma once

#include <string_view>

#include "witness/witness.hpp"

namespace trimcarve::witness {

// Reads the first 64 KiB. `path` may be a path on a volume or of the examiner's machine, or empty.
Kind recognise(const ByteSource& file, std::string_view path);

}  // namespace trimcarve::witness
