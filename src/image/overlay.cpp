#include "image/overlay.hpp"

#include <algorithm>
#include <cstring>

#include "image/host_file.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

void Patches::add(std::uint64_t begin, const Patch& patch) {
  // What earlier ones keep of the stretch's ends; only zeros can be cut, the others have one sector.
  auto at = patches_.lower_bound(begin);
  if (at != patches_.begin() && std::prev(at)->second.end > begin) --at;
  while (at != patches_.end() && at->first < patch.end) {
    const std::uint64_t old_begin = at->first;
    const Patch old = at->second;
    at = patches_.erase(at);
    if (old_begin < begin) {
      Patch left = old;
      left.end = begin;
      patches_.emplace(old_begin, left);
    }
    if (old.end > patch.end) at = std::next(patches_.emplace(patch.end, old).first);
  }
  patches_.emplace(begin, patch);
}

namespace {

class Overlay final : public ByteSource {
 public:
  Overlay(SourcePtr file, Patches patches) : file_(std::move(file)), patches_(std::move(patches)), size_(file_->size()) {
    if (!patches_.all().empty()) size_ = std::max(size_, patches_.all().rbegin()->second.end);
  }

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end of the file");
    Result<void> result;
    walk(offset, out.size(), [&](const Patch* patch, std::uint64_t begin, std::uint64_t at, std::uint64_t length) {
      const auto part = out.subspan(static_cast<std::size_t>(at - offset), static_cast<std::size_t>(length));
      result = patch == nullptr ? file_->read_at(at, part) : read(*patch, at - begin, part);
      return result.has_value();
    });
    return result;
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    if (offset >= size_) return found;
    walk(offset, std::min(length, size_ - offset), [&](const Patch* patch, std::uint64_t, std::uint64_t at, std::uint64_t piece) {
      if (patch != nullptr) {
        add_extent(found, at, piece, ExtentKind::data);
        return true;
      }
      std::uint64_t covered = 0;
      for (const Extent& e : file_->extents(at, piece)) {
        add_extent(found, at + covered, e.length, e.kind);
        covered += e.length;
      }
      add_extent(found, at + covered, piece - covered, ExtentKind::unreadable);
      return true;
    });
    return found;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return file_->locate(offset, length); }

 private:
  // Calls visit(patch or null, where it begins, offset, length) for the pieces of a stretch, in order, until it returns false.
  template <class Visit>
  void walk(std::uint64_t offset, std::uint64_t length, Visit visit) const {
    const std::uint64_t end = offset + length;
    auto next = patches_.all().upper_bound(offset);
    if (next != patches_.all().begin() && std::prev(next)->second.end > offset) --next;
    while (offset < end) {
      const bool patched = next != patches_.all().end() && next->first <= offset;
      const std::uint64_t until = patched ? next->second.end : next != patches_.all().end() ? next->first : end;
      const std::uint64_t piece = std::min(until, end) - offset;
      if (!visit(patched ? &next->second : nullptr, patched ? next->first : 0, offset, piece)) return;
      offset += piece;
      if (patched) ++next;
    }
  }

  Result<void> read(const Patch& patch, std::uint64_t within, std::span<std::byte> out) const {
    if (patch.zero) {
      std::ranges::fill(out, std::byte{0});
      return {};
    }
    std::array<std::byte, Patches::sector> whole;
    std::ranges::copy(patch.leading, whole.begin());
    std::ranges::copy(patch.trailing, whole.end() - 4);
    if (auto result = file_->read_at(patch.body, std::span(whole).subspan(8, Patches::sector - 12)); !result) return result;
    std::memcpy(out.data(), whole.data() + within, out.size());
    return {};
  }

  SourcePtr file_;
  Patches patches_;
  std::uint64_t size_;
};

}  // namespace

SourcePtr overlay(SourcePtr file, Patches patches) { return std::make_shared<Overlay>(std::move(file), std::move(patches)); }

}  // namespace trimcarve::image
