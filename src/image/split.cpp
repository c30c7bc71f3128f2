#include "image/split.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "trimcarve/result.hpp"

namespace trimcarve::image {

namespace {

namespace fs = std::filesystem;

// A path whose ending numbers it: stem "image." and "002" or "ab".
struct Numbered {
  std::string stem;
  std::string ending;
  bool digits = false;
  std::uint64_t number = 0;  // 001 is 1, aa is 0, ab is 1
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

std::optional<Numbered> numbered(const std::string& path) {
  const auto dot = path.rfind('.');
  if (dot == std::string::npos || path.find('/', dot) != std::string::npos) return std::nullopt;
  Numbered n{path.substr(0, dot + 1), path.substr(dot + 1)};
  if (n.ending.size() < 2 || n.ending.size() > 9) return std::nullopt;
  n.digits = std::ranges::all_of(n.ending, is_digit);
  if (!n.digits && !std::ranges::all_of(n.ending, is_letter)) return std::nullopt;
  for (const char c : n.ending)
    n.number = n.digits ? n.number * 10 + static_cast<std::uint64_t>(c - '0') : n.number * 26 + static_cast<std::uint64_t>(c - 'a');
  return n;
}

// The path of part `number` in the series of `first`: digits may grow beyond the first one's width (.999, .1000).
std::string part_path(const Numbered& first, std::uint64_t number) {
  std::string ending;
  const std::uint64_t base = first.digits ? 10 : 26;
  for (; number > 0 || ending.size() < first.ending.size(); number /= base)
    ending.insert(ending.begin(), static_cast<char>((first.digits ? '0' : 'a') + static_cast<char>(number % base)));
  return first.stem + ending;
}

bool same_series(const Numbered& a, const Numbered& b) {
  return a.stem == b.stem && a.digits == b.digits && (a.digits ? b.ending.size() >= a.ending.size() : a.ending.size() == b.ending.size());
}

// A series begins at 000, 001 or aa; other endings of such letters (.dd, .img, .vhd) are no numbers.
bool begins_series(const Numbered& n) { return n.digits ? n.number <= 1 : n.number == 0; }

// The numbers of the files in the folder that belong to the series, in order.
std::vector<std::uint64_t> numbers_in_folder(const Numbered& first) {
  std::vector<std::uint64_t> found;
  const fs::path path = first.stem + first.ending;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string name = path.filename().string(), stem_name = name.substr(0, name.size() - first.ending.size());
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    auto n = numbered(it->path().filename().string());
    if (!n || n->stem != stem_name) continue;
    n->stem = first.stem;
    if (same_series(first, *n) && n->number >= first.number && part_path(first, n->number) == n->stem + n->ending)
      found.push_back(n->number);
  }
  std::ranges::sort(found);
  return found;
}

[[noreturn]] void refuse_missing(const std::string& path) {
  throw RunError(ExitCode::input, path, "cannot open the split image", "this part is missing");
}

Parts from_first(const Numbered& first) {
  Parts parts;
  std::uint64_t expected = first.number;
  for (const std::uint64_t number : numbers_in_folder(first)) {
    if (number != expected) refuse_missing(part_path(first, expected));
    parts.paths.push_back(part_path(first, number));
    ++expected;
  }
  return parts;
}

}  // namespace

Parts find_parts(const std::vector<std::string>& given) {
  if (given.empty()) throw RunError(ExitCode::usage, "image", "cannot open", "no path was given");
  if (given.size() == 1) {
    const auto n = numbered(given.front());
    std::error_code error;
    if (!n || !fs::exists(given.front(), error)) return {given, {}, true};
    if (begins_series(*n)) return from_first(*n);
    for (std::uint64_t start = 0; n->digits && start <= 1; ++start)
      if (const std::string first = part_path(*n, start); fs::exists(first, error))
        throw RunError(ExitCode::input, given.front(), "cannot open", "it is a later part of a split image: give " + first);
    return {given, {}, true};
  }

  std::vector<Numbered> series;
  for (const auto& path : given)
    if (auto n = numbered(path)) series.push_back(std::move(*n));
  std::ranges::sort(series, {}, &Numbered::number);
  const bool all =
      series.size() == given.size() && std::ranges::all_of(series, [&](const Numbered& n) { return same_series(series[0], n); });
  if (!all) return {given, {}, true};  // names that number nothing: the order given is the order meant

  const Numbered& first = series.front();
  if (!begins_series(first)) refuse_missing(part_path(first, first.digits ? 1 : 0));
  Parts parts;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (i > 0 && series[i].number == series[i - 1].number)
      throw RunError(ExitCode::input, series[i].stem + series[i].ending, "cannot open the split image", "this part was given twice");
    if (series[i].number != first.number + i) refuse_missing(part_path(first, first.number + i));
    parts.paths.push_back(series[i].stem + series[i].ending);
  }
  std::error_code error;
  if (const std::string next = part_path(first, first.number + series.size()); fs::exists(next, error)) {
    parts.complete = false;
    parts.warnings.push_back({"split_part_left_out", "the split image goes on with " + next + ", which was not given", {}});
  }
  return parts;
}

}  // namespace trimcarve::image
