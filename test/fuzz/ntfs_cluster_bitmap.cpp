// Any bytes as $Bitmap with an unread part: the free runs are those found bit by bit.
#include <cstdlib>
#include <vector>

#include "ntfs/cluster_bitmap.hpp"
#include "trimcarve/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  using namespace trimcarve::ntfs;
  if (size < 6) return 0;
  const ByteView input = std::as_bytes(std::span(data, size));
  const std::uint64_t clusters = le<std::uint16_t>(input, 0);
  std::vector<Unread> unread;
  if (input[2] != std::byte{0}) unread.push_back({le<std::uint8_t>(input, 3), le<std::uint8_t>(input, 4)});
  const ClusterBitmap bitmap({input.begin() + 5, input.end()}, clusters, unread);
  std::uint64_t counted = 0, behind = 0;
  for (std::uint64_t lcn = 0; lcn < clusters; ++lcn) counted += bitmap.allocation(lcn) == Allocation::free ? 1U : 0U;
  for (auto run = bitmap.next_free(0); run; run = bitmap.next_free(behind)) {
    if (run->clusters == 0 || run->lcn < behind) std::abort();
    behind = run->lcn + run->clusters;
    counted -= run->clusters;
  }
  if (counted != 0) std::abort();
  return 0;
}
