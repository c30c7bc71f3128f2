#include "report/case_sqlite.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string_view>

#include "report/case_schema.hpp"
#include "report/document.hpp"
#include "report/sqlite_rows.hpp"
#include "report/version.hpp"
#include "trimcarve/result.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

// An empty text is NULL.
std::optional<std::string_view> told(std::string_view text) { return text.empty() ? std::nullopt : std::optional(text); }

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

std::optional<std::uint32_t> volume_of(std::uint32_t volume) { return volume == no_volume ? std::nullopt : std::optional(volume); }

void write_input(Database& db, const Examination& x) {
  Rows meta(db, "meta"), source(db, "source"), partition(db, "partition"), volume(db, "volume"), clock(db, "clock"),
      coverage(db, "coverage"), gap(db, "coverage_gap"), witness(db, "witness"), warning(db, "warning");
  meta.add("schema", "trimcarve/case/1");
  meta.add("tool", "trimcarve");
  meta.add("version", version());
  meta.add("complete", x.complete ? "1" : "0");
  for (std::size_t i = 0; i < x.sources.size(); ++i)
    source.add(i, x.sources[i].path, x.sources[i].container, x.sources[i].size, told(x.sources[i].identifier));
  for (const PartitionInfo& p : x.partitions)
    partition.add(p.index, p.scheme, p.offset, p.size, told(p.type), told(p.type_name), told(p.name), p.volume);
  for (const VolumeInfo& v : x.volumes) {
    const auto free = [&](auto member) -> std::optional<std::uint64_t> {
      if (!v.free_clusters) return std::nullopt;
      return (*v.free_clusters).*member;
    };
    volume.add(v.index, v.offset, v.size, fmt::format("{:016x}", v.serial), v.cluster_size, v.record_size, v.records, v.shadow_of,
               v.shadow_created, v.state, v.created, v.provisioned, told(v.provisioned_basis), free(&ClusterCounts::total),
               free(&ClusterCounts::hole), free(&ClusterCounts::zero), free(&ClusterCounts::data), free(&ClusterCounts::unreadable));
    for (const ClockInfo& c : v.clocks)
      clock.add(v.index, c.sequence, c.sound, told(c.why_not), c.ticks, c.in_order, c.older, c.later, c.doubtful, c.first, c.last,
                c.held_out.tested, c.held_out.inside, c.held_out.later, c.held_out.median_width);
  }
  for (std::size_t i = 0; i < x.coverage.size(); ++i) {
    const Coverage& c = x.coverage[i];
    coverage.add(i, c.volume, c.source, c.first, c.last, c.records, told(c.note));
    for (const Coverage::Gap& g : c.gaps) gap.add(i, g.offset, g.length, g.why);
  }
  for (std::size_t i = 0; i < x.witnesses.size(); ++i) {
    const WitnessInfo& w = x.witnesses[i];
    witness.add(i, w.volume, w.path, w.kind, w.state, w.size, w.records, w.statements, w.damaged);
  }
  for (const Warning& w : x.warnings) warning.add(w.code, w.text);
}

void write_sightings(Database& db, const Examination& x) {
  Rows sighting(db, "sighting"), range(db, "sighting_range");
  for (std::size_t i = 0; i < x.sightings.size(); ++i) {
    const Sighting& s = x.sightings[i];
    std::optional<std::uint64_t> entry, usn, lsn;
    std::optional<std::uint16_t> sequence;
    std::optional<std::uint32_t> reason;
    std::optional<FileTime> time;
    if (s.reference_known) entry = s.reference.entry(), sequence = s.reference.sequence();
    if (s.lsn != 0) lsn = s.lsn;
    if (s.has_usn) usn = s.usn.usn, reason = s.usn.reason, time = s.usn.time;
    std::optional<std::u16string_view> name;
    if (!s.names.empty()) name = s.name(s.names.front());
    std::optional<std::string_view> deed, text;
    std::optional<FileTime> said_at;
    if (s.statement != nullptr) deed = to_string(s.statement->deed), text = told(s.statement->text), said_at = s.statement->time;
    sighting.add(i, to_string(s.source), volume_of(s.volume), to_string(s.integrity), entry, sequence, name, lsn, usn, time, reason, deed,
                 said_at, text, told(s.sha256));
    for (const Range& r : s.ranges) range.add(i, space_name(r.space), r.offset, r.length);
  }
}

struct TargetTables {
  explicit TargetTables(Database& db)
      : target(db, "target"),
        instance(db, "instance"),
        run(db, "run"),
        uri(db, "run_uri"),
        file(db, "run_file"),
        process(db, "run_process"),
        text(db, "script_text"),
        cloud(db, "cloud_event"),
        step(db, "step"),
        source(db, "step_source") {}
  Rows target, instance, run, uri, file, process, text, cloud, step, source;
  std::int64_t runs = 0, steps = 0, instances = 0;
};

void write_texts(TargetTables& t, std::size_t target, std::optional<std::int64_t> run, const std::vector<ScriptText>& texts) {
  for (const ScriptText& s : texts)
    for (const ScriptText::Stretch& part : s.stretches)
      t.text.add(target, run, s.name, s.relation, to_string(s.grade), s.time, part.first_part, part.last_part, s.parts, part.text,
                 part.sha256, told(part.recovered_as));
}

void write_run(TargetTables& t, std::size_t target, const RunRecord& r) {
  const std::int64_t id = t.runs++;
  t.run.add(id, target, volume_of(r.volume), r.version, r.sequence, r.started, told(r.started_basis), r.finished, told(r.finished_basis),
            told(r.command), r.command_cut, r.protected_settings, told(r.certificate_thumbprint),
            r.sealed ? told(r.sealed->command) : std::nullopt, told(r.status), r.exit_code, told(r.output), told(r.error_output));
  for (const std::string& u : r.file_uris) t.uri.add(id, u);
  if (r.sealed)
    for (const std::string& u : r.sealed->file_uris) t.uri.add(id, u);
  const auto scripts = [&](const char* role, const std::vector<ScriptReport>& list) {
    for (const ScriptReport& s : list) t.file.add(id, role, s.path, to_string(s.state), told(s.sha256), told(s.recovered_as), nullptr);
  };
  scripts("script", r.scripts);
  scripts("made", r.made);
  for (const CreatedFile& f : r.created_elsewhere) t.file.add(id, "elsewhere", f.path, to_string(f.state), nullptr, nullptr, f.created);
  for (const ProcessRecord& p : r.processes)
    t.process.add(id, p.started, told(p.path), told(p.command), told(p.parent), told(p.process_id), told(p.user), p.relation,
                  to_string(p.grade));
  write_texts(t, target, id, r.script_texts);
}

void write_targets(Database& db, const Examination& x) {
  TargetTables t(db);
  for (std::size_t i = 0; i < x.targets.size(); ++i) {
    const TargetReport& report = x.targets[i];
    t.target.add(i, report.target, to_string(report.verdict), to_string(report.grade), report.reason, report.coverage);
    for (const Instance& n : report.instances) {
      const Bounds removed = n.removed.value_or(Bounds{});
      t.instance.add(t.instances++, i, volume_of(n.volume), n.version, n.state, n.inherited, n.installed, told(n.installed_basis),
                     removed.earliest, removed.latest, told(removed.earliest_basis), told(removed.latest_basis));
    }
    for (const RunRecord& r : report.runs) write_run(t, i, r);
    write_texts(t, i, std::nullopt, report.script_texts);
    for (const CloudEvent& c : report.cloud)
      t.cloud.add(i, c.operation, told(c.resource), told(c.extension_name), told(c.machine), told(c.handler), told(c.version),
                  told(c.caller), told(c.address), told(c.correlation_id), told(c.status), c.first, c.last, told(c.match), c.gap_seconds,
                  to_string(c.grade));
    for (const StoryStep& s : report.story) {
      const std::int64_t id = t.steps++;
      const SequenceEstimate* placed = s.placed ? &*s.placed : nullptr;
      t.step.add(id, i, s.what, told(s.version), told(s.sequence), s.earliest, s.latest, s.text, to_string(s.grade),
                 placed != nullptr ? told(placed->sequence) : std::nullopt,
                 placed != nullptr ? std::optional(placed->number) : std::nullopt, placed != nullptr ? placed->estimate.earliest : no_time,
                 placed != nullptr ? placed->estimate.latest : no_time, told(s.note));
      for (const StoryStep::Source& from : s.sources) t.source.add(id, from.source, from.time, from.zone_stated, from.text);
    }
  }
  Rows finding(db, "finding"), rests(db, "finding_sighting");
  for (const Finding& f : x.findings) {
    finding.add(f.id, f.target, f.statement, to_string(f.grade), told(f.rule), f.earliest, f.latest);
    for (const std::uint32_t s : f.sightings) rests.add(f.id, s);
  }
}

void write_files(Database& db, const Examination& x) {
  Rows file(db, "file"), target(db, "file_target"), flag(db, "file_flag"), path(db, "file_path"), sighting(db, "file_sighting"),
      stream(db, "stream"), run(db, "stream_run"), part(db, "stream_part"), part_range(db, "stream_part_range"), bound(db, "file_bound"),
      by_clock(db, "file_estimate"), copy(db, "file_copy"), mark(db, "mark");
  std::int64_t streams = 0, parts = 0;
  for (std::size_t i = 0; i < x.files.size(); ++i) {
    const FileReport& f = x.files[i];
    std::optional<std::uint64_t> entry, parent_entry;
    std::optional<std::uint16_t> sequence, parent_sequence;
    if (f.reference_known) entry = f.reference.entry(), sequence = f.reference.sequence();
    if (f.parent) parent_entry = f.parent->entry(), parent_sequence = f.parent->sequence();
    const TimeSet si = f.standard_information.value_or(TimeSet{}), fn = f.file_name.value_or(TimeSet{});
    const Bounds born = f.created.value_or(Bounds{}), gone = f.deleted ? f.deleted->bounds : Bounds{};
    const std::optional<Estimate> estimate = f.deleted ? f.deleted->estimate : std::nullopt;
    std::optional<std::string> units;
    if (!well_formed(f.name)) units = to_hex_units(f.name);
    file.add(i, f.volume, f.path, f.path_known, to_string(f.path_grade), told(f.path_note), f.name, units,
             f.directory ? "directory" : "file", to_string(f.state), entry, sequence, parent_entry, parent_sequence, f.size, si.created,
             si.modified, si.changed, si.accessed, fn.created, fn.modified, fn.changed, fn.accessed, born.earliest, born.latest,
             gone.earliest, gone.latest, told(gone.earliest_basis), told(gone.latest_basis), estimate ? estimate->earliest : no_time,
             estimate ? estimate->latest : no_time, estimate ? told(estimate->method) : std::nullopt);
    if (f.deleted)
      for (const BoundingSource& b : f.deleted->sources) bound.add(i, b.basis, b.earliest, b.latest, b.agrees);
    for (const SequenceEstimate& e : f.estimates)
      by_clock.add(i, e.event, e.sequence, e.number, e.estimate.earliest, e.estimate.latest, e.estimate.method, e.widened, e.by_then);
    for (const CopyPresence& c : f.copies) copy.add(i, c.volume, c.time, c.state);
    for (const std::uint32_t t : f.targets) target.add(i, t);
    for (const std::string& text : f.flags) flag.add(i, text);
    for (const PathReport& p : f.paths) path.add(i, p.path, to_string(p.grade), told(p.note), p.from, p.until);
    for (const std::uint32_t s : f.sightings) sighting.add(i, s);
    for (const StreamReport& s : f.streams) {
      const std::int64_t id = streams++;
      std::optional<std::u16string_view> name;
      if (!s.name.empty()) name = s.name;
      stream.add(id, i, name, to_string(s.state), told(s.why), s.resident, s.compressed, s.encrypted, s.size, s.valid_size, told(s.sha256));
      for (const RuleMark& m : s.marks) mark.add(id, nullptr, m.rule, joined(m.tags));
      for (const RunReport& r : s.runs)
        run.add(id, r.vcn, r.lcn < 0 ? std::nullopt : std::optional(r.lcn), r.clusters, to_string(r.state), told(r.owner), told(r.block));
      for (const RecoveredPart& p : s.parts) {
        const std::int64_t number = parts++;
        part.add(number, id, p.file_offset, p.length, told(p.sha256), told(p.recovered_as), p.source, p.offset_inferred);
        for (const Range& r : p.ranges) part_range.add(number, space_name(r.space), r.offset, r.length);
      }
    }
  }
}

void write_fragments(Database& db, const Examination& x) {
  Rows fragment(db, "fragment"), range(db, "fragment_range"), mark(db, "mark");
  for (std::size_t i = 0; i < x.fragments.size(); ++i) {
    const FragmentReport& f = x.fragments[i];
    std::optional<std::uint64_t> entry;
    std::optional<std::uint16_t> sequence;
    std::optional<std::u16string_view> file;
    if (f.reference) entry = f.reference->entry(), sequence = f.reference->sequence(), file = f.file;
    fragment.add(i, f.volume, f.place, f.language, f.encoding, f.lines, f.lines_matched, f.copies, f.text, f.sha256, told(f.recovered_as),
                 file, entry, sequence, f.file_offset);
    for (const Range& r : f.ranges) range.add(i, space_name(r.space), r.offset, r.length);
    for (const RuleMark& m : f.marks) mark.add(nullptr, i, m.rule, joined(m.tags));
  }
}

}  // namespace

void write_case_database(const Examination& examination, const std::string& path, const std::string& shown) {
  Database db(path, shown, case_schema);
  write_input(db, examination);
  write_sightings(db, examination);
  write_targets(db, examination);
  write_files(db, examination);
  write_fragments(db, examination);
  db.finish();
}

}  // namespace trimcarve::report
