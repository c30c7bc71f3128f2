#include "carvers/log_times.hpp"

#include <algorithm>

namespace trimcarve::carvers {

namespace {

// How many before an operation are looked at for the latest. All are sound lower bounds; one far away is more likely to be a time that
// somebody set.
constexpr int neighbourhood = 32;
// How many are looked at in each direction, plausible or not.
constexpr std::ptrdiff_t reach = 512;

}  // namespace

void LogTimes::see(const LogTime& time) {
  if (time.time == no_time) return;
  window_.see(time.time);
  times_.push_back(time);
}

LogTimes::Neighbours LogTimes::around(std::uint64_t lsn, const std::function<bool(FileTime)>& plausible) const {
  Neighbours found;
  // The operation's own data may carry a time: it was there before.
  const auto behind = std::ranges::upper_bound(times_, lsn, {}, &LogTime::lsn);
  const auto first = behind - std::min(reach, behind - times_.begin());
  int seen = 0;
  for (auto at = behind; at != first && seen < neighbourhood;) {
    --at;
    if (!plausible(at->time)) continue;
    ++seen;
    if (!found.before || at->time > found.before->time) found.before = *at;
  }
  const auto end = behind + std::min(reach, times_.end() - behind);
  const auto next =
      std::find_if(behind, end, [&](const LogTime& t) { return plausible(t.time) && (!found.before || t.time >= found.before->time); });
  if (next != end) found.behind = *next;
  return found;
}

}  // namespace trimcarve::carvers
