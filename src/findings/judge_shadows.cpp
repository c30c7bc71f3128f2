// Volume shadow copies: what was there when each was made, beside the verdict, which is the volume's own.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "findings/heard_runs.hpp"
#include "findings/judge_case.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::size_t most_cited = 64;

bool has_settings(const RunRecord& run) { return !run.command.empty() || !run.file_uris.empty() || run.protected_settings.has_value(); }

// What only the copy's run has; true when it has anything.
bool fill(RunRecord& run, RunRecord& old) {
  bool filled = false;
  if (!has_settings(run) && has_settings(old)) {
    run.command = std::move(old.command);
    run.command_cut = old.command_cut;
    run.file_uris = std::move(old.file_uris);
    run.protected_settings = old.protected_settings;
    run.certificate_thumbprint = std::move(old.certificate_thumbprint);
    run.sealed = std::move(old.sealed);
    filled = true;
  }
  if (run.status.empty() && !old.status.empty()) {
    run.status = std::move(old.status);
    run.exit_code = old.exit_code;
    run.output = std::move(old.output);
    run.error_output = std::move(old.error_output);
    run.finished = old.finished;
    run.finished_basis = std::move(old.finished_basis);
    filled = true;
  }
  const auto add = [&](std::vector<ScriptReport>& mine, std::vector<ScriptReport>& others) {
    for (ScriptReport& other : others) {
      const auto known = std::ranges::find(mine, other.path, &ScriptReport::path);
      if (known == mine.end())
        mine.push_back(std::move(other));
      else if (known->state != ContentState::recovered && other.state == ContentState::recovered)
        *known = std::move(other);
      else
        continue;
      filled = true;
    }
  };
  // Which of the files the request named is known by the settings: with them, the copy's lists are the better ones.
  if (filled && !old.scripts.empty()) {
    std::erase_if(run.made, [&](const ScriptReport& s) {
      return std::ranges::find(old.scripts, s.path, &ScriptReport::path) != old.scripts.end() && s.state != ContentState::recovered;
    });
  }
  add(run.scripts, old.scripts);
  add(run.made, old.made);
  if (filled)
    for (const std::uint32_t n : old.sightings)
      if (std::ranges::find(run.sightings, n) == run.sightings.end()) run.sightings.push_back(n);
  return filled;
}

}  // namespace

const VolumeInfo* Judge::shadow(std::uint32_t volume) const {
  for (const VolumeInfo& info : out_.volumes)
    if (info.index == volume && info.shadow_of) return &info;
  return nullptr;
}

// The handler's folder (a version's, where that is not known; what was at the path) as the newest copy has it in use.
const FileReport* Judge::handler_in_shadow() const {
  const FileReport* best = nullptr;
  bool best_is_handler = false;
  for (const PlacedFile& f : in_shadows_) {
    if (f.file->state != FileState::live || !f.file->path_known) continue;
    if (target_.profile == nullptr) {
      if (best == nullptr && stands_at_path(*f.file)) best = f.file;
      continue;
    }
    const bool is_handler = f.placed.area == Area::handler;
    if (!f.file->directory || (!is_handler && f.placed.area != Area::version)) continue;
    if (best == nullptr || (is_handler && !best_is_handler)) best = f.file, best_is_handler = is_handler;
  }
  return best;
}

void Judge::find_in_shadow(const FileReport& folder) {
  const FileTime time = *shadow(folder.volume)->shadow_created;
  report_.verdict = Verdict::removed;
  report_.grade = Grade::inferred;
  report_.reason = fmt::format("{} is in the volume shadow copy of {}, and the volume has it no more", told(folder), to_iso8601(time));
  const std::string what = target_.profile == nullptr ? target_.asked : sentence(std::string(target_.profile->title));
  Finding& finding = say(fmt::format("{} was on the volume at {} and was removed", what, to_iso8601(time)), Grade::inferred,
                         folder.sightings, "in use in a shadow copy, and in no record in use on the volume");
  finding.earliest = time;
}

// A version that only a copy knows: none of the volume's records or names is its folder's.
void Judge::add_shadow_instances() {
  for (const PlacedFile& f : in_shadows_) {
    if (f.placed.area != Area::version || !f.file->directory || f.file->state != FileState::live) continue;
    const VolumeInfo& copy = *shadow(f.file->volume);
    const bool known = std::ranges::any_of(report_.instances, [&](const Instance& i) {
      if (i.volume != *copy.shadow_of) return false;
      const FileReport* folder = folders_[static_cast<std::size_t>(&i - report_.instances.data())];
      return folder == nullptr || !folder->reference_known ? i.version == to_utf8(f.file->name) : folder->reference == f.file->reference;
    });
    if (known) continue;
    Instance& made = report_.instances.emplace_back();
    folders_.push_back(nullptr);
    made.volume = *copy.shadow_of;
    made.version = to_utf8(f.file->name);
    made.state = "removed";
    made.sightings = f.file->sightings;
    if (const auto time = created(*f.file, out_)) made.installed = time->time, made.installed_basis = time->basis;
    Bounds& bounds = made.removed.emplace();
    bounds.earliest = copy.shadow_created;
    bounds.earliest_basis = "shadow_alive";
    bounds.earliest_sightings = f.file->sightings;
    for (const CopyPresence& other : f.file->copies)
      if (other.state == "gone") {
        bounds.latest = other.time;
        bounds.latest_basis = "shadow_gone";
        bounds.latest_sightings = other.sightings;
      }
  }
  shadow_instances_end_ = report_.instances.size();
}

// A run's settings, status and scripts as a copy has them, where the volume has lost them; a run that only a copy knows.
void Judge::add_shadow_runs() {
  for (const VolumeInfo& copy : out_.volumes) {
    if (!copy.shadow_of) continue;
    std::vector<PlacedFile> files;
    std::map<std::string, std::size_t> versions;
    for (PlacedFile f : in_shadows_) {
      // Of one version there is one folder in use at a time: what is deleted in the copy may be another's.
      if (f.file->volume != copy.index || f.file->state != FileState::live || f.placed.version.empty() || f.placed.area == Area::logs)
        continue;
      f.instance = versions.try_emplace(f.placed.handler + "/" + f.placed.version, versions.size()).first->second;
      files.push_back(f);
    }
    for (RunRecord& old : find_runs(files, out_)) {
      const auto same = [&](const RunRecord& run) {
        return run.volume == *copy.shadow_of && run.version == old.version && run.sequence == old.sequence &&
               (!run.started || !old.started || *run.started == *old.started || old.sequence.empty());
      };
      const auto known = std::ranges::find_if(report_.runs, same);
      const std::string name =
          old.sequence.empty() ? "A run of version " + old.version : fmt::format("Sequence {} of version {}", old.sequence, old.version);
      std::vector<std::uint32_t> sightings = old.sightings;
      if (known == report_.runs.end()) {
        old.volume = *copy.shadow_of;
        report_.runs.push_back(std::move(old));
        from_shadows_.emplace_back(fmt::format("{} is known by the volume shadow copy of {} alone", name, to_iso8601(*copy.shadow_created)),
                                   std::move(sightings));
      } else if (fill(*known, old)) {
        from_shadows_.emplace_back(fmt::format("{}: what the volume has lost of it came back from the volume shadow copy of {}", name,
                                               to_iso8601(*copy.shadow_created)),
                                   std::move(sightings));
      }
    }
  }
  sort_runs(report_.runs);
}

void Judge::tell_shadows() {
  for (const VolumeInfo& copy : out_.volumes) {
    if (!copy.shadow_of) continue;
    std::uint64_t in_use = 0, recovered = 0, deleted = 0;
    std::vector<std::uint32_t> sightings;
    for (const PlacedFile& f : in_shadows_) {
      if (f.file->volume != copy.index) continue;
      for (const std::uint32_t n : f.file->sightings)
        if (sightings.size() < most_cited) sightings.push_back(n);
      if (f.file->directory) continue;
      if (f.file->state != FileState::live) {
        ++deleted;
        continue;
      }
      ++in_use;
      recovered += !f.file->streams.empty() && f.file->streams.front().state == ContentState::recovered;
    }
    if (in_use + deleted == 0) continue;
    const std::string what = target_.profile == nullptr ? target_.asked : fmt::format("the tree of {}", target_.profile->title);
    std::string text = fmt::format("The volume shadow copy of {} (volume {}) holds {}: {} files as they were then, {} of them recovered",
                                   to_iso8601(*copy.shadow_created), copy.index, what, in_use, recovered);
    if (deleted != 0) text += fmt::format("; {} that were deleted by then", deleted);
    Finding& finding = say(std::move(text), Grade::established, std::move(sightings));
    finding.earliest = finding.latest = copy.shadow_created;
  }
  for (auto& [text, sightings] : from_shadows_) say(text, Grade::established, std::move(sightings));
}

}  // namespace trimcarve::findings
