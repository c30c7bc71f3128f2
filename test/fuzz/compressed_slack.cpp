// Any runs over any bytes as a compressed file. Its slack lies in the clusters that the runs name.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "carvers/compressed_slack.hpp"
#include "memory_source.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Cluster size and unit, then runs of 8 bytes: clusters (2), hole or not (1), where (1), how much of the file is skipped (4).
  constexpr std::size_t head = 4, most_runs = 16;
  if (size < head + 8 * most_runs || size > 65536) return 0;
  const std::uint64_t cluster = std::uint64_t{512} << data[0] % 4;
  const auto log2 = static_cast<std::uint8_t>(data[1] % 8);
  std::vector<RunFact> runs;
  std::uint64_t vcn = 0;
  for (std::size_t i = 0; i < data[2] % (most_runs + 1); ++i) {
    const std::uint8_t* at = data + head + 8 * i;
    const std::uint64_t clusters = at[0] + 256U * at[1];
    vcn += at[4] == 0xFF ? ~std::uint64_t{0} - at[5] : at[4] == 0xFE ? std::uint64_t{at[5]} << 40 : 0;
    runs.push_back({vcn, at[2] % 2 == 0 ? -1 : std::int64_t{at[3]}, at[6] == 0xFF ? ~std::uint64_t{0} : clusters});
    vcn += clusters;
  }
  const fuzz::MemorySource volume(data + head + 8 * most_runs, size - head - 8 * most_runs);
  std::vector<carvers::Stretch> out;
  carvers::compressed_slack(volume, {cluster, log2, std::uint64_t{data[3]} * 2048, runs}, out);
  for (const carvers::Stretch& s : out) {
    if (s.length == 0 || !fits(volume.size(), s.offset, s.length)) std::abort();
    bool named = false;
    for (const RunFact& run : runs)
      named = named || (run.lcn >= 0 && s.offset >= static_cast<std::uint64_t>(run.lcn) * cluster &&
                        s.offset + s.length <= (static_cast<std::uint64_t>(run.lcn) + run.clusters) * cluster);
    if (!named) std::abort();
  }
  return 0;
}
