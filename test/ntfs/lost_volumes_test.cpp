// Volumes whose partition table, boot sectors or first records are gone. The untouched volume of Windows XP (fsstat: clusters, records and
// place of $MFT) vouches for what must be found again; its files are those that the open volume tells from the untouched copy.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>

#include "ntfs/lost_volumes.hpp"
#include "ntfs/mft_search.hpp"
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
  CHECK(found.end == SearchEnd::whole);
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
  CHECK(find_lost_volumes(*source, 0, source->size(), SearchDepth::aligned).volumes.empty());
  for (const LostVolume& v : find_lost_volumes(*source, 0, source->size(), SearchDepth::all).volumes)
    CHECK(v.how == "records of system files");
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

// The same volume; its geometry is the boot sector's (fsstat's).
TEST_CASE("with both boot sectors, $MFT's own record and its mirror gone, records of system files tell where the volume begins") {
  const std::string path = unpacked_data("ntfs-volumes/charlie.dd.bz2");
  if (path.empty()) return;
  const auto untouched = open_volume(make_buffer(read_all(path), nullptr, 0));
  REQUIRE(untouched.has_value());
  Disk disk(path);
  disk.wipe_boot();
  disk.wipe_backup();
  disk.wipe_record_zero();
  disk.wipe_mirror();
  const Volume volume = find_and_open(disk, SearchDepth::all, "records of system files", 64 * disk.geometry.cluster_size);
  CHECK(volume.from_records());
  CHECK(has_note(volume, "geometry_from_records"));
  CHECK(has_note(volume, "mft_rebuilt"));
  std::vector<std::byte> a(volume.record_size()), b(volume.record_size());
  std::size_t same = 0;
  for (std::uint64_t i = 1; i < untouched->record_count(); ++i) {
    REQUIRE(untouched->read_record(i, a).has_value());
    if (record_signature(a) != RecordSignature::file) continue;
    REQUIRE(volume.read_record(i, b).has_value());
    CHECK(a == b);
    ++same;
  }
  CHECK(same >= 32);
  // With one content left where two must agree, nothing is guessed.
  const auto source = make_buffer(disk.bytes, nullptr, 0);
  std::size_t wiped = 0;
  for (const std::u16string_view name : {u"RSTR", u"$STANDARD_INFORMATION"}) {
    for (std::size_t at = mib; at + 512 <= disk.bytes.size(); at += 512) {
      const bool log = name == u"RSTR" && std::memcmp(disk.bytes.data() + at, "RSTR", 4) == 0;
      if (log || std::memcmp(disk.bytes.data() + at, name.data(), name.size() * 2) == 0) disk.bytes[at] ^= std::byte{1}, ++wiped;
    }
  }
  CHECK(wiped >= 2);
  const auto less = make_buffer(disk.bytes, nullptr, 0);
  CHECK(find_lost_volumes(*less, 0, less->size(), SearchDepth::all).volumes.empty());
}

namespace {

// A disk that says of itself that it holds nothing, and how often it was asked.
class Hollow final : public ByteSource {
 public:
  explicit Hollow(std::uint64_t size) : size_(size) {}
  std::uint64_t size() const noexcept override { return size_; }
  Result<void> read_at(std::uint64_t, std::span<std::byte> out) const override {
    ++reads;
    std::ranges::fill(out, std::byte{0});
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    ++asked;
    return {{offset, std::min(length, size_ - offset), ExtentKind::not_present}};
  }
  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }
  mutable std::uint64_t reads = 0, asked = 0;

 private:
  std::uint64_t size_;
};

}  // namespace

TEST_CASE("what is not data costs nothing, however large the disk says it is, and a search can be stopped") {
  const Hollow disk(std::uint64_t{1} << 62);
  for (const SearchDepth depth : {SearchDepth::aligned, SearchDepth::all}) {
    const auto found = find_lost_volumes(disk, 0, disk.size(), depth);
    CHECK(found.end == SearchEnd::whole);
    CHECK(found.volumes.empty());
  }
  CHECK(disk.reads <= 2);
  CHECK(disk.asked < 300);
  const std::atomic<bool> stop = true;
  const std::vector<std::byte> zeros(4 * mib);
  const auto source = make_buffer(zeros, nullptr, 0);
  for (const SearchDepth depth : {SearchDepth::aligned, SearchDepth::all})
    CHECK(find_lost_volumes(*source, 0, source->size(), depth, {}, {.cancel = &stop}).end == SearchEnd::cancelled);
}

TEST_CASE("a volume that lies in a known stretch is not found again, one beside it ends before it, and limits are told") {
  const std::string path = volume_file();
  if (path.empty()) return;
  const Disk disk(path);
  const auto source = make_buffer(disk.bytes, nullptr, 0);
  const std::array known{Range{disk_space, mib, disk.geometry.volume_size + 512}};
  CHECK(find_lost_volumes(*source, 0, source->size(), SearchDepth::all, known).volumes.empty());
  const std::array behind{Range{disk_space, mib + disk.geometry.volume_size, 512}};
  const auto cut = find_lost_volumes(*source, 0, source->size(), SearchDepth::all, behind);
  REQUIRE(cut.volumes.size() == 1);
  CHECK(cut.volumes.front().size == disk.geometry.volume_size);
  // Neither $MFT nor its mirror lies before the known stretch: these are the remains of another layout, not a volume.
  const std::uint64_t first = std::min(disk.geometry.mft_lcn, disk.geometry.mft_mirror_lcn) * disk.geometry.cluster_size;
  const std::array over{Range{disk_space, mib + first, source->size() - mib - first}};
  CHECK(find_lost_volumes(*source, 0, source->size(), SearchDepth::aligned, over).volumes.empty());
  Disk bare(path);
  bare.wipe_boot();
  const auto without = make_buffer(bare.bytes, nullptr, 0);
  const auto limited = find_lost_volumes(*without, 0, without->size(), SearchDepth::all, {}, {.data = 2 * mib});
  CHECK(limited.end == SearchEnd::data);
  CHECK(limited.searched == 2 * mib);
}

// Copies of one boot sector and one file record, a MiB apart.
TEST_CASE("of more volumes than are kept the first are taken, and it is said") {
  const std::string path = volume_file();
  if (path.empty()) return;
  const Disk disk(path);
  std::vector<std::byte> many(258 * mib);
  for (std::size_t i = 0; i < 257; ++i) {
    std::byte* boot = many.data() + i * mib;
    std::copy_n(disk.bytes.begin() + mib, 512, boot);
    const std::uint64_t sectors = 1024, lcn = 16;
    for (int b = 0; b < 8; ++b) {
      boot[0x28 + b] = static_cast<std::byte>(sectors >> 8 * b);
      boot[0x30 + b] = boot[0x38 + b] = static_cast<std::byte>(lcn >> 8 * b);
    }
    std::memcpy(boot + lcn * disk.geometry.cluster_size, "FILE0", 5);
  }
  const auto source = make_buffer(many, nullptr, 0);
  const auto found = find_lost_volumes(*source, 0, source->size(), SearchDepth::aligned);
  CHECK(found.end == SearchEnd::volumes);
  CHECK(found.volumes.size() == 256);
}

TEST_CASE("a record that states a number beyond what the volume can hold does not make $MFT as large") {
  const std::string path = unpacked_data("ntfs-volumes/charlie.dd.bz2");
  if (path.empty()) return;
  Disk disk(path);
  disk.wipe_record_zero();
  disk.wipe_mirror();
  const std::uint64_t cluster = disk.geometry.cluster_size, record = disk.geometry.record_size;
  // Two records on a cluster that holds zeros, as a run of $MFT would begin.
  std::uint64_t lcn = disk.geometry.clusters() - 1;
  const auto at = [&](std::uint64_t n) { return disk.bytes.begin() + static_cast<std::ptrdiff_t>(mib + n * cluster); };
  while (lcn > 0 && !std::ranges::all_of(std::span(at(lcn), at(lcn + 1)), [](std::byte b) { return b == std::byte{0}; })) --lcn;
  const auto one = disk.bytes.begin() + static_cast<std::ptrdiff_t>(mib + disk.geometry.mft_lcn * cluster + 5 * record);
  for (std::uint64_t i = 0; i < 2; ++i) {
    const auto place = at(lcn) + static_cast<std::ptrdiff_t>(i * record);
    std::copy_n(one, record, place);
    const std::uint64_t number = 0xFFFFFFF0U / (cluster / record) * (cluster / record) + i;
    for (int b = 0; b < 4; ++b) place[0x2C + b] = static_cast<std::byte>(number >> 8 * b);
  }
  const Volume volume = find_and_open(disk, SearchDepth::all, "its boot sector");
  CHECK(has_note(volume, "mft_rebuilt"));
  CHECK(volume.record_count() <= disk.geometry.volume_size / record);
  // A volume that could hold so many says nothing for such a number either: $MFT is known to be far smaller.
  Geometry vast = disk.geometry;
  vast.volume_size = std::uint64_t{1} << 46;
  vast.total_sectors = vast.volume_size / 512;
  const auto found = find_mft_runs(*make_view(make_buffer(disk.bytes, nullptr, 0), mib, disk.bytes.size() - mib), vast);
  CHECK(found.left_out == 1);
  REQUIRE_FALSE(found.runs.empty());
  CHECK(found.runs.back().vcn * cluster <= disk.geometry.volume_size);
}
