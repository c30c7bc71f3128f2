// Text, event logs and hives that were found in a volume's free space, in record slack and in $LogFile: heard as witnesses, and told as
// fragments with the files they were of.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_set>

#include "examine/pieces.hpp"
#include "examine/volume_examiner.hpp"
#include "examine/witnesses.hpp"
#include "ntfs/stream.hpp"
#include "trimcarve/text.hpp"
#include "types/sha256.hpp"
#include "witness/plain_text.hpp"
#include "witness/recognise.hpp"

namespace trimcarve {

namespace {

constexpr std::size_t most_documents = 2000, most_hives = 64;
constexpr std::uint64_t gap_between = 512;  // zeros, so that what follows is no part of it

}  // namespace

// What $MFT's record slack and $LogFile hold of text.
void VolumeExaminer::search_texts() {
  if (free_search_.text == nullptr || !evidence_.volume) return;
  const ntfs::Volume& volume = *evidence_.volume;
  std::vector<std::byte> record(volume.record_size());
  for (std::size_t i = 0; i < free_.record_slack.size(); ++i) {
    const Place& place = free_.record_slack[i].place;
    if (!volume.read_record(place.offset / volume.record_size(), record)) continue;
    const auto bytes = slice(record, place.offset % volume.record_size(), place.length);
    if (!bytes || bytes->empty()) continue;
    free_search_.text->search(*bytes, 0, bytes->size(), 0, volume.record_size(), 0, [&](const carvers::TextFragment& fragment) {
      free_.texts.push_back({fragment, "record_slack", StreamKind::mft, free_.record_slack_of[i]});
      free_.texts.back().fragment.offset += place.offset;
    });
  }
  if (evidence_.log == nullptr) return;
  carvers::FreeSpaceOptions options = evidence_.free_space_options();
  options.text = free_search_.text;
  options.grain = 4096;  // its page
  const carvers::Stretch whole{0, evidence_.log->size(), carvers::StretchKind::allocated};
  carvers::search_free_space(*evidence_.log, std::span(&whole, 1), options, [&](const carvers::Candidate& candidate) {
    if (candidate.kind != carvers::CandidateKind::text) return;
    free_.texts.push_back({*candidate.text, "log_file", StreamKind::log_file, std::nullopt});
    free_.texts.back().fragment.offset = candidate.offset;
  });
}

// The bytes of a text in free clusters or slack, or in a record's slack, as a source that lies where they do; null when it cannot be read.
SourcePtr VolumeExaminer::open_text(const FoundText& text) const {
  const ntfs::Volume& volume = *evidence_.volume;
  const std::uint64_t offset = text.fragment.offset, length = text.fragment.length;
  if (text.stream == StreamKind::volume) return make_view(volume.partition(), offset, length);
  std::vector<std::byte> record(volume.record_size());
  if (!volume.read_record(offset / volume.record_size(), record)) return nullptr;
  const auto bytes = slice(record, offset % volume.record_size(), length);
  return bytes ? ntfs::make_buffer({bytes->begin(), bytes->end()}, volume.mft(), offset) : nullptr;
}

void VolumeExaminer::hear_carved(Witnesses& witnesses) {
  if (!free_.searched) return;
  const SourcePtr& bytes = evidence_.volume->partition();
  const auto info = [&](std::string what) {
    return WitnessInfo{.volume = info_.index, .path = fmt::format("(free space of volume {}: {})", info_.index, what), .state = "carved"};
  };
  if (!free_.event_chunks.empty())
    witnesses.read(info("chunks of event logs"), {make_pieces(bytes, free_.event_chunks, 0), nullptr, nullptr}, witness::Kind::event_log);
  for (std::size_t i = 0; i < free_.hives.size() && i < most_hives; ++i)
    witnesses.read(info(fmt::format("registry hive at {}", free_.hives[i].offset)),
                   {make_view(bytes, free_.hives[i].offset, free_.hives[i].length), nullptr, nullptr}, witness::Kind::hive);
  if (!free_.hive_bins.empty())
    witnesses.read(info("bins of registry hives"), {make_pieces(bytes, free_.hive_bins, gap_between), nullptr, nullptr},
                   witness::Kind::hive_bins);
  std::vector<carvers::Stretch> lines;
  std::size_t documents = 0;
  std::unordered_set<std::string_view> heard;
  for (const FoundText& text : free_.texts) {
    const auto& fragment = text.fragment;
    if (text.stream == StreamKind::log_file || fragment.encoding == carvers::TextEncoding::json) continue;
    if (fragment.language == carvers::Language::agent_log) {
      if (text.stream == StreamKind::volume) lines.push_back({fragment.offset, fragment.length});
    } else if ((fragment.language == carvers::Language::settings || fragment.language == carvers::Language::status) &&
               heard.insert(fragment.text).second && documents++ < most_documents) {
      const SourcePtr document = open_text(text);
      if (document == nullptr) continue;
      witness::Kind kind = witness::recognise(*document, "");
      // A request's own settings and status do not say whose they are: what they hold tells, beside what else is known (findings).
      if (kind != witness::Kind::aggregate_status && kind != witness::Kind::telemetry && kind != witness::Kind::goal_state)
        kind = witness::Kind::settings;
      WitnessInfo what = info(fmt::format("{} at {}", to_string(fragment.language), fragment.offset));
      if (text.stream == StreamKind::mft)
        what.path = fmt::format("(slack of record {} of volume {}: {})", fragment.offset / evidence_.volume->record_size(), info_.index,
                                to_string(fragment.language));
      witnesses.read(std::move(what), {document, nullptr, nullptr}, kind);
    }
  }
  if (!lines.empty())
    witnesses.read(info("lines of agents' logs"), {make_pieces(bytes, lines, gap_between), nullptr, nullptr}, witness::Kind::agent_log);
  if (documents > most_documents)
    out_.warnings.push_back({"witnesses_left_out",
                             fmt::format("volume {}: of {} documents in free space {} were read", info_.index, documents, most_documents),
                             {}});
}

void VolumeExaminer::report_fragments() {
  if (free_.texts.empty()) return;
  const SourcePtr& volume = evidence_.volume->partition();
  const std::uint64_t cluster = std::max<std::uint64_t>(evidence_.volume->cluster_size(), 1);
  const auto clusters_of = [&](const FoundText& text) {
    const std::uint64_t first = text.fragment.offset / cluster, last = (text.fragment.offset + text.fragment.length - 1) / cluster;
    return std::pair{first, last - first + 1};
  };
  std::vector<history::Claim> wanted;
  for (const FoundText& text : free_.texts)
    if (text.stream == StreamKind::volume && text.place == "free_clusters") {
      const auto [lcn, count] = clusters_of(text);
      wanted.push_back({lcn, static_cast<std::uint32_t>(count), 0});
    }
  const history::ClusterOwners owners(graph_, std::move(wanted));

  std::vector<FragmentReport> found;
  std::vector<history::Claim> claims;
  for (FoundText& text : free_.texts) {
    FragmentReport& out = found.emplace_back();
    carvers::TextFragment& fragment = text.fragment;
    out.volume = info_.index;
    out.place = std::move(text.place);
    out.language = to_string(fragment.language);
    out.encoding = to_string(fragment.encoding);
    out.rules.assign(fragment.rules.begin(), fragment.rules.end());
    out.lines = fragment.lines;
    out.lines_matched = fragment.lines_matched;
    out.text = std::move(fragment.text);
    const SourcePtr& stream = text.stream == StreamKind::mft        ? evidence_.volume->mft()
                              : text.stream == StreamKind::log_file ? evidence_.log
                                                                    : volume;
    out.ranges = stream->locate(fragment.offset, fragment.length);
    out.reference = text.reference;
    if (out.place != "free_clusters") continue;
    const auto [lcn, count] = clusters_of(text);
    owners.others(lcn, count, {}, claims);
    for (const history::Claim& claim : claims) {
      const FileReference claimant = graph_.claimant(claim);
      if (claimant.value == 0 || graph_.standing(claimant) == history::Graph::Standing::live || claim.lcn > lcn) continue;
      if (out.reference) {  // claimed by two: whose it was is not known
        out.reference.reset();
        out.file_offset.reset();
        break;
      }
      out.reference = claimant;
      if ((claim.entry & history::log_claim_bit) != 0) continue;
      const Sighting* record = citations_->record(claim.entry);
      if (record == nullptr) continue;
      for (const StreamFact& s : record->streams) {
        if (s.type != 0x80 || s.length != 0) continue;
        for (const RunFact& run : std::span(record->runs).subspan(s.first_run, s.run_count))
          if (run.lcn >= 0 && static_cast<std::uint64_t>(run.lcn) <= lcn && lcn - static_cast<std::uint64_t>(run.lcn) < run.clusters)
            out.file_offset = (run.vcn + lcn - static_cast<std::uint64_t>(run.lcn)) * cluster + fragment.offset % cluster;
      }
    }
  }
  free_.texts.clear();

  // What follows in the same file, or at the next byte, is one.
  std::ranges::stable_sort(found, {}, [](const FragmentReport& f) {
    return std::tuple(f.reference ? f.reference->value : 0, f.file_offset.value_or(0), f.ranges.empty() ? 0 : f.ranges.front().offset);
  });
  std::vector<FragmentReport> joined;
  std::map<std::pair<std::string, std::string>, std::size_t> texts;
  const auto bytes_of = [](const FragmentReport& f) {
    std::uint64_t bytes = 0;
    for (const Range& r : f.ranges) bytes += r.length;
    return bytes;
  };
  for (FragmentReport& next : found) {
    if (next.ranges.empty()) continue;
    FragmentReport* last = joined.empty() ? nullptr : &joined.back();
    if (last != nullptr && last->language == next.language && last->encoding == next.encoding && last->place == next.place &&
        last->reference == next.reference) {
      const Range& end = last->ranges.back();
      const bool behind = end.space == next.ranges.front().space && end.offset + end.length == next.ranges.front().offset;
      const bool follows =
          last->reference && last->file_offset && next.file_offset && *last->file_offset + bytes_of(*last) == *next.file_offset;
      if (behind || follows) {
        if (behind) {
          last->ranges.back().length += next.ranges.front().length;
          last->ranges.insert(last->ranges.end(), next.ranges.begin() + 1, next.ranges.end());
        } else {
          std::ranges::copy(next.ranges, std::back_inserter(last->ranges));
        }
        last->text += next.text;
        last->lines += next.lines;
        last->lines_matched += next.lines_matched;
        for (const std::string& rule : next.rules)
          if (std::ranges::find(last->rules, rule) == last->rules.end()) last->rules.push_back(rule);
        continue;
      }
    }
    joined.push_back(std::move(next));
  }

  // What a recovered file holds, and what another fragment says as well, is no news.
  std::vector<Range> recovered;
  for (const FileReport& file : out_.files)
    if (file.volume == info_.index)
      for (const StreamReport& stream : file.streams)
        for (const RecoveredPart& part : stream.parts) std::ranges::copy(part.ranges, std::back_inserter(recovered));
  std::ranges::sort(recovered, {}, [](const Range& r) { return std::pair{r.space, r.offset}; });
  const auto is_recovered = [&](const Range& range) {
    auto at = std::ranges::upper_bound(recovered, std::pair{range.space, range.offset}, {},
                                       [](const Range& r) { return std::pair{r.space, r.offset}; });
    for (int back = 0; at != recovered.begin() && back < 16; ++back) {
      --at;
      if (at->space == range.space && at->offset <= range.offset && range.offset + range.length <= at->offset + at->length) return true;
    }
    return false;
  };
  std::uint64_t told = 0;
  for (FragmentReport& fragment : joined) {
    if (std::ranges::all_of(fragment.ranges, is_recovered)) {
      ++told;
      continue;
    }
    fragment.text = witness::to_clean_utf8(fragment.text);
    const auto [known, is_new] = texts.try_emplace({fragment.language, fragment.text}, out_.fragments.size());
    if (!is_new) {
      ++out_.fragments[known->second].copies;
      continue;
    }
    if (fragment.reference)
      if (const history::NameSpan* name = paths_->last_name(*fragment.reference))
        fragment.file = paths_->path(*fragment.reference, *name, name->until != no_time ? name->until : name->last_seen).text;
    Sha256 digest;
    digest.update(std::as_bytes(std::span(fragment.text)));
    fragment.sha256 = digest.finish();
    fragment.ranges_sha256 = citations_->hash(fragment.ranges);
    out_.fragments.push_back(std::move(fragment));
  }
  if (told != 0)
    for (Coverage& coverage : out_.coverage)
      if (coverage.source == "free_space" && coverage.volume == info_.index && coverage.note.find("searched") != std::string::npos)
        coverage.note += fmt::format("; {} fragments of text lie in files that are reported", told);
}

}  // namespace trimcarve
