// Images that others made on real systems, against qemu-img and libvhdi. What vouches for each fact stands at its test.
#include <string>

#include "image/libvhdi_reader.hpp"
#include "image/open.hpp"
#include "image/partitions.hpp"
#include "libvhdi_chain.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;

namespace {

// Our disk byte for byte against what qemu-img converts the image to.
void check_against_qemu(const std::string& path, const std::string& format, std::uint64_t size) {
  if (!have_tool("qemu-img")) return;
  const TemporaryFolder folder;
  run("qemu-img convert -f " + format + " -O raw '" + path + "' '" + (folder / "disk.raw") + "'");
  const auto disk = open_image({path});
  const auto raw = image::open_host_file(folder / "disk.raw", 0);
  CHECK(disk.info.size >= size);
  CHECK(raw->size() == size);
  CHECK(first_difference(*disk.source, *raw, size) == size);
}

// Our disk byte for byte against libvhdi.
void check_against_libvhdi(const std::string& path) {
  const auto disk = open_image({path});
  const auto other = image::LibvhdiReader::open(image::open_host_file(path, 1));
  REQUIRE(other.has_value());
  CHECK(other->size() == disk.info.size);
  std::vector<std::byte> ours(1 << 16), theirs(1 << 16);
  for (std::uint64_t at = 0; at + ours.size() <= disk.info.size; at += ours.size()) {
    REQUIRE(disk.source->read_at(at, ours).has_value());
    REQUIRE(other->read_at(at, theirs).has_value());
    REQUIRE(ours == theirs);
  }
}

// 4 MiB disks of Windows 10's diskpart: one MBR partition, NTFS at sector 128 (data README).
void check_windows10(const std::string& item, const std::string& kind, const std::string& format) {
  const std::string path = unpacked_data("vhd-windows10/" + item);
  if (path.empty()) return;
  CAPTURE(path);
  const auto disk = open_image({path});
  CHECK(disk.complete);
  CHECK(disk.warnings.empty());
  CHECK(disk.info.container == kind);
  CHECK(disk.info.size == 4 << 20);
  CHECK(disk.sector_size == 512);
  const auto table = image::read_partitions(*disk.source, disk.sector_size);
  REQUIRE(table.partitions.size() == 1);
  CHECK(table.complete);
  CHECK(table.partitions[0].offset == 128 * 512);
  CHECK(table.partitions[0].type == "0x07");
  std::array<std::byte, 8> name;
  REQUIRE(disk.source->read_at(table.partitions[0].offset + 3, name).has_value());
  CHECK(std::memcmp(name.data(), "NTFS    ", 8) == 0);
  check_against_libvhdi(path);
  check_against_qemu(path, format, 4 << 20);
}

}  // namespace

TEST_CASE("Windows 10's fixed VHD gives the bytes that qemu-img and libvhdi give") {
  check_windows10("ntfs-fixed.vhd.xz", "vhd fixed", "vpc");
  check_windows10("ntfs-parent.vhd.xz", "vhd fixed", "vpc");
}
TEST_CASE("Windows 10's dynamic VHD gives the bytes that qemu-img and libvhdi give") {
  check_windows10("ntfs-dynamic.vhd.xz", "vhd dynamic", "vpc");
}
TEST_CASE("Windows 10's fixed VHDX gives the bytes that qemu-img and libvhdi give") {
  check_windows10("ntfs-fixed.vhdx.xz", "vhdx fixed", "vhdx");
  check_windows10("ntfs-parent.vhdx.xz", "vhdx fixed", "vhdx");
}
TEST_CASE("Windows 10's dynamic VHDX gives the bytes that qemu-img and libvhdi give") {
  check_windows10("ntfs-dynamic.vhdx.xz", "vhdx dynamic", "vhdx");
}

// vhdiinfo prints these identifiers for the same files.
TEST_CASE("the identifier of an image is the one vhdiinfo prints") {
  const std::string vhd = unpacked_data("vhd-windows10/ntfs-fixed.vhd.xz"), vhdx = unpacked_data("vhd-windows10/ntfs-dynamic.vhdx.xz");
  if (vhd.empty() || vhdx.empty()) return;
  CHECK(open_image({vhd}).info.identifier == "be061b15-28ce-014a-8fc6-ecc139a451c1");
  CHECK(open_image({vhdx}).info.identifier == "b87a16be-01fa-444d-bb2e-6f7d84832202");
}

// Linux guests on Hyper-V with real ZERO and NOT_PRESENT blocks; qemu-img convert vouches for the bytes, the data README for 50 ZERO blocks
// in xfs5.
TEST_CASE("zero and absent blocks of a Hyper-V VHDX are told apart, and all bytes are qemu-img's") {
  const std::string xfs5 = unpacked_data("vhd-other/xfs5.vhdx.gz"), swap = unpacked_data("vhd-other/swap.vhdx.gz");
  if (xfs5.empty() || swap.empty()) return;
  constexpr std::uint64_t ten_gib = std::uint64_t{10} << 30;
  check_against_qemu(xfs5, "vhdx", ten_gib);
  check_against_qemu(swap, "vhdx", ten_gib);
  const auto disk = open_image({xfs5});
  CHECK(disk.warnings.empty());
  std::uint64_t zero = 0, hole = 0, covered = 0;
  for (const Extent& e : disk.source->extents(0, disk.info.size)) {
    if (e.kind == ExtentKind::container_zero) zero += e.length;
    if (e.kind == ExtentKind::not_present) hole += e.length;
    CHECK(e.offset == covered);
    covered += e.length;
  }
  CHECK(covered == ten_gib);
  CHECK(zero == 50 * (std::uint64_t{32} << 20));
  CHECK(hole > 0);
}

// qemu-img info and convert.
TEST_CASE("a VHDX of Hyper-V with ZERO blocks and one of Disk2vhd give qemu-img's bytes") {
  for (const auto& [item, size] :
       {std::pair<std::string, std::uint64_t>{"iotest-dynamic-1G.vhdx.bz2", 1073741824}, {"test-disk2vhd.vhdx.bz2", 268435456}}) {
    const std::string path = unpacked_data("vhd-other/" + item);
    if (path.empty()) return;
    CAPTURE(path);
    check_against_qemu(path, "vhdx", size);
  }
}

// qemu-img gives the first two the size of the footer; to Virtual PC's it gives the size of the geometry, 2,080,768 bytes less, where
// vhdiinfo gives the footer's. The larger is taken: nothing of the disk is left out.
TEST_CASE("the size of a dynamic VHD is its footer's, whoever wrote it") {
  for (const auto& [item, footer, qemu] :
       {std::tuple<std::string, std::uint64_t, std::uint64_t>{"d2v-zerofilled.vhd.bz2", 263454720, 263454720},
        {"hyperv2012r2-dynamic.vhd.bz2", 136365211648, 136365211648},
        {"virtualpc-dynamic.vhd.bz2", 136365211648, 136363130880}}) {
    const std::string path = unpacked_data("vhd-other/" + item);
    if (path.empty()) return;
    CAPTURE(path);
    CHECK(open_image({path}).info.size == footer);
    check_against_qemu(path, "vpc", qemu);
  }
}

TEST_CASE("a VHD none of whose blocks was ever written is one hole") {
  const std::string path = unpacked_data("vhd-other/hyperv2012r2-dynamic.vhd.bz2");
  if (path.empty()) return;
  const auto disk = open_image({path});
  CHECK(disk.source->extents(0, disk.info.size) == std::vector<Extent>{{0, 136365211648, ExtentKind::not_present}});
}

// Windows 10 made the pair; its locator says C:\Projects\dfvfs\test_data\ntfs-parent.vhd. libvhdi reads it with its parent, and is right
// where the bits of each bitmap byte agree, as they do here; the data README names the files, fls finds them in our bytes.
TEST_CASE("Windows 10's differencing VHD gives the bytes that libvhdi gives with its parent") {
  const std::string child = unpacked_data("vhd-windows10/ntfs-differential.vhd.xz"),
                    parent = unpacked_data("vhd-windows10/ntfs-parent.vhd.xz");
  if (child.empty() || parent.empty()) return;
  const TemporaryFolder folder;
  std::filesystem::create_symlink(child, folder / "ntfs-differential.vhd");
  try {
    (void)open_image({folder / "ntfs-differential.vhd"});
    FAIL("it was opened without its parent");
  } catch (const RunError& error) {
    CHECK(std::string(error.what()).find("its parent is missing: ntfs-parent.vhd (e7ea9200-8493-954e-a816-9572339be931)") !=
          std::string::npos);
  }
  std::filesystem::create_symlink(parent, folder / "NTFS-Parent.vhd");
  const auto disk = open_image({folder / "ntfs-differential.vhd"});
  CHECK(disk.complete);
  CHECK(disk.warnings.empty());
  CHECK(disk.info.parents == std::vector<std::string>{folder / "NTFS-Parent.vhd"});
  LibvhdiChain other(child, parent);
  const Bytes theirs = other.read(0, 4 << 20);
  Bytes ours(4 << 20);
  REQUIRE(disk.source->read_at(0, ours).has_value());
  CHECK((ours == theirs));
  if (!have_tool("fls")) return;
  write_file(folder / "disk.raw", ours);
  const std::string listing = run("fls -r -p -o 128 '" + (folder / "disk.raw") + "'");
  for (const char* name : {"a_directory/a_file", "a_directory/another_file", "passwords.txt"})
    CHECK(listing.find(name) != std::string::npos);
}

// mmls ends the partition at sector 6143; here the file's last half is cut off.
TEST_CASE("a fixed VHD cut short is read as raw, with a warning, and is not complete") {
  const std::string path = unpacked_data("vhd-windows10/ntfs-fixed.vhd.xz");
  if (path.empty()) return;
  const TemporaryFolder folder;
  auto bytes = read_file(path);
  bytes.resize(2 << 20);
  write_file(folder / "cut.vhd", bytes);
  const auto disk = open_image({folder / "cut.vhd"});
  CHECK(disk.info.container == "raw");
  CHECK_FALSE(disk.complete);
  CHECK(has_warning(disk.warnings, "vhd_footer_missing"));
  CHECK(disk.info.size == 2 << 20);
  const auto table = image::read_partitions(*disk.source);
  CHECK_FALSE(table.complete);
  CHECK(has_warning(table.warnings, "disk_cut_short"));
  // The partition is there, as large as its table says; a view of it knows what is missing.
  REQUIRE(table.partitions.size() == 1);
  const auto volume = make_view(disk.source, table.partitions[0].offset, table.partitions[0].size);
  CHECK(volume->extents(0, volume->size()).back().kind == ExtentKind::unreadable);
}

TEST_CASE("a whole fixed VHD under another name is known by its content") {
  const std::string path = unpacked_data("vhd-windows10/ntfs-fixed.vhd.xz");
  if (path.empty()) return;
  const TemporaryFolder folder;
  std::filesystem::create_symlink(path, folder / "disk.dd");
  CHECK(open_image({folder / "disk.dd"}).info.container == "vhd fixed");
}

// mmls lists NTFS at sector 63 of this disk; its MBR has the type of a Windows dynamic disk.
TEST_CASE("a Windows dynamic disk has its volume where mmls finds it") {
  const std::string path = unpacked_data("ntfs-volumes/usnjrnl-ldm-disk.raw.xz");
  if (path.empty()) return;
  const auto disk = open_image({path});
  const auto table = image::read_partitions(*disk.source);
  REQUIRE(table.partitions.size() == 1);
  CHECK(table.partitions[0].offset == 63 * 512);
  CHECK(table.partitions[0].type == "0x42");
}

// fsstat reads this file as an NTFS volume from its first byte.
TEST_CASE("a bare volume is one partition without a scheme") {
  const std::string path = unpacked_data("ntfs-volumes/dftt7-undel-ntfs.dd.xz");
  if (path.empty()) return;
  const auto disk = open_image({path});
  const auto table = image::read_partitions(*disk.source);
  CHECK(table.scheme == image::Scheme::none);
  REQUIRE(table.partitions.size() == 1);
  CHECK(table.partitions[0].type_name == "NTFS");
  CHECK(table.partitions[0].offset == 0);
  CHECK(table.partitions[0].size == disk.info.size);
  CHECK(table.complete);
}
