// What the clock of LSNs costs beside the pass over $MFT: the records carved into the graph, the same with their ticks, and the clock made
// of these with its hold-out.
//
// Usage: clock_speed IMAGE [BYTES]; BYTES: where a volume begins in it (0: at once, or what the partition table says first). One thread;
// the least seconds of CPU time of seven rounds, in turn.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "carvers/record_pass.hpp"
#include "history/graph.hpp"
#include "history/sequence_clock.hpp"
#include "image/open.hpp"
#include "image/partitions.hpp"
#include "ntfs/volume.hpp"

using namespace trimcarve;

namespace {

constexpr int rounds = 7;

double seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Clocks {
  history::SequenceClock by_lsn, by_usn;
};

void pass(const ntfs::Volume& volume, history::Graph& graph, Clocks* clocks) {
  carvers::RecordPassOptions options;
  options.record_size = volume.record_size();
  if (clocks != nullptr)
    for (history::SequenceClock* clock : {&clocks->by_lsn, &clocks->by_usn}) clock->reserve(volume.record_count());
  carvers::carve_records(*volume.mft(), options, [&](const Sighting& s) {
    if (s.source == SourceKind::index) return;
    if (clocks != nullptr) history::add_ticks(s, clocks->by_lsn, clocks->by_usn);
    graph.add(s);
  });
}

}  // namespace

int main(int count, char** words) {
  if (count != 2 && count != 3) {
    std::fprintf(stderr, "usage: clock_speed IMAGE [BYTES]\n");
    return 2;
  }
  try {
    const auto disk = image::open_image({words[1]});
    std::uint64_t offset = count == 3 ? std::stoull(words[2]) : 0;
    if (count == 2)
      if (const auto table = image::read_partitions(*disk.source, disk.sector_size); !table.partitions.empty())
        offset = table.partitions.front().offset;
    const auto volume = ntfs::open_volume(make_view(disk.source, offset, disk.source->size() - offset));
    if (!volume) {
      std::fprintf(stderr, "clock_speed: %s: no NTFS volume\n", words[1]);
      return 3;
    }
    double alone = 1e9, with = 1e9, finish = 1e9;
    std::uint64_t ticks = 0;
    for (int round = 0; round < rounds; ++round) {
      for (const bool ticked : {round % 2 == 0, round % 2 != 0}) {  // neither has always the other's memory
        history::Graph graph(volume->up_case(), volume->record_count());
        Clocks clocks;
        const double begin = seconds();
        pass(*volume, graph, ticked ? &clocks : nullptr);
        const double end = seconds();
        (ticked ? with : alone) = std::min(ticked ? with : alone, end - begin);
        if (!ticked) continue;
        clocks.by_lsn.finish();
        finish = std::min(finish, seconds() - end);
        ticks = clocks.by_lsn.health().ticks;
      }
    }
    const double cost = std::max(0.0, with - alone) + finish;
    std::fputs(
        fmt::format("Clock of LSNs: {} records, {} ticks; the pass over $MFT {:.0f} ms, with ticks {:.0f} ms; the clock made of them "
                    "{:.1f} ms; together {:.1f} % of the pass\n",
                    volume->record_count(), ticks, 1000 * alone, 1000 * with, 1000 * finish, 100 * cost / alone)
            .c_str(),
        stdout);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "clock_speed: %s: %s\n", words[1], error.what());
    return 3;
  }
  return 0;
}
