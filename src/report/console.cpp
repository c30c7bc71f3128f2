#include "report/console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "report/basis.hpp"
#include "report/document.hpp"
#include "report/kinds.hpp"
#include "report/layout.hpp"
#include "report/version.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t label_width = 13, max_findings = 20, max_warnings = 20, max_gaps = 4, max_scripts = 12, max_preview = 4096,
                      max_steps = 60, max_logs = 16, max_fragments = 12, max_fragment_lines = 4, max_marks = 40;

std::string safe(std::string_view text) { return for_terminal(text); }

std::string checks_text(const std::vector<StructureCheck>& checks) {
  std::string text;
  for (const StructureCheck& check : checks) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", check.structure, check.state);
  return text;
}

std::string log_text(const LogReplay& log) {
  std::string text = fmt::format("{}: {} entries write {} sectors of 4 KiB, {} of them otherwise than the file has them",
                                 log.replayed ? "pending, replayed in memory" : "pending, NOT replayed as asked", with_commas(log.entries),
                                 with_commas(log.sectors), with_commas(log.changed));
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count > 0) text += fmt::format("; {} in {}", with_commas(count), what);
  };
  add(log.changed_table, "the block table");
  add(log.changed_metadata, "the metadata");
  add(log.changed_bitmaps, "sector bitmaps");
  add(log.changed_payload, "the disk's own bytes");
  add(log.changed_other, "other places");
  return text;
}

std::string interval(const std::optional<FileTime>& first, const std::optional<FileTime>& last) {
  if (first && last) return *first == *last ? to_iso8601(*first) : to_iso8601(*first) + " .. " + to_iso8601(*last);
  if (first) return "after " + to_iso8601(*first);
  if (last) return "before " + to_iso8601(*last);
  return "time unknown";
}

std::string_view rendition_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::present: return "1;32";
    case Verdict::removed: return "1;31";
    case Verdict::upgraded: return "1;34";
    case Verdict::traces: return "1;33";
    case Verdict::none: return "1";
  }
  return "1";
}

class Console {
 public:
  Console(const Examination& examination, const ConsoleStyle& style, const Sink& sink)
      : x_(examination), style_(style), sink_(sink), width_(std::max<std::size_t>(style.width, 60)) {}

  void write() {
    sources();
    for (std::uint32_t i = 0; i < x_.targets.size(); ++i) target(i);
    if (x_.targets.empty()) sink_("\nNo target was asked for.\n");
    fragments();
    marks();
    coverage();
    not_looked_at();
    warnings();
    if (!x_.complete)
      sink_("\n" + marked("INCOMPLETE", "1;33") + ": parts of the evidence could not be read; what is missing is listed above.\n");
  }

  void write_info() {
    sources();
    coverage();
    warnings();
    if (!x_.complete)
      sink_("\n" + marked("INCOMPLETE", "1;33") + ": parts of the input could not be read; what is missing is listed above.\n");
  }

 private:
  // `rendition`: parameters of SGR (ECMA-48, 8.3.117).
  std::string marked(std::string_view text, std::string_view rendition) const {
    return style_.colour ? fmt::format("\x1b[{}m{}\x1b[0m", rendition, text) : std::string(text);
  }
  std::string bold(std::string_view text) const { return marked(text, "1"); }

  // "  label        text", wrapped under itself. Nothing when there is no text.
  void field(std::size_t indent, std::string_view label, std::string_view text) {
    if (text.empty()) return;
    const std::size_t left = indent + label_width;
    const std::string head = label.size() < label_width ? padded(label, label_width) : std::string(label) + " ";
    sink_(std::string(indent, ' ') + head + wrapped(safe(text), width_ - left, left) + "\n");
  }

  void heading(std::string_view text) { sink_("\n" + bold(text) + "\n"); }

  void sources() {
    sink_(fmt::format("trimcarve {}; all times are UTC\n", version()));
    for (const SourceInfo& source : x_.sources) {
      heading(safe(source.path));
      std::string what = source.container + ", " + bytes_for_people(source.size) + " (" + with_commas(source.size) + ")";
      if (!source.identifier.empty()) what += ", " + source.identifier;
      field(2, "container", what);
      if (!source.acquisition_hashes.empty()) field(2, "acquired", source.acquisition_hashes + " (stated, not checked)");
      for (const std::string& note : source.acquisition_notes) field(2, "stated", note);
      for (const std::string& parent : source.parents) field(2, "parent", parent);
      if (source.blocks) field(2, "blocks", blocks_text(*source.blocks));
      if (source.log) field(2, "log", log_text(*source.log));
      if (x_.targets.empty() && !source.checks.empty()) field(2, "checksums", checks_text(source.checks));
      if (!source.page_ranges.empty()) field(2, "page ranges", source.page_ranges);
      for (const LogReplay& log : source.parents_logs) field(2, "parent's log", log.file + ": " + log_text(log));
      for (const std::string& warning : source.warnings) field(2, "warning", warning);
    }
    // Of the table only info tells: a report is of volumes.
    if (x_.targets.empty()) {
      for (const PartitionInfo& partition : x_.partitions) this->partition(partition);
      if (x_.partitions.empty()) field(2, "partitions", "no table that is known, and no volume at the beginning");
    }
    for (const VolumeInfo& volume : x_.volumes) this->volume(volume);
  }

  void partition(const PartitionInfo& partition) {
    if (partition.scheme == "none") return field(2, "partitions", "no table: the disk is one volume");
    std::string text = fmt::format("{} {}, at byte {}, {}", partition.scheme, partition.type, with_commas(partition.offset),
                                   bytes_for_people(partition.size));
    if (!partition.type_name.empty()) text += ", " + partition.type_name;
    if (!partition.name.empty()) text += ", \"" + partition.name + "\"";
    if (partition.volume) text += fmt::format(": volume {}", *partition.volume);
    field(2, fmt::format("partition {}", partition.index), text);
  }

  void volume(const VolumeInfo& volume) {
    std::string text = fmt::format("at byte {}, {}", with_commas(volume.offset), bytes_for_people(volume.size));
    if (volume.size == 0 && volume.state == "examined")  // no disk: what extracted artefacts tell of it
      text = fmt::format("from extracted artefacts, {} FILE records", with_commas(volume.records));
    else if (volume.state == "examined")
      text += fmt::format(", serial {:016X}, clusters of {}, {} FILE records of {} bytes", volume.serial,
                          bytes_for_people(volume.cluster_size), with_commas(volume.records), volume.record_size);
    else
      text += ", NOT examined: " + volume.state;
    if (volume.shadow_of)
      text = fmt::format("shadow copy of volume {}, made at {}{}", *volume.shadow_of,
                         volume.shadow_created ? to_iso8601(*volume.shadow_created) : "a time that is not known",
                         volume.state == "examined" ? "" : ", NOT examined: " + volume.state);
    field(2, fmt::format("volume {}", volume.index), text);
    if (volume.created) field(4, "created", to_iso8601(*volume.created));
    if (volume.provisioned) {
      std::string when = to_iso8601(*volume.provisioned);
      if (!volume.provisioned_basis.empty()) when += " (" + volume.provisioned_basis + ")";
      field(4, "provisioned", when);
    }
    for (const ClockInfo& clock : volume.clocks) this->clock(clock);
    if (volume.free_clusters) {
      const ClusterCounts& free = *volume.free_clusters;
      std::string counts = fmt::format("{} clusters", with_commas(free.total));
      const auto add = [&counts](std::uint64_t count, const char* what) {
        if (count > 0) counts += fmt::format("; {} {}", with_commas(count), what);
      };
      add(free.hole, "without stored bytes");
      add(free.zero.value_or(0), "zero");
      add(free.data.value_or(0), "with data");
      if (!free.data && free.total > free.hole + free.unreadable)
        add(free.total - free.hole - free.unreadable, "with stored bytes, not read");
      add(free.unreadable, "unreadable");
      field(4, "free", counts);
    }
  }

  void target(std::uint32_t index) {
    const TargetReport& target = x_.targets[index];
    std::string verdict(to_string(target.verdict));
    std::ranges::transform(verdict, verdict.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (target.verdict == Verdict::none) verdict = "NOTHING FOUND";
    sink_("\n" + std::string(std::min<std::size_t>(width_, 100), '=') + "\n");
    sink_(marked(fmt::format("{}: {}", safe(target.target), verdict), rendition_of(target.verdict)) +
          fmt::format("  ({})\n", to_string(target.grade)));
    field(2, "why", target.reason);
    // Where something was found the sources are listed below; where nothing was, they are what the answer is worth.
    if (target.verdict == Verdict::none || target.verdict == Verdict::traces)
      field(2, "coverage", target.coverage.empty() ? "not known: this answer proves nothing" : target.coverage);
    for (const Instance& instance : target.instances) this->instance(instance);
    for (const RunRecord& run : target.runs) this->run(run);
    for (const ScriptText& text : target.script_texts) script_text(text);
    story(target);
    findings(target.target);
    write_tree(x_, index, style_, sink_);
  }

  void bounds(std::size_t indent, std::string_view label, const Bounds& bounds) {
    field(indent, label, interval(bounds.earliest, bounds.latest));
    if (!bounds.earliest_basis.empty() && bounds.earliest == bounds.latest && bounds.earliest_basis == bounds.latest_basis)
      return field(indent + 2, "source", explain_basis(bounds.earliest_basis));
    if (!bounds.earliest_basis.empty()) field(indent + 2, "not before", explain_basis(bounds.earliest_basis));
    if (!bounds.latest_basis.empty()) field(indent + 2, "not after", explain_basis(bounds.latest_basis));
  }

  void estimate(std::size_t indent, const Estimate& estimate) {
    const auto end = [](FileTime time) { return time == no_time ? std::optional<FileTime>() : time; };
    field(indent, "estimate", fmt::format("{} ({})", interval(end(estimate.earliest), end(estimate.latest)), estimate.method));
  }

  void clock(const ClockInfo& clock) {
    const auto& held = clock.held_out;
    std::string text = clock.sound ? "sound" : "not sound: " + clock.why_not;
    const std::string span =
        clock.first && clock.last ? fmt::format(" from {} to {}", seconds_of(*clock.first), seconds_of(*clock.last)) : "";
    text += fmt::format("; {} dated records{}, {} in order", with_commas(clock.ticks), span, with_commas(clock.in_order));
    if (clock.later + clock.doubtful != 0) text += fmt::format(", {} later than others allow", with_commas(clock.later + clock.doubtful));
    if (held.inside + held.later != 0)
      text +=
          fmt::format("; held out: {} inside, {} later, {} older; median width {:.3f} s", with_commas(held.inside), with_commas(held.later),
                      with_commas(held.older), static_cast<double>(held.median_width) / static_cast<double>(ticks_per_second));
    for (const ClockInfo::SetBack& set_back : clock.set_backs)
      text += fmt::format("; set back from {} to {} (at {})", seconds_of(set_back.from), seconds_of(set_back.to), set_back.number);
    if (clock.restarted_at) text += fmt::format("; began anew: what is above {} is of an earlier sequence", *clock.restarted_at);
    field(4, clock.sequence == "lsn" ? "LSN clock" : "USN clock", text);
  }

  static std::string time_with_basis(const std::optional<FileTime>& time, const std::string& basis) {
    if (!time) return basis.empty() ? "" : "time unknown (" + basis + ")";
    return to_iso8601(*time) + (basis.empty() ? "" : " (" + explain_basis(basis) + ")");
  }

  void instance(const Instance& instance) {
    sink_(fmt::format("\n  Version {}: {}{}\n", safe(instance.version.empty() ? "unknown" : instance.version), safe(instance.state),
                      instance.inherited ? ", inherited from the image this machine was made of" : ""));
    const std::string installed = time_with_basis(instance.installed, instance.installed_basis);
    field(4, "installed", installed.empty() ? "time unknown" : installed);
    if (instance.removed) bounds(4, "removed", *instance.removed);
    if (instance.removed_estimate &&
        !(instance.removed && instance.removed->earliest && instance.removed->earliest == instance.removed->latest))
      estimate(6, *instance.removed_estimate);
  }

  void scripts(std::string_view label, const std::vector<ScriptReport>& scripts) {
    for (std::size_t i = 0; i < scripts.size(); ++i) {
      if (i == max_scripts) {
        field(4, "", fmt::format("and {} more", scripts.size() - i));
        break;
      }
      const ScriptReport& script = scripts[i];
      std::string text = below_version(script.path) + ": " + std::string(to_string(script.state));
      if (script.named_in_settings) text += ", named in the settings";
      if (!script.recovered_as.empty()) text += ", see " + script.recovered_as;
      field(4, label, text);
      if (!script.sha256.empty()) field(6, "sha256", script.sha256);
      if (const std::string content = text_of(script.path); !content.empty()) excerpt("", content);
    }
  }

  // `\Packages\Plugins\<handler>\<version>\Downloads\0\x.ps1` as `Downloads\0\x.ps1`: the run's heading names the rest.
  static std::string below_version(std::string_view path) {
    std::size_t at = 0;
    for (int component = 0; component < 5; ++component) {
      at = path.find('\\', at);
      if (at == std::string_view::npos) return std::string(path);
      ++at;
    }
    return path.starts_with("\\Packages\\Plugins\\") ? std::string(path.substr(at)) : std::string(path);
  }

  // The beginning of a recovered script; nothing when it is not text.
  std::string text_of(std::string_view path) const {
    for (const FileReport& file : x_.files) {
      if (file.streams.empty() || file.streams.front().parts.empty() || to_utf8(file.path) != path) continue;
      const RecoveredPart& part = file.streams.front().parts.front();
      if (part.bytes == nullptr) return {};
      std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(part.length, max_preview)), '\0');
      if (!part.bytes->read_at(0, std::as_writable_bytes(std::span(text)))) return {};
      if (text.find('\0') != std::string::npos) return {};
      return text;
    }
    return {};
  }

  void excerpt(std::string_view label, const std::string& text, std::size_t most = std::numeric_limits<std::size_t>::max()) {
    std::size_t shown = 0, lines = 0;
    for (std::size_t at = 0; at < text.size();) {
      auto end = std::min(text.find('\n', at), text.size());
      std::string_view line = std::string_view(text).substr(at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (shown < std::min(style_.output_lines, most)) {
        sink_("    " + padded(shown == 0 ? label : "", label_width) + "| " + fitted(safe(line), width_ - 6 - label_width) + "\n");
        ++shown;
      }
      ++lines;
      at = end + 1;
    }
    if (lines > shown) sink_("    " + std::string(label_width, ' ') + fmt::format("  and {} more lines\n", lines - shown));
  }

  void run(const RunRecord& run) {
    sink_(fmt::format("\n  Run {} of version {}\n", safe(run.sequence.empty() ? "?" : run.sequence),
                      safe(run.version.empty() ? "unknown" : run.version)));
    field(4, "started", time_with_basis(run.started, run.started_basis));
    field(4, "finished", time_with_basis(run.finished, run.finished_basis));
    field(4, "command", run.command.empty() ? "not recovered" : run.command);
    if (run.command_cut) field(4, "", "(what came back ends here: the command may go on)");
    for (const std::string& uri : run.file_uris) field(4, "download", uri);
    if (!run.protected_settings)
      field(4, "protected", "not known: the settings are not back");
    else if (*run.protected_settings)
      field(4, "protected",
            "settings were encrypted" + (run.certificate_thumbprint.empty() ? "" : "; certificate " + run.certificate_thumbprint));
    if (run.sealed) sealed(*run.sealed);
    for (const RunLabel& label : run.labels) field(4, "looks like", fmt::format("{} ({})", label.name, label.basis));
    scripts("script", run.scripts);
    scripts("made", run.made);
    for (std::size_t i = 0; i < run.processes.size() && i < max_scripts; ++i) {
      const ProcessRecord& process = run.processes[i];
      field(4, i == 0 ? "processes" : "",
            fmt::format("{} {} ({}; {})", process.started ? seconds_of(*process.started) : "time unknown",
                        process.command.empty() ? process.path : process.command, process.relation, to_string(process.grade)));
    }
    const std::uint64_t shown = std::min(max_scripts, run.processes.size());
    if (run.processes_total > shown) field(4, "", fmt::format("and {} more", run.processes_total - shown));
    for (const ScriptText& text : run.script_texts) script_text(text);
    for (std::size_t i = 0; i < run.created_elsewhere.size() && i < max_scripts; ++i) {
      const CreatedFile& file = run.created_elsewhere[i];
      field(4, i == 0 ? "meanwhile" : "", fmt::format("{} {} ({})", seconds_of(file.created), file.path, to_string(file.state)));
    }
    if (run.created_elsewhere_total > std::min(max_scripts, run.created_elsewhere.size()))
      field(4, "",
            fmt::format("and {} more files created elsewhere on the volume while it ran; by whom the journal does not say",
                        run.created_elsewhere_total - std::min(max_scripts, run.created_elsewhere.size())));
    std::string outcome = run.status;
    if (run.exit_code) outcome += fmt::format("{}exit code {}", outcome.empty() ? "" : ", ", *run.exit_code);
    field(4, "outcome", outcome.empty() ? "not recovered" : outcome);
    excerpt("output", run.output);
    excerpt("errors", run.error_output);
  }

  void sealed(const SealedSettings& sealed) {
    for (const SealedSettings::Recipient& recipient : sealed.recipients)
      field(4, "sealed for",
            fmt::format("{}{}{}, {}", recipient.issuer, recipient.serial.empty() ? "" : ", serial ",
                        recipient.serial.empty() ? recipient.key_id : recipient.serial, recipient.key_algorithm));
    std::string text = sealed.content_algorithm;
    if (sealed.cut) text += "; only its beginning came back";
    text += sealed.opened ? "; opened with the given key" : sealed.why_not.empty() ? "" : "; not opened: " + sealed.why_not;
    field(4, "envelope", text);
    if (sealed.opened) field(4, "in it", sealed.command.empty() ? sealed.text : sealed.command);
    for (const std::string& uri : sealed.file_uris) field(4, "download", uri);
  }

  void script_text(const ScriptText& text) {
    field(4, "script text",
          fmt::format("{}: {}{} ({})", text.name,
                      text.missing == 0 ? (text.parts > 1 ? fmt::format("all {} parts", text.parts) : std::string("whole"))
                                        : fmt::format("{} of {} parts", text.parts - text.missing, text.parts),
                      text.time ? ", " + seconds_of(*text.time) : "", text.relation));
    for (const ScriptText::Stretch& stretch : text.stretches) {
      field(6, "sha256", stretch.sha256);
      if (!stretch.recovered_as.empty()) field(6, "see", stretch.recovered_as);
      excerpt("", stretch.text.substr(0, max_preview));
    }
  }

  // What happened, in order, with the kinds of evidence that tell of each step.
  void story(const TargetReport& target) {
    if (target.story.empty()) return;
    sink_("\n  What happened\n");
    for (std::size_t i = 0; i < target.story.size(); ++i) {
      if (i == max_steps) {
        sink_(fmt::format("    and {} more steps\n", target.story.size() - i));
        break;
      }
      const StoryStep& step = target.story[i];
      std::string by;
      for (const StoryStep::Source& source : step.sources)
        if (by.find(source.source) == std::string::npos) by += (by.empty() ? "" : ", ") + source.source;
      std::string when = interval(step.earliest, step.latest);
      if (step.earliest && step.earliest == step.latest) when = seconds_of(*step.earliest);
      if (step.placed && !(step.earliest && step.earliest == step.latest)) {
        if (!step.earliest && !step.latest) when.clear();
        const auto end = [](FileTime time) { return time == no_time ? std::optional<FileTime>() : time; };
        when += fmt::format("{}about {} by {} {}", when.empty() ? "" : ", ",
                            interval(end(step.placed->estimate.earliest), end(step.placed->estimate.latest)),
                            step.placed->sequence == "lsn" ? "LSN" : "USN", step.placed->number);
      }
      const std::string note = step.note.empty() ? "" : "; " + step.note;
      field(4, step.what, fmt::format("{}: {}{} [{}; {}]", when, step.text, note, by, to_string(step.grade)));
    }
  }

  void findings(const std::string& target) {
    std::size_t shown = 0, all = 0;
    for (const Finding& finding : x_.findings) {
      if (finding.target != target) continue;
      // What contradicts is never among those left out.
      if (all++ >= max_findings && finding.grade != Grade::contradicted) continue;
      if (shown++ == 0) sink_("\n  Findings\n");
      std::string text =
          finding.statement + " [" + std::string(to_string(finding.grade)) + (finding.rule.empty() ? "" : ": " + finding.rule) + "]";
      if (finding.earliest || finding.latest) text += " " + interval(finding.earliest, finding.latest);
      field(4, finding.id, text);
    }
    if (all > shown) sink_(fmt::format("    and {} more\n", all - shown));
  }

  // By what they are; those of known files and the longest of the others are shown.
  void fragments() {
    if (x_.fragments.empty()) return;
    heading(fmt::format("Text found in free space and slack: {} fragments", with_commas(x_.fragments.size())));
    std::map<std::string, std::pair<std::size_t, std::uint64_t>> by_language;
    std::vector<const FragmentReport*> all;
    for (const FragmentReport& fragment : x_.fragments) {
      auto& [count, bytes] = by_language[fragment.language];
      ++count, bytes += fragment.text.size();
      all.push_back(&fragment);
    }
    for (const auto& [language, counts] : by_language)
      field(2, language, fmt::format("{} fragments, {}", with_commas(counts.first), bytes_for_people(counts.second)));
    std::ranges::stable_sort(all, [](const FragmentReport* a, const FragmentReport* b) {
      if (a->file.empty() != b->file.empty()) return b->file.empty();
      return a->text.size() > b->text.size();
    });
    for (std::size_t i = 0; i < all.size() && i < max_fragments; ++i) {
      const FragmentReport& fragment = *all[i];
      std::string text = fmt::format("{} bytes, {}", with_commas(fragment.text.size()), fragment.place);
      if (!fragment.ranges.empty())
        text += fmt::format(" at {} {}", space_name(fragment.ranges.front().space), fragment.ranges.front().offset);
      if (!fragment.file.empty()) text += ", of " + to_utf8(fragment.file);
      if (!fragment.recovered_as.empty()) text += ", see " + fragment.recovered_as;
      field(4, fragment.language, text);
      excerpt("", fragment.text.substr(0, max_preview), max_fragment_lines);
    }
    if (all.size() > max_fragments) sink_(fmt::format("    and {} more; all of them with -o DIR or --json\n", all.size() - max_fragments));
  }

  // What the examiner's own rules matched.
  void marks() {
    std::size_t shown = 0, all = 0;
    const auto tell = [&](const std::vector<RuleMark>& marks, const std::string& what) {
      for (const RuleMark& mark : marks) {
        if (all++ == 0) heading("Examiner's rules that match");
        if (shown == max_marks) continue;
        ++shown;
        std::string tags;
        for (const std::string& tag : mark.tags) tags += (tags.empty() ? " [" : ", ") + tag;
        field(2, mark.rule, what + (tags.empty() ? "" : tags + "]"));
      }
    };
    for (const FileReport& file : x_.files)
      for (const StreamReport& stream : file.streams) tell(stream.marks, to_utf8(file.path));
    for (std::size_t i = 0; i < x_.fragments.size(); ++i)
      tell(x_.fragments[i].marks, fmt::format("fragment {} ({})", i, x_.fragments[i].language));
    if (all > shown) sink_(fmt::format("    and {} more; all of them with -o DIR or --json\n", all - shown));
  }

  void coverage() {
    heading("What was looked at, and for which time it speaks");
    if (x_.coverage.empty()) sink_("  nothing\n");
    std::size_t logs = 0;
    for (const Coverage& coverage : x_.coverage) {
      const bool log = coverage.source.find(':') != std::string::npos;  // a witness: there may be hundreds
      if (log && ++logs > max_logs) continue;
      std::string text = coverage.first || coverage.last ? interval(coverage.first, coverage.last) : "no times";
      text += fmt::format(", {} records", with_commas(coverage.records));
      const std::size_t colon = coverage.source.find(':');
      if (log) text = coverage.source.substr(colon + 1) + ": " + text;
      const std::string source = coverage.source.substr(0, colon);
      field(2, x_.volumes.size() > 1 && coverage.volume ? fmt::format("{}: {}", *coverage.volume, source) : source, text);
      field(2, "", coverage.note);
      for (std::size_t i = 0; i < coverage.gaps.size(); ++i) {
        if (i == max_gaps) {
          field(4, "gap", fmt::format("and {} more", coverage.gaps.size() - i));
          break;
        }
        const Coverage::Gap& gap = coverage.gaps[i];
        field(4, "gap", fmt::format("{} at {}: {}", bytes_for_people(gap.length), with_commas(gap.offset), gap.why));
      }
    }
    if (logs > max_logs) sink_(fmt::format("  and {} more logs and hives; all of them with -o DIR or --json\n", logs - max_logs));
  }

  void not_looked_at() {
    std::string missing;
    for (const std::string_view name : kinds_not_covered(x_)) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
    heading("What was not looked at");
    if (!missing.empty()) sink_("  " + wrapped(missing, width_ - 2, 2) + "\n");
    for (const VolumeInfo& volume : x_.volumes)
      if (volume.state != "examined") field(2, fmt::format("volume {}", volume.index), volume.state);
  }

  void warnings() {
    if (x_.warnings.empty()) return;
    heading(fmt::format("Warnings: {}", x_.warnings.size()));
    for (std::size_t i = 0; i < x_.warnings.size(); ++i) {
      if (i == max_warnings) {
        sink_(fmt::format("  and {} more; all of them with -o DIR or --json\n", x_.warnings.size() - i));
        break;
      }
      const Warning& warning = x_.warnings[i];
      std::string text = warning.text;
      if (!warning.ranges.empty()) {
        const Range& range = warning.ranges.front();
        text += fmt::format(" (at {} {}+{}{})", space_name(range.space), range.offset, range.length,
                            warning.ranges.size() > 1 ? fmt::format(" and {} more", warning.ranges.size() - 1) : "");
      }
      sink_("  " + safe(warning.code) + "\n    " + wrapped(safe(text), width_ - 4, 4) + "\n");
    }
  }

  const Examination& x_;
  const ConsoleStyle& style_;
  const Sink& sink_;
  std::size_t width_;
};

}  // namespace

void write_info(const Examination& examination, const ConsoleStyle& style, const Sink& sink) {
  Console(examination, style, sink).write_info();
}

void write_console(const Examination& examination, const ConsoleStyle& style, const Sink& sink) {
  Console(examination, style, sink).write();
}

}  // namespace trimcarve::report
