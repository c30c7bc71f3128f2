// The reports of a target's files: each file, the deletions together, the contents together.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "examine/volume_examiner.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve {

namespace {

using Standing = history::Graph::Standing;

std::string told(FileReference reference) { return fmt::format("{}-{}", reference.entry(), reference.sequence()); }

bool has_flag(const FileReport& report, std::string_view flag) { return std::ranges::find(report.flags, flag) != report.flags.end(); }

}  // namespace

history::Owner VolumeExaminer::owner_of(std::uint32_t entry) {
  history::Owner owner;
  if ((entry & history::log_claim_bit) != 0) {
    const std::size_t i = entry & ~history::log_claim_bit;
    if (i < graph_.log_claims().size()) owner.lsn = graph_.log_claims()[i].lsn;
    return owner;
  }
  const history::RecordSlot* slot = graph_.record(entry);
  if (slot == nullptr) return owner;
  // An extension record that still says "in use" is its base's only while the base is.
  owner.live =
      slot->in_use && (!slot->extension || graph_.standing(slot->identity) == Standing::live) && deleted_in_log(slot->identity) == nullptr;
  if (const Sighting* record = citations_->record(entry)) {
    owner.lsn = record->lsn;
    for (const NameFact& fact : record->names)
      if (fact.has_times) owner.created = std::max(owner.created, fact.times.created);
  }
  return owner;
}

std::string VolumeExaminer::owner_text(std::uint32_t entry) {
  const FileReference claimant = graph_.claimant({.entry = entry});
  if (claimant.value == 0) return fmt::format("record {}", entry);
  std::string text = told(claimant);
  if (const history::NameSpan* name = paths_->last_name(claimant))
    text += " " + to_utf8(paths_->path(claimant, *name, name->last_seen).text);
  return text;
}

void VolumeExaminer::report_contents(std::size_t first_file) {
  if (!evidence_.volume && evidence_.log_statements == nullptr) return;
  const ntfs::Volume* volume = evidence_.volume ? &*evidence_.volume : nullptr;
  std::vector<std::vector<history::StreamPieces>> streams;
  std::vector<history::Claim> wanted;
  for (std::size_t i = first_file; i < out_.files.size(); ++i) {
    const FileReport& file = out_.files[i];
    auto pieces = history::join_streams(out_.sightings, file.sightings);
    if (file.state != FileState::live)
      for (const auto& stream : pieces)
        for (const RunFact& run : stream.runs)
          if (run.lcn >= 0 && run.clusters != 0)
            wanted.push_back(
                {static_cast<std::uint64_t>(run.lcn), static_cast<std::uint32_t>(std::min<std::uint64_t>(run.clusters, 0xFFFF'FFFF)), 0});
    streams.push_back(std::move(pieces));
  }
  constexpr std::uint64_t rounds = 8, least = 1 << 20;  // deleted files of a long life claim the same clusters a few times over
  std::uint64_t clusters_left = std::max(least, rounds * std::min(volume != nullptr ? volume->clusters() : 0, std::uint64_t{1} << 48));
  const history::ClusterOwners owners(graph_, std::move(wanted));
  const history::ContentContext context{volume,
                                        owners,
                                        [this](std::uint32_t entry) { return owner_of(entry); },
                                        [this](std::uint32_t entry) { return owner_text(entry); },
                                        &clusters_left,
                                        [this](const Place& place) { return evidence_.log_content(place); }};
  const auto progress = progress_sink("contents");
  for (std::size_t i = first_file; i < out_.files.size(); ++i) {
    FileReport& file = out_.files[i];
    if (i % 64 == 0 && !progress(i - first_file, out_.files.size() - first_file)) {
      end_early("the contents of files");
      break;
    }
    history::FileFacts facts{.reference = file.reference, .live = file.state == FileState::live};
    facts.bitmap_lags = has_flag(file, "deleted_in_log");
    const bool record_left =
        std::ranges::any_of(file.sightings, [this](std::uint32_t n) { return out_.sightings[n].source == SourceKind::mft; });
    for (const std::uint32_t n : file.sightings) {
      const Sighting& s = out_.sightings[n];
      if ((s.source == SourceKind::log_file || (s.source == SourceKind::free_space && s.has_record)) && !record_left)
        facts.lsn = std::max(facts.lsn, s.lsn);
      if (s.source != SourceKind::mft || s.base_is_elsewhere) continue;
      facts.lsn = s.lsn;
      for (const NameFact& fact : s.names)
        if (fact.has_times) facts.created = std::max(facts.created, fact.times.created);
    }
    for (const auto& pieces : streams[i - first_file]) file.streams.push_back(history::judge_stream(context, facts, pieces));
    if (!file.directory && file.streams.empty()) {
      StreamReport& lost = file.streams.emplace_back();
      lost.size = file.size.value_or(0);
      lost.why = file.reference_known && graph_.standing(file.reference) == Standing::reused
                     ? "its record was reused: where its content lay is not known"
                     : "no record tells where its content lay";
      if (file.size && *file.size == 0) lost.state = ContentState::none, lost.why = "empty";
    }
    history::add_fragments(volume, context.log, out_.sightings, file.sightings, file.paths.size() > 1, file.streams);
    for (StreamReport& stream : file.streams)
      for (RecoveredPart& part : stream.parts) part.ranges_sha256 = citations_->hash(part.ranges);
    if (!file.directory && !file.streams.empty() && file.streams.front().name.empty() &&
        std::ranges::any_of(streams[i - first_file], [](const auto& s) { return s.name.empty() && s.first_extent_seen; }))
      file.size = file.streams.front().size;
    if (std::ranges::any_of(file.streams, [](const StreamReport& s) { return s.state == ContentState::unreadable; }))
      out_.complete = out_.complete && (volume == nullptr || volume->from_artefact());
  }
}

std::vector<CreatedFile> VolumeExaminer::created_between(FileTime from, FileTime to, std::size_t most, std::uint64_t& total) {
  const auto time_of = [this](history::RowIndex i) { return graph_.rows()[i].first_seen; };
  if (creations_.empty()) {
    for (history::RowIndex i = 0; i < graph_.rows().size(); ++i) {
      const history::NameRow& row = graph_.rows()[i];
      if (row.from_journal() && (row.reasons & usn_reason::file_create) != 0 && row.began) creations_.push_back(i);
    }
    std::ranges::stable_sort(creations_, {}, time_of);
  }
  std::vector<history::RowIndex> found;
  total = 0;
  for (auto it = std::ranges::lower_bound(creations_, from, {}, time_of); it != creations_.end() && time_of(*it) <= to; ++it) {
    if (reported_.contains(graph_.rows()[*it].reference)) continue;
    if (++total <= most) found.push_back(*it);
  }
  std::vector<CreatedFile> out;
  for (const history::RowIndex i : found) {
    const history::NameRow& row = graph_.rows()[i];
    CreatedFile& file = out.emplace_back();
    file.created = row.first_seen;
    const history::NameSpan* name = paths_->name_at(row.reference, row.first_seen);
    file.path = to_utf8(name != nullptr ? paths_->path(row.reference, *name, row.first_seen).text : std::u16string(graph_.name(row)));
    const Standing standing = graph_.standing(row.reference);
    file.state = standing == Standing::live                                                      ? FileState::live
                 : standing == Standing::unknown && (row.reasons & usn_reason::file_delete) == 0 ? FileState::unknown
                                                                                                 : FileState::deleted;
    file.sightings = citations_->of_row(i);
  }
  return out;
}

void VolumeExaminer::report(const std::vector<findings::Target>& targets) {
  carve_indexes(targets);
  finish_clocks();
  paths_ = std::make_unique<history::Paths>(graph_);  // names that the indexes brought are in it now
  auto all = members(targets);
  std::vector<FileReference> references;
  for (const Member& member : all)
    if (member.reference.value != 0) references.push_back(member.reference);
  citations_->index_journal(references);
  citations_->index_log(references);
  attach_nameless(all);
  if (evidence_.shadow_created) keep_new(all);

  first_file_ = out_.files.size();
  nodes_.resize(all.size());
  estimates_.resize(all.size());
  std::unordered_map<FileReference, std::size_t> by_reference;
  constexpr std::size_t between = 64;  // files, of which each may cite as many sightings as it has
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % between == 0 && memory_used_up()) {
      end_early(fmt::format("the list of files, of which {} are reported and {} are not, ", i, all.size() - i));
      all.resize(i);
      nodes_.resize(i);
      estimates_.resize(i);
      break;
    }
    report_file(all[i], out_.files.emplace_back(), nodes_[i], estimates_[i]);
    if (const std::uint64_t left_out = citations_->log_left_out(all[i].reference); left_out != 0)
      add_flag(out_.files.back(), fmt::format("log_records_not_cited:{}", left_out));
    if (all[i].reference.value != 0) {
      by_reference.emplace(all[i].reference, i);
      reported_.insert(all[i].reference);
      if (evidence_.known != nullptr) evidence_.known->files.insert(all[i].reference);
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const FileReport& file = out_.files[first_file_ + i];
    if (!file.parent) continue;
    if (const auto parent = by_reference.find(*file.parent); parent != by_reference.end() && parent->second != i)
      nodes_[i].parent = static_cast<std::ptrdiff_t>(parent->second);
  }
  check_order();
  bound_deletions();
  report_contents(first_file_);
  index_coverage();
}

void VolumeExaminer::bound_deletions() {
  for (history::DeletionNode& node : nodes_) node.bounds = {}, node.sources.clear(), node.contradictions.clear();
  history::bound_deletions(nodes_);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    FileReport& file = out_.files[first_file_ + i];
    if (nodes_[i].deleted) file.deleted = Deletion{.bounds = nodes_[i].bounds, .estimate = estimates_[i], .sources = nodes_[i].sources};
    for (const std::string& contradiction : nodes_[i].contradictions) add_flag(file, "contradiction: " + contradiction);
  }
}

}  // namespace trimcarve
