#include "witness/json_objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "witness/plain_text.hpp"

namespace trimcarve::witness {

using Json = nlohmann::json;

std::vector<JsonPart> find_objects(std::string_view text, std::initializer_list<std::string_view> names, bool in_string) {
  struct Open {
    std::size_t at;
    bool named;
  };
  std::vector<Open> open;
  std::vector<JsonPart> out;
  std::size_t string_at = 0, deeper = 0;  // deeper: open objects beyond the deepest looked into
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
        const std::size_t next = text.find_first_not_of(" \t\r\n", i + 1);
        if (next == std::string_view::npos || text[next] != ':' || open.empty() || deeper != 0) continue;
        const std::string_view name = text.substr(string_at, i - string_at);
        if (std::ranges::any_of(names, [&](std::string_view n) { return same_word(n, name); })) open.back().named = true;
      }
    } else if (c == '"') {
      in_string = true;
      string_at = i + 1;
    } else if (c == '{') {
      if (open.size() < 4 * deepest_json)
        open.push_back({i, false});
      else
        ++deeper;
    } else if (c == '}' && deeper != 0) {
      --deeper;
    } else if (c == '}' && !open.empty()) {
      if (open.back().named) {
        while (!out.empty() && out.back().begin > open.back().at) out.pop_back();  // those inside it
        out.push_back({open.back().at, i + 1});
      }
      open.pop_back();
    }
  }
  return out;
}

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The unit of a \uXXXX at `at`, or -1.
int escaped_unit(std::string_view text, std::size_t at) {
  if (text.size() - at < 6 || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

std::size_t nesting(std::string_view text) {
  std::size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') in_string = !in_string;
    if (in_string) {
      i += c == '\\' ? 1U : 0U;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth != 0) {
      --depth;
    }
  }
  return deepest;
}

// What the parser would refuse though JSON in use has it.
std::string made_parsable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') in_string = !in_string;
    if (in_string && static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else if (in_string && c == '\\' && i + 1 < text.size()) {
      const int unit = escaped_unit(text, i);
      if (unit >= 0xD800 && unit < 0xDC00) {
        const int low = escaped_unit(text, std::min(i + 6, text.size()));
        if (low >= 0xDC00 && low < 0xE000) {
          out.append(text.substr(i, 12));
          i += 11;
          continue;
        }
      }
      if (unit >= 0xD800 && unit < 0xE000) out += '\\';
      out += c;
      out += text[++i];
    } else {
      out += c;
    }
  }
  return out;
}

// Malformed UTF-8 as \\udcNN: the text of a string, not an escape that JSON would undo.
std::string with_escaped_bytes(std::string_view text) {
  std::string clean = to_clean_utf8(text);
  if (clean.size() == text.size()) return clean;
  std::string out;
  std::size_t from = 0;  // in the raw text
  for (std::size_t at = 0; at < clean.size(); ++at) {
    if (from < text.size() && clean[at] == text[from]) {
      ++from;
      out += clean[at];
    } else {  // six characters for one byte
      out += '\\';
      out.append(clean, at, 6);
      at += 5;
      ++from;
    }
  }
  return out;
}

}  // namespace

Json parse_json(std::string_view text) {
  if (nesting(text) > deepest_json) return Json(Json::value_t::discarded);
  Json plain = Json::parse(text, nullptr, false);
  if (!plain.is_discarded()) return plain;
  return Json::parse(made_parsable(with_escaped_bytes(text)), nullptr, false);
}

const Json* member(const Json* object, std::string_view name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  for (const auto& [key, value] : object->items())
    if (!value.is_null() && same_word(key, name)) return &value;
  return nullptr;
}

std::string text_of(const Json* value) {
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number() || value->is_boolean()) return value->dump();
  return {};
}

}  // namespace trimcarve::witness
