#include "findings/heard_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "findings/ascii.hpp"
#include "findings/proof.hpp"
#include "findings/settings.hpp"
#include "types/sha256.hpp"
#include "witness/script_blocks.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::uint64_t minute = 60 * ticks_per_second;
// The handler reads a request within moments of its file's creation; a log without a zone and a busy machine get this much.
constexpr std::uint64_t same_request = 10 * minute;
// 400 and 600 events of one engine, and the 4688 of its process, come within this of each other.
constexpr std::uint64_t same_process = 30 * ticks_per_second;

// A hostile log has a million lines of one request, or a million processes: of each run so many are kept, and the rest counted.
constexpr std::size_t most_cited = 1024, most_processes = 1024, most_runs = 2048, most_ends = 1024;

std::uint64_t apart(FileTime a, FileTime b) { return a > b ? a.ticks - b.ticks : b.ticks - a.ticks; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

void cite(const Hearing& hearing, std::size_t heard, std::vector<std::uint32_t>& sightings) {
  if (sightings.size() >= most_cited) return;
  const std::uint32_t n = hearing.cite(heard);
  if (std::ranges::find(sightings, n) == sightings.end()) sightings.push_back(n);
}

class Requests {
 public:
  Requests(const Hearing& hearing, std::span<const Touching> touches, std::vector<RunRecord>& runs,
           std::vector<Disagreement>& disagreements)
      : hearing_(hearing), touches_(touches), runs_(runs), disagreements_(disagreements) {}

  void run() {
    for (const Touching& t : touches_) {
      const Statement& s = at(t).statement;
      if (s.deed == Deed::uninstalled && s.time != no_time && ends_.size() < most_ends) ends_.emplace_back(t.version, s.time);
    }
    for (const Touching& t : touches_) {
      if (at(t).source != SourceKind::agent_log || !t.names_handler) continue;
      take(t, at(t));
    }
  }

 private:
  const Heard& at(const Touching& t) const { return hearing_.all[t.heard]; }

  void take(const Touching& t, const Heard& heard) {
    const Statement& s = heard.statement;
    switch (s.deed) {
      case Deed::configured: {
        if (s.settings.empty() && t.sequence.empty()) return;  // that a handler is wanted, not what of it
        const auto run = request(t, heard);
        if (!run) return;
        current_[heard.witness] = *run;
        RunRecord& r = runs_[*run];
        if (!r.started && s.time != no_time)
          r.started = s.time, r.started_basis = zoned_basis(s.event == "goal state" ? "goal_state" : "handler_log", s);
        take_settings(t, s, r);
        break;
      }
      case Deed::downloading:
      case Deed::command_started: {
        const auto run = request(t, heard);
        if (!run) return;
        RunRecord& r = runs_[*run];
        if (!r.started && s.time != no_time) r.started = s.time, r.started_basis = zoned_basis("handler_log", s);
        take_command(s.command, s.cut, t, r);
        break;
      }
      case Deed::command_finished:
      case Deed::status: {
        const auto run = request(t, heard);
        if (!run) return;
        take_outcome(t, s, runs_[*run]);
        break;
      }
      default: return;
    }
  }

  // The run of which a line speaks: by its sequence; else the request that this witness last spoke of; else by time.
  std::optional<std::size_t> request(const Touching& t, const Heard& heard) {
    const Statement& s = heard.statement;
    if (t.sequence.empty()) {
      const auto last = current_.find(heard.witness);
      if (last != current_.end() && near(runs_[last->second], s.time)) return cited(last->second, t);
      for (std::size_t i = runs_.size(); i-- > 0;) {
        const auto window = window_of(runs_[i]);
        if (window && s.time >= window->from && s.time <= window->until && of_version(runs_[i], t) && of_volume(runs_[i], heard))
          return cited(i, t);
      }
      if (s.deed == Deed::configured && s.settings.empty()) return std::nullopt;
    } else {
      std::optional<std::size_t> best;
      for (std::size_t i = 0; i < runs_.size(); ++i) {
        const RunRecord& r = runs_[i];
        if (!same_ascii(r.sequence, t.sequence) || !of_version(r, t) || !of_volume(r, heard) || !near(r, s.time)) continue;
        if (!best || r.started.value_or(no_time) > runs_[*best].started.value_or(no_time)) best = i;
      }
      if (best) return cited(*best, t);
    }
    // Nothing in the tree: the witness alone knows of it. A bare outcome without a request is none.
    if (t.sequence.empty() && s.command.empty() && s.settings.empty()) return std::nullopt;
    if (runs_.size() >= most_runs) {
      if (!left_out_ && disagreements_.size() < most_disagreements)
        disagreements_.push_back(
            {fmt::format("The logs name more requests than the {} that are told here", most_runs), {hearing_.cite(t.heard)}});
      left_out_ = true;
      return std::nullopt;
    }
    RunRecord& made = runs_.emplace_back();
    made.volume = heard.volume.value_or(no_volume);
    made.version = t.version;
    made.sequence = t.sequence;
    current_[heard.witness] = runs_.size() - 1;
    return cited(runs_.size() - 1, t);
  }

  std::size_t cited(std::size_t run, const Touching& t) {
    cite(hearing_, t.heard, runs_[run].sightings);
    if (runs_[run].version.empty()) runs_[run].version = t.version;
    return run;
  }

  static bool of_version(const RunRecord& run, const Touching& t) {
    return run.version.empty() || t.version.empty() || run.version == t.version;
  }
  static bool of_volume(const RunRecord& run, const Heard& heard) { return !heard.volume || run.volume == *heard.volume; }

  // Can a line of that time speak of this run? Not before its request; nor, since numbers begin anew with each installation, when the
  // handler was uninstalled in between. A handler that is enabled again after a restart speaks of its last request again.
  bool near(const RunRecord& run, FileTime time) const {
    if (time == no_time || !run.started) return true;
    if (time.ticks + same_request < run.started->ticks) return false;
    return std::ranges::none_of(ends_, [&](const auto& end) {
      return (end.first.empty() || run.version.empty() || end.first == run.version) && *run.started < end.second && end.second < time;
    });
  }

  void take_settings(const Touching& t, const Statement& s, RunRecord& r) {
    const Settings settings = s.settings.empty() ? Settings{} : read_settings(s.settings).value_or(Settings{});
    std::string sealed = settings.sealed, thumbprint = settings.thumbprint;
    for (const auto& [name, value] : s.fields) {
      if (same_ascii(name, "protectedSettings")) sealed = value;
      if (same_ascii(name, "protectedSettingsCertThumbprint")) thumbprint = value;
    }
    const bool first = r.command.empty() && r.file_uris.empty();
    take_command(settings.command, settings.command_cut || s.cut, t, r);
    if (first) r.file_uris = settings.file_uris;
    if (!r.protected_settings && (!s.settings.empty() || !sealed.empty())) r.protected_settings = settings.has_protected || !sealed.empty();
    if (r.certificate_thumbprint.empty()) r.certificate_thumbprint = thumbprint;
    if (!sealed.empty() && !r.sealed) r.sealed = SealedSettings{.envelope = sealed};
  }

  void take_command(const std::string& command, bool cut, const Touching& t, RunRecord& r) {
    if (command.empty()) return;
    if (r.command.empty() || (r.command_cut && command.starts_with(r.command))) {
      r.command = command;
      r.command_cut = cut;
    } else if (!cut && !r.command_cut && trimmed(command) != trimmed(r.command) && disagreements_.size() < most_disagreements) {
      Disagreement& d = disagreements_.emplace_back();
      d.text = fmt::format("Sequence {} of version {}: the settings and the log do not name the same command: \"{}\" and \"{}\"",
                           r.sequence, r.version, r.command, command);
      d.sightings = r.sightings;
      cite(hearing_, t.heard, d.sightings);
    }
  }

  void take_outcome(const Touching& t, const Statement& s, RunRecord& r) {
    if (s.exit_code) {
      if (!r.exit_code) {
        r.exit_code = s.exit_code;
      } else if (*r.exit_code != *s.exit_code && disagreements_.size() < most_disagreements) {
        Disagreement& d = disagreements_.emplace_back();
        d.text = fmt::format("Sequence {} of version {}: exit code {} by one source, {} by {}", r.sequence, r.version, *r.exit_code,
                             *s.exit_code, s.event.empty() ? "a log" : s.event);
        d.sightings = r.sightings;
        cite(hearing_, t.heard, d.sightings);
      }
    }
    if (r.status.empty()) r.status = s.status;
    if (r.output.empty()) r.output = s.output;
    if (r.error_output.empty()) r.error_output = s.error_output;
    const bool goes_on = same_ascii(s.status, "transitioning");
    if (!r.finished && s.time != no_time && !goes_on && (s.deed == Deed::command_finished || s.exit_code)) {
      r.finished = s.time;
      r.finished_basis = zoned_basis(s.deed == Deed::command_finished ? "handler_log" : "agent_report", s);
    }
  }

  const Hearing& hearing_;
  std::span<const Touching> touches_;
  std::vector<RunRecord>& runs_;
  std::vector<Disagreement>& disagreements_;
  std::vector<std::pair<std::string, FileTime>> ends_;  // of installations: version, time
  std::map<std::uint32_t, std::size_t> current_;        // by witness: the run it last spoke of
  bool left_out_ = false;
};

// The run in whose time an event falls: of the version when it is known; the latest begun.
RunRecord* run_at(std::vector<RunRecord>& runs, FileTime time, const std::string& version) {
  RunRecord* best = nullptr;
  if (time == no_time) return nullptr;
  for (RunRecord& run : runs) {
    const auto window = window_of(run);
    if (!window || time < window->from || time > window->until) continue;
    if (!version.empty() && !run.version.empty() && run.version != version) continue;
    if (best == nullptr || run.started.value_or(no_time) > best->started.value_or(no_time)) best = &run;
  }
  return best;
}

void add_process(const Hearing& hearing, const Touching& t, RunRecord& run) {
  const Statement& s = hearing.all[t.heard].statement;
  for (ProcessRecord& known : run.processes) {
    if (!known.started || apart(*known.started, s.time) > same_process || trimmed(known.command) != trimmed(s.command)) continue;
    if (!s.process_id.empty() && !known.process_id.empty() && s.process_id != known.process_id) continue;
    cite(hearing, t.heard, known.sightings);
    if (known.path.empty()) known.path = s.path;
    if (known.process_id.empty()) known.process_id = s.process_id, known.parent = s.parent_process, known.user = s.user;
    if (t.grade == Grade::established && known.grade == Grade::inferred) known.grade = t.grade, known.relation = t.relation;
    return;
  }
  ++run.processes_total;
  if (run.processes.size() >= most_processes) return;
  ProcessRecord& made = run.processes.emplace_back();
  if (s.time != no_time) made.started = s.time;
  made.path = s.path;
  made.command = s.command;
  made.parent = s.parent_process;
  made.process_id = s.process_id;
  made.user = s.user;
  made.relation = t.relation;
  made.grade = t.grade;
  cite(hearing, t.heard, made.sightings);
}

std::string field_of(const Statement& s, std::string_view name) {
  for (const auto& [key, value] : s.fields)
    if (same_ascii(key, name)) return value;
  return {};
}

}  // namespace

void hear_requests(const Hearing& hearing, std::span<const Touching> touches, std::vector<RunRecord>& runs,
                   std::vector<Disagreement>& disagreements) {
  Requests(hearing, touches, runs, disagreements).run();
}

std::optional<Deed> asked_of_handler(const Statement& s) {
  if (s.deed != Deed::process_started || s.path.empty()) return std::nullopt;
  std::string_view words = s.command;
  while (!words.empty() && (words.back() == ' ' || words.back() == '"')) words.remove_suffix(1);
  const std::size_t space = words.find_last_of(" \"");
  if (space == std::string_view::npos) return std::nullopt;
  const std::string last = lower_ascii(std::string(words.substr(space + 1)));
  if (last == "install") return Deed::installed;
  if (last == "enable") return Deed::enabled;
  if (last == "disable") return Deed::disabled;
  if (last == "uninstall") return Deed::uninstalled;
  if (last == "update") return Deed::updated;
  return std::nullopt;
}

void hear_events(const Hearing& hearing, std::span<const Touching> touches, std::vector<RunRecord>& runs, std::vector<ScriptText>& others,
                 std::vector<Disagreement>& disagreements) {
  std::set<std::string> blocks;  // of which a part touches the target
  std::map<std::string, const Touching*> why;
  const auto block_of = [](const Statement& s) { return lower_ascii(s.computer) + "\n" + lower_ascii(field_of(s, "ScriptBlockId")); };
  for (const Touching& t : touches) {
    const Heard& heard = hearing.all[t.heard];
    const Statement& s = heard.statement;
    if (heard.source != SourceKind::event_log) continue;
    switch (s.deed) {
      case Deed::process_started:
      case Deed::engine_started: {
        if (asked_of_handler(s) && t.relation == "the handler's own program") break;  // a step of the handler, not of a run
        RunRecord* run = run_at(runs, s.time, t.version);
        if (run == nullptr && t.relation == "started by the handler" && s.time != no_time && runs.size() < most_runs) {
          run = &runs.emplace_back();
          run->volume = heard.volume.value_or(no_volume);
          run->version = t.version;
          run->started = s.time;
          run->started_basis = "process_start";
          run->command = s.command;
        }
        if (run == nullptr) break;
        add_process(hearing, t, *run);
        cite(hearing, t.heard, run->sightings);
        break;
      }
      case Deed::pipeline:
      case Deed::engine_stopped:
        if (RunRecord* run = run_at(runs, s.time, t.version)) cite(hearing, t.heard, run->sightings);
        break;
      case Deed::script_text:
        blocks.insert(block_of(s));
        why.try_emplace(block_of(s), &t);
        break;
      default: break;
    }
  }
  if (blocks.empty()) return;
  witness::ScriptBlocks joiner;
  for (std::size_t i = 0; i < hearing.all.size(); ++i)
    if (const Statement& s = hearing.all[i].statement; s.deed == Deed::script_text && blocks.contains(block_of(s)))
      joiner.add(s, static_cast<std::uint32_t>(i));
  for (witness::ScriptBlock& block : joiner.finish()) {
    ScriptText text;
    text.name = block.path.empty() ? block.id : block.path;
    text.parts = block.total;
    for (const witness::PartRange& range : block.missing) text.missing += range.last - range.first + 1;
    if (block.first_time != no_time) text.time = block.first_time;
    const auto add = [&text](witness::PartRange parts, std::string content) {
      Sha256 hash;
      hash.update(std::as_bytes(std::span(content)));
      text.stretches.push_back({parts.first, parts.last, std::move(content), hash.finish(), {}});
    };
    if (block.missing.empty())
      add({1, std::max(block.total, 1U)}, std::move(block.text));
    else
      for (witness::ScriptStretch& stretch : block.stretches) add(stretch.parts, std::move(stretch.text));
    const Touching* reason = why.at(lower_ascii(block.computer) + "\n" + lower_ascii(block.id));
    text.relation = reason->relation;
    text.grade = reason->grade;
    for (const std::uint32_t n : block.numbers) cite(hearing, n, text.sightings);
    for (const witness::ContestedPart& contested : block.contested)
      if (disagreements.size() < most_disagreements)
        disagreements.push_back(
            {fmt::format("Script block {}: the logs have two texts of part {}", block.id, contested.part), text.sightings});
    RunRecord* run = run_at(runs, block.first_time, reason->version);
    if (run == nullptr) {
      others.push_back(std::move(text));
      continue;
    }
    for (const std::uint32_t n : text.sightings)
      if (std::ranges::find(run->sightings, n) == run->sightings.end()) run->sightings.push_back(n);
    run->script_texts.push_back(std::move(text));
  }
}

void sort_runs(std::vector<RunRecord>& runs) {
  std::ranges::stable_sort(runs, [](const RunRecord& a, const RunRecord& b) {
    const auto time = [](const RunRecord& r) { return r.started ? r.started : r.finished; };
    return time(a).value_or(no_time) < time(b).value_or(no_time);
  });
}

}  // namespace trimcarve::findings
