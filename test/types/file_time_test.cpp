// Oracle of every value here: `date -u -d '<text>' +%s` (GNU coreutils 9.1) + 11644473600, and Python's
// (datetime(...) - datetime(1601, 1, 1)); both agree. Beyond year 9999 Python has none, and date alone vouches.
#include <doctest/doctest.h>

#include <limits>
#include <utility>

#include "trimcarve/file_time.hpp"

using namespace trimcarve;

TEST_CASE("known times are printed and read back to the same ticks") {
  const std::pair<std::uint64_t, const char*> known[] = {
      {0, "1601-01-01T00:00:00.0000000Z"},
      {94'405'823'990'000'000, "1900-02-28T23:59:59.0000000Z"},
      {94'405'824'000'000'000, "1900-03-01T00:00:00.0000000Z"},  // 1900 is no leap year
      {unix_epoch_ticks, "1970-01-01T00:00:00.0000000Z"},
      {125'963'012'960'000'000, "2000-02-29T12:34:56.0000000Z"},  // 2000 is one
      {131'723'136'000'000'000, "2018-06-01T08:00:00.0000000Z"},
      {134'399'808'620'000'000, "2026-11-24T08:01:02.0000000Z"},
      {136'010'015'990'000'000, "2031-12-31T23:59:59.0000000Z"},
      {252'190'368'000'000'000, "2400-02-29T00:00:00.0000000Z"},
      {2'650'467'743'990'000'000, "9999-12-31T23:59:59.0000000Z"},
  };
  for (const auto& [ticks, text] : known) {
    CHECK(to_iso8601({ticks}) == text);
    CHECK(from_iso8601(text) == FileTime{ticks});
  }
}

TEST_CASE("all seven digits of a fraction are kept, fewer are read as tenths, more are cut") {
  CHECK(to_iso8601({134'399'808'620'000'001}) == "2026-11-24T08:01:02.0000001Z");
  CHECK(from_iso8601("2026-11-24T08:01:02.1234567Z") == FileTime{134'399'808'621'234'567});
  CHECK(from_iso8601("2026-11-24 08:01:02.5Z") == FileTime{134'399'808'625'000'000});
  CHECK(from_iso8601("2026-11-24T08:01:02.123456789Z") == FileTime{134'399'808'621'234'567});
  CHECK(from_iso8601("2026-11-24T08:01:02Z") == FileTime{134'399'808'620'000'000});
}

TEST_CASE("the largest 64-bit value is printed with the year digits it needs") {
  // date -u -d @1833029933770 +%FT%T
  CHECK(to_iso8601({std::numeric_limits<std::uint64_t>::max()}) == "60056-05-28T05:36:10.9551615Z");
}

TEST_CASE("every day of two eras of 400 years is one day after the last") {
  // The calendar itself vouches: months of known length, leap years by the Gregorian rule.
  constexpr unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::uint64_t ticks = 0;
  bool same = true;
  for (unsigned year = 1601; year < 2401; ++year) {
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    for (unsigned month = 1; month <= 12; ++month) {
      for (unsigned day = 1; day <= lengths[month - 1] + (leap && month == 2 ? 1 : 0); ++day, ticks += 86'400 * ticks_per_second) {
        const char text[] = {static_cast<char>('0' + year / 1000),
                             static_cast<char>('0' + year / 100 % 10),
                             static_cast<char>('0' + year / 10 % 10),
                             static_cast<char>('0' + year % 10),
                             '-',
                             static_cast<char>('0' + month / 10),
                             static_cast<char>('0' + month % 10),
                             '-',
                             static_cast<char>('0' + day / 10),
                             static_cast<char>('0' + day % 10),
                             '\0'};
        same = same && to_iso8601({ticks}) == std::string(text) + "T00:00:00.0000000Z";
        same = same && from_iso8601(std::string(text) + "T00:00:00Z") == FileTime{ticks};
      }
    }
  }
  CHECK(same);
  CHECK(ticks == 252'455'616'000'000'000);  // 2401-01-01
}

TEST_CASE("what is no time in UTC is not read as one") {
  for (const char* text : {"",
                           "2026-11-24",
                           "2026-11-24T08:01:02",
                           "2026-11-24T08:01:02+01:00",
                           "2026-11-24T08:01:02.1",
                           "2026-11-24T08:01:02.Z",
                           "2026-11-24T08:01:02Z ",
                           "2026-11-24T08:01:02ZZ",
                           "2026-11-24X08:01:02Z",
                           "2026/11/24T08:01:02Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:61Z",
                           "1600-12-31T23:59:59Z",
                           "+026-11-24T08:01:02Z",
                           "2026-11-24T 8:01:02Z"}) {
    CAPTURE(text);
    CHECK(from_iso8601(text) == std::nullopt);
  }
}
