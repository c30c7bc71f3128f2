#include "findings/cloud.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

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
  std::string what;
  std::optional<std::int64_t> gap;
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
      if (!best || std::abs(gap) < std::abs(*best->gap)) best = Match{step.what, gap};
      continue;
    }
    const bool not_before = !step.latest || seconds_between(*event.first, *step.latest) >= earliest_effect;
    const bool not_behind = !step.earliest || seconds_between(*event.first, *step.earliest) <= latest_effect;
    if (not_before && not_behind && (step.earliest || step.latest)) bounded = Match{step.what + ", whose bounds allow it", std::nullopt};
  }
  return best ? best : bounded;
}

class Matcher {
 public:
  Matcher(const Profile& profile, const Hearing& hearing, const Examination& examination, const TargetReport& report,
          std::vector<Disagreement>& disagreements)
      : profile_(profile), hearing_(hearing), examination_(examination), report_(report), disagreements_(disagreements) {}

  std::vector<CloudEvent> run() {
    group();
    if (out_.empty()) return {};
    list_steps();
    for (CloudEvent& event : out_) match(event);
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

  void match(CloudEvent& event) {
    const auto n = static_cast<std::size_t>(&event - out_.data());
    const Deed deed = deeds_[n];
    if (deed == Deed::cloud_machine) {
      event.match = "the cloud lists it on the machine";
      event.grade = Grade::established;
      return;
    }
    const bool removal = deed == Deed::cloud_delete;
    if (const auto found = nearest(removal ? went_ : came_, event)) {
      event.match = found->what;
      event.gap_seconds = found->gap;
      event.grade = event.handler.empty() ? Grade::inferred : Grade::corroborated;
      return;
    }
    // A failed or refused operation need not have reached the machine.
    if (!removal || outcomes_[n] == witness::Outcome::failed || !event.first) return;
    Disagreement& d = disagreements_.emplace_back();
    d.text = fmt::format(
        "The cloud deleted the extension \"{}\" ({}) at {}, by {}; nothing on the disk goes with it at that time: it was another "
        "extension, "
        "another machine, or its traces are gone",
        event.extension_name, event.handler.empty() ? "type not stated" : event.handler, to_iso8601(*event.first),
        event.caller.empty() ? "nobody stated" : event.caller);
    d.sightings = event.sightings;
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
        return deeds_[static_cast<std::size_t>(&e - out_.data())] != Deed::cloud_delete && gap >= earliest_effect && gap <= latest_effect;
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
};

}  // namespace

std::vector<CloudEvent> match_cloud(const Profile& profile, const Hearing& hearing, const Examination& examination,
                                    const TargetReport& report, std::vector<Disagreement>& disagreements) {
  return Matcher(profile, hearing, examination, report, disagreements).run();
}

}  // namespace trimcarve::findings
