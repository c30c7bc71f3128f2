// What is opened, what is refused and with which words, split images, holes, unreadable bytes.
#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "container_builder.hpp"
#include "image/open.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;

namespace {

std::string refusal(const std::vector<std::string>& paths) {
  try {
    (void)open_image(paths);
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::input);
    return error.what();
  }
  return {};
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("what cannot be an image is refused with its reason") {
  const TemporaryFolder folder;
  CHECK(mentions(refusal({folder / "none.dd"}), "none.dd: cannot open: no such file"));
  CHECK(mentions(refusal({folder / ""}), "it is a directory"));
  write_file(folder / "empty.dd", {});
  CHECK(mentions(refusal({folder / "empty.dd"}), "the file is empty"));
  write_file(folder / "tiny.dd", pattern(511));
  CHECK(mentions(refusal({folder / "tiny.dd"}), "shorter than one sector"));
  CHECK(mentions(refusal({"/dev/null"}), "a pipe or a device without a size"));
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(mentions(refusal({folder / "pipe"}), "a pipe or a device without a size"));
}

TEST_CASE("a file without read permission is refused") {
  if (::geteuid() == 0) {
    std::printf("SKIPPED: root may read every file\n");
    return;
  }
  const TemporaryFolder folder;
  write_file(folder / "closed.dd", pattern(512));
  REQUIRE(::chmod((folder / "closed.dd").c_str(), 0) == 0);
  CHECK(mentions(refusal({folder / "closed.dd"}), "Permission denied"));
}

// The signatures are those of the formats' own documents (libewf, QEMU's qcow2.txt, RFC 1952, .xz specification).
TEST_CASE("a container that is known but not read is refused, not taken as raw") {
  const TemporaryFolder folder;
  for (const auto& [signature, what] : {std::pair<std::string, std::string>{std::string("EVF\x09\x0d\x0a\xff\x00", 8), "EnCase"},
                                        {"QFI\xfb", "qcow2"},
                                        {"KDMV", "VMDK"},
                                        {"\x1f\x8b\x08", "gzip"},
                                        {std::string("\xfd\x37zXZ\x00", 6), "xz"}}) {
    Bytes bytes(4096);
    put_text(bytes, 0, signature);
    write_file(folder / "image", bytes);
    CHECK(mentions(refusal({folder / "image"}), what));
  }
}

TEST_CASE("a disk of a size that none has is refused") {
  const TemporaryFolder folder;
  Bytes file(1 << 20);
  const Bytes footer = vhd_footer(2, std::uint64_t{1} << 62);
  file.insert(file.end(), footer.begin(), footer.end());
  write_file(folder / "d.vhd", file);
  CHECK(refusal({folder / "d.vhd"}).find("more than 1024 TiB") != std::string::npos);
}

TEST_CASE("any other bytes are a raw disk, located in the disk space") {
  const TemporaryFolder folder;
  const auto bytes = pattern(10000);
  write_file(folder / "disk.dd", bytes);
  const auto disk = open_image({folder / "disk.dd"});
  CHECK(disk.complete);
  CHECK(disk.warnings.empty());
  CHECK(disk.info.container == "raw");
  CHECK(disk.info.size == 10000);
  CHECK(disk.info.files == std::vector<std::string>{folder / "disk.dd"});
  CHECK(disk.source->locate(100, 50) == std::vector<Range>{{disk_space, 100, 50}});
  Bytes got(1000);
  REQUIRE(disk.source->read_at(9000, got).has_value());
  CHECK(std::equal(got.begin(), got.end(), bytes.begin() + 9000));
  CHECK_FALSE(disk.source->read_at(9001, got).has_value());
}

TEST_CASE("an artefact is located in its own file space") {
  const TemporaryFolder folder;
  write_file(folder / "mft", pattern(100));
  const auto file = image::open_file(folder / "mft", 3);
  CHECK(file.info.container == "file");
  CHECK(file.source->locate(10, 20) == std::vector<Range>{{file_space(3), 10, 20}});
  CHECK_THROWS_AS(image::open_file(folder / "gone", 0), RunError);
}

TEST_CASE("holes of a sparse raw file are holes, and data between them is found") {
  const TemporaryFolder folder;
  const std::string path = folder / "sparse.dd";
  write_file(path, pattern(4096));
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(8 << 20);
    file.write("data", 4);
  }
  std::filesystem::resize_file(path, std::uint64_t{1} << 40);  // 1 TiB that costs nothing
  const auto disk = open_image({path});
  const auto extents = disk.source->extents(0, disk.info.size);
  if (extents.size() == 1) {
    std::printf("SKIPPED: the temporary folder's file system does not report holes\n");
    return;
  }
  REQUIRE(extents.size() == 4);
  CHECK(extents[0].kind == ExtentKind::data);
  CHECK(extents[1].kind == ExtentKind::hole);
  CHECK(extents[2].kind == ExtentKind::data);
  CHECK(extents[2].offset == 8 << 20);
  CHECK(extents[3].kind == ExtentKind::hole);
  CHECK(extents[3].offset + extents[3].length == disk.info.size);
  // A question about a part is answered for that part only.
  CHECK(disk.source->extents(1 << 20, 4096) == std::vector<Extent>{{1 << 20, 4096, ExtentKind::hole}});
}

TEST_CASE("bytes that a file lost after it was opened are unreadable, not zero") {
  const TemporaryFolder folder;
  write_file(folder / "disk.dd", pattern(8192));
  const auto disk = open_image({folder / "disk.dd"});
  std::filesystem::resize_file(folder / "disk.dd", 4096);
  Bytes got(8192);
  CHECK_FALSE(disk.source->read_at(0, got).has_value());
  std::vector<Unread> unread;
  CHECK_FALSE(read_tolerant(*disk.source, 0, got, unread));
  REQUIRE(unread.size() == 1);
  CHECK(unread[0].offset == 4096);
  CHECK(unread[0].length == 4096);
}

TEST_CASE("the first part of a split image finds the others") {
  const TemporaryFolder folder;
  const auto bytes = pattern(5000);
  for (const auto& [first, second, third] : {std::tuple<std::string, std::string, std::string>{"n.001", "n.002", "n.003"},
                                             {"z.000", "z.001", "z.002"},
                                             {"a.aa", "a.ab", "a.ac"}}) {
    write_file(folder / first, ByteView(bytes).first(2000));
    write_file(folder / second, ByteView(bytes).subspan(2000, 2000));
    write_file(folder / third, ByteView(bytes).subspan(4000));
    const auto disk = open_image({folder / first});
    CHECK(disk.info.container == "split raw");
    CHECK(disk.info.files == std::vector<std::string>{folder / first, folder / second, folder / third});
    CHECK(disk.complete);
    Bytes got(5000);
    REQUIRE(disk.source->read_at(0, got).has_value());
    CHECK(got == bytes);
    got.resize(10);
    REQUIRE(disk.source->read_at(3995, got).has_value());
    CHECK(std::equal(got.begin(), got.end(), bytes.begin() + 3995));
    CHECK(disk.source->locate(1990, 20) == std::vector<Range>{{disk_space, 1990, 20}});
    CHECK(disk.source->extents(0, 5000).size() == 1);
  }
}

TEST_CASE("parts are put in the order of their numbers, beyond three digits too") {
  const TemporaryFolder folder;
  std::vector<std::string> paths;
  for (int i = 1; i <= 1001; ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "d.%03d", i);
    Bytes part(512);
    put_le(part, 0, static_cast<std::uint64_t>(i), 4);
    write_file(folder / name, part);
  }
  const auto disk = open_image({folder / "d.001"});
  CHECK(disk.info.files.size() == 1001);
  Bytes got(4);
  REQUIRE(disk.source->read_at(1000 * 512, got).has_value());
  CHECK(le<std::uint32_t>(got, 0) == 1001);

  const auto given = open_image({folder / "d.003", folder / "d.001", folder / "d.002"});
  CHECK(given.info.files == std::vector<std::string>{folder / "d.001", folder / "d.002", folder / "d.003"});
  CHECK_FALSE(given.complete);  // d.004 is there but was not given
  CHECK(has_warning(given.warnings, "split_part_left_out"));
}

TEST_CASE("a part that is missing in the middle is an error that names it") {
  const TemporaryFolder folder;
  for (const char* name : {"d.001", "d.002", "d.004", "e.aa", "e.ac"}) write_file(folder / name, pattern(512));
  CHECK(mentions(refusal({folder / "d.001"}), "d.003: cannot open the split image: this part is missing"));
  CHECK(mentions(refusal({folder / "d.001", folder / "d.002", folder / "d.004"}), "d.003: "));
  CHECK(mentions(refusal({folder / "d.002", folder / "d.004"}), "d.001: "));
  CHECK(mentions(refusal({folder / "e.aa"}), "e.ab: "));
  CHECK(mentions(refusal({folder / "d.002"}), "give " + (folder / "d.001")));
  CHECK(mentions(refusal({folder / "d.001", folder / "d.001"}), "given twice"));
}

TEST_CASE("an ending that numbers nothing is no part") {
  const TemporaryFolder folder;
  for (const char* name : {"disk.dd", "disk.de", "one.001"}) write_file(folder / name, pattern(512));
  CHECK(open_image({folder / "disk.dd"}).info.container == "raw");
  CHECK(open_image({folder / "one.001"}).info.container == "raw");
}

TEST_CASE("many threads read one disk and each gets its own bytes") {
  const TemporaryFolder folder;
  const auto bytes = pattern(1 << 20);
  write_file(folder / "disk.dd", bytes);
  const auto disk = open_image({folder / "disk.dd"});
  std::array<int, 4> wrong{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t)
      threads.emplace_back([&, t] {
        Bytes got(777);
        for (std::size_t at = t * 13; at + got.size() < bytes.size(); at += 4001)
          if (!disk.source->read_at(at, got) || !std::equal(got.begin(), got.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at)))
            ++wrong[t];
      });
  }
  CHECK(wrong == std::array<int, 4>{});
}
