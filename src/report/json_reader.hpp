// Reads a JSON document whose root is an object of long lists, one element at a time. The document is hostile: nesting and the size of one
// element are bounded, and nothing is kept but the element at hand.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "trimcarve/result.hpp"

namespace trimcarve::report {

// Thrown by the accessors below, and by an element handler; read_json turns it into a Result.
class Damaged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct JsonHandler {
  std::function<void(const std::string& list, nlohmann::json& element)> element;  // an object in the list `list` of the root
  std::function<void(const std::string& member, nlohmann::json& value)> scalar;   // a plain member of the root
};
Result<void> read_json(std::string_view text, const JsonHandler& handler);
Result<void> read_json(int fd, const JsonHandler& handler);  // from the beginning of the file; the descriptor stays the caller's

// Members of an object; Damaged names the one that is missing or of another type.
const nlohmann::json& member(const nlohmann::json& object, const char* name);
std::string text_member(const nlohmann::json& object, const char* name);
std::uint64_t number_member(const nlohmann::json& object, const char* name);
const nlohmann::json& list_member(const nlohmann::json& object, const char* name);

}  // namespace trimcarve::report
