#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "ntfs/mft_search.hpp"
#include "ntfs/volume_opener.hpp"

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t volume_entry = 3, bitmap_entry = 6, up_case_entry = 10;
constexpr std::size_t up_case_size = 131072;

BootSector read_boot(const ByteSource& source, std::uint64_t offset) {
  std::vector<std::byte> bytes(boot_sector_size);
  if (auto read = source.read_at(offset, bytes); !read) return {BootKind::other, {}, "it cannot be read: " + read.error().what};
  return decode_boot_sector(bytes);
}

// The backup lies in the sector behind the volume: the partition's last one as a rule, earlier where the partition is larger (a dynamic
// disk's database, an image with more behind it). It proves itself: the volume it describes ends where it lies.
std::optional<BootSector> find_backup(const ByteSource& partition) {
  constexpr std::uint64_t searched = 8U << 20, sector = 512;
  const std::uint64_t end = partition.size() / sector * sector, begin = end - std::min(end, searched);
  std::vector<std::byte> bytes(static_cast<std::size_t>(end - begin));
  std::vector<Unread> unread;
  read_tolerant(partition, begin, bytes, unread);
  for (std::uint64_t offset = end; offset > begin && offset > sector;) {
    offset -= sector;
    const ByteView at = ByteView(bytes).subspan(static_cast<std::size_t>(offset - begin), boot_sector_size);
    if (std::memcmp(at.data() + 3, "NTFS    ", 8) != 0) continue;
    BootSector boot = decode_boot_sector(at);
    if (boot.kind == BootKind::ntfs && boot.geometry.volume_size == offset) return boot;
  }
  return std::nullopt;
}

}  // namespace

// Fills a Volume step by step; each step needs what the steps before it found.
struct VolumeOpener {
  Volume volume;

  void note(std::string code, std::string text) { volume.notes_.push_back({std::move(code), std::move(text)}); }

  Result<void> find_mft() {
    const Geometry& g = volume.geometry_;
    std::string why;
    if (use_record_zero(g.mft_lcn, false, why)) return {};
    std::string mirror_why;
    if (use_record_zero(g.mft_mirror_lcn, true, mirror_why)) {
      volume.from_mft_mirror_ = true;
      note("mft_record_0_bad", "the first record of $MFT is not usable (" + why + "); $MFT was found by its mirror");
      return {};
    }
    if (auto [runs, left_out, finished] = find_mft_runs(*volume.partition_, g); !runs.empty()) {
      std::uint64_t clusters = 0;
      for (const RunFact& run : runs) clusters = std::max(clusters, run.vcn + run.clusters);
      const std::uint64_t size = clusters * g.cluster_size;  // cannot wrap: no record counts beyond the volume's size
      note("mft_rebuilt", "neither $MFT's own record (" + why + ") nor its mirror (" + mirror_why + ") is usable; $MFT was rebuilt from " +
                              std::to_string(runs.size()) + " stretches of file records, and may lack others" +
                              (left_out == 0 ? "" : "; " + std::to_string(left_out) + " numbered far beyond these were left out") +
                              (finished ? "" : "; the search for them ended early, after 256 GiB of data or 4096 stretches"));
      volume.mft_ = make_stream(volume.partition_, std::move(runs), g.cluster_size, size, size);
      volume.from_records_ = true;
      if (volume.record_count() != 0) return {};
    }
    return fail("$MFT cannot be found: its first record: " + why + "; its mirror: " + mirror_why);
  }

  // Record 0 at `lcn`: its unnamed $DATA is $MFT. Where that is in more pieces than one record lists, each round finds more of them, as
  // extension records lie in pieces that are known by then.
  bool use_record_zero(std::uint64_t lcn, bool mirror, std::string& why) {
    const Geometry& g = volume.geometry_;
    std::vector<std::byte> buffer(g.record_size);
    if (lcn >= g.clusters()) return why = "it lies beyond the volume", false;
    if (auto read = volume.partition_->read_at(lcn * g.cluster_size, buffer); !read) return why = read.error().what, false;
    const FixUp fix = apply_fix_up(buffer);
    if (record_signature(buffer) != RecordSignature::file) return why = "it has no FILE signature", false;
    // Until $MFT is known, nothing but record 0 can be read.
    volume.mft_ = make_buffer({}, nullptr, 0);
    std::uint64_t pieces = 0;
    for (int round = 0; round < 64; ++round) {
      auto stream = detail::join_stream(volume, 0, buffer, fix, attribute_type::data, u"");
      if (!stream) return why = stream.error().what, false;
      if (stream->resident || stream->runs.empty()) return why = "its $DATA has no runs", false;
      const bool grown = stream->runs.size() > pieces;
      pieces = stream->runs.size();
      // What lies behind the valid size may still hold old records: read it as stored.
      if (grown) volume.mft_ = make_stream(volume.partition_, stream->runs, g.cluster_size, stream->size, stream->size);
      if (stream->complete || !grown) {
        if (!stream->complete) note("mft_incomplete", "not every piece of $MFT is known; records in the missing ones cannot be read");
        break;
      }
    }
    if (volume.record_count() == 0) return why = "its $DATA is shorter than a record", false;
    if (fix.torn(static_cast<std::uint32_t>(buffer.size()))) note("mft_record_0_torn", "a fix-up of $MFT's own record does not match");
    if (mirror) {
      volume.mirror_record_ = std::move(buffer);
      volume.mirror_fix_ = fix;
    }
    return true;
  }

  void read_bitmap() {
    const Geometry& g = volume.geometry_;
    const auto stream = volume.open_stream(bitmap_entry, attribute_type::data, u"");
    if (!stream) return note("bitmap_missing", "$Bitmap cannot be read: " + stream.error().what + "; allocation is not known");
    // Neither the volume's stated size nor the stream's is to be trusted with memory: the source must be that large too.
    const std::uint64_t clusters = std::min(g.clusters(), volume.partition_->size() / g.cluster_size + 1);
    const std::uint64_t size = std::min(stream->bytes->size(), clusters / 8 + 1);
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    std::vector<Unread> unread;
    if (!read_tolerant(*stream->bytes, 0, bytes, unread)) note("bitmap_damaged", "parts of $Bitmap cannot be read");
    volume.bitmap_ = ClusterBitmap(std::move(bytes), g.clusters(), std::move(unread));
  }

  void read_up_case() {
    const auto stream = volume.open_stream(up_case_entry, attribute_type::data, u"");
    if (stream && stream->size == up_case_size) {
      std::vector<std::byte> bytes(up_case_size);
      if (stream->bytes->read_at(0, bytes))
        if (auto table = UpCase::decode(bytes)) {
          volume.up_case_ = *std::move(table);
          return;
        }
    }
    note("up_case_missing", "$UpCase cannot be read; names are compared with a built-in table");
  }

  void read_label() {
    std::vector<std::byte> buffer(volume.record_size());
    const auto fix = volume.read_record(volume_entry, buffer);
    FileRecord record;
    if (!fix || !FileRecord::decode(buffer, *fix, record)) return;
    AttributeWalk walk(record);
    for (Attribute a; walk.next(a);) {
      if (a.torn || a.faults != 0) continue;
      if (a.type == attribute_type::volume_name) volume.label_ = Units(a.value).str();
      if (a.type == attribute_type::volume_information && a.value.size() >= 12) {
        volume.major_version_ = std::to_integer<std::uint8_t>(a.value[8]);
        volume.minor_version_ = std::to_integer<std::uint8_t>(a.value[9]);
      }
    }
  }
};

Probe probe_partition(const ByteSource& partition) {
  Probe probe{read_boot(partition, 0), false};
  if (probe.boot.kind != BootKind::other) return probe;
  if (auto backup = find_backup(partition)) {
    backup->why = probe.boot.why;  // what is wrong with the first
    return {*std::move(backup), true};
  }
  return probe;
}

Result<Volume> open_volume(SourcePtr partition, const Geometry* geometry) {
  Probe probe = probe_partition(*partition);
  const bool worked_out = probe.boot.kind != BootKind::ntfs && geometry != nullptr;
  if (worked_out) probe = {{BootKind::ntfs, *geometry, std::move(probe.boot.why)}, false};
  if (probe.boot.kind != BootKind::ntfs) return fail(std::move(probe.boot.why));
  VolumeOpener opener{.volume = Volume()};
  opener.volume.geometry_ = probe.boot.geometry;
  opener.volume.partition_ = std::move(partition);
  opener.volume.from_backup_boot_ = probe.backup;
  if (probe.backup) opener.note("boot_sector_bad", "the boot sector is bad (" + probe.boot.why + "); its backup was used");
  if (worked_out) {
    opener.volume.from_records_ = true;
    opener.note("geometry_from_records", "the boot sector is bad (" + probe.boot.why +
                                             ") and has no copy; where the volume begins and how large a cluster is was worked out from "
                                             "file records, its size from $Bitmap");
  }
  if (opener.volume.geometry_.volume_size > opener.volume.partition_->size())
    opener.note("volume_larger_than_partition", std::string(worked_out ? "$Bitmap" : "the boot sector") +
                                                    " states a larger volume than the partition holds; the rest is unreadable");
  if (auto found = opener.find_mft(); !found) return std::unexpected(found.error());
  opener.read_bitmap();
  opener.read_up_case();
  opener.read_label();
  return std::move(opener.volume);
}

namespace {

// The allocated size that a record states, 0 when it cannot be one.
std::uint32_t stated_record_size(const ByteSource& mft, std::uint64_t offset) {
  std::vector<std::byte> bytes(48);
  if (!mft.read_at(offset, bytes) || record_signature(bytes) == RecordSignature::none) return 0;
  const std::uint32_t size = le<std::uint32_t>(bytes, 0x1C);
  return size >= 512 && size <= max_record_size && std::has_single_bit(size) ? size : 0;
}

}  // namespace

Result<Volume> open_mft_artefact(SourcePtr mft, const SourcePtr& boot) {
  VolumeOpener opener{.volume = Volume()};
  Volume& volume = opener.volume;
  if (boot) {
    const BootSector sector = read_boot(*boot, 0);
    if (sector.kind != BootKind::ntfs) return fail("the boot file: " + sector.why);
    volume.geometry_ = sector.geometry;
  } else {
    // The first record, or where it is damaged one of the next: those of a volume are all of one size.
    for (std::uint64_t offset = 0; volume.geometry_.record_size == 0 && offset < 16 * max_record_size; offset += 512)
      volume.geometry_.record_size = stated_record_size(*mft, offset);
    if (volume.geometry_.record_size == 0) return fail("no file record at its start: not a $MFT");
  }
  volume.mft_ = std::move(mft);
  if (volume.record_count() == 0) return fail("shorter than a file record");
  opener.read_label();
  return std::move(opener.volume);
}

}  // namespace trimcarve::ntfs
