#include "ntfs/lost_volumes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "ntfs/file_record.hpp"
#include "ntfs/lost_anchors.hpp"
#include "ntfs/lost_record.hpp"

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t sector = 512, mib = 1U << 20, largest_cluster = 2U << 20;
constexpr std::size_t most_volumes = 256;
constexpr std::uint64_t beyond_mirror_entry = 11;

bool record_at(const ByteSource& disk, std::uint64_t offset) {
  std::array<std::byte, 48> start;
  return read_piece(disk, offset, start) && record_signature(start) == RecordSignature::file;
}

// Whether $MFT or its mirror lies where this geometry puts it in a volume of `size` bytes that begins at `start`.
bool proves(const ByteSource& disk, std::uint64_t start, std::uint64_t size, const Geometry& g) {
  const auto has_record = [&](std::uint64_t lcn) {
    return lcn < g.clusters() && lcn < size / g.cluster_size && record_at(disk, start + lcn * g.cluster_size);
  };
  return has_record(g.mft_lcn) || has_record(g.mft_mirror_lcn);
}

// `room(start)` is the length of what can be a volume that begins there.
template <class Room>
std::optional<LostVolume> by_boot_sector(const ByteSource& disk, std::uint64_t at, ByteView bytes, Room room) {
  const BootSector boot = decode_boot_sector(bytes);
  if (boot.kind != BootKind::ntfs) return std::nullopt;
  const Geometry& g = boot.geometry;
  const auto size = [&](std::uint64_t start) { return std::min(g.volume_size + g.bytes_per_sector, room(start)); };
  // With $MFT's beginning and its mirror gone, the copy behind the volume still says the same.
  std::array<std::byte, sector> copy;
  const bool copied = g.volume_size < size(at) && read_piece(disk, at + g.volume_size, copy) && std::ranges::equal(copy, bytes);
  if (copied || proves(disk, at, size(at), g)) return LostVolume{at, size(at), "its boot sector", std::nullopt};
  if (at < g.volume_size) return std::nullopt;
  const std::uint64_t start = at - g.volume_size;
  if (proves(disk, start, size(start), g)) return LostVolume{start, size(start), "the copy of its boot sector", std::nullopt};
  return std::nullopt;
}

// $MFT's own record, or its copy in the mirror, at `at`. Of the cluster sizes that are possible the one counts that puts $MFT and its
// mirror where both are.
std::optional<LostVolume> by_own_record(const ByteSource& disk, std::uint64_t at, std::uint32_t record_size) {
  LostRecord own, mirror, far;
  if (!own.read(disk, at, record_size, 0) || own.name != u"$MFT" || !own.has_data) return std::nullopt;
  const auto mft_lcn = static_cast<std::uint64_t>(own.runs.front().lcn);
  std::uint64_t mirror_lcn = 0;
  if (mirror.read(disk, at + record_size, record_size, 1) && mirror.has_data)
    mirror_lcn = static_cast<std::uint64_t>(mirror.runs.front().lcn);
  const bool in_mft = far.read(disk, at + beyond_mirror_entry * record_size, record_size, beyond_mirror_entry);
  const std::uint64_t own_lcn = in_mft ? mft_lcn : mirror_lcn;
  if (own_lcn == 0) return std::nullopt;

  for (std::uint64_t cluster = sector; cluster <= largest_cluster; cluster *= 2) {
    if (own_lcn > at / cluster || own.data.allocated_size % cluster != 0) continue;
    const std::uint64_t start = at - own_lcn * cluster;
    // The run list maps the whole of it, or what other records map of it is not known and the other copy must show the size.
    const bool mapped = own.clusters == own.data.allocated_size / cluster;
    const std::uint64_t other = in_mft ? mirror_lcn : mft_lcn;
    if (!mapped && (own.clusters > own.data.allocated_size / cluster || other == 0 || other > disk.size() / cluster ||
                    !record_at(disk, start + other * cluster)))
      continue;
    LostVolume out{start, disk.size() - start, "$MFT's own record", Geometry{}};
    Geometry& g = *out.geometry;
    g.cluster_size = static_cast<std::uint32_t>(cluster);
    g.record_size = record_size;
    g.mft_lcn = mft_lcn;
    g.mft_mirror_lcn = mirror_lcn;
    complete_geometry(disk, start + mft_lcn * cluster, out);
    return out;
  }
  return std::nullopt;
}

class Search {
 public:
  Search(const ByteSource& disk, std::uint64_t offset, std::uint64_t length, std::span<const Range> known, const SearchLimits& limits)
      : disk_(disk),
        begin_(std::min(offset, disk.size())),
        end_(begin_ + std::min(length, disk.size() - begin_)),
        known_(known),
        limits_(limits) {}

  LostSearch aligned() {
    const auto look = [&](std::uint64_t at) {
      std::array<std::byte, sector> bytes;
      if (at < end_ && covered_until(at) == at && read_piece(disk_, at, bytes)) look_for_boot_sector(at, bytes);
    };
    look(begin_);
    look(begin_ + 63 * sector);
    each_data([&](std::uint64_t offset, std::uint64_t length) {
      for (std::uint64_t at = aligned_up(offset); at < offset + length && !stopped(); at = aligned_up(std::max(at + 1, covered_until(at))))
        look(at);
    });
    return finish();
  }

  LostSearch all() {
    pass([&](std::uint64_t at, ByteView bytes) { look_for_boot_sector(at, bytes); });
    LostAnchors anchors;
    pass([&](std::uint64_t at, ByteView bytes) {
      anchors.look(disk_, at, bytes);
      if (record_signature(bytes) != RecordSignature::file) return;
      const std::uint32_t size = le<std::uint32_t>(bytes, 0x1C);
      if (size < sector || size > 65536 || !std::has_single_bit(size)) return;
      // Records that know their number spare the closer look.
      if (le<std::uint16_t>(bytes, 4) >= 0x30 && le<std::uint32_t>(bytes, 0x2C) != 0) return;
      take(by_own_record(disk_, at, size));
    });
    for (LostVolume& found : anchors.volumes(disk_)) take(std::move(found));
    return finish();
  }

 private:
  static std::uint64_t aligned_up(std::uint64_t at) { return at / mib * mib + (at % mib != 0 ? mib : 0); }

  void look_for_boot_sector(std::uint64_t at, ByteView bytes) {
    if (std::memcmp(bytes.data() + 3, "NTFS    ", 8) == 0)
      take(by_boot_sector(disk_, at, bytes, [&](std::uint64_t start) { return room(start); }));
  }

  // Nothing more is to be found: there is no room for it, or nobody waits.
  bool stopped() {
    if (limits_.cancel != nullptr && limits_.cancel->load(std::memory_order_relaxed)) out_.end = SearchEnd::cancelled;
    return out_.end != SearchEnd::whole;
  }

  // Where the volume ends that lies at `at`; `at` when none does.
  std::uint64_t covered_until(std::uint64_t at) const {
    for (const LostVolume& v : out_.volumes)
      if (at >= v.offset && at - v.offset < v.size) return v.offset + v.size;
    for (const Range& r : known_)
      if (at >= r.offset && at - r.offset < r.length) return r.offset + r.length;
    return at;
  }

  // From `start` to the next known stretch or the end of the disk.
  std::uint64_t room(std::uint64_t start) const {
    std::uint64_t end = disk_.size();
    for (const Range& r : known_)
      if (r.offset > start) end = std::min(end, r.offset);
    return end - std::min(start, end);
  }

  void take(std::optional<LostVolume> found) {
    if (!found || covered_until(found->offset) != found->offset) return;
    found->size = std::min(found->size, room(found->offset));
    // Its $Bitmap tells a size only to 63 clusters: what follows the volume tells it better.
    if (found->geometry) {
      Geometry& g = *found->geometry;
      if (g.volume_size > found->size && g.volume_size - found->size < std::uint64_t{64} * g.cluster_size) {
        g.total_sectors = found->size / g.bytes_per_sector;
        g.volume_size = g.total_sectors * g.bytes_per_sector;
      }
    }
    // What a volume found later lies around is inside it: a disk image stored in a file, say.
    std::erase_if(out_.volumes, [&](const LostVolume& v) { return v.offset >= found->offset && v.offset - found->offset < found->size; });
    if (out_.volumes.size() >= most_volumes)
      out_.end = SearchEnd::volumes;
    else
      out_.volumes.push_back(*std::move(found));
  }

  // Calls visit(offset, length) for the stretches of data, in order. What is not data is jumped over in ever larger steps: a container may
  // state a disk far larger than its file.
  template <class Visit>
  void each_data(Visit visit) {
    constexpr std::uint64_t smallest = std::uint64_t{1} << 30, largest = std::uint64_t{1} << 60;
    std::uint64_t step = smallest;
    for (std::uint64_t from = begin_; from < end_ && !stopped();) {
      const std::uint64_t length = std::min(step, end_ - from);
      bool any = false;
      for (const Extent& e : disk_.extents(from, length)) {
        if (e.kind != ExtentKind::data) continue;
        any = true;
        visit(e.offset, e.length);
        if (stopped()) return;
      }
      step = any ? smallest : std::min(step * 2, largest);
      from += length;
      if (limits_.progress) limits_.progress(from - begin_, end_ - begin_);
    }
  }

  // Every sector of data that lies in no volume found so far and holds more than zeros.
  template <class Look>
  void pass(Look look) {
    std::vector<std::byte> buffer(mib);
    std::vector<Unread> unread;
    std::uint64_t searched = 0;
    each_data([&](std::uint64_t offset, std::uint64_t extent) {
      const std::uint64_t end = offset + extent;
      for (std::uint64_t at = offset; at < end && !stopped();) {
        if (const std::uint64_t until = covered_until(at); until != at) {
          at = until;
          continue;
        }
        if (searched >= limits_.data) return void(out_.end = SearchEnd::data);
        const std::uint64_t length = std::min<std::uint64_t>(mib, end - at) / sector * sector;
        if (length == 0) break;
        unread.clear();
        const auto bytes = std::span(buffer).first(static_cast<std::size_t>(length));
        read_tolerant(disk_, at, bytes, unread);
        searched += length;
        out_.searched = std::max(out_.searched, searched);
        if (!all_zero(bytes))
          for (std::uint64_t s = 0; s < length; s += sector)
            if (covered_until(at + s) == at + s) look(at + s, ByteView(bytes).subspan(static_cast<std::size_t>(s), sector));
        at += length;
      }
    });
  }

  LostSearch finish() {
    std::ranges::sort(out_.volumes, {}, &LostVolume::offset);
    return std::move(out_);
  }

  const ByteSource& disk_;
  std::uint64_t begin_, end_;
  std::span<const Range> known_;
  const SearchLimits& limits_;
  LostSearch out_;
};

}  // namespace

LostSearch find_lost_volumes(const ByteSource& disk, std::uint64_t offset, std::uint64_t length, SearchDepth depth,
                             std::span<const Range> known, const SearchLimits& limits) {
  Search search(disk, offset, length, known, limits);
  return depth == SearchDepth::aligned ? search.aligned() : search.all();
}

}  // namespace trimcarve::ntfs
