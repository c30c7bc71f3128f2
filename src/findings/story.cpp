#include "findings/story.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "findings/ascii.hpp"
#include "findings/heard_runs.hpp"
#include "findings/proof.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::uint64_t same_step = 10 * 60 * ticks_per_second;
// A time is taken before what it belongs to is logged (see volume_clock.cpp): less than this is no contradiction.
constexpr std::uint64_t slack_of_numbers = 10 * ticks_per_second;
constexpr std::size_t most_cited = 16, longest_quote = 400;
constexpr std::size_t most_steps = 4096;  // a hostile log could make a step of each of a million lines

std::string quoted(const std::string& text) {
  const std::string line = text.substr(0, std::min(text.find_first_of("\r\n"), text.size()));
  if (line.size() <= longest_quote) return line;
  std::size_t end = longest_quote;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  return line.substr(0, end) + " ...";
}

class Teller {
 public:
  Teller(const Examination& examination, const TargetReport& report, const Hearing& hearing, std::span<const Touching> touches)
      : x_(examination), report_(report), hearing_(hearing), touches_(touches) {
    for (const FileReport& file : x_.files)
      if (!file.directory && !file.estimates.empty() && (ends_in(file.name, u".settings") || ends_in(file.name, u".status")))
        estimated_.push_back(&file);
  }

  std::vector<StoryStep> tell() {
    for (const Instance& instance : report_.instances) tell_instance(instance);
    for (const RunRecord& run : report_.runs) tell_run(run);
    for (const ScriptText& script : report_.script_texts) tell_script(script, {}, {});
    for (const CloudEvent& event : report_.cloud) tell_cloud(event);
    for (const Touching& touch : touches_) tell_touch(touch);
    tell_cleared();
    if (out_.size() >= most_steps) out_.back().text += " (there are more steps than are told here)";
    note_contradictions();
    std::ranges::stable_sort(out_, {}, key);
    return std::move(out_);
  }

 private:
  static bool ends_in(std::u16string_view name, std::u16string_view ending) {
    return name.size() > ending.size() && same_ascii(name.substr(name.size() - ending.size()), ending);
  }
  static bool is_exact(const StoryStep& step) { return step.earliest && step.earliest == step.latest; }

  // By time. A step that has none, or only bounds, stands where its number puts it between those that have one, but never outside of its
  // bounds; of two such the numbers decide. One that had only happened by then stands before what happened then.
  struct Key {
    std::uint64_t time = ~std::uint64_t{0};
    int side = 1;
    std::uint64_t number = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  static Key key(const StoryStep& step) {
    const Estimate* estimate = step.placed && !is_exact(step) ? &step.placed->estimate : nullptr;
    if (estimate != nullptr && estimate->earliest == no_time && !step.earliest && estimate->latest != no_time)
      return {std::min(estimate->latest.ticks, step.latest.value_or(estimate->latest).ticks), 0, step.placed->number};
    if (estimate != nullptr && estimate->earliest != no_time) {
      const std::uint64_t low = step.earliest.value_or(no_time).ticks, high = step.latest ? step.latest->ticks : ~std::uint64_t{0};
      return {std::min(std::max(estimate->earliest.ticks, low), std::max(low, high)), 2, step.placed->number};
    }
    if (step.earliest) return {step.earliest->ticks};
    return step.latest ? Key{step.latest->ticks} : Key{};
  }

  // The numbers that two steps were given say which was first; so do their times. Both of one volume, for what was done with the number
  // itself.
  void note_contradictions() {
    std::vector<std::pair<std::uint32_t, StoryStep*>> numbered;  // by volume
    for (const auto& [at, volume] : volumes_) numbered.emplace_back(volume, &out_[at]);
    std::erase_if(numbered, [](const auto& n) {
      const StoryStep& step = *n.second;
      return !step.placed || step.placed->by_then || step.placed->sequence != "lsn" || (!step.earliest && !step.latest);
    });
    std::ranges::sort(numbered, {}, [](const auto& n) { return std::pair(n.first, n.second->placed->number); });
    const StoryStep* before = nullptr;  // of those with lower numbers, the one that was latest at its earliest
    std::uint32_t volume = 0;
    for (const auto& [of, step] : numbered) {
      if (before == nullptr || of != volume) before = nullptr, volume = of;
      const Estimate& by_clock = step->placed->estimate;
      if (before != nullptr && step->latest && step->latest->ticks + slack_of_numbers < before->earliest->ticks)
        step->note = fmt::format(
            "by their LSNs it came after \"{}\" ({} and {}), by the times that are stated before it: a clock was set "
            "back between them, or times were changed",
            before->text, step->placed->number, before->placed->number);
      else if ((by_clock.earliest != no_time && step->latest && step->latest->ticks + slack_of_numbers < by_clock.earliest.ticks) ||
               (by_clock.latest != no_time && step->earliest && step->earliest->ticks > by_clock.latest.ticks + slack_of_numbers))
        step->note = fmt::format(
            "the time that is stated is not that of its LSN {}: by the volume's other records that was given out "
            "between {} and {}",
            step->placed->number, by_clock.earliest == no_time ? "an unknown time" : to_iso8601(by_clock.earliest),
            by_clock.latest == no_time ? "an unknown time" : to_iso8601(by_clock.latest));
      if (step->earliest && (before == nullptr || *step->earliest > *before->earliest)) before = step;
    }
  }

  static bool tells(const FileReport& file, const std::vector<std::uint32_t>& sightings) {
    return std::ranges::any_of(file.sightings, [&](std::uint32_t n) { return std::ranges::find(sightings, n) != sightings.end(); });
  }

  // The best that the clocks of numbers say of an event of a file: the number that it was done with, before one by which it was done.
  static const SequenceEstimate* estimate_of(const FileReport* file, std::string_view event) {
    if (file == nullptr) return nullptr;
    const SequenceEstimate* best = nullptr;
    for (const SequenceEstimate& e : file->estimates)
      if (e.event == event && (best == nullptr || (best->by_then && !e.by_then))) best = &e;
    return best;
  }

  void place(StoryStep& step, std::uint32_t volume, const SequenceEstimate* estimate) {
    if (estimate == nullptr) return;
    step.placed = *estimate;
    volumes_.emplace_back(static_cast<std::size_t>(&step - out_.data()), volume);
  }

  const FileReport* folder_of(const Instance& instance) const {
    const auto found = std::ranges::find_if(x_.files, [&](const FileReport& file) {
      return file.directory && file.volume == instance.volume && file.sightings == instance.sightings;
    });
    return instance.sightings.empty() || found == x_.files.end() ? nullptr : &*found;
  }

  // Of a run's files that end so the one of which the clocks say something.
  const SequenceEstimate* estimate_of(const RunRecord& run, std::u16string_view ending, std::string_view event) const {
    for (const FileReport* file : estimated_) {
      if (file->volume != run.volume || !ends_in(file->name, ending) || !tells(*file, run.sightings)) continue;
      if (const SequenceEstimate* estimate = estimate_of(file, event)) return estimate;
    }
    return nullptr;
  }

  StoryStep& step(std::string what, std::string version, std::string sequence, std::optional<FileTime> earliest,
                  std::optional<FileTime> latest, std::string text, Grade grade) {
    StoryStep& made = out_.emplace_back();
    made.what = std::move(what);
    made.version = std::move(version);
    made.sequence = std::move(sequence);
    made.earliest = earliest;
    made.latest = latest;
    made.text = std::move(text);
    made.grade = grade;
    return made;
  }

  // The sightings sorted by kind of evidence, one source each; `text` names what they are.
  void add_sources(StoryStep& step, const std::vector<std::uint32_t>& sightings, std::optional<FileTime> time, const std::string& text) {
    std::map<SourceKind, std::vector<std::uint32_t>> kinds;
    for (const std::uint32_t n : sightings)
      if (auto& of_kind = kinds[x_.sightings[n].source]; of_kind.size() < most_cited) of_kind.push_back(n);
    for (auto& [kind, numbers] : kinds) {
      if (x_.sightings[numbers.front()].statement) continue;  // each has words of its own: added with them
      step.sources.push_back({std::string(to_string(kind)), time, true, text, std::move(numbers)});
    }
  }

  void add_statement(StoryStep& step, std::size_t heard) { add_cited(step, hearing_.cite(heard)); }

  // A witness's statement by its sighting, in its own words.
  void add_cited(StoryStep& step, std::uint32_t n) {
    const Statement& s = *x_.sightings[n].statement;
    for (const StoryStep::Source& known : step.sources)
      if (std::ranges::find(known.sightings, n) != known.sightings.end()) return;
    if (step.sources.size() >= most_cited) return;
    std::string text = quoted(!s.text.empty() ? s.text : !s.command.empty() ? s.command : s.path);
    if (!s.event.empty()) text = s.event + (text.empty() ? "" : ": " + text);
    step.sources.push_back({std::string(to_string(x_.sightings[n].source)),
                            s.time == no_time ? std::nullopt : std::optional(s.time),
                            s.zone_stated,
                            std::move(text),
                            {n}});
    // Two writers of one step.
    const auto writer = [this](const StoryStep::Source& source) {
      const Sighting& sighting = x_.sightings[source.sightings.front()];
      return sighting.statement ? writer_of(sighting.source, *sighting.statement) : sighting.source;
    };
    const bool other = std::ranges::any_of(step.sources, [&](const StoryStep::Source& source) {
      return !source.sightings.empty() && writer(source) != writer(step.sources.back());
    });
    if (other && (step.grade == Grade::established || step.grade == Grade::inferred)) step.grade = Grade::corroborated;
  }

  void tell_instance(const Instance& instance) {
    const bool by_tree = std::ranges::none_of(instance.sightings, [&](std::uint32_t n) { return x_.sightings[n].statement != nullptr; });
    const FileReport* folder = folder_of(instance);
    const SequenceEstimate* created = estimate_of(folder, "created");
    if (instance.installed) {
      StoryStep& made = step("installed", instance.version, {}, instance.installed, instance.installed,
                             fmt::format("version {} was installed", instance.version), Grade::established);
      place(made, instance.volume, created);
      add_sources(made, instance.sightings, instance.installed, "its folder was created");
    } else if (created != nullptr) {
      StoryStep& made = step("installed", instance.version, {}, {}, {},
                             fmt::format("version {} was installed; no source states when", instance.version), Grade::inferred);
      place(made, instance.volume, created);
      add_sources(made, created->sightings, {}, "its folder, by the number that this has");
    }
    const SequenceEstimate* deleted = instance.removed ? estimate_of(folder, "deleted") : nullptr;
    if (deleted == nullptr && instance.removed) deleted = estimate_of(folder, "left_directory");
    if (instance.removed && (instance.removed->earliest || instance.removed->latest || deleted != nullptr)) {
      StoryStep& gone = step(instance.state == "upgraded" ? "upgraded" : "removed", instance.version, {}, instance.removed->earliest,
                             instance.removed->latest, fmt::format("version {} was {}", instance.version, instance.state),
                             by_tree ? Grade::established : Grade::inferred);
      place(gone, instance.volume, deleted);
      std::vector<std::uint32_t> ends = instance.removed->earliest_sightings;
      ends.insert(ends.end(), instance.removed->latest_sightings.begin(), instance.removed->latest_sightings.end());
      const bool bounded = instance.removed->earliest || instance.removed->latest;
      add_sources(gone, ends.empty() ? instance.sightings : ends, {},
                  bounded ? "its folder's deletion, as bounded" : "its folder's deletion, by the number that it has");
      for (const std::uint32_t n : ends)
        if (x_.sightings[n].statement) add_cited(gone, n);
    }
  }

  // Those of a run's sightings that name a file with this ending.
  std::vector<std::uint32_t> of_files(const RunRecord& run, std::u16string_view ending) const {
    std::vector<std::uint32_t> out;
    for (const std::uint32_t n : run.sightings) {
      const Sighting& sighting = x_.sightings[n];
      const bool named = std::ranges::any_of(sighting.names, [&](const NameFact& fact) { return ends_in(sighting.name(fact), ending); });
      if (named) out.push_back(n);
    }
    return out;
  }

  void tell_run(const RunRecord& run) {
    const std::string name = fmt::format("run {}", run.sequence.empty() ? "?" : run.sequence);
    if (run.started || run.finished) {
      std::string text = name + " was requested";
      if (!run.command.empty()) text += ": " + quoted(run.command);
      add_sources(step("started", run.version, run.sequence, run.started, run.started ? run.started : run.finished, std::move(text),
                       Grade::established),
                  run.started_basis.starts_with("settings_") ? of_files(run, u".settings") : run.sightings, run.started,
                  "the request's files");
    } else if (const SequenceEstimate* created = estimate_of(run, u".settings", "created")) {
      StoryStep& made = step("started", run.version, run.sequence, {}, {}, name + " was requested; no source states when", Grade::inferred);
      place(made, run.volume, created);
      add_sources(made, created->sightings, {}, "the request's file, by the number that this has");
    }
    for (const ProcessRecord& process : run.processes)
      step("process", run.version, run.sequence, process.started, process.started,
           quoted(process.command.empty() ? process.path : process.command), process.grade)
          .sources.push_back({"event_log", process.started, true, process.relation, process.sightings});
    for (const ScriptText& script : run.script_texts) tell_script(script, run.version, run.sequence);
    for (const CreatedFile& file : run.created_elsewhere)
      step("made", run.version, run.sequence, file.created, file.created, file.path + " was created while it ran", Grade::inferred)
          .sources.push_back({"usn_journal", file.created, true, "created", file.sightings});
    if (run.finished) {
      std::string text = name + " ended";
      if (!run.status.empty()) text += ", status " + run.status;
      if (run.exit_code) text += fmt::format(", exit code {}", *run.exit_code);
      add_sources(step("finished", run.version, run.sequence, run.finished, run.finished, std::move(text), Grade::established),
                  of_files(run, u".status"), run.finished, "the status file");
    } else if (const SequenceEstimate* written = estimate_of(run, u".status", "last_write")) {
      StoryStep& made =
          step("finished", run.version, run.sequence, {}, {}, name + "'s status was last written; no source states when", Grade::inferred);
      place(made, run.volume, written);
      add_sources(made, written->sightings, {}, "the status file, by the number that this has");
    }
  }

  void tell_script(const ScriptText& script, const std::string& version, const std::string& sequence) {
    const std::string first = script.stretches.empty() ? std::string() : quoted(script.stretches.front().text);
    step("script", version, sequence, script.time, script.time, fmt::format("script text {}: {}", script.name, first), script.grade)
        .sources.push_back({"event_log", script.time, true, script.relation, script.sightings});
  }

  void tell_cloud(const CloudEvent& event) {
    std::string text =
        fmt::format("{} \"{}\"{}{}{}", event.operation, event.extension_name, event.machine.empty() ? "" : " of " + event.machine,
                    event.status.empty() ? "" : ", " + event.status, event.caller.empty() ? "" : ", by " + event.caller);
    if (!event.address.empty()) text += " from " + event.address;
    text += event.match.empty() ? "; matched with nothing on the disk" : "; " + event.match;
    if (event.gap_seconds) text += fmt::format(" ({} s later)", *event.gap_seconds);
    step("cloud", event.version, {}, event.first, event.first, std::move(text), event.grade)
        .sources.push_back({"activity_log", event.first, true, event.operation, event.sightings});
  }

  // The step of the tree or of another witness that this one speaks of; else a step of its own.
  void tell_touch(const Touching& touch) {
    const Heard& heard = hearing_.all[touch.heard];
    const Statement& s = heard.statement;
    if (!touch.names_handler || heard.source == SourceKind::activity_log) return;
    const Deed deed = asked_of_handler(s).value_or(s.deed);
    const char* what = nullptr;
    switch (deed) {
      case Deed::installed: what = "installed"; break;
      case Deed::configured:
      case Deed::command_started: what = "started"; break;
      case Deed::command_finished: what = "finished"; break;
      case Deed::disabled: what = "disabled"; break;
      case Deed::uninstalled: what = "uninstalled"; break;
      default: return;
    }
    StoryStep* best = nullptr;
    for (StoryStep& step : out_) {
      const bool end_of_it = std::string_view(what) == "uninstalled" && step.what == "removed";
      if ((step.what != what && !end_of_it) || (!touch.version.empty() && !step.version.empty() && step.version != touch.version)) continue;
      const bool same_request = !touch.sequence.empty() && same_ascii(step.sequence, touch.sequence);
      if (!touch.sequence.empty() && !step.sequence.empty() && !same_request) continue;
      if (!near(step, s.time)) continue;
      if (best == nullptr || distance(step, s.time) < distance(*best, s.time)) best = &step;
    }
    if (best == nullptr && out_.size() >= most_steps) return;
    if (best == nullptr)
      best = &step(what, touch.version, touch.sequence, s.time == no_time ? std::nullopt : std::optional(s.time),
                   s.time == no_time ? std::nullopt : std::optional(s.time),
                   fmt::format("{}{}: {}", touch.handler, touch.version.empty() ? "" : " " + touch.version, what),
                   deed == Deed::uninstalled || deed == Deed::disabled ? Grade::inferred : Grade::established);
    add_statement(*best, touch.heard);
  }

  // The time that a step has: stated, else by its number.
  static std::pair<std::optional<FileTime>, std::optional<FileTime>> interval(const StoryStep& step) {
    if (step.earliest || step.latest || !step.placed) return {step.earliest, step.latest};
    const auto end = [](FileTime time) { return time == no_time ? std::nullopt : std::optional(time); };
    return {end(step.placed->estimate.earliest), end(step.placed->estimate.latest)};
  }
  static std::uint64_t distance(const StoryStep& step, FileTime time) {
    const auto apart = [&](FileTime t) { return t > time ? t.ticks - time.ticks : time.ticks - t.ticks; };
    const auto [earliest, latest] = interval(step);
    std::uint64_t out = ~std::uint64_t{0};
    if (earliest) out = std::min(out, apart(*earliest));
    if (latest) out = std::min(out, apart(*latest));
    return out;
  }
  static bool near(const StoryStep& step, FileTime time) {
    const auto [earliest, latest] = interval(step);
    if (time == no_time || (!earliest && !latest)) return true;
    if (earliest && latest && *earliest <= time && time <= *latest) return true;
    if (!earliest && step.placed && time <= *latest) return true;  // it had happened by then
    return distance(step, time) <= same_step;
  }

  void tell_cleared() {
    for (std::size_t i = 0; i < hearing_.all.size(); ++i) {
      const Statement& s = hearing_.all[i].statement;
      if (s.deed != Deed::log_cleared || out_.size() >= most_steps) continue;
      const auto time = s.time == no_time ? std::nullopt : std::optional(s.time);
      add_statement(step("log_cleared", {}, {}, time, time, "an event log was cleared" + (s.user.empty() ? "" : ", by " + s.user),
                         Grade::established),
                    i);
    }
  }

  const Examination& x_;
  const TargetReport& report_;
  const Hearing& hearing_;
  std::span<const Touching> touches_;
  std::vector<StoryStep> out_;
  std::vector<const FileReport*> estimated_;                    // settings and status files of which the clocks of numbers say something
  std::vector<std::pair<std::size_t, std::uint32_t>> volumes_;  // of the steps that are placed, by their position in out_
};

}  // namespace

std::vector<StoryStep> tell_story(const Examination& examination, const TargetReport& report, const Hearing& hearing,
                                  std::span<const Touching> touches) {
  return Teller(examination, report, hearing, touches).tell();
}

}  // namespace trimcarve::findings
