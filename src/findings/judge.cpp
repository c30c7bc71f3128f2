#include "findings/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "findings/runs.hpp"
#include "history/select.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

bool has_flag(const FileReport& file, std::string_view flag) { return std::ranges::find(file.flags, flag) != file.flags.end(); }

std::string told(const FileReport& file) {
  return file.reference_known ? fmt::format("{} ({}-{})", to_utf8(file.path), file.reference.entry(), file.reference.sequence())
                              : fmt::format("{} (file reference lost)", to_utf8(file.path));
}

std::string list_of(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return out;
}

// What speaks for the deletion of a file, each kind of evidence by itself.
struct Proof {
  Grade grade = Grade::inferred;
  std::vector<std::string> reasons;
  std::string rule;  // of an inferred one
  std::vector<std::uint32_t> sightings;
};

bool contradicted(const FileReport& file) {
  return std::ranges::any_of(file.flags, [](const std::string& flag) { return flag.starts_with("contradiction: the journal"); });
}

Proof prove_deletion(const FileReport& file, const Examination& examination) {
  Proof proof;
  int records = 0, others = 0;
  bool free_record = false, journal = false, slack = false, listed = false;
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    const bool frees = s.source == SourceKind::mft && s.has_record && !s.in_use && !s.base_is_elsewhere;
    const bool deletes = s.has_usn && (s.usn.reason & usn_reason::file_delete) != 0;
    const bool remains =
        s.source == SourceKind::index_slack || (s.source == SourceKind::record_slack && s.slack_role == SlackRole::directory_child);
    listed |= s.source == SourceKind::index;
    if (!frees && !deletes && !remains) continue;
    proof.sightings.push_back(n);
    free_record |= frees, journal |= deletes, slack |= remains;
  }
  if (free_record) ++records, proof.reasons.push_back("its $MFT record is free");
  if (journal) ++records, proof.reasons.push_back("the change journal records its deletion");
  if (slack && !listed) ++others, proof.reasons.push_back("its name stands in a directory's slack only");
  if (has_flag(file, "record_reused")) ++others, proof.reasons.push_back("its $MFT record belongs to another file now");
  if (proof.reasons.empty()) proof.reasons.push_back("no $MFT record in use is its own");
  proof.grade = records + others >= 2 ? Grade::corroborated : records == 1 ? Grade::established : Grade::inferred;
  if (contradicted(file)) proof.grade = Grade::contradicted;
  if (proof.grade == Grade::inferred)
    proof.rule = slack && !listed                  ? "a name in a directory's slack that stands in no index that was read"
                 : has_flag(file, "record_reused") ? "a file reference whose record another file has now"
                                                   : "a file reference that no record in use has";
  return proof;
}

// ASCII case only: handler folders have no other letters.
bool same_name(std::u16string_view a, std::u16string_view b) {
  const auto fold = [](char16_t c) { return c >= u'A' && c <= u'Z' ? static_cast<char16_t>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, fold, fold);
}

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

class Judge {
 public:
  Judge(const Target& target, std::uint32_t index, Examination& out) : target_(target), out_(out), report_(out.targets.emplace_back()) {
    report_.target = target.asked;
    for (const FileReport& file : out.files)
      if (std::ranges::find(file.targets, index) != file.targets.end()) files_.push_back({&file, place(file.path, file.directory)});
    report_.coverage = tell_coverage(out);
  }

  void run() {
    if (target_.profile == nullptr)
      judge_path();
    else
      judge_handler();
    tell_contradictions();
    tell_clusters();
  }

 private:
  Finding& say(std::string statement, Grade grade, std::vector<std::uint32_t> sightings, std::string rule = {}) {
    Finding& finding = out_.findings.emplace_back();
    finding.id = fmt::format("F{}", out_.findings.size());
    finding.target = target_.asked;
    finding.statement = std::move(statement);
    finding.grade = grade;
    finding.rule = std::move(rule);
    finding.sightings = std::move(sightings);
    return finding;
  }

  std::optional<FileTime> provisioned(std::uint32_t volume) const {
    for (const VolumeInfo& info : out_.volumes)
      if (info.index == volume) return info.provisioned;
    return std::nullopt;
  }

  // Installed before this machine was first started: then it came with the image, whenever it went.
  bool inherited(const FileReport& folder) const {
    const auto start = provisioned(folder.volume);
    const auto installed = created(folder, out_);
    return start && installed && installed->time < *start;
  }

  void found_nothing() {
    report_.verdict = Verdict::none;
    report_.grade = Grade::inferred;
    const bool any = std::ranges::any_of(out_.volumes, [](const VolumeInfo& v) { return v.state == "examined"; });
    report_.reason = any ? "no source that was read names it" : "no volume could be examined, so this says nothing";
  }

  void judge_path() {
    // Tops: the files of the target whose parent is not in it.
    std::set<std::pair<std::uint32_t, FileReference>> all;
    for (const PlacedFile& f : files_)
      if (f.file->reference_known) all.emplace(f.file->volume, f.file->reference);
    const FileReport *live = nullptr, *moved = nullptr, *deleted = nullptr;  // the last of them that was at the path itself, if one was
    for (const PlacedFile& f : files_) {
      const FileReport& file = *f.file;
      if (file.parent && *file.parent != file.reference && all.contains({file.volume, *file.parent})) continue;
      if (file.state == FileState::live)
        (stands_at_path(file) ? live : moved) = &file;
      else if (file.state == FileState::deleted && (deleted == nullptr || stands_at_path(file) > stands_at_path(*deleted) ||
                                                    (stands_at_path(file) == stands_at_path(*deleted) && later(file, *deleted))))
        deleted = &file;
    }
    if (live != nullptr) {
      report_.verdict = Verdict::present;
      report_.grade = in_use_grade(*live);
      report_.reason = fmt::format("{} is in use{}", told(*live), doubt(*live));
      say(fmt::format("{} is present{}", target_.asked, doubt(*live)), report_.grade, live->sightings);
    } else if (moved != nullptr) {
      report_.verdict = Verdict::present;
      report_.grade = in_use_grade(*moved);
      report_.reason = fmt::format("what was there is in use under another path: {}{}", told(*moved), doubt(*moved));
      say(fmt::format("What was at {} is present as {}{}", target_.asked, told(*moved), doubt(*moved)), report_.grade, moved->sightings);
    } else if (deleted != nullptr) {
      const Proof proof = prove_deletion(*deleted, out_);
      report_.verdict = Verdict::removed;
      report_.grade = proof.grade;
      report_.reason = fmt::format("{} is deleted: {}", told(*deleted), list_of(proof.reasons));
      // Moved away first: then it was not removed from there.
      Finding& finding =
          say(stands_at_path(*deleted) ? fmt::format("{} was removed", target_.asked)
                                       : fmt::format("What was at {} was moved, and was removed as {}", target_.asked, told(*deleted)),
              proof.grade, proof.sightings, proof.rule);
      if (deleted->deleted) finding.earliest = deleted->deleted->bounds.earliest, finding.latest = deleted->deleted->bounds.latest;
    } else if (!files_.empty()) {
      report_.verdict = Verdict::traces;
      report_.grade = Grade::inferred;
      report_.reason = fmt::format("{} is named, but no record says whether it is still there", target_.asked);
    } else {
      found_nothing();
    }
  }

  // Is one of its paths the one that was asked for? Without the volume's own table, so by ASCII case: a doubt counts as yes.
  bool stands_at_path(const FileReport& file) const {
    if (target_.path.empty() || !file.path_known) return true;
    const auto fold = [](char16_t c) { return c >= u'A' && c <= u'Z' ? static_cast<char16_t>(c + 32) : c; };
    const auto same = [&](const std::u16string& path) {
      const auto components = history::path_components(path);
      return std::ranges::equal(components, target_.path, [&](const std::u16string& a, const std::u16string& b) {
        return std::ranges::equal(a, b, [&](char16_t x, char16_t y) { return x == y || fold(x) == fold(y) || (x > 127 && y > 127); });
      });
    };
    // The last path and every other that has not ended are its present names, or those it had at its end.
    return same(file.path) || std::ranges::any_of(file.paths, [&](const PathReport& p) {
             return !p.until && !p.sightings.empty() && is_present(p) && same(p.path);
           });
  }
  static Grade in_use_grade(const FileReport& file) { return contradicted(file) ? Grade::contradicted : Grade::established; }
  static std::string_view doubt(const FileReport& file) {
    return contradicted(file) ? ", as its $MFT record says, but the change journal records its deletion" : "";
  }
  // With several volumes, which.
  std::string on_volume(const FileReport& file) const {
    return out_.volumes.size() > 1 ? fmt::format("on volume {}", file.volume) : "on this volume";
  }
  bool is_present(const PathReport& path) const {
    return std::ranges::any_of(path.sightings, [&](std::uint32_t n) {
      return out_.sightings[n].source == SourceKind::mft || out_.sightings[n].source == SourceKind::index;
    });
  }

  // --- handlers -------------------------------------------------------------------------------------------------------------------

  void judge_handler() {
    number_instances();
    for (const auto& [number, folder] : versions_) add_instance(*folder);
    std::ranges::stable_sort(report_.instances, [](const Instance& a, const Instance& b) {
      return a.installed.value_or(no_time) < b.installed.value_or(no_time);
    });
    name_upgrades();
    decide();
    report_.runs = find_runs(in_tree_, out_);
    tell_instances();
    tell_runs();
    tell_aliases();
    tell_journal();
    tell_logs();
  }

  // Each version folder is an instance: two folders of one version, one after the other, are two. A file belongs to the folder above it, by
  // references; by its path where they are lost.
  void number_instances() {
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

  void add_instance(const FileReport& folder) {
    Instance& instance = report_.instances.emplace_back();
    instance.volume = folder.volume;
    instance.version = to_utf8(folder.name);
    instance.sightings = folder.sightings;
    if (const auto time = created(folder, out_)) {
      instance.installed = time->time;
      instance.installed_basis = time->basis;
    }
    instance.state = folder.state == FileState::live ? "present" : folder.state == FileState::deleted ? "removed" : "unknown";
    folders_.emplace(instance.sightings, &folder);
    if (folder.deleted) instance.removed = folder.deleted->bounds;
    instance.inherited = inherited(folder);
  }

  // A version that went while its handler's folder stayed, with a newer version there: upgraded, not removed.
  void name_upgrades() {
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
      for (Instance& instance : report_.instances)
        if (instance.sightings == folder->sightings) instance.state = "upgraded";
      successors_.emplace(folder, to_utf8(successor->second->name));
    }
  }

  void decide() {
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
    if (live != nullptr && (version != nullptr || report_.instances.empty()))
      find_present(*live);
    else if (version != nullptr)
      find_version_alone(*version);
    else if (live != nullptr && gone != nullptr && !unknown)
      find_removed(*gone, live);
    else if (live == nullptr && deleted != nullptr)
      find_removed(*deleted, nullptr);
    else if (live == nullptr && gone != nullptr && !unknown)
      find_removed_version(*gone);
    else if (!files_.empty())
      find_traces(live);
    else
      found_nothing();
  }

  bool has_version(const FileReport& handler) const {
    return std::ranges::any_of(versions_, [&](const auto& v) {
      return v.second->state == FileState::live && v.second->volume == handler.volume && v.second->parent == handler.reference;
    });
  }

  void find_present(const FileReport& live) {
    const std::string title(target_.profile->title);
    const bool upgraded = std::ranges::any_of(report_.instances, [](const Instance& i) { return i.state == "upgraded"; });
    report_.verdict = upgraded ? Verdict::upgraded : Verdict::present;
    report_.grade = in_use_grade(live);
    report_.reason = fmt::format("{} is in use{}{}", told(live), doubt(live),
                                 upgraded                    ? ", and an older version's folder in it was deleted"
                                 : report_.instances.empty() ? ", but no version's folder in it is known"
                                                             : "");
    report_.reason += "; a deletion that stands only in $LogFile is not looked for";
    std::string statement = report_.instances.empty() ? fmt::format("The folder of {} is {}", title, on_volume(live))
                                                      : fmt::format("{} is {}", sentence(title), on_volume(live));
    statement += doubt(live);
    if (upgraded) statement += "; an older version of it was deleted";
    say(std::move(statement), report_.grade, live.sightings);
    tell_deleted_handlers();
  }

  // One that stood where one stands now was an earlier installation; another (of another handler, on another volume) is told by itself.
  void tell_deleted_handlers() {
    for (const FileReport* gone : handlers_) {
      if (gone->state != FileState::deleted) continue;
      const bool earlier = std::ranges::any_of(handlers_, [&](const FileReport* h) {
        return h->state == FileState::live && h->volume == gone->volume && same_name(h->path, gone->path);
      });
      if (earlier) report_.reason += fmt::format("; an earlier installation, {}, is deleted", told(*gone));
      const Proof proof = prove_deletion(*gone, out_);
      Finding& f = say(earlier ? fmt::format("An earlier installation, {}, was removed", told(*gone))
                               : fmt::format("{} was {} and was removed", told(*gone), on_volume(*gone)),
                       proof.grade, proof.sightings, proof.rule);
      if (gone->deleted) f.earliest = gone->deleted->bounds.earliest, f.latest = gone->deleted->bounds.latest;
    }
  }

  void find_version_alone(const FileReport& version) {
    const auto above = std::ranges::find_if(handlers_, [&](const FileReport* h) {
      return h->volume == version.volume && version.parent && h->reference_known && h->reference == *version.parent;
    });
    const bool gone = above != handlers_.end() && (*above)->state == FileState::deleted;
    report_.verdict = Verdict::present;
    report_.grade = gone || contradicted(version) ? Grade::contradicted : Grade::inferred;
    report_.reason =
        fmt::format("{} is in use{}; its handler's folder is {}", told(version), doubt(version), gone ? "deleted" : "not known");
    say(fmt::format("A version's folder of {} is {}: {}", target_.profile->title, on_volume(version), told(version)), report_.grade,
        version.sightings, report_.grade == Grade::inferred ? "a version's folder without its handler's folder" : "");
    tell_deleted_handlers();
  }

  // The handler's folder is gone; or it is there (`live`), empty of versions.
  void find_removed(const FileReport& folder, const FileReport* live) {
    const Proof proof = prove_deletion(folder, out_);
    report_.verdict = Verdict::removed;
    report_.grade = proof.grade;
    report_.reason = fmt::format("{} is deleted: {}", told(folder), list_of(proof.reasons));
    if (live != nullptr) report_.reason += fmt::format("; {} is still there, without a version in it", told(*live));
    if (inherited(folder)) report_.reason += "; that folder is older than this machine's provisioning";
    say_removed(folder, proof.grade, proof, proof.rule);
  }

  void find_removed_version(const FileReport& folder) {
    const Proof proof = prove_deletion(folder, out_);
    report_.verdict = Verdict::removed;
    report_.grade = Grade::inferred;
    report_.reason =
        fmt::format("{} is deleted ({}); {}", told(folder), list_of(proof.reasons),
                    handlers_.empty() ? "its handler's folder is not known" : "no record says whether its handler's folder is still there");
    say_removed(folder, Grade::inferred, proof, "a version folder without its handler's folder");
  }

  void say_removed(const FileReport& folder, Grade grade, const Proof& proof, std::string rule) {
    Finding& finding = say(fmt::format("{} was {} and was removed", sentence(std::string(target_.profile->title)), on_volume(folder)),
                           grade, proof.sightings, std::move(rule));
    if (folder.deleted) finding.earliest = folder.deleted->bounds.earliest, finding.latest = folder.deleted->bounds.latest;
  }

  void find_traces(const FileReport* live) {
    report_.verdict = Verdict::traces;
    report_.grade = Grade::inferred;
    std::vector<std::uint32_t> sightings;
    for (const PlacedFile& f : files_) {
      if (sightings.size() >= 64) break;
      sightings.insert(sightings.end(), f.file->sightings.begin(), f.file->sightings.end());
    }
    const auto of = [&](Area area) {
      return std::ranges::find_if(files_,
                                  [&](const PlacedFile& f) { return f.placed.area == area && f.file->state == FileState::unknown; });
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
      report_.reason =
          fmt::format("{} files and folders of names that only it has, or below such, whose place is not known", files_.size());
    }
    say(fmt::format("{} left traces {}", sentence(std::string(target_.profile->title)), on_volume(*files_.front().file)), Grade::inferred,
        std::move(sightings), std::move(rule));
  }

  static std::string sentence(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
    return text;
  }

  // The later of two deleted handler folders is the one whose end is later.
  static bool later(const FileReport& a, const FileReport& b) {
    const auto end = [](const FileReport& f) {
      if (!f.deleted) return no_time;
      return f.deleted->bounds.latest.value_or(f.deleted->bounds.earliest.value_or(no_time));
    };
    return end(a) > end(b);
  }

  // "1.10.20"; where the profile has several handlers, or any: "1.10.20 of <handler>".
  std::string version_of(const Instance& instance) const {
    const auto folder = folders_.find(instance.sightings);
    const std::string handler = folder == folders_.end() ? std::string() : place(folder->second->path, true).handler;
    return target_.profile->handlers.size() == 1 || handler.empty() ? instance.version : fmt::format("{} of {}", instance.version, handler);
  }

  void tell_instances() {
    for (const Instance& instance : report_.instances) {
      if (instance.installed) {
        Finding& f = say(fmt::format("Version {} was installed (its folder was created)", version_of(instance)), Grade::established,
                         instance.sightings);
        f.earliest = f.latest = instance.installed;
      }
      if (instance.state == "removed" || instance.state == "upgraded") {
        const FileReport& folder = *folders_.at(instance.sightings);
        const Proof proof = prove_deletion(folder, out_);
        const auto successor = successors_.find(&folder);
        Finding& f = say(successor == successors_.end() ? fmt::format("Version {} was removed", version_of(instance))
                                                        : fmt::format("Version {} was removed and a newer one, {}, is there (upgraded)",
                                                                      version_of(instance), successor->second),
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
        say(fmt::format("Version {} was installed before this machine was provisioned ({}): it came with the image; {}",
                        version_of(instance), to_iso8601(start), end),
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

  void tell_runs() {
    for (const RunRecord& run : report_.runs) {
      const bool known = !run.sequence.empty();
      std::string text =
          known ? fmt::format("Sequence {} of version {} was requested", run.sequence, run.version.empty() ? "(unknown)" : run.version)
                : fmt::format("A run of version {} left files in its download folder", run.version.empty() ? "(unknown)" : run.version);
      if (!run.command.empty()) text += (run.command_cut ? "; command, of which the end is not back: " : "; command: ") + run.command;
      if (run.protected_settings.value_or(false)) {
        text += "; with protected settings";
        if (!run.certificate_thumbprint.empty()) text += " (certificate " + run.certificate_thumbprint + ")";
      }
      if (!run.status.empty()) text += "; status " + run.status;
      if (run.exit_code) text += fmt::format("; exit code {}", *run.exit_code);
      Finding& f = say(std::move(text), known ? Grade::established : Grade::inferred, run.sightings,
                       known ? "" : "files below Downloads without settings or status");
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
  void tell_journal() {
    for (const VolumeInfo& volume : out_.volumes) {
      if (!volume.journal_created || *volume.journal_created == no_time) continue;
      for (const Instance& instance : report_.instances) {
        if (instance.volume != volume.index || !instance.installed || *instance.installed >= *volume.journal_created) continue;
        Finding& f =
            say(fmt::format(
                    "The change journal of volume {} was created at {}, after version {} was installed: it cannot speak of what was before",
                    volume.index, to_iso8601(*volume.journal_created), version_of(instance)),
                Grade::established, instance.sightings);
        f.earliest = f.latest = volume.journal_created;
        break;
      }
    }
  }

  void tell_aliases() {
    for (const PlacedFile& f : files_)
      if (has_flag(*f.file, "renamed_to_extend_deleted"))
        say(fmt::format("{} was deleted while it was open: it was renamed into \\$Extend\\$Deleted", to_utf8(f.file->path)),
            Grade::established, f.file->sightings);
  }

  void tell_logs() {
    for (const PlacedFile& f : files_)
      if (f.placed.area == Area::logs && f.file->directory && f.placed.version.empty() && f.file->state == FileState::live &&
          to_utf8(f.file->name) == f.placed.handler)
        say(fmt::format("Its log folder is still there: {}", told(*f.file)), Grade::established, f.file->sightings);
  }

  void tell_contradictions() {
    for (const PlacedFile& f : files_)
      for (const std::string& flag : f.file->flags)
        if (flag.starts_with("contradiction: "))
          say(fmt::format("{}: {}", to_utf8(f.file->path), flag.substr(15)), Grade::contradicted, f.file->sightings);
  }

  // What TRIM left of the deleted files' clusters, as one number each.
  void tell_clusters() {
    std::map<RunState, std::uint64_t> clusters;
    std::uint64_t total = 0;
    for (const PlacedFile& f : files_) {
      if (f.file->state != FileState::deleted) continue;
      for (const StreamReport& stream : f.file->streams)
        for (const RunReport& run : stream.runs)
          if (run.state != RunState::sparse && run.state != RunState::beyond_valid && run.owner != "not in this evidence") {
            clusters[run.state] += run.clusters;
            total += run.clusters;
          }
    }
    if (total == 0) return;
    std::vector<std::string> parts;
    for (const auto& [state, count] : clusters)
      parts.push_back(fmt::format("{} {}", count, state == RunState::zero ? "zero (cause unknown)" : to_string(state)));
    say(fmt::format("Of the {} clusters that the deleted files held: {}", total, list_of(parts)), Grade::established, {});
  }

  const Target& target_;
  Examination& out_;
  TargetReport& report_;
  std::vector<PlacedFile> files_, in_tree_;
  std::vector<const FileReport*> handlers_;
  std::vector<std::pair<std::size_t, const FileReport*>> versions_;
  std::map<std::vector<std::uint32_t>, const FileReport*> folders_;  // of the instances, by what they rest on
  std::map<const FileReport*, std::string> successors_;              // of upgraded versions: the newer one
};

}  // namespace

std::string tell_coverage(const Examination& examination) {
  std::vector<std::string> parts;
  for (const Coverage& c : examination.coverage) {
    std::string text = fmt::format("volume {} {}: ", c.volume, c.source);
    if (c.first && c.last)
      text += fmt::format("{} records, {} to {}", c.records, to_iso8601(*c.first), to_iso8601(*c.last));
    else
      text += c.records == 0 ? "nothing" : fmt::format("{} records", c.records);
    if (!c.gaps.empty()) text += fmt::format(", {} gaps", c.gaps.size());
    parts.push_back(std::move(text));
  }
  for (const VolumeInfo& volume : examination.volumes)
    if (volume.state != "examined") parts.push_back(fmt::format("volume {}: {}, not examined", volume.index, volume.state));
  if (parts.empty()) return "nothing was read";
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "; ") + part;
  return out + ". Not looked at: $LogFile, free clusters, event logs, the registry";
}

void judge(const Target& target, std::uint32_t index, Examination& out) { Judge(target, index, out).run(); }

}  // namespace trimcarve::findings
