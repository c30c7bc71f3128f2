#include "examine/evidence.hpp"

#include <algorithm>
#include <unordered_set>

#include "types/sha256.hpp"

namespace trimcarve {

namespace {

constexpr std::uint32_t data_type = 0x80, bitmap_type = 0xB0, index_allocation_type = 0xA0;
constexpr std::uint64_t largest_index_bitmap = std::uint64_t{16} << 20;  // bytes: an index of 512 GiB at 4 KiB blocks

// A file that was written for years has thousands of journal records. Cited are the first and last and all that create, rename or delete,
// and of the others as many as this.
constexpr std::size_t most_plain_events = 64;
constexpr std::uint32_t telling_reasons =
    usn_reason::file_create | usn_reason::file_delete | usn_reason::rename_old_name | usn_reason::rename_new_name;

SightingKey key_of(const Sighting& s) { return {s.source, s.place.stream, s.place.owner, s.place.offset, s.place.length}; }

}  // namespace

carvers::RecordPassOptions VolumeEvidence::record_options() const {
  carvers::RecordPassOptions options;
  options.volume = index;
  options.record_size = volume->record_size();
  options.volume_clusters = volume->clusters();
  return options;
}

carvers::FreeSpaceOptions VolumeEvidence::free_space_options() const {
  carvers::FreeSpaceOptions options;
  options.volume = index;
  options.record_size = volume->record_size();
  options.index_block_size = volume->index_block_size();
  options.volume_clusters = volume->clusters();
  options.records = volume->record_count();
  options.grain = std::max<std::uint64_t>(volume->cluster_size(), 512);
  return options;
}

const VolumeEvidence::CarvedLog* VolumeEvidence::carved_log(std::uint64_t offset) const {
  const std::uint64_t number = offset / carved_log_step;  // the first one's base is one step
  return number == 0 || number > carved_logs.size() ? nullptr : &carved_logs[static_cast<std::size_t>(number - 1)];
}

SourcePtr VolumeEvidence::log_content(const Place& place) const {
  if (place.stream != StreamKind::carved_log) return log_statements != nullptr ? log_statements->content(place) : nullptr;
  const CarvedLog* found = carved_log(place.offset);
  return found != nullptr ? found->statements->content(place) : nullptr;
}

SourcePtr VolumeEvidence::journal(std::uint64_t owner) const {
  const auto found = std::ranges::find(journals, owner, &std::pair<std::uint64_t, SourcePtr>::first);
  return found == journals.end() ? nullptr : found->second;
}

carvers::IndexOptions DirectoryIndex::options(const VolumeEvidence& evidence, FileReference directory, bool deleted) const {
  carvers::IndexOptions options;
  options.volume = evidence.index;
  options.directory = directory;
  options.owner = directory.entry();
  options.directory_deleted = deleted;
  options.block_size = evidence.volume->index_block_size();
  const std::uint32_t cluster = evidence.volume->cluster_size();
  options.vcn_unit = cluster != 0 && cluster <= options.block_size ? cluster : 512;
  if (has_bitmap) options.bitmap = ByteView(bitmap);
  return options;
}

std::optional<DirectoryIndex> open_index(const VolumeEvidence& evidence, std::uint64_t directory_entry) {
  if (!evidence.volume || evidence.volume->from_artefact()) return std::nullopt;
  auto allocation = evidence.volume->open_stream(directory_entry, index_allocation_type, u"$I30");
  if (!allocation || allocation->resident) return std::nullopt;
  DirectoryIndex out;
  out.bytes = allocation->bytes;
  if (auto bitmap = evidence.volume->open_stream(directory_entry, bitmap_type, u"$I30"); bitmap && bitmap->size <= largest_index_bitmap) {
    out.bitmap.resize(static_cast<std::size_t>(bitmap->bytes->size()));
    std::vector<Unread> unread;
    // A bitmap that cannot be read in full says nothing: its zeros would make live entries stale.
    out.has_bitmap = read_tolerant(*bitmap->bytes, 0, out.bitmap, unread);
  }
  return out;
}

Evidence::Evidence(const VolumeEvidence& volume, const history::Graph& graph, std::vector<SourcePtr> spaces, std::vector<Sighting>& cited)
    : volume_(volume), graph_(graph), spaces_(std::move(spaces)), cited_(cited) {}

std::vector<Range> Evidence::ranges_of(const Sighting& sighting) const {
  SourcePtr stream;
  switch (sighting.place.stream) {
    case StreamKind::mft:
      if (volume_.volume) stream = volume_.volume->mft();
      break;
    case StreamKind::usn_journal: stream = volume_.journal(sighting.place.owner); break;
    case StreamKind::index_allocation:
      if (const auto found = indexes_.find(sighting.place.owner); found != indexes_.end() && found->second)
        stream = found->second->bytes;
      else
        stream = volume_.index_file;
      break;
    case StreamKind::log_file: stream = volume_.log; break;
    case StreamKind::volume:
      if (volume_.volume) stream = volume_.volume->partition();
      break;
    case StreamKind::carved_log:
      if (const auto* log = volume_.carved_log(sighting.place.offset))
        return log->pages->locate(sighting.place.offset - log->base, sighting.place.length);
      break;
    case StreamKind::witness: break;  // cited by Witnesses
  }
  return stream == nullptr ? std::vector<Range>() : stream->locate(sighting.place.offset, sighting.place.length);
}

std::uint32_t Evidence::cite(const Sighting& sighting) {
  const SightingKey key = key_of(sighting);
  const auto [slot, is_new] = numbers_.try_emplace(key, static_cast<std::uint32_t>(cited_.size()));
  if (!is_new) return slot->second;
  std::vector<Range> ranges = ranges_of(sighting);
  std::string sha256 = hash(ranges);
  if (volume_.known != nullptr && !sha256.empty()) {
    const auto [known, is_unknown] = volume_.known->sightings.try_emplace({key, sha256}, slot->second);
    // The same bytes at another place of the disk are evidence of their own: of another state of the volume.
    if (!is_unknown && cited_[known->second].ranges == ranges) return slot->second = known->second;
  }
  Sighting& out = cited_.emplace_back(sighting);
  out.ranges = std::move(ranges);
  out.sha256 = std::move(sha256);
  return slot->second;
}

bool Evidence::is_known(const Sighting& sighting) const {
  return volume_.known != nullptr && volume_.known->sightings.contains({key_of(sighting), hash(ranges_of(sighting))});
}

std::string Evidence::hash(const std::vector<Range>& ranges) const {
  if (ranges.empty()) return {};
  return sha256_of(spaces_, ranges).value_or("");
}

const Sighting* Evidence::record(std::uint64_t entry) {
  const auto [slot, is_new] = records_.try_emplace(entry);
  if (is_new && volume_.volume && entry < volume_.volume->record_count())
    carvers::carve_record_at(*volume_.volume->mft(), entry, volume_.record_options(), [&](const Sighting& sighting) {
      if (sighting.source == SourceKind::mft) slot->second = sighting;
    });
  return slot->second ? &*slot->second : nullptr;
}

void Evidence::decode_row(const history::NameRow& row, const std::function<void(const Sighting&)>& take) {
  const auto at_place = [&](const Sighting& sighting) {
    if (sighting.source == row.source && sighting.place.offset == row.locator) take(sighting);
  };
  switch (row.stream) {
    case StreamKind::mft:
      if (volume_.volume)
        carvers::carve_record_at(*volume_.volume->mft(), row.locator / volume_.volume->record_size(), volume_.record_options(), at_place);
      break;
    case StreamKind::usn_journal:
      if (const SourcePtr journal = volume_.journal(row.owner)) {
        carvers::UsnOptions options;
        options.volume = volume_.index;
        options.owner = row.owner;
        carvers::carve_usn_at(*journal, row.locator, options, at_place);
      }
      break;
    case StreamKind::index_allocation:
      for (const Sighting& sighting : index_block(row)) at_place(sighting);
      break;
    case StreamKind::log_file:
      if (volume_.log_statements != nullptr) log_row(*volume_.log_statements, row.locator, at_place);
      break;
    case StreamKind::carved_log:
      if (const auto* log = volume_.carved_log(row.locator)) log_row(*log->statements, row.locator, at_place);
      break;
    case StreamKind::volume:
      if (volume_.volume && !volume_.volume->from_artefact())
        carvers::carve_free_at(*volume_.volume->partition(), row.locator, volume_.free_space_options(), at_place);
      break;
    case StreamKind::witness: break;  // they make no rows
  }
}

// The log follows a directory's index from its first record to tell of one entry, and directories are asked for with each file below them.
void Evidence::log_row(LogStatements& log, std::uint64_t locator, const std::function<void(const Sighting&)>& take) {
  constexpr std::size_t most_rows = 1 << 16;
  auto found = log_rows_.find(locator);
  if (found == log_rows_.end()) {
    std::vector<Sighting> sightings;
    log.at(locator, [&](const Sighting& sighting) {
      if (sighting.place.offset == locator) sightings.push_back(sighting);
    });
    if (log_rows_.size() >= most_rows) log_rows_.clear();
    found = log_rows_.emplace(locator, std::move(sightings)).first;
  }
  for (const Sighting& sighting : found->second) take(sighting);
}

const std::vector<Sighting>& Evidence::index_block(const history::NameRow& row) {
  // A block holds forty entries, and files of one directory are mostly asked for one after the other: blocks are kept decoded, a few
  // directories' worth of them.
  constexpr std::size_t most_blocks = 256;
  const std::uint32_t block_size = volume_.volume ? volume_.volume->index_block_size() : carvers::IndexOptions().block_size;
  if (blocks_.size() >= most_blocks) blocks_.clear();
  const auto [found, is_new_block] = blocks_.try_emplace({row.owner, row.locator / block_size});
  std::vector<Sighting>& sightings = found->second;
  if (!is_new_block) return sightings;
  const auto keep = [&sightings](const Sighting& sighting) { sightings.push_back(sighting); };
  if (volume_.index_file != nullptr && row.owner == 0) {
    carvers::IndexOptions options;
    options.volume = volume_.index;
    options.block_size = block_size;
    carvers::carve_index_block_at(*volume_.index_file, row.locator, options, keep);
    return sightings;
  }
  const auto [slot, is_new] = indexes_.try_emplace(row.owner);
  if (is_new) slot->second = open_index(volume_, row.owner);
  const history::RecordSlot* directory = graph_.record(row.owner);
  if (slot->second && directory != nullptr)
    carvers::carve_index_block_at(*slot->second->bytes, row.locator,
                                  slot->second->options(volume_, directory->identity, !directory->in_use), keep);
  return sightings;
}

std::vector<std::uint32_t> Evidence::of_row(history::RowIndex row) {
  std::vector<std::uint32_t> out;
  decode_row(graph_.rows()[row], [&](const Sighting& sighting) { out.push_back(cite(sighting)); });
  return out;
}

void Evidence::index_journal(const std::vector<FileReference>& references) {
  for (const FileReference reference : references) events_.try_emplace(reference);
  for (std::size_t i = 0; i < graph_.events().size(); ++i) {
    const history::JournalEvent& event = graph_.events()[i];
    if (const auto found = events_.find(event.reference); found != events_.end()) found->second.push_back(event);
  }
}

// A log of a file that is written all the time holds thousands of records of it: the first and the last are cited, and between them what
// states last where content lies. That decides what the file held, however much else was written behind it.
void Evidence::index_log(const std::vector<FileReference>& references) {
  constexpr std::size_t first = 16, last = 48;
  logged_.clear();
  if ((volume_.log_statements == nullptr && volume_.carved_logs.empty()) || references.empty()) return;
  const std::unordered_set<FileReference> wanted(references.begin(), references.end());
  std::unordered_set<std::uint64_t> rows;
  for (const FileReference reference : wanted)
    for (history::RowIndex i = graph_.first_row(reference.entry()); i != history::no_row; i = graph_.rows()[i].next)
      if (const history::NameRow& row = graph_.rows()[i];
          row.reference == reference && (row.stream == StreamKind::log_file || row.stream == StreamKind::carved_log))
        rows.insert(row.locator);
  const LogStatements::Sink keep = [&](const Sighting& sighting) {
    if (!wanted.contains(sighting.reference)) return;
    if (rows.contains(sighting.place.offset)) log_rows_.try_emplace(sighting.place.offset, 1, sighting);
    Logged& logged = logged_[sighting.reference];
    if (logged.first.size() < first) {
      logged.first.push_back(sighting);
      return;
    }
    logged.last.push_back(sighting);
    if (logged.last.size() <= last) return;
    logged.pass(logged.last.front());
    logged.last.pop_front();
  };
  // What the volume's log says comes last: it is the latest, as far as is known.
  for (const VolumeEvidence::CarvedLog& log : volume_.carved_logs)
    log.statements->each(graph_, [&](const Sighting& sighting) {
      if (!log.foreign.contains(sighting.reference)) keep(sighting);
    });
  if (volume_.log_statements != nullptr) volume_.log_statements->each(graph_, keep);
}

void Evidence::Logged::pass(Sighting& sighting) {
  const std::uint64_t number = passed++;
  int count = 0;
  for (const StreamFact& fact : sighting.streams) {
    if (fact.type != data_type) continue;
    const auto [at, is_new] = streams.try_emplace({std::u16string(sighting.name(fact)), fact.start_vcn, fact.resident}, number);
    if (is_new || at->second != number) ++count;
    if (is_new || at->second == number) continue;
    if (const auto older = states.find(at->second); --older->second.needed == 0) states.erase(older);
    at->second = number;
  }
  if (count != 0) states.emplace(number, State{std::move(sighting), count});
}

std::uint64_t Evidence::log_left_out(FileReference reference) const {
  const auto logged = logged_.find(reference);
  return logged == logged_.end() ? 0 : logged->second.passed - logged->second.states.size();
}

void Evidence::journal_records(FileReference reference, const std::function<void(const Sighting&)>& take, std::uint64_t& left_out) {
  if (const auto carved = volume_.carved_journal.find(reference); carved != volume_.carved_journal.end()) {
    std::size_t plain = 0;
    for (const std::uint64_t offset : carved->second)
      carvers::carve_free_usn(*volume_.volume->partition(), offset, volume_.free_space_options(), [&](const Sighting& sighting) {
        if ((sighting.usn.reason & telling_reasons) == 0 && ++plain > most_plain_events)
          ++left_out;
        else
          take(sighting);
      });
  }
  const auto found = events_.find(reference);
  if (found == events_.end()) return;
  std::size_t plain = 0, at = 0;
  for (const history::JournalEvent& event : found->second) {
    const bool is_last = ++at == found->second.size();
    const std::uint64_t owner = graph_.journals()[event.journal];
    const SourcePtr journal = volume_.journal(owner);
    if (journal == nullptr) continue;
    carvers::UsnOptions options;
    options.volume = volume_.index;
    options.owner = owner;
    carvers::carve_usn_at(*journal, event.offset, options, [&](const Sighting& sighting) {
      if ((sighting.usn.reason & telling_reasons) == 0 && ++plain > most_plain_events && !is_last) {
        ++left_out;
        return;
      }
      take(sighting);
    });
  }
}

std::vector<std::uint32_t> Evidence::of_file(FileReference reference, std::uint64_t& left_out) {
  std::vector<std::uint32_t> out;
  std::unordered_set<std::uint32_t> seen;
  visit_file(
      reference,
      [&](const Sighting& sighting) {
        const std::uint32_t number = cite(sighting);
        if (seen.insert(number).second) out.push_back(number);
      },
      left_out);
  return out;
}

void Evidence::visit_file(FileReference reference, const std::function<void(const Sighting&)>& take, std::uint64_t& left_out) {
  const std::uint64_t entry = reference.entry();
  const history::RecordSlot* slot = graph_.record(entry);
  const bool own_record =
      slot != nullptr && !slot->extension && (slot->identity_known ? slot->identity == reference : reference.sequence() == 0);
  if (own_record)
    carvers::carve_record_at(*volume_.volume->mft(), entry, volume_.record_options(), [&](const Sighting& sighting) {
      if (sighting.source == SourceKind::mft) take(sighting);
      // Slack of this record that speaks of this very file: earlier names, earlier content.
      if (sighting.source == SourceKind::record_slack &&
          (sighting.slack_role == SlackRole::own_content || sighting.slack_role == SlackRole::none))
        take(sighting);
    });
  std::vector<std::uint64_t> extensions;
  graph_.extensions(reference, extensions);
  for (const std::uint64_t extension : extensions)
    carvers::carve_record_at(*volume_.volume->mft(), extension, volume_.record_options(), [&](const Sighting& sighting) {
      if (sighting.source == SourceKind::mft) take(sighting);
    });
  for (history::RowIndex i = graph_.first_row(entry); i != history::no_row; i = graph_.rows()[i].next) {
    const history::NameRow& row = graph_.rows()[i];
    if (row.reference == reference && row.source != SourceKind::mft && row.source != SourceKind::usn_journal &&
        row.source != SourceKind::log_file && !row.from_journal())
      decode_row(row, take);
  }
  if (const auto logged = logged_.find(reference); logged != logged_.end()) {
    for (const Sighting& sighting : logged->second.first) take(sighting);
    for (const auto& [number, state] : logged->second.states) take(state.sighting);
    for (const Sighting& sighting : logged->second.last) take(sighting);
  }
  journal_records(reference, take, left_out);
}

}  // namespace trimcarve
