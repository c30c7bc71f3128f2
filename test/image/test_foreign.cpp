// Images that other tools make: qcow2, VMDK. qemu-img writes them; the raw disk they were made from vouches for every byte.
#include "foreign_support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;

namespace {

bool skip_format(const std::string& tool, bool built, const std::string& library) {
  if (!have_tool(tool)) return true;
  if (!built) std::printf("SKIPPED: built without %s\n", library.c_str());
  return !built;
}

#if TRIMCARVE_VMDK
constexpr bool with_vmdk = true;
#else
constexpr bool with_vmdk = false;
#endif

}  // namespace

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

TEST_CASE("a qcow2 cut at any MiB gives right bytes or none, and is never called complete") {
  if (!have_tool("qemu-img")) return;
  const Workshop w;
  for (const std::string options : {"-O qcow2", "-c -O qcow2", "-O qcow2 -o cluster_size=4096"}) {
    const std::string path = w.convert("disk.q", options);
    const Bytes bytes = read_file(path);
    for (std::size_t cut = mib; cut < bytes.size(); cut += mib) {
      CAPTURE(options);
      CAPTURE(cut);
      write_file(w.folder / "cut.q", ByteView(bytes).first(cut));
      try {
        const auto image = open_image({w.folder / "cut.q"});
        CHECK(sectors_lost(image, w.disk) > 0);
        CHECK_FALSE(image.complete);
      } catch (const RunError& error) {
        CHECK(error.code() == ExitCode::input);
      }
    }
  }
}

// Else one table of a small file would stand for a disk of any size. QEMU's qcow2.txt: each L2 table is allocated for one L1 entry (a
// refcount of one is what makes it writable); qemu-img check calls such an image corrupt.
TEST_CASE("a second table of a qcow2 that two entries name is believed for neither, and it is said") {
  if (!have_tool("qemu-img")) return;
  const Workshop w;
  const std::string path = w.convert("disk.q", "-O qcow2 -o cluster_size=4096");
  Bytes bytes = read_file(path);
  const std::size_t l1 = static_cast<std::size_t>(load<Big<std::uint64_t>>(bytes, 40).value());
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(l1 + 8), 8, bytes.begin() + static_cast<std::ptrdiff_t>(l1 + 16));
  write_file(w.folder / "twice.q", bytes);
  const auto image = open_image({w.folder / "twice.q"});
  CHECK_FALSE(image.complete);
  CHECK(has_warning(image.warnings, "qcow_tables_damaged"));
  CHECK(image.source->extents(2 * mib, 4 * mib) == std::vector<Extent>{{2 * mib, 4 * mib, ExtentKind::unreadable}});
  CHECK(sectors_lost(image, w.disk) == 4 * mib / 512);
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
