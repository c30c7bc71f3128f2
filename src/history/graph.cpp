#include "history/graph.hpp"

#include <algorithm>
#include <iterator>

namespace trimcarve::history {

namespace {

// An entry number above this is not indexed by array, however large $MFT claims to be: it goes to the map.
constexpr std::uint64_t array_limit = 1ULL << 28;
constexpr std::uint64_t entry_limit = 1ULL << 32;  // Windows makes no more records than that
// The array may be this many times as long as there are records, and a little: behind that a record goes to the map.
constexpr std::uint64_t array_slack = 1ULL << 16, array_per_record = 16;
constexpr std::uint64_t largest_volume = 0xFFFF'FFFF;  // clusters; Windows makes no larger ones
constexpr std::size_t most_log_claims = std::size_t{1} << 24;
constexpr std::size_t most_journals = 256;  // JournalEvent::journal

// A record's 8.3 name is left out when the same record has another name.
bool is_second_name(const Sighting& sighting, const NameFact& fact) {
  if (fact.name_space != NameSpace::dos) return false;
  return std::ranges::any_of(sighting.names, [](const NameFact& other) { return other.name_space != NameSpace::dos; });
}

}  // namespace

Graph::Graph(ntfs::UpCase up_case, std::uint64_t slots) : up_case_(std::move(up_case)) {
  const std::uint64_t expected = std::min(slots, std::uint64_t{1} << 22);  // a hint, and a claim: never trusted beyond this
  slots_.reserve(expected);
  heads_.reserve(expected);
}

Graph::Graph(const Graph& base, const std::vector<bool>& left_out, std::uint32_t record_size) : up_case_(base.up_case_) {
  const auto keeps = [&](std::uint64_t entry) { return entry >= left_out.size() || !left_out[entry]; };
  slots_.resize(base.slots_.size());
  heads_.assign(base.slots_.size(), no_row);
  for (std::size_t entry = 0; entry < slots_.size(); ++entry)
    if (keeps(entry) && base.slots_[entry].present) slots_[entry] = base.slots_[entry], ++records_;
  for (const auto& [entry, slot] : base.far_slots_)
    if (keeps(entry)) far_slots_.emplace(entry, slot), ++records_;
  for (std::size_t i = 0; i < base.rows_.size(); ++i) {
    NameRow row = base.rows_[i];
    if (!keeps(row.locator / record_size)) continue;
    row.text = text_.add(base.name(row));
    if (row.reference.value != 0) {
      RowIndex& first = head(row.reference.entry());
      row.next = first;
      first = static_cast<RowIndex>(rows_.size());
    }
    rows_.push_back(row);
  }
  for (std::size_t i = 0; i < base.claims_.size(); ++i)
    if (keeps(base.claims_[i].entry)) claims_.push_back(base.claims_[i]);
  std::ranges::copy_if(base.extensions_, std::back_inserter(extensions_), [&](const auto& e) { return keeps(e.second); });
}

RowIndex& Graph::head(std::uint64_t entry) {
  if (entry < heads_.size()) return heads_[entry];
  // Records arrive in order of entry, so the array grows by one; anything further away is a reference whose record was not read (yet).
  if (entry < slots_.size()) {
    heads_.resize(slots_.size(), no_row);
    return heads_[entry];
  }
  return far_heads_.try_emplace(entry, no_row).first->second;
}

RowIndex Graph::first_row(std::uint64_t entry) const noexcept {
  if (entry < heads_.size()) return heads_[entry];
  const auto found = far_heads_.find(entry);
  return found == far_heads_.end() ? no_row : found->second;
}

void Graph::add(const Sighting& sighting) {
  if (sighting.has_record && sighting.source == SourceKind::mft && sighting.record_entry < entry_limit) {
    const std::uint64_t entry = sighting.record_entry;
    ++records_;
    const bool far = entry >= slots_.size() && (entry >= array_limit || entry >= array_slack + array_per_record * records_);
    if (!far && entry >= slots_.size()) slots_.resize(entry + 1);
    RecordSlot& slot = far ? far_slots_[entry] : slots_[entry];
    slot = {.identity = sighting.reference,
            .stored_sequence = sighting.record_sequence,
            .present = true,
            .in_use = sighting.in_use,
            .directory = sighting.directory,
            .extension = sighting.base_is_elsewhere,
            .identity_known = sighting.reference_known && !sighting.base_is_elsewhere};
    if (sighting.base_is_elsewhere) extensions_.emplace_back(sighting.reference, sighting.record_entry);
  }
  if (sighting.source == SourceKind::mft && sighting.record_entry < log_claim_bit) {
    for (const StreamFact& stream : sighting.streams) {
      for (std::uint32_t i = 0; i < stream.run_count; ++i) {
        const RunFact& run = sighting.runs[stream.first_run + i];
        if (run.lcn < 0 || run.clusters == 0) continue;
        claims_.push_back({static_cast<std::uint64_t>(run.lcn), static_cast<std::uint32_t>(std::min(run.clusters, largest_volume)),
                           static_cast<std::uint32_t>(sighting.record_entry)});
      }
    }
  }
  if (sighting.source == SourceKind::log_file) {
    if (!sighting.reference_known) return;
    add_log_claims(sighting);
    for (const NameFact& fact : sighting.names) {
      if (sighting.has_usn)
        add_journal_name(sighting, fact);
      else if (!is_second_name(sighting, fact) && !names_again(sighting, fact))
        add_name(sighting, fact, sighting.reference);
    }
    return;
  }
  if (sighting.has_usn) {
    if (journals_.empty() || journals_.back() != sighting.place.owner) {
      if (journals_.size() == most_journals) return;
      journals_.push_back(sighting.place.owner);
    }
    events_.push_back({sighting.reference, sighting.place.offset & ((1ULL << 56) - 1), (journals_.size() - 1) & 0xFF});
    for (const NameFact& fact : sighting.names) add_journal_name(sighting, fact);
    return;
  }
  // A free record whose sequence does not tell its last owner: its names are kept under sequence 0, which no real reference has.
  const FileReference reference = sighting.reference_known             ? sighting.reference
                                  : sighting.source == SourceKind::mft ? FileReference::of(sighting.record_entry, 0)
                                                                       : FileReference{};
  for (const NameFact& fact : sighting.names)
    if (!is_second_name(sighting, fact)) add_name(sighting, fact, reference);
}

void Graph::add_name(const Sighting& sighting, const NameFact& fact, FileReference reference) {
  if (rows_.size() >= no_row) return;
  NameRow row;
  row.reference = reference;
  row.parent = fact.parent;
  row.locator = sighting.place.offset;
  row.owner = static_cast<std::uint32_t>(sighting.place.owner);
  row.source = sighting.source;
  row.stream = sighting.place.stream;
  row.parent_known = fact.parent_known;
  row.parent_inferred = fact.parent_inferred;
  row.alias = fact.name_space == NameSpace::dos;
  row.text = text_.add(sighting.name(fact));
  row.length = fact.length;
  if (row.text == TextArena::full) return;
  if (reference.value != 0) {
    RowIndex& first = head(reference.entry());
    row.next = first;
    first = static_cast<RowIndex>(rows_.size());
  }
  rows_.push_back(row);
}

// A file's name stands in many log records, one behind the other: one row is enough until another name comes between.
bool Graph::names_again(const Sighting& sighting, const NameFact& fact) const {
  constexpr int looked_at = 32;
  RowIndex i = first_row(sighting.reference.entry());
  for (int n = 0; i != no_row && n < looked_at; ++n, i = rows_[i].next) {
    const NameRow& row = rows_[i];
    if (row.source != SourceKind::log_file || row.from_journal() || row.reference != sighting.reference) continue;
    if (row.alias == (fact.name_space == NameSpace::dos)) return row.parent == fact.parent && name(row) == sighting.name(fact);
  }
  return false;
}

// The run lists of one file follow each other in the log, mostly the same: a claim that is repeated only grows younger.
void Graph::add_log_claims(const Sighting& sighting) {
  for (const StreamFact& stream : sighting.streams)
    for (std::uint32_t i = 0; i < stream.run_count; ++i) {
      const RunFact& run = sighting.runs[stream.first_run + i];
      if (run.lcn < 0 || run.clusters == 0) continue;
      if (log_claims_.size() >= most_log_claims) return;
      const LogClaim claim{static_cast<std::uint64_t>(run.lcn), std::min(run.clusters, largest_volume), sighting.reference, sighting.lsn};
      const auto [slot, is_new] = log_claim_of_.try_emplace(claim.lcn, log_claims_.size());
      if (!is_new) {
        LogClaim& last = log_claims_[slot->second];
        if (last.reference == claim.reference && last.clusters <= claim.clusters) {
          last.clusters = claim.clusters;
          last.lsn = std::max(last.lsn, claim.lsn);
          continue;
        }
        slot->second = log_claims_.size();
      }
      log_claims_.push_back(claim);
    }
}

void Graph::add_journal_name(const Sighting& sighting, const NameFact& fact) {
  RowIndex& first = head(sighting.reference.entry());
  const std::uint32_t reason = sighting.usn.reason;
  const bool begins = (reason & (usn_reason::file_create | usn_reason::rename_new_name)) != 0;
  const bool ends = (reason & (usn_reason::file_delete | usn_reason::rename_old_name)) != 0;
  if (first != no_row) {
    NameRow& last = rows_[first];
    // Consecutive events of one file under one name in one journal are one span. A name that ended is a new span when it comes back.
    if (last.from_journal() && last.source == sighting.source && last.owner == static_cast<std::uint32_t>(sighting.place.owner) &&
        last.reference == sighting.reference && last.parent == fact.parent && last.length == fact.length &&
        name(last) == sighting.name(fact) && (!last.ended || ends)) {
      last.last_seen = std::max(last.last_seen, sighting.usn.time);
      last.reasons |= reason;
      last.ended = last.ended || ends;
      return;
    }
  }
  if (rows_.size() >= no_row) return;
  NameRow row;
  row.reference = sighting.reference;
  row.parent = fact.parent;
  row.first_seen = row.last_seen = sighting.usn.time;
  row.locator = sighting.place.offset;
  row.owner = static_cast<std::uint32_t>(sighting.place.owner);
  row.reasons = reason;
  row.source = sighting.source;
  row.stream = sighting.place.stream;
  row.parent_known = fact.parent_known;
  row.name_inferred = sighting.usn.name_inferred;
  row.began = begins;
  row.ended = ends;
  row.length = fact.length;
  row.next = first;
  // Most files' journal names are the names their records state: the text is kept once.
  row.text = first != no_row && name(rows_[first]) == sighting.name(fact) ? rows_[first].text : text_.add(sighting.name(fact));
  if (row.text == TextArena::full) return;
  first = static_cast<RowIndex>(rows_.size());
  rows_.push_back(row);
}

void Graph::finish() {
  log_claim_of_.clear();  // positions change
  std::ranges::stable_sort(log_claims_, {}, &LogClaim::lcn);
  if (heads_.size() < slots_.size()) heads_.resize(slots_.size(), no_row);
  // Rows that named an entry before its record was read (a child in a directory's slack, say) were kept in the map: they belong to the
  // array now, behind what came later.
  for (auto it = far_heads_.begin(); it != far_heads_.end();) {
    if (it->first >= heads_.size()) {
      ++it;
      continue;
    }
    RowIndex* end = &heads_[it->first];
    while (*end != no_row) end = &rows_[*end].next;
    *end = it->second;
    it = far_heads_.erase(it);
  }
  const std::size_t parents = slots_.size();
  child_begin_.assign(parents + 1, 0);
  far_child_rows_.clear();
  for (RowIndex i = 0; i < rows_.size(); ++i) {
    const NameRow& row = rows_[i];
    if ((row.parent_known || row.parent_inferred) && row.parent.entry() < parents) ++child_begin_[row.parent.entry() + 1];
  }
  for (std::size_t i = 1; i <= parents; ++i) child_begin_[i] += child_begin_[i - 1];
  child_rows_.resize(child_begin_[parents]);
  std::vector<std::uint32_t> fill(child_begin_.begin(), child_begin_.end() - 1);
  for (RowIndex i = 0; i < rows_.size(); ++i) {
    const NameRow& row = rows_[i];
    if (!row.parent_known && !row.parent_inferred) continue;
    if (row.parent.entry() < parents)
      child_rows_[fill[row.parent.entry()]++] = i;
    else
      far_child_rows_.push_back(i);
  }
  std::ranges::stable_sort(far_child_rows_, {}, [this](RowIndex i) { return rows_[i].parent; });
  std::ranges::sort(extensions_);
  const auto repeated = std::ranges::unique(extensions_);
  extensions_.erase(repeated.begin(), repeated.end());
}

void Graph::children(FileReference directory, std::vector<RowIndex>& out) const {
  out.clear();
  const std::uint64_t entry = directory.entry();
  if (entry + 1 < child_begin_.size()) {
    for (std::uint32_t i = child_begin_[entry]; i < child_begin_[entry + 1]; ++i)
      if (rows_[child_rows_[i]].parent == directory) out.push_back(child_rows_[i]);
    return;
  }
  const auto [begin, end] = std::ranges::equal_range(far_child_rows_, directory, {}, [this](RowIndex i) { return rows_[i].parent; });
  out.assign(begin, end);
}

void Graph::extensions(FileReference base, std::vector<std::uint64_t>& out) const {
  out.clear();
  auto it = std::ranges::lower_bound(extensions_, std::pair{base, std::uint64_t{0}});
  for (; it != extensions_.end() && it->first == base; ++it) out.push_back(it->second);
}

FileReference Graph::claimant(const Claim& claim) const noexcept {
  if ((claim.entry & log_claim_bit) != 0) {
    const std::size_t i = claim.entry & ~log_claim_bit;
    return i < log_claims_.size() ? log_claims_[i].reference : FileReference{};
  }
  const RecordSlot* slot = record(claim.entry);
  return slot != nullptr ? slot->identity : FileReference{};
}

FileReference Graph::root() const noexcept {
  const RecordSlot* slot = record(root_entry);
  return slot != nullptr && slot->identity_known ? slot->identity : FileReference::of(root_entry, 5);
}

Graph::Standing Graph::standing(FileReference reference) const noexcept {
  const RecordSlot* slot = record(reference.entry());
  if (slot == nullptr) return Standing::unknown;
  if (slot->extension) return slot->in_use ? Standing::reused : Standing::unknown;
  if (!slot->identity_known) return Standing::unknown;
  if (slot->identity == reference) return slot->in_use ? Standing::live : Standing::deleted;
  return Standing::reused;
}

void Graph::forget_names() {
  rows_ = {}, text_ = {}, heads_ = {}, far_heads_ = {}, claims_ = {}, log_claims_ = {}, log_claim_of_ = {}, events_ = {};
  child_begin_ = {}, child_rows_ = {}, far_child_rows_ = {};
}

std::uint64_t Graph::memory() const noexcept {
  return rows_.memory() + text_.memory() + claims_.memory() + events_.memory() + slots_.capacity() * sizeof(RecordSlot) +
         heads_.capacity() * sizeof(RowIndex) + (child_begin_.capacity() + child_rows_.capacity()) * sizeof(std::uint32_t);
}

}  // namespace trimcarve::history
