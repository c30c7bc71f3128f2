#include "carvers/carver.hpp"

#include <string_view>

#include "carvers/record_view.hpp"

namespace trimcarve::carvers {

std::string_view to_string(GapKind kind) noexcept {
  switch (kind) {
    case GapKind::hole: return "hole";
    case GapKind::zero: return "zero";
    case GapKind::garbage: return "garbage";
    case GapKind::unreadable: return "unreadable";
  }
  return "unknown";
}

void GapList::add(std::uint64_t offset, std::uint64_t length, GapKind kind) {
  if (length == 0) return;
  bytes += length;
  const bool joins = count != 0 && kind == last_ && offset == end_;
  end_ = offset + length;
  last_ = kind;
  if (joins) {
    if (kept.size() == count) kept.back().length += length;
    return;
  }
  ++count;
  if (kept.size() < kept_limit) kept.push_back({offset, length, kind});
}

RecordIdentity identity_of(const ntfs::RecordHeader& header, std::uint64_t entry) noexcept {
  RecordIdentity identity;
  if (header.base.value != 0 && header.base.entry() != entry) {
    identity.reference = header.base;
    identity.known = true;
    identity.base_is_elsewhere = true;
    return identity;
  }
  std::uint16_t sequence = header.sequence;
  identity.known = true;
  if (!header.in_use()) {
    identity.known = sequence != 1;
    // 0 before the free would have been 0xFFFF, and the subtraction wraps to just that.
    sequence = static_cast<std::uint16_t>(sequence - 1);
  }
  identity.reference = FileReference::of(entry, sequence);
  return identity;
}

}  // namespace trimcarve::carvers
