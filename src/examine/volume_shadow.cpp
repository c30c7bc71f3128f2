// A shadow copy beside its volume: what only the copy knows, and what it says of the volume's deleted files.
#include <algorithm>
#include <array>
#include <functional>

#include "examine/volume_examiner.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve {

using Standing = history::Graph::Standing;

namespace {

// Where the two sources lie in different places of the image, by stretches of their bytes from `begin` on. One whose bytes do not all lie
// somewhere (a hole) differs.
void each_difference(const std::vector<Range>& a, const std::vector<Range>& b, std::uint64_t begin, std::uint64_t length,
                     const std::function<void(std::uint64_t, std::uint64_t)>& take) {
  const auto whole = [length](const std::vector<Range>& ranges) {
    std::uint64_t sum = 0;
    for (const Range& r : ranges) sum += r.length;
    return sum == length;
  };
  if (!whole(a) || !whole(b)) return take(begin, length);
  std::size_t i = 0, j = 0;
  std::uint64_t in_a = 0, in_b = 0;
  for (std::uint64_t at = 0; at < length;) {
    const std::uint64_t step = std::min(a[i].length - in_a, b[j].length - in_b);
    if (a[i].space != b[j].space || a[i].offset + in_a != b[j].offset + in_b) take(begin + at, step);
    at += step;
    if ((in_a += step) == a[i].length) ++i, in_a = 0;
    if ((in_b += step) == b[j].length) ++j, in_b = 0;
  }
}

}  // namespace

std::optional<std::vector<carvers::RecordStretch>> VolumeExaminer::begin_with_the_volumes() {
  if (!evidence_.shadow_created || evidence_.known == nullptr || evidence_.known->records == nullptr) return std::nullopt;
  const std::uint32_t size = evidence_.volume->record_size();
  if (size != evidence_.known->record_size) return std::nullopt;
  const ByteSource &mine = *evidence_.volume->mft(), &volumes = *evidence_.known->mft;
  const std::uint64_t slots = mine.size() / size, common = std::min(slots, volumes.size() / size);
  constexpr std::uint64_t most_slots = std::uint64_t{1} << 28;
  if (std::max(slots, volumes.size() / size) > most_slots) return std::nullopt;
  std::vector<bool> differs(static_cast<std::size_t>(std::max(slots, volumes.size() / size)));
  std::fill(differs.begin() + static_cast<std::ptrdiff_t>(common), differs.end(), true);
  constexpr std::uint64_t step = 1U << 20;
  for (std::uint64_t at = 0; at < common * size; at += step) {
    const std::uint64_t length = std::min(step, common * size - at);
    each_difference(mine.locate(at, length), volumes.locate(at, length), at, length, [&](std::uint64_t offset, std::uint64_t bytes) {
      for (std::uint64_t entry = offset / size; entry * size < offset + bytes; ++entry) differs[static_cast<std::size_t>(entry)] = true;
    });
  }
  std::vector<carvers::RecordStretch> out;
  for (std::uint64_t entry = 0; entry < slots; ++entry) {
    if (!differs[static_cast<std::size_t>(entry)]) continue;
    if (!out.empty() && out.back().first + out.back().count == entry)
      ++out.back().count;
    else
      out.push_back({entry, 1});
  }
  graph_ = history::Graph(*evidence_.known->records, differs, size);
  by_lsn_ = evidence_.known->by_lsn.until(*evidence_.shadow_created);
  by_usn_ = evidence_.known->by_usn.until(*evidence_.shadow_created);
  last_lsn_ = evidence_.known->last_lsn;
  // The volume was in use when the copy was made: as certain as three records' times (ActivityWindow::last).
  for (int i = 0; i < 3; ++i) activity_.see(*evidence_.shadow_created);
  return out;
}

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

void VolumeExaminer::take_journal(VolumeExaminer& shadow) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const FileReport& file = out_.files[first_file_ + i];
    if (!nodes_[i].deleted || !file.reference_known || !nodes_[i].deleted_at.empty()) continue;
    std::uint64_t ignored = 0;
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
  }
}

// By the slot of its record in this copy: whose it is, or was before it was freed. Numbers only rise.
history::Presence VolumeExaminer::presence(FileReference reference) {
  using history::Presence;
  const Sighting* record = citations_->record(reference.entry());
  const history::RecordSlot* slot = graph_.record(reference.entry());
  if (record == nullptr || slot == nullptr || slot->extension || !slot->identity_known) return Presence::unknown;
  const std::uint16_t mine = reference.sequence(), shown = slot->identity.sequence();
  if (later_sequence(mine, shown)) return unclear_.contains(reference) ? Presence::unknown : Presence::not_yet;
  // The copy's own log may have its deletion, which had not reached the copy's $MFT.
  if (mine != shown || !slot->in_use || deleted_in_log(reference) != nullptr) return Presence::gone;
  return unclear_.contains(reference) ? Presence::unknown : Presence::there;
}

void VolumeExaminer::rest() {
  for (history::RowIndex i = 0; i < graph_.rows().size(); ++i) {
    const history::NameRow& row = graph_.rows()[i];
    if (row.reference.value == 0) continue;
    // One that was renamed into \$Extend\$Deleted is gone for its user, and its record is in use until the last handle closes. One whose
    // names the journal has, or the log, though its record was still another's, was there.
    const history::RecordSlot* slot = graph_.record(row.reference.entry());
    const bool ahead = slot != nullptr && later_sequence(row.reference.sequence(), slot->identity.sequence());
    if (ahead || paths_->is_deletion_alias(row)) unclear_.insert(row.reference);
  }
  paths_.reset();
  graph_.forget_names();
}

void VolumeExaminer::bound_by(const std::vector<std::unique_ptr<VolumeExaminer>>& copies) {
  static constexpr std::array<const char*, 4> words{"unknown", "not_yet", "there", "gone"};
  std::vector<history::Seen> states(copies.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    FileReport& file = out_.files[first_file_ + i];
    if (!file.reference_known) continue;
    for (std::size_t c = 0; c < copies.size(); ++c) {
      states[c] = {*copies[c]->info_.shadow_created, history::Presence::unknown};
      if (activity_.plausible(states[c].time)) states[c].presence = copies[c]->presence(file.reference);
    }
    const history::Lifetime life = history::lifetime_of(states);
    if (!life.ordered) add_flag(file, "contradiction: by their times, the shadow copies have it before it came or after it went");
    // Of one copy it is the same place as of the last: where it was there first, it may have been there last.
    const auto tell = [&](std::ptrdiff_t which) -> const CopyPresence* {
      if (which < 0) return nullptr;
      const auto c = static_cast<std::size_t>(which);
      VolumeExaminer& copy = *copies[c];
      if (file.copies.empty() || file.copies.back().volume != copy.info_.index)
        file.copies.push_back({copy.info_.index,
                               states[c].time,
                               words[static_cast<std::size_t>(states[c].presence)],
                               {copy.citations_->cite(*copy.citations_->record(file.reference.entry()))}});
      return &file.copies.back();
    };
    Bounds born;
    if (const CopyPresence* before = tell(life.last_before))
      born.earliest = before->time, born.earliest_basis = "shadow_not_yet", born.earliest_sightings = before->sightings;
    if (const CopyPresence* there = tell(life.first_there))
      born.latest = there->time, born.latest_basis = "shadow_alive", born.latest_sightings = there->sightings;
    if (born.earliest || born.latest) file.created = std::move(born);
    const CopyPresence* last = tell(life.last_there);
    if (last != nullptr && nodes_[i].deleted) nodes_[i].alive.push_back({last->time, "shadow_alive", last->sightings});
    const CopyPresence* gone = tell(life.first_gone);
    if (gone != nullptr && nodes_[i].deleted && gone->volume != info_.index)
      nodes_[i].gone.push_back({gone->time, "shadow_gone", gone->sightings});
    if (file.created && file.created->earliest && file.standard_information && file.standard_information->created != no_time &&
        file.standard_information->created < *file.created->earliest)
      add_flag(file, "created_before_shadow_not_yet");
  }
  bound_deletions();
}

}  // namespace trimcarve
