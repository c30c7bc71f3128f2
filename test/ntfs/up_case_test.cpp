#include "ntfs/up_case.hpp"

#include <doctest/doctest.h>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

TEST_CASE("names are compared as Windows folds them") {
  // Facts of Windows' table: Latin, Greek and Cyrillic fold; sharp s, dotless i and final sigma do not fold into others.
  const UpCase table;
  CHECK_FALSE(table.from_volume());
  CHECK(equal_ignoring_case(u"Script.PS1", u"sCRIPT.ps1", table));
  CHECK(equal_ignoring_case(u"\u00E4\u03B1\u0436", u"\u00C4\u0391\u0416", table));
  CHECK_FALSE(equal_ignoring_case(u"\u00DF", u"ss", table));
  CHECK_FALSE(equal_ignoring_case(u"\u0131", u"I", table));
  CHECK_FALSE(equal_ignoring_case(u"a", u"ab", table));
  CHECK(equal_ignoring_case(u"", u"", table));
  CHECK(to_upper(u"\\windows\\\xD800x", table) == u"\\WINDOWS\\\xD800X");
}

TEST_CASE("a table that is not one is refused") {
  CHECK_FALSE(UpCase::decode(Bytes(131072)));
  CHECK_FALSE(UpCase::decode(Bytes(131071)));
  CHECK_FALSE(UpCase::decode({}));
  Bytes identity(131072);
  for (std::size_t i = 0; i < 65536; ++i) put(identity, 2 * i, static_cast<std::uint16_t>(i));
  CHECK_FALSE(UpCase::decode(identity));
  for (std::size_t c = 'a'; c <= 'z'; ++c) put(identity, 2 * c, static_cast<std::uint16_t>(c - 32));
  const auto table = UpCase::decode(identity);
  REQUIRE(table);
  CHECK(table->from_volume());
  CHECK(equal_ignoring_case(u"az", u"AZ", *table));
  CHECK_FALSE(equal_ignoring_case(u"\u00E4", u"\u00C4", *table));
}
