#include "ntfs/stream.hpp"

#include <doctest/doctest.h>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

// Streams of real files are compared with icat's output in volume_test.cpp; here are the rules no real file shows, on a made disk of 16
// clusters of 512 bytes, each filled with its number.

namespace {

std::shared_ptr<MemoryDisk> made_disk(std::uint64_t bad_offset = 0, std::uint64_t bad_length = 0) {
  Bytes bytes(16 * 512);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i / 512);
  return std::make_shared<MemoryDisk>(std::move(bytes), bad_offset, bad_length);
}

int at(const ByteSource& source, std::uint64_t offset) {
  std::byte b{};
  return source.read_at(offset, {&b, 1}) ? static_cast<int>(b) : -1;
}

const std::vector<RunFact> fragmented{{0, 4, 2}, {2, -1, 1}, {3, 9, 1}};

}  // namespace

TEST_CASE("a stream reads its runs in order, with zeros where it is sparse") {
  const auto s = make_stream(made_disk(), fragmented, 512, 4 * 512, 4 * 512);
  CHECK(at(*s, 0) == 4);
  CHECK(at(*s, 1023) == 5);
  CHECK(at(*s, 1024) == 0);
  CHECK(at(*s, 1536) == 9);
  Bytes all(2048);
  REQUIRE(s->read_at(0, all));
  CHECK(all[600] == std::byte{5});
  CHECK(all[1100] == std::byte{0});
  CHECK(all[2047] == std::byte{9});
  CHECK_FALSE(s->read_at(1, all));
}

TEST_CASE("extents and places tell runs, sparse stretches and their clusters") {
  const auto s = make_stream(made_disk(), fragmented, 512, 4 * 512, 4 * 512);
  CHECK(s->extents(0, ~0ULL) ==
        std::vector<Extent>{{0, 1024, ExtentKind::data}, {1024, 512, ExtentKind::hole}, {1536, 512, ExtentKind::data}});
  CHECK(s->extents(1100, 100) == std::vector<Extent>{{1100, 100, ExtentKind::hole}});
  CHECK(s->locate(1000, 600) == std::vector<Range>{{disk_space, 5 * 512 + 488, 24}, {disk_space, 9 * 512, 64}});
  CHECK(s->locate(1024, 512).empty());
  CHECK(s->extents(4096, 1).empty());
}

TEST_CASE("bytes beyond the valid size are zeros that lie nowhere") {
  const auto s = make_stream(made_disk(), {{0, 4, 2}}, 512, 1024, 100);
  CHECK(at(*s, 99) == 4);
  CHECK(at(*s, 100) == 0);
  CHECK(s->extents(0, 1024) == std::vector<Extent>{{0, 100, ExtentKind::data}, {100, 924, ExtentKind::hole}});
  CHECK(s->locate(0, 1024) == std::vector<Range>{{disk_space, 2048, 100}});
}

TEST_CASE("what no run maps, and what lies beyond the volume, is unreadable and not zero") {
  auto s = make_stream(made_disk(), {{1, 4, 1}}, 512, 1536, 1536);
  CHECK(at(*s, 0) == -1);
  CHECK(at(*s, 512) == 4);
  CHECK(at(*s, 1024) == -1);
  CHECK(s->extents(0, 1536).front().kind == ExtentKind::unreadable);
  s = make_stream(made_disk(), {{0, 15, 4}}, 512, 2048, 2048);
  CHECK(at(*s, 0) == 15);
  CHECK(at(*s, 512) == -1);
  CHECK(s->extents(0, 2048) == std::vector<Extent>{{0, 512, ExtentKind::data}, {512, 1536, ExtentKind::unreadable}});
  s = make_stream(made_disk(), {}, 512, 100, 100);
  CHECK(at(*s, 0) == -1);
}

TEST_CASE("a bad sector of the disk costs that sector") {
  const auto s = make_stream(made_disk(5 * 512, 512), fragmented, 512, 2048, 2048);
  Bytes all(2048);
  std::vector<Unread> unread;
  CHECK_FALSE(read_tolerant(*s, 0, all, unread));
  REQUIRE(unread.size() == 1);
  CHECK(unread[0].offset == 512);
  CHECK(unread[0].length == 512);
  CHECK(all[0] == std::byte{4});
  CHECK(all[1536] == std::byte{9});
}

TEST_CASE("of two runs that overlap the one that begins first is taken") {
  const auto s = make_stream(made_disk(), {{1, 9, 2}, {0, 4, 2}}, 512, 1536, 1536);
  CHECK(at(*s, 512) == 5);
  CHECK(at(*s, 1024) == 10);
}

TEST_CASE("runs and sizes of 2^48, 2^62 and 2^64 do not wrap or take memory") {
  auto s = make_stream(made_disk(), {{0, 4, 1ULL << 48}, {1ULL << 48, 1LL << 62, 1ULL << 62}, {~0ULL, 1, ~0ULL}}, 2U << 20, ~0ULL, ~0ULL);
  CHECK(s->size() == ~0ULL);
  CHECK(at(*s, 1ULL << 60) == -1);
  CHECK(s->extents(0, ~0ULL).size() == 1);
  s = make_stream(made_disk(), {{0, -1, 1ULL << 61}}, 512, ~0ULL, ~0ULL);
  CHECK(at(*s, 1ULL << 62) == 0);
  s = make_stream(made_disk(), {{0, 4, 1}}, 0, 512, 512);
  CHECK(at(*s, 0) == -1);
  s = make_compressed_stream(made_disk(), {{0, -1, 1ULL << 62}}, 512, 4, ~0ULL, ~0ULL);
  CHECK(s->extents(0, ~0ULL).size() == 1);
  CHECK(at(*s, 1ULL << 62) == 0);
  s = make_compressed_stream(made_disk(), {{0, 1, 1}}, 2U << 20, 31, 1ULL << 50, 1ULL << 50);
  CHECK(at(*s, 0) == -1);
}

TEST_CASE("a compressed stream has packed, plain, sparse and damaged units") {
  // Hand-made: units of 4 clusters (2048 bytes). Unit 0: one cluster of LZNT1 and a sparse tail; unit 1: stored as it is; unit 2: sparse;
  // unit 3: LZNT1 whose chunk signature is wrong.
  Bytes bytes(16 * 512, std::byte{0x11});
  const Bytes packed = hex({0x05, 0xB0, 0x08, 'a', 'b', 'c', 0x44, 0x01});  // "abc", then a copy of what stands two back
  std::copy(packed.begin(), packed.end(), bytes.begin() + 512);
  put<std::uint16_t>(bytes, 512 + packed.size(), 0);
  const auto disk = std::make_shared<MemoryDisk>(std::move(bytes));
  const auto s = make_compressed_stream(disk, {{0, 1, 1}, {1, -1, 3}, {4, 4, 4}, {8, -1, 4}, {12, 9, 1}, {13, -1, 3}}, 512, 2, 8192, 8192);
  CHECK(at(*s, 0) == 'a');
  CHECK(at(*s, 1) == 'b');
  CHECK(at(*s, 2047) == 0);
  CHECK(at(*s, 2048) == 0x11);
  CHECK(at(*s, 4096) == 0);
  CHECK(at(*s, 6144) == -1);
  CHECK(s->extents(0, 8192) ==
        std::vector<Extent>{{0, 4096, ExtentKind::data}, {4096, 2048, ExtentKind::hole}, {6144, 2048, ExtentKind::unreadable}});
  CHECK(s->locate(10, 1) == std::vector<Range>{{disk_space, 512, 512}});
  CHECK(s->locate(2058, 1) == std::vector<Range>{{disk_space, 2058, 1}});
  CHECK(s->locate(4096, 2048).empty());
  Bytes all(6144);
  REQUIRE(s->read_at(0, all));
  CHECK(all[2048] == std::byte{0x11});
}

TEST_CASE("a buffer is the bytes, and lies where its origin says") {
  const auto b = make_buffer(hex({1, 2, 3}), made_disk(), 1000);
  CHECK(at(*b, 2) == 3);
  CHECK(at(*b, 3) == -1);
  CHECK(b->locate(1, 10) == std::vector<Range>{{disk_space, 1001, 2}});
  CHECK(make_buffer({}, nullptr, 0)->locate(0, 1).empty());
}
