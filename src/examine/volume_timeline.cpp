// A volume's timeline: a second pass over its streams, now that the graph knows what each name's directory was called.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "examine/volume_examiner.hpp"
#include "history/directory_paths.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve {

namespace {

using Standing = history::Graph::Standing;

// Where the bytes of a stream lie, for many places in its order: a stream's runs are long.
class Locator {
 public:
  explicit Locator(const ByteSource* stream) : stream_(stream) {}

  Range at(std::uint64_t offset, std::uint64_t length) {
    if (stream_ == nullptr) return {};
    if (offset < begin_ || offset + length > end_) {
      // Of a compressed stream one byte lies in all of its unit: there is no going on from it.
      const auto first = stream_->locate(offset, 1);
      if (first.empty()) return {};
      const auto ranges = first.front().length == 1 ? stream_->locate(offset, std::max(window, length)) : stream_->locate(offset, length);
      if (ranges.empty()) return {};
      if (first.front().length != 1 || ranges.front().length < length) return ranges.front();
      begin_ = offset, end_ = offset + ranges.front().length;
      run_ = ranges.front();
    }
    return {run_.space, run_.offset + (offset - begin_), length};
  }

 private:
  static constexpr std::uint64_t window = 1 << 20;
  const ByteSource* stream_;
  std::uint64_t begin_ = 0, end_ = 0;  // of the stream, that lie in run_
  Range run_;
};

class Hash {
 public:
  Hash& add(std::uint64_t value) {
    state_ = (state_ ^ value) * 0x9E37'79B9'7F4A'7C15U;
    state_ ^= state_ >> 29;
    return *this;
  }
  Hash& add(const TimeSet& times) {
    return add(times.created.ticks).add(times.modified.ticks).add(times.changed.ticks).add(times.accessed.ticks);
  }
  Hash& add(std::u16string_view text) {
    for (const char16_t unit : text) add(unit);
    return add(text.size());
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0;
};

// The times of $STANDARD_INFORMATION of the records in use, by entry: what the live entries of directories and $LogFile repeat.
class RecordTimes {
 public:
  void add(std::uint64_t entry, std::uint16_t sequence, const TimeSet& times) {
    ++records_;
    if (entry >= times_.size()) {
      if (entry >= slack + per_record * records_) return;  // a sparse $MFT must not cost an array of its size
      times_.resize(entry + 1);
    }
    times_[entry] = {times, sequence};
  }
  // Null when the record in use is not this file's.
  const TimeSet* of(FileReference reference) const {
    if (reference.entry() >= times_.size() || times_[reference.entry()].second != reference.sequence()) return nullptr;
    return &times_[reference.entry()].first;
  }

 private:
  static constexpr std::uint64_t slack = 1 << 16, per_record = 16;
  std::vector<std::pair<TimeSet, std::uint16_t>> times_;
  std::uint64_t records_ = 0;
};

class Teller {
 public:
  Teller(const history::Graph& graph, history::Paths& paths, std::uint32_t volume, std::unordered_set<std::uint64_t>* told,
         const TimelineSink& sink)
      : graph_(graph), paths_(paths), directories_(graph, paths), told_(told), sink_(sink) {
    entry_.volume = volume;
  }
  ~Teller() {
    if (told_ != nullptr) told_->insert(mine_.begin(), mine_.end());
  }
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  RecordTimes record_times;

  // A record, an index entry, names in slack, or what $LogFile states of a file: there the times that a step of many leaves as they were
  // are said once.
  void tell_file(const Sighting& sighting, Locator& locator) {
    begin(sighting, locator);
    if (sighting.has_standard_information) tell_standard_information(sighting);
    for (const NameFact& name : sighting.names) {
      if (!name.has_times || is_alias(sighting, name)) continue;
      entry_.kind = EntryKind::file_name;
      at_name(sighting, name, no_time);
      tell(sighting, name.times);
    }
  }

  // The streams that an extension record states, with the times of its base: for body files, which have a line for each.
  void tell_streams(const Sighting& base, const Sighting& extension, Locator& locator) {
    Sighting joined = base;
    joined.streams = extension.streams;
    joined.runs = extension.runs;
    joined.text = extension.text;
    joined.names.clear();
    begin(joined, locator);
    entry_.range = locator.at(extension.place.offset, extension.place.length);
    entry_.kind = EntryKind::standard_information;
    entry_.link = true;
    at_last_name();
    tell(joined, joined.standard_information);
  }

  void tell_journal(const Sighting& sighting, Locator& locator) {
    begin(sighting, locator);
    entry_.kind = EntryKind::journal;
    entry_.time = sighting.usn.time;
    if (sighting.names.empty())
      at_last_name();
    else
      at_name(sighting, sighting.names.front(), sighting.usn.time);
    Hash hash;
    hash.add(static_cast<std::uint64_t>(entry_.kind)).add(sighting.usn.usn).add(sighting.reference.value).add(sighting.usn.reason);
    if (!is_told(hash.add(sighting.usn.version == 4 ? 0 : sighting.usn.time.ticks).value())) sink_(entry_);
  }

  void tell_log_deletion(const Sighting& sighting, FileTime time, FileTime until, bool directory, Locator& locator) {
    begin(sighting, locator);
    entry_.kind = EntryKind::log_deletion;
    entry_.time = time;
    entry_.until = until;
    entry_.is_directory = directory;
    at_last_name();
    if (!is_told(Hash().add(static_cast<std::uint64_t>(entry_.kind)).add(sighting.lsn).add(sighting.reference.value).value()))
      sink_(entry_);
  }

 private:
  void begin(const Sighting& sighting, Locator& locator) {
    entry_.sighting = &sighting;
    entry_.name = nullptr;
    entry_.reference_known = sighting.reference_known;
    entry_.reference = sighting.reference;
    entry_.link = false;
    const Standing standing = sighting.reference_known ? graph_.standing(sighting.reference) : Standing::unknown;
    entry_.reused = standing == Standing::reused;
    entry_.deleted = standing == Standing::deleted || entry_.reused || (sighting.has_record && !sighting.in_use);
    entry_.is_directory = is_directory(sighting);
    entry_.time = entry_.until = no_time;
    entry_.range = locator.at(sighting.place.offset, sighting.place.length);
  }

  bool is_directory(const Sighting& sighting) const {
    constexpr std::uint32_t directory_of_name = 0x1000'0000, directory_of_journal = 0x10;
    if (sighting.has_record && !sighting.base_is_elsewhere) return sighting.directory;
    if (sighting.reference_known)
      if (const history::RecordSlot* slot = graph_.record(sighting.reference.entry());
          slot != nullptr && slot->identity_known && slot->identity == sighting.reference)
        return slot->directory;
    if (sighting.has_usn) return (sighting.usn.attributes & directory_of_journal) != 0;
    return std::ranges::any_of(sighting.names, [](const NameFact& n) { return n.has_times && (n.attributes & directory_of_name) != 0; });
  }

  // An 8.3 name that says nothing its longer name does not.
  static bool is_alias(const Sighting& sighting, const NameFact& name) {
    return name.name_space == NameSpace::dos && std::ranges::any_of(sighting.names, [&](const NameFact& other) {
             return other.name_space != NameSpace::dos && other.parent == name.parent && other.has_times && other.times == name.times;
           });
  }

  void tell_standard_information(const Sighting& sighting) {
    entry_.kind = EntryKind::standard_information;
    bool named = false;
    for (const NameFact& name : sighting.names) {
      if (name.name_space == NameSpace::dos &&
          std::ranges::any_of(sighting.names, [](const NameFact& other) { return other.name_space != NameSpace::dos; }))
        continue;
      entry_.link = std::exchange(named, true);
      at_name(sighting, name, no_time);
      tell(sighting, sighting.standard_information);
    }
    if (!named) {
      at_last_name();
      tell(sighting, sighting.standard_information);
    }
    entry_.link = false;
  }

  void set_path(FileReference parent, bool parent_known, std::u16string_view name, FileTime time) {
    name_ = to_utf8(name);
    entry_.file_name = name_;
    hex_ = well_formed(name) ? "" : to_hex_units(name);
    entry_.file_name_hex = hex_;
    if (!parent_known) {
      entry_.directory = "\u2026";
      entry_.path_known = false;
      return;
    }
    const history::DirectoryPaths::Text& directory = directories_.of(parent, time);
    entry_.directory = directory.utf8;
    entry_.path_known = directory.known;
  }

  void at_name(const Sighting& sighting, const NameFact& name, FileTime time) {
    entry_.name = &name;
    if (entry_.reference == graph_.root() && entry_.reference_known && name.parent == entry_.reference) return at_root();
    set_path(name.parent, name.parent_known || name.parent_inferred, sighting.name(name), time);
  }

  void at_last_name() {
    entry_.name = nullptr;
    const history::NameSpan* span = entry_.reference_known ? paths_.last_name(entry_.reference) : nullptr;
    if (entry_.reference_known && entry_.reference == graph_.root()) return at_root();
    if (span == nullptr) {
      entry_.directory = "\u2026";
      entry_.file_name = hex_ = "";
      entry_.file_name_hex = "";
      entry_.path_known = false;
      return;
    }
    set_path(span->parent, span->parent_known || span->parent_inferred, graph_.name(graph_.rows()[span->rows.front()]), no_time);
  }

  void at_root() {
    entry_.directory = entry_.file_name = entry_.file_name_hex = "";
    entry_.path_known = true;
  }

  void tell(const Sighting& sighting, const TimeSet& times) {
    entry_.times = times;
    const bool logged = sighting.source == SourceKind::log_file;
    if (logged || told_ != nullptr) {
      const TimeSet* own =
          logged && entry_.kind == EntryKind::standard_information && entry_.reference_known ? record_times.of(entry_.reference) : nullptr;
      std::uint64_t member = entry_.link ? 4 : 0;
      for (const auto which : {&TimeSet::created, &TimeSet::modified, &TimeSet::changed, &TimeSet::accessed}) {
        FileTime& time = entry_.times.*which;
        ++member;
        if (time == no_time) continue;
        const std::uint64_t hash = hash_of(sighting, member).add(time.ticks).value();
        if ((own != nullptr && own->*which == time) || (logged && !logged_.insert(hash).second) || is_told(hash)) time = no_time;
      }
      if (entry_.times == TimeSet{}) return;
    }
    sink_(entry_);
  }

  // By a volume, or a copy made after this one. What one of them says twice is said twice.
  bool is_told(std::uint64_t hash) {
    if (told_ == nullptr || told_->contains(hash)) return told_ != nullptr;
    mine_.push_back(hash);
    return false;
  }

  Hash hash_of(const Sighting& sighting, std::uint64_t member) const {
    Hash hash;
    hash.add(static_cast<std::uint64_t>(entry_.kind) << 8 | member).add(static_cast<std::uint64_t>(sighting.source));
    hash.add(entry_.reference_known ? entry_.reference.value : 0);
    if (entry_.name != nullptr) hash.add(entry_.name->parent.value).add(sighting.name(*entry_.name));
    return hash;
  }

  const history::Graph& graph_;
  history::Paths& paths_;
  history::DirectoryPaths directories_;
  std::unordered_set<std::uint64_t>* told_;  // by the volume and its copies before this; null: it has no copies
  std::vector<std::uint64_t> mine_;          // that this one tells
  std::unordered_set<std::uint64_t> logged_;
  const TimelineSink& sink_;
  TimelineEntry entry_;
  std::string name_, hex_;
};

}  // namespace

void VolumeExaminer::tell(const TimelineSink& sink) {
  Teller teller(graph_, *paths_, info_.index, evidence_.known != nullptr ? &evidence_.known->told : nullptr, sink);
  std::vector<FileReference> directories;
  if (evidence_.volume) {
    Locator locator(evidence_.volume->mft().get());
    auto options = evidence_.record_options();
    options.progress = progress_sink("timeline: $MFT");
    options.only = records_read_;
    const auto tally = carvers::carve_records(*evidence_.volume->mft(), options, [&](const Sighting& sighting) {
      if (sighting.source == SourceKind::index) return;  // with the rest of its directory, when all records are known
      if (sighting.source == SourceKind::mft && sighting.reference_known && !sighting.base_is_elsewhere) {
        if (sighting.in_use && sighting.has_standard_information)
          teller.record_times.add(sighting.record_entry, sighting.record_sequence, sighting.standard_information);
        if (sighting.directory) directories.push_back(sighting.reference);
      }
      teller.tell_file(sighting, locator);
      if (sighting.base_is_elsewhere && std::ranges::any_of(sighting.streams, [](const StreamFact& s) { return s.start_vcn == 0; }))
        carvers::carve_record_at(
            *evidence_.volume->mft(), sighting.reference.entry(), evidence_.record_options(), [&](const Sighting& base) {
              if (base.source == SourceKind::mft && base.reference == sighting.reference && base.has_standard_information)
                teller.tell_streams(base, sighting, locator);
            });
    });
    if (tally.stopped) end_early("$MFT for the timeline");
  }

  const auto tell_index = [&](const Sighting& sighting, Locator& locator) {
    if (sighting.source == SourceKind::index && sighting.names.size() == 1)
      if (const TimeSet* own = teller.record_times.of(sighting.reference); own != nullptr && *own == sighting.names.front().times) return;
    teller.tell_file(sighting, locator);
  };
  std::size_t done = 0;
  for (const FileReference directory : directories) {
    if (done++ % 1024 == 0 && !progress_sink("timeline: indexes")(done, directories.size())) {
      end_early("directory indexes for the timeline");
      break;
    }
    const history::RecordSlot* slot = graph_.record(directory.entry());
    if (slot == nullptr) continue;
    Locator in_record(evidence_.volume->mft().get());
    carvers::carve_record_at(*evidence_.volume->mft(), directory.entry(), evidence_.record_options(), [&](const Sighting& sighting) {
      if (sighting.source == SourceKind::index) tell_index(sighting, in_record);
    });
    const auto index = open_index(evidence_, directory.entry());
    if (!index) continue;
    Locator locator(index->bytes.get());
    const auto tally = carvers::carve_index_allocation(*index->bytes, index->options(evidence_, directory, !slot->in_use),
                                                       [&](const Sighting& sighting) { tell_index(sighting, locator); });
    index_tally_.add(tally);
    ++index_tally_.roots;
    carved_directories_.insert(directory);
  }
  if (evidence_.index_file != nullptr) {
    Locator locator(evidence_.index_file.get());
    carvers::IndexOptions options;
    options.volume = info_.index;
    if (evidence_.volume) options.block_size = evidence_.volume->index_block_size();
    carvers::carve_index_allocation(*evidence_.index_file, options, [&](const Sighting& sighting) { tell_index(sighting, locator); });
  }
  if (!directories.empty()) index_coverage();

  for (const auto& [owner, journal] : evidence_.journals) {
    Locator locator(journal.get());
    carvers::UsnOptions options;
    options.volume = info_.index;
    options.owner = owner;
    options.progress = progress_sink("timeline: $UsnJrnl:$J");
    const auto tally =
        carvers::carve_usn_journal(*journal, options, [&](const Sighting& sighting) { teller.tell_journal(sighting, locator); });
    if (tally.stopped) end_early("the change journal for the timeline");
  }

  if (evidence_.log_statements == nullptr) return;
  Locator locator(evidence_.log.get());
  evidence_.log_statements->each(graph_, [&](const Sighting& sighting) {
    if (sighting.has_usn)
      teller.tell_journal(sighting, locator);
    else
      teller.tell_file(sighting, locator);
  });
  Sighting freed;
  std::uint64_t untimed = 0;
  for (const carvers::LogDeletion& deletion : evidence_.log_statements->deletions()) {
    const auto [before, behind] = log_times_.around(deletion.lsn, [this](FileTime time) { return activity_.plausible(time); });
    if (!before && !behind) {
      ++untimed;
      continue;
    }
    freed.clear();
    freed.source = SourceKind::log_file;
    freed.volume = info_.index;
    freed.place = deletion.place;
    freed.lsn = deletion.lsn;
    freed.reference = deletion.reference;
    freed.reference_known = deletion.reference_known;
    teller.tell_log_deletion(freed, before ? before->time : no_time, behind ? behind->time : no_time, deletion.directory, locator);
  }
  if (untimed != 0)
    out_.coverage.push_back({.volume = info_.index,
                             .source = "log_file",
                             .records = untimed,
                             .note = fmt::format("{} deletions in it have no time near them: they are in no timeline", untimed)});
}

}  // namespace trimcarve
