#include <doctest/doctest.h>

#include "carvers/content_shape.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using carvers::ContentShape;
using carvers::Gap;
using carvers::GapKind;

namespace {

ContentShape shape(const Bytes& bytes, bool odd = false) { return carvers::content_shape(bytes, odd); }

Bytes bytes_of(std::string_view text) {
  Bytes out(text.size());
  put_text(out, 0, text);
  return out;
}

Bytes units_of(std::u16string_view text) {
  Bytes out(2 * text.size());
  put_units(out, 0, text);
  return out;
}

}  // namespace

TEST_CASE("gaps are joined when they touch, all counted, and only so many kept") {
  carvers::GapList gaps;
  gaps.add(0, 8, GapKind::zero);
  gaps.add(8, 8, GapKind::zero);
  gaps.add(16, 8, GapKind::garbage);
  gaps.add(32, 8, GapKind::garbage);
  gaps.add(40, 0, GapKind::hole);
  CHECK(gaps.count == 3);
  CHECK(gaps.bytes == 32);
  CHECK(gaps.kept == std::vector<Gap>{{0, 16, GapKind::zero}, {16, 8, GapKind::garbage}, {32, 8, GapKind::garbage}});
  for (std::uint64_t i = 0; i < 10000; ++i) gaps.add(100 + 16 * i, 8, GapKind::garbage);
  gaps.add(100 + 16 * 9999 + 8, 8, GapKind::garbage);
  CHECK(gaps.count == 10003);
  CHECK(gaps.bytes == 32 + 10001 * 8);
  CHECK(gaps.kept.size() == carvers::GapList::kept_limit);
  CHECK(gaps.kept.back().length == 8);
}

TEST_CASE("text is told in ASCII, UTF-8 and UTF-16LE, at odd offsets too") {
  CHECK(shape(bytes_of("echo 1\r\n")) == ContentShape::text);
  CHECK(shape(bytes_of("gr\xC3\xBC\xC3\x9F"
                       "e aus der Ferne, 2026")) == ContentShape::text);
  CHECK(shape(units_of(u"Write-Output 'x'")) == ContentShape::text);
  Bytes odd = units_of(u"Write-Output 'x'");
  odd.erase(odd.begin());
  CHECK(shape(odd, true) == ContentShape::text);
  CHECK(shape(odd, false) == ContentShape::none);
}

TEST_CASE("short or empty pieces and mapping pairs are no content; a long binary piece is") {
  CHECK(shape(bytes_of("text")) == ContentShape::none);
  CHECK(shape(Bytes(500)) == ContentShape::none);
  Bytes binary(200);
  std::uint32_t state = 12345;
  for (std::byte& b : binary) {
    state = state * 1664525 + 1013904223;
    b = static_cast<std::byte>(state >> 24);
  }
  CHECK(shape(binary) == ContentShape::binary);
  binary.resize(90);
  CHECK(shape(binary) == ContentShape::none);
  Bytes pairs;
  for (unsigned i = 0; i < 60; ++i)
    for (const unsigned b : {0x21U, 1 + i * 37 % 200, i * 91 % 256, 1 + i % 100}) pairs.push_back(static_cast<std::byte>(b));
  CHECK(shape(pairs) == ContentShape::none);
  pairs.erase(pairs.begin(), pairs.begin() + 3);  // begins within a pair
  CHECK(shape(pairs) == ContentShape::none);
}
