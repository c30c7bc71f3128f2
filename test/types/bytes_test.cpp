// What vouches: the arithmetic itself; values are spelt out byte by byte.
#include <doctest/doctest.h>

#include <array>
#include <limits>

#include "trimcarve/bytes.hpp"

using namespace trimcarve;

namespace {
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
constexpr std::array<std::byte, 9> sample{std::byte{0x01}, std::byte{0x02}, std::byte{0x03}, std::byte{0x04}, std::byte{0x05},
                                          std::byte{0x06}, std::byte{0x07}, std::byte{0xF8}, std::byte{0xFF}};
}  // namespace

TEST_CASE("a range is inside a buffer only when all of it is, and no sum wraps") {
  CHECK(fits(8, 0, 8));
  CHECK(fits(8, 8, 0));
  CHECK_FALSE(fits(8, 1, 8));
  CHECK_FALSE(fits(8, 9, 0));
  CHECK_FALSE(fits(8, most, 2));
  CHECK_FALSE(fits(8, 2, most));
  CHECK_FALSE(fits(8, most, most));
}

TEST_CASE("a slice outside the view is nothing") {
  const ByteView view(sample);
  REQUIRE(slice(view, 7, 2));
  CHECK((*slice(view, 7, 2))[0] == std::byte{0xF8});
  CHECK(slice(view, 9, 0)->empty());
  CHECK_FALSE(slice(view, 8, 2));
  CHECK_FALSE(slice(view, most, 2));
}

TEST_CASE("integers are read in their stored order at any alignment") {
  const ByteView view(sample);
  CHECK(le<std::uint16_t>(view, 1) == 0x0302);
  CHECK(le<std::uint32_t>(view, 1) == 0x05040302);
  CHECK(le<std::uint64_t>(view, 1) == 0xFFF8'0706'0504'0302ULL);
  CHECK(le<std::int16_t>(view, 7) == -8);
  CHECK(load<Big<std::uint16_t>>(view, 1).value() == 0x0203);
  CHECK(load<Big<std::uint32_t>>(view, 1).value() == 0x02030405);
  CHECK(load<Big<std::uint64_t>>(view, 1).value() == 0x0203'0405'0607'F8FFULL);
  CHECK(load<Big<std::int16_t>>(view, 7).value() == -1793);  // 0xF8FF
}

TEST_CASE("a checked integer that would leave the view is nothing") {
  const ByteView view(sample);
  CHECK(try_le<std::uint32_t>(view, 5) == 0xFFF80706U);
  CHECK_FALSE(try_le<std::uint32_t>(view, 6));
  CHECK_FALSE(try_le<std::uint64_t>(view, most));
}
