#include "ntfs/lost_volumes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "ntfs/file_name.hpp"
#include "ntfs/file_record.hpp"
#include "ntfs/index.hpp"
#include "ntfs/run_list.hpp"

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t sector = 512, mib = 1U << 20, largest_cluster = 2U << 20;
constexpr std::uint64_t most_searched = std::uint64_t{256} << 30;
constexpr std::size_t most_volumes = 256;
constexpr std::uint64_t root_entry = 5, bitmap_entry = 6, beyond_mirror_entry = 11;

bool read_piece(const ByteSource& disk, std::uint64_t offset, std::span<std::byte> out) {
  return fits(disk.size(), offset, out.size()) && disk.read_at(offset, out).has_value();
}

bool record_at(const ByteSource& disk, std::uint64_t offset) {
  std::array<std::byte, 48> start;
  return read_piece(disk, offset, start) && record_signature(start) == RecordSignature::file;
}

// Whether $MFT or its mirror lies where this geometry puts it in a volume that begins at `start`.
bool proves(const ByteSource& disk, std::uint64_t start, const Geometry& g) {
  const auto has_record = [&](std::uint64_t lcn) { return lcn < g.clusters() && record_at(disk, start + lcn * g.cluster_size); };
  return has_record(g.mft_lcn) || has_record(g.mft_mirror_lcn);
}

std::optional<LostVolume> by_boot_sector(const ByteSource& disk, std::uint64_t at, ByteView bytes) {
  const BootSector boot = decode_boot_sector(bytes);
  if (boot.kind != BootKind::ntfs) return std::nullopt;
  const Geometry& g = boot.geometry;
  const auto found = [&](std::uint64_t start, const char* how) {
    return LostVolume{start, std::min(g.volume_size + g.bytes_per_sector, disk.size() - start), how, std::nullopt};
  };
  // With $MFT's beginning and its mirror gone, the copy behind the volume still says the same.
  std::array<std::byte, sector> copy;
  const bool copied = g.volume_size <= disk.size() - at && read_piece(disk, at + g.volume_size, copy) && std::ranges::equal(copy, bytes);
  if (copied || proves(disk, at, g)) return found(at, "its boot sector");
  if (at >= g.volume_size && proves(disk, at - g.volume_size, g)) return found(at - g.volume_size, "the copy of its boot sector");
  return std::nullopt;
}

// One record as it lies on the disk, with the unnamed $DATA's first extent.
struct Record {
  std::vector<std::byte> bytes;
  FixUp fix;
  FileRecord record;
  Attribute data;
  bool has_data = false;
  std::vector<RunFact> runs;
  std::uint64_t clusters = 0;  // mapped by them
  std::u16string name;

  bool read(const ByteSource& disk, std::uint64_t at, std::uint32_t size, std::uint64_t number) {
    bytes.resize(size);
    if (!read_piece(disk, at, bytes) || record_signature(bytes) != RecordSignature::file) return false;
    fix = apply_fix_up(bytes);
    if (!FileRecord::decode(bytes, fix, record) || record.torn() || record.header().allocated_size != size) return false;
    if (!record.header().in_use() || record.header().base.value != 0) return false;
    if (record.header().has_number && record.header().number != number) return false;
    AttributeWalk walk(record);
    for (Attribute a; walk.next(a);) {
      if (a.type == attribute_type::file_name && a.resident && a.faults == 0)
        if (const auto file_name = decode_file_name(a.value)) name = file_name->name.str();
      if (a.type != attribute_type::data || !a.name.empty() || a.resident || a.faults != 0 || a.first_vcn != 0 || has_data) continue;
      const RunList list = decode_run_list(a, 0, runs);
      has_data = list.complete() && !runs.empty() && runs.front().lcn >= 0;
      clusters = list.clusters;
      data = a;
    }
    return true;
  }
};

// $MFT's own record, or its copy in the mirror, at `at`. Of the cluster sizes that are possible the one counts that puts $MFT and its
// mirror where both are.
std::optional<LostVolume> by_own_record(const ByteSource& disk, std::uint64_t at, std::uint32_t record_size) {
  Record own, mirror, far, root, bitmap;
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
    g.bytes_per_sector = 512;
    g.cluster_size = static_cast<std::uint32_t>(cluster);
    g.record_size = record_size;
    g.index_block_size = 4096;
    g.mft_lcn = mft_lcn;
    g.mft_mirror_lcn = mirror_lcn;
    const std::uint64_t mft = start + mft_lcn * cluster;
    if (root.read(disk, mft + root_entry * record_size, record_size, root_entry)) {
      AttributeWalk walk(root.record);
      for (Attribute a; walk.next(a);)
        if (a.type == attribute_type::index_root && a.resident)
          if (const auto index = decode_index_root(a.value);
              index && std::has_single_bit(index->block_size) && index->block_size >= sector && index->block_size <= 65536)
            g.index_block_size = index->block_size;
    }
    // $Bitmap has a bit for each cluster, in whole 8 bytes: the volume may be up to 63 clusters smaller.
    if (bitmap.read(disk, mft + bitmap_entry * record_size, record_size, bitmap_entry) && bitmap.has_data && bitmap.data.size > 0 &&
        bitmap.data.size < out.size / cluster / 8 + 8)
      out.size = std::min(out.size, bitmap.data.size * 8 * cluster);
    g.total_sectors = out.size / 512;
    g.volume_size = g.total_sectors * 512;
    return out;
  }
  return std::nullopt;
}

class Search {
 public:
  Search(const ByteSource& disk, std::uint64_t offset, std::uint64_t length, std::span<const Range> known, const std::atomic<bool>* cancel)
      : disk_(disk),
        begin_(std::min(offset, disk.size())),
        end_(begin_ + std::min(length, disk.size() - begin_)),
        known_(known),
        cancel_(cancel) {}

  LostSearch aligned() {
    const auto look = [&](std::uint64_t at) {
      std::array<std::byte, sector> bytes;
      if (at < end_ && covered_until(at) == at && read_piece(disk_, at, bytes) && std::memcmp(bytes.data() + 3, "NTFS    ", 8) == 0)
        take(by_boot_sector(disk_, at, bytes));
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
    pass([&](std::uint64_t at, ByteView bytes) {
      if (std::memcmp(bytes.data() + 3, "NTFS    ", 8) == 0) take(by_boot_sector(disk_, at, bytes));
    });
    pass([&](std::uint64_t at, ByteView bytes) {
      if (record_signature(bytes) != RecordSignature::file) return;
      const std::uint32_t size = le<std::uint32_t>(bytes, 0x1C);
      if (size < sector || size > 65536 || !std::has_single_bit(size)) return;
      // Records that know their number spare the closer look.
      if (le<std::uint16_t>(bytes, 4) >= 0x30 && le<std::uint32_t>(bytes, 0x2C) != 0) return;
      take(by_own_record(disk_, at, size));
    });
    return finish();
  }

 private:
  static std::uint64_t aligned_up(std::uint64_t at) { return at / mib * mib + (at % mib != 0 ? mib : 0); }

  // Nothing more is to be found: there is no room for it, or nobody waits.
  bool stopped() {
    if (cancel_ != nullptr && cancel_->load(std::memory_order_relaxed)) out_.finished = false, full_ = true;
    return full_;
  }

  // Where the volume ends that lies at `at`; `at` when none does.
  std::uint64_t covered_until(std::uint64_t at) const {
    for (const LostVolume& v : out_.volumes)
      if (at >= v.offset && at - v.offset < v.size) return v.offset + v.size;
    for (const Range& r : known_)
      if (at >= r.offset && at - r.offset < r.length) return r.offset + r.length;
    return at;
  }

  void take(std::optional<LostVolume> found) {
    if (!found || covered_until(found->offset) != found->offset) return;
    for (const Range& r : known_)
      if (r.offset > found->offset) found->size = std::min(found->size, r.offset - found->offset);
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
    if (out_.volumes.size() >= most_volumes) {
      out_.finished = false;
      full_ = true;
      return;
    }
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
    }
  }

  // Every sector of data that lies in no volume found so far.
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
        if (searched >= most_searched) return void(out_.finished = false);
        const std::uint64_t length = std::min<std::uint64_t>(mib, end - at) / sector * sector;
        if (length == 0) break;
        unread.clear();
        const auto bytes = std::span(buffer).first(static_cast<std::size_t>(length));
        read_tolerant(disk_, at, bytes, unread);
        searched += length;
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
  const std::atomic<bool>* cancel_;
  bool full_ = false;
  LostSearch out_;
};

}  // namespace

LostSearch find_lost_volumes(const ByteSource& disk, std::uint64_t offset, std::uint64_t length, SearchDepth depth,
                             std::span<const Range> known, const std::atomic<bool>* cancel) {
  Search search(disk, offset, length, known, cancel);
  return depth == SearchDepth::aligned ? search.aligned() : search.all();
}

}  // namespace trimcarve::ntfs
