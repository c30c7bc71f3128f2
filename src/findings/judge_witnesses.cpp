// What the witnesses add: runs, instances that only they know, the verdict where the disk is silent, and findings of their own.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

#include "findings/ascii.hpp"
#include "findings/benign.hpp"
#include "findings/cloud.hpp"
#include "findings/heard_runs.hpp"
#include "findings/judge_case.hpp"
#include "findings/sealed.hpp"
#include "findings/story.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::size_t most_cited = 64, most_told = 40;

// Statements of the handler's own life, by those that must know: its own logs and reports, the agent's, the registry's state of it. A
// script or a command that only names the handler is none.
bool tells_of_life(SourceKind source, Deed deed) {
  switch (deed) {
    case Deed::installed:
    case Deed::enabled:
    case Deed::configured:
    case Deed::downloading:
    case Deed::command_started:
    case Deed::command_finished:
    case Deed::status:
    case Deed::registered: return source != SourceKind::activity_log;
    default: return false;
  }
}

std::string told_time(const Statement& s) {
  return s.time == no_time ? "at no stated time" : to_iso8601(s.time) + (s.zone_stated ? "" : " (no zone stated)");
}

}  // namespace

void Judge::hear() {
  if (target_.profile == nullptr) return;
  touches_ = touching(*target_.profile, hearing_);
  hear_requests(hearing_, touches_, report_.runs, disagreements_);
  hear_orphans(*target_.profile, hearing_, key_, report_.runs, loose_envelopes_);
  open_sealed(report_.runs, key_);
  sort_runs(report_.runs);
  add_by_script_name(hearing_, report_.runs, touches_);
  hear_events(hearing_, touches_, report_.runs, report_.script_texts, disagreements_);
  sort_runs(report_.runs);
  for (RunRecord& run : report_.runs)
    for (const Label& label : label_run(run)) run.labels.push_back({label.name, label.basis});
  hear_instances();
  report_.cloud = match_cloud(*target_.profile, hearing_, out_, report_, disagreements_);
}

// A version that the witnesses speak of and the tree does not know.
void Judge::hear_instances() {
  std::map<std::pair<std::string, std::string>, Witnessed> all;
  for (const Touching& t : touches_) {
    const Heard& heard = hearing_.all[t.heard];
    const Statement& s = heard.statement;
    if (!t.names_handler || t.handler.empty()) continue;
    const Deed deed = asked_of_handler(s).value_or(s.deed);
    // What the cloud asks for is not what was done.
    const bool asked = s.event == "goal state";
    const bool life = !asked && tells_of_life(heard.source, deed),
               end = deed == Deed::uninstalled && heard.source != SourceKind::activity_log;
    if (!life && !end) continue;
    Witnessed& w = all[{lower_ascii(t.handler), t.version}];
    w.handler = t.handler;
    w.version = t.version;
    if (heard.volume) w.volume = heard.volume;
    if (w.heard.size() < most_cited) w.heard.push_back(t.heard);
    w.sources.insert(heard.source);
    if (end) w.end_writers.insert(writer_of(heard.source, s));
    if (s.time == no_time) continue;
    // A key's last write is the time of its last change, not of the handler's life.
    if (deed == Deed::registered) continue;
    // The step's end says when it was there, where one is logged; its beginning else.
    const bool begun = s.status == "started";
    if (deed == Deed::installed &&
        (!w.installed || (!begun && w.install_begun) || (begun == w.install_begun && s.time < w.installed->first)))
      w.installed = {s.time, t.heard}, w.install_begun = begun;
    if (end) w.ends.emplace_back(s.time, t.heard);
    if (life && deed != Deed::status && (!w.last || s.time > w.last->first)) w.last = {s.time, t.heard};
  }
  for (auto& [key, w] : all) {
    // Of the words of its end the first behind the last sign of life: the deletion is not before it. Later ones may come behind it.
    std::ranges::sort(w.ends);
    const auto end = std::ranges::find_if(w.ends, [&w](const auto& e) { return !w.last || e.first >= w.last->first; });
    if (end != w.ends.end())
      w.ended = *end;
    else if (!w.ends.empty())
      w.end_writers.clear();  // it came again since: those words are of an earlier installation
    witnessed_.push_back(std::move(w));
  }
  for (const Witnessed& w : witnessed_) {
    if (w.version.empty()) continue;
    // One that a shadow copy shows for the last time: a log may tell that it was there for longer.
    for (std::size_t n = 0; w.ended && n < report_.instances.size(); ++n) {
      Instance& i = report_.instances[n];
      if (folders_[n] != nullptr || i.version != w.version || (w.volume && i.volume != *w.volume) || !i.removed || !i.removed->earliest ||
          *i.removed->earliest >= w.ended->first || (w.last && w.last->first > w.ended->first))
        continue;
      i.removed->earliest = w.ended->first;
      i.removed->earliest_basis = zoned_basis("witness_uninstalled", hearing_.all[w.ended->second].statement);
      i.removed->earliest_sightings = {hearing_.cite(w.ended->second)};
    }
    const bool known = std::ranges::any_of(report_.instances, [&](const Instance& i) {
      if (i.version != w.version || (w.volume && i.volume != *w.volume)) return false;
      const std::size_t n = static_cast<std::size_t>(&i - report_.instances.data());
      const std::string handler = folders_[n] == nullptr ? std::string() : place(folders_[n]->path, true).handler;
      return handler.empty() || same_ascii(handler, w.handler);
    });
    if (known) continue;
    Instance& made = report_.instances.emplace_back();
    folders_.push_back(nullptr);
    made.volume = w.volume.value_or(no_volume);
    made.version = w.version;
    made.state = w.ended || (w.volume && volume_was_read()) ? "removed" : "unknown";
    if (w.installed)
      made.installed = w.installed->first,
      made.installed_basis = zoned_basis("witness_installed", hearing_.all[w.installed->second].statement);
    for (const std::size_t n : w.heard) made.sightings.push_back(hearing_.cite(n));
    if (made.state != "removed") continue;
    Bounds& bounds = made.removed.emplace();
    // The agent uninstalls, then deletes: what it logs is not before the deletion's beginning, and nothing says when it was done.
    if (w.ended && (!w.last || w.last->first <= w.ended->first))
      bounds.earliest = w.ended->first, bounds.earliest_basis = zoned_basis("witness_uninstalled", hearing_.all[w.ended->second].statement),
      bounds.earliest_sightings = {hearing_.cite(w.ended->second)};
    else if (w.last)
      bounds.earliest = w.last->first, bounds.earliest_basis = zoned_basis("witness_last", hearing_.all[w.last->second].statement),
      bounds.earliest_sightings = {hearing_.cite(w.last->second)};
  }
}

// Was an $MFT read, so that a folder that is in no record is not there?
bool Judge::volume_was_read() const {
  return std::ranges::any_of(out_.volumes, [](const VolumeInfo& v) { return v.state == "examined" && v.records != 0; });
}

bool Judge::is_witnessed() const { return !witnessed_.empty(); }

// The disk itself says nothing of the handler's folder; the witnesses do.
void Judge::find_witnessed() {
  std::set<SourceKind> sources, ends;
  std::vector<std::uint32_t> sightings;
  std::optional<FileTime> ended;
  std::vector<std::string> versions;
  for (const Witnessed& w : witnessed_) {
    sources.insert(w.sources.begin(), w.sources.end());
    ends.insert(w.end_writers.begin(), w.end_writers.end());
    if (w.ended && (!ended || w.ended->first > *ended)) ended = w.ended->first;
    if (!w.version.empty()) versions.push_back(w.version);
    for (const std::size_t n : w.heard)
      if (sightings.size() < most_cited) sightings.push_back(hearing_.cite(n));
  }
  std::vector<std::string> names;
  for (const SourceKind source : sources) names.emplace_back(called(source));
  const std::string title(target_.profile->title);
  const std::string who = list_of(names) + (versions.empty() ? "" : " (version " + list_of(versions) + ")");
  const bool on_disk = std::ranges::any_of(witnessed_, [](const Witnessed& w) { return w.volume.has_value(); });
  if (volume_was_read() && on_disk) {
    report_.verdict = Verdict::removed;
    // Two independent kinds: the log that tells of the removal, and the $MFT that has no such folder.
    report_.grade = !ends.empty() ? Grade::corroborated : Grade::inferred;
    report_.reason =
        fmt::format("told of by {}; no folder of it is on the volume{}", who, ends.empty() ? "" : ", and its removal is told of");
    Finding& f = say(fmt::format("{} was on this machine and was removed: it is told of by {}", sentence(title), who), report_.grade,
                     std::move(sightings),
                     report_.grade == Grade::inferred ? "told of by witnesses, and no record on the volume is its folder's" : "");
    f.earliest = ended;
    return;
  }
  // Given logs need not be this machine's.
  const std::string missing = volume_was_read() ? "they were given, and the disk itself has no trace of it" : "no $MFT was given";
  if (!ends.empty()) {
    report_.verdict = Verdict::removed;
    report_.grade = ends.size() > 1 ? Grade::corroborated : Grade::inferred;
    report_.reason = fmt::format("its removal is told of by {}; {}", who, missing);
    Finding& f = say(fmt::format("{} was removed, as told by {}", sentence(title), who), report_.grade, std::move(sightings),
                     report_.grade == Grade::inferred ? "a witness names the handler and its removal" : "");
    f.earliest = ended;
    return;
  }
  report_.verdict = Verdict::traces;
  report_.grade = Grade::inferred;
  report_.reason = fmt::format("told of by {}; {}, so whether it was removed is not known", who, missing);
  say(fmt::format("{} left traces: it is told of by {}", sentence(title), who), Grade::inferred, std::move(sightings),
      "told of by witnesses");
}

// A removal that the disk shows and a witness tells of rests on both; one that is told of while the folder is in use is a contradiction.
void Judge::weigh_removal() {
  constexpr std::uint64_t slack = 600 * ticks_per_second;  // of the log's clock, and between the agent's word and its deed
  std::optional<FileTime> last;
  bool fits = false;  // a word of the end of a version whose folder went, at a time at which it can have gone
  const auto is_of = [this](std::size_t n, const Witnessed& w) {
    const std::string handler = folders_[n] == nullptr ? std::string() : place(folders_[n]->path, true).handler;
    return report_.instances[n].version == w.version && (handler.empty() || same_ascii(handler, w.handler));
  };
  std::vector<std::uint32_t> against;
  for (const Witnessed& w : witnessed_) {
    if (!w.ended) continue;
    const FileTime end = w.ended->first;
    for (std::size_t n = 0; n < report_.instances.size(); ++n) {
      const Instance& i = report_.instances[n];
      if (!is_of(n, w) || (i.installed && *i.installed > end)) continue;
      if (i.state == "removed" && folders_[n] != nullptr)
        fits = fits || !i.removed || !i.removed->latest || end.ticks <= i.removed->latest->ticks + slack;
      if (i.state != "present") continue;
      against.push_back(hearing_.cite(w.ended->second));
      if (!last || end > *last) last = end;
    }
  }
  if (report_.verdict == Verdict::removed && report_.grade == Grade::established && fits) {
    report_.grade = Grade::corroborated;
    report_.reason += "; a log tells of its removal too";
  }
  if (against.empty()) return;
  report_.reason += fmt::format("; but a log tells of its removal at {}", to_iso8601(*last));
  Finding& f = say(fmt::format("{} is in use by its $MFT record, and a log tells of its removal at {}",
                               sentence(std::string(target_.profile->title)), to_iso8601(*last)),
                   Grade::contradicted, std::move(against));
  f.earliest = f.latest = last;
}

void Judge::tell_witnesses() {
  if (target_.profile == nullptr) {
    tell_named_path();
    return;
  }
  for (const Disagreement& d : disagreements_) say(d.text, d.rule.empty() ? Grade::contradicted : Grade::inferred, d.sightings, d.rule);
  if (disagreements_.size() >= most_disagreements)
    say("Sources disagree in more places than are told here", Grade::contradicted, disagreements_.back().sightings);
  for (const LooseEnvelope& loose : loose_envelopes_)
    say(loose.text, Grade::inferred, loose.sightings, "sealed settings without a file and without a request that has the same");
  tell_steps();
  tell_scripts();
  tell_certificates();
  tell_cleared();
  tell_set_up();
}

// The steps of the handler's life as witnesses tell them: one finding for each step of a version that one kind of record tells of.
void Judge::tell_steps() {
  struct Told {
    std::string text;
    std::string zone;
    bool by_verb = false, by_word = false;
    std::optional<FileTime> first, last;
    std::vector<std::uint32_t> sightings;
  };
  std::map<std::string, Told> steps;
  std::vector<const Told*> order;
  for (const Touching& t : touches_) {
    const Heard& heard = hearing_.all[t.heard];
    const Statement& s = heard.statement;
    if (heard.source == SourceKind::activity_log || !t.names_handler) continue;
    const auto word = asked_of_handler(s);
    const Deed deed = word.value_or(s.deed);
    std::string text;
    switch (deed) {
      case Deed::installed: text = "was installed"; break;
      case Deed::disabled: text = "was disabled"; break;
      case Deed::uninstalled: text = "was uninstalled"; break;
      case Deed::updated: text = "was updated"; break;
      case Deed::registered:
        text = out_.witnesses[heard.witness].kind == "registry_bins" ? "has a registry key in bins of a hive that were carved"
               : s.carved                                            ? "has a deleted registry key"
                                                                     : "has a registry key";
        break;
      case Deed::program_seen: text = "left its program's path in the registry"; break;
      default: continue;  // enabled is told with its runs
    }
    text = fmt::format("{} {}, by {}", t.version.empty() ? sentence(std::string(target_.profile->title)) : "Version " + t.version, text,
                       s.event.empty() ? std::string(to_string(heard.source)) : s.event);
    if (deed == Deed::registered && !s.status.empty()) text += fmt::format(" (state {})", s.status);
    if (deed == Deed::program_seen) text += ": " + s.path;
    const auto [slot, is_new] = steps.try_emplace(text);
    Told& told = slot->second;
    if (is_new) {
      told.text = text;
      order.push_back(&told);
    }
    told.zone = told.zone.empty() ? zone_note(s) : told.zone;
    told.by_word = word.has_value();
    told.by_verb = deed == Deed::uninstalled || deed == Deed::disabled;
    if (told.sightings.size() < most_cited) told.sightings.push_back(hearing_.cite(t.heard));
    if (s.time == no_time) continue;
    if (!told.first || s.time < *told.first) told.first = s.time;
    if (!told.last || s.time > *told.last) told.last = s.time;
  }
  for (const Told* told : order | std::views::take(most_told)) {
    Finding& f = say(told->text + told->zone, told->by_word || told->by_verb ? Grade::inferred : Grade::established, told->sightings,
                     told->by_word   ? "the handler's own program was started with that word"
                     : told->by_verb ? "a line that names the handler and that step"
                                     : "");
    f.earliest = told->first;
    f.latest = told->last;
  }
}

void Judge::tell_scripts() {
  const auto tell = [&](const ScriptText& script, const std::string& of) {
    std::string text =
        fmt::format("The text of a script{}, {}, is in an event log ({}): {}", of, script.name, script.relation,
                    script.missing == 0 ? (script.parts > 1 ? fmt::format("all {} parts", script.parts) : std::string("whole"))
                                        : fmt::format("{} of {} parts", script.parts - script.missing, script.parts));
    for (const ScriptText::Stretch& stretch : script.stretches)
      if (script.missing == 0) text += ", SHA-256 " + stretch.sha256;
    Finding& f = say(std::move(text), script.grade, script.sightings, script.grade == Grade::inferred ? script.relation : "");
    f.earliest = f.latest = script.time;
  };
  for (const RunRecord& run : report_.runs)
    for (const ScriptText& script : run.script_texts) tell(script, fmt::format(" of run {}", run.sequence.empty() ? "?" : run.sequence));
  for (const ScriptText& script : report_.script_texts) tell(script, "");
}

// A certificate in the machine's store with the thumbprint that the settings name: this machine could open them.
void Judge::tell_certificates() {
  std::set<std::string> told;
  for (const RunRecord& run : report_.runs) {
    if (run.certificate_thumbprint.empty() || !told.insert(lower_ascii(run.certificate_thumbprint)).second) continue;
    for (std::size_t i = 0; i < hearing_.all.size(); ++i) {
      const Statement& s = hearing_.all[i].statement;
      if (s.deed != Deed::certificate) continue;
      const bool same = std::ranges::any_of(
          s.fields, [&](const auto& f) { return f.first == "thumbprint" && same_ascii(f.second, run.certificate_thumbprint); });
      if (!same) continue;
      std::vector<std::uint32_t> sightings = run.sightings;
      sightings.push_back(hearing_.cite(i));
      say(fmt::format("The certificate {} that the settings were sealed for {} in this machine's store", run.certificate_thumbprint,
                      s.carved ? "was" : "is"),
          Grade::corroborated, std::move(sightings));
      break;
    }
  }
}

// A log that was cleared cannot speak of what was before.
void Judge::tell_cleared() {
  for (std::size_t i = 0; i < hearing_.all.size(); ++i) {
    const Statement& s = hearing_.all[i].statement;
    if (s.deed != Deed::log_cleared) continue;
    Finding& f = say(fmt::format("An event log was cleared at {} ({}{})", told_time(s), s.event, s.user.empty() ? "" : ", by " + s.user),
                     Grade::established, {hearing_.cite(i)});
    if (s.time != no_time) f.earliest = f.latest = s.time;
  }
}

// When the machine was set up, as its registry says: what is older came with the image. Told where there is something to compare it with.
void Judge::tell_set_up() {
  if (report_.instances.empty() && report_.runs.empty()) return;
  for (std::size_t i = 0; i < hearing_.all.size(); ++i) {
    const Statement& s = hearing_.all[i].statement;
    if (s.deed != Deed::provisioned || s.time == no_time || s.carved) continue;
    Finding& f =
        say(fmt::format("Windows was set up on this machine at {}, by {}", told_time(s), s.event.empty() ? "the registry" : s.event),
            Grade::established, {hearing_.cite(i)});
    f.earliest = f.latest = s.time;
  }
}

void Judge::tell_named_path() {
  const auto touches = naming_path(target_.path, hearing_);
  if (touches.empty()) return;
  std::vector<std::uint32_t> sightings;
  std::optional<FileTime> first, last;
  for (const Touching& t : touches) {
    if (sightings.size() < most_cited) sightings.push_back(hearing_.cite(t.heard));
    const FileTime time = hearing_.all[t.heard].statement.time;
    if (time == no_time) continue;
    if (!first || time < *first) first = time;
    if (!last || time > *last) last = time;
  }
  Finding& f = say(fmt::format("{} statements of logs and hives name it{}", touches.size(),
                               touches.size() > most_cited ? fmt::format(", of which the first {} are cited", most_cited) : ""),
                   Grade::established, std::move(sightings));
  f.earliest = first;
  f.latest = last;
}

}  // namespace trimcarve::findings
