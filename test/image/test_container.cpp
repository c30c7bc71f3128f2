// VHD and VHDX: which bytes each block state gives, and which of two copies of a structure is used.
//
// What vouches: the format documents (Microsoft's VHD specification 1.0, [MS-VHDX]); where qemu-img can read the file, its bytes too.
#include "container_builder.hpp"
#include "image/crc.hpp"
#include "image/libvhdi_reader.hpp"
#include "image/open.hpp"
#include "image/vhd.hpp"
#include "image/vhdx.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;

namespace {

constexpr std::uint64_t mib = 1 << 20;

image::OpenedImage opened(const TemporaryFolder& folder, const std::string& name, const Bytes& bytes) {
  write_file(folder / name, bytes);
  return open_image({folder / name});
}

std::string refusal(const TemporaryFolder& folder, const Bytes& bytes) {
  try {
    (void)opened(folder, "refused", bytes);
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::input);
    return error.what();
  }
  return {};
}

Bytes read(const ByteSource& disk, std::uint64_t offset, std::size_t size) {
  Bytes out(size);
  REQUIRE(disk.read_at(offset, out).has_value());
  return out;
}

void check_qemu_agrees(const TemporaryFolder& folder, const std::string& name, const std::string& format, const ByteSource& disk) {
  if (!have_tool("qemu-img")) return;
  run("qemu-img convert -f " + format + " -O raw '" + (folder / name) + "' '" + (folder / "qemu.raw") + "'");
  const auto raw = image::open_host_file(folder / "qemu.raw", 0);
  CHECK(raw->size() == disk.size());
  CHECK(first_difference(disk, *raw, disk.size()) == disk.size());
}

}  // namespace

// The check values of both CRCs in the catalogue of parametrised CRC algorithms: CRC-32/ISO-HDLC and CRC-32/ISCSI of "123456789".
TEST_CASE("both CRCs give their published check values") {
  const std::string text = "123456789";
  CHECK(image::crc32(std::as_bytes(std::span(text))) == 0xCBF43926U);
  CHECK(image::crc32c(std::as_bytes(std::span(text))) == 0xE3069283U);
}

TEST_CASE("a dynamic VHD serves stored blocks and calls absent ones not present") {
  const TemporaryFolder folder;
  const Bytes first = pattern(2 * mib, 1), third = pattern(mib, 3);
  const auto disk = opened(folder, "d.vhd", dynamic_vhd(5 * mib, {first, {}, third}));
  CHECK(disk.warnings.empty());
  CHECK(disk.complete);
  CHECK(disk.info.container == "vhd dynamic");
  CHECK(disk.info.identifier == "30313233-3435-3637-3839-616263646566");
  CHECK(disk.info.size == 5 * mib);
  CHECK(read(*disk.source, 0, 2 * mib) == first);
  CHECK(read(*disk.source, 4 * mib, mib) == third);
  CHECK(read(*disk.source, 2 * mib, 2 * mib) == Bytes(2 * mib));
  CHECK(disk.source->locate(mib, 3 * mib) == std::vector<Range>{{disk_space, mib, 3 * mib}});
  std::uint64_t hole = 0;
  for (const Extent& e : disk.source->extents(0, disk.info.size))
    if (e.kind == ExtentKind::not_present && e.offset >= 2 * mib && e.offset < 4 * mib) hole += e.length;
  CHECK(hole == 2 * mib);
  check_qemu_agrees(folder, "d.vhd", "vpc", *disk.source);
}

// VHD specification, "Block Allocation Table and Data Blocks": a clear bit is a sector never written. libvhdi reads it so, and is compared
// when the image is opened; qemu-img does not look at the bitmap.
TEST_CASE("a sector whose bit is clear in a dynamic VHD's block was never written: it is not present, and its stored bytes are not shown") {
  const TemporaryFolder folder;
  const Bytes block = pattern(2 * mib, 1);
  Bytes file = dynamic_vhd(3 * mib, {block, block});
  file[vhd_table_offset + 512] = std::byte{0x0F};  // the bitmap's first byte: sectors 0 to 3 clear
  const auto disk = opened(folder, "bits.vhd", file);
  REQUIRE(disk.warnings.size() == 1);
  CHECK(disk.warnings[0].code == "sectors_hidden");
  CHECK(disk.warnings[0].text.starts_with("4 sectors hold bytes"));
  CHECK(disk.warnings[0].ranges == std::vector<Range>{{file_space(0), vhd_table_offset + 1024, 2048}});
  REQUIRE(disk.info.blocks.has_value());
  CHECK(disk.info.blocks->partially_present == 1);
  CHECK(disk.info.blocks->present == 1);
  Bytes expected = block;
  std::fill_n(expected.begin(), 2048, std::byte{0});
  CHECK(read(*disk.source, 0, 2 * mib) == expected);
  CHECK(read(*disk.source, 2047, 2) == Bytes{std::byte{0}, block[2048]});
  CHECK(read(*disk.source, 2 * mib, mib) == Bytes(block.begin(), block.begin() + mib));
  const auto extents = disk.source->extents(100, 4000);
  REQUIRE(extents.size() == 2);
  CHECK(extents[0] == Extent{100, 1948, ExtentKind::not_present, true});
  CHECK(extents[1] == Extent{2048, 2052, ExtentKind::data, true});
}

TEST_CASE("a dynamic VHD that lost its footer is opened by the copy at its start") {
  const TemporaryFolder folder;
  const Bytes block = pattern(2 * mib, 1);
  Bytes file = dynamic_vhd(4 * mib, {block, {}});
  file.resize(file.size() - 512);
  const auto disk = opened(folder, "d.vhd", file);
  CHECK(read(*disk.source, 0, 2 * mib) == block);
  CHECK(has_warning(disk.warnings, "vhd_footer_missing"));
  CHECK(has_warning(disk.warnings, "libvhdi_refuses"));
  CHECK(disk.complete);  // all blocks are there

  file.resize(file.size() - mib);  // now half of a block is gone
  const auto cut = opened(folder, "cut.vhd", file);
  CHECK_FALSE(cut.complete);
  CHECK(has_warning(cut.warnings, "blocks_unreadable"));
  CHECK(read(*cut.source, 0, 4096) == Bytes(block.begin(), block.begin() + 4096));
  Bytes out(4096);
  CHECK_FALSE(cut.source->read_at(2 * mib - 4096, out).has_value());
  CHECK(cut.source->extents(2 * mib - 4096, 4096) == std::vector<Extent>{{2 * mib - 4096, 4096, ExtentKind::unreadable}});
}

TEST_CASE("of two footers the one with a good checksum is used") {
  const TemporaryFolder folder;
  Bytes file = dynamic_vhd(4 * mib, {pattern(2 * mib, 1), {}});
  put_be(file, file.size() - 512 + 48, 3 * mib, 8);  // the one at the end is damaged: a wrong size, a wrong sum
  CHECK(opened(folder, "d.vhd", file).info.size == 4 * mib);
  put_be(file, 48, 2 * mib, 8);  // both are damaged: the one at the end, with a warning
  const auto disk = opened(folder, "e.vhd", file);
  CHECK(disk.info.size == 3 * mib);
  CHECK(has_warning(disk.warnings, "vhd_footer_checksum"));
}

// The image is made so that libvhdi, which looks at no checksum, follows the damaged footer at the end to another block table.
TEST_CASE("bytes that libvhdi reads otherwise are a warning with their place") {
  const TemporaryFolder folder;
  const Bytes first = pattern(2 * mib, 1), second = pattern(2 * mib, 2);
  Bytes file = dynamic_vhd(4 * mib, {first, second});
  const std::size_t footer = file.size() - 512;
  file.insert(file.begin() + static_cast<std::ptrdiff_t>(footer), 2048, std::byte{0});
  std::copy_n(file.begin() + 512, 1536, file.begin() + static_cast<std::ptrdiff_t>(footer));  // header and table once more
  put_be(file, footer + 16, footer + 1024, 8);
  for (std::size_t i = 0; i < 4; ++i) std::swap(file[footer + 1024 + i], file[footer + 1028 + i]);  // with the blocks changed about
  put_be(file, footer + 2048 + 16, footer, 8);
  const auto disk = opened(folder, "d.vhd", file);
  CHECK(read(*disk.source, 0, 2 * mib) == first);
  CHECK(read(*disk.source, 2 * mib, 2 * mib) == second);
  const auto warning = std::ranges::find(disk.warnings, "libvhdi_disagrees", &Warning::code);
  REQUIRE(warning != disk.warnings.end());
  CHECK(warning->ranges == std::vector<Range>{{disk_space, 0, 4096}});
}

TEST_CASE("a fixed VHD is its file without the footer") {
  const TemporaryFolder folder;
  const Bytes payload = pattern(mib, 5);
  Bytes file = payload;
  const Bytes footer = vhd_footer(2, mib);
  file.insert(file.end(), footer.begin(), footer.end());
  const auto disk = opened(folder, "f.img", file);
  CHECK(disk.warnings.empty());
  CHECK(disk.info.container == "vhd fixed");
  CHECK(read(*disk.source, 0, mib) == payload);
  Bytes out(512);
  CHECK_FALSE(disk.source->read_at(mib, out).has_value());
  CHECK(disk.source->locate(512, 10) == std::vector<Range>{{disk_space, 512, 10}});
}

TEST_CASE("what a fixed VHD's footer promises beyond its file is unreadable, and its footer is never taken for disk") {
  const TemporaryFolder folder;
  Bytes file = pattern(mib, 5);
  const Bytes footer = vhd_footer(2, 2 * mib);
  file.insert(file.end(), footer.begin(), footer.end());
  const auto disk = opened(folder, "f.vhd", file);
  CHECK_FALSE(disk.complete);
  CHECK(has_warning(disk.warnings, "vhd_size_differs"));
  CHECK(disk.info.size == 2 * mib);
  CHECK(disk.source->extents(mib, mib) == std::vector<Extent>{{mib, mib, ExtentKind::unreadable}});
  Bytes out(512);
  CHECK_FALSE(disk.source->read_at(mib, out).has_value());
  CHECK(disk.source->read_at(mib - 512, out).has_value());
}

TEST_CASE("a split VHD is opened as what its parts are together") {
  const TemporaryFolder folder;
  const Bytes block = pattern(2 * mib, 1);
  const Bytes file = dynamic_vhd(2 * mib, {block});
  write_file(folder / "d.vhd.001", ByteView(file).first(mib));
  write_file(folder / "d.vhd.002", ByteView(file).subspan(mib));
  const auto disk = open_image({folder / "d.vhd.001"});
  CHECK(disk.info.container == "split vhd dynamic");
  CHECK(read(*disk.source, 0, 2 * mib) == block);
  CHECK(disk.warnings.empty());
}

TEST_CASE("each block state of a VHDX gives its kind of extent, and only stored blocks give bytes") {
  const TemporaryFolder folder;
  VhdxShape shape;
  shape.entries = {present(vhdx_payload), 0, 1, 2, 3, 5, present(vhdx_payload + mib), 0};
  Bytes file = vhdx(shape);
  const Bytes payload = pattern(2 * mib, 9);
  file.insert(file.end(), payload.begin(), payload.end());
  const auto disk = opened(folder, "d.vhdx", file);
  CHECK(disk.complete);
  CHECK(disk.info.container == "vhdx dynamic");
  CHECK(disk.info.identifier == "11111111-2222-3333-4444-555555555555");
  CHECK(disk.source->extents(0, 8 * mib) == std::vector<Extent>{{0, mib, ExtentKind::data},
                                                                {mib, mib, ExtentKind::not_present},
                                                                {2 * mib, mib, ExtentKind::undefined},
                                                                {3 * mib, mib, ExtentKind::container_zero},
                                                                {4 * mib, 2 * mib, ExtentKind::unmapped},
                                                                {6 * mib, mib, ExtentKind::data},
                                                                {7 * mib, mib, ExtentKind::not_present}});
  CHECK(read(*disk.source, 0, mib) == Bytes(payload.begin(), payload.begin() + mib));
  CHECK(read(*disk.source, 6 * mib, mib) == Bytes(payload.begin() + mib, payload.end()));
  CHECK(read(*disk.source, mib, 5 * mib) == Bytes(5 * mib));
  REQUIRE(disk.info.blocks.has_value());
  const BlockCounts& blocks = *disk.info.blocks;
  CHECK(blocks.block_size == mib);
  CHECK(blocks.total == 8);
  CHECK(blocks.present == 2);
  CHECK(blocks.not_present == 2);
  CHECK(blocks.undefined == 1);
  CHECK(blocks.zero == 1);
  CHECK(blocks.unmapped == 2);
  CHECK(blocks.unreadable == 0);
}

TEST_CASE("a VHDX with sectors of 4096 bytes says so and its table is counted accordingly") {
  const TemporaryFolder folder;
  VhdxShape shape;
  shape.sector_size = 4096;
  shape.entries = {0, present(vhdx_payload)};
  Bytes file = vhdx(shape);
  const Bytes payload = pattern(mib, 9);
  file.insert(file.end(), payload.begin(), payload.end());
  const auto disk = opened(folder, "d.vhdx", file);
  CHECK(disk.warnings.empty());
  CHECK(disk.sector_size == 4096);
  CHECK(read(*disk.source, mib, mib) == payload);
}

// [MS-VHDX] 2.5: a sector bitmap entry after each 2^23 * sector size / block size payload entries; here after 4096. qemu-img agrees.
TEST_CASE("sector bitmap entries between the payload entries of a VHDX are passed over") {
  const TemporaryFolder folder;
  VhdxShape shape;
  shape.size = 4098 * mib;
  shape.entries.assign(4099, 0);
  shape.entries[4095] = present(vhdx_payload);
  shape.entries[4097] = present(vhdx_payload + mib);  // payload block 4096
  Bytes file = vhdx(shape);
  const Bytes payload = pattern(2 * mib, 9);
  file.insert(file.end(), payload.begin(), payload.end());
  file.resize(8 * mib);
  const auto disk = opened(folder, "d.vhdx", file);
  CHECK(disk.warnings.empty());
  CHECK(read(*disk.source, 4095 * mib, 2 * mib) == payload);
  check_qemu_agrees(folder, "d.vhdx", "vhdx", *disk.source);
}

TEST_CASE("with one damaged header or region table a VHDX is opened by the other, with a warning") {
  const TemporaryFolder folder;
  VhdxShape shape;
  shape.entries = {present(vhdx_payload)};
  Bytes good = vhdx(shape);
  const Bytes payload = pattern(mib, 9);
  good.insert(good.end(), payload.begin(), payload.end());
  for (const auto& [at, code] : {std::pair<std::size_t, const char*>{65536 + 8, "vhdx_header_damaged"},
                                 {131072 + 8, "vhdx_header_damaged"},
                                 {196608 + 40, "vhdx_region_table_damaged"},
                                 {262144 + 40, "vhdx_region_table_damaged"}}) {
    Bytes file = good;
    file[at] ^= std::byte{0x10};
    const auto disk = opened(folder, "d.vhdx", file);
    CHECK(has_warning(disk.warnings, code));
    CHECK(read(*disk.source, 0, mib) == payload);
  }
  // With no good checksum left the structure is used all the same, said so, and the result is not complete.
  Bytes file = good;
  file[65536 + 8] ^= std::byte{1};
  file[131072 + 8] ^= std::byte{1};
  file[196608 + 4] ^= std::byte{1};
  file[262144 + 4] ^= std::byte{1};
  const auto disk = opened(folder, "d.vhdx", file);
  CHECK_FALSE(disk.complete);
  CHECK(has_warning(disk.warnings, "vhdx_header_damaged_used"));
  CHECK(has_warning(disk.warnings, "vhdx_region_table_damaged_used"));
  CHECK(read(*disk.source, 0, mib) == payload);
  std::vector<std::string> states;
  for (const StructureCheck& check : disk.info.checks) states.push_back(check.structure + ": " + check.state);
  CHECK(states == std::vector<std::string>{"header 1: checksum wrong", "header 2: checksum wrong", "region table 1: checksum wrong",
                                           "region table 2: checksum wrong"});
  put_text(file, 65536, "dead");
  put_text(file, 131072, "dead");
  CHECK(refusal(folder, file).find("both of its headers are damaged") != std::string::npos);
}

TEST_CASE("the header with the greater sequence number decides whether a log is pending") {
  const TemporaryFolder folder;
  VhdxShape shape;
  shape.entries = {present(vhdx_payload)};
  Bytes file = vhdx(shape);
  file.resize(vhdx_payload + mib);
  put_vhdx_header(file, 64 << 10, 5, true);
  CHECK(opened(folder, "d.vhdx", file).complete);
  put_vhdx_header(file, 64 << 10, 8, true);
  CHECK(refusal(folder, file).find("its log is pending") != std::string::npos);
}

// The first of the five images that libvhdi reads wrong: it takes the sector bitmap's entry, one in each 4 GiB, for a block. qemu-img
// vouches.
TEST_CASE("a fixed VHDX larger than 4 GiB is read right past the first entry of a sector bitmap") {
  const TemporaryFolder folder;
  VhdxShape shape;
  shape.flags = 1;
  shape.block_size = 256 << 20;
  shape.size = 5120 * mib;
  // 20 blocks of 256 MiB, sparse, with a pattern at the start of each; the bitmap's entry is the 17th.
  for (std::uint64_t i = 0; i < 20; ++i) {
    if (i == 16) shape.entries.push_back(0);
    shape.entries.push_back(present(8 * mib + i * (256 << 20)));
  }
  write_file(folder / "five.vhdx", vhdx(shape));
  std::filesystem::resize_file(folder / "five.vhdx", 8 * mib + 20 * (std::uint64_t{256} << 20));
  {
    std::fstream file(folder / "five.vhdx", std::ios::binary | std::ios::in | std::ios::out);
    for (std::uint64_t i = 0; i < 20; ++i) {
      const Bytes bytes = pattern(4096, static_cast<std::uint32_t>(i));
      file.seekp(static_cast<std::streamoff>(8 * mib + i * (256 << 20)));
      file.write(reinterpret_cast<const char*>(bytes.data()), 4096);
    }
  }
  const auto disk = open_image({folder / "five.vhdx"});
  CHECK(disk.complete);
  CHECK(disk.info.container == "vhdx fixed");
  CHECK(disk.warnings.empty());
  for (std::uint64_t i = 0; i < 20; ++i) CHECK(read(*disk.source, i * (256 << 20), 4096) == pattern(4096, static_cast<std::uint32_t>(i)));
  check_qemu_agrees(folder, "five.vhdx", "vhdx", *disk.source);
}

// A copy may leave holes in the container's own file: that is the copier's doing, and no word of the container.
TEST_CASE("a hole of the file inside a stored block is not the container's word that nothing is stored") {
  const TemporaryFolder folder;
  VhdxShape shape;
  shape.entries = {present(4 * mib), 0};
  write_file(folder / "sparse.vhdx", vhdx(shape));
  std::filesystem::resize_file(folder / "sparse.vhdx", 5 * mib);
  const auto disk = open_image({folder / "sparse.vhdx"});
  const auto extents = disk.source->extents(0, 2 * mib);
  if (extents.front().kind == ExtentKind::data) {
    std::printf("SKIPPED: the temporary folder's file system does not report holes\n");
    return;
  }
  CHECK(extents == std::vector<Extent>{{0, mib, ExtentKind::hole}, {mib, mib, ExtentKind::not_present}});
}

TEST_CASE("what no structure and no live block covers in the file is named, in the file's own space") {
  const TemporaryFolder folder;
  VhdxShape shape;
  shape.entries = {present(8 * mib), 2, present(11 * mib)};
  Bytes file = vhdx(shape);
  file.resize(8 * mib);
  const Bytes payload = pattern(6 * mib, 9);
  file.insert(file.end(), payload.begin(), payload.end());
  write_file(folder / "d.vhdx", file);
  const std::vector<Range> expected{{file_space(0), 3 * mib, 3 * mib},
                                    {file_space(0), 7 * mib, mib},
                                    {file_space(0), 9 * mib, 2 * mib},
                                    {file_space(0), 12 * mib, 2 * mib}};
  const auto disk = open_image({folder / "d.vhdx"});
  CHECK(disk.unreferenced == expected);
  // Of these, those that hold more than filler are told.
  REQUIRE(has_warning(disk.warnings, "file_space_unreferenced"));
  CHECK(disk.warnings[0].ranges == std::vector<Range>{{file_space(0), 9 * mib, 2 * mib}, {file_space(0), 12 * mib, 2 * mib}});
  const Bytes block = pattern(2 * mib, 1);
  Bytes vhd = dynamic_vhd(4 * mib, {block, block});
  put_be(vhd, vhd_table_offset + 4, 0xFFFFFFFF, 4);  // the second block is given up, its bytes are still there
  write_file(folder / "d.vhd", vhd);
  CHECK(open_image({folder / "d.vhd"}).unreferenced ==
        std::vector<Range>{{file_space(0), vhd_table_offset + 1024 + 2 * mib, 512 + 2 * mib}});
}

// Also the smoke test of linking libbfio before libvhdi: the handle made by the one is read through by the other.
TEST_CASE("libvhdi reads through our handle, fails with a reason on what is no image, and gives the bytes of one") {
  const Bytes block = pattern(2 * mib, 1);
  const auto good = image::LibvhdiReader::open(memory(dynamic_vhd(2 * mib, {block})));
  REQUIRE(good.has_value());
  CHECK(good->kind() == "vhd dynamic");
  Bytes out(4096);
  REQUIRE(good->read_at(mib, out).has_value());
  CHECK(std::equal(out.begin(), out.end(), block.begin() + mib));
  const auto bad = image::LibvhdiReader::open(memory(pattern(4096)));
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().what.find("libvhdi") != std::string::npos);
}
