// Free clusters and slack of a volume: what is searched, and what the structures found there add to the graph.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "carvers/compressed_slack.hpp"
#include "carvers/index.hpp"
#include "examine/pieces.hpp"
#include "examine/volume_examiner.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve {

namespace {

constexpr std::uint32_t data_type = 0x80, index_allocation_type = 0xA0;
constexpr std::uint64_t bad_clusters_entry = 8, first_user_entry = 24;
constexpr std::size_t most_slack = std::size_t{1} << 24, most_record_slack = std::size_t{1} << 20;
constexpr std::size_t most_journal_records = std::size_t{1} << 22, most_pieces = std::size_t{1} << 20;
constexpr std::uint64_t most_text = std::uint64_t{256} << 20;

std::size_t mix(std::size_t hash, std::uint64_t value) { return (hash ^ value) * 0x100000001B3ULL + (hash >> 29); }

std::size_t mix(std::size_t hash, const TimeSet& times) {
  for (const FileTime t : {times.created, times.modified, times.changed, times.accessed}) hash = mix(hash, t.ticks);
  return hash;
}

bool has_created(const Sighting& s, FileTime time) {
  return (s.has_standard_information && s.standard_information.created == time) ||
         std::ranges::any_of(s.names, [&](const NameFact& n) { return n.has_times && n.times.created == time; });
}

bool shares_name(const Sighting& a, const Sighting& b) {
  return std::ranges::any_of(a.names, [&](const NameFact& x) {
    return std::ranges::any_of(b.names, [&](const NameFact& y) { return x.parent == y.parent && a.name(x) == b.name(y); });
  });
}

// Does the record state this name with these times?
bool states(const Sighting& record, const Sighting& entry) {
  if (entry.has_record || entry.names.size() != 1 || !entry.names.front().has_times) return false;
  const NameFact& name = entry.names.front();
  return std::ranges::any_of(record.names, [&](const NameFact& own) {
    return own.parent == name.parent && record.name(own) == entry.name(name) &&
           (own.times == name.times || (record.has_standard_information && record.standard_information == name.times));
  });
}

}  // namespace

std::size_t said_hash(const Sighting& s) {
  std::size_t hash = mix(0xCBF29CE484222325ULL, s.reference_known ? s.reference.value : 0);
  hash = mix(hash, (s.has_record ? 1U : 0U) | (s.in_use ? 2U : 0U) | (s.has_usn ? 4U : 0U));
  if (s.has_usn) {
    // Of version 4 name and time are a neighbour's, and another copy may have another neighbour.
    hash = mix(mix(mix(hash, s.usn.usn), s.usn.version == 4 ? 0 : s.usn.time.ticks), s.usn.reason);
    if (s.usn.version == 4) return hash;
  }
  if (s.has_standard_information) hash = mix(hash, s.standard_information);
  for (const NameFact& name : s.names) {
    hash = mix(mix(hash, std::hash<std::u16string_view>()(s.name(name))), name.parent_known ? name.parent.value : 0);
    hash = mix(mix(mix(hash, name.times), name.size), static_cast<std::uint64_t>(name.name_space));
  }
  for (const StreamFact& stream : s.streams) {
    hash = mix(mix(hash, std::hash<std::u16string_view>()(s.name(stream))), stream.size);
    hash = mix(mix(hash, stream.valid_size), stream.start_vcn);
  }
  for (const RunFact& run : s.runs) hash = mix(mix(hash, static_cast<std::uint64_t>(run.lcn)), run.clusters);
  return hash;
}

// What lies behind the valid size of a file in use, up to the end of its last cluster.
void VolumeExaminer::note_slack(const Sighting& record) {
  if (!free_search_.possible || !record.in_use || record.record_entry == bad_clusters_entry) return;
  const std::uint64_t cluster = evidence_.volume->cluster_size();
  if (cluster == 0) return;
  for (const StreamFact& stream : record.streams) {
    if (stream.resident) continue;
    const auto runs = std::span(record.runs).subspan(stream.first_run, stream.run_count);
    const bool system = record.record_entry < first_user_entry || stream.type == index_allocation_type;
    if (free_search_.whole_volume && system)
      for (const RunFact& run : runs)
        if (run.lcn >= 0 && free_.known.size() < most_slack)
          free_.known.push_back({static_cast<std::uint64_t>(run.lcn) * cluster, run.clusters * cluster});
    if (stream.type != data_type || stream.start_vcn != 0) continue;
    if (stream.compressed && stream.runs_complete && free_.compressed_runs.size() + runs.size() <= most_slack) {
      free_.compressed.push_back({stream.compression_unit_log2, stream.valid_size, free_.compressed_runs.size(), runs.size()});
      free_.compressed_runs.insert(free_.compressed_runs.end(), runs.begin(), runs.end());
      continue;
    }
    if (stream.valid_size >= stream.allocated_size) continue;
    std::uint64_t mapped = 0;
    for (const RunFact& run : runs) mapped += run.clusters * cluster;
    if (stream.compressed || !stream.runs_complete || mapped != stream.allocated_size || free_.slack.size() >= most_slack) {
      ++free_.slack_not_searched;
      continue;
    }
    for (const RunFact& run : runs) {
      const std::uint64_t begin = run.vcn * cluster, end = begin + run.clusters * cluster;
      if (run.lcn < 0 || end <= stream.valid_size) continue;
      const std::uint64_t inside = stream.valid_size > begin ? stream.valid_size - begin : 0;
      free_.slack.push_back(
          {static_cast<std::uint64_t>(run.lcn) * cluster + inside, end - begin - inside, carvers::StretchKind::file_slack});
    }
  }
}

void VolumeExaminer::note_record_slack(const Sighting& slack) {
  for (const FragmentFact& fragment : slack.fragments)
    if (free_.record_slack.size() < most_record_slack) {
      free_.record_slack.push_back(fragment);
      free_.record_slack_of.push_back(slack.reference);
    }
}

void VolumeExaminer::forget_carved(const Sighting& journal_record) {
  const auto [begin, end] = free_.journal.equal_range(journal_record.usn.usn);
  for (auto it = begin; it != end;) {
    const bool same =
        it->second.reference == journal_record.reference && (it->second.time == journal_record.usn.time || journal_record.usn.version == 4);
    it = same ? free_.journal.erase(it) : std::next(it);
    free_.journal_known += same ? 1U : 0U;
  }
}

void VolumeExaminer::note_compressed_slack() {
  const ntfs::Volume& volume = *evidence_.volume;
  for (const FreeFinds::Compressed& file : free_.compressed)
    if (free_.slack.size() < most_slack)
      free_.slack_not_searched += carvers::compressed_slack(*volume.partition(),
                                                            {volume.cluster_size(), file.unit_log2, file.valid_size,
                                                             std::span(free_.compressed_runs).subspan(file.first_run, file.run_count)},
                                                            free_.slack);
    else
      ++free_.slack_not_searched;
  free_.compressed.clear();
  free_.compressed_runs.clear();
}

// In order and without overlaps. `slack` and `known` are used up.
std::vector<carvers::Stretch> VolumeExaminer::free_stretches() {
  const ntfs::Volume& volume = *evidence_.volume;
  const std::uint64_t cluster = volume.cluster_size(), end = std::min(volume.partition()->size(), volume.clusters() * cluster);
  std::vector<carvers::Stretch> all;
  for (auto run = volume.bitmap().next_free(0); run; run = volume.bitmap().next_free(run->lcn + run->clusters))
    all.push_back({run->lcn * cluster, run->clusters * cluster, carvers::StretchKind::free_clusters});
  std::ranges::move(free_.slack, std::back_inserter(all));
  add_unclaimed(all);
  std::vector<carvers::Stretch> known = std::move(free_.known);
  if (free_search_.whole_volume) {
    // All that is neither free nor read elsewhere.
    std::ranges::copy(all, std::back_inserter(known));
    std::ranges::sort(known, {}, &carvers::Stretch::offset);
    std::uint64_t at = 0;
    for (const carvers::Stretch& stretch : known) {
      if (stretch.offset > at) all.push_back({at, stretch.offset - at, carvers::StretchKind::allocated});
      at = std::max(at, stretch.offset + stretch.length);
    }
    if (at < end) all.push_back({at, end - at, carvers::StretchKind::allocated});
  }
  std::ranges::sort(all, {}, &carvers::Stretch::offset);
  std::vector<carvers::Stretch> out;
  std::uint64_t at = 0;
  for (carvers::Stretch stretch : all) {
    const std::uint64_t begin = std::max(stretch.offset, at), stop = std::min(stretch.offset + stretch.length, end);
    if (begin >= stop) continue;
    out.push_back({begin, stop - begin, stretch.kind});
    at = stop;
  }
  return out;
}

void VolumeExaminer::carve_free_space() {
  if (!free_search_.possible || !evidence_.volume || evidence_.volume->from_artefact()) return;
  const ntfs::Volume& volume = *evidence_.volume;
  if (free_search_.wanted.value_or(true)) note_compressed_slack();
  const auto stretches = free_stretches();
  for (const carvers::Stretch& stretch : stretches)
    for (const Extent& extent : volume.partition()->extents(stretch.offset, stretch.length))
      if (extent.kind == ExtentKind::data) free_.stored += extent.length;
  if (!free_search_.wanted.value_or(free_search_.whole_volume || free_.stored <= free_space_by_default)) {
    free_.why_not =
        free_search_.wanted
            ? "not searched, as asked"
            : fmt::format("not searched: {} MiB are stored there, more than is searched unasked ({} MiB); --free-space searches them",
                          free_.stored >> 20, free_space_by_default >> 20);
    return free_space_coverage({}, 0);
  }
  free_.searched = true;
  carvers::FreeSpaceOptions options = evidence_.free_space_options();
  options.text = free_search_.text;
  options.progress = progress_sink("free space");
  const auto tally = carvers::search_free_space(*volume.partition(), stretches, options, [&](const carvers::Candidate& candidate) {
    take_candidate(candidate, stretches[candidate.stretch], options);
  });
  if (tally.stopped) end_early("free space");
  read_carved_logs();
  search_texts();
  free_space_coverage(tally, free_.slack_not_searched);
}

void VolumeExaminer::take_candidate(const carvers::Candidate& candidate, const carvers::Stretch& stretch,
                                    const carvers::FreeSpaceOptions& options) {
  const ByteSource& bytes = *evidence_.volume->partition();
  const auto take = [this](const Sighting& sighting) { take_carved(sighting); };
  switch (candidate.kind) {
    case carvers::CandidateKind::file_record:
      ++(carvers::carve_free_record(bytes, candidate.offset, options, take) ? free_.records : free_.no_structure);
      break;
    case carvers::CandidateKind::index_block:
      ++(carvers::carve_free_index(bytes, candidate.offset, options, take) ? free_.blocks : free_.no_structure);
      break;
    case carvers::CandidateKind::usn_record: carvers::carve_free_usn(bytes, candidate.offset, options, take); break;
    case carvers::CandidateKind::event_chunk:
      if (free_.event_chunks.size() < most_pieces) free_.event_chunks.push_back({candidate.offset, candidate.length, stretch.kind});
      break;
    case carvers::CandidateKind::hive:
      if (free_.hives.size() < most_pieces) free_.hives.push_back({candidate.offset, candidate.length, stretch.kind});
      break;
    case carvers::CandidateKind::text:
      if (free_.text_bytes + candidate.text->text.size() > most_text) {
        ++free_.texts_left_out;
        break;
      }
      free_.text_bytes += candidate.text->text.size();
      free_.texts.push_back({*candidate.text, std::string(to_string(stretch.kind)), StreamKind::volume, std::nullopt});
      free_.texts.back().fragment.offset = candidate.offset;
      break;
    case carvers::CandidateKind::log_page: note_log_page(candidate, stretch); break;
    case carvers::CandidateKind::hive_bin:
      if (free_.hive_bins.size() < most_pieces && !is_bin_of(free_.hives, candidate.offset, bytes))
        add_bin(free_.hive_bins, {candidate.offset, candidate.length, stretch.kind});
      break;
  }
}

// Another volume's remains (the disk was formatted anew, or holds images of others): entries that $MFT has no room for, or a file reference
// whose file was made at another time and is called otherwise.
bool VolumeExaminer::is_foreign(const Sighting& sighting) const {
  const std::uint64_t records = evidence_.volume->record_count();
  if (sighting.reference_known && sighting.reference.entry() >= records) return true;
  for (const NameFact& name : sighting.names)
    if (name.parent_known && name.parent.entry() >= records) return true;
  if (!sighting.reference_known || sighting.has_usn || sighting.base_is_elsewhere) return false;
  const auto standing = graph_.standing(sighting.reference);
  if (standing != history::Graph::Standing::live && standing != history::Graph::Standing::deleted) return false;
  bool foreign = false;
  carvers::carve_record_at(*evidence_.volume->mft(), sighting.reference.entry(), evidence_.record_options(), [&](const Sighting& own) {
    if (own.source != SourceKind::mft || own.reference != sighting.reference) return;
    bool born = sighting.has_standard_information && has_created(own, sighting.standard_information.created);
    for (const NameFact& name : sighting.names) born = born || (name.has_times && has_created(own, name.times.created));
    foreign = !born && !shares_name(own, sighting);
  });
  return foreign;
}

void VolumeExaminer::take_carved(const Sighting& sighting) {
  if (is_foreign(sighting)) {
    ++free_.foreign;
    return;
  }
  if (!free_.said.insert(said_hash(sighting)).second) {
    ++free_.repeated;
    return;
  }
  if (sighting.has_usn) {
    if (free_.journal.size() >= most_journal_records)
      ++free_.journal_left_out;
    else
      free_.journal.emplace(sighting.usn.usn, FreeFinds::Usn{sighting.place.offset, sighting.reference, sighting.usn.time});
    return;
  }
  if (sighting.reference_known) {
    bool known = false;
    carvers::carve_record_at(*evidence_.volume->mft(), sighting.reference.entry(), evidence_.record_options(), [&](const Sighting& own) {
      if (own.source == SourceKind::mft && own.reference == sighting.reference)
        known = known || said_hash(own) == said_hash(sighting) || states(own, sighting);
    });
    if (known) {
      ++free_.repeated;
      return;
    }
  }
  if (sighting.has_standard_information) free_.window.see(sighting.standard_information.changed);
  for (const NameFact& name : sighting.names)
    if (name.has_times) free_.window.see(name.times.changed);
  ++free_.entries;
  graph_.add(sighting);
}

void VolumeExaminer::add_carved_journal() {
  if (free_.journal.empty() && free_.journal_known == 0 && free_.journal_left_out == 0) return;
  std::vector<std::pair<std::uint64_t, FreeFinds::Usn>> records(free_.journal.begin(), free_.journal.end());
  free_.journal.clear();
  std::ranges::sort(records, {}, [](const auto& r) { return std::pair{r.first, r.second.offset}; });
  carvers::TimeWindow window;
  const auto options = evidence_.free_space_options();
  for (const auto& [usn, record] : records) {
    window.see(record.time);
    evidence_.carved_journal[record.reference].push_back(record.offset);
    carvers::carve_free_usn(*evidence_.volume->partition(), record.offset, options, [&](const Sighting& s) { graph_.add(s); });
  }
  Coverage coverage{.volume = info_.index, .source = "free_space", .first = window.first, .last = window.last, .records = records.size()};
  coverage.note = "records of the change journal carved from free clusters and slack, in the order of their USNs";
  if (!records.empty()) coverage.note += fmt::format("; USN {} to {}", records.front().first, records.back().first);
  if (free_.journal_known != 0) coverage.note += fmt::format("; {} more stand in a journal or in $LogFile as well", free_.journal_known);
  if (free_.journal_left_out != 0) coverage.note += fmt::format("; {} left out, there being so many", free_.journal_left_out);
  out_.coverage.push_back(std::move(coverage));
}

void VolumeExaminer::free_space_coverage(const carvers::FreeSpaceTally& tally, std::uint64_t left_out) {
  Coverage coverage{
      .volume = info_.index, .source = "free_space", .first = free_.window.first, .last = free_.window.last, .records = free_.entries};
  if (!free_.searched) {
    coverage.note = free_.why_not;
    coverage.gaps.push_back({0, free_.stored, "not searched"});
    out_.coverage.push_back(std::move(coverage));
    return;
  }
  const auto mib = [](std::uint64_t bytes) {
    return bytes >= 10 << 20 ? fmt::format("{} MiB", bytes >> 20) : fmt::format("{} KiB", bytes >> 10);
  };
  coverage.note = fmt::format("{} of {}: {} with data searched, {} zero, {} without stored bytes",
                              free_search_.whole_volume ? "the whole volume" : "free clusters and the slack of files", mib(tally.bytes),
                              mib(tally.data), mib(tally.zeros), mib(tally.holes));
  const auto say = [&coverage](std::uint64_t count, std::string_view what) {
    if (count != 0) coverage.note += fmt::format("; {} {}", count, what);
  };
  if (tally.unreadable != 0) coverage.note += fmt::format("; {} unreadable", mib(tally.unreadable));
  say(free_.records, "FILE records");
  say(free_.blocks, "index blocks");
  say(tally.usn_records, "records of the change journal");
  say(tally.usn_version_4, "of these of version 4, without a name and a time of their own");
  say(tally.event_chunks, "chunks of event logs");
  say(tally.hives, "registry hives");
  say(tally.texts, "fragments of text");
  say(free_.repeated, "statements that $MFT or another copy makes too");
  say(free_.foreign, "of another volume: not taken");
  say(free_.no_structure, "signatures without a structure behind them");
  say(tally.usn_alone, "that may be journal records, without a neighbour: not taken");
  say(tally.log_pages, "pages of $LogFile");
  say(tally.hive_bins, "bins of registry hives");
  say(tally.cut, "structures cut off by clusters that have an owner");
  say(free_.texts_left_out, "fragments of text left out, there being so much of it");
  say(left_out, "files in use, or compressed units of one, whose slack was not searched, being in pieces or damaged");
  if (free_search_.text == nullptr) coverage.note += "; no search for text: " + free_search_.no_text;
  if (tally.unreadable != 0) coverage.gaps.push_back({0, tally.unreadable, "unreadable"}), out_.complete = false;
  out_.coverage.push_back(std::move(coverage));
}

}  // namespace trimcarve
