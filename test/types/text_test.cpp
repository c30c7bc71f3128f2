// Oracles: Python 3's codecs. UTF-8 by str.encode('utf-8'), unpaired surrogates by errors='backslashreplace', units in hex by
// str.encode('utf-16-le', 'surrogatepass').hex().
#include <doctest/doctest.h>

#include <string>

#include "trimcarve/text.hpp"

using namespace trimcarve;
using namespace std::string_literals;

TEST_CASE("names of every plane become UTF-8 and come back") {
  const std::u16string name = u"x\U0001F4BE\u00e9\u20ac\U0010FFFF\U00010000\u07ff\u0800\uffff";
  const std::string utf8 = "x\xf0\x9f\x92\xbe\xc3\xa9\xe2\x82\xac\xf4\x8f\xbf\xbf\xf0\x90\x80\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf";
  CHECK(to_utf8(name) == utf8);
  CHECK(to_utf16(utf8) == name);
  CHECK(well_formed(name));
}

TEST_CASE("an unpaired surrogate is written as an escape wherever it stands") {
  const std::u16string high{u'a', 0xD800, u'b'}, low{0xDC01}, at_end{u'a', 0xDBFF}, swapped{0xDC00, 0xD800},
      two_highs{0xD83D, 0xD83D, 0xDCBE};
  CHECK(to_utf8(high) == "a\\ud800b");
  CHECK(to_utf8(low) == "\\udc01");
  CHECK(to_utf8(at_end) == "a\\udbff");
  CHECK(to_utf8(swapped) == "\\udc00\\ud800");
  CHECK(to_utf8(two_highs) == "\\ud83d\xf0\x9f\x92\xbe");
  for (const auto& name : {high, low, at_end, swapped, two_highs}) CHECK_FALSE(well_formed(name));
}

TEST_CASE("the exact units are kept in hex, NUL and unpaired surrogates included") {
  CHECK(to_hex_units(std::u16string{u'a', 0xD800, u'b'}) == "610000d86200");
  CHECK(to_hex_units(u"x\U0001F4BE\u00e9\u20ac") == "78003dd8bedce900ac20");
  CHECK(to_hex_units(std::u16string(1, u'\0')) == "0000");
  CHECK(to_hex_units(u"").empty());
}

TEST_CASE("a NUL inside a name does not end it") {
  CHECK(to_utf8(std::u16string{u'a', u'\0', u'b'}) == "a\0b"s);
  CHECK(for_terminal("a\0b"s) == "a\\x00b");
}

TEST_CASE("malformed UTF-8 of the examiner's words becomes replacement characters and nothing after it is lost") {
  // Unicode 15, table 3-7: what is well-formed. Overlong, surrogate, above U+10FFFF, cut short, stray continuation.
  for (const auto& bad : {"\xc0\x80"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s, "\x80"s, "\xff"s}) {
    CAPTURE(bad.size());
    CHECK(to_utf16("a" + bad + "z") == u"a" + std::u16string(bad.size(), u'\uFFFD') + u"z");
  }
  CHECK(to_utf16("\xe2\x82") == u"\uFFFD\uFFFD");
}

TEST_CASE("no control reaches a terminal") {
  CHECK(for_terminal("\x1b[2Jgone\r\n\t\x7f") == "\\x1b[2Jgone\\x0d\\x0a\\x09\\x7f");
  CHECK(for_terminal("\u0085\u009b31m") == "\\x85\\x9b31m");  // C1, in UTF-8
  CHECK(for_terminal("\x9b"
                     "31m") == "\\x9b31m");  // and as a bare byte
  CHECK(for_terminal("\u2028\u2029") == "\\u2028\\u2029");
}

TEST_CASE("no bidirectional control reaches a terminal, so no name can be shown reversed") {
  // Unicode 15, property Bidi_Control: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069.
  CHECK(for_terminal("invoice\u202Efdp.exe") == "invoice\\u202efdp.exe");
  for (const char* control :
       {"\u061C", "\u200E", "\u200F", "\u202A", "\u202B", "\u202C", "\u202D", "\u202E", "\u2066", "\u2067", "\u2068", "\u2069"})
    CHECK(for_terminal(control).starts_with("\\u"));
}

TEST_CASE("ordinary text is left as it is for a terminal") {
  const std::string text = "C:\\Packages\\R\u00e9sum\u00e9 \u65e5\u672c\u8a9e \U0001F4BE \uFFFD";
  CHECK(for_terminal(text) == text);
}
