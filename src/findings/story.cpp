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
      : x_(examination), report_(report), hearing_(hearing), touches_(touches) {}

  std::vector<StoryStep> tell() {
    for (const Instance& instance : report_.instances) tell_instance(instance);
    for (const RunRecord& run : report_.runs) tell_run(run);
    for (const ScriptText& script : report_.script_texts) tell_script(script, {}, {});
    for (const CloudEvent& event : report_.cloud) tell_cloud(event);
    for (const Touching& touch : touches_) tell_touch(touch);
    tell_cleared();
    if (out_.size() >= most_steps) out_.back().text += " (there are more steps than are told here)";
    std::ranges::stable_sort(out_, [](const StoryStep& a, const StoryStep& b) { return key(a) < key(b); });
    return std::move(out_);
  }

 private:
  static std::uint64_t key(const StoryStep& step) {
    if (step.earliest) return step.earliest->ticks;
    return step.latest ? step.latest->ticks : ~std::uint64_t{0};
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
    if (instance.installed)
      add_sources(step("installed", instance.version, {}, instance.installed, instance.installed,
                       fmt::format("version {} was installed", instance.version), Grade::established),
                  instance.sightings, instance.installed, "its folder was created");
    if (instance.removed && (instance.removed->earliest || instance.removed->latest)) {
      StoryStep& gone = step(instance.state == "upgraded" ? "upgraded" : "removed", instance.version, {}, instance.removed->earliest,
                             instance.removed->latest, fmt::format("version {} was {}", instance.version, instance.state),
                             by_tree ? Grade::established : Grade::inferred);
      std::vector<std::uint32_t> ends = instance.removed->earliest_sightings;
      ends.insert(ends.end(), instance.removed->latest_sightings.begin(), instance.removed->latest_sightings.end());
      add_sources(gone, ends.empty() ? instance.sightings : ends, {}, "its folder's deletion, as bounded");
      for (const std::uint32_t n : ends)
        if (x_.sightings[n].statement) add_cited(gone, n);
    }
  }

  // Those of a run's sightings that name a file with this ending.
  std::vector<std::uint32_t> of_files(const RunRecord& run, std::u16string_view ending) const {
    std::vector<std::uint32_t> out;
    for (const std::uint32_t n : run.sightings) {
      const Sighting& sighting = x_.sightings[n];
      const bool named = std::ranges::any_of(sighting.names, [&](const NameFact& fact) {
        const std::u16string_view name = sighting.name(fact);
        return name.size() > ending.size() && same_ascii(name.substr(name.size() - ending.size()), ending);
      });
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

  static std::uint64_t distance(const StoryStep& step, FileTime time) {
    const auto apart = [&](FileTime t) { return t > time ? t.ticks - time.ticks : time.ticks - t.ticks; };
    std::uint64_t out = ~std::uint64_t{0};
    if (step.earliest) out = std::min(out, apart(*step.earliest));
    if (step.latest) out = std::min(out, apart(*step.latest));
    return out;
  }
  static bool near(const StoryStep& step, FileTime time) {
    if (time == no_time || (!step.earliest && !step.latest)) return true;
    if (step.earliest && step.latest && *step.earliest <= time && time <= *step.latest) return true;
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
};

}  // namespace

std::vector<StoryStep> tell_story(const Examination& examination, const TargetReport& report, const Hearing& hearing,
                                  std::span<const Touching> touches) {
  return Teller(examination, report, hearing, touches).tell();
}

}  // namespace trimcarve::findings
