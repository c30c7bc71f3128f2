#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "report/json_writer.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;
using report::JsonWriter;

namespace {
template <class Fill>
std::string written(Fill fill) {
  std::string out;
  JsonWriter json([&out](std::string_view text) { out += text; });
  fill(json);
  json.flush();
  return out;
}
}  // namespace

// Vouched for by nlohmann_json, an independent parser.
TEST_CASE("a document of every kind of value is read back by another parser") {
  const std::string text = written([](JsonWriter& json) {
    json.begin_object();
    json.key("n").value(18446744073709551615ULL);
    json.key("i").value(-5);
    json.key("b").value(true);
    json.key("z").null();
    json.key("e").begin_array();
    json.end_array();
    json.key("l").begin_array();
    json.new_line();
    json.value("x");
    json.new_line();
    json.begin_object();
    json.end_object();
    json.end_array();
    json.end_object();
  });
  const auto parsed = nlohmann::json::parse(text);
  CHECK(parsed["n"] == 18446744073709551615ULL);
  CHECK(parsed["i"] == -5);
  CHECK(parsed["b"] == true);
  CHECK(parsed["z"].is_null());
  CHECK(parsed["e"].empty());
  CHECK(parsed["l"] == nlohmann::json::array({"x", nlohmann::json::object()}));
}

TEST_CASE("any text comes back as it was once it is well-formed") {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::u16string units;
    for (unsigned i = 0; i < 20; ++i) units.push_back(static_cast<char16_t>(random() & (round % 2 == 0 ? 0xFFFFU : 0xFFU)));
    const std::string text = to_utf8(units);
    CHECK(nlohmann::json::parse(report::json_string(text)) == text);
  }
}

TEST_CASE("malformed UTF-8 becomes U+FFFD and the document stays valid") {
  CHECK(nlohmann::json::parse(report::json_string("a\xFF\xC3z")) == "a\uFFFD\uFFFDz");
}

TEST_CASE("what deceives a terminal is escaped, other text is left readable") {
  CHECK(report::json_string("\x1b\x7f") == "\"\\u001b\\u007f\"");
  CHECK(report::json_string("\u009B31m") == "\"\\u009b31m\"");  // C1 CSI
  CHECK(report::json_string("\u202Egpj\u2066\u2028") == "\"\\u202egpj\\u2066\\u2028\"");
  CHECK(report::json_string("\u061C\u200F") == "\"\\u061c\\u200f\"");
  CHECK(report::json_string("Ünïcode 名前 …") == "\"Ünïcode 名前 …\"");
  // All that for_terminal escapes, by its own account.
  for (char32_t c = 1; c < 0x3000; ++c) {
    const std::string text = to_utf8(std::u16string(1, static_cast<char16_t>(c)));
    if (c == '"' || c == '\\' || for_terminal(text) == text) continue;
    CHECK(report::json_string(text).find('\\') == 1);
  }
}
