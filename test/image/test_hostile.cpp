// Containers whose tables lie: the bad part is unreadable, the rest is served, nothing is invented.
#include "container_builder.hpp"
#include "image/vhd.hpp"
#include "image/vhdx.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

constexpr std::uint64_t mib = 1 << 20;

SourcePtr no_parent(const image::ParentLink&) {
  FAIL("no parent is asked for");
  return nullptr;
}

Result<image::Container> open_vhd_bytes(Bytes bytes, Unread bad = {}) {
  const auto file = memory(std::move(bytes), bad);
  const auto footer = image::find_vhd_footer(*file);
  REQUIRE(footer.has_value());
  return image::open_vhd(file, *footer, no_parent);
}

bool unreadable(const ByteSource& disk, std::uint64_t offset) {
  Bytes out(512);
  return !disk.read_at(offset, out) && disk.extents(offset, 512) == std::vector<Extent>{{offset, 512, ExtentKind::unreadable}};
}

}  // namespace

TEST_CASE("a block of a VHD beyond the file or over its footer is unreadable, its neighbours are served") {
  const Bytes block = pattern(2 * mib, 1);
  Bytes file = dynamic_vhd(6 * mib, {{}, block, {}});
  put_be(file, vhd_table_offset, 0xFFFFFFFE, 4);
  put_be(file, vhd_table_offset + 8, 0, 4);
  const auto disk = open_vhd_bytes(file);
  REQUIRE(disk.has_value());
  CHECK_FALSE(disk->complete);
  CHECK(unreadable(*disk->disk, 0));
  CHECK(unreadable(*disk->disk, 5 * mib));
  Bytes out(2 * mib);
  REQUIRE(disk->disk->read_at(2 * mib, out).has_value());
  CHECK(out == block);
  REQUIRE(has_warning(disk->warnings, "blocks_unreadable"));
  CHECK(disk->warnings[0].ranges == std::vector<Range>{{disk_space, 0, 2 * mib}, {disk_space, 4 * mib, 2 * mib}});
}

TEST_CASE("a VHD that claims more blocks than its table has is unreadable beyond the table, at no cost") {
  Bytes file = dynamic_vhd(2 * mib, {pattern(2 * mib, 1)});
  const auto claim = [&](std::uint64_t size) {
    for (const std::size_t footer : {std::size_t{0}, file.size() - 512}) {
      put_be(file, footer + 48, size, 8);
      vhd_checksum(file, footer, 512, 64);
    }
    return open_vhd_bytes(file);
  };
  constexpr std::uint64_t largest = std::uint64_t{2040} << 30;  // of the format
  const auto disk = claim(largest);
  REQUIRE(disk.has_value());
  CHECK_FALSE(disk->complete);
  CHECK(disk->disk->size() == largest);
  CHECK(disk->disk->extents(0, disk->disk->size()) ==
        std::vector<Extent>{{0, 2 * mib, ExtentKind::data}, {2 * mib, largest - 2 * mib, ExtentKind::unreadable}});
  const auto refused = claim(std::uint64_t{1} << 62);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().what.find("2040 GiB") != std::string::npos);
}

TEST_CASE("impossible block sizes and a lost dynamic header are errors with a reason") {
  for (const std::uint64_t size : {0ULL, 1ULL, 511ULL, 3ULL << 20}) {
    Bytes file = dynamic_vhd(2 * mib, {pattern(2 * mib, 1)});
    put_be(file, 512 + 32, size, 4);
    const auto disk = open_vhd_bytes(file);
    REQUIRE_FALSE(disk.has_value());
    CHECK(disk.error().what.find("block size") != std::string::npos);
  }
  Bytes file = dynamic_vhd(2 * mib, {pattern(2 * mib, 1)});
  put_text(file, 512, "garbage!");
  CHECK_FALSE(open_vhd_bytes(file).has_value());
  file = dynamic_vhd(2 * mib, {pattern(2 * mib, 1)});
  put_be(file, 512 + 16, ~0ULL - 8, 8);
  CHECK_FALSE(open_vhd_bytes(file).has_value());
}

TEST_CASE("table entries on a bad sector are unknown, not holes") {
  std::vector<Bytes> blocks(128);
  const Bytes block = pattern(2 * mib, 1);
  blocks[0] = block;
  // The table's 512 bytes begin at 1536: their sector is bad.
  const auto disk = open_vhd_bytes(dynamic_vhd(256 * mib, blocks), {1536, 512});
  REQUIRE(disk.has_value());
  CHECK_FALSE(disk->complete);
  CHECK(has_warning(disk->warnings, "block_table_unreadable"));
  CHECK(unreadable(*disk->disk, 0));
  CHECK(unreadable(*disk->disk, 200 * mib));
}

TEST_CASE("a block whose sector bitmap cannot be read is unreadable: which of its sectors were written is not known") {
  const auto disk = open_vhd_bytes(dynamic_vhd(2 * mib, {pattern(2 * mib, 1)}), {vhd_table_offset + 512, 512});
  REQUIRE(disk.has_value());
  CHECK(unreadable(*disk->disk, 0));
}

TEST_CASE("a bad sector inside a stored block costs that sector") {
  const Bytes block = pattern(2 * mib, 1);
  const std::uint64_t payload = vhd_table_offset + 512 + 512;
  const auto disk = open_vhd_bytes(dynamic_vhd(2 * mib, {block}), {payload + 1024, 512});
  REQUIRE(disk.has_value());
  CHECK(disk->complete);  // the table is whole: what a medium withholds shows when it is read
  Bytes out(4096);
  std::vector<Unread> unread;
  CHECK_FALSE(read_tolerant(*disk->disk, 0, out, unread));
  REQUIRE(unread.size() == 1);
  CHECK(unread[0].offset == 1024);
  CHECK(unread[0].length == 512);
  CHECK(std::equal(out.begin() + 1536, out.end(), block.begin() + 1536));
}

TEST_CASE("entries of a VHDX that no disk without parent can have are unreadable, the others are served") {
  VhdxShape shape;
  shape.entries = {4, 7, present(0), present(std::uint64_t{1} << 50), present(vhdx_payload), present(vhdx_payload), 6 | 0xFFFFFFFFFFF00000,
                   0};
  Bytes file = vhdx(shape);
  const Bytes payload = pattern(mib, 9);
  file.insert(file.end(), payload.begin(), payload.end());
  const auto disk = image::open_vhdx(memory(file), no_parent);
  REQUIRE(disk.has_value());
  CHECK_FALSE(disk->complete);
  for (const std::uint64_t block : {0ULL, 1ULL, 2ULL, 3ULL, 6ULL}) CHECK(unreadable(*disk->disk, block * mib));
  Bytes out(2 * mib);
  REQUIRE(disk->disk->read_at(4 * mib, out).has_value());  // two blocks may share their bytes
  CHECK(std::equal(payload.begin(), payload.end(), out.begin()));
  CHECK(std::equal(payload.begin(), payload.end(), out.begin() + mib));
}

TEST_CASE("a VHDX with impossible metadata is refused") {
  const auto refused = [](auto change, const char* why) {
    VhdxShape shape;
    change(shape);
    const auto disk = image::open_vhdx(memory(vhdx(shape)), no_parent);
    REQUIRE_FALSE(disk.has_value());
    CHECK(disk.error().what.find(why) != std::string::npos);
  };
  refused([](VhdxShape& s) { s.block_size = 3 << 20; }, "block size");
  refused([](VhdxShape& s) { s.block_size = 512; }, "block size");
  refused([](VhdxShape& s) { s.sector_size = 1000; }, "sector size");
  refused([](VhdxShape& s) { s.size = (std::uint64_t{64} << 40) + 512; }, "disk size");
  refused([](VhdxShape& s) { s.size = 1000; }, "disk size");
}

TEST_CASE("a VHDX whose table is shorter than its disk is unreadable beyond it") {
  VhdxShape shape;
  shape.size = std::uint64_t{64} << 40;  // 2^26 blocks of 1 MiB; the region holds 131072 entries
  const auto disk = image::open_vhdx(memory(vhdx(shape)), no_parent);
  REQUIRE(disk.has_value());
  CHECK_FALSE(disk->complete);
  CHECK(disk->disk->extents(shape.size - mib, mib) == std::vector<Extent>{{shape.size - mib, mib, ExtentKind::unreadable}});
}

TEST_CASE("a structure that a VHDX marks as required and nobody knows is refused") {
  VhdxShape shape;
  Bytes file = vhdx(shape);
  const std::size_t metadata_entry = (1 << 20) + 32 + 2 * 32;  // the disk's identifier, marked required, becomes something else
  put_guid(file, metadata_entry, "00000000-1111-2222-3333-444444444444");
  const auto disk = image::open_vhdx(memory(file), no_parent);
  REQUIRE_FALSE(disk.has_value());
  CHECK(disk.error().what.find("00000000-1111-2222-3333-444444444444") != std::string::npos);
}
