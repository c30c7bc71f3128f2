// qcow2 images, by the image's own tables; compressed clusters by zlib.
//
// Source: QEMU's docs/interop/qcow2.txt. libqcow is not used: it knows neither the zero flag of a cluster nor the features that later
// versions added, and reads beyond its buffer when a compressed cluster is damaged (20201213, found by fuzzing).
#include <zlib.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include "image/foreign.hpp"
#include "image/host_file.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

constexpr std::uint64_t offset_mask = 0x00FFFFFFFFFFFE00;
constexpr std::uint64_t compressed_flag = std::uint64_t{1} << 62, zero_flag = 1;
constexpr std::uint64_t most_l1 = std::uint64_t{4} << 20;  // entries: QEMU's own limit, 32 MiB
constexpr std::uint64_t bad_table = 1;                     // stands for an offset at which no second table can be
constexpr std::size_t cached_tables = 16;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw RunError(ExitCode::input, path, "cannot read this qcow2", why);
}

struct Header {
  std::uint32_t version = 0, cluster_bits = 0, l1_size = 0, snapshots = 0;
  std::uint64_t size = 0, l1_offset = 0, incompatible = 0;
};

Header read_header(const ByteSource& file, const std::string& path) {
  std::array<std::byte, 112> bytes{};
  if (auto read = file.read_at(0, std::span(bytes).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), file.size()))));
      !read)
    refuse(path, read.error().what);
  const auto be32 = [&](std::size_t at) { return load<Big<std::uint32_t>>(bytes, at).value(); };
  const auto be64 = [&](std::size_t at) { return load<Big<std::uint64_t>>(bytes, at).value(); };
  Header h;
  h.version = be32(4);
  if (h.version != 2 && h.version != 3)
    refuse(path, "it is of version " + std::to_string(h.version) + ", not 2 or 3: convert it to a raw image (qemu-img convert)");
  h.cluster_bits = be32(20);
  h.size = be64(24);
  h.l1_size = be32(36);
  h.l1_offset = be64(40);
  h.snapshots = be32(60);
  if (h.version == 3) h.incompatible = be64(72);
  const std::string convert = ": convert it to a raw image (qemu-img convert), which follows it";
  if (be64(8) != 0) refuse(path, "it has a backing file, which holds the rest of the disk" + convert);
  if (be32(32) != 0) refuse(path, "it is encrypted: decrypt it to a raw image (qemu-img convert)");
  if ((h.incompatible & 4U) != 0) refuse(path, "its data lies in another file" + convert);
  if ((h.incompatible & 8U) != 0 && bytes[104] != std::byte{0}) refuse(path, "it is compressed otherwise than with deflate" + convert);
  if ((h.incompatible & ~std::uint64_t{0xB}) != 0) refuse(path, "it uses features that are not known here" + convert);
  if (h.cluster_bits < 9 || h.cluster_bits > 21) refuse(path, "it states clusters of 2^" + std::to_string(h.cluster_bits) + " bytes");
  if (h.size < 512 || h.size > std::uint64_t{1} << 62) refuse(path, "it states a disk of " + std::to_string(h.size) + " bytes");
  return h;
}

class QcowDisk final : public ByteSource {
 public:
  QcowDisk(SourcePtr file, const std::string& path) : file_(std::move(file)), header_(read_header(*file_, path)) {
    cluster_ = std::uint64_t{1} << header_.cluster_bits;
    l2_entries_ = cluster_ / 8;
    const std::uint64_t covered = cluster_ * l2_entries_, needed = header_.size / covered + (header_.size % covered != 0 ? 1 : 0);
    if (needed > header_.l1_size || needed > most_l1) refuse(path, "its first table does not cover the disk it states");
    if (!fits(file_->size(), header_.l1_offset, needed * 8))
      refuse(path, "its first table lies behind the end of the file: it is cut short");
    std::vector<std::byte> bytes(static_cast<std::size_t>(needed * 8));
    if (auto read = file_->read_at(header_.l1_offset, bytes); !read) refuse(path, "its first table: " + read.error().what);
    l1_.resize(static_cast<std::size_t>(needed));
    for (std::size_t i = 0; i < l1_.size(); ++i) l1_[i] = load<Big<std::uint64_t>>(bytes, i * 8).value() & offset_mask;
    refuse_tables();
  }

  // What of the disk cannot be served, joined: damaged tables, and clusters that lie behind the end of a file cut short. At most 64
  // stretches; `lost` counts all bytes. A compressed cluster that reaches over the end is tried: the last one need not be padded to a
  // sector.
  std::vector<Range> damage(std::uint64_t& lost) const {
    constexpr std::size_t most_ranges = 64;
    std::vector<Range> found;
    const auto add = [&](std::uint64_t offset, std::uint64_t length) {
      lost += length;
      if (!found.empty() && found.back().offset + found.back().length == offset)
        found.back().length += length;
      else if (found.size() < most_ranges)
        found.push_back({disk_space, offset, length});
    };
    const std::lock_guard lock(mutex_);
    for (std::uint64_t i = 0; i < l1_.size(); ++i) {
      if (l1_[static_cast<std::size_t>(i)] == 0) continue;
      for (std::uint64_t cluster = i * l2_entries_; cluster < (i + 1) * l2_entries_ && cluster * cluster_ < size(); ++cluster) {
        ExtentKind kind = state(cluster);
        if (kind == ExtentKind::data && over_the_end(cluster)) kind = ExtentKind::unreadable;
        if (kind == ExtentKind::unreadable) add(cluster * cluster_, std::min(cluster_, size() - cluster * cluster_));
      }
    }
    return found;
  }

  const Header& header() const noexcept { return header_; }
  std::uint64_t bad_tables() const noexcept { return bad_tables_; }
  std::uint64_t size() const noexcept override { return header_.size; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size(), offset, out.size())) return fail("past the end of the disk");
    const std::lock_guard lock(mutex_);
    while (!out.empty()) {
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), cluster_ - offset % cluster_));
      const auto piece = out.first(length);
      switch (state(offset / cluster_)) {
        case ExtentKind::unreadable:
          return fail("the table of clusters is damaged, or the file is cut short: at " + std::to_string(offset));
        case ExtentKind::data:
          if (auto read = stored(offset, piece); !read) return read;
          break;
        default: std::ranges::fill(piece, std::byte{0});
      }
      out = out.subspan(length);
      offset += length;
    }
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    if (offset >= size()) return found;
    const std::uint64_t end = offset + std::min(length, size() - offset);
    const std::lock_guard lock(mutex_);
    while (offset < end) {
      // A stretch without a second table is told in one step.
      const std::uint64_t covered = cluster_ * l2_entries_;
      const std::uint64_t l2 = l1_[static_cast<std::size_t>(offset / covered)];
      const std::uint64_t unit = l2 == 0 || l2 == bad_table ? covered : cluster_;
      const std::uint64_t stop = std::min(end, offset - offset % unit + unit);
      add_extent(found, offset, stop - offset, state(offset / cluster_));
      offset = stop;
    }
    return found;
  }

  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }  // make_disk's view answers

 private:
  struct Table {
    std::uint64_t offset = 0;  // 0: empty slot
    bool good = false;
    std::vector<std::byte> bytes;
  };

  // A second table is a whole cluster of the file, and of one entry only: so the work is bounded by the file. Of several entries that name
  // one table none can be believed.
  void refuse_tables() {
    std::vector<std::uint64_t> named = l1_;
    std::ranges::sort(named);
    for (std::uint64_t& offset : l1_) {
      if (offset == 0) continue;
      const auto next = std::ranges::upper_bound(named, offset);
      const bool once = next - named.begin() < 2 || *(next - 2) != offset;
      if (once && offset % cluster_ == 0 && fits(file_->size(), offset, cluster_)) continue;
      offset = bad_table;
      ++bad_tables_;
    }
  }

  const Table& table(std::uint64_t offset) const {
    Table& slot = tables_[static_cast<std::size_t>(offset / cluster_ % tables_.size())];
    if (slot.offset != offset) {
      slot.offset = offset;
      slot.bytes.resize(static_cast<std::size_t>(cluster_));
      slot.good = file_->read_at(offset, slot.bytes).has_value();
    }
    return slot;
  }

  // Where a compressed cluster lies: as many bits of its offset, and of how many further sectors it touches, as the cluster's size leaves.
  struct Packed {
    std::uint64_t offset = 0, length = 0;
  };
  Packed packed(std::uint64_t entry) const {
    const unsigned bits = 62 - (header_.cluster_bits - 8);
    const std::uint64_t offset = entry & ((std::uint64_t{1} << bits) - 1), sectors = (entry & (compressed_flag - 1)) >> bits;
    return {offset, (sectors + 1) * 512 - offset % 512};
  }

  ExtentKind state(std::uint64_t cluster) const {
    const std::uint64_t l2 = l1_[static_cast<std::size_t>(cluster / l2_entries_)];
    if (l2 == 0) return ExtentKind::not_present;
    if (l2 == bad_table) return ExtentKind::unreadable;
    const Table& at = table(l2);
    if (!at.good) return ExtentKind::unreadable;
    const auto entry = load<Big<std::uint64_t>>(at.bytes, cluster % l2_entries_ * 8).value();
    if ((entry & compressed_flag) != 0) return packed(entry).offset < file_->size() ? ExtentKind::data : ExtentKind::unreadable;
    if (header_.version >= 3 && (entry & zero_flag) != 0) return ExtentKind::container_zero;
    const std::uint64_t offset = entry & offset_mask;
    if (offset == 0) return ExtentKind::not_present;
    const std::uint64_t length = std::min(cluster_, header_.size - cluster * cluster_);
    return offset % cluster_ == 0 && fits(file_->size(), offset, length) ? ExtentKind::data : ExtentKind::unreadable;
  }

  bool over_the_end(std::uint64_t cluster) const {
    const auto entry =
        load<Big<std::uint64_t>>(table(l1_[static_cast<std::size_t>(cluster / l2_entries_)]).bytes, cluster % l2_entries_ * 8).value();
    if ((entry & compressed_flag) == 0) return false;
    const Packed at = packed(entry);
    return !fits(file_->size(), at.offset, at.length) && !unpack(at);
  }

  // Bytes within one cluster whose state is data.
  Result<void> stored(std::uint64_t offset, std::span<std::byte> out) const {
    const std::uint64_t cluster = offset / cluster_;
    const auto entry =
        load<Big<std::uint64_t>>(table(l1_[static_cast<std::size_t>(cluster / l2_entries_)]).bytes, cluster % l2_entries_ * 8).value();
    if ((entry & compressed_flag) == 0) return file_->read_at((entry & offset_mask) + offset % cluster_, out);
    if (unpacked_at_ != cluster) {
      unpacked_at_ = ~std::uint64_t{0};
      if (auto done = unpack(packed(entry)); !done) return done;
      unpacked_at_ = cluster;
    }
    std::ranges::copy(std::span(unpacked_).subspan(static_cast<std::size_t>(offset % cluster_), out.size()), out.begin());
    return {};
  }

  Result<void> unpack(Packed at) const {
    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(at.length, file_->size() - at.offset)));
    if (auto read = file_->read_at(at.offset, bytes); !read) return read;
    unpacked_.resize(static_cast<std::size_t>(cluster_));
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return fail("zlib has no memory");
    stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(unpacked_.data());
    stream.avail_out = static_cast<uInt>(unpacked_.size());
    const int result = inflate(&stream, Z_FINISH);
    const bool whole = stream.avail_out == 0 && (result == Z_STREAM_END || result == Z_BUF_ERROR);
    inflateEnd(&stream);
    if (!whole) return fail("the compressed cluster at " + std::to_string(at.offset) + " of the file is damaged");
    return {};
  }

  SourcePtr file_;
  Header header_;
  std::uint64_t cluster_ = 0, l2_entries_ = 0;
  std::vector<std::uint64_t> l1_;  // offsets of the second tables, 0: none, or bad_table
  std::uint64_t bad_tables_ = 0;
  mutable std::mutex mutex_;
  mutable std::array<Table, cached_tables> tables_;
  mutable std::uint64_t unpacked_at_ = ~std::uint64_t{0};  // the cluster held unpacked
  mutable std::vector<std::byte> unpacked_;
};

}  // namespace

Container open_qcow(const SourcePtr& file, const std::string& path) {
  auto disk = std::make_shared<QcowDisk>(file, path);
  Container out;
  out.kind = "qcow2";
  out.file = file;
  if (disk->header().snapshots != 0)
    out.warnings.push_back({"qcow_snapshots",
                            "the image holds " + std::to_string(disk->header().snapshots) +
                                " snapshots, which were not examined: only its present state was (qemu-img convert -l "
                                "takes one out)",
                            {}});
  if ((disk->header().incompatible & 2U) != 0) {
    out.warnings.push_back({"qcow_corrupt", "the image is marked as corrupt by the program that wrote it", {}});
    out.complete = false;
  }
  if (disk->bad_tables() != 0) {
    out.warnings.push_back({"qcow_tables_damaged",
                            std::to_string(disk->bad_tables()) +
                                " entries of the image's first table name no table of the file, or one that another names too: what "
                                "they stand for is unreadable",
                            {}});
    out.complete = false;
  }
  std::uint64_t lost = 0;
  if (auto ranges = disk->damage(lost); lost != 0) {
    out.warnings.push_back({"clusters_unreadable",
                            std::to_string(lost) + " bytes of the disk cannot be read: the file is cut short, or its tables are damaged",
                            std::move(ranges)});
    out.complete = false;
  }
  const std::uint64_t size = disk->size();
  out.disk = make_disk(std::move(disk), size);
  return out;
}

}  // namespace trimcarve::image
