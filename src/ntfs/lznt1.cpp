#include "ntfs/lznt1.hpp"

#include <algorithm>
#include <cstring>

namespace trimcarve::ntfs {

namespace {

// One compressed chunk (without its header) into `out`, at most 4096 bytes. Returns what was written; `ok` false at the first damage.
std::size_t decompress_chunk(ByteView in, std::span<std::byte> out, bool& ok) noexcept {
  std::size_t at = 0, written = 0;
  ok = true;
  while (at < in.size() && written < out.size()) {
    const auto flags = std::to_integer<unsigned>(in[at++]);
    for (unsigned bit = 0; bit < 8 && at < in.size() && written < out.size(); ++bit) {
      if (((flags >> bit) & 1U) == 0) {
        out[written++] = in[at++];
        continue;
      }
      if (!fits(in, at, 2)) {
        ok = false;
        return written;
      }
      const unsigned token = le<std::uint16_t>(in, at);
      at += 2;
      // The further into the chunk, the more bits the displacement has and the fewer the length.
      unsigned length_bits = 12;
      for (std::size_t position = written == 0 ? 0 : written - 1; position >= 0x10; position >>= 1) --length_bits;
      const std::size_t displacement = (token >> length_bits) + 1;
      std::size_t length = (token & ((1U << length_bits) - 1U)) + 3;
      if (displacement > written) {
        ok = false;
        return written;
      }
      // More than the chunk holds: what fits is taken, the rest is damage, unless the caller's buffer is what ends.
      if (length > out.size() - written) {
        ok = out.size() < lznt1_chunk_size;
        length = out.size() - written;
      }
      for (std::size_t i = 0; i < length; ++i, ++written) out[written] = out[written - displacement];
      if (!ok) return written;
    }
  }
  return written;
}

}  // namespace

Lznt1 lznt1_decompress(ByteView in, std::span<std::byte> out) noexcept {
  Lznt1 result;
  std::size_t at = 0, chunk = 0;  // chunk: where in `out` the present one begins
  const auto finish = [&](bool complete) {
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(result.good), out.end(), std::byte{0});
    result.complete = complete;
    return result;
  };
  while (chunk < out.size()) {
    if (!fits(in, at, 2)) {
      result.consumed = at;
      return finish(at == in.size());
    }
    const unsigned header = le<std::uint16_t>(in, at);
    if (header == 0) {
      result.consumed = at + 2;
      return finish(true);
    }
    if (((header >> 12) & 7U) != 3) {  // the signature every chunk has
      result.consumed = at;
      return finish(false);
    }
    const std::size_t size = (header & 0xFFFU) + 1U;
    const ByteView data = in.subspan(at + 2, std::min(size, in.size() - at - 2));
    const std::span<std::byte> target = out.subspan(chunk, std::min(lznt1_chunk_size, out.size() - chunk));
    // The chunk before may have ended short: the gap reads as zeros.
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(result.good), out.begin() + static_cast<std::ptrdiff_t>(chunk), std::byte{0});
    bool ok = data.size() == size;
    std::size_t written = 0;
    if ((header & 0x8000U) != 0) {
      bool decoded = false;
      written = decompress_chunk(data, target, decoded);
      ok = ok && decoded;
    } else {
      written = std::min(data.size(), target.size());
      std::memcpy(target.data(), data.data(), written);
    }
    result.good = chunk + written;
    at += 2 + data.size();
    result.consumed = at;
    if (!ok) return finish(false);
    chunk += target.size();
  }
  // A unit that fills its output ends with a zero header too, where there is room for one.
  if (try_le<std::uint16_t>(in, at) == 0) result.consumed = at + 2;
  return finish(true);
}

}  // namespace trimcarve::ntfs
