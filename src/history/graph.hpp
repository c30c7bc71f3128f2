// The file reference graph of one volume: who was called what, in which directory, according to whom.
//
// One pass fills it: `add` takes every sighting of the volume and keeps of it one row per name, one slot per MFT entry, one claim per run
// and one event per journal record, in flat arrays (about 130 bytes per MFT record). Details are not kept: a row says where its sighting
// lies, so the few that a report cites are decoded again from there.
//
// Identity is exact throughout: a row belongs to the reference (entry and sequence) that its bytes state, so a parent that was reused never
// lends its new name to the children of the old one (rule 4 of the design).
//
// Threads: fill from one thread; after `finish` everything is const and may be read from many.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "history/chunked.hpp"
#include "ntfs/up_case.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::history {

using RowIndex = std::uint32_t;
inline constexpr RowIndex no_row = 0xFFFF'FFFF;

struct NameRow {
  FileReference reference;  // value 0: the source did not say whose name it is
  FileReference parent;
  FileTime first_seen, last_seen;  // journal rows: the times of the first and last event that state this name; else no_time
  std::uint64_t locator = 0;       // Place::offset of the sighting (journal rows: of the first event)
  std::uint32_t owner = 0;         // Place::owner
  std::uint32_t reasons = 0;       // journal rows: all reasons of the span
  std::uint32_t text = 0;
  RowIndex next = no_row;  // next row of the same entry
  std::uint16_t length = 0;
  SourceKind source = SourceKind::mft;
  StreamKind stream = StreamKind::mft;
  bool parent_known : 1 = true, parent_inferred : 1 = false, name_inferred : 1 = false;
  bool alias : 1 = false;  // an 8.3 name: it stands for the file only when no other name is known
  // Journal rows: the span begins with a creation or a rename to this name; ends with a rename or a deletion.
  bool began : 1 = false, ended : 1 = false;
  // Made of records of the change journal, in $J or as $LogFile holds them.
  bool from_journal() const noexcept { return source == SourceKind::usn_journal || (source == SourceKind::log_file && reasons != 0); }
};
static_assert(sizeof(NameRow) == 64);

struct RecordSlot {
  FileReference identity;  // while in use, or before the free; of an extension record: its base
  std::uint16_t stored_sequence = 0;
  bool present = false;  // a FILE or BAAD record was decoded here
  bool in_use = false, directory = false, extension = false;
  bool identity_known = false;
};

// A stretch of clusters that a record's run list claims, or one in $LogFile.
struct Claim {
  std::uint64_t lcn = 0;
  std::uint32_t clusters = 0;
  std::uint32_t entry = 0;  // of the record itself, so of an extension record where one states it: its slot tells whose it is
};

// Added to a LogClaim's position in Graph::log_claims() where a Claim's entry is asked for. No $MFT has so many records.
inline constexpr std::uint32_t log_claim_bit = 0x8000'0000;

// By a run list in $LogFile.
struct LogClaim {
  std::uint64_t lcn = 0, clusters = 0;
  FileReference reference;
  std::uint64_t lsn = 0;
};

struct JournalEvent {
  FileReference reference;
  std::uint64_t offset : 56;  // in $J
  std::uint64_t journal : 8;  // position in Graph::journals
};

class Graph {
 public:
  // `slots`: expected number of $MFT records (a hint, not trusted).
  Graph(ntfs::UpCase up_case, std::uint64_t slots);

  // What `base`, a graph of $MFT alone, has of the records that `left_out` does not say true of (by entry; what lies behind its end is
  // kept): one shadow copy's $MFT differs from the volume's in few records, and only these are added then. Not finished.
  Graph(const Graph& base, const std::vector<bool>& left_out, std::uint32_t record_size);

  void add(const Sighting& sighting);
  // Builds the index of children. Call again after adding more.
  void finish();

  const Chunked<NameRow>& rows() const noexcept { return rows_; }
  std::u16string_view name(const NameRow& row) const noexcept { return text_.get(row.text, row.length); }
  RowIndex first_row(std::uint64_t entry) const noexcept;  // newest first
  const RecordSlot* record(std::uint64_t entry) const noexcept {
    if (entry < slots_.size()) return slots_[entry].present ? &slots_[entry] : nullptr;
    const auto far = far_slots_.find(entry);
    return far == far_slots_.end() ? nullptr : &far->second;
  }
  // Calls take(entry, slot) for every record that was read.
  template <class Take>
  void each_record(Take take) const {
    for (std::uint64_t entry = 0; entry < slots_.size(); ++entry)
      if (slots_[entry].present) take(entry, slots_[entry]);
    for (const auto& [entry, slot] : far_slots_) take(entry, slot);
  }
  // The root directory's reference: what its record states, else 5-5 as Windows formats it.
  FileReference root() const noexcept;
  // The rows whose parent is this directory. Valid after finish().
  void children(FileReference directory, std::vector<RowIndex>& out) const;
  const Chunked<Claim>& claims() const noexcept { return claims_; }
  // Whose a claim is; value 0: not known.
  FileReference claimant(const Claim& claim) const noexcept;
  // By lcn; valid after finish().
  std::span<const LogClaim> log_claims() const noexcept { return log_claims_; }
  const Chunked<JournalEvent>& events() const noexcept { return events_; }
  // The entries of the $UsnJrnl files the events came from (a deleted journal may have left one beside the live one).
  std::span<const std::uint64_t> journals() const noexcept { return journals_; }
  // Extension records of a base, by entry.
  void extensions(FileReference base, std::vector<std::uint64_t>& out) const;

  bool same_name(std::u16string_view a, std::u16string_view b) const noexcept { return ntfs::equal_ignoring_case(a, b, up_case_); }

  // How an MFT slot speaks of a reference.
  enum class Standing : std::uint8_t {
    live,     // in use, same sequence
    deleted,  // not in use, the reference is the identity before the free
    reused,   // the slot belongs to another file now (or is free after another owner)
    unknown,  // the slot was not read, was never used, or its ownership cannot be told
  };
  Standing standing(FileReference reference) const noexcept;

  std::uint64_t memory() const noexcept;

  // Keeps the record slots alone.
  void forget_names();

 private:
  void add_name(const Sighting& sighting, const NameFact& fact, FileReference reference);
  void add_journal_name(const Sighting& sighting, const NameFact& fact);
  bool names_again(const Sighting& sighting, const NameFact& fact) const;
  void add_log_claims(const Sighting& sighting);
  RowIndex& head(std::uint64_t entry);

  ntfs::UpCase up_case_;
  Chunked<NameRow> rows_;
  TextArena text_;
  std::vector<RecordSlot> slots_;
  std::map<std::uint64_t, RecordSlot> far_slots_;  // records far behind all others: a sparse $MFT must not cost an array of its size
  std::size_t records_ = 0;
  std::vector<RowIndex> heads_;                            // by entry, as far as $MFT reaches
  std::unordered_map<std::uint64_t, RowIndex> far_heads_;  // entries beyond it (references out of garbage or a shorter $MFT)
  Chunked<Claim> claims_;
  std::vector<LogClaim> log_claims_;
  std::unordered_map<std::uint64_t, std::size_t> log_claim_of_;  // by lcn: position of the last claim that begins there
  Chunked<JournalEvent> events_;
  std::vector<std::uint64_t> journals_;
  std::vector<std::pair<FileReference, std::uint64_t>> extensions_;
  std::vector<std::uint32_t> child_begin_;  // by parent entry; bucket i is child_rows_[child_begin_[i], child_begin_[i + 1])
  std::vector<RowIndex> child_rows_;
  std::vector<RowIndex> far_child_rows_;  // rows whose parent's entry lies beyond $MFT
};

}  // namespace trimcarve::history
