// An NTFS volume: finds $MFT and the streams everything else is read from. Or what stands for it when only artefacts are at hand.
//
// A Volume is immutable once opened and its functions are thread-safe. It keeps its sources alive.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ntfs/boot_sector.hpp"
#include "ntfs/cluster_bitmap.hpp"
#include "ntfs/file_record.hpp"
#include "ntfs/up_case.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/file_id.hpp"
#include "trimcarve/result.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::ntfs {

// One stream of a file, joined from all its extents.
struct FileStream {
  SourcePtr bytes;  // its content; decompressed when compressed, as stored when encrypted
  bool resident = false, compressed = false, encrypted = false, sparse = false;
  bool complete = true;       // false: an extent is missing, torn or cut; its bytes are unreadable in `bytes`
  std::vector<RunFact> runs;  // of all extents, in VCN order
  std::uint64_t allocated_size = 0, size = 0, valid_size = 0;
  std::uint8_t compression_unit_log2 = 0;
};

// What is worth a warning in the report. `code` is stable, lower_snake_case.
struct VolumeNote {
  std::string code, text;
};

class Volume {
 public:
  // An artefact volume has no partition, and geometry only as far as it is known (cluster_size 0: unknown).
  const Geometry& geometry() const noexcept { return geometry_; }
  std::uint32_t cluster_size() const noexcept { return geometry_.cluster_size; }
  std::uint32_t record_size() const noexcept { return geometry_.record_size; }
  std::uint32_t index_block_size() const noexcept { return geometry_.index_block_size; }
  std::uint64_t clusters() const noexcept { return geometry_.clusters(); }  // 0: not known
  const SourcePtr& partition() const noexcept { return partition_; }        // null for artefacts
  const SourcePtr& mft() const noexcept { return mft_; }                    // $MFT's $DATA; record n lies at n * record_size()
  std::uint64_t record_count() const noexcept { return mft_->size() / geometry_.record_size; }
  bool from_artefact() const noexcept { return partition_ == nullptr; }
  bool from_backup_boot() const noexcept { return from_backup_boot_; }  // the boot sector was bad, its copy was used
  bool from_mft_mirror() const noexcept { return from_mft_mirror_; }    // record 0 was bad, $MFTMirr's was used
  bool from_records() const noexcept { return from_records_; }          // $MFT or the geometry was worked out from file records
  const ClusterBitmap& bitmap() const noexcept { return bitmap_; }      // knows nothing when $Bitmap could not be read
  const UpCase& up_case() const noexcept { return up_case_; }
  const std::u16string& label() const noexcept { return label_; }
  std::uint8_t major_version() const noexcept { return major_version_; }  // 0: not known
  std::uint8_t minor_version() const noexcept { return minor_version_; }
  const std::vector<VolumeNote>& notes() const noexcept { return notes_; }

  // Reads record `entry` into `buffer` (record_size() bytes) and applies its fix-ups. Sectors that cannot be read are zero and in the
  // result's `bad` and `unchecked`. Fails when the entry lies beyond $MFT or nothing of it can be read.
  Result<FixUp> read_record(std::uint64_t entry, std::span<std::byte> buffer) const;

  // The stream (type, name) of the file whose base record is `entry`, in use or not: its extents from the base record and, through the
  // attribute list, from extension records that still name it as their base. Fails when there is none. Names are compared exactly.
  Result<FileStream> open_stream(std::uint64_t entry, std::uint32_t type, std::u16string_view name) const;

  // The live entry of that name (compared with the volume's up-case table) in the directory `entry`, by walking its index. Nothing when it
  // is not there or the index cannot be read that far.
  std::optional<FileReference> find_in_directory(std::uint64_t entry, std::u16string_view name) const;

  // The change journal by \$Extend's index; nothing when it is not found there (the caller may know it from its pass over $MFT).
  std::optional<FileReference> find_usn_journal() const;

 private:
  friend Result<Volume> open_volume(SourcePtr partition, const Geometry* geometry);
  friend Result<Volume> open_mft_artefact(SourcePtr mft, const SourcePtr& boot);
  friend struct VolumeOpener;
  Volume() = default;

  Geometry geometry_;
  SourcePtr partition_, mft_;
  bool from_backup_boot_ = false, from_mft_mirror_ = false, from_records_ = false;
  ClusterBitmap bitmap_;
  UpCase up_case_;
  std::u16string label_;
  std::uint8_t major_version_ = 0, minor_version_ = 0;
  std::vector<VolumeNote> notes_;
  std::vector<std::byte> mirror_record_;  // record 0 after fix-ups, when it was taken from $MFTMirr
  FixUp mirror_fix_;
};

// Fails when neither boot sector is NTFS's (the text says why) or $MFT cannot be found. A BitLocker volume fails too: ask
// probe_partition() first to tell them apart. `geometry`: worked out from records (lost_volumes.hpp), when there is no boot sector; else
// null.
Result<Volume> open_volume(SourcePtr partition, const Geometry* geometry = nullptr);

// What the boot sector of a partition is; when the first is neither NTFS's nor BitLocker's and a backup is found (in the partition's last
// 8 MiB, where the volume it describes ends), that one, with `backup` set.
struct Probe {
  BootSector boot;
  bool backup = false;
};
Probe probe_partition(const ByteSource& partition);

// A bare $MFT file. The record size is the first record's allocated size (boot's when given); the cluster size is `boot`'s, else unknown
// (0). `boot`: a $Boot file, may be null.
Result<Volume> open_mft_artefact(SourcePtr mft, const SourcePtr& boot);

}  // namespace trimcarve::ntfs
