#include "image/shadow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "image/guid.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

constexpr std::uint64_t block = shadow_block_size, sector = 512, header_offset = 0x1E00, block_header_size = 128;
constexpr std::size_t most_stores = 512;  // Windows keeps no more of a volume
constexpr std::array<unsigned char, 16> vss_identifier{0x6B, 0x87, 0x08, 0x38, 0x76, 0xC1, 0x48, 0x4E,
                                                       0xB7, 0xAE, 0x04, 0x04, 0x6E, 0x6C, 0xC7, 0x52};
enum RecordType : std::uint32_t { volume_header = 1, catalog_block = 2, block_list = 3, store_header = 4, bitmap_block = 6 };
enum EntryFlag : std::uint32_t { forwarder = 1, overlay = 2, not_used = 4 };
constexpr std::uint64_t offline_flag = 0x100;
constexpr std::uint64_t lost = ~std::uint64_t{0};  // in the place of an offset: the bytes were kept, and are gone

using Guid = std::array<std::byte, 16>;

// What one store itself says. Offsets in the volume, bytes.
struct Overlay {
  std::array<std::uint64_t, block / sector> from{};  // where each sector lies; 0: not in the overlay
};
struct Store {
  std::unordered_map<std::uint64_t, std::uint64_t> copied;  // block of the volume -> where its old bytes lie
  std::unordered_map<std::uint64_t, std::uint64_t> moved;   // block -> the block in which a newer store (or the volume) has its bytes
  std::unordered_map<std::uint64_t, Overlay> overlays;      // sectors that go before all else, of this very store only
  std::unordered_set<std::uint64_t> unused_targets;         // blocks that bytes moved to and that no file had when the copy was made
  std::vector<std::byte> bitmap, earlier_bitmap;            // bit set: nothing of this block had to be kept

  bool has(std::uint64_t at) const { return copied.contains(at) || moved.contains(at); }
  bool unused(std::uint64_t at) const {
    const auto bit = [at](const std::vector<std::byte>& bits) -> std::optional<bool> {
      const std::uint64_t n = at / block;
      if (n / 8 >= bits.size()) return std::nullopt;
      return ((static_cast<unsigned>(bits[static_cast<std::size_t>(n / 8)]) >> (n % 8)) & 1U) != 0;
    };
    return bit(bitmap).value_or(false) && bit(earlier_bitmap).value_or(true);
  }
};
using Stores = std::vector<std::shared_ptr<const Store>>;  // newest first

class ShadowVolume final : public ByteSource {
 public:
  // `newer`: this store and all made after it, newest first, this one last.
  ShadowVolume(SourcePtr volume, std::uint64_t size, Stores newer) : volume_(std::move(volume)), size_(size), newer_(std::move(newer)) {}

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end of the shadow copy");
    Result<void> result;
    visit(offset, out.size(), [&](std::uint64_t at, std::uint64_t length, std::optional<std::uint64_t> from) {
      const auto part = out.subspan(static_cast<std::size_t>(at - offset), static_cast<std::size_t>(length));
      if (!result) return;
      if (from == lost)
        result = fail("the shadow copy has lost this block");
      else if (from)
        result = volume_->read_at(*from, part);
      else
        std::ranges::fill(part, std::byte{0});
    });
    return result;
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> out;
    if (offset >= size_) return out;
    const auto add = [&out](const Extent& extent) {
      if (!out.empty() && out.back().kind == extent.kind)
        out.back().length += extent.length;
      else
        out.push_back(extent);
    };
    visit(offset, std::min(length, size_ - offset), [&](std::uint64_t at, std::uint64_t count, std::optional<std::uint64_t> from) {
      if (!from) return add({at, count, ExtentKind::hole});
      if (from == lost) return add({at, count, ExtentKind::unreadable});
      for (Extent extent : volume_->extents(*from, count)) {
        extent.offset = extent.offset - *from + at;
        add(extent);
      }
    });
    return out;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Range> out;
    if (offset >= size_) return out;
    visit(offset, std::min(length, size_ - offset), [&](std::uint64_t, std::uint64_t count, std::optional<std::uint64_t> from) {
      if (!from || from == lost) return;
      for (const Range& range : volume_->locate(*from, count))
        if (!out.empty() && out.back().space == range.space && out.back().offset + out.back().length == range.offset)
          out.back().length += range.length;
        else
          out.push_back(range);
    });
    return out;
  }

 private:
  bool in_newer(std::size_t store, std::uint64_t at) const {
    for (std::size_t i = 0; i < store; ++i)
      if (newer_[i]->has(at)) return true;
    return false;
  }

  // Where the bytes of a block lie, overlays aside. Order as dfir_ntfs has it.
  std::optional<std::uint64_t> base(std::uint64_t at) const {
    bool followed = false;  // the block was moved: what is asked for now is where it went
    for (std::size_t i = newer_.size(); i-- > 0;) {
      const Store& store = *newer_[i];
      if (!followed && store.unused_targets.contains(at) && !in_newer(i, at)) return std::nullopt;
      if (const auto copy = store.copied.find(at); copy != store.copied.end()) return copy->second;
      if (const auto move = store.moved.find(at); move != store.moved.end()) {
        at = move->second;
        followed = true;
        if (i == 0 && store.unused(at)) return std::nullopt;
        continue;
      }
      if (store.unused(at) && !in_newer(i, at)) return std::nullopt;
    }
    return at;
  }

  // Calls take(offset, length, where in the volume or nothing for a hole), in order; neighbours are joined.
  template <class Take>
  void visit(std::uint64_t offset, std::uint64_t length, Take take) const {
    struct Piece {
      std::uint64_t at = 0, length = 0;
      std::optional<std::uint64_t> from;
    } piece;
    const auto add = [&](std::uint64_t at, std::uint64_t count, std::optional<std::uint64_t> from) {
      const bool follows =
          piece.length != 0 &&
          (from && from != lost ? piece.from && piece.from != lost && *piece.from + piece.length == *from : piece.from == from);
      if (follows) {
        piece.length += count;
        return;
      }
      if (piece.length != 0) take(piece.at, piece.length, piece.from);
      piece = {at, count, from};
    };
    const auto& overlays = newer_.back()->overlays;
    for (std::uint64_t at = offset, end = offset + length; at < end;) {
      const std::uint64_t begin = at / block * block, until = std::min(end, begin + block);
      const auto from = base(begin);
      const auto over = overlays.find(begin);
      while (at < until) {
        const std::uint64_t next = over == overlays.end() ? until : std::min(until, (at / sector + 1) * sector);
        const std::uint64_t within = at - begin;
        const std::uint64_t sector_from = over == overlays.end() ? 0 : over->second.from[static_cast<std::size_t>(within / sector)];
        if (sector_from != 0)
          add(at, next - at, sector_from == lost ? lost : sector_from + within % sector);
        else
          add(at, next - at, from && from != lost ? std::optional(*from + within) : from);
        at = next;
      }
    }
    if (piece.length != 0) take(piece.at, piece.length, piece.from);
  }

  SourcePtr volume_;
  std::uint64_t size_;
  Stores newer_;
};

// A block with the header that all of them have; empty when it is not what it should be. `offset`: where it is said to lie.
std::vector<std::byte> read_block(const ByteSource& volume, std::uint64_t offset, RecordType type) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(block));
  if (offset == 0 || offset % block != 0 || !volume.read_at(offset, bytes)) return {};
  const bool good = std::memcmp(bytes.data(), vss_identifier.data(), vss_identifier.size()) == 0 && le<std::uint32_t>(bytes, 20) == type &&
                    le<std::uint64_t>(bytes, 32) == offset;
  return good ? bytes : std::vector<std::byte>();
}

// The blocks of the chains. A block belongs to one chain: no chain runs in a circle, and what is kept of all stores is bounded by the
// volume.
class Chains {
 public:
  explicit Chains(const ByteSource& volume) : volume_(volume) {}

  // Calls take(block) for each block of a chain. False when it breaks or take says so.
  template <class Take>
  bool read(std::uint64_t offset, RecordType type, Take take) {
    while (offset != 0) {
      if (!seen_.insert(offset).second) return false;
      const auto bytes = read_block(volume_, offset, type);
      if (bytes.empty() || !take(ByteView(bytes))) return false;
      offset = le<std::uint64_t>(bytes, 40);
    }
    return true;
  }
  const ByteSource& volume() const { return volume_; }

 private:
  const ByteSource& volume_;
  std::unordered_set<std::uint64_t> seen_;
};

// One entry of a catalog's two for a store.
struct CatalogEntry {
  Guid identifier{};
  bool described = false, placed = false;
  std::uint64_t size = 0, sequence = 0, flags = 0;
  FileTime created;
  std::uint64_t list = 0, header = 0, bitmap = 0, earlier_bitmap = 0;
};

class BlockList {
 public:
  BlockList(Store& store, std::uint64_t volume_size) : store_(store), volume_size_(volume_size) {}

  // False when an entry of it cannot be: then which block it speaks of is not known, and the store cannot be trusted.
  bool add(ByteView list) {
    for (std::uint64_t at = block_header_size; at + 32 <= list.size(); at += 32) {
      std::uint64_t original = le<std::uint64_t>(list, at);
      const auto relative = le<std::uint64_t>(list, at + 8), data = le<std::uint64_t>(list, at + 16);
      const auto flags = le<std::uint32_t>(list, at + 24), bits = le<std::uint32_t>(list, at + 28);
      if (data == 0 && flags == 0) return true;  // the unused rest
      if ((flags & not_used) != 0) continue;
      if (original % block != 0 || original >= volume_size_ || flags > 0xFF || (flags & (forwarder | overlay)) == (forwarder | overlay))
        return false;
      if ((flags & overlay) != 0) {
        if (!lies_inside(data)) return false;
        Overlay& over = store_.overlays[original];
        for (std::size_t i = 0; i < over.from.size(); ++i)
          if (((bits >> i) & 1U) != 0) over.from[i] = data + i * sector;
        continue;
      }
      // Bytes that moved and were overwritten where they moved to: they are the first block's.
      if (const auto moved = came_from_.find(original); moved != came_from_.end()) {
        original = moved->second;
        came_from_.erase(moved);
      }
      if ((flags & forwarder) == 0) {
        if (!lies_inside(data)) return false;
        store_.copied[original] = data;
      } else if (original == relative) {
        store_.copied.erase(original);
      } else {
        if (relative % block != 0 || relative >= volume_size_) return false;
        store_.moved[original] = relative;
        came_from_[relative] = original;
      }
    }
    return true;
  }

 private:
  bool lies_inside(std::uint64_t data) const { return data != 0 && data % block == 0 && fits(volume_size_, data, block); }

  Store& store_;
  std::uint64_t volume_size_;
  std::unordered_map<std::uint64_t, std::uint64_t> came_from_;
};

bool read_bitmap(Chains& chains, std::uint64_t offset, std::uint64_t volume_size, std::vector<std::byte>& out) {
  const std::uint64_t needed = (volume_size / block + 8) / 8;
  return chains.read(offset, bitmap_block, [&](ByteView bytes) {
    const ByteView bits = bytes.subspan(block_header_size);
    if (out.size() < needed) out.insert(out.end(), bits.begin(), bits.end());
    return true;
  });
}

// Reads what a store says of itself; a text says why it cannot be.
std::string read_store(Chains& chains, const CatalogEntry& entry, Store& store) {
  if (!entry.placed) return "the catalog does not say where it lies";
  if (read_block(chains.volume(), entry.header, store_header).empty()) return "its header is gone";
  if (entry.list == 0) return "the catalog names no block list";
  BlockList list(store, chains.volume().size());
  if (!chains.read(entry.list, block_list, [&](ByteView bytes) { return list.add(bytes); })) return "its block list is damaged";
  if (!read_bitmap(chains, entry.bitmap, entry.size, store.bitmap) ||
      !read_bitmap(chains, entry.earlier_bitmap, entry.size, store.earlier_bitmap))
    return "its bitmap is damaged";
  for (const auto& [from, to] : store.moved)
    if (store.unused(to)) store.unused_targets.insert(to);
  return {};
}

std::vector<CatalogEntry> read_catalog(Chains& chains, std::uint64_t offset, bool& whole) {
  std::vector<CatalogEntry> entries;
  const auto entry_of = [&](ByteView item) -> CatalogEntry* {
    Guid identifier;
    std::memcpy(identifier.data(), item.data() + 16, identifier.size());
    const auto found = std::ranges::find(entries, identifier, &CatalogEntry::identifier);
    if (found != entries.end()) return &*found;
    if (entries.size() >= most_stores) return nullptr;
    entries.push_back({.identifier = identifier});
    return &entries.back();
  };
  whole = chains.read(offset, catalog_block, [&](ByteView bytes) {
    for (std::uint64_t at = block_header_size; at + 128 <= bytes.size(); at += 128) {
      const ByteView item = bytes.subspan(static_cast<std::size_t>(at), 128);
      const auto type = le<std::uint32_t>(item, 0);  // the four bytes after it hold a priority
      if (type != 2 && type != 3) continue;
      CatalogEntry* entry = entry_of(item);
      if (entry == nullptr) return false;
      if (type == 2) {
        entry->described = true;
        entry->size = le<std::uint64_t>(item, 8);
        entry->sequence = le<std::uint64_t>(item, 32);
        entry->flags = le<std::uint64_t>(item, 40);
        entry->created = {le<std::uint64_t>(item, 48)};
      } else {
        entry->placed = true;
        entry->list = le<std::uint64_t>(item, 8);
        entry->header = le<std::uint64_t>(item, 32);
        entry->bitmap = le<std::uint64_t>(item, 48);
        entry->earlier_bitmap = le<std::uint64_t>(item, 72);
      }
    }
    return true;
  });
  std::erase_if(entries, [](const CatalogEntry& e) { return !e.described; });
  return entries;
}

// Marks what is gone of a store whose own blocks are free on the volume. True when any is.
bool find_freed(const ByteSource& volume, const std::function<bool(std::uint64_t)>& is_free, Store& store) {
  bool freed = false;
  std::vector<std::byte> bytes(static_cast<std::size_t>(block));
  const auto is_gone = [&](std::uint64_t data) {
    if (!is_free(data)) return false;
    freed = true;
    return !volume.read_at(data, bytes) || all_zero(bytes);
  };
  for (auto& [at, data] : store.copied)
    if (is_gone(data)) data = lost;
  for (auto& [at, over] : store.overlays)
    for (std::uint64_t& from : over.from)
      if (from != 0 && is_gone(from / block * block)) from = lost;
  return freed;
}

}  // namespace

ShadowStores read_shadows(const SourcePtr& volume, const std::function<bool(std::uint64_t offset)>& is_free) {
  ShadowStores out;
  std::array<std::byte, 512> header{};
  if (!fits(volume->size(), header_offset, header.size()) || !volume->read_at(header_offset, header) ||
      std::memcmp(header.data(), vss_identifier.data(), vss_identifier.size()) != 0 || le<std::uint32_t>(header, 20) != volume_header)
    return out;
  const auto catalog = le<std::uint64_t>(header, 48);
  const auto warn = [&](std::string code, std::string text, std::vector<Range> ranges = {}) {
    out.complete = false;
    out.warnings.push_back({std::move(code), std::move(text), std::move(ranges)});
  };
  if (catalog == 0) return out;
  if (std::memcmp(header.data() + 64, header.data() + 80, 16) != 0) {
    warn("shadow_elsewhere", "its shadow copies are stored on another volume and were not read", volume->locate(header_offset, 512));
    return out;
  }
  Chains chains(*volume);
  bool whole = true;
  auto entries = read_catalog(chains, catalog, whole);
  if (!whole)
    warn("shadow_catalog_damaged", "the catalog of its shadow copies is damaged: copies may be missing", volume->locate(catalog, block));
  std::ranges::stable_sort(entries, std::greater{}, [](const CatalogEntry& e) { return std::pair(e.sequence, e.created); });

  Stores newer;
  bool broken = false;
  for (const CatalogEntry& entry : entries) {
    ShadowStore& told = out.stores.emplace_back();
    told.identifier = guid_text(entry.identifier, GuidOrder::little);
    told.created = entry.created;
    told.offline = (entry.flags & offline_flag) != 0;
    auto store = std::make_shared<Store>();
    told.why = broken ? "a newer copy that it builds on cannot be read" : read_store(chains, entry, *store);
    if (told.why.empty() && entry.size == 0) told.why = "the catalog gives it no size";
    if (!told.why.empty()) {
      broken = true;
      warn("shadow_unreadable",
           fmt::format("the shadow copy {} of {} cannot be read: {}", told.identifier, to_iso8601(told.created), told.why));
      continue;
    }
    told.freed = is_free && find_freed(*volume, is_free, *store);
    told.blocks = store->copied.size() + store->overlays.size();
    newer.push_back(std::move(store));
    told.bytes = std::make_shared<ShadowVolume>(volume, std::min(entry.size, volume->size()), newer);
  }
  return out;
}

}  // namespace trimcarve::image
