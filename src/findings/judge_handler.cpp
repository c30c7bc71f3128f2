// A handler as target: each version folder that was there, and the verdict over them.
#include <fmt/format.h>

#include <algorithm>

#include "findings/ascii.hpp"
#include "findings/judge_case.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

// Is version a newer than b? Part by part, as numbers of any length.
bool newer(std::u16string_view a, std::u16string_view b) {
  const auto next = [](std::u16string_view& rest) {
    const std::size_t dot = rest.find(u'.');
    std::u16string_view part = rest.substr(0, dot);
    rest.remove_prefix(dot == std::u16string_view::npos ? rest.size() : dot + 1);
    part.remove_prefix(std::min(part.find_first_not_of(u'0'), part.size()));
    return part;
  };
  while (!a.empty() || !b.empty()) {
    const std::u16string_view x = next(a), y = next(b);
    if (x.size() != y.size()) return x.size() > y.size();
    if (x != y) return x > y;
  }
  return false;
}

}  // namespace

void Judge::judge_handler() {
  number_instances();
  add_instances();
  name_upgrades();
  add_shadow_instances();
  report_.runs = find_runs(in_tree_, out_);
  add_shadow_runs();
  hear();
  decide();
  weigh_removal();
  tell_instances();
  tell_runs();
  tell_aliases();
  tell_journal();
  tell_logs();
}

// Each version folder is an instance: two folders of one version, one after the other, are two. A file belongs to the folder above it, by
// references; by its path where they are lost.
void Judge::number_instances() {
  std::map<std::pair<std::uint32_t, FileReference>, const PlacedFile*> by_reference;
  for (const PlacedFile& f : files_)
    if (f.file->reference_known) by_reference[{f.file->volume, f.file->reference}] = &f;
  std::map<std::string, std::size_t> by_text;
  std::map<const FileReport*, std::size_t> by_folder;
  const auto number_for = [&](const PlacedFile& f) {
    const PlacedFile* at = &f;
    for (int depth = 0; depth < 64 && at != nullptr; ++depth) {
      if (at->placed.area == Area::version) {
        const auto [slot, is_new] = by_folder.try_emplace(at->file, by_folder.size() + by_text.size());
        if (is_new) versions_.emplace_back(slot->second, at->file);
        return slot->second;
      }
      if (!at->file->parent) break;
      const auto parent = by_reference.find({at->file->volume, *at->file->parent});
      at = parent == by_reference.end() || parent->second == at ? nullptr : parent->second;
    }
    for (const auto& [number, folder] : versions_) {
      if (folder->volume != f.file->volume || f.placed.version.empty() || to_utf8(folder->name) != f.placed.version) continue;
      const std::string handler = place(folder->path, true).handler;  // two handlers may have one version
      if (f.placed.handler.empty() || handler.empty() || handler == f.placed.handler) return number;
    }
    const std::string text = fmt::format("{}/{}/{}", f.file->volume, f.placed.handler, f.placed.version);
    return by_text.try_emplace(text, by_folder.size() + by_text.size()).first->second;
  };
  // The folders first: a file whose own folder is known only by its path must find it, wherever in the list that stands.
  for (const PlacedFile& f : files_)
    if (f.placed.area == Area::version && f.file->directory) number_for(f);
  for (PlacedFile& f : files_) {
    if (f.placed.area == Area::handler && f.file->directory) handlers_.push_back(f.file);
    if (f.placed.area == Area::outside || f.placed.area == Area::logs || f.placed.area == Area::handler) continue;
    f.instance = number_for(f);
    in_tree_.push_back(f);
  }
}

void Judge::add_instances() {
  std::vector<std::pair<Instance, const FileReport*>> all;
  for (const auto& [number, folder] : versions_) {
    Instance instance;
    instance.volume = folder->volume;
    instance.version = to_utf8(folder->name);
    instance.sightings = folder->sightings;
    if (const auto time = created(*folder, out_)) {
      instance.installed = time->time;
      instance.installed_basis = time->basis;
    }
    instance.state = folder->state == FileState::live ? "present" : folder->state == FileState::deleted ? "removed" : "unknown";
    if (folder->deleted) instance.removed = folder->deleted->bounds;
    if (folder->deleted) instance.removed_estimate = folder->deleted->estimate;
    instance.inherited = inherited(*folder);
    all.emplace_back(std::move(instance), folder);
  }
  std::ranges::stable_sort(all, {}, [](const auto& i) { return i.first.installed.value_or(no_time); });
  for (auto& [instance, folder] : all) {
    report_.instances.push_back(std::move(instance));
    folders_.push_back(folder);
  }
}

// A version that went while its handler's folder stayed, with a newer version there: upgraded, not removed.
void Judge::name_upgrades() {
  for (const auto& [number, folder] : versions_) {
    if (folder->state != FileState::deleted || !folder->parent) continue;
    const bool handler_live = std::ranges::any_of(handlers_, [&](const FileReport* h) {
      return h->volume == folder->volume && h->reference == *folder->parent && h->state == FileState::live;
    });
    const auto successor = std::ranges::find_if(versions_, [&](const auto& v) {
      return v.second->volume == folder->volume && v.second->state == FileState::live && v.second->parent == folder->parent &&
             newer(v.second->name, folder->name);
    });
    if (!handler_live || successor == versions_.end()) continue;
    report_.instances[static_cast<std::size_t>(std::ranges::find(folders_, folder) - folders_.begin())].state = "upgraded";
    successors_.emplace(folder, to_utf8(successor->second->name));
  }
}

void Judge::decide() {
  const FileReport *live = nullptr, *deleted = nullptr;
  for (const FileReport* handler : handlers_) {
    if (handler->state == FileState::live && (live == nullptr || has_version(*handler) || !has_version(*live))) live = handler;
    if (handler->state == FileState::deleted && (deleted == nullptr || later(*handler, *deleted))) deleted = handler;
  }
  const FileReport* version = nullptr;  // one in use
  const FileReport* gone = nullptr;     // the last deleted one
  bool unknown = false;                 // is there one of which no record says anything?
  for (const auto& [number, folder] : versions_) {
    if (folder->state == FileState::live) version = folder;
    if (folder->state == FileState::deleted && (gone == nullptr || later(*folder, *gone))) gone = folder;
    unknown = unknown || folder->state == FileState::unknown;
  }
  if (live != nullptr && (version != nullptr || versions_.empty()))
    find_present(*live);
  else if (version != nullptr)
    find_version_alone(*version);
  else if (live != nullptr && gone != nullptr && !unknown)
    find_removed(*gone, live);
  else if (live == nullptr && deleted != nullptr)
    find_removed(*deleted, nullptr);
  else if (live == nullptr && gone != nullptr && !unknown)
    find_removed_version(*gone);
  else if (const FileReport* folder = handler_in_shadow(); folder != nullptr && live == nullptr && !unknown)
    find_in_shadow(*folder);
  else if (is_witnessed() && std::ranges::none_of(files_, [](const PlacedFile& f) {
             return (f.placed.area == Area::handler || f.placed.area == Area::version) && f.file->state == FileState::unknown;
           }))
    find_witnessed();
  else if (!files_.empty())
    find_traces(live);
  else if (const RunRecord* run = orphan_run())
    find_orphan(*run);
  else
    found_nothing();
}

const RunRecord* Judge::orphan_run() const {
  const auto found = std::ranges::find_if(report_.runs, [this](const RunRecord& run) { return is_orphan(run, out_); });
  return found == report_.runs.end() ? nullptr : &*found;
}

void Judge::find_orphan(const RunRecord& run) {
  report_.verdict = Verdict::traces;
  report_.grade = Grade::inferred;
  report_.reason = "settings with keys that only it has lie where no file is known; whether its request was ever carried out is not known";
  say(fmt::format("{} left traces: a request's settings", sentence(std::string(target_.profile->title))), Grade::inferred, run.sightings,
      "keys that only this extension's settings have");
}

bool Judge::has_version(const FileReport& handler) const {
  return std::ranges::any_of(versions_, [&](const auto& v) {
    return v.second->state == FileState::live && v.second->volume == handler.volume && v.second->parent == handler.reference;
  });
}

void Judge::find_present(const FileReport& live) {
  const std::string title(target_.profile->title);
  const bool upgraded = std::ranges::any_of(report_.instances, [](const Instance& i) { return i.state == "upgraded"; });
  report_.verdict = upgraded ? Verdict::upgraded : Verdict::present;
  report_.grade = in_use_grade(live);
  report_.reason = fmt::format("{} is in use{}{}", told(live), doubt(live),
                               upgraded            ? ", and an older version's folder in it was deleted"
                               : versions_.empty() ? ", but no version's folder in it is known"
                                                   : "");
  if (!log_was_read(live.volume)) report_.reason += "; a deletion that stands only in $LogFile is not looked for";
  std::string statement = versions_.empty() ? fmt::format("The folder of {} is {}", title, on_volume(live))
                                            : fmt::format("{} is {}", sentence(title), on_volume(live));
  statement += doubt(live);
  if (upgraded) statement += "; an older version of it was deleted";
  say(std::move(statement), report_.grade, live.sightings);
  tell_deleted_handlers();
}

// One that stood where one stands now was an earlier installation; another (of another handler, on another volume) is told by itself.
void Judge::tell_deleted_handlers() {
  for (const FileReport* gone : handlers_) {
    if (gone->state != FileState::deleted) continue;
    const bool earlier = std::ranges::any_of(handlers_, [&](const FileReport* h) {
      return h->state == FileState::live && h->volume == gone->volume && same_ascii(h->path, gone->path);
    });
    if (earlier) report_.reason += fmt::format("; an earlier installation, {}, is deleted", told(*gone));
    const Proof proof = prove_deletion(*gone, out_);
    Finding& f = say(earlier ? fmt::format("An earlier installation, {}, was removed", told(*gone))
                             : fmt::format("{} was {} and was removed", told(*gone), on_volume(*gone)),
                     proof.grade, proof.sightings, proof.rule);
    if (gone->deleted) f.earliest = gone->deleted->bounds.earliest, f.latest = gone->deleted->bounds.latest;
  }
}

void Judge::find_version_alone(const FileReport& version) {
  const auto above = std::ranges::find_if(handlers_, [&](const FileReport* h) {
    return h->volume == version.volume && version.parent && h->reference_known && h->reference == *version.parent;
  });
  const bool gone = above != handlers_.end() && (*above)->state == FileState::deleted;
  report_.verdict = Verdict::present;
  report_.grade = gone || contradicted(version) ? Grade::contradicted : Grade::inferred;
  report_.reason = fmt::format("{} is in use{}; its handler's folder is {}", told(version), doubt(version), gone ? "deleted" : "not known");
  say(fmt::format("A version's folder of {} is {}: {}", target_.profile->title, on_volume(version), told(version)), report_.grade,
      version.sightings, report_.grade == Grade::inferred ? "a version's folder without its handler's folder" : "");
  tell_deleted_handlers();
}

// The handler's folder is gone; or it is there (`live`), empty of versions.
void Judge::find_removed(const FileReport& folder, const FileReport* live) {
  const Proof proof = prove_deletion(folder, out_);
  report_.verdict = Verdict::removed;
  report_.grade = proof.grade;
  report_.reason = fmt::format("{} is deleted: {}", told(folder), list_of(proof.reasons));
  if (live != nullptr) report_.reason += fmt::format("; {} is still there, without a version in it", told(*live));
  if (inherited(folder)) report_.reason += "; that folder is older than this machine's provisioning";
  say_removed(folder, proof.grade, proof, proof.rule);
}

void Judge::find_removed_version(const FileReport& folder) {
  const Proof proof = prove_deletion(folder, out_);
  report_.verdict = Verdict::removed;
  report_.grade = Grade::inferred;
  report_.reason =
      fmt::format("{} is deleted ({}); {}", told(folder), list_of(proof.reasons),
                  handlers_.empty() ? "its handler's folder is not known" : "no record says whether its handler's folder is still there");
  say_removed(folder, Grade::inferred, proof, "a version folder without its handler's folder");
}

void Judge::say_removed(const FileReport& folder, Grade grade, const Proof& proof, std::string rule) {
  Finding& finding = say(fmt::format("{} was {} and was removed", sentence(std::string(target_.profile->title)), on_volume(folder)), grade,
                         proof.sightings, std::move(rule));
  if (folder.deleted) finding.earliest = folder.deleted->bounds.earliest, finding.latest = folder.deleted->bounds.latest;
}

void Judge::find_traces(const FileReport* live) {
  report_.verdict = Verdict::traces;
  report_.grade = Grade::inferred;
  std::vector<std::uint32_t> sightings;
  for (const PlacedFile& f : files_) {
    if (sightings.size() >= 64) break;
    sightings.insert(sightings.end(), f.file->sightings.begin(), f.file->sightings.end());
  }
  const auto of = [&](Area area) {
    return std::ranges::find_if(files_, [&](const PlacedFile& f) { return f.placed.area == area && f.file->state == FileState::unknown; });
  };
  const bool logs_only = std::ranges::all_of(files_, [](const PlacedFile& f) { return f.placed.area == Area::logs; });
  const auto folder = of(Area::handler) != files_.end() ? of(Area::handler) : of(Area::version);
  std::string rule = "names that only this handler has";
  if (logs_only) {
    const bool there = std::ranges::any_of(files_, [](const PlacedFile& f) { return f.file->state == FileState::live; });
    report_.reason = fmt::format("its log folder {} there, its own folder is not known", there ? "is" : "was");
    rule = "a log folder without a handler's folder";
  } else if (folder != files_.end()) {
    report_.reason = fmt::format("{} is named, but no record says whether it is still there", told(*folder->file));
    if (live != nullptr) report_.reason += fmt::format("; {} is in use", told(*live));
    rule = "a folder of which no record says whether it is still there";
  } else {
    report_.reason = fmt::format("{} files and folders of names that only it has, or below such, whose place is not known", files_.size());
  }
  say(fmt::format("{} left traces {}", sentence(std::string(target_.profile->title)), on_volume(*files_.front().file)), Grade::inferred,
      std::move(sightings), std::move(rule));
}

}  // namespace trimcarve::findings
