#include "history/sequence_clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <memory>
#include <numeric>

namespace trimcarve::history {

namespace {

constexpr std::size_t least_ticks = 12;    // fewer fit together by chance
constexpr std::size_t least_of_epoch = 3;  // ticks that tell of another sequence
constexpr double chance_runs = 3;          // times sqrt(n): a random order's longest run has 2
constexpr double most_later = 0.05;        // of the held-out times that the brackets could have got wrong
// Held out: each of so few ticks in turn; of more, every eighth, eight times over; of many, every eighth once, in four stretches that are
// an eighth of them together: the test may not cost much beside the clock.
constexpr std::size_t few = 64, many = 2048, folds = 8, stretches = 4;

// By number, equal ones by time. Records come by their entry, so in no order of their numbers: as many as $MFT has are sorted digit by
// digit.
void sort_ticks(std::vector<Tick>& ticks) {
  constexpr unsigned digit = 11;
  constexpr std::size_t digits = std::size_t{1} << digit, worth_it = 4096;
  const auto before = [](const Tick& a, const Tick& b) { return a.number != b.number ? a.number < b.number : a.time < b.time; };
  if (std::ranges::is_sorted(ticks, before)) return;
  if (ticks.size() < worth_it || ticks.size() > 0xFFFF'FFFF) {
    std::ranges::sort(ticks, before);
    return;
  }
  std::uint64_t differ = 0;
  for (const Tick& tick : ticks) differ |= tick.number ^ ticks.front().number;
  const unsigned rounds = (static_cast<unsigned>(std::bit_width(differ)) + digit - 1) / digit;
  std::vector<std::uint32_t> next(rounds * digits);
  for (const Tick& tick : ticks)
    for (unsigned i = 0; i < rounds; ++i) ++next[i * digits + ((tick.number >> (i * digit)) & (digits - 1))];
  const auto buffer = std::make_unique_for_overwrite<Tick[]>(ticks.size());
  std::span<Tick> from(ticks), to(buffer.get(), ticks.size());
  for (unsigned i = 0; i < rounds; ++i) {
    const std::span<std::uint32_t> place = std::span(next).subspan(i * digits, digits);
    std::exclusive_scan(place.begin(), place.end(), place.begin(), std::uint32_t{0});
    for (const Tick& tick : from) to[place[(tick.number >> (i * digit)) & (digits - 1)]++] = tick;
    std::swap(from, to);
  }
  if (from.data() != ticks.data()) std::ranges::copy(from, ticks.begin());
  for (auto first = ticks.begin(); first != ticks.end();) {
    const auto last = std::find_if(first, ticks.end(), [&](const Tick& tick) { return tick.number != first->number; });
    if (last - first > 1) std::sort(first, last, before);
    first = last;
  }
}

}  // namespace

// Where the numbers begin anew, old and new ticks stand side by side below the place that the new ones have reached. Either the chain takes
// the new ones up to there and then seems to be set back, which a clock that was set back does not do with old ticks below the place; or it
// takes the old ones, and the new ones are later than it allows, in an order of their own.
std::optional<std::uint64_t> SequenceClock::find_restart(const ClockChain& chain) const {
  const auto ticks = chain.ticks();
  for (std::size_t n = chain.breaks().size(); n-- > 0;) {
    const std::size_t begin = n == 0 ? 0 : chain.breaks()[n - 1], at = chain.breaks()[n];
    const FileTime latest = std::ranges::max(ticks.subspan(at), {}, &Tick::time).time;
    if (latest >= ticks[begin].time) continue;
    const auto from = std::ranges::lower_bound(written_, ticks[begin].number, {}, &Tick::number);
    const auto to = std::ranges::lower_bound(written_, ticks[at].number, {}, &Tick::number);
    const auto old = std::count_if(from, to, [&](const Tick& t) { return t.time <= latest; });
    if (static_cast<std::size_t>(old) >= least_of_epoch) return ticks[at - 1].number;
  }
  if (chain.later().size() < least_ticks) return std::nullopt;
  std::vector<Tick> beyond;
  const FileTime latest = std::ranges::max(ticks, {}, &Tick::time).time;
  std::ranges::copy_if(chain.later(), std::back_inserter(beyond), [&](const Tick& t) { return t.time > latest; });
  const auto order = longest_chain(beyond, beyond.size());
  if (order.size() < least_ticks || static_cast<double>(order.size()) < chance_runs * std::sqrt(static_cast<double>(beyond.size())))
    return std::nullopt;
  // A clock that was wrong for a while leaves nothing of the right one beside it.
  const std::uint64_t first = beyond[order.front()].number, last = beyond[order.back()].number;
  const auto beside = std::ranges::count_if(ticks, [&](const Tick& t) { return first <= t.number && t.number <= last; });
  if (static_cast<std::size_t>(beside) < least_of_epoch) return std::nullopt;
  return last;
}

// A number that only an earlier sequence gave out is of it, and so is every time up to the last of these.
void SequenceClock::split(std::uint64_t last_number) {
  const auto beyond = std::ranges::upper_bound(written_, last_number, {}, &Tick::number);
  const std::span<const Tick> high(beyond, written_.end());
  if (high.size() < least_of_epoch) return;
  const auto on_chain = longest_chain(high, high.size());
  const FileTime end = high[on_chain.back()].time;
  const auto is_new = [&](const Tick& t) { return t.number <= last_number && t.time > end; };
  if (static_cast<std::size_t>(std::ranges::count_if(written_, is_new)) < least_of_epoch) return;
  const auto move_old = [&](std::vector<Tick>& from, std::vector<Tick>& to) {
    std::ranges::copy_if(from, std::back_inserter(to), [&](const Tick& t) { return !is_new(t); });
    std::erase_if(from, [&](const Tick& t) { return !is_new(t); });
  };
  move_old(written_, old_written_);
  move_old(at_least_, old_at_least_);
  // What of them has a number that both sequences gave out may be either's.
  std::erase_if(old_at_least_, [&](const Tick& t) { return t.number <= last_number; });
  old_end_ = end;
  health_.restarted_at = last_number;
}

SequenceClock SequenceClock::until(FileTime time) const {
  SequenceClock out;
  const auto in_time = [time](const Tick& tick) { return tick.time <= time; };
  std::ranges::copy_if(written_, std::back_inserter(out.written_), in_time);
  std::ranges::copy_if(at_least_, std::back_inserter(out.at_least_), in_time);
  return out;
}

void SequenceClock::finish(const ClockLimits& limits) {
  if (limits.not_after)
    for (auto* ticks : {&written_, &at_least_}) {
      const auto later = std::erase_if(*ticks, [&](const Tick& t) { return t.time > *limits.not_after; });
      (ticks == &written_ ? health_.tally.later : health_.tally.at_least_later) += later;
    }
  sort_ticks(written_);
  sort_ticks(at_least_);
  // A record of the log and the FILE record that it wrote, or two copies of a journal record, are one tick: each would vouch for the other.
  const auto same = std::ranges::unique(written_);
  written_.erase(same.begin(), same.end());
  health_.ticks = written_.size() + health_.tally.later;
  health_.at_least = at_least_.size() + health_.tally.at_least_later;
  if (!written_.empty()) {
    health_.first_number = written_.front().number;
    health_.last_number = written_.back().number;
  }
  if (limits.last_number) split(*limits.last_number);
  present_ = ClockChain(written_, at_least_);
  if (!limits.last_number)
    if (const auto restart = find_restart(present_)) {
      split(*restart);
      present_ = ClockChain(written_, at_least_);
    }
  if (health_.restarted_at) old_ = ClockChain(old_written_, old_at_least_);

  std::vector<std::uint64_t> widths;
  for (const ClockChain* chain : {&old_, &present_}) {
    if (chain->ticks().empty()) continue;
    const ChainTally& tally = chain->tally();
    health_.tally.on_chain += tally.on_chain;
    health_.tally.older += tally.older;
    health_.tally.later += tally.later;
    health_.tally.doubtful += tally.doubtful;
    health_.tally.at_least_later += tally.at_least_later;
    health_.tally.at_least_doubtful += tally.at_least_doubtful;
    std::ranges::copy(chain->set_backs(), std::back_inserter(health_.set_backs));
    for (const Tick& tick : chain->ticks()) {
      if (health_.first == no_time || tick.time < health_.first) health_.first = tick.time;
      health_.last = std::max(health_.last, tick.time);
    }
    hold_out(*chain, chain == &old_ ? old_written_ : written_, chain == &old_ ? old_at_least_ : at_least_, limits.hold_out_all, widths);
  }
  if (!widths.empty()) {
    const auto middle = widths.begin() + static_cast<std::ptrdiff_t>(widths.size() / 2);
    std::ranges::nth_element(widths, middle);
    health_.held_out.median_width = *middle;
  }
  judge();
  for (auto* ticks : {&written_, &at_least_, &old_written_, &old_at_least_}) std::vector<Tick>().swap(*ticks);
}

void SequenceClock::hold_out(const ClockChain& whole, std::span<const Tick> written, std::span<const Tick> at_least, bool all,
                             std::vector<std::uint64_t>& widths) {
  if (all || written.size() <= many) {
    const std::size_t each = written.size() <= few ? std::max<std::size_t>(1, written.size()) : folds;
    for (std::size_t round = 0; round < each; ++round) hold_out_one(whole, written, at_least, each, round, widths);
    return;
  }
  const std::size_t length = written.size() / (2 * stretches * stretches);
  for (std::size_t i = 0; i < stretches; ++i) {
    const auto part = written.subspan(i * (written.size() / stretches), length);
    const auto from = std::ranges::lower_bound(at_least, part.front().number, {}, &Tick::number);
    const auto to = std::ranges::upper_bound(at_least, part.back().number, {}, &Tick::number);
    hold_out_one(whole, part, std::span(from, to), folds, i, widths);
  }
}

void SequenceClock::hold_out_one(const ClockChain& whole, std::span<const Tick> written, std::span<const Tick> at_least, std::size_t each,
                                 std::size_t round, std::vector<std::uint64_t>& widths) {
  std::vector<Tick> others;
  others.reserve(written.size());
  for (std::size_t i = 0; i < written.size(); ++i)
    if (i % each != round) others.push_back(written[i]);
  const ClockChain chain(others, at_least);
  ClockHealth::HoldOut& out = health_.held_out;
  for (std::size_t i = round; i < written.size(); i += each) {
    const auto& [number, time] = written[i];
    const Bracket bracket = chain.at(number);
    ++out.tested;
    if (bracket.earliest && time < *bracket.earliest) {
      ++out.older;
    } else if (bracket.latest && time > *bracket.latest) {
      ++(chain.before_set_back(number, time) || whole.before_set_back(number, time) ? out.older : out.later);
    } else if (!bracket.earliest || !bracket.latest) {
      ++out.open;
    } else {
      ++out.inside;
      widths.push_back(bracket.latest->ticks - bracket.earliest->ticks);
    }
  }
}

void SequenceClock::judge() {
  const double count = static_cast<double>(health_.ticks), chain = static_cast<double>(health_.tally.on_chain);
  const ClockHealth::HoldOut& held = health_.held_out;
  if (health_.ticks < least_ticks)
    health_.why_not = fmt::format("{} dated records, too few: {} are the least", health_.ticks, least_ticks);
  else if (chain < std::min(count, chance_runs * std::sqrt(count)))
    health_.why_not = fmt::format("the times do not follow the numbers: {} of {} in order, and chance has as many", health_.tally.on_chain,
                                  health_.ticks);
  else if (held.inside < least_of_epoch)
    health_.why_not = fmt::format("{} of {} held-out times fell into a bracket", held.inside, held.tested);
  else if (static_cast<double>(held.later) > most_later * static_cast<double>(held.later + held.inside))
    health_.why_not = fmt::format("{} of {} held-out times lie later than their bracket", held.later, held.later + held.inside);
  health_.sound = health_.why_not.empty();
}

Bracket SequenceClock::at(std::uint64_t number, FileTime not_before) const {
  const Bracket now = present_.at(number);
  if (!health_.restarted_at) return now;
  const Bracket before = old_.at(number);
  if (number > *health_.restarted_at) return before;
  if (not_before > old_end_) return now;
  Bracket both{.widened = true};
  if (before.earliest && now.earliest) both.earliest = std::min(*before.earliest, *now.earliest);
  if (before.latest && now.latest) both.latest = std::max(*before.latest, *now.latest);
  return both;
}

std::uint64_t SequenceClock::later_by(std::uint64_t number, FileTime time) const {
  const bool old = health_.restarted_at && number > *health_.restarted_at;
  const ClockChain& chain = old ? old_ : present_;
  const Bracket bracket = chain.narrow_at(number);
  if (!bracket.earliest || !bracket.latest || time <= *bracket.latest || chain.before_set_back(number, time)) return 0;
  return time.ticks - bracket.latest->ticks;
}

// NTFS changes its own files, and Windows some that are hidden and the system's, without touching their times; the root is like any
// directory.
static bool is_systems_own(const Sighting& s) {
  constexpr std::uint64_t first_of_users = 24;
  constexpr std::uint32_t hidden_system = 0x6;
  return s.record_entry != root_entry && (s.record_entry < first_of_users || (s.file_attributes & hidden_system) == hidden_system);
}

void add_ticks(const Sighting& s, SequenceClock& by_lsn, SequenceClock& by_usn, TickKind logged) {
  switch (s.source) {
    case SourceKind::mft: {
      if (s.integrity != Integrity::good || !s.has_standard_information || s.base_is_elsewhere) return;
      const TimeSet& times = s.standard_information;
      // Modification and creation times are no ticks: every program that unpacks or copies files sets them. Nor is the access time of a
      // record in use: NTFS writes it back without logging it, so it may be later than the LSN (plaso's vsstest.qcow2, a Windows 7 volume,
      // has such a record). A deletion is logged, and behind all of them. The USN is of the file's last journal record, and its change time
      // may have grown since without another: such a tick is later than its number, and the chain leaves it out.
      if (s.in_use && !is_systems_own(s)) {
        by_lsn.add(s.lsn, times.changed, TickKind::written);
        by_usn.add(s.standard_usn, times.changed, TickKind::written);
      } else {
        by_lsn.add(s.lsn, s.in_use ? times.changed : std::max(times.changed, times.accessed), TickKind::at_least);
      }
      return;
    }
    case SourceKind::index:
    case SourceKind::index_slack:
      // A block keeps the LSN of its last change, and what stands in it was written by then: its entries, whose times are copies, and what
      // is left of entries that went (these are found by their shape, and whole by it). Not one that is cut: its times may be another's.
      if (s.integrity != Integrity::good && s.integrity != Integrity::carved) return;
      for (const NameFact& name : s.names)
        if (name.has_times) by_lsn.add(s.lsn, name.times.changed, TickKind::at_least);
      return;
    case SourceKind::usn_journal:
      // A record of version 4 has no time of its own: what is told of it is a neighbour's.
      if (s.integrity == Integrity::good && !s.usn.name_inferred) by_usn.add(s.usn.usn, s.usn.time, TickKind::written);
      return;
    case SourceKind::log_file:
      // Partial: of what the log record changes not all is known, but what it states is its own bytes. Carved: of an earlier lap, or taken
      // back.
      if (s.integrity != Integrity::good && s.integrity != Integrity::partial) return;
      if (s.has_usn && !s.usn.name_inferred) {  // NTFS logs the very bytes that it appends to $J
        by_lsn.add(s.lsn, s.usn.time, TickKind::written);
        by_usn.add(s.usn.usn, s.usn.time, TickKind::written);
      }
      if (s.has_standard_information) by_lsn.add(s.lsn, s.standard_information.changed, logged);
      for (const NameFact& name : s.names)
        if (name.has_times) by_lsn.add(s.lsn, name.times.changed, TickKind::at_least);
      return;
    default: return;
  }
}

}  // namespace trimcarve::history
