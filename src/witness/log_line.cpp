#include "witness/log_line.hpp"

#include <algorithm>
#include <array>

namespace trimcarve::witness {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

// `[...]` at the start: its inside, taken off `line` with the blanks behind it. Nothing when there is none, or a very long one.
std::optional<std::string_view> take_bracket(std::string_view& line) {
  if (line.empty() || line[0] != '[') return std::nullopt;
  const std::size_t close = line.substr(0, 120).find(']');
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view inside = line.substr(1, close - 1);
  line = without_blanks(line.substr(close + 1));
  return inside;
}

// The pattern's 'd' stands for a digit; other characters for themselves. Text behind it may follow.
bool looks_like(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] == 'd' ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
  return true;
}

constexpr std::string_view us_date = "dd/dd/dddd dd:dd:dd";
constexpr std::string_view iso_date = "dddd-dd-dd dd:dd:dd", iso_date_t = "dddd-dd-ddTdd:dd:dd";

FileTime time_of(std::string_view date, std::string_view clock) {  // date: yyyy-MM-dd
  char text[40];
  const std::size_t length = std::min<std::size_t>(clock.size(), 20);
  std::copy_n(date.data(), 10, text);
  text[10] = 'T';
  std::copy_n(clock.data(), length, text + 11);
  text[11 + length] = 'Z';
  return from_iso8601(std::string_view(text, 12 + length)).value_or(no_time);
}

// `MM/dd/yyyy HH:mm:ss[.f] [UTC]` or `yyyy-MM-dd HH:mm:ss[.f]`.
bool read_date(std::string_view inside, LinePrefix& out) {
  const bool us = looks_like(inside, us_date);
  if (!us && !looks_like(inside, iso_date)) return false;
  out.time_text = inside;
  if (inside.ends_with(" UTC")) {
    out.zone_stated = true;
    inside.remove_suffix(4);
  }
  const std::string_view clock = inside.substr(11);
  if (us) {
    const std::array<char, 10> date{inside[6], inside[7], inside[8], inside[9], '-', inside[0], inside[1], '-', inside[3], inside[4]};
    out.time = time_of(std::string_view(date.data(), date.size()), clock);
  } else {
    out.time = time_of(inside.substr(0, 10), clock);
  }
  return true;
}

bool is_level(std::string_view word) {
  return std::ranges::any_of(
      std::array<std::string_view, 9>{"INFO", "WARN", "WARNING", "ERROR", "TRACE", "HEART", "DEBUG", "VERBOSE", "FATAL"},
      [&](std::string_view level) { return word == level; });
}

}  // namespace

std::optional<LinePrefix> read_line_prefix(std::string_view line) {
  LinePrefix out;
  const auto first = take_bracket(line);
  if (!first || first->empty()) return std::nullopt;
  if (std::ranges::all_of(*first, [](char c) { return is_digit(c) || c == '+'; })) {
    const std::size_t plus = first->find('+');
    if (plus != std::string_view::npos) {
      out.process = first->substr(0, plus);
      out.of_handler = true;
    }
    if (looks_like(line, iso_date_t)) {
      const std::size_t end = std::min(line.find(' '), line.size());
      out.time_text = line.substr(0, end);
      out.zone_stated = out.time_text.ends_with("Z");
      std::string_view clock = out.time_text.substr(11);
      if (out.zone_stated) clock.remove_suffix(1);
      out.time = time_of(out.time_text.substr(0, 10), clock);
      line = without_blanks(line.substr(end));
    } else {
      std::string_view rest = line;
      const auto date = take_bracket(rest);
      if (!date || !read_date(*date, out)) return std::nullopt;
      line = rest;
    }
  } else if (!read_date(*first, out)) {
    return std::nullopt;
  }
  // What else stands in brackets: the level; Azure Arc's process, thread, module and activity.
  for (int i = 0; i < 6; ++i) {
    std::string_view rest = line;
    const auto inside = take_bracket(rest);
    if (!inside) break;
    if (is_level(*inside) && out.level.empty()) {
      out.level = *inside;
    } else if (inside->starts_with("PID ") && std::ranges::all_of(inside->substr(4), is_digit) && out.process.empty()) {
      out.process = inside->substr(4);
    } else if (looks_like(*first, iso_date)) {
      // thread, module, activity
    } else {
      break;  // it belongs to the message
    }
    line = rest;
  }
  if (line.starts_with("ErrorCode:")) {
    const std::size_t blank = line.find(' ');
    const std::size_t colon = blank == std::string_view::npos ? blank : line.find(": ", blank);
    if (colon != std::string_view::npos && is_level(line.substr(blank + 1, colon - blank - 1))) {
      out.level = line.substr(blank + 1, colon - blank - 1);
      line = line.substr(colon + 2);
    }
  }
  out.text = line;
  return out;
}

}  // namespace trimcarve::witness
