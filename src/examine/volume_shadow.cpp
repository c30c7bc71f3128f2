// A shadow copy beside its volume: what only the copy knows, and what it says of the volume's deleted files.
#include <algorithm>

#include "examine/volume_examiner.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve {

using Standing = history::Graph::Standing;

// Does the copy have bytes of these clusters that are not zero and lie elsewhere than in the volume's own?
bool VolumeExaminer::only_here(const RunFact& run) const {
  const ntfs::Volume& volume = *evidence_.volume;
  const std::uint64_t size = volume.cluster_size();
  if (run.lcn < 0 || !fits(volume.clusters(), static_cast<std::uint64_t>(run.lcn), run.clusters)) return false;
  const std::uint64_t clusters = std::min(run.clusters, history::largest_live_read / size);
  std::vector<std::byte> buffer(static_cast<std::size_t>(size));
  for (std::uint64_t i = 0; i < clusters; ++i) {
    const std::uint64_t offset = (static_cast<std::uint64_t>(run.lcn) + i) * size;
    const auto where = volume.partition()->locate(offset, size);
    const bool elsewhere = std::ranges::any_of(
        where, [&](const Range& r) { return r.offset < info_.offset + offset || r.offset >= info_.offset + offset + size; });
    if (elsewhere && volume.partition()->read_at(offset, buffer) && !all_zero(buffer)) return true;
  }
  return false;
}

bool VolumeExaminer::has_own_record(FileReference reference) const {
  const history::RecordSlot* slot = graph_.record(reference.entry());
  return slot != nullptr && !slot->extension && (slot->identity_known ? slot->identity == reference : reference.sequence() == 0);
}

void VolumeExaminer::keep_new(std::vector<Member>& members) {
  std::erase_if(members, [this](const Member& member) { return !is_new(member); });
}

// By its record: one that says what a newer state's says tells nothing new, but for a deleted file whose clusters, or whose past, only the
// copy has. A file without a record is new when no newer state knows of it, or of its past.
bool VolumeExaminer::is_new(const Member& member) {
  bool fresh = false;
  if (member.reference.value == 0) {
    citations_->visit_row(member.row, [&](const Sighting& sighting) { fresh = fresh || !citations_->is_known(sighting); });
    return fresh;
  }
  const bool own_record = has_own_record(member.reference);
  if (!own_record && !evidence_.known->files.contains(member.reference)) return true;
  const bool deleted = !own_record || graph_.standing(member.reference) == Standing::deleted;
  std::uint64_t ignored = 0;
  citations_->visit_file(
      member.reference,
      [&](const Sighting& sighting) {
        if (fresh) return;
        // Of a deleted file also what only the copy's journal and log hold: the volume's have gone round since.
        constexpr std::uint32_t telling =
            usn_reason::file_create | usn_reason::file_delete | usn_reason::rename_old_name | usn_reason::rename_new_name;
        const bool past =
            sighting.source == SourceKind::log_file || (sighting.source == SourceKind::usn_journal && (sighting.usn.reason & telling) != 0);
        if (past ? !deleted : sighting.source != SourceKind::mft) return;
        fresh = !citations_->is_known(sighting);
        if (fresh || !deleted || past) return;
        fresh = std::ranges::any_of(sighting.runs, [this](const RunFact& run) { return only_here(run); });
      },
      ignored);
  return fresh;
}

void VolumeExaminer::bound_by(VolumeExaminer& shadow) {
  const FileTime time = *shadow.evidence_.shadow_created;
  if (!activity_.plausible(time)) return;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const FileReport& file = out_.files[first_file_ + i];
    if (!nodes_[i].deleted || !file.reference_known) continue;
    // Where the volume's journal knows no more of the deletion, the copy's may.
    if (std::uint64_t ignored = 0; nodes_[i].deleted_at.empty())
      shadow.citations_->visit_file(
          file.reference,
          [&](const Sighting& s) {
            if (!s.has_usn || s.usn.time == no_time || !activity_.plausible(s.usn.time)) return;
            if ((s.usn.reason & usn_reason::file_delete) != 0)
              nodes_[i].deleted_at.push_back({s.usn.time, "usn_delete", {shadow.citations_->cite(s)}});
            else if (!s.usn.name_inferred)
              nodes_[i].alive.push_back({s.usn.time, "usn_last_record", {shadow.citations_->cite(s)}});
          },
          ignored);
    const Standing standing = shadow.graph_.standing(file.reference);
    const Sighting* record = shadow.citations_->record(file.reference.entry());
    if (record == nullptr) continue;
    // The copy's own log may have its deletion, which had not reached the copy's $MFT.
    if (standing == Standing::live && shadow.deleted_in_log(file.reference) != nullptr) {
      nodes_[i].gone.push_back({time, "shadow_gone", {shadow.citations_->cite(*record)}});
    } else if (standing == Standing::live) {
      // One that was renamed into \$Extend\$Deleted is gone for its user, and its record is in use until the last handle closes.
      if (std::ranges::any_of(shadow.paths_->spans(file.reference), &history::NameSpan::deletion_alias)) continue;
      nodes_[i].alive.push_back({time, "shadow_alive", {shadow.citations_->cite(*record)}});
    } else if (standing == Standing::deleted || (standing == Standing::reused && record->reference_known &&
                                                 later_sequence(record->reference.sequence(), file.reference.sequence()))) {
      nodes_[i].gone.push_back({time, "shadow_gone", {shadow.citations_->cite(*record)}});
    }
  }
}

}  // namespace trimcarve
