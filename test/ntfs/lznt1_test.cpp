#include "ntfs/lznt1.hpp"

#include <doctest/doctest.h>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

// A real compressed file (ramslack's /1.txt) is compared with icat's output in volume_test.cpp.

namespace {

// The example of MS-XCA 3.3: 139 bytes of plain text in 61.
const Bytes documented =
    hex({0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2, 0x47, 0x01, 0xa0, 0x45, 0x20, 0x44,
         0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4, 0x02, 0x4a, 0x44, 0xef,
         0x03, 0x58, 0x02, 0x8c, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00});
const std::string documented_text =
    "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E "
    "F# E D D";

}  // namespace

TEST_CASE("the documented example decompresses to its text") {
  // Vouched for by MS-XCA, section 3.3, LZNT1 example.
  Bytes out(4096, std::byte{0xEE});
  const Lznt1 r = lznt1_decompress(documented, out);
  CHECK(r.complete);
  CHECK(r.good == documented_text.size() + 1);  // the example's text ends with a NUL
  CHECK(text(out).substr(0, documented_text.size()) == documented_text);
  CHECK(out[r.good] == std::byte{0});  // the rest is zero
  CHECK(r.consumed == documented.size());
}

TEST_CASE("a stored chunk is copied, and a zero header ends the unit") {
  // Hand-made after MS-XCA 2.5.1.
  Bytes in(2 + 4096 + 2 + 10);
  put<std::uint16_t>(in, 0, 0x3FFF);
  for (std::size_t i = 0; i < 4096; ++i) in[2 + i] = static_cast<std::byte>(i & 0xFF);
  in[2 + 4096 + 2] = std::byte{0xAA};  // sector slack: not looked at
  Bytes out(65536);
  const Lznt1 r = lznt1_decompress(in, out);
  CHECK(r.complete);
  CHECK(r.good == 4096);
  CHECK(r.consumed == 2 + 4096 + 2);
  CHECK(std::equal(out.begin(), out.begin() + 4096, in.begin() + 2));
}

TEST_CASE("a chunk that ends short is filled with zeros before the next") {
  // Hand-made: "ab" as a compressed chunk, then "cd".
  const Bytes in = hex({0x02, 0xB0, 0x00, 'a', 'b', 0x02, 0xB0, 0x00, 'c', 'd'});
  Bytes out(8192, std::byte{0xEE});
  const Lznt1 r = lznt1_decompress(in, out);
  CHECK(r.complete);
  CHECK(r.good == 4098);
  CHECK(out[1] == std::byte{'b'});
  CHECK(out[2] == std::byte{0});
  CHECK(out[4095] == std::byte{0});
  CHECK(out[4096] == std::byte{'c'});
}

TEST_CASE("damage keeps what came before it") {
  // Hand-made from the documented example.
  Bytes out(4096);
  Lznt1 r = lznt1_decompress(ByteView(documented).first(30), out);
  CHECK_FALSE(r.complete);
  CHECK(r.good > 20);
  CHECK(documented_text.starts_with(text(out).substr(0, r.good)));

  Bytes no_signature = documented;
  no_signature[1] = std::byte{0x80};
  r = lznt1_decompress(no_signature, out);
  CHECK_FALSE(r.complete);
  CHECK(r.good == 0);

  // A reference to before the chunk's start.
  r = lznt1_decompress(hex({0x03, 0xB0, 0x02, 'a', 0xFF, 0xFF}), out);
  CHECK_FALSE(r.complete);
  CHECK(r.good == 1);
  // One byte, referred to 4096 + 2 times: more than a chunk holds.
  r = lznt1_decompress(hex({0x03, 0xB0, 0x02, 'a', 0xFF, 0x0F}), out);
  CHECK_FALSE(r.complete);
  CHECK(r.good == 4096);
}

TEST_CASE("output never passes the buffer, input never its end") {
  // Hand-made and the documented example into every smaller buffer.
  for (std::size_t n = 0; n < documented_text.size(); ++n) {
    Bytes out(n);
    const Lznt1 r = lznt1_decompress(documented, out);
    CHECK(r.good == n);
    CHECK(r.complete);
    CHECK(text(out) == documented_text.substr(0, n));
  }
  for (std::size_t n = 0; n < documented.size(); ++n) {
    Bytes out(4096);
    const Lznt1 r = lznt1_decompress(ByteView(documented).first(n), out);
    CHECK(r.consumed <= n);
    CHECK(r.good <= out.size());
  }
}
