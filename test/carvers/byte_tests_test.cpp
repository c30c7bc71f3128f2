#include "carvers/byte_tests.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string_view>
#include <vector>

using namespace trimcarve;
using namespace trimcarve::carvers;

namespace {

// Bytes of many kinds: noise, text, text as UTF-16LE at either offset, journal headers, each broken here and there.
std::vector<std::byte> mixed(std::mt19937& random, std::size_t size) {
  std::vector<std::byte> out(size);
  const auto put = [&](std::size_t at, std::uint8_t value) {
    if (at < size) out[at] = std::byte{value};
  };
  for (std::size_t at = 0; at < size;) {
    const std::size_t run = random() % 96;
    const auto kind = random() % 6;
    for (std::size_t i = 0; i < run; ++i) {
      const auto character = static_cast<std::uint8_t>(random() % 40 == 0 ? random() : 9 + random() % 119);
      if (kind == 0) put(at + i, static_cast<std::uint8_t>(random()));
      if (kind == 1 || kind == 2) put(at + i, character);
      if (kind == 3) put(at + 2 * i, character);
      if (kind == 4 && i % 8 == 0)
        for (std::size_t k = 0; k < 8; ++k)
          put(at + i + k, static_cast<std::uint8_t>(random() % 16 == 0 ? random() : k == 0 ? 0x58 : k == 4 ? random() % 7 : 0));
    }
    at += run + random() % 9;
  }
  return out;
}

bool journal_head(std::uint64_t head) {
  const std::uint64_t length = head & 0xFFFF'FFFF, major = head >> 32 & 0xFFFF, minor = head >> 48;
  return length % 8 == 0 && length < 1024 && major >= 2 && major <= 7 && minor == 0;
}

bool character(std::byte b) { return b >= std::byte{9} && b < std::byte{0x80}; }

TextSeeds plain_seeds(ByteView piece) {
  TextSeeds out;
  for (std::size_t at = 0; at + 8 <= piece.size(); at += 8) {
    bool bytes = true, even = true, odd = true;
    for (std::size_t k = 0; k < 8; ++k) {
      const std::byte b = piece[at + k];
      bytes = bytes && character(b);
      even = even && (k % 2 == 0 ? character(b) : b == std::byte{0});
      odd = odd && (k % 2 == 1 ? character(b) : b == std::byte{0});
    }
    out.bytes = out.bytes || bytes;
    out.units = out.units || even || odd;
  }
  return out;
}

}  // namespace

TEST_CASE("Fast tests of bytes say what plain ones say, compiled for either kind of processor") {
  std::mt19937 random(5);
  for (const bool wide : {false, true}) {
    if (use_wide_vectors(wide) != wide) {
      MESSAGE("SKIPPED: the wide kind, this processor lacks AVX2");
      continue;
    }
    std::size_t journals = 0, seeds = 0, texts = 0;
    for (int round = 0; round < 4000; ++round) {
      const auto bytes = mixed(random, seed_piece);
      const ByteView view(bytes);
      bool head = false;
      for (std::size_t at = 0; at < view.size(); at += 8) head = head || journal_head(le<std::uint64_t>(view, at));
      REQUIRE(may_hold_journal_record(view) == head);
      const TextSeeds plain = plain_seeds(view), fast = text_seeds(view.first<seed_piece>());
      REQUIRE(fast.bytes == plain.bytes);
      REQUIRE(fast.units == plain.units);
      bool one = false, units = false;
      for (std::size_t at = 0; at < view.size(); at += 8) {
        const auto word = le<std::uint64_t>(view, at);
        one = one || seed_of_bytes(word);
        units = units || seed_of_units_at_even(word) || seed_of_units_at_odd(word);
      }
      REQUIRE(one == plain.bytes);
      REQUIRE(units == plain.units);
      journals += head ? 1U : 0U, seeds += plain.bytes && plain.units ? 1U : 0U;
      // Text of any length from any offset, with something else behind it or nothing.
      const std::size_t begin = random() % 64, length = random() % 4096;
      std::vector<std::byte> text(begin + length);
      for (std::byte& b : text) b = std::byte{static_cast<std::uint8_t>(" aZ09.,=(\n\t\xE4"[random() % 12])};
      if (random() % 2 == 0 && length != 0)
        text[begin + random() % length] = std::byte{static_cast<std::uint8_t>(random() % 2 == 0 ? 0x7F : 1)};
      const ByteView part = ByteView(text).subspan(begin);
      const auto end = std::ranges::find(part, ByteKind::none, byte_kind);
      const TextMeasure measure = measure_text(part);
      REQUIRE(measure.length == static_cast<std::size_t>(end - part.begin()));
      const auto count = [&](ByteKind kind) { return static_cast<std::size_t>(std::ranges::count(part.begin(), end, kind, byte_kind)); };
      if (measure.length <= 128) {
        REQUIRE(measure.letters == count(ByteKind::letter));
        REQUIRE(measure.signs == count(ByteKind::sign));
        REQUIRE(measure.line_ends == count(ByteKind::line_end));
        REQUIRE(measure.high == count(ByteKind::high));
      } else {
        // By a quarter of it: as near as chance lets a sample of that size be.
        REQUIRE(measure.letters * 2 > count(ByteKind::letter));
        REQUIRE(measure.letters < count(ByteKind::letter) * 2);
        texts += 1;
      }
    }
    CHECK(journals > 100);
    CHECK(seeds > 100);
    CHECK(texts > 100);
  }
  use_wide_vectors(true);
}

TEST_CASE("A byte is of one kind, the same one by one and in long texts") {
  std::mt19937 random(6);
  for (int c = 0; c < 256; ++c) {
    CAPTURE(c);
    const std::vector<std::byte> text(4096, std::byte{static_cast<std::uint8_t>(c)});
    for (const bool wide : {false, true}) {
      use_wide_vectors(wide);
      const TextMeasure one = measure_text(ByteView(text).first(1)), all = measure_text(text);
      CHECK(all.length == one.length * 4096);
      CHECK(all.letters == one.letters * 4096);
      CHECK(all.signs == one.signs * 4096);
      CHECK(all.line_ends == one.line_ends * 4096);
      CHECK(all.high == one.high * 4096);
    }
  }
  use_wide_vectors(true);
}
