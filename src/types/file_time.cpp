#include "trimcarve/file_time.hpp"

#include <fmt/format.h>

namespace trimcarve {

namespace {

// Days from 1601-01-01 and back, by eras of 400 years that begin on 1 March (proleptic Gregorian; the method of H. Hinnant's date notes).
struct Date {
  std::uint64_t year;
  unsigned month, day;
};
constexpr std::uint64_t days_0000_03_01_to_1601_01_01 = 584'694;

Date date_of(std::uint64_t days_since_1601) {
  const std::uint64_t z = days_since_1601 + days_0000_03_01_to_1601_01_01;
  const std::uint64_t era = z / 146'097, day_of_era = z % 146'097;
  const std::uint64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<unsigned>(day_of_year - (153 * shifted + 2) / 5 + 1);
  const auto month = static_cast<unsigned>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

std::uint64_t days_of(std::uint64_t year, unsigned month, unsigned day) {
  if (month <= 2) --year;
  const std::uint64_t era = year / 400, year_of_era = year % 400;
  const std::uint64_t day_of_year = (153 * (month > 2 ? month - 3ULL : month + 9ULL) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - days_0000_03_01_to_1601_01_01;
}

std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return value;
}

}  // namespace

std::string to_iso8601(FileTime time) {
  const std::uint64_t seconds = time.ticks / ticks_per_second, second_of_day = seconds % 86'400;
  const Date d = date_of(seconds / 86'400);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z", d.year, d.month, d.day, second_of_day / 3'600, second_of_day / 60 % 60,
                     second_of_day % 60, time.ticks % ticks_per_second);
}

std::optional<FileTime> from_iso8601(std::string_view text) {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' || text[16] != ':') return std::nullopt;
  if (*year < 1601 || *month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::uint64_t fraction = 0;
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    std::uint64_t unit = ticks_per_second / 10;
    if (!digits(text, ++at, 1)) return std::nullopt;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      fraction += unit * static_cast<std::uint64_t>(text[at] - '0');
  }
  if (text.substr(at) != "Z") return std::nullopt;
  const std::uint64_t days = days_of(*year, *month, *day);
  if (const Date back = date_of(days); back.month != *month || back.day != *day) return std::nullopt;
  return FileTime{(days * 86'400 + *hour * 3'600ULL + *minute * 60ULL + *second) * ticks_per_second + fraction};
}

}  // namespace trimcarve
