// One sighting as JSON: only what its bytes state. A part that this kind of evidence does not have is absent, not null.
#include <fmt/format.h>

#include "report/json_parts.hpp"
#include "report/usn_reasons.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

std::string_view name_of(NameSpace space) {
  switch (space) {
    case NameSpace::posix: return "posix";
    case NameSpace::win32: return "win32";
    case NameSpace::dos: return "dos";
    case NameSpace::win32_and_dos: return "win32_and_dos";
    case NameSpace::unknown: return "unknown";
  }
  return "unknown";
}

std::string_view name_of(StreamKind stream) {
  switch (stream) {
    case StreamKind::mft: return "$MFT";
    case StreamKind::usn_journal: return "$UsnJrnl:$J";
    case StreamKind::index_allocation: return "$INDEX_ALLOCATION";
    case StreamKind::log_file: return "$LogFile";
    case StreamKind::witness: return "witness";
    case StreamKind::volume: return "volume";
    case StreamKind::carved_log: return "carved $LogFile";
  }
  return "unknown";
}

std::string_view name_of(SlackRole role) {
  switch (role) {
    case SlackRole::none: return "none";
    case SlackRole::own_content: return "own_content";
    case SlackRole::directory_child: return "directory_child";
    case SlackRole::earlier_owner: return "earlier_owner";
  }
  return "unknown";
}

void put_place(JsonWriter& json, const Place& place) {
  json.begin_object();
  json.key("stream").value(name_of(place.stream));
  json.key("owner").value(place.owner);
  json.key("offset").value(place.offset);
  json.key("length").value(place.length);
  json.end_object();
}

void put_usn(JsonWriter& json, const UsnFact& usn) {
  json.begin_object();
  json.key("usn").value(usn.usn);
  put_time(json.key("time"), usn.time);
  json.key("version").value(usn.version);
  json.key("reason").value(usn.reason);
  json.key("reasons").begin_array();
  each_reason(usn.reason, [&json](std::string_view name) { json.value(name); });
  json.end_array();
  json.key("source_info").value(usn.source_info);
  json.key("attributes").value(usn.attributes);
  json.key("name_inferred").value(usn.name_inferred);
  json.end_object();
}

void put_name(JsonWriter& json, const Sighting& sighting, const NameFact& fact) {
  json.begin_object();
  put_text(json, "name", sighting.name(fact));
  json.key("namespace").value(name_of(fact.name_space));
  json.key("parent_reference");
  if (fact.parent_known || fact.parent_inferred)
    put_reference(json, fact.parent);
  else
    json.null();
  json.key("parent_inferred").value(fact.parent_inferred);
  if (fact.has_times) {
    put_times(json.key("times"), fact.times);
    json.key("allocated_size").value(fact.allocated_size);
    json.key("size").value(fact.size);
    json.key("attributes").value(fact.attributes);
  }
  json.end_object();
}

void put_stream(JsonWriter& json, const Sighting& sighting, const StreamFact& fact) {
  json.begin_object();
  put_text(json, "name", sighting.name(fact));
  json.key("type").value(fact.type);
  json.key("attribute_id").value(fact.attribute_id);
  json.key("resident").value(fact.resident);
  json.key("compressed").value(fact.compressed);
  json.key("encrypted").value(fact.encrypted);
  json.key("sparse").value(fact.sparse);
  json.key("start_vcn").value(fact.start_vcn);
  if (fact.start_vcn == 0 && fact.sizes_known) {
    json.key("allocated_size").value(fact.allocated_size);
    json.key("size").value(fact.size);
    json.key("valid_size").value(fact.valid_size);
  }
  if (fact.resident) {
    put_place(json.key("content"), fact.content);
  } else {
    json.key("runs_complete").value(fact.runs_complete);
    json.key("runs").begin_array();
    for (std::size_t i = fact.first_run, end = i + fact.run_count; i < end && i < sighting.runs.size(); ++i) {
      const RunFact& run = sighting.runs[i];
      json.begin_object();
      json.key("vcn").value(run.vcn);
      json.key("lcn");
      if (run.lcn < 0)
        json.null();
      else
        json.value(run.lcn);
      json.key("clusters").value(run.clusters);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
}

// What a witness states; members that it does not state are absent.
void put_statement(JsonWriter& json, const Statement& s) {
  json.begin_object();
  json.key("deed").value(to_string(s.deed));
  put_time(json.key("time"), s.time);
  if (!s.time_text.empty()) json.key("time_text").value(s.time_text);
  json.key("zone_stated").value(s.zone_stated);
  json.key("carved").value(s.carved);
  json.key("cut").value(s.cut);
  const auto put = [&json](std::string_view name, const std::string& text) {
    if (!text.empty()) json.key(name).value(text);
  };
  put("event", s.event);
  put("text", s.text);
  put("handler", s.handler);
  put("version", s.version);
  put("sequence", s.sequence);
  put("settings", s.settings);
  put("command", s.command);
  put("path", s.path);
  put("process", s.process);
  put("parent_process", s.parent_process);
  put("process_id", s.process_id);
  put("parent_process_id", s.parent_process_id);
  put("user", s.user);
  put("computer", s.computer);
  put("status", s.status);
  put("output", s.output);
  put("error_output", s.error_output);
  if (s.exit_code) json.key("exit_code").value(*s.exit_code);
  json.key("fields").begin_array();
  for (const auto& [name, value] : s.fields) {
    json.begin_object();
    json.key("name").value(name);
    json.key("value").value(value);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void put_record(JsonWriter& json, const Sighting& sighting) {
  json.begin_object();
  json.key("entry").value(sighting.record_entry);
  json.key("sequence").value(sighting.record_sequence);
  json.key("in_use").value(sighting.in_use);
  json.key("directory").value(sighting.directory);
  json.key("link_count").value(sighting.link_count);
  json.end_object();
}

}  // namespace

std::string usn_reasons(std::uint32_t reason) {
  std::string names;
  for (const auto& [bit, name] : reason_names)
    if ((reason & bit) != 0) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

void put_sighting(JsonWriter& json, const Sighting& sighting, std::size_t id, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("id").value(id);
  json.key("source").value(to_string(sighting.source));
  put_volume(json.key("volume"), sighting.volume);
  put_ranges(json.key("ranges"), sighting.ranges);
  put_or_null(json.key("sha256"), sighting.sha256);
  json.key("integrity").value(to_string(sighting.integrity));
  put_place(json.key("place"), sighting.place);
  json.key("file_reference");
  if (sighting.reference_known)
    put_reference(json, sighting.reference);
  else
    json.null();
  if (sighting.base_is_elsewhere) json.key("base_is_elsewhere").value(true);
  if (sighting.has_record) put_record(json.key("record_header"), sighting);
  if (sighting.lsn != 0) json.key("lsn").value(fmt::format("{}", sighting.lsn));
  if (sighting.other_lsn != 0) json.key("lsn_of_other_log").value(fmt::format("{}", sighting.other_lsn));
  if (sighting.has_standard_information) {
    json.key("standard_information").begin_object();
    put_times(json.key("times"), sighting.standard_information);
    json.key("attributes").value(sighting.file_attributes);
    json.key("usn").value(sighting.standard_usn);
    json.end_object();
  }
  if (sighting.has_container) put_reference(json.key("container"), sighting.container);
  if (sighting.slack_role != SlackRole::none) json.key("slack_role").value(name_of(sighting.slack_role));
  if (sighting.statement) put_statement(json.key("statement"), *sighting.statement);
  if (sighting.has_usn) put_usn(json.key("usn"), sighting.usn);
  json.key("names").begin_array();
  for (const NameFact& fact : sighting.names) put_name(json, sighting, fact);
  json.end_array();
  if (!sighting.streams.empty()) {
    json.key("streams").begin_array();
    for (const StreamFact& fact : sighting.streams) put_stream(json, sighting, fact);
    json.end_array();
  }
  if (!sighting.fragments.empty()) {
    json.key("fragments").begin_array();
    for (const FragmentFact& fragment : sighting.fragments) {
      json.begin_object();
      put_place(json.key("place"), fragment.place);
      json.key("file_offset").value(fragment.file_offset);
      json.key("offset_inferred").value(fragment.offset_inferred);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
}

}  // namespace trimcarve::report
