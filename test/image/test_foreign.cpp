// Images that other tools acquire: E01, qcow2, VMDK. ewfacquire and qemu-img write them; the raw disk they were made from vouches for every
// byte.
#include <string>

#include "image/open.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;

namespace {

constexpr std::size_t mib = 1 << 20;

// 8 MiB: zeros, text that compresses, noise that does not, zeros, noise.
Bytes mixed_disk() {
  Bytes disk(8 * mib);
  for (std::size_t i = mib; i < 2 * mib; ++i) disk[i] = static_cast<std::byte>('a' + i / 777 % 26);
  std::ranges::copy(pattern(3 * mib), disk.begin() + 3 * mib);
  std::ranges::copy(pattern(mib / 2, 7), disk.begin() + 7 * mib + 4096 * 3);
  return disk;
}

std::string refusal(const std::string& path) {
  try {
    (void)open_image({path});
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::input);
    return error.what();
  }
  return {};
}

// Every byte, and reads that begin and end anywhere.
void check_bytes(const image::OpenedImage& image, const Bytes& disk) {
  REQUIRE(image.info.size == disk.size());
  std::vector<std::byte> all(disk.size());
  REQUIRE(image.source->read_at(0, all).has_value());
  CHECK(all == disk);
  std::uint32_t state = 5;
  for (int i = 0; i < 200; ++i) {
    state = state * 1664525U + 1013904223U;
    const std::size_t at = state % disk.size(), length = std::min<std::size_t>(state / 7 % 200000, disk.size() - at);
    std::vector<std::byte> part(length);
    REQUIRE(image.source->read_at(at, part).has_value());
    REQUIRE(std::ranges::equal(part, std::span(disk).subspan(at, length)));
  }
  CHECK_FALSE(image.source->read_at(disk.size() - 1, std::span(all).first(2)).has_value());
  std::uint64_t covered = 0;
  for (const Extent& e : image.source->extents(0, disk.size())) {
    CHECK(e.offset == covered);
    covered += e.length;
    if (e.kind == ExtentKind::data) continue;
    CHECK(e.kind != ExtentKind::unreadable);
    CHECK(all_zero(ByteView(disk).subspan(static_cast<std::size_t>(e.offset), static_cast<std::size_t>(e.length))));
  }
  CHECK(covered == disk.size());
  CHECK(image.source->locate(700, 9) == std::vector<Range>{{disk_space, 700, 9}});
}

// Of a damaged copy no byte may be wrong: each sector is right or unreadable. How many are unreadable.
std::size_t sectors_lost(const image::OpenedImage& image, const Bytes& disk) {
  REQUIRE(image.info.size == disk.size());
  std::size_t lost = 0;
  std::vector<std::byte> sector(512);
  for (std::size_t at = 0; at < disk.size(); at += 512) {
    if (!image.source->read_at(at, sector)) {
      ++lost;
      continue;
    }
    INFO(at);
    REQUIRE(std::ranges::equal(sector, std::span(disk).subspan(at, 512)));
  }
  return lost;
}

bool skip_format(const std::string& tool, bool built, const std::string& library) {
  if (!have_tool(tool)) return true;
  if (!built) std::printf("SKIPPED: built without %s\n", library.c_str());
  return !built;
}

#if TRIMCARVE_EWF
constexpr bool with_ewf = true;
#else
constexpr bool with_ewf = false;
#endif
#if TRIMCARVE_VMDK
constexpr bool with_vmdk = true;
#else
constexpr bool with_vmdk = false;
#endif

struct Workshop {
  TemporaryFolder folder;
  Bytes disk = mixed_disk();

  Workshop() { write_file(folder / "disk.raw", disk); }
  std::string acquire(const std::string& name, const std::string& options) const {
    run("ewfacquire -u -q -d sha1 " + options + " -t '" + (folder / name) + "' '" + (folder / "disk.raw") + "' </dev/null");
    return folder / (name + ".E01");
  }
  std::string convert(const std::string& name, const std::string& options) const {
    run("qemu-img convert -f raw " + options + " '" + (folder / "disk.raw") + "' '" + (folder / name) + "'");
    return folder / name;
  }
  // A copy of a file with some bytes changed.
  std::string damaged(const std::string& path, const std::string& name, std::size_t at, unsigned char flip, std::size_t cut = 0) const {
    Bytes bytes = read_file(path);
    if (at < bytes.size()) bytes[at] ^= static_cast<std::byte>(flip);
    bytes.resize(bytes.size() - cut);
    write_file(folder / name, bytes);
    return folder / name;
  }
};

std::size_t find(const Bytes& bytes, ByteView what) {
  const auto at = std::search(bytes.begin(), bytes.end(), what.begin(), what.end());
  REQUIRE(at != bytes.end());
  return static_cast<std::size_t>(at - bytes.begin());
}

}  // namespace

TEST_CASE("an E01 gives the disk that was acquired, whatever its form, name and number of segments") {
  if (skip_format("ewfacquire", with_ewf, "libewf")) return;
  const Workshop w;
  for (const std::string options : {"-f encase6 -c deflate:none -S 2097152", "-f encase7 -c deflate:fast",
                                    "-f encase5 -c deflate:best -b 128", "-f ftk -c deflate:empty-block -b 16", "-f linen6"}) {
    CAPTURE(options);
    const std::string path = w.acquire("a", options);
    const auto image = open_image({path});
    CHECK(image.info.container == "e01");
    CHECK(image.complete);
    CHECK(image.warnings.empty());
    check_bytes(image, w.disk);
    for (const std::string& file : image.info.files) std::filesystem::remove(file);
  }
  // One segment under a name that says nothing.
  std::filesystem::rename(w.acquire("b", "-c deflate:fast"), w.folder / "evidence.bin");
  check_bytes(open_image({w.folder / "evidence.bin"}), w.disk);
}

// ewfinfo prints the hashes that ewfacquire stored.
TEST_CASE("the hashes stored in an E01 are those ewfinfo prints") {
  if (skip_format("ewfacquire", with_ewf, "libewf")) return;
  const Workshop w;
  const std::string path = w.acquire("a", "");
  const std::string told = run("ewfinfo '" + path + "'");
  const std::string hashes = open_image({path}).info.acquisition_hashes;
  REQUIRE(hashes.size() == 4 + 32 + 2 + 6 + 40);
  CHECK(told.find(hashes.substr(4, 32)) != std::string::npos);
  CHECK(told.find(hashes.substr(44)) != std::string::npos);
}

TEST_CASE("a chunk of an E01 whose checksum is wrong is unreadable, not zeros") {
  if (skip_format("ewfacquire", with_ewf, "libewf")) return;
  const Workshop w;
  for (const std::string compression : {"none", "fast"}) {
    CAPTURE(compression);
    const std::string path = w.acquire(compression, "-c deflate:" + compression);
    const std::size_t noise = find(read_file(path), ByteView(w.disk).subspan(4 * mib, 64));
    const auto image = open_image({w.damaged(path, "bad.E01", noise + 20, 0x10)});
    CHECK(image.complete);
    CHECK(sectors_lost(image, w.disk) == 64);
    CHECK(sectors_lost(image, w.disk) == 64);  // nor is it zeros when it is read again
  }
}

TEST_CASE("without its last segments an E01 gives what the others hold, and says which is missing") {
  if (skip_format("ewfacquire", with_ewf, "libewf")) return;
  const Workshop w;
  const std::string path = w.acquire("a", "-c deflate:none -S 2097152");
  REQUIRE(open_image({path}).info.files.size() == 5);
  std::filesystem::remove(w.folder / "a.E05");
  std::filesystem::rename(w.folder / "a.E04", w.folder / "elsewhere");
  const auto image = open_image({path});
  CHECK_FALSE(image.complete);
  REQUIRE(has_warning(image.warnings, "ewf_segment_missing"));
  CHECK(image.warnings[0].text.find("a.E04") != std::string::npos);
  const auto extents = image.source->extents(0, image.info.size);
  REQUIRE(extents.size() == 2);
  CHECK(extents[1].kind == ExtentKind::unreadable);
  const std::size_t lost = sectors_lost(image, w.disk);
  CHECK(lost * 512 >= extents[1].length);
  CHECK(lost * 512 <= extents[1].length + 2 * 32768);

  CHECK(refusal(w.folder / "a.E02").find("segment 2 of an image: give the first") != std::string::npos);
  std::filesystem::rename(w.folder / "a.E03", w.folder / "a.E04");
  std::filesystem::rename(w.folder / "a.E02", w.folder / "a.E03");
  std::filesystem::copy_file(w.folder / "a.E04", w.folder / "a.E02");
  CHECK(refusal(path).find("its name is that of segment 2, but it is segment 3") != std::string::npos);
}

TEST_CASE("a qcow2 gives qemu-img's bytes; clusters never written and clusters of zeros are told apart") {
  if (!have_tool("qemu-img")) return;
  const Workshop w;
  for (const std::string options : {"-O qcow2", "-O qcow2 -o compat=0.10", "-O qcow2 -o cluster_size=4096", "-O qcow2 -o cluster_size=2M",
                                    "-c -O qcow2", "-c -O qcow2 -o cluster_size=4096", "-S 0 -O qcow2"}) {
    CAPTURE(options);
    const std::string path = w.convert("disk.q", options);
    const auto image = open_image({path});
    CHECK(image.info.container == "qcow2");
    CHECK(image.complete);
    CHECK(image.warnings.empty());
    check_bytes(image, w.disk);
  }
  if (!have_tool("qemu-io")) return;
  const std::string path = w.convert("zero.q", "-O qcow2");
  run("qemu-io -f qcow2 -c 'write -z 3M 512k' '" + path + "'");
  Bytes disk = w.disk;
  std::fill_n(disk.begin() + 3 * mib, mib / 2, std::byte{0});
  const auto image = open_image({path});
  check_bytes(image, disk);
  CHECK(image.source->extents(3 * mib, mib / 2) == std::vector<Extent>{{3 * mib, mib / 2, ExtentKind::container_zero}});
  CHECK(image.source->extents(0, mib / 2) == std::vector<Extent>{{0, mib / 2, ExtentKind::not_present}});
}

TEST_CASE("what is not read of a qcow2 is refused, with a way out") {
  if (!have_tool("qemu-img")) return;
  const Workshop w;
  const std::string base = w.convert("base.q", "-O qcow2");
  run("qemu-img create -q -f qcow2 -b '" + base + "' -F qcow2 '" + (w.folder / "child.q") + "'");
  CHECK(refusal(w.folder / "child.q").find("backing file") != std::string::npos);
  run("qemu-img create -q -f qcow2 -o data_file='" + (w.folder / "data") + "' '" + (w.folder / "external.q") + "' 1M");
  CHECK(refusal(w.folder / "external.q").find("another file") != std::string::npos);
  CHECK(refusal(w.convert("zstd.q", "-c -O qcow2 -o compression_type=zstd")).find("otherwise than with deflate") != std::string::npos);
  CHECK(refusal(w.convert("ext.q", "-O qcow2 -o extended_l2=on")).find("features that are not known") != std::string::npos);
  CHECK(refusal(w.damaged(base, "aes.q", 35, 1)).find("encrypted") != std::string::npos);
  run("qemu-img snapshot -c before '" + base + "'");
  CHECK(has_warning(open_image({base}).warnings, "qcow_snapshots"));
  check_bytes(open_image({base}), w.disk);
}

TEST_CASE("a qcow2 that was cut short or whose table is damaged gives no wrong byte") {
  if (!have_tool("qemu-img")) return;
  const Workshop w;
  for (const std::string options : {"-O qcow2", "-c -O qcow2"}) {
    CAPTURE(options);
    const std::string path = w.convert("disk.q", options);
    CHECK(sectors_lost(open_image({w.damaged(path, "cut.q", 0, 0, mib)}), w.disk) >= mib / 512);
  }
  // The entry of the noise's first cluster, with its offset moved far behind the file's end.
  const std::string path = w.convert("disk.q", "-O qcow2");
  const Bytes bytes = read_file(path);
  const std::size_t l1 = static_cast<std::size_t>(load<Big<std::uint64_t>>(bytes, 40).value());
  const std::size_t l2 = static_cast<std::size_t>(load<Big<std::uint64_t>>(bytes, l1).value() & 0x00FFFFFFFFFFFE00);
  const auto image = open_image({w.damaged(path, "moved.q", l2 + 8 * (4 * mib / 65536) + 2, 0x40)});
  CHECK(sectors_lost(image, w.disk) == 128);
  CHECK(image.source->extents(4 * mib, 65536) == std::vector<Extent>{{4 * mib, 65536, ExtentKind::unreadable}});
}

TEST_CASE("a VMDK of any form that qemu-img writes gives its bytes") {
  if (skip_format("qemu-img", with_vmdk, "libvmdk")) return;
  const Workshop w;
  for (const auto& [form, kind] : {std::pair<std::string, std::string>{"monolithicSparse", "vmdk monolithic sparse"},
                                   {"streamOptimized", "vmdk stream optimized"},
                                   {"twoGbMaxExtentSparse", "vmdk split sparse"},
                                   {"twoGbMaxExtentFlat", "vmdk split flat"},
                                   {"monolithicFlat", "vmdk monolithic flat"}}) {
    CAPTURE(form);
    const std::string path = w.convert(form + ".bin", "-O vmdk -o subformat=" + form);
    const auto image = open_image({path});
    CHECK(image.info.container == kind);
    CHECK(image.complete);
    CHECK(image.warnings.empty());
    check_bytes(image, w.disk);
    if (form.ends_with("Sparse") || form == "streamOptimized")
      CHECK(image.source->extents(0, mib / 2) == std::vector<Extent>{{0, mib / 2, ExtentKind::not_present}});
  }
  // An image that holds its own descriptor may be renamed.
  std::filesystem::rename(w.folder / "monolithicSparse.bin", w.folder / "renamed");
  check_bytes(open_image({w.folder / "renamed"}), w.disk);
}

TEST_CASE("a VMDK larger than 2 GiB is joined from its extents") {
  if (skip_format("qemu-img", with_vmdk, "libvmdk")) return;
  const TemporaryFolder folder;
  const std::uint64_t size = std::uint64_t{3} << 30;
  {
    const std::string raw = folder / "disk.raw";
    write_file(raw, pattern(mib));
    std::filesystem::resize_file(raw, size);
    {
      std::fstream file(raw, std::ios::in | std::ios::out | std::ios::binary);
      const Bytes bytes = pattern(3 * mib, 9);
      file.seekp(static_cast<std::streamoff>((std::uint64_t{2} << 30) - mib));
      file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    run("qemu-img convert -f raw -O vmdk -o subformat=twoGbMaxExtentSparse '" + raw + "' '" + (folder / "d.vmdk") + "'");
    const auto image = open_image({folder / "d.vmdk"});
    CHECK(image.info.files.size() == 3);
    CHECK(image.info.size == size);
    CHECK(first_difference(*image.source, *image::open_host_file(raw, 0), size) == size);
  }
}

TEST_CASE("a VMDK that depends on others, or misses one, is refused by name; a cut one gives no wrong byte") {
  if (skip_format("qemu-img", with_vmdk, "libvmdk")) return;
  const Workshop w;
  const std::string base = w.convert("base.vmdk", "-O vmdk");
  run("qemu-img create -q -f vmdk -b '" + base + "' -F vmdk '" + (w.folder / "child.vmdk") + "'");
  CHECK(refusal(w.folder / "child.vmdk").find("snapshot") != std::string::npos);
  const std::string split = w.convert("split.vmdk", "-O vmdk -o subformat=twoGbMaxExtentSparse");
  CHECK(refusal(w.folder / "split-s001.vmdk").find("give the descriptor") != std::string::npos);
  std::filesystem::rename(w.folder / "split-s001.vmdk", w.folder / "away");
  CHECK(refusal(split).find("split-s001.vmdk") != std::string::npos);

  CHECK(sectors_lost(open_image({w.damaged(base, "cut.vmdk", 0, 0, mib)}), w.disk) >= mib / 512);
  CHECK(sectors_lost(open_image({w.damaged(w.convert("s.vmdk", "-O vmdk -o subformat=streamOptimized"), "cuts.vmdk", 0, 0, mib)}),
                     w.disk) >= mib / 512);
  const std::string flat = w.convert("flat.vmdk", "-O vmdk -o subformat=monolithicFlat");
  std::filesystem::resize_file(w.folder / "flat-flat.vmdk", 5 * mib);
  const auto image = open_image({flat});
  CHECK_FALSE(image.complete);
  CHECK(sectors_lost(image, w.disk) == 3 * mib / 512);
}
