// What the clocks of sequence numbers say of a target's files: estimates and observations, never a verdict.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "findings/judge_case.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::size_t most_observations = 20, most_cited = 64;
constexpr std::string_view rule = "the clock of the volume's LSNs: an estimate";

}  // namespace

void Judge::tell_clocks() {
  // The deletions of the target's files, one beside the other: a tree that goes as one shows it by its numbers.
  struct Freed {
    std::uint64_t files = 0, undated = 0, first = 0, last = 0;
    std::optional<FileTime> earliest, latest;
    bool open = false;
    std::vector<std::uint32_t> sightings;
  };
  std::map<std::uint32_t, Freed> freed;  // by volume
  for (const PlacedFile& f : files_) {
    const FileReport& file = *f.file;
    for (const SequenceEstimate& e : file.estimates) {
      if (e.event != "deleted" || e.sequence != "lsn") continue;
      Freed& all = freed[file.volume];
      if (all.files++ == 0) all.first = all.last = e.number;
      all.first = std::min(all.first, e.number);
      all.last = std::max(all.last, e.number);
      const bool dated = file.deleted && file.deleted->bounds.earliest && file.deleted->bounds.earliest == file.deleted->bounds.latest;
      all.undated += dated ? 0U : 1U;
      all.open = all.open || e.estimate.earliest == no_time || e.estimate.latest == no_time;
      if (e.estimate.earliest != no_time && (!all.earliest || e.estimate.earliest < *all.earliest)) all.earliest = e.estimate.earliest;
      if (e.estimate.latest != no_time && (!all.latest || e.estimate.latest > *all.latest)) all.latest = e.estimate.latest;
      for (const std::uint32_t n : e.sightings)
        if (all.sightings.size() < most_cited) all.sightings.push_back(n);
      break;
    }
  }
  for (auto& [volume, all] : freed) {
    if (all.undated == 0) continue;  // the journal dates each
    Finding& finding =
        say(fmt::format("{} of its files were deleted with LSNs {} to {}{}{}", all.files, all.first, all.last,
                        all.open ? "; some of them at times that the clock cannot tell" : "",
                        all.undated == all.files ? "" : fmt::format("; {} of them have no exact time otherwise", all.undated)),
            Grade::inferred, std::move(all.sightings), std::string(rule));
    if (!all.open) finding.earliest = all.earliest, finding.latest = all.latest;
  }
  std::size_t told = 0, more = 0;
  std::vector<std::uint32_t> of_more;
  for (const PlacedFile& f : files_)
    for (const std::string& flag : f.file->flags) {
      if (!flag.starts_with("observation: ")) continue;
      if (told < most_observations) {
        ++told;
        say(fmt::format("{}: {}", to_utf8(f.file->path), flag.substr(13)), Grade::inferred, f.file->sightings,
            "times against sequence numbers: an observation, for backups, copies and clocks that were set do the same");
        continue;
      }
      ++more;
      if (of_more.size() < most_cited && !f.file->sightings.empty()) of_more.push_back(f.file->sightings.front());
    }
  if (more != 0)
    say(fmt::format("{} more observations of this kind stand in the flags of its files", more), Grade::inferred, std::move(of_more),
        "times against sequence numbers: an observation");
}

}  // namespace trimcarve::findings
