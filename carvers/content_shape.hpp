// Whether bytes left in record slack read as the content of a file, rather than as remains of NTFS's own structures.
#pragma once

#include <cstdint>

#include "trimcarve/bytes.hpp"

namespace trimcarve::carvers {

enum class ContentShape : std::uint8_t {
  none,    // too short, mostly zero, or mapping pairs
  text,    // ASCII, UTF-8 or UTF-16LE text
  binary,  // neither text nor anything of NTFS's that is known
};

// `odd_unit`: the piece begins at an odd offset of its file, so UTF-16 units begin at its second byte.
ContentShape content_shape(ByteView piece, bool odd_unit) noexcept;

}  // namespace trimcarve::carvers
