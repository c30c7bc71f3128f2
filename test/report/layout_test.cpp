#include <doctest/doctest.h>

#include "report/layout.hpp"

using namespace trimcarve;
using namespace trimcarve::report;

// Widths as Unicode's East Asian Width (UAX 11) gives them.
TEST_CASE("columns count what a terminal shows, not bytes") {
  CHECK(columns("abc") == 3);
  CHECK(columns("é…") == 2);
  CHECK(columns("名前") == 4);
  CHECK(columns("e\u0301") == 1);
}

TEST_CASE("text is cut to a width at a character, at the end or in the middle") {
  CHECK(fitted("abcdef", 6) == "abcdef");
  CHECK(fitted("abcdefg", 6) == "abcde…");
  CHECK(fitted("名前名前", 5) == "名前…");
  CHECK(fitted("abcdefghijklmnop", 10, true) == "abc…klmnop");
  for (std::size_t width = 0; width < 20; ++width) CHECK(columns(fitted("ab名前cd名前ef", width, true)) <= width);
}

TEST_CASE("wrapped lines keep to the width and lose no word") {
  CHECK(wrapped("one two three four", 9, 2) == "one two\n  three\n  four");
  CHECK(wrapped("aaaaaaaaaaaaaaaaaaaa", 8, 1) == "aaaaaaaa\n aaaaaaaa\n aaaa");
  CHECK(wrapped("", 10, 0) == "");
}

TEST_CASE("numbers for people") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1234567) == "1,234,567");
  CHECK(bytes_for_people(512) == "512 bytes");
  CHECK(bytes_for_people(136365211648ULL) == "127.0 GiB");
}
