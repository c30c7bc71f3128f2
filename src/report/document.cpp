#include "report/document.hpp"

#include <fmt/format.h>

#include "report/json_clock.hpp"
#include "report/json_parts.hpp"
#include "report/json_target.hpp"
#include "report/version.hpp"

namespace trimcarve::report {

namespace {

void put_log(JsonWriter& json, const LogReplay& log) {
  json.begin_object();
  json.key("file").value(log.file);
  json.key("replayed").value(log.replayed);
  json.key("entries").value(log.entries);
  json.key("sectors").value(log.sectors);
  json.key("changed").value(log.changed);
  json.key("changed_table").value(log.changed_table);
  json.key("changed_metadata").value(log.changed_metadata);
  json.key("changed_bitmaps").value(log.changed_bitmaps);
  json.key("changed_payload").value(log.changed_payload);
  json.key("changed_other").value(log.changed_other);
  put_ranges(json.key("ranges"), log.ranges);
  json.end_object();
}

// What the container's own structures say.
void put_container(JsonWriter& json, const SourceInfo& source) {
  json.key("blocks");
  if (source.blocks) {
    const BlockCounts& blocks = *source.blocks;
    json.begin_object();
    json.key("block_size").value(blocks.block_size);
    json.key("total").value(blocks.total);
    json.key("present").value(blocks.present);
    json.key("partially_present").value(blocks.partially_present);
    json.key("not_present").value(blocks.not_present);
    json.key("undefined").value(blocks.undefined);
    json.key("zero").value(blocks.zero);
    json.key("unmapped").value(blocks.unmapped);
    json.key("unreadable").value(blocks.unreadable);
    json.end_object();
  } else {
    json.null();
  }
  json.key("log");
  if (source.log)
    put_log(json, *source.log);
  else
    json.null();
  json.key("parents_logs").begin_array();
  for (const LogReplay& log : source.parents_logs) put_log(json, log);
  json.end_array();
  json.key("checks").begin_array();
  for (const StructureCheck& check : source.checks) {
    json.begin_object();
    json.key("structure").value(check.structure);
    json.key("state").value(check.state);
    json.key("file").value(check.file);
    json.end_object();
  }
  json.end_array();
  put_or_null(json.key("page_ranges"), source.page_ranges);
  put_or_null(json.key("acquisition_hashes"), source.acquisition_hashes);
  put_list(json.key("acquisition_notes"), source.acquisition_notes);
}

void put_source(JsonWriter& json, const SourceInfo& source, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("path").value(source.path);
  json.key("container").value(source.container);
  json.key("size").value(source.size);
  put_or_null(json.key("identifier"), source.identifier);
  put_list(json.key("files"), source.files);
  put_list(json.key("parents"), source.parents);
  put_list(json.key("warnings"), source.warnings);
  put_container(json, source);
  json.end_object();
}

void put_partition(JsonWriter& json, const PartitionInfo& partition, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("index").value(partition.index);
  json.key("scheme").value(partition.scheme);
  json.key("offset").value(partition.offset);
  json.key("size").value(partition.size);
  put_or_null(json.key("type"), partition.type);
  put_or_null(json.key("type_name"), partition.type_name);
  put_or_null(json.key("name"), partition.name);
  put_optional(json.key("volume"), partition.volume);
  json.end_object();
}

void put_volume(JsonWriter& json, const VolumeInfo& volume, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("index").value(volume.index);
  json.key("offset").value(volume.offset);
  json.key("size").value(volume.size);
  json.key("serial").value(fmt::format("{:016x}", volume.serial));
  json.key("cluster_size").value(volume.cluster_size);
  json.key("record_size").value(volume.record_size);
  json.key("records").value(volume.records);
  put_optional(json.key("shadow_of"), volume.shadow_of);
  put_time(json.key("shadow_created"), volume.shadow_created);
  json.key("free_clusters");
  if (volume.free_clusters) {
    const ClusterCounts& free = *volume.free_clusters;
    json.begin_object();
    json.key("total").value(free.total);
    put_optional(json.key("zero"), free.zero);
    put_optional(json.key("data"), free.data);
    json.key("hole").value(free.hole);
    json.key("unreadable").value(free.unreadable);
    json.end_object();
  } else {
    json.null();
  }
  json.key("state").value(volume.state);
  put_time(json.key("created"), volume.created);
  put_time(json.key("provisioned"), volume.provisioned);
  put_or_null(json.key("provisioned_basis"), volume.provisioned_basis);
  put_numbers(json, "provisioned_sightings", volume.provisioned_sightings);
  put_time(json.key("journal_created"), volume.journal_created);
  json.key("clocks").begin_array();
  for (const ClockInfo& clock : volume.clocks) put_clock(json, clock);
  json.end_array();
  json.end_object();
}

void put_witness(JsonWriter& json, const WitnessInfo& witness, std::size_t id, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("id").value(id);
  put_optional(json.key("volume"), witness.volume);
  json.key("path").value(witness.path);
  json.key("kind").value(witness.kind);
  json.key("state").value(witness.state);
  json.key("file_reference");
  if (witness.reference)
    put_reference(json, *witness.reference);
  else
    json.null();
  json.key("size").value(witness.size);
  json.key("records").value(witness.records);
  json.key("statements").value(witness.statements);
  json.key("damaged").value(witness.damaged);
  json.end_object();
}

void put_coverage(JsonWriter& json, const Coverage& coverage, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  put_optional(json.key("volume"), coverage.volume);
  json.key("source").value(coverage.source);
  put_time(json.key("first"), coverage.first);
  put_time(json.key("last"), coverage.last);
  json.key("records").value(coverage.records);
  json.key("gaps").begin_array();
  for (const Coverage::Gap& gap : coverage.gaps) {
    json.begin_object();
    json.key("offset").value(gap.offset);
    json.key("length").value(gap.length);
    json.key("why").value(gap.why);
    json.end_object();
  }
  json.end_array();
  put_or_null(json.key("note"), coverage.note);
  json.end_object();
}

void put_finding(JsonWriter& json, const Finding& finding, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("id").value(finding.id);
  json.key("target").value(finding.target);
  json.key("statement").value(finding.statement);
  json.key("grade").value(to_string(finding.grade));
  put_or_null(json.key("rule"), finding.rule);
  put_time(json.key("earliest"), finding.earliest);
  put_time(json.key("latest"), finding.latest);
  put_numbers(json, "sightings", finding.sightings);
  json.end_object();
}

void put_run_state(JsonWriter& json, const RunReport& run) {
  json.begin_object();
  json.key("vcn").value(run.vcn);
  json.key("lcn");
  if (run.lcn < 0)
    json.null();
  else
    json.value(run.lcn);
  json.key("clusters").value(run.clusters);
  json.key("state").value(to_string(run.state));
  if (!run.owner.empty()) json.key("owner").value(run.owner);
  if (!run.block.empty()) json.key("block").value(run.block);
  json.end_object();
}

void put_part(JsonWriter& json, const RecoveredPart& part) {
  json.begin_object();
  json.key("file_offset").value(part.file_offset);
  json.key("length").value(part.length);
  put_or_null(json.key("sha256"), part.sha256);
  put_ranges(json.key("ranges"), part.ranges);
  put_or_null(json.key("ranges_sha256"), part.ranges_sha256);
  put_or_null(json.key("recovered_as"), part.recovered_as);
  json.key("offset_inferred").value(part.offset_inferred);
  json.key("source").value(part.source);
  json.end_object();
}

// One file when the whole content came back in one piece.
std::string_view whole_file(const StreamReport& stream) {
  if (stream.state != ContentState::recovered || stream.parts.empty()) return {};
  return stream.parts.front().recovered_as;
}

void put_stream(JsonWriter& json, const StreamReport& stream) {
  json.begin_object();
  if (!stream.name.empty()) put_text(json, "name", stream.name);
  json.key("state").value(to_string(stream.state));
  put_or_null(json.key("why"), stream.why);
  json.key("resident").value(stream.resident);
  json.key("compressed").value(stream.compressed);
  json.key("encrypted").value(stream.encrypted);
  json.key("size").value(stream.size);
  json.key("valid_size").value(stream.valid_size);
  put_or_null(json.key("sha256"), stream.sha256);
  put_or_null(json.key("recovered_as"), whole_file(stream));
  json.key("runs").begin_array();
  for (const RunReport& run : stream.runs) put_run_state(json, run);
  json.end_array();
  json.key("parts").begin_array();
  for (const RecoveredPart& part : stream.parts) put_part(json, part);
  json.end_array();
  put_marks(json.key("marks"), stream.marks);
  json.end_object();
}

void put_deletion(JsonWriter& json, const std::optional<Deletion>& deleted) {
  if (!deleted) return json.null();
  json.begin_object();
  put_bounds_members(json, deleted->bounds);
  put_estimate(json.key("estimate"), deleted->estimate);
  json.key("sources").begin_array();
  for (const BoundingSource& source : deleted->sources) put_bounding_source(json, source);
  json.end_array();
  json.end_object();
}

void put_path(JsonWriter& json, const PathReport& path) {
  json.begin_object();
  put_text(json, "path", path.path);
  json.key("grade").value(to_string(path.grade));
  put_or_null(json.key("note"), path.note);
  put_time(json.key("from"), path.from);
  put_time(json.key("until"), path.until);
  put_numbers(json, "sightings", path.sightings);
  json.end_object();
}

void put_file(JsonWriter& json, const Examination& examination, const FileReport& file, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("volume").value(file.volume);
  put_text(json, "path", file.path);
  json.key("path_known").value(file.path_known);
  json.key("path_grade").value(to_string(file.path_grade));
  put_or_null(json.key("path_note"), file.path_note);
  put_text(json, "name", file.name);
  json.key("kind").value(file.directory ? "directory" : "file");
  json.key("state").value(to_string(file.state));
  json.key("file_reference");
  if (file.reference_known)
    put_reference(json, file.reference);
  else
    json.null();
  json.key("parent_reference");
  if (file.parent)
    put_reference(json, *file.parent);
  else
    json.null();
  put_optional(json.key("size"), file.size);
  json.key("standard_information");
  if (file.standard_information)
    put_times(json, *file.standard_information);
  else
    json.null();
  json.key("file_name");
  if (file.file_name)
    put_times(json, *file.file_name);
  else
    json.null();
  put_deletion(json.key("deleted"), file.deleted);
  json.key("created");
  if (file.created) {
    json.begin_object();
    put_bounds_members(json, *file.created);
    json.end_object();
  } else {
    json.null();
  }
  json.key("shadow_copies").begin_array();
  for (const CopyPresence& copy : file.copies) {
    json.begin_object();
    json.key("volume").value(copy.volume);
    put_time(json.key("time"), copy.time);
    json.key("state").value(copy.state);
    put_numbers(json, "sightings", copy.sightings);
    json.end_object();
  }
  json.end_array();
  json.key("estimates").begin_array();
  for (const SequenceEstimate& estimate : file.estimates) put_sequence_estimate(json, estimate);
  json.end_array();
  const bool unnamed = !file.streams.empty() && file.streams.front().name.empty();
  json.key("content");
  if (unnamed)
    put_stream(json, file.streams.front());
  else
    json.null();
  json.key("streams").begin_array();
  for (std::size_t i = unnamed ? 1 : 0; i < file.streams.size(); ++i) put_stream(json, file.streams[i]);
  json.end_array();
  json.key("paths").begin_array();
  for (const PathReport& path : file.paths) put_path(json, path);
  json.end_array();
  put_list(json.key("flags"), file.flags);
  json.key("targets").begin_array();
  for (const std::uint32_t target : file.targets)
    if (target < examination.targets.size()) json.value(examination.targets[target].target);
  json.end_array();
  put_numbers(json, "sightings", file.sightings);
  json.end_object();
}

void put_fragment(JsonWriter& json, const FragmentReport& fragment, std::size_t id, std::string_view record, std::uint32_t image) {
  constexpr std::size_t longest_excerpt = 2000;
  begin_record(json, record, image);
  json.key("id").value(id);
  put_optional(json.key("volume"), fragment.volume);
  json.key("place").value(fragment.place);
  json.key("language").value(fragment.language);
  json.key("encoding").value(fragment.encoding);
  put_list(json.key("rules"), fragment.rules);
  json.key("lines").value(fragment.lines);
  json.key("lines_matched").value(fragment.lines_matched);
  put_ranges(json.key("ranges"), fragment.ranges);
  put_or_null(json.key("ranges_sha256"), fragment.ranges_sha256);
  json.key("copies").value(fragment.copies);
  json.key("length").value(fragment.text.size());
  put_or_null(json.key("sha256"), fragment.sha256);
  put_or_null(json.key("recovered_as"), fragment.recovered_as);
  std::size_t shown = std::min(fragment.text.size(), longest_excerpt);
  while (shown < fragment.text.size() && (static_cast<unsigned char>(fragment.text[shown]) & 0xC0) == 0x80) --shown;
  json.key("excerpt").value(std::string_view(fragment.text).substr(0, shown));
  put_marks(json.key("marks"), fragment.marks);
  json.key("file");
  if (fragment.reference) {
    json.begin_object();
    put_text(json, "path", fragment.file);
    put_reference(json.key("file_reference"), *fragment.reference);
    put_optional(json.key("file_offset"), fragment.file_offset);
    json.end_object();
  } else {
    json.null();
  }
  json.end_object();
}

void put_warning(JsonWriter& json, const Warning& warning, std::string_view record, std::uint32_t image) {
  begin_record(json, record, image);
  json.key("code").value(warning.code);
  json.key("text").value(warning.text);
  put_ranges(json.key("ranges"), warning.ranges);
  json.end_object();
}

void put_head(JsonWriter& json, const Examination& examination) {
  json.key("schema").value("trimcarve/findings/1");
  json.key("tool").begin_object();
  json.key("name").value("trimcarve");
  json.key("version").value(version());
  json.end_object();
  json.key("complete").value(examination.complete);
}

// The last of JSON lines: without it a reader has not got all of them.
void put_end(JsonWriter& json, const Examination& x, std::uint32_t image) {
  begin_record(json, "end", image);
  json.key("complete").value(x.complete);
  json.key("records").value(2 + x.sources.size() + x.partitions.size() + x.volumes.size() + x.coverage.size() + x.witnesses.size() +
                            x.targets.size() + x.findings.size() + x.files.size() + x.fragments.size() + x.sightings.size() +
                            x.warnings.size());
  json.end_object();
  json.end_line();
}

// Calls put(element, index) for each element, each on a line of its own.
template <class T, class Put>
void put_long_list(JsonWriter& json, std::string_view name, const std::vector<T>& list, Put put) {
  json.key(name).begin_array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    json.new_line();
    put(list[i], i);
  }
  json.end_array();
  json.new_line();
}

}  // namespace

void write_document(const Examination& x, const Sink& sink) {
  JsonWriter json(sink);
  json.begin_object();
  put_head(json, x);
  json.new_line();
  put_long_list(json, "sources", x.sources, [&](const SourceInfo& s, std::size_t) { put_source(json, s, {}, 0); });
  put_long_list(json, "partitions", x.partitions, [&](const PartitionInfo& p, std::size_t) { put_partition(json, p, {}, 0); });
  put_long_list(json, "volumes", x.volumes, [&](const VolumeInfo& v, std::size_t) { put_volume(json, v, {}, 0); });
  put_long_list(json, "coverage", x.coverage, [&](const Coverage& c, std::size_t) { put_coverage(json, c, {}, 0); });
  put_long_list(json, "witnesses", x.witnesses, [&](const WitnessInfo& w, std::size_t i) { put_witness(json, w, i, {}, 0); });
  put_long_list(json, "targets", x.targets, [&](const TargetReport& t, std::size_t) { put_target(json, t, {}, 0); });
  put_long_list(json, "findings", x.findings, [&](const Finding& f, std::size_t) { put_finding(json, f, {}, 0); });
  put_long_list(json, "files", x.files, [&](const FileReport& f, std::size_t) { put_file(json, x, f, {}, 0); });
  put_long_list(json, "fragments", x.fragments, [&](const FragmentReport& f, std::size_t i) { put_fragment(json, f, i, {}, 0); });
  put_long_list(json, "sightings", x.sightings, [&](const Sighting& s, std::size_t i) { put_sighting(json, s, i, {}, 0); });
  put_long_list(json, "warnings", x.warnings, [&](const Warning& w, std::size_t) { put_warning(json, w, {}, 0); });
  json.end_object();
  json.end_line();
  json.flush();
}

void write_lines(const Examination& x, std::uint32_t image, const Sink& sink) {
  JsonWriter json(sink);
  begin_record(json, "examination", image);
  put_head(json, x);
  json.end_object();
  json.end_line();
  const auto lines = [&](const auto& list, auto put) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      put(list[i], i);
      json.end_line();
    }
  };
  lines(x.sources, [&](const SourceInfo& s, std::size_t) { put_source(json, s, "source", image); });
  lines(x.partitions, [&](const PartitionInfo& p, std::size_t) { put_partition(json, p, "partition", image); });
  lines(x.volumes, [&](const VolumeInfo& v, std::size_t) { put_volume(json, v, "volume", image); });
  lines(x.coverage, [&](const Coverage& c, std::size_t) { put_coverage(json, c, "coverage", image); });
  lines(x.witnesses, [&](const WitnessInfo& w, std::size_t i) { put_witness(json, w, i, "witness", image); });
  lines(x.targets, [&](const TargetReport& t, std::size_t) { put_target(json, t, "target", image); });
  lines(x.findings, [&](const Finding& f, std::size_t) { put_finding(json, f, "finding", image); });
  lines(x.files, [&](const FileReport& f, std::size_t) { put_file(json, x, f, "file", image); });
  lines(x.fragments, [&](const FragmentReport& f, std::size_t i) { put_fragment(json, f, i, "fragment", image); });
  lines(x.sightings, [&](const Sighting& s, std::size_t i) { put_sighting(json, s, i, "sighting", image); });
  lines(x.warnings, [&](const Warning& w, std::size_t) { put_warning(json, w, "warning", image); });
  put_end(json, x, image);
  json.flush();
}

}  // namespace trimcarve::report
