#include "report/json_target.hpp"

#include "report/json_clock.hpp"
#include "report/json_parts.hpp"

namespace trimcarve::report {

namespace {

void put_instance(JsonWriter& json, const Instance& instance) {
  json.begin_object();
  put_volume(json.key("volume"), instance.volume);
  json.key("version").value(instance.version);
  json.key("state").value(instance.state);
  put_time(json.key("installed"), instance.installed);
  put_or_null(json.key("installed_basis"), instance.installed_basis);
  json.key("removed");
  if (instance.removed) {
    json.begin_object();
    put_bounds_members(json, *instance.removed);
    json.end_object();
  } else {
    json.null();
  }
  put_estimate(json.key("removed_estimate"), instance.removed_estimate);
  json.key("inherited").value(instance.inherited);
  put_numbers(json, "sightings", instance.sightings);
  json.end_object();
}

void put_scripts(JsonWriter& json, const std::vector<ScriptReport>& scripts) {
  json.begin_array();
  for (const ScriptReport& script : scripts) {
    json.begin_object();
    json.key("path").value(script.path);
    json.key("state").value(to_string(script.state));
    put_or_null(json.key("sha256"), script.sha256);
    put_or_null(json.key("recovered_as"), script.recovered_as);
    json.key("named_in_settings").value(script.named_in_settings);
    json.end_object();
  }
  json.end_array();
}

void put_sealed(JsonWriter& json, const std::optional<SealedSettings>& sealed) {
  if (!sealed) return json.null();
  json.begin_object();
  json.key("recipients").begin_array();
  for (const SealedSettings::Recipient& recipient : sealed->recipients) {
    json.begin_object();
    put_or_null(json.key("issuer"), recipient.issuer);
    put_or_null(json.key("serial"), recipient.serial);
    put_or_null(json.key("key_id"), recipient.key_id);
    put_or_null(json.key("key_algorithm"), recipient.key_algorithm);
    json.end_object();
  }
  json.end_array();
  put_or_null(json.key("content_algorithm"), sealed->content_algorithm);
  json.key("cut").value(sealed->cut);
  json.key("opened").value(sealed->opened);
  put_or_null(json.key("why_not"), sealed->why_not);
  put_or_null(json.key("command"), sealed->command);
  put_list(json.key("file_uris"), sealed->file_uris);
  put_or_null(json.key("text"), sealed->text);
  json.end_object();
}

void put_process(JsonWriter& json, const ProcessRecord& process) {
  json.begin_object();
  put_time(json.key("started"), process.started);
  put_or_null(json.key("path"), process.path);
  put_or_null(json.key("command"), process.command);
  put_or_null(json.key("parent"), process.parent);
  put_or_null(json.key("process_id"), process.process_id);
  put_or_null(json.key("user"), process.user);
  json.key("relation").value(process.relation);
  json.key("grade").value(to_string(process.grade));
  put_numbers(json, "sightings", process.sightings);
  json.end_object();
}

void put_script_texts(JsonWriter& json, const std::vector<ScriptText>& texts) {
  json.begin_array();
  for (const ScriptText& text : texts) {
    json.begin_object();
    json.key("name").value(text.name);
    json.key("relation").value(text.relation);
    json.key("grade").value(to_string(text.grade));
    put_time(json.key("time"), text.time);
    json.key("parts").value(text.parts);
    json.key("missing").value(text.missing);
    json.key("stretches").begin_array();
    for (const ScriptText::Stretch& stretch : text.stretches) {
      json.begin_object();
      json.key("first_part").value(stretch.first_part);
      json.key("last_part").value(stretch.last_part);
      json.key("text").value(stretch.text);
      json.key("sha256").value(stretch.sha256);
      put_or_null(json.key("recovered_as"), stretch.recovered_as);
      json.end_object();
    }
    json.end_array();
    put_numbers(json, "sightings", text.sightings);
    json.end_object();
  }
  json.end_array();
}

void put_cloud(JsonWriter& json, const CloudEvent& event) {
  json.begin_object();
  json.key("operation").value(event.operation);
  put_or_null(json.key("resource"), event.resource);
  put_or_null(json.key("extension_name"), event.extension_name);
  put_or_null(json.key("machine"), event.machine);
  put_or_null(json.key("handler"), event.handler);
  put_or_null(json.key("version"), event.version);
  put_or_null(json.key("caller"), event.caller);
  put_or_null(json.key("address"), event.address);
  put_or_null(json.key("correlation_id"), event.correlation_id);
  put_or_null(json.key("status"), event.status);
  put_time(json.key("first"), event.first);
  put_time(json.key("last"), event.last);
  put_or_null(json.key("match"), event.match);
  put_optional(json.key("gap_seconds"), event.gap_seconds);
  json.key("grade").value(to_string(event.grade));
  put_numbers(json, "sightings", event.sightings);
  json.end_object();
}

void put_step(JsonWriter& json, const StoryStep& step) {
  json.begin_object();
  json.key("what").value(step.what);
  put_or_null(json.key("version"), step.version);
  put_or_null(json.key("sequence"), step.sequence);
  put_time(json.key("earliest"), step.earliest);
  put_time(json.key("latest"), step.latest);
  json.key("text").value(step.text);
  json.key("grade").value(to_string(step.grade));
  if (json.key("placed"); step.placed)
    put_sequence_estimate(json, *step.placed);
  else
    json.null();
  put_or_null(json.key("note"), step.note);
  json.key("sources").begin_array();
  for (const StoryStep::Source& source : step.sources) {
    json.begin_object();
    json.key("source").value(source.source);
    put_time(json.key("time"), source.time);
    json.key("zone_stated").value(source.zone_stated);
    json.key("text").value(source.text);
    put_numbers(json, "sightings", source.sightings);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void put_run(JsonWriter& json, const RunRecord& run) {
  json.begin_object();
  put_volume(json.key("volume"), run.volume);
  json.key("sequence").value(run.sequence);
  json.key("version").value(run.version);
  put_time(json.key("started"), run.started);
  put_or_null(json.key("started_basis"), run.started_basis);
  put_time(json.key("finished"), run.finished);
  put_or_null(json.key("finished_basis"), run.finished_basis);
  put_or_null(json.key("command"), run.command);
  json.key("command_cut").value(run.command_cut);
  put_list(json.key("file_uris"), run.file_uris);
  put_optional(json.key("protected_settings"), run.protected_settings);
  put_or_null(json.key("certificate_thumbprint"), run.certificate_thumbprint);
  put_scripts(json.key("scripts"), run.scripts);
  put_scripts(json.key("made"), run.made);
  json.key("created_elsewhere").begin_array();
  for (const CreatedFile& file : run.created_elsewhere) {
    json.begin_object();
    json.key("path").value(file.path);
    put_time(json.key("created"), file.created);
    json.key("state").value(to_string(file.state));
    put_numbers(json, "sightings", file.sightings);
    json.end_object();
  }
  json.end_array();
  json.key("created_elsewhere_total").value(run.created_elsewhere_total);
  put_or_null(json.key("status"), run.status);
  put_optional(json.key("exit_code"), run.exit_code);
  put_or_null(json.key("output"), run.output);
  put_or_null(json.key("error_output"), run.error_output);
  put_sealed(json.key("sealed"), run.sealed);
  json.key("processes").begin_array();
  for (const ProcessRecord& process : run.processes) put_process(json, process);
  json.end_array();
  json.key("processes_total").value(run.processes_total);
  put_script_texts(json.key("script_texts"), run.script_texts);
  json.key("labels").begin_array();
  for (const RunLabel& label : run.labels) {
    json.begin_object();
    json.key("name").value(label.name);
    json.key("basis").value(label.basis);
    json.end_object();
  }
  json.end_array();
  put_numbers(json, "sightings", run.sightings);
  json.end_object();
}

}  // namespace

void put_target(JsonWriter& json, const TargetReport& target, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("target").value(target.target);
  json.key("verdict").value(to_string(target.verdict));
  json.key("grade").value(to_string(target.grade));
  json.key("reason").value(target.reason);
  json.key("coverage").value(target.coverage);
  json.key("instances").begin_array();
  for (const Instance& instance : target.instances) put_instance(json, instance);
  json.end_array();
  json.key("runs").begin_array();
  for (const RunRecord& run : target.runs) put_run(json, run);
  json.end_array();
  json.key("cloud").begin_array();
  for (const CloudEvent& event : target.cloud) put_cloud(json, event);
  json.end_array();
  put_script_texts(json.key("script_texts"), target.script_texts);
  json.key("story").begin_array();
  for (const StoryStep& step : target.story) put_step(json, step);
  json.end_array();
  json.end_object();
}

}  // namespace trimcarve::report
