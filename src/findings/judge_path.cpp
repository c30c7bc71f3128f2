// A path as target: is it there, was it moved, is it gone?
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "findings/ascii.hpp"
#include "findings/judge_case.hpp"
#include "history/select.hpp"

namespace trimcarve::findings {

void Judge::judge_path() {
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
  } else if (const FileReport* folder = handler_in_shadow(); folder != nullptr && files_.empty()) {
    find_in_shadow(*folder);
  } else if (!files_.empty()) {
    report_.verdict = Verdict::traces;
    report_.grade = Grade::inferred;
    report_.reason = fmt::format("{} is named, but no record says whether it is still there", target_.asked);
  } else {
    found_nothing();
  }
}

// Is one of its paths the one that was asked for? Without the volume's own table, so by ASCII case: a doubt counts as yes.
bool Judge::stands_at_path(const FileReport& file) const {
  if (target_.path.empty() || !file.path_known) return true;
  const auto same = [&](const std::u16string& path) {
    const auto components = history::path_components(path);
    return std::ranges::equal(components, target_.path, [&](const std::u16string& a, const std::u16string& b) {
      return std::ranges::equal(a, b,
                                [&](char16_t x, char16_t y) { return x == y || fold_ascii(x) == fold_ascii(y) || (x > 127 && y > 127); });
    });
  };
  // The last path and every other that has not ended are its present names, or those it had at its end.
  return same(file.path) || std::ranges::any_of(file.paths, [&](const PathReport& p) {
           return !p.until && !p.sightings.empty() && is_present(p) && same(p.path);
         });
}

bool Judge::is_present(const PathReport& path) const {
  return std::ranges::any_of(path.sightings, [&](std::uint32_t n) {
    return out_.sightings[n].source == SourceKind::mft || out_.sightings[n].source == SourceKind::index;
  });
}

}  // namespace trimcarve::findings
