#include "carvers/log_deletions.hpp"

#include <algorithm>
#include <utility>

namespace trimcarve::carvers {

namespace {

// How many dated records before a deletion are looked at for the latest time. All are sound lower bounds; one far away is more likely to be
// a time that somebody set.
constexpr std::ptrdiff_t neighbourhood = 32;
// How many behind it for one that is not before that.
constexpr std::ptrdiff_t reach = 512;

}  // namespace

void LogDeletions::see(const LogTime& time) {
  if (time.time == no_time) return;
  if (time.basis != LogTimeBasis::index) window_.see(time.time);
  times_.push_back(time);
}

std::vector<LogDeletion> LogDeletions::take() {
  for (LogDeletion& deletion : deletions_) {
    const auto behind = std::ranges::upper_bound(times_, deletion.lsn, {}, &LogTime::lsn);
    const auto first = behind - std::min(neighbourhood, behind - times_.begin());
    for (auto at = first; at != behind; ++at)
      // Its own undo data may carry a time: it was there before the deallocation.
      if (!deletion.earliest || at->time >= deletion.earliest->time) deletion.earliest = *at;
    const auto strong = [&](const LogTime& t) {
      return t.basis != LogTimeBasis::index && (!deletion.earliest || t.time >= deletion.earliest->time);
    };
    const auto end = behind + std::min(reach, times_.end() - behind);
    if (const auto next = std::find_if(behind, end, strong); next != end) deletion.latest = *next;
  }
  return std::move(deletions_);
}

}  // namespace trimcarve::carvers
