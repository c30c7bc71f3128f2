#include "ntfs/stream.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "ntfs/lznt1.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

namespace {

void add_extent(std::vector<Extent>& out, std::uint64_t offset, std::uint64_t length, ExtentKind kind) {
  if (length == 0) return;
  if (!out.empty() && out.back().kind == kind && out.back().offset + out.back().length == offset)
    out.back().length += length;
  else
    out.push_back({offset, length, kind});
}

void add_ranges(std::vector<Range>& out, const std::vector<Range>& more) {
  for (const Range& r : more) {
    if (!out.empty() && out.back().space == r.space && out.back().offset + out.back().length == r.offset)
      out.back().length += r.length;
    else
      out.push_back(r);
  }
}

// A stretch of a stream and what it maps to.
struct Piece {
  enum class Kind : std::uint8_t { data, hole, unreadable };
  std::uint64_t offset = 0, length = 0;
  Kind kind = Kind::unreadable;
  std::uint64_t at = 0;  // data: byte offset in the volume
};

// Pieces that cover [0, size) in order and without gaps. Everything from `valid_size` on is a hole.
std::vector<Piece> make_pieces(const ByteSource& volume, std::vector<RunFact> runs, std::uint32_t cluster_size, std::uint64_t size,
                               std::uint64_t valid_size) {
  std::vector<Piece> pieces;
  std::uint64_t covered = 0;
  const std::uint64_t valid = std::min(size, valid_size);
  const auto add = [&](std::uint64_t length, Piece::Kind kind, std::uint64_t at = 0) {
    length = std::min(length, valid - covered);
    if (length == 0) return;
    pieces.push_back({covered, length, kind, at});
    covered += length;
  };
  std::ranges::sort(runs, {}, [](const RunFact& r) { return std::pair(r.vcn, r.lcn); });
  if (cluster_size == 0) runs.clear();
  for (const RunFact& run : runs) {
    const std::uint64_t most = ~std::uint64_t{0} / cluster_size;
    if (run.vcn > most) break;
    const std::uint64_t begin = run.vcn * cluster_size;
    if (begin >= valid) break;
    std::uint64_t length = run.clusters > most ? ~std::uint64_t{0} : run.clusters * cluster_size;
    std::uint64_t skip = 0;  // what an earlier run maps already
    if (begin < covered) skip = std::min(covered - begin, length);
    length -= skip;
    if (begin > covered) add(begin - covered, Piece::Kind::unreadable);
    if (run.lcn < 0) {
      add(length, Piece::Kind::hole);
      continue;
    }
    const auto lcn = static_cast<std::uint64_t>(run.lcn);
    const std::uint64_t at = lcn > most || lcn * cluster_size > ~std::uint64_t{0} - skip ? ~std::uint64_t{0} : lcn * cluster_size + skip;
    const std::uint64_t inside = at < volume.size() ? std::min(length, volume.size() - at) : 0;
    add(inside, Piece::Kind::data, at);
    add(length - inside, Piece::Kind::unreadable);
  }
  if (covered < valid) add(valid - covered, Piece::Kind::unreadable);
  if (covered < size) pieces.push_back({covered, size - covered, Piece::Kind::hole, 0});
  return pieces;
}

// The piece that holds `offset`. Precondition: pieces cover it.
std::vector<Piece>::const_iterator piece_at(const std::vector<Piece>& pieces, std::uint64_t offset) noexcept {
  return std::prev(std::ranges::upper_bound(pieces, offset, {}, &Piece::offset));
}

// Calls fn(piece, offset, length) for the part of each piece within [offset, offset + length), in order, until it returns false.
template <class Fn>
bool for_pieces(const std::vector<Piece>& pieces, std::uint64_t offset, std::uint64_t length, Fn&& fn) {
  if (length == 0) return true;
  for (auto p = piece_at(pieces, offset); length != 0; ++p) {
    const std::uint64_t part = std::min(length, p->offset + p->length - offset);
    if (!fn(*p, offset, part)) return false;
    offset += part;
    length -= part;
  }
  return true;
}

class RunStream final : public ByteSource {
 public:
  RunStream(SourcePtr volume, std::vector<Piece> pieces, std::uint64_t size)
      : volume_(std::move(volume)), pieces_(std::move(pieces)), size_(size) {}

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end");
    Result<void> result;
    for_pieces(pieces_, offset, out.size(), [&](const Piece& p, std::uint64_t at, std::uint64_t length) {
      const auto target = out.subspan(static_cast<std::size_t>(at - offset), static_cast<std::size_t>(length));
      switch (p.kind) {
        case Piece::Kind::data: result = volume_->read_at(p.at + (at - p.offset), target); break;
        case Piece::Kind::hole: std::ranges::fill(target, std::byte{0}); break;
        case Piece::Kind::unreadable: result = fail("no cluster of the volume is known for it"); break;
      }
      return result.has_value();
    });
    return result;
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> out;
    if (offset >= size_) return out;
    for_pieces(pieces_, offset, std::min(length, size_ - offset), [&](const Piece& p, std::uint64_t at, std::uint64_t part) {
      if (p.kind == Piece::Kind::hole) add_extent(out, at, part, ExtentKind::hole);
      if (p.kind == Piece::Kind::unreadable) add_extent(out, at, part, ExtentKind::unreadable);
      if (p.kind == Piece::Kind::data) {
        const std::uint64_t begin = p.at + (at - p.offset);
        for (const Extent& e : volume_->extents(begin, part)) add_extent(out, at + (e.offset - begin), e.length, e.kind);
      }
      return true;
    });
    return out;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Range> out;
    if (offset >= size_) return out;
    for_pieces(pieces_, offset, std::min(length, size_ - offset), [&](const Piece& p, std::uint64_t at, std::uint64_t part) {
      if (p.kind == Piece::Kind::data) add_ranges(out, volume_->locate(p.at + (at - p.offset), part));
      return true;
    });
    return out;
  }

  const std::vector<Piece>& pieces() const noexcept { return pieces_; }

 private:
  SourcePtr volume_;
  std::vector<Piece> pieces_;
  std::uint64_t size_;
};

// A compressed stream. A unit whose clusters are all there is stored as it is; one with a sparse tail holds LZNT1; one without clusters is
// sparse.
class CompressedStream final : public ByteSource {
 public:
  // `stored`: the clusters as the run list maps them, up to the end of the unit that holds the last valid byte.
  CompressedStream(std::shared_ptr<const RunStream> stored, std::uint64_t unit_size, std::uint64_t size, std::uint64_t valid_size)
      : stored_(std::move(stored)), unit_size_(unit_size), size_(size), valid_(std::min(size, valid_size)) {}

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end");
    while (!out.empty()) {
      const std::uint64_t length = std::min<std::uint64_t>(step(offset), out.size());
      const auto target = out.first(static_cast<std::size_t>(length));
      if (offset >= valid_) {
        std::ranges::fill(target, std::byte{0});
      } else if (!compressed_unit(offset)) {
        if (auto read = stored_->read_at(offset, target); !read) return read;
      } else {
        const auto unit = load_unit(offset / unit_size_);
        const std::uint64_t in_unit = offset % unit_size_;
        if (in_unit + length > unit->readable) return fail("the compressed unit is damaged or cannot be read");
        std::memcpy(target.data(), unit->bytes.data() + in_unit, target.size());
      }
      offset += length;
      out = out.subspan(target.size());
    }
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> out;
    if (offset >= size_) return out;
    for (const std::uint64_t end = offset + std::min(length, size_ - offset); offset < end;) {
      const std::uint64_t part = std::min(step(offset), end - offset);
      if (offset >= valid_) {
        add_extent(out, offset, part, ExtentKind::hole);
      } else if (!compressed_unit(offset)) {
        for (const Extent& e : stored_->extents(offset, part)) add_extent(out, e.offset, e.length, e.kind);
      } else {
        const auto unit = load_unit(offset / unit_size_);
        const std::uint64_t in_unit = offset % unit_size_;
        const std::uint64_t good = unit->readable > in_unit ? std::min(part, unit->readable - in_unit) : 0;
        add_extent(out, offset, good, unit->kind);
        add_extent(out, offset + good, part - good, ExtentKind::unreadable);
      }
      offset += part;
    }
    return out;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Range> out;
    if (offset >= valid_) return out;
    for (const std::uint64_t end = offset + std::min(length, valid_ - offset); offset < end;) {
      const std::uint64_t part = std::min(step(offset), end - offset);
      if (compressed_unit(offset))
        add_ranges(out, stored_->locate(offset / unit_size_ * unit_size_, unit_size_));
      else
        add_ranges(out, stored_->locate(offset, part));
      offset += part;
    }
    return out;
  }

 private:
  struct Unit {
    std::vector<std::byte> bytes;
    std::uint64_t readable = 0;          // from its start
    ExtentKind kind = ExtentKind::data;  // of the stored bytes, where they are no data at all
  };

  // How far from `offset` one rule holds: to the end of the valid part, of a long piece in whole units, or of the unit.
  std::uint64_t step(std::uint64_t offset) const noexcept {
    if (offset >= valid_) return size_ - offset;
    const auto p = piece_at(stored_->pieces(), offset);
    const std::uint64_t unit_begin = offset / unit_size_ * unit_size_;
    const std::uint64_t piece_end = p->offset + p->length;
    std::uint64_t end = unit_begin + unit_size_;
    if (p->offset <= unit_begin && piece_end > end) end = piece_end / unit_size_ * unit_size_;
    return std::min(end, valid_) - offset;
  }

  bool compressed_unit(std::uint64_t offset) const {
    const std::uint64_t begin = offset / unit_size_ * unit_size_;
    const std::uint64_t length = std::min(unit_size_, stored_->size() - begin);
    bool data = false, hole = false;
    for_pieces(stored_->pieces(), begin, length, [&](const Piece& p, std::uint64_t, std::uint64_t) {
      data = data || p.kind == Piece::Kind::data;
      hole = hole || p.kind == Piece::Kind::hole;
      return !(data && hole);
    });
    return data && hole;
  }

  std::shared_ptr<const Unit> load_unit(std::uint64_t number) const {
    {
      const std::lock_guard lock(mutex_);
      if (cached_ && cached_number_ == number) return cached_;
    }
    const std::uint64_t begin = number * unit_size_;
    auto unit = std::make_shared<Unit>();
    std::vector<std::byte> packed;
    bool first = true, all_read = true;
    for_pieces(stored_->pieces(), begin, std::min(unit_size_, stored_->size() - begin),
               [&](const Piece& p, std::uint64_t at, std::uint64_t length) {
                 if (p.kind == Piece::Kind::hole) return false;  // the sparse tail: what follows holds nothing
                 for (const Extent& e : stored_->extents(at, length)) {
                   if (first) unit->kind = e.kind == ExtentKind::unreadable ? ExtentKind::data : e.kind;
                   first = false;
                   const std::size_t before = packed.size();
                   packed.resize(before + static_cast<std::size_t>(e.length));
                   if (e.kind == ExtentKind::unreadable || !stored_->read_at(e.offset, std::span(packed).subspan(before))) {
                     packed.resize(before);
                     all_read = false;
                     return false;
                   }
                 }
                 return true;
               });
    unit->bytes.resize(static_cast<std::size_t>(unit_size_));
    const Lznt1 result = lznt1_decompress(packed, unit->bytes);
    unit->readable = result.complete && all_read ? unit_size_ : result.good;
    const std::lock_guard lock(mutex_);
    cached_ = unit;
    cached_number_ = number;
    return unit;
  }

  std::shared_ptr<const RunStream> stored_;
  std::uint64_t unit_size_, size_, valid_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Unit> cached_;  // reads come in order and smaller than a unit
  mutable std::uint64_t cached_number_ = 0;
};

class Buffer final : public ByteSource {
 public:
  Buffer(std::vector<std::byte> bytes, SourcePtr origin, std::uint64_t offset)
      : bytes_(std::move(bytes)), origin_(std::move(origin)), offset_(offset) {}

  std::uint64_t size() const noexcept override { return bytes_.size(); }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_.size(), offset, out.size())) return fail("past the end");
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= bytes_.size() || length == 0) return {};
    return {{offset, std::min(length, bytes_.size() - offset), ExtentKind::data}};
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (!origin_ || offset >= bytes_.size()) return {};
    return origin_->locate(offset_ + offset, std::min(length, bytes_.size() - offset));
  }

 private:
  std::vector<std::byte> bytes_;
  SourcePtr origin_;
  std::uint64_t offset_;
};

// 16 clusters of at most 4 KiB is all that Windows writes; more than this is a senseless header.
constexpr std::uint64_t largest_unit = 1U << 20;

}  // namespace

SourcePtr make_stream(SourcePtr volume, std::vector<RunFact> runs, std::uint32_t cluster_size, std::uint64_t size,
                      std::uint64_t valid_size) {
  auto pieces = make_pieces(*volume, std::move(runs), cluster_size, size, valid_size);
  return std::make_shared<RunStream>(std::move(volume), std::move(pieces), size);
}

SourcePtr make_compressed_stream(SourcePtr volume, std::vector<RunFact> runs, std::uint32_t cluster_size, std::uint8_t unit_log2,
                                 std::uint64_t size, std::uint64_t valid_size) {
  const std::uint64_t unit = unit_log2 < 32 ? std::uint64_t{cluster_size} << unit_log2 : 0;
  if (unit == 0 || unit > largest_unit) return make_stream(std::move(volume), {}, cluster_size, size, valid_size);
  const std::uint64_t valid = std::min(size, valid_size);
  const std::uint64_t stored_size = valid > ~std::uint64_t{0} - unit ? valid / unit * unit : (valid + unit - 1) / unit * unit;
  auto pieces = make_pieces(*volume, std::move(runs), cluster_size, stored_size, stored_size);
  auto stored = std::make_shared<const RunStream>(std::move(volume), std::move(pieces), stored_size);
  return std::make_shared<CompressedStream>(std::move(stored), unit, size, std::min(valid, stored_size));
}

SourcePtr make_buffer(std::vector<std::byte> bytes, SourcePtr origin, std::uint64_t offset) {
  return std::make_shared<Buffer>(std::move(bytes), std::move(origin), offset);
}

}  // namespace trimcarve::ntfs
