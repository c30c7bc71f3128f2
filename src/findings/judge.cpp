#include "findings/judge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "findings/judge_case.hpp"
#include "findings/story.hpp"

namespace trimcarve::findings {

namespace {

// A log of which nothing could be read for what it is (an unknown version, no log at all) has a gap in its place.
bool reads_log(const Coverage& c) { return c.source == "log_file" && (c.records != 0 || c.gaps.empty()); }

}  // namespace

Judge::Judge(const Target& target, std::uint32_t index, const Hearing& hearing, const witness::Certificate* key, Examination& out)
    : target_(target), hearing_(hearing), key_(key), out_(out), report_(out.targets.emplace_back()) {
  report_.target = target.asked;
  for (const FileReport& file : out.files)
    if (std::ranges::find(file.targets, index) != file.targets.end())
      (shadow(file.volume) == nullptr ? files_ : in_shadows_).push_back({&file, place(file.path, file.directory)});
  report_.coverage = tell_coverage(out);
}

void Judge::run() {
  if (target_.profile == nullptr)
    judge_path();
  else
    judge_handler();
  tell_witnesses();
  tell_contradictions();
  tell_clocks();
  tell_clusters();
  tell_shadows();
  report_.story = tell_story(out_, report_, hearing_, touches_);
}

Finding& Judge::say(std::string statement, Grade grade, std::vector<std::uint32_t> sightings, std::string rule) {
  Finding& finding = out_.findings.emplace_back();
  finding.id = fmt::format("F{}", out_.findings.size());
  finding.target = target_.asked;
  finding.statement = std::move(statement);
  finding.grade = grade;
  finding.rule = std::move(rule);
  finding.sightings = std::move(sightings);
  return finding;
}

std::optional<FileTime> Judge::provisioned(std::uint32_t volume) const {
  for (const VolumeInfo& info : out_.volumes)
    if (info.index == volume) return info.provisioned;
  return std::nullopt;
}

// Installed before this machine was first started: then it came with the image, whenever it went.
bool Judge::inherited(const FileReport& folder) const {
  const auto start = provisioned(folder.volume);
  const auto installed = created(folder, out_);
  return start && installed && installed->time < *start;
}

void Judge::found_nothing() {
  report_.verdict = Verdict::none;
  report_.grade = Grade::inferred;
  const bool any = std::ranges::any_of(out_.volumes, [](const VolumeInfo& v) { return v.state == "examined"; });
  report_.reason = any ? "no source that was read names it" : "no volume could be examined, so this says nothing";
}

// With several volumes, which.
std::string Judge::on_volume(const FileReport& file) const {
  const auto volumes = std::ranges::count_if(out_.volumes, [](const VolumeInfo& v) { return !v.shadow_of; });
  return volumes > 1 ? fmt::format("on volume {}", file.volume) : "on this volume";
}

bool Judge::log_was_read(std::uint32_t volume) const {
  return std::ranges::any_of(out_.coverage, [&](const Coverage& c) { return c.volume == volume && reads_log(c); });
}

std::string tell_coverage(const Examination& examination) {
  std::vector<std::string> parts;
  for (const Coverage& c : examination.coverage) {
    std::string text = (c.volume ? fmt::format("volume {} ", *c.volume) : std::string()) + c.source + ": ";
    if (c.first && c.last)
      text += fmt::format("{} records, {} to {}", c.records, to_iso8601(*c.first), to_iso8601(*c.last));
    else
      text += c.records == 0 ? "nothing" : fmt::format("{} records", c.records);
    // The unused end of a log is no gap in what it says.
    const bool witness = c.source.find(':') != std::string::npos;
    if (!c.gaps.empty() && !witness) text += fmt::format(", {} gaps", c.gaps.size());
    parts.push_back(std::move(text));
  }
  for (const VolumeInfo& volume : examination.volumes)
    if (volume.state != "examined") parts.push_back(fmt::format("volume {}: {}, not examined", volume.index, volume.state));
  if (parts.empty()) return "nothing was read";
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "; ") + part;
  std::string missing = std::ranges::any_of(examination.coverage, reads_log) ? "free clusters" : "$LogFile, free clusters";
  for (const auto& [source, name] : {std::pair{"agent_log", "logs of the Azure agent"}, std::pair{"event_log", "event logs"},
                                     std::pair{"registry", "the registry"}, std::pair{"activity_log", "the Azure Activity Log"}})
    if (std::ranges::none_of(examination.coverage, [&](const Coverage& c) { return c.source.starts_with(source); }))
      missing += std::string(", ") + name;
  return out + ". Not looked at: " + missing;
}

void judge(const Target& target, std::uint32_t index, const Hearing& hearing, const witness::Certificate* key, Examination& out) {
  Judge(target, index, hearing, key, out).run();
}

}  // namespace trimcarve::findings
