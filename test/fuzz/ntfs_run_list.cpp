// Any bytes as a run list: runs are in VCN order, inside the volume, and no more than the bytes can hold.
#include <cstdlib>
#include <vector>

#include "ntfs/run_list.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  if (size < 8) return 0;
  const ByteView input = std::as_bytes(std::span(data, size));
  const std::uint64_t volume = le<std::uint64_t>(input, 0) >> (input[0] == std::byte{0} ? 0 : 40);
  std::vector<RunFact> runs;
  const auto list = ntfs::decode_run_list(input.subspan(8), 0, volume, runs);
  if (runs.size() != list.runs || runs.size() > size) std::abort();
  std::uint64_t vcn = 0;
  for (const RunFact& run : runs) {
    if (run.vcn != vcn || run.clusters == 0 || run.lcn < -1) std::abort();
    if (run.lcn >= 0 && volume != 0 && !fits(volume, static_cast<std::uint64_t>(run.lcn), run.clusters)) std::abort();
    vcn += run.clusters;
  }
  if (vcn != list.clusters) std::abort();
  return 0;
}
