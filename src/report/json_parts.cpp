#include "report/json_parts.hpp"

#include <fmt/format.h>

#include "report/document.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

std::string space_name(std::uint32_t space) { return space == disk_space ? "disk" : fmt::format("file:{}", space - 1); }

void put_time(JsonWriter& json, FileTime time) {
  if (time == no_time) return json.null();
  json.begin_object();
  json.key("time").value(to_iso8601(time));
  json.key("filetime").value(fmt::format("{}", time.ticks));
  json.end_object();
}

void put_time(JsonWriter& json, const std::optional<FileTime>& time) { put_time(json, time.value_or(no_time)); }

void put_times(JsonWriter& json, const TimeSet& times) {
  json.begin_object();
  put_time(json.key("created"), times.created);
  put_time(json.key("modified"), times.modified);
  put_time(json.key("changed"), times.changed);
  put_time(json.key("accessed"), times.accessed);
  json.end_object();
}

void put_reference(JsonWriter& json, FileReference reference) {
  json.begin_object();
  json.key("entry").value(reference.entry());
  json.key("sequence").value(reference.sequence());
  json.end_object();
}

void put_ranges(JsonWriter& json, const std::vector<Range>& ranges) {
  json.begin_array();
  for (const Range& range : ranges) {
    json.begin_object();
    json.key("space").value(space_name(range.space));
    json.key("offset").value(range.offset);
    json.key("length").value(range.length);
    json.end_object();
  }
  json.end_array();
}

void put_numbers(JsonWriter& json, std::string_view name, const std::vector<std::uint32_t>& sightings) {
  put_list(json.key(name), sightings);
}

void put_bounds_members(JsonWriter& json, const Bounds& bounds) {
  put_time(json.key("earliest"), bounds.earliest);
  put_time(json.key("latest"), bounds.latest);
  put_or_null(json.key("earliest_basis"), bounds.earliest_basis);
  put_or_null(json.key("latest_basis"), bounds.latest_basis);
  put_numbers(json, "earliest_sightings", bounds.earliest_sightings);
  put_numbers(json, "latest_sightings", bounds.latest_sightings);
}

void put_text(JsonWriter& json, std::string_view name, std::u16string_view text) {
  json.key(name).value(to_utf8(text));
  if (!well_formed(text)) json.key(fmt::format("{}_utf16le_hex", name)).value(to_hex_units(text));
}

void put_volume(JsonWriter& json, std::uint32_t volume) {
  if (volume == no_volume)
    json.null();
  else
    json.value(volume);
}

void put_or_null(JsonWriter& json, std::string_view text) {
  if (text.empty())
    json.null();
  else
    json.value(text);
}

void begin_record(JsonWriter& json, std::string_view record, std::uint32_t image) {
  json.begin_object();
  if (record.empty()) return;
  json.key("record").value(record);
  json.key("image").value(image);
}

void put_marks(JsonWriter& json, const std::vector<RuleMark>& marks) {
  json.begin_array();
  for (const RuleMark& mark : marks) {
    json.begin_object();
    json.key("rule").value(mark.rule);
    put_list(json.key("tags"), mark.tags);
    json.end_object();
  }
  json.end_array();
}

}  // namespace trimcarve::report
