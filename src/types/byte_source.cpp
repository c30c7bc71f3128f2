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
    return base_->read_at(offset_ + offset, out);
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= length_) return {};
    length = std::min(length, length_ - offset);
    auto found = base_->extents(offset_ + offset, length);
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
    if (offset >= length_) return {};
    return base_->locate(offset_ + offset, std::min(length, length_ - offset));
  }

 private:
  SourcePtr base_;
  std::uint64_t offset_, length_;
};

}  // namespace

bool read_tolerant(const ByteSource& source, std::uint64_t offset, std::span<std::byte> out, std::vector<Unread>& unread) {
  if (out.empty()) return true;
  if (source.read_at(offset, out)) return true;
  if (out.size() <= sector) {
    std::ranges::fill(out, std::byte{0});
    add_unread(unread, offset, out.size());
    return false;
  }
  // Halve at a sector boundary of the source, so that one bad sector costs one sector.
  std::uint64_t middle = offset + out.size() / 2;
  middle -= middle % sector;
  if (middle <= offset) middle = offset + sector - offset % sector;
  const auto first = static_cast<std::size_t>(middle - offset);
  const bool left = read_tolerant(source, offset, out.first(first), unread);
  const bool right = read_tolerant(source, middle, out.subspan(first), unread);
  return left && right;
}

SourcePtr make_view(SourcePtr base, std::uint64_t offset, std::uint64_t length) {
  return std::make_shared<View>(std::move(base), offset, length);
}

}  // namespace trimcarve
