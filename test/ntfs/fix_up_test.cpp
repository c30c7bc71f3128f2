#include "ntfs/fix_up.hpp"

#include <doctest/doctest.h>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

namespace {

// Hand-made: 1024 bytes, array of `count` at 0x30, check value 0x1234, sector ends 0xA0A1 and 0xB0B1.
Bytes record(std::uint16_t count = 3) {
  Bytes bytes(1024);
  std::memcpy(bytes.data(), "FILE", 4);
  put<std::uint16_t>(bytes, 4, 0x30);
  put<std::uint16_t>(bytes, 6, count);
  put<std::uint16_t>(bytes, 0x30, 0x1234);
  put<std::uint16_t>(bytes, 0x32, 0xA0A1);
  put<std::uint16_t>(bytes, 0x34, 0xB0B1);
  put<std::uint16_t>(bytes, 510, 0x1234);
  put<std::uint16_t>(bytes, 1022, 0x1234);
  return bytes;
}

}  // namespace

TEST_CASE("good fix-ups are restored") {
  Bytes bytes = record();
  const FixUp fix = apply_fix_up(bytes);
  CHECK(fix.array == FixUpArray::expected);
  CHECK(fix.bad.empty());
  CHECK(fix.unchecked.empty());
  CHECK(le<std::uint16_t>(bytes, 510) == 0xA0A1);
  CHECK(le<std::uint16_t>(bytes, 1022) == 0xB0B1);
}

TEST_CASE("a torn sector is named and left, the others are restored") {
  Bytes bytes = record();
  put<std::uint16_t>(bytes, 1022, 0x1233);
  const FixUp fix = apply_fix_up(bytes);
  CHECK_FALSE(fix.bad.contains(0));
  CHECK(fix.bad.contains(1));
  CHECK(fix.bad.count() == 1);
  CHECK(le<std::uint16_t>(bytes, 510) == 0xA0A1);
  CHECK(le<std::uint16_t>(bytes, 1022) == 0x1233);
  CHECK(fix.torn(600));
}

TEST_CASE("a mismatch beyond the used size is no fault") {
  Bytes bytes = record();
  put<std::uint16_t>(bytes, 1022, 0);
  const FixUp fix = apply_fix_up(bytes);
  CHECK(fix.bad.contains(1));
  CHECK_FALSE(fix.torn(400));
  CHECK_FALSE(fix.torn(512));
  CHECK(fix.torn(513));
}

TEST_CASE("an array shorter or longer than the record does not lose it") {
  Bytes bytes = record(2);
  FixUp fix = apply_fix_up(bytes);
  CHECK(fix.array == FixUpArray::short_);
  CHECK(fix.bad.empty());
  CHECK_FALSE(fix.unchecked.contains(0));
  CHECK(fix.unchecked.contains(1));
  CHECK(le<std::uint16_t>(bytes, 510) == 0xA0A1);
  CHECK(le<std::uint16_t>(bytes, 1022) == 0x1234);

  bytes = record(9);
  fix = apply_fix_up(bytes);
  CHECK(fix.array == FixUpArray::long_);
  CHECK(fix.bad.empty());
  CHECK(le<std::uint16_t>(bytes, 1022) == 0xB0B1);
}

TEST_CASE("a senseless array is reported as missing and nothing is changed") {
  for (const auto& [offset, count] :
       std::initializer_list<std::pair<std::uint16_t, std::uint16_t>>{{0x31, 3}, {0x30, 0}, {0x30, 1}, {0, 3}, {0xFFFF, 3}, {1023, 3}}) {
    Bytes bytes = record(count);
    put<std::uint16_t>(bytes, 4, offset);
    const Bytes before = bytes;
    const FixUp fix = apply_fix_up(bytes);
    CHECK(fix.array == FixUpArray::missing);
    CHECK(fix.unchecked.count() == 2);
    CHECK(bytes == before);
  }
}

TEST_CASE("an array that would leave the buffer is read only as far as it lies inside") {
  Bytes bytes = record(0xFFFF);
  put<std::uint16_t>(bytes, 4, 1018);
  put<std::uint16_t>(bytes, 1018, 0x1234);
  const FixUp fix = apply_fix_up(bytes);
  CHECK(fix.array == FixUpArray::long_);
  CHECK_FALSE(fix.bad.contains(0));
}

TEST_CASE("the stride is 512 bytes for 4096-byte records, and every sector is checked") {
  Bytes bytes(4096);
  std::memcpy(bytes.data(), "INDX", 4);
  put<std::uint16_t>(bytes, 4, 0x28);
  put<std::uint16_t>(bytes, 6, 9);
  put<std::uint16_t>(bytes, 0x28, 7);
  for (std::size_t s = 0; s < 8; ++s) put<std::uint16_t>(bytes, s * 512 + 510, s == 5 ? 6 : 7);
  const FixUp fix = apply_fix_up(bytes);
  CHECK(fix.array == FixUpArray::expected);
  CHECK(fix.bad.count() == 1);
  CHECK(fix.bad.contains(5));
}

TEST_CASE("buffers without a whole sector, and empty ones, are safe") {
  Bytes bytes(100);
  CHECK(apply_fix_up(bytes).array == FixUpArray::missing);
  CHECK(apply_fix_up({}).array == FixUpArray::missing);
}
