#include "ntfs/cluster_bitmap.hpp"

#include <algorithm>
#include <bit>

#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

ClusterBitmap::ClusterBitmap(std::vector<std::byte> bytes, std::uint64_t clusters, std::vector<Unread> unread)
    : bytes_(std::move(bytes)), clusters_(clusters), unread_(std::move(unread)) {}

bool ClusterBitmap::known(std::uint64_t byte) const noexcept {
  if (byte >= bytes_.size()) return false;
  const auto behind = std::ranges::upper_bound(unread_, byte, {}, &Unread::offset);
  if (behind == unread_.begin()) return true;
  const Unread& before = *std::prev(behind);
  return byte - before.offset >= before.length;
}

Allocation ClusterBitmap::allocation(std::uint64_t lcn) const noexcept {
  if (lcn >= clusters_ || !known(lcn / 8)) return Allocation::unknown;
  const auto bits = std::to_integer<unsigned>(bytes_[static_cast<std::size_t>(lcn / 8)]);
  return ((bits >> (lcn % 8)) & 1U) != 0 ? Allocation::allocated : Allocation::free;
}

std::uint64_t ClusterBitmap::alike(std::uint64_t lcn, std::uint64_t most) const noexcept {
  const std::uint64_t end = std::min(clusters_, 8 * std::uint64_t{bytes_.size()});
  if (lcn >= end) return most;  // nothing is known of any
  const Allocation first = allocation(lcn);
  std::uint64_t count = 1;
  while (count < most && lcn + count < end) {
    const std::uint64_t at = lcn + count;
    if (first != Allocation::unknown && at % 64 == 0 && at + 64 <= end && most - count >= 64 && unread_.empty()) {
      const auto word = le<std::uint64_t>(bytes_, at / 8);
      const int equal = first == Allocation::free ? std::countr_zero(word) : std::countr_one(word);
      count += static_cast<std::uint64_t>(equal);
      if (equal != 64) return count;
      continue;
    }
    if (allocation(at) != first) return count;
    ++count;
  }
  return count < most && first == Allocation::unknown ? most : count;
}

std::optional<ClusterBitmap::Run> ClusterBitmap::next_free(std::uint64_t from) const noexcept {
  const std::uint64_t end = std::min(clusters_, 8 * std::uint64_t{bytes_.size()});
  // Steps over a whole word or byte of equal bits at a time where it can.
  const auto skip = [&](std::uint64_t lcn, bool free_ones) {
    while (lcn < end) {
      if (lcn % 64 == 0 && lcn + 64 <= end && unread_.empty()) {
        const auto word = le<std::uint64_t>(bytes_, lcn / 8);
        const auto equal = static_cast<std::uint64_t>(free_ones ? std::countr_zero(word) : std::countr_one(word));
        lcn += equal;
        if (equal != 64) return lcn;
        continue;
      }
      if ((allocation(lcn) == Allocation::free) != free_ones) return lcn;
      ++lcn;
    }
    return end;
  };
  const std::uint64_t begin = skip(from, false);
  if (begin >= end) return std::nullopt;
  return Run{begin, skip(begin, true) - begin};
}

std::uint64_t ClusterBitmap::free_clusters() const noexcept {
  std::uint64_t total = 0;
  for (auto run = next_free(0); run; run = next_free(run->lcn + run->clusters)) total += run->clusters;
  return total;
}

}  // namespace trimcarve::ntfs
