// Volumes whose partition table, boot sectors or first records are gone. The untouched volume of Windows XP (fsstat: clusters, records and
// place of $MFT) vouches for what must be found again; its files are those that the open volume tells from the untouched copy.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "ntfs/lost_volumes.hpp"
#include "ntfs/stream.hpp"
#include "ntfs/volume.hpp"
#include "real_data.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::ntfs;

namespace {

constexpr std::uint64_t mib = 1 << 20;

std::vector<std::byte> read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The volume at 1 MiB of a disk without any table, and its copy of the boot sector behind it.
struct Disk {
  std::vector<std::byte> bytes;
  Geometry geometry;

  explicit Disk(const std::string& path) : bytes(mib) {
    auto volume = read_all(path);
    const BootSector boot = decode_boot_sector(volume);
    REQUIRE(boot.kind == BootKind::ntfs);
    geometry = boot.geometry;
    const std::vector<std::byte> copy(volume.begin(), volume.begin() + 512);
    volume.resize(static_cast<std::size_t>(geometry.volume_size));
    bytes.insert(bytes.end(), volume.begin(), volume.end());
    bytes.insert(bytes.end(), copy.begin(), copy.end());
    bytes.resize(bytes.size() + 100 * 512);
  }
  void wipe(std::uint64_t offset, std::uint64_t length) {
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(mib + offset), length, std::byte{0});
  }
  void wipe_boot() { wipe(0, 512); }
  void wipe_backup() { wipe(geometry.volume_size, 512); }
  void wipe_record_zero() { wipe(geometry.mft_lcn * geometry.cluster_size, geometry.record_size); }
  void wipe_mirror() { wipe(geometry.mft_mirror_lcn * geometry.cluster_size, 4 * geometry.record_size); }
};

std::string volume_file() { return unpacked_data("ntfs-volumes/dftt7-undel-ntfs.dd.xz"); }

// The one volume that is found, opened.
Volume find_and_open(const Disk& disk, SearchDepth depth, const std::string& how, std::uint64_t tolerance = 0) {
  const auto source = make_buffer(disk.bytes, nullptr, 0);
  const auto found = find_lost_volumes(*source, 0, source->size(), depth);
  CHECK(found.finished);
  REQUIRE(found.volumes.size() == 1);
  const LostVolume& v = found.volumes.front();
  CHECK(v.offset == mib);
  CHECK(v.how == how);
  CHECK(v.size <= disk.geometry.volume_size + 512 + tolerance);
  CHECK(v.size + 512 >= disk.geometry.volume_size);
  auto volume = open_volume(make_view(source, v.offset, v.size), v.geometry ? &*v.geometry : nullptr);
  REQUIRE(volume.has_value());
  CHECK(volume->cluster_size() == disk.geometry.cluster_size);
  CHECK(volume->record_size() == disk.geometry.record_size);
  CHECK(volume->index_block_size() == disk.geometry.index_block_size);
  return *std::move(volume);
}

// Every record of the untouched volume but those of `lost` reads the same.
void check_records(const Volume& volume, const std::string& path, std::uint64_t lost = 0) {
  const auto untouched = open_volume(make_buffer(read_all(path), nullptr, 0));
  REQUIRE(untouched.has_value());
  REQUIRE(volume.record_count() >= untouched->record_count());
  std::vector<std::byte> a(volume.record_size()), b(volume.record_size());
  for (std::uint64_t i = lost; i < untouched->record_count(); ++i) {
    REQUIRE(untouched->read_record(i, a).has_value());
    REQUIRE(volume.read_record(i, b).has_value());
    CHECK(a == b);
  }
}

bool has_note(const Volume& volume, std::string_view code) {
  return std::ranges::any_of(volume.notes(), [&](const VolumeNote& n) { return n.code == code; });
}

}  // namespace

TEST_CASE("a volume that no table names is found by its boot sector, or by the copy behind it") {
  const std::string path = volume_file();
  if (path.empty()) return;
  Disk disk(path);
  check_records(find_and_open(disk, SearchDepth::aligned, "its boot sector"), path);
  check_records(find_and_open(disk, SearchDepth::all, "its boot sector"), path);
  disk.wipe_boot();
  const Volume volume = find_and_open(disk, SearchDepth::all, "the copy of its boot sector");
  check_records(volume, path);
  CHECK(volume.from_backup_boot());
}

TEST_CASE("without boot sectors the geometry is worked out from $MFT's own record or its mirror, and said to be") {
  const std::string path = volume_file();
  if (path.empty()) return;
  Disk disk(path);
  disk.wipe_boot();
  disk.wipe_backup();
  const std::uint64_t tolerance = 64 * disk.geometry.cluster_size;
  {
    const Volume volume = find_and_open(disk, SearchDepth::all, "$MFT's own record", tolerance);
    check_records(volume, path);
    CHECK(volume.from_records());
    CHECK(has_note(volume, "geometry_from_records"));
  }
  disk.wipe_record_zero();
  const Volume volume = find_and_open(disk, SearchDepth::all, "$MFT's own record", tolerance);
  check_records(volume, path, 1);
  CHECK(volume.from_mft_mirror());
}

TEST_CASE("a boot sector that neither its copy nor a file record proves is no volume") {
  const std::string path = volume_file();
  if (path.empty()) return;
  Disk disk(path);
  disk.wipe_backup();
  disk.wipe_record_zero();
  disk.wipe_mirror();
  const auto source = make_buffer(disk.bytes, nullptr, 0);
  CHECK(find_lost_volumes(*source, 0, source->size(), SearchDepth::all).volumes.empty());
}

// Windows 10's volume: its records state their numbers (Windows XP's own volumes made by older tools need not).
TEST_CASE("with $MFT's own record and its mirror gone, $MFT is rebuilt from the records, and said to be") {
  const std::string path = unpacked_data("ntfs-volumes/charlie.dd.bz2");
  if (path.empty()) return;
  const auto untouched = open_volume(make_buffer(read_all(path), nullptr, 0));
  REQUIRE(untouched.has_value());
  Disk disk(path);
  disk.wipe_record_zero();
  disk.wipe_mirror();
  const Volume volume = find_and_open(disk, SearchDepth::all, "its boot sector");
  CHECK(volume.from_records());
  CHECK(has_note(volume, "mft_rebuilt"));
  std::vector<std::byte> a(volume.record_size()), b(volume.record_size());
  std::size_t same = 0;
  for (std::uint64_t i = 1; i < untouched->record_count(); ++i) {
    REQUIRE(untouched->read_record(i, a).has_value());
    FileRecord record;
    if (record_signature(a) != RecordSignature::file) continue;
    REQUIRE(volume.read_record(i, b).has_value());
    CHECK(a == b);
    ++same;
  }
  CHECK(same >= 32);  // 33 FILE records (data README), one of them wiped
}
