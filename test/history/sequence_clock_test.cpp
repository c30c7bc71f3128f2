// Ticks made by hand, so what vouches is the time at which the test says that each number was given out.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "history/sequence_clock.hpp"
#include "sightings.hpp"

using namespace trimcarve;
using history::Bracket;
using history::ClockHealth;
using history::SequenceClock;
using history::Tick;
using history::TickKind;

namespace {

constexpr std::uint64_t start = 134'000'000'000'000'000, minute = 60 * ticks_per_second, hour = 60 * minute;

// Number n is given out n minutes after the start, thousandfold so that there is room between two.
FileTime true_time(std::uint64_t number) { return FileTime{start + number * minute / 1000}; }

void tick_honestly(SequenceClock& clock, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t n = from; n < to; ++n) clock.add(n * 1000, true_time(n * 1000), TickKind::written);
}

bool holds(const Bracket& bracket, FileTime time) {
  return bracket.earliest && bracket.latest && *bracket.earliest <= time && time <= *bracket.latest;
}

}  // namespace

TEST_CASE("a number's time lies between those of the ticks next to it") {
  SequenceClock clock;
  tick_honestly(clock, 1, 101);
  clock.finish();
  const Bracket bracket = clock.at(50'500);
  CHECK(bracket.earliest == true_time(50'000));
  CHECK(bracket.latest == true_time(51'000));
  CHECK_FALSE(bracket.widened);
  const ClockHealth& health = clock.health();
  CHECK(health.sound);
  CHECK(health.ticks == 100);
  CHECK(health.tally.on_chain == 100);
  CHECK(health.first == true_time(1000));
  CHECK(health.last == true_time(100'000));
  CHECK(health.held_out.later == 0);
  CHECK(health.held_out.inside + health.held_out.open == health.held_out.tested);
  CHECK(health.held_out.median_width == 2 * minute);  // with the tick itself left out
}

TEST_CASE("before the first tick and behind the last an end is open") {
  SequenceClock clock;
  tick_honestly(clock, 10, 40);
  clock.finish();
  CHECK_FALSE(clock.at(1).earliest);
  CHECK(clock.at(1).latest == true_time(10'000));
  CHECK(clock.at(1'000'000).earliest == true_time(39'000));
  CHECK_FALSE(clock.at(1'000'000).latest);
}

TEST_CASE("three ticks make no clock, nor do none") {
  SequenceClock clock;
  tick_honestly(clock, 1, 4);
  clock.finish();
  CHECK_FALSE(clock.health().sound);
  CHECK(clock.health().why_not == "3 dated records, too few: 12 are the least");
  SequenceClock none;
  none.finish();
  CHECK_FALSE(none.health().sound);
  CHECK_FALSE(none.at(5).earliest);
  CHECK_FALSE(none.at(5).latest);
}

TEST_CASE("times in no order with their numbers make no clock") {
  std::mt19937_64 random(1);
  SequenceClock clock;
  for (std::uint64_t n = 1; n <= 400; ++n) clock.add(n, FileTime{start + random() % (1000 * hour)}, TickKind::written);
  clock.finish();
  CHECK_FALSE(clock.health().sound);
  CHECK(clock.health().why_not.starts_with("the times do not follow the numbers"));
}

TEST_CASE("times in the future poison nothing but are counted") {
  SequenceClock clock;
  tick_honestly(clock, 1, 50);
  tick_honestly(clock, 51, 101);
  clock.add(50'000, FileTime{start + 100'000 * hour}, TickKind::written);
  clock.add(20'500, FileTime{start + 100'000 * hour}, TickKind::at_least);
  clock.finish();
  for (const std::uint64_t n : {20'700U, 49'500U, 50'500U, 80'500U}) CHECK(holds(clock.at(n), true_time(n)));
  CHECK(clock.at(80'500).latest == true_time(81'000));
  CHECK(clock.health().tally.later == 1);
  CHECK(clock.health().tally.at_least_later == 1);
  CHECK(clock.health().sound);
  CHECK(clock.later_by(50'000, FileTime{start + 100'000 * hour}) > 90'000 * hour);
  CHECK(clock.later_by(49'000, true_time(49'000)) == 0);
}

TEST_CASE("what is implausible for the volume is no tick, however many there are") {
  SequenceClock clock;
  tick_honestly(clock, 1, 51);
  for (std::uint64_t n = 51; n < 151; ++n) clock.add(n * 1000, FileTime{start + 100'000 * hour + n}, TickKind::written);
  clock.finish({.not_after = true_time(60'000)});
  CHECK(clock.health().tally.later == 100);
  CHECK(clock.health().last == true_time(50'000));
}

TEST_CASE("stomped and copied times of long ago change no bracket") {
  SequenceClock clock;
  tick_honestly(clock, 1, 101);
  for (std::uint64_t n = 10; n < 90; n += 3) clock.add(n * 1000 + 500, FileTime{start - 5000 * hour + n % 7}, TickKind::written);
  clock.finish();
  CHECK(clock.at(50'600).earliest == true_time(50'000));
  CHECK(clock.at(50'600).latest == true_time(51'000));
  CHECK(clock.health().tally.older == 27);
  CHECK(clock.health().sound);
}

// A tree is deleted as it was made: its records' old times rise with their new numbers, and there may be more of them than of all else.
TEST_CASE("the old times of a deleted tree neither set the clock back nor lower an end") {
  SequenceClock clock;
  tick_honestly(clock, 1, 101);
  for (std::uint64_t n = 0; n < 500; ++n) clock.add(60'001 + n, true_time(20'000 + n), TickKind::at_least);
  clock.finish();
  CHECK(clock.health().set_backs.empty());
  CHECK(clock.at(60'300).earliest == true_time(60'000));
  CHECK(clock.at(60'300).latest == true_time(61'000));
}

TEST_CASE("a directory that lost its last child just before it went itself raises the lower end") {
  SequenceClock clock;
  tick_honestly(clock, 1, 101);
  clock.add(60'300, true_time(60'290), TickKind::at_least);
  clock.finish();
  CHECK(clock.at(60'299).earliest == true_time(60'000));
  CHECK(clock.at(60'300).earliest == true_time(60'290));
  CHECK(clock.at(60'400).latest == true_time(61'000));  // an older time never lowers an upper end
  CHECK(clock.at(61'000).earliest == true_time(61'000));
}

TEST_CASE("a clock that was set back for good is followed, and the place says nothing") {
  SequenceClock clock;
  const auto shown = [](std::uint64_t n) { return FileTime{true_time(n).ticks - (n > 100'000 ? hour : 0)}; };
  for (std::uint64_t n = 1; n <= 200; ++n) clock.add(n * 1000, shown(n * 1000), TickKind::written);
  // Copies of times from before it was set back lie in the future of what it showed then.
  for (std::uint64_t n = 120; n < 140; n += 4) clock.add(n * 1000 + 1, true_time(99'000), TickKind::written);
  clock.finish();
  REQUIRE(clock.health().set_backs.size() == 1);
  CHECK(clock.health().set_backs[0].number == 101'000);
  CHECK(clock.health().set_backs[0].from == true_time(100'000));
  CHECK(clock.health().set_backs[0].to == shown(101'000));
  CHECK(holds(clock.at(50'500), shown(50'500)));
  CHECK(holds(clock.at(150'500), shown(150'500)));
  CHECK(clock.at(122'500).latest == shown(123'000));
  CHECK(clock.health().tally.later == 0);
  const Bracket between = clock.at(100'500);
  CHECK_FALSE(between.earliest);
  CHECK_FALSE(between.latest);
  CHECK(clock.health().sound);
}

TEST_CASE("what happened while the clock stood wrong for a little while is told by those around it") {
  for (const std::uint64_t wrong : {start - 8000 * hour, start + 8000 * hour}) {
    SequenceClock clock;
    for (std::uint64_t n = 1; n <= 200; ++n) {
      const bool set = n >= 100 && n < 110;
      clock.add(n * 1000, set ? FileTime{wrong + n * minute} : true_time(n * 1000), TickKind::written);
    }
    clock.finish();
    CHECK(clock.health().set_backs.empty());
    CHECK(holds(clock.at(105'500), true_time(105'500)));
    CHECK(clock.at(105'500).earliest == true_time(99'000));
    CHECK(clock.at(105'500).latest == true_time(110'000));
  }
}

TEST_CASE("where few ticks speak against one, the bracket is widened to hold what either says") {
  SequenceClock clock;
  tick_honestly(clock, 1, 50);
  // The one at 50,000 is right and two that follow it are old; or it is wrong and they are right: three ticks do not say which.
  clock.add(50'000, true_time(50'000), TickKind::written);
  clock.add(50'300, true_time(49'200), TickKind::written);
  clock.add(50'600, true_time(49'400), TickKind::written);
  tick_honestly(clock, 51, 100);
  clock.finish();
  CHECK(clock.health().tally.doubtful == 1);
  for (const std::uint64_t n : {49'500U, 50'100U, 50'400U, 50'700U}) {
    CHECK(holds(clock.at(n), true_time(n)));
    // Behind the last of the doubtful ones the lower end is low enough for both.
    CHECK(clock.at(n).widened == (n < 50'600));
  }
  CHECK_FALSE(clock.at(52'500).widened);
}

// The log is made anew: the numbers begin low again, and records that were not touched since keep their high ones.
void restart(SequenceClock& clock) {
  tick_honestly(clock, 1, 201);
  for (std::uint64_t n = 1; n <= 60; ++n) clock.add(n * 1000 + 500, true_time(1'000'000 + n * 1000), TickKind::written);
}

TEST_CASE("two sequences of one log are told apart by the last number of the present one") {
  SequenceClock clock;
  restart(clock);
  clock.finish({.last_number = 61'000});
  CHECK(clock.health().restarted_at == 61'000);
  CHECK(clock.health().sound);
  CHECK(clock.at(150'500).earliest == true_time(150'000));
  CHECK(clock.at(150'500).latest == true_time(151'000));
  // A low number may be of either, unless something says that it was not given out before.
  const Bracket either = clock.at(30'700);
  CHECK(either.widened);
  CHECK(holds(either, true_time(30'700)));
  CHECK(holds(either, true_time(1'030'200)));
  const Bracket later = clock.at(30'700, true_time(900'000));
  CHECK(later.earliest == true_time(1'030'000));
  CHECK(later.latest == true_time(1'031'000));
}

TEST_CASE("a restart is found without the log, by old times below the place where the numbers seem to be set back") {
  SequenceClock clock;
  restart(clock);
  clock.finish();
  REQUIRE(clock.health().restarted_at);
  CHECK(*clock.health().restarted_at == 60'500);
  CHECK(clock.health().set_backs.empty());
  CHECK(holds(clock.at(150'500), true_time(150'500)));
  CHECK(holds(clock.at(30'700), true_time(30'700)));
  CHECK(holds(clock.at(30'700), true_time(1'030'200)));
}

TEST_CASE("a log that is a little older than $MFT is no restart") {
  SequenceClock clock;
  tick_honestly(clock, 1, 101);
  clock.finish({.last_number = 95'000});
  CHECK_FALSE(clock.health().restarted_at);
  CHECK(holds(clock.at(99'500), true_time(99'500)));
}

TEST_CASE("brackets never invert, whatever the ticks are") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    SequenceClock clock;
    const std::uint64_t numbers = 1 + random() % 200, times = 1 + random() % 200, count = random() % 300;
    for (std::uint64_t i = 0; i < count; ++i)
      clock.add(1 + random() % numbers, FileTime{1 + (random() % 2 == 0 ? random() % times : i)},
                random() % 4 == 0 ? TickKind::at_least : TickKind::written);
    history::ClockLimits limits;
    if (random() % 2 == 0) limits.last_number = random() % numbers;
    clock.finish(limits);
    for (std::uint64_t n = 0; n <= numbers + 1; ++n) {
      const Bracket bracket = clock.at(n, FileTime{random() % times});
      if (bracket.earliest && bracket.latest) REQUIRE(*bracket.earliest <= *bracket.latest);
    }
    const ClockHealth& health = clock.health();
    REQUIRE(health.tally.on_chain + health.tally.older + health.tally.later + health.tally.doubtful == health.ticks);
    const auto& held = health.held_out;
    REQUIRE(held.inside + held.older + held.later + held.open == held.tested);
  }
}

// What lies before the chain's first tick is late as well when it is later than many of those behind it.
TEST_CASE("ticks below all others are counted as later when they contradict many, and make the clock unsound when there are many of them") {
  for (const std::uint64_t wrong : {2U, 40U}) {
    CAPTURE(wrong);
    SequenceClock clock;
    tick_honestly(clock, 100, 501);
    for (std::uint64_t n = 0; n < wrong; ++n) clock.add(10 + n, true_time(400'000 + n), TickKind::written);
    clock.finish();
    CHECK(clock.health().tally.later == wrong);
    CHECK(clock.health().sound == (wrong == 2));
  }
  SequenceClock clock;
  tick_honestly(clock, 100, 201);
  clock.add(10, true_time(103'500), TickKind::written);  // later than four: who is right is not known
  clock.finish();
  CHECK(clock.health().tally.doubtful == 1);
  CHECK(clock.at(20).widened);
  CHECK(clock.at(20).latest == true_time(104'000));
  CHECK_FALSE(clock.at(150'500).widened);
}

TEST_CASE("more ticks never widen a bracket that none of them contradicts") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 100; ++round) {
    std::vector<Tick> all(20 + random() % 200);
    std::vector<std::uint64_t> times(all.size()), numbers(all.size());
    // No two alike: of equal times the upper end is the next that is later, for a burst of records shares one time.
    for (std::size_t i = 0; i < all.size(); ++i) {
      times[i] = (i == 0 ? 0 : times[i - 1]) + 1 + random() % 40;
      numbers[i] = (i == 0 ? 0 : numbers[i - 1]) + 1 + random() % 40;
    }
    SequenceClock few, many;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const TickKind kind = random() % 5 == 0 ? TickKind::at_least : TickKind::written;
      many.add(numbers[i], FileTime{times[i]}, kind);
      if (random() % 2 == 0) few.add(numbers[i], FileTime{times[i]}, kind);
    }
    few.finish();
    many.finish();
    for (std::uint64_t n = 0; n < 10'010; n += 7) {
      const Bracket wide = few.at(n), narrow = many.at(n);
      REQUIRE_FALSE(narrow.widened);
      if (wide.earliest) REQUIRE((narrow.earliest && *narrow.earliest >= *wide.earliest));
      if (wide.latest) REQUIRE((narrow.latest && *narrow.latest <= *wide.latest));
    }
  }
}

TEST_CASE("the longest chain goes back only where that wins more than it costs") {
  std::vector<Tick> ticks;
  for (const std::uint64_t t : {1U, 2U, 3U, 90U, 4U, 5U, 6U}) ticks.push_back({ticks.size(), FileTime{t}});
  CHECK(history::longest_chain(ticks, 8) == std::vector<std::uint32_t>{0, 1, 2, 4, 5, 6});
  ticks.clear();
  for (std::uint64_t i = 0; i < 20; ++i) ticks.push_back({i, FileTime{i < 10 ? 100 + i : i}});
  CHECK(history::longest_chain(ticks, 8).size() == 20);
  CHECK(history::longest_chain(ticks, 12).size() == 10);
  CHECK(history::longest_chain({}, 8).empty());
}

// Against a chain that is found by trying, for each tick, all before it.
TEST_CASE("the longest chain is worth as much as that of a plain search") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    const std::size_t count = random() % 60, price = 1 + random() % 8;
    std::vector<Tick> ticks;
    for (std::size_t i = 0; i < count; ++i) ticks.push_back({i, FileTime{1 + random() % 30}});
    std::vector<std::ptrdiff_t> best(count, 1);
    std::ptrdiff_t most = 0;
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < i; ++j)
        best[i] = std::max(best[i], best[j] + 1 - (ticks[j].time > ticks[i].time ? static_cast<std::ptrdiff_t>(price) : 0));
      most = std::max(most, best[i]);
    }
    const auto chain = history::longest_chain(ticks, price);
    std::ptrdiff_t worth = static_cast<std::ptrdiff_t>(chain.size());
    for (std::size_t i = 1; i < chain.size(); ++i) {
      REQUIRE(chain[i - 1] < chain[i]);
      worth -= ticks[chain[i]].time < ticks[chain[i - 1]].time ? static_cast<std::ptrdiff_t>(price) : 0;
    }
    REQUIRE(worth == most);
  }
}

TEST_CASE("many ticks in any order are sorted as few are") {
  std::mt19937_64 random(5);
  std::vector<Tick> ticks;
  for (std::uint64_t n = 1; n <= 20'000; ++n) ticks.push_back({n * 1000 + (1ULL << 40), true_time(n * 1000)});
  std::ranges::shuffle(ticks, random);
  SequenceClock clock;
  for (const Tick& tick : ticks) clock.add(tick.number, tick.time, TickKind::written);
  clock.finish();
  CHECK(clock.health().tally.on_chain == 20'000);
  CHECK(clock.at((1ULL << 40) + 12'345'678).earliest == true_time(12'345'000));
}

TEST_CASE("which time of a sighting is a tick, and of which kind") {
  const FileReference file = FileReference::of(100, 3);
  Sighting s = test::record(file, true, false, {{u"a", FileReference::of(5, 5)}});
  s.lsn = 7000;
  s.standard_usn = 80;
  s.has_standard_information = true;
  s.standard_information = {{start}, {start + 50 * hour}, {start + hour}, {start + 2 * hour}};
  const auto health = [](const Sighting& sighting) {
    SequenceClock lsn, usn;
    history::add_ticks(sighting, lsn, usn);
    lsn.finish();
    usn.finish();
    return std::pair(lsn.health(), usn.health());
  };
  {
    const auto [lsn, usn] = health(s);  // the change time, and no other
    CHECK(lsn.ticks == 1);
    CHECK(lsn.at_least == 0);
    CHECK(lsn.last == FileTime{start + hour});
    CHECK(usn.ticks == 1);
  }
  {
    Sighting freed = s;  // a deletion writes no time
    freed.in_use = false;
    const auto [lsn, usn] = health(freed);
    CHECK(lsn.ticks == 0);
    CHECK(lsn.at_least == 1);
    CHECK(usn.ticks == 0);
  }
  {
    Sighting torn = s;
    torn.integrity = Integrity::torn;
    CHECK(health(torn).first.ticks == 0);
    Sighting system = s;  // NTFS changes its own files without their times
    system.record_entry = 9;
    CHECK(health(system).first.ticks == 0);
  }
  Sighting event = test::event(file, {u"a", FileReference::of(5, 5)}, usn_reason::file_create, start);
  const auto [lsn, usn] = health(event);
  CHECK(lsn.ticks == 0);
  CHECK(usn.ticks == 1);
  event.usn.name_inferred = true;  // of version 4: the time is a neighbour's
  CHECK(health(event).second.ticks == 0);
}

TEST_CASE("what an index block and the log's records are to the clock") {
  const FileReference file = FileReference::of(100, 3);
  const auto health = [](const Sighting& sighting, TickKind logged = TickKind::at_least) {
    SequenceClock lsn, usn;
    history::add_ticks(sighting, lsn, usn, logged);
    lsn.finish();
    usn.finish();
    return std::pair(lsn.health(), usn.health());
  };
  {
    // A block's LSN is that of its last change: its entries were written by then, and so was what is left of those that went.
    Sighting entry = test::slack(file, {u"gone.txt", test::root}, test::root);
    entry.lsn = 9000;
    for (const Integrity integrity : {Integrity::good, Integrity::carved}) {
      entry.integrity = integrity;
      CHECK(health(entry).first.at_least == 1);
      CHECK(health(entry).first.ticks == 0);
    }
    entry.integrity = Integrity::partial;  // overwritten in part: by another's times, maybe
    CHECK(health(entry).first.at_least == 0);
    entry.source = SourceKind::index;
    entry.integrity = Integrity::good;
    CHECK(health(entry).first.at_least == 1);
  }
  Sighting update;
  update.source = SourceKind::log_file;
  update.lsn = 9000;
  update.has_standard_information = true;
  update.standard_information.changed = FileTime{start};
  for (const Integrity integrity : {Integrity::good, Integrity::partial}) {
    update.integrity = integrity;
    CHECK(health(update, TickKind::written).first.ticks == 1);
    // What was there before, or in a record that is freed, may be old.
    CHECK(health(update).first.ticks == 0);
    CHECK(health(update).first.at_least == 1);
  }
  update.integrity = Integrity::carved;  // of an earlier lap
  CHECK(health(update, TickKind::written).first.ticks == 0);
  Sighting journal = test::event(file, {u"a", test::root}, usn_reason::close, start);
  journal.source = SourceKind::log_file;
  journal.lsn = 9100;
  CHECK(health(journal).first.ticks == 1);
  CHECK(health(journal).second.ticks == 1);
}

// The FILE record has the LSN of the log record that wrote it: two statements of one tick would each be held out against the other.
TEST_CASE("a tick that is stated twice counts once") {
  SequenceClock once, twice;
  tick_honestly(once, 1, 40);
  tick_honestly(twice, 1, 40);
  tick_honestly(twice, 1, 40);
  once.finish();
  twice.finish();
  CHECK(twice.health().ticks == 39);
  CHECK(twice.health().held_out.median_width == once.health().held_out.median_width);
  CHECK(twice.health().held_out.inside == once.health().held_out.inside);
}

// A tree's times in undo data and in records that are freed rise with the numbers, as those of freed FILE records do.
TEST_CASE("old times in the log's undo data lower no upper end") {
  SequenceClock clock;
  tick_honestly(clock, 1, 101);
  SequenceClock unused;
  for (std::uint64_t n = 0; n < 50; ++n) {
    Sighting before;
    before.source = SourceKind::log_file;
    before.lsn = 60'010 + n * 10;
    before.has_standard_information = true;
    before.standard_information.changed = true_time(60'001 + n);
    history::add_ticks(before, clock, unused);
  }
  clock.finish();
  CHECK(clock.at(60'505).earliest >= true_time(60'050));
  CHECK(clock.at(60'005).latest == true_time(61'000));
}
