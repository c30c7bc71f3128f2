#include "examine/pieces.hpp"

#include <algorithm>
#include <array>

#include "trimcarve/bytes.hpp"

namespace trimcarve {

namespace {

struct Piece {
  std::uint64_t at = 0;      // in this source
  std::uint64_t offset = 0;  // in the base
  std::uint64_t length = 0;
};

class Pieces final : public ByteSource {
 public:
  Pieces(SourcePtr base, const std::vector<carvers::Stretch>& pieces, std::uint64_t gap) : base_(std::move(base)) {
    for (const carvers::Stretch& piece : pieces) {
      if (!pieces_.empty()) size_ += gap;
      pieces_.push_back({size_, piece.offset, piece.length});
      size_ += piece.length;
    }
  }

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end");
    std::ranges::fill(out, std::byte{0});
    Result<void> result;
    each(offset, out.size(), [&](const Piece& piece, std::uint64_t from, std::uint64_t length) {
      if (!result) return;
      result = base_->read_at(piece.offset + (from - piece.at),
                              out.subspan(static_cast<std::size_t>(from - offset), static_cast<std::size_t>(length)));
    });
    return result;
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> out;
    if (offset >= size_) return out;
    length = std::min(length, size_ - offset);
    const auto add = [&](std::uint64_t from, std::uint64_t bytes, ExtentKind kind) {
      if (bytes == 0) return;
      if (!out.empty() && out.back().kind == kind)
        out.back().length += bytes;
      else
        out.push_back({from, bytes, kind});
    };
    std::uint64_t at = offset;
    each(offset, length, [&](const Piece& piece, std::uint64_t from, std::uint64_t bytes) {
      add(at, from - at, ExtentKind::hole);
      for (const Extent& e : base_->extents(piece.offset + (from - piece.at), bytes))
        add(from + (e.offset - piece.offset - (from - piece.at)), e.length, e.kind);
      at = from + bytes;
    });
    add(at, offset + length - at, ExtentKind::hole);
    return out;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Range> out;
    each(offset, length, [&](const Piece& piece, std::uint64_t from, std::uint64_t bytes) {
      for (const Range& range : base_->locate(piece.offset + (from - piece.at), bytes)) {
        if (!out.empty() && out.back().space == range.space && out.back().offset + out.back().length == range.offset)
          out.back().length += range.length;
        else
          out.push_back(range);
      }
    });
    return out;
  }

 private:
  template <class Take>
  void each(std::uint64_t offset, std::uint64_t length, Take take) const {
    auto piece = std::ranges::upper_bound(pieces_, offset, {}, &Piece::at);
    if (piece != pieces_.begin()) --piece;
    for (; piece != pieces_.end() && (piece->at < offset || piece->at - offset < length); ++piece) {
      const std::uint64_t from = std::max(piece->at, offset), end = piece->at + piece->length;
      if (from >= end) continue;
      const std::uint64_t bytes = std::min(end - from, length - (from - offset));
      if (bytes != 0) take(*piece, from, bytes);
    }
  }

  SourcePtr base_;
  std::vector<Piece> pieces_;
  std::uint64_t size_ = 0;
};

}  // namespace

bool is_bin_of(const std::vector<carvers::Stretch>& hives, std::uint64_t offset, const ByteSource& source) {
  constexpr std::uint64_t first_page = 4096, place_at = 4;  // its offset in the hive's bins stands behind the signature
  const auto behind = std::ranges::upper_bound(hives, offset, {}, &carvers::Stretch::offset);
  if (behind == hives.begin()) return false;
  const carvers::Stretch& hive = *std::prev(behind);
  std::array<std::byte, 4> place{};
  return offset - hive.offset >= first_page && offset - hive.offset < hive.length && source.read_at(offset + place_at, place) &&
         le<std::uint32_t>(place, 0) == offset - hive.offset - first_page;
}

void add_bin(std::vector<carvers::Stretch>& bins, const carvers::Stretch& bin) {
  if (!bins.empty() && bins.back().offset + bins.back().length == bin.offset)
    bins.back().length += bin.length;
  else if (bins.empty() || bins.back().offset + bins.back().length < bin.offset)  // a bin in a bin is what its cells hold
    bins.push_back(bin);
}

SourcePtr make_pieces(SourcePtr base, const std::vector<carvers::Stretch>& pieces, std::uint64_t gap) {
  return std::make_shared<Pieces>(std::move(base), pieces, gap);
}

}  // namespace trimcarve
