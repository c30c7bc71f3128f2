#include "examine/read_errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "trimcarve/bytes.hpp"

namespace trimcarve {

namespace {

constexpr std::size_t most_places = 4096, most_told = 64;
constexpr std::uint64_t most_read_again = std::uint64_t{256} << 20, piece = std::uint64_t{1} << 20;

}  // namespace

struct ReadErrors::Failures {
  std::mutex mutex;
  std::map<std::uint64_t, std::uint64_t> places;  // of failed reads, joined: offset, end
  std::string why;                                // of the first
  bool more = false;                              // than are kept

  void add(std::uint64_t offset, std::uint64_t end, const std::string& reason) {
    const std::lock_guard lock(mutex);
    if (why.empty()) why = reason;
    auto at = places.upper_bound(offset);
    if (at != places.begin() && std::prev(at)->second >= offset) --at;
    while (at != places.end() && at->first <= end) {
      offset = std::min(offset, at->first), end = std::max(end, at->second);
      at = places.erase(at);
    }
    if (places.size() < most_places)
      places.emplace(offset, end);
    else
      more = true;
  }
};

ReadErrors::ReadErrors(SourcePtr base) : base_(std::move(base)), failures_(std::make_unique<Failures>()) {}
ReadErrors::~ReadErrors() = default;

Result<void> ReadErrors::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  auto result = base_->read_at(offset, out);
  // A read that leaves the source is the reader's fault.
  if (!result && fits(base_->size(), offset, out.size())) failures_->add(offset, offset + out.size(), result.error().what);
  return result;
}

std::optional<Warning> ReadErrors::told(const std::string& name) const {
  const std::lock_guard lock(failures_->mutex);
  if (failures_->places.empty()) return std::nullopt;
  Warning warning{.code = "read_errors", .text = {}, .ranges = {}};
  std::uint64_t bytes = 0, again = 0;
  bool exact = !failures_->more;
  std::vector<Unread> unread;
  std::vector<std::byte> buffer;
  for (const auto& [begin, end] : failures_->places)
    for (std::uint64_t offset = begin; offset < end;) {
      const std::uint64_t step = std::min(piece, end - offset);
      buffer.resize(static_cast<std::size_t>(step));
      again += step;
      if (again <= most_read_again)
        read_tolerant(*base_, offset, buffer, unread);
      else
        exact = false;
      offset += step;
    }
  for (const Unread& u : unread) {
    bytes += u.length;
    for (const Range& r : base_->locate(u.offset, u.length))
      if (warning.ranges.size() < most_told) warning.ranges.push_back(r);
  }
  warning.text = fmt::format("{}: {}{} bytes in {} places could not be read ({})", name, exact ? "" : "at least ", bytes, unread.size(),
                             failures_->why);
  return warning;
}

}  // namespace trimcarve
