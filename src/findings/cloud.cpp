#include "findings/cloud.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "findings/ascii.hpp"
#include "trimcarve/text.hpp"
#include "witness/activity_log.hpp"
#include "witness/activity_match.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::int64_t second = static_cast<std::int64_t>(ticks_per_second);
// The agent fetches a goal state every few seconds and acts on it; a busy or restarting machine takes longer. Clocks may differ a little.
constexpr std::int64_t earliest_effect = -5 * 60, latest_effect = 60 * 60;  // seconds

bool is_ours(const Profile& profile, const std::string& handler) {
  return profile.handlers.empty() ||
         std::ranges::any_of(profile.handlers, [&](std::u16string_view h) { return same_ascii(to_utf8(h), handler); });
}

std::int64_t seconds_between(FileTime from, FileTime to) {
  return (static_cast<std::int64_t>(to.ticks) - static_cast<std::int64_t>(from.ticks)) / second;
}

// A step on the disk that an operation can have caused.
struct Step {
  std::string what;
  std::optional<FileTime> earliest, latest;
  std::string version;
};

struct Match {
  const Step* step = nullptr;
  std::optional<std::int64_t> gap;  // empty: the step is only bounded, and its bounds allow the operation
};

// The step nearest behind the operation. One that is only bounded goes with it when the bounds allow it.
std::optional<Match> nearest(const std::vector<Step>& steps, const CloudEvent& event) {
  if (!event.first) return std::nullopt;
  std::optional<Match> best, bounded;
  for (const Step& step : steps) {
    if (!event.version.empty() && !step.version.empty() && !step.version.starts_with(event.version) &&
        !event.version.starts_with(step.version))
      continue;
    if (step.earliest && step.latest && *step.earliest == *step.latest) {
      const std::int64_t gap = seconds_between(*event.first, *step.earliest);
      if (gap < earliest_effect || gap > latest_effect) continue;
      if (!best || std::abs(gap) < std::abs(*best->gap)) best = Match{&step, gap};
      continue;
    }
    const bool not_before = !step.latest || seconds_between(*event.first, *step.latest) >= earliest_effect;
    const bool not_behind = !step.earliest || seconds_between(*event.first, *step.earliest) <= latest_effect;
    if (not_before && not_behind && (step.earliest || step.latest)) bounded = Match{&step, std::nullopt};
  }
  return best ? best : bounded;
}

// The first label of a name, lower case: "NODE-0017.corp.example" is "node-0017".
std::string host_of(const std::string& name) { return lower_ascii(name.substr(0, name.find('.'))); }

class Matcher {
 public:
  Matcher(const Profile& profile, const Hearing& hearing, const Examination& examination, const TargetReport& report,
          std::vector<Disagreement>& disagreements)
      : profile_(profile), hearing_(hearing), examination_(examination), report_(report), disagreements_(disagreements) {}

  std::vector<CloudEvent> run() {
    group();
    find_machine();
    list_steps();
    match();
    tell_missing();
    return std::move(out_);
  }

 private:
  void group() {
    std::vector<Statement> statements;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < hearing_.all.size(); ++i)
      if (hearing_.all[i].source == SourceKind::activity_log) {
        statements.push_back(hearing_.all[i].statement);
        places.push_back(i);
      }
    const bool commands = profile_.handlers.empty() || profile_.name == "run-command";
    for (const witness::CloudOperation& operation : witness::group_operations(statements)) {
      if (operation.deed == Deed::other || operation.deed == Deed::cloud_machine) {
        if (operation.deed == Deed::cloud_machine) list_machine(operation, statements, places);
        continue;
      }
      if (operation.deed == Deed::cloud_command && !commands) continue;
      if (!operation.handler.empty() && !is_ours(profile_, operation.handler)) continue;
      CloudEvent& event = out_.emplace_back();
      fill(event, operation);
      event.handler = operation.handler;
      event.version = operation.version;
      event.extension_name = operation.extension_name;
      for (const std::uint32_t n : operation.numbers) event.sightings.push_back(hearing_.cite(places[n]));
      deeds_.push_back(operation.deed);
      outcomes_.push_back(operation.outcome);
    }
  }

  static void fill(CloudEvent& event, const witness::CloudOperation& operation) {
    event.operation = operation.event;
    event.resource = operation.resource_id;
    event.machine = operation.vm;
    event.caller = operation.caller;
    event.address = operation.ip;
    event.correlation_id = operation.correlation_id;
    event.status = operation.final_status;
    if (operation.first_time != no_time) event.first = operation.first_time;
    if (operation.last_time != no_time) event.last = operation.last_time;
  }

  // A machine's answer that lists its extensions proves the type of one of them at that time.
  void list_machine(const witness::CloudOperation& operation, const std::vector<Statement>& statements,
                    const std::vector<std::size_t>& places) {
    for (const std::uint32_t n : operation.numbers)
      for (const witness::ListedExtension& listed : witness::listed_extensions(statements[n])) {
        const std::string handler = listed.publisher + "." + listed.type;
        if (listed.publisher.empty() || listed.type.empty() || !is_ours(profile_, handler)) continue;
        CloudEvent& event = out_.emplace_back();
        fill(event, operation);
        event.handler = handler;
        event.version = listed.version;
        event.extension_name = listed.name;
        event.sightings.push_back(hearing_.cite(places[n]));
        deeds_.push_back(Deed::cloud_machine);
        outcomes_.push_back(operation.outcome);
      }
  }

  void list_steps() {
    for (const Instance& instance : report_.instances) {
      if (instance.installed)
        came_.push_back({"version " + instance.version + " was installed", instance.installed, instance.installed, instance.version});
      if (instance.removed && instance.state != "upgraded")
        went_.push_back(
            {"version " + instance.version + " was removed", instance.removed->earliest, instance.removed->latest, instance.version});
    }
    for (const RunRecord& run : report_.runs)
      if (run.started)
        came_.push_back({"run " + (run.sequence.empty() ? "?" : run.sequence) + " was requested", run.started, run.started, run.version});
  }

  // Which of the log's machines this disk is of. Its logs and hives name the computer, which may differ from the machine's name in the
  // cloud: where the log knows but one machine, it is taken for this one; of several only the one of that name.
  void find_machine() {
    std::set<std::string> computers;
    for (const Heard& heard : hearing_.all)
      if (heard.source == SourceKind::event_log && heard.volume && !heard.statement.computer.empty())
        computers.insert(host_of(heard.statement.computer));
    for (const CloudEvent& event : out_)
      if (!event.machine.empty()) machines_.insert(lower_ascii(event.machine));
    for (const std::string& machine : machines_)
      if (computers.contains(host_of(machine))) own_ = machine;
  }

  bool may_be_ours(const CloudEvent& event) const {
    if (event.machine.empty() || machines_.size() <= 1) return true;
    return own_ && lower_ascii(event.machine) == *own_;
  }

  void match() {
    const bool disk = std::ranges::any_of(examination_.volumes, [](const VolumeInfo& v) { return v.state == "examined"; });
    std::map<const Step*, std::vector<std::pair<std::int64_t, std::size_t>>> claims;
    std::vector<std::optional<Match>> found(out_.size());
    for (std::size_t n = 0; n < out_.size(); ++n) {
      if (!may_be_ours(out_[n]) || deeds_[n] == Deed::cloud_machine) continue;
      found[n] = nearest(deeds_[n] == Deed::cloud_delete ? went_ : came_, out_[n]);
      if (found[n]) claims[found[n]->step].emplace_back(found[n]->gap ? std::abs(*found[n]->gap) : latest_effect + 1, n);
    }
    for (std::size_t n = 0; n < out_.size(); ++n) {
      CloudEvent& event = out_[n];
      if (deeds_[n] == Deed::cloud_machine && may_be_ours(event)) {
        event.match = "the cloud lists it on the machine " + event.machine;
        event.grade = own_ ? Grade::corroborated : Grade::inferred;
      } else if (found[n]) {
        // A step has one cause: the nearest operation.
        const auto& rivals = claims.at(found[n]->step);
        if (found[n]->gap && std::ranges::min(rivals).second != n) continue;
        event.match = found[n]->step->what;
        if (!found[n]->gap) event.match += ", whose bounds allow it";
        if (!found[n]->gap && rivals.size() > 1) event.match += fmt::format(" (as they do {} operations)", rivals.size());
        event.gap_seconds = found[n]->gap;
        event.grade = event.handler.empty() ? Grade::inferred : Grade::corroborated;
      } else if (disk && may_be_ours(event)) {
        tell_unmatched(event, n);
      }
    }
  }

  // A failed or refused operation need not have reached the machine.
  void tell_unmatched(const CloudEvent& event, std::size_t n) {
    if (deeds_[n] != Deed::cloud_delete || outcomes_[n] == witness::Outcome::failed || !event.first) return;
    if (disagreements_.size() >= most_disagreements) return;
    Disagreement& d = disagreements_.emplace_back();
    d.text = fmt::format("The cloud deleted the extension \"{}\" ({}) of {} at {}, by {}; no removal of {} on the disk goes with it: {}",
                         event.extension_name, event.handler.empty() ? "type not stated" : event.handler,
                         event.machine.empty() ? "a machine" : event.machine, to_iso8601(*event.first),
                         event.caller.empty() ? "nobody stated" : event.caller, profile_.title,
                         event.handler.empty() ? "it was another extension, another machine, or its traces are gone"
                                               : "it was another machine's, or its traces are gone");
    d.sightings = event.sightings;
    if (event.handler.empty()) d.rule = "an operation of a type that is not stated, with which nothing of this target goes";
  }

  // What came within the time of which the log speaks, and is not in it.
  void tell_missing() {
    std::optional<FileTime> first, last;
    for (const Coverage& c : examination_.coverage)
      if (c.source.starts_with("activity_log:")) {
        if (c.first && (!first || *c.first < *first)) first = c.first;
        if (c.last && (!last || *c.last > *last)) last = c.last;
      }
    if (!first || !last) return;
    for (const Instance& instance : report_.instances) {
      if (!instance.installed || *instance.installed < *first || *instance.installed > *last) continue;
      const bool told = std::ranges::any_of(out_, [&](const CloudEvent& e) {
        if (!e.first) return false;
        const std::int64_t gap = seconds_between(*e.first, *instance.installed);
        return may_be_ours(e) && deeds_[static_cast<std::size_t>(&e - out_.data())] != Deed::cloud_delete && gap >= earliest_effect &&
               gap <= latest_effect;
      });
      if (told) continue;
      Disagreement& d = disagreements_.emplace_back();
      d.text = fmt::format(
          "Version {} was installed at {}; the Activity Log speaks of that time and has no write of an extension near it: it came with the "
          "image or with the machine's own creation, or the log is not this machine's or not whole",
          instance.version, to_iso8601(*instance.installed));
      d.sightings = instance.sightings;
    }
  }

  const Profile& profile_;
  const Hearing& hearing_;
  const Examination& examination_;
  const TargetReport& report_;
  std::vector<Disagreement>& disagreements_;
  std::vector<CloudEvent> out_;
  std::vector<Deed> deeds_;  // of out_
  std::vector<witness::Outcome> outcomes_;
  std::vector<Step> came_, went_;
  std::set<std::string> machines_;  // that the operations name, lower case
  std::optional<std::string> own_;  // of them this disk's, by the computer's name
};

}  // namespace

std::vector<CloudEvent> match_cloud(const Profile& profile, const Hearing& hearing, const Examination& examination,
                                    const TargetReport& report, std::vector<Disagreement>& disagreements) {
  return Matcher(profile, hearing, examination, report, disagreements).run();
}

}  // namespace trimcarve::findings
