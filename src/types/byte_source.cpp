#include "trimcarve/byte_source.hpp"

#include <algorithm>
#include <cstring>

#include "trimcarve/bytes.hpp"

namespace trimcarve {

namespace {

constexpr std::uint64_t sector = 512;

void add_unread(std::vector<Unread>& unread, std::uint64_t offset, std::uint64_t length) {
  if (!unread.empty() && unread.back().offset + unread.back().length == offset)
    unread.back().length += length;
  else
    unread.push_back({offset, length});
}

class View final : public ByteSource {
 public:
  View(SourcePtr base, std::uint64_t offset, std::uint64_t length) : base_(std::move(base)), offset_(offset), length_(length) {}

  std::uint64_t size() const noexcept override { return length_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(length_, offset, out.size())) return fail("past the end");
    if (!fits(base_->size(), offset_, offset + out.size())) return fail("past the end of what holds it");
    return base_->read_at(offset_ + offset, out);
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= length_) return {};
    length = std::min(length, length_ - offset);
    std::vector<Extent> found;
    if (fits(base_->size(), offset_, offset)) found = base_->extents(offset_ + offset, length);
    std::uint64_t covered = 0;
    for (auto& e : found) {
      e.offset -= offset_;
      covered += e.length;
    }
    if (covered < length) {
      if (!found.empty() && found.back().kind == ExtentKind::unreadable)
        found.back().length += length - covered;
      else
        found.push_back({offset + covered, length - covered, ExtentKind::unreadable});
    }
    return found;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= length_ || !fits(base_->size(), offset_, offset)) return {};
    return base_->locate(offset_ + offset, std::min(length, length_ - offset));
  }

 private:
  SourcePtr base_;
  std::uint64_t offset_, length_;
};

// Precondition: `out` is not empty and [offset, offset + out.size()) lies inside the source.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the size can be halved
bool read_halving(const ByteSource& source, std::uint64_t offset, std::span<std::byte> out, std::vector<Unread>& unread) {
  if (source.read_at(offset, out)) return true;
  // Halve at a sector boundary of the source, so that one bad sector costs one sector.
  const std::uint64_t next_sector = offset + sector - offset % sector;
  if (out.size() <= next_sector - offset) {
    std::ranges::fill(out, std::byte{0});
    add_unread(unread, offset, out.size());
    return false;
  }
  std::uint64_t middle = offset + out.size() / 2;
  middle = std::max(middle - middle % sector, next_sector);
  const auto first = static_cast<std::size_t>(middle - offset);
  const bool left = read_halving(source, offset, out.first(first), unread);
  const bool right = read_halving(source, middle, out.subspan(first), unread);
  return left && right;
}

}  // namespace

bool read_tolerant(const ByteSource& source, std::uint64_t offset, std::span<std::byte> out, std::vector<Unread>& unread) {
  // What lies past the end is told at once: halving it would cost a failed read for each of its sectors.
  const std::uint64_t inside = offset < source.size() ? std::min<std::uint64_t>(out.size(), source.size() - offset) : 0;
  const auto readable = out.first(static_cast<std::size_t>(inside));
  const bool all = readable.empty() || read_halving(source, offset, readable, unread);
  if (readable.size() == out.size()) return all;
  std::ranges::fill(out.subspan(readable.size()), std::byte{0});
  add_unread(unread, offset + inside, out.size() - inside);
  return false;
}

SourcePtr make_view(SourcePtr base, std::uint64_t offset, std::uint64_t length) {
  return std::make_shared<View>(std::move(base), offset, length);
}

}  // namespace trimcarve
