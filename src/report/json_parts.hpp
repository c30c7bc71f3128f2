// The shapes that recur in every JSON output: times, references, ranges, text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

// {"time": "2026-11-03T10:02:11.1234567Z", "filetime": "134..."}. The raw value is a string, since a number of its size loses digits in
// readers that keep numbers as doubles. Null when there is no time, or when it is zero.
void put_time(JsonWriter& json, FileTime time);
void put_time(JsonWriter& json, const std::optional<FileTime>& time);
void put_times(JsonWriter& json, const TimeSet& times);

void put_reference(JsonWriter& json, FileReference reference);
void put_ranges(JsonWriter& json, const std::vector<Range>& ranges);

void put_numbers(JsonWriter& json, std::string_view name, const std::vector<std::uint32_t>& sightings);
// The members of bounds, into an object that is begun.
void put_bounds_members(JsonWriter& json, const Bounds& bounds);

// The text, and, only when it is not well-formed UTF-16, `<name>_utf16le_hex` with its exact units.
void put_text(JsonWriter& json, std::string_view name, std::u16string_view text);

// Null for no_volume.
void put_volume(JsonWriter& json, std::uint32_t volume);

// Null when the text is empty.
void put_or_null(JsonWriter& json, std::string_view text);

template <class T>
void put_list(JsonWriter& json, const std::vector<T>& list) {
  json.begin_array();
  for (const T& item : list) json.value(item);
  json.end_array();
}

template <class T>
void put_optional(JsonWriter& json, const std::optional<T>& value) {
  if (value)
    json.value(*value);
  else
    json.null();
}

void put_marks(JsonWriter& json, const std::vector<RuleMark>& marks);

// "file_delete, close"
std::string usn_reasons(std::uint32_t reason);

void put_sighting(JsonWriter& json, const Sighting& sighting, std::size_t id, std::string_view record, std::uint32_t image);

// Opens an object; in JSON lines (record not empty) with its kind.
void begin_record(JsonWriter& json, std::string_view record, std::uint32_t image);

}  // namespace trimcarve::report
