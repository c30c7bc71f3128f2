// JSON that may be damaged: the objects in it that are whole, one by one, and where they stand.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace trimcarve::witness {

inline constexpr std::size_t deepest_json = 200;

struct JsonPart {
  std::size_t begin = 0, end = 0;  // of the object's text, from { to behind }
};

// The objects that have a member of one of these names (without case) themselves, in their order; of those that lie in one another the
// outermost. Text around them need not be JSON. `in_string`: the text begins inside a string (what is left of an older document may).
std::vector<JsonPart> find_objects(std::string_view text, std::initializer_list<std::string_view> names, bool in_string = false);

// Parses without exceptions; a discarded value when it is no JSON, or nested deeper than anything here is (deepest_json). Malformed UTF-8
// and unpaired surrogates are written out (\udcNN, \udXXX) in the strings, control characters in strings are taken as they are.
nlohmann::json parse_json(std::string_view text);

// A member by name, without case: writers differ. Null when there is none, or only JSON's null.
const nlohmann::json* member(const nlohmann::json* object, std::string_view name);
// A string as it is, a number or truth value as written; "" for anything else.
std::string text_of(const nlohmann::json* value);

}  // namespace trimcarve::witness
