// Any bytes as LZNT1, into buffers of several sizes: output and input are bounded, and a smaller buffer gets the start of a larger one's.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "ntfs/lznt1.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const ByteView input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> whole(65536), part(5000);
  const auto a = ntfs::lznt1_decompress(input, whole);
  const auto b = ntfs::lznt1_decompress(input, part);
  if (a.good > whole.size() || b.good > part.size() || a.consumed > size || b.consumed > size) std::abort();
  if (!std::equal(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(std::min(a.good, b.good)), whole.begin())) std::abort();
  return 0;
}
