// The findings that stand beside a verdict: of instances, runs, contents, journals, clusters.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "findings/judge_case.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

// "1.10.20"; where the profile has several handlers, or any: "1.10.20 of <handler>".
std::string Judge::version_of(std::size_t n) const {
  const Instance& instance = report_.instances[n];
  const std::string handler = folders_[n] == nullptr ? std::string() : place(folders_[n]->path, true).handler;
  return target_.profile->handlers.size() == 1 || handler.empty() ? instance.version : fmt::format("{} of {}", instance.version, handler);
}

void Judge::tell_instances() {
  for (std::size_t n = 0; n < report_.instances.size(); ++n) {
    const Instance& instance = report_.instances[n];
    if (instance.installed) {
      Finding& f = say(
          fmt::format("Version {} was installed ({})", version_of(n), folders_[n] == nullptr ? "as a log says" : "its folder was created"),
          Grade::established, instance.sightings);
      f.earliest = f.latest = instance.installed;
    }
    if (instance.state == "removed" || instance.state == "upgraded") {
      if (folders_[n] == nullptr && n < shadow_instances_end_) {
        Finding& f = say(fmt::format("Version {} was removed: it is in a volume shadow copy, and the volume has it no more", version_of(n)),
                         Grade::inferred, instance.sightings, "in use in a shadow copy, and in no record in use on the volume");
        f.earliest = instance.removed->earliest;
        continue;
      }
      if (folders_[n] == nullptr) {
        const bool searched = instance.volume != no_volume && volume_was_read();
        Finding& f =
            say(fmt::format("Version {} was on {} machine, as witnesses tell, and {}", version_of(n), searched ? "this" : "a",
                            searched ? "its folder is not on the volume" : "was uninstalled"),
                Grade::inferred, instance.sightings,
                searched ? "told of by witnesses, and no record on the volume is its folder's" : "a witness names it and its removal");
        if (instance.removed) f.earliest = instance.removed->earliest, f.latest = instance.removed->latest;
        continue;
      }
      const FileReport& folder = *folders_[n];
      const Proof proof = prove_deletion(folder, out_);
      const auto successor = successors_.find(&folder);
      Finding& f = say(successor == successors_.end() ? fmt::format("Version {} was removed", version_of(n))
                                                      : fmt::format("Version {} was removed and a newer one, {}, is there (upgraded)",
                                                                    version_of(n), successor->second),
                       proof.grade, instance.sightings, proof.rule);
      if (instance.removed) f.earliest = instance.removed->earliest, f.latest = instance.removed->latest;
    }
    if (instance.inherited) {
      const FileTime start = *provisioned(instance.volume);
      std::string end = instance.state == "present"   ? "it is still there"
                        : instance.state == "unknown" ? "whether it is still there is not known"
                                                      : "whether it was removed before or after is not known";
      if (instance.removed && instance.removed->latest && *instance.removed->latest < start)
        end = "it was gone before then";
      else if (instance.removed && instance.removed->earliest && *instance.removed->earliest > start)
        end = "it was removed on this machine";
      say(fmt::format("Version {} was installed before this machine was provisioned ({}): it came with the image; {}", version_of(n),
                      to_iso8601(start), end),
          Grade::inferred, instance.sightings, "created before the marks of this machine's first start");
    }
  }
  for (const VolumeInfo& volume : out_.volumes) {
    if (!volume.provisioned) continue;
    const bool asked = std::ranges::any_of(report_.instances, [&](const Instance& i) { return i.volume == volume.index; });
    if (asked)
      say(fmt::format("This machine was provisioned at {} ({})", to_iso8601(*volume.provisioned), volume.provisioned_basis),
          Grade::inferred, {}, "creation of the marks of Windows setup and provisioning");
  }
}

void Judge::tell_runs() {
  for (const RunRecord& run : report_.runs) {
    const bool known = !run.sequence.empty(), orphan = is_orphan(run, out_);
    std::string text =
        known ? fmt::format("Sequence {} of version {} was requested", run.sequence, run.version.empty() ? "(unknown)" : run.version)
              : fmt::format("A run of version {} left files in its download folder", run.version.empty() ? "(unknown)" : run.version);
    if (orphan) text = "A request's settings lie where no file is known: its sequence number and version are not known";
    if (!run.command.empty()) text += (run.command_cut ? "; command, of which the end is not back: " : "; command: ") + run.command;
    if (run.protected_settings.value_or(false)) {
      text += "; with protected settings";
      if (!run.certificate_thumbprint.empty()) text += " (certificate " + run.certificate_thumbprint + ")";
    }
    if (!run.status.empty()) text += "; status " + run.status;
    if (run.exit_code) text += fmt::format("; exit code {}", *run.exit_code);
    Finding& f = say(std::move(text), known ? Grade::established : Grade::inferred, run.sightings,
                     known    ? ""
                     : orphan ? "keys that only this extension's settings have"
                              : "files below Downloads without settings or status");
    f.earliest = run.started;
    f.latest = run.finished && (!run.started || *run.finished >= *run.started) ? run.finished : run.started;  // clocks may be set back
  }
  for (const PlacedFile& f : in_tree_) {
    if (f.placed.area != Area::download || f.file->streams.empty()) continue;
    const StreamReport& stream = f.file->streams.front();
    if (stream.parts.empty()) continue;
    const std::string path = to_utf8(f.file->path) + (stream.name.empty() ? "" : ":" + to_utf8(stream.name));
    const std::string_view verb = f.file->state == FileState::live ? "was read" : "came back";
    say(stream.state == ContentState::recovered
            ? fmt::format("The content of {} {}: {} bytes, SHA-256 {}", path, verb, stream.size, stream.sha256)
            : fmt::format("A part of {} {}: {}", path, verb, stream.why),
        Grade::established, f.file->sightings);
  }
}

// A journal that is younger than the installation was deleted and made anew, or made for the first time then: what happened before it
// began is not in it. Nobody needs to have meant anything by it; the examiner must know.
void Judge::tell_journal() {
  for (const VolumeInfo& volume : out_.volumes) {
    if (!volume.journal_created || *volume.journal_created == no_time) continue;
    for (std::size_t n = 0; n < report_.instances.size(); ++n) {
      const Instance& instance = report_.instances[n];
      if (instance.volume != volume.index || !instance.installed || *instance.installed >= *volume.journal_created) continue;
      Finding& f =
          say(fmt::format(
                  "The change journal of volume {} was created at {}, after version {} was installed: it cannot speak of what was before",
                  volume.index, to_iso8601(*volume.journal_created), version_of(n)),
              Grade::established, instance.sightings);
      f.earliest = f.latest = volume.journal_created;
      break;
    }
  }
}

void Judge::tell_aliases() {
  for (const PlacedFile& f : files_)
    if (has_flag(*f.file, "renamed_to_extend_deleted"))
      say(fmt::format("{} was deleted while it was open: it was renamed into \\$Extend\\$Deleted", to_utf8(f.file->path)),
          Grade::established, f.file->sightings);
}

void Judge::tell_logs() {
  for (const PlacedFile& f : files_)
    if (f.placed.area == Area::logs && f.file->directory && f.placed.version.empty() && f.file->state == FileState::live &&
        to_utf8(f.file->name) == f.placed.handler)
      say(fmt::format("Its log folder is still there: {}", told(*f.file)), Grade::established, f.file->sightings);
}

void Judge::tell_contradictions() {
  for (const PlacedFile& f : files_)
    for (const std::string& flag : f.file->flags)
      if (flag.starts_with("contradiction: "))
        say(fmt::format("{}: {}", to_utf8(f.file->path), flag.substr(15)), Grade::contradicted, f.file->sightings);
}

// What TRIM left of the deleted files' clusters, as one number each.
void Judge::tell_clusters() {
  std::map<RunState, std::uint64_t> clusters;
  std::vector<std::uint32_t> records;  // whose run lists they are
  std::uint64_t total = 0;
  for (const PlacedFile& f : files_) {
    if (f.file->state != FileState::deleted) continue;
    const std::uint64_t before = total;
    for (const StreamReport& stream : f.file->streams)
      for (const RunReport& run : stream.runs)
        if (run.state != RunState::sparse && run.state != RunState::beyond_valid && run.owner != "not in this evidence") {
          clusters[run.state] += run.clusters;
          total += run.clusters;
        }
    if (total == before) continue;
    std::ranges::copy_if(f.file->sightings, std::back_inserter(records),
                         [this](std::uint32_t n) { return !out_.sightings[n].runs.empty(); });
  }
  if (total == 0) return;
  std::vector<std::string> parts;
  for (const auto& [state, count] : clusters)
    parts.push_back(fmt::format("{} {}", count, state == RunState::zero ? "zero (cause unknown)" : to_string(state)));
  say(fmt::format("Of the {} clusters that the deleted files held: {}", total, list_of(parts)), Grade::established, std::move(records));
}

}  // namespace trimcarve::findings
