// LZNT1, the compression of NTFS streams. Format: MS-XCA 2.5; libfwnt's "LZNT1" document. Pure; no allocation; output is bounded by `out`.
#pragma once

#include <cstddef>
#include <span>

#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

inline constexpr std::size_t lznt1_chunk_size = 4096;  // uncompressed

struct Lznt1 {
  std::size_t good = 0;      // bytes of `out` that were decompressed; the rest of `out` is zero
  std::size_t consumed = 0;  // bytes of input they took: sector slack of a compression unit begins here
  bool complete = false;     // reached the end of the output, of the input at a chunk's end, or the zero chunk header
};

// Decompresses chunk after chunk (a compression unit, or any number of chunks). Stops at the first damage; what came before is kept, the
// good part of the damaged chunk included. A chunk that ends short of 4096 bytes with more to come is zero-filled to 4096, as Windows does.
Lznt1 lznt1_decompress(ByteView in, std::span<std::byte> out) noexcept;

}  // namespace trimcarve::ntfs
