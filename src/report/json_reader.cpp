#include "report/json_reader.hpp"

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "report/files.hpp"

namespace trimcarve::report {

namespace {

using nlohmann::json;

constexpr int max_depth = 16;
constexpr std::uint64_t max_values = 8'000'000;  // of one element: a file in a million pieces

template <class Input>
Result<void> read(Input&& input, const JsonHandler& handler) {
  std::string current;
  std::uint64_t values = 0;
  bool root_is_object = false;
  const auto callback = [&](int depth, json::parse_event_t event, json& parsed) {
    using Event = json::parse_event_t;
    if (depth > max_depth) throw Damaged("nested too deeply");
    if (++values > max_values) throw Damaged("an element is too large");
    switch (event) {
      case Event::object_start:
        if (depth == 0) root_is_object = true;
        return true;
      case Event::key:
        if (depth == 1) current = parsed.get<std::string>();
        return true;
      case Event::value:
        if (depth == 1 && root_is_object && handler.scalar) handler.scalar(current, parsed);
        return true;
      case Event::object_end:
        if (depth != 2) return true;
        values = 0;
        if (handler.element) handler.element(current, parsed);
        return false;
      default: return true;
    }
  };
  try {
    const json rest = json::parse(std::forward<Input>(input), callback);
    if (!root_is_object) return fail("not a JSON object");
    return {};
  } catch (const Damaged& damaged) {
    return fail(damaged.what());
  } catch (const json::exception& error) {
    return fail(error.what());
  }
}

}  // namespace

Result<void> read_json(std::string_view text, const JsonHandler& handler) { return read(text, handler); }

Result<void> read_json(int fd, const JsonHandler& handler) {
  const int copy = ::dup(fd);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(copy < 0 ? nullptr : ::fdopen(copy, "rb"), &std::fclose);
  if (!file) return fail("cannot read: " + system_error());
  if (std::fseek(file.get(), 0, SEEK_SET) != 0) return fail("cannot read: " + system_error());
  return read(file.get(), handler);
}

const json& member(const json& object, const char* name) {
  if (!object.is_object()) throw Damaged("an element is not an object");
  const auto at = object.find(name);
  if (at == object.end()) throw Damaged(std::string("no member `") + name + "`");
  return *at;
}

std::string text_member(const json& object, const char* name) {
  const json& value = member(object, name);
  if (!value.is_string()) throw Damaged(std::string("`") + name + "` is not a string");
  return value.get<std::string>();
}

std::uint64_t number_member(const json& object, const char* name) {
  const json& value = member(object, name);
  if (!value.is_number_unsigned()) throw Damaged(std::string("`") + name + "` is not a natural number");
  return value.get<std::uint64_t>();
}

const json& list_member(const json& object, const char* name) {
  const json& value = member(object, name);
  if (!value.is_array()) throw Damaged(std::string("`") + name + "` is not a list");
  return value;
}

}  // namespace trimcarve::report
