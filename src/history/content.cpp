#include "history/content.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>

#include "history/run_states.hpp"
#include "ntfs/stream.hpp"
#include "types/sha256.hpp"

namespace trimcarve::history {

namespace {

constexpr std::uint32_t data_type = 0x80;
// Sparse stretches of a file that is back whole are hashed and written as the zeros they stand for, up to so many bytes of them.
constexpr std::uint64_t most_sparse = std::uint64_t{1} << 30;

struct Counts {
  std::uint64_t data = 0, zero = 0, reallocated = 0, contested = 0, unreadable = 0;
  std::uint64_t total() const { return data + zero + reallocated + contested + unreadable; }
};

Counts count(const std::vector<RunReport>& runs) {
  Counts c;
  for (const RunReport& run : runs) {
    switch (run.state) {
      case RunState::data: c.data += run.clusters; break;
      case RunState::zero:
      case RunState::container_hole:
      case RunState::unmapped: c.zero += run.clusters; break;
      case RunState::reallocated: c.reallocated += run.clusters; break;
      case RunState::contested: c.contested += run.clusters; break;
      case RunState::unreadable: c.unreadable += run.clusters; break;
      case RunState::sparse:
      case RunState::beyond_valid: break;
    }
  }
  return c;
}

std::string tell(const Counts& c) {
  std::string out;
  const auto part = [&out](std::uint64_t n, std::string_view what) {
    if (n != 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, what);
  };
  part(c.data, "with data");
  part(c.zero, "zero");
  part(c.reallocated, "reallocated");
  part(c.contested, "overwritten by a later deleted file");
  part(c.unreadable, "unreadable");
  return fmt::format("of {} cluster{}: {}", c.total(), c.total() == 1 ? "" : "s", out);
}

// The content between `from` and `to` as a part, hashed; false when it cannot be read after all, or there is nothing to add.
bool add_part(StreamReport& report, const SourcePtr& stream, std::uint64_t from, std::uint64_t to, std::string source) {
  if (from >= to || report.parts.size() >= most_parts) return false;
  RecoveredPart part;
  part.file_offset = from;
  part.length = to - from;
  part.bytes = make_view(stream, from, to - from);
  auto hash = sha256_of(*part.bytes);
  if (!hash) return false;
  part.sha256 = *hash;
  part.ranges = stream->locate(from, to - from);
  part.source = std::move(source);
  report.parts.push_back(std::move(part));
  return true;
}

std::string_view log_tells(const StreamPieces& stream) { return stream.other_log ? "carved pages of a $LogFile tell" : "$LogFile tells"; }

// Resident in a FILE record that only $LogFile still knows. Newer Windows logs zeros in place of the bytes: then the size is all there is.
void judge_logged(const ContentContext& context, const StreamPieces& stream, StreamReport& report) {
  const SourcePtr bytes = stream.content.length == stream.size && context.log ? context.log(stream.content) : nullptr;
  if (bytes == nullptr) {
    report.why = fmt::format("{} its size (LSN {}), not its bytes", log_tells(stream), stream.lsn);
    return;
  }
  if (!add_part(report, bytes, 0, stream.size, "log_file")) {
    report.state = ContentState::unreadable;
    report.why = "the log record that holds it cannot be read";
    return;
  }
  report.state = ContentState::recovered;
  report.sha256 = report.parts.front().sha256;
  report.why = stream.other_log ? fmt::format("resident, as carved pages of a $LogFile hold it (LSN {} there)", stream.lsn)
                                : fmt::format("resident, as $LogFile holds it (LSN {})", stream.lsn);
}

// Resident in a FILE record that lies in free space.
void judge_carved(const ContentContext& context, const StreamPieces& stream, StreamReport& report) {
  const Place& place = *stream.carved;
  const std::uint64_t inside = stream.content.offset - place.offset;
  std::vector<std::byte> record(static_cast<std::size_t>(std::min<std::uint64_t>(place.length, ntfs::max_record_size)));
  const bool read = context.volume->partition()->read_at(place.offset, record).has_value();
  if (read) ntfs::apply_fix_up(record);
  const auto value = slice(record, inside, stream.content.length);
  if (!read || !value || all_zero(*value)) {
    report.state = read && value ? ContentState::zeroed : ContentState::unreadable;
    report.why = read && value ? "resident, all zero" : "the carved record that holds it cannot be read";
    return;
  }
  const auto source = ntfs::make_buffer({value->begin(), value->end()}, context.volume->partition(), stream.content.offset);
  add_part(report, source, 0, stream.size, "free_space");
  report.state = ContentState::recovered;
  report.why = fmt::format("resident in a FILE record carved at {} of the volume", place.offset);
  if (!report.parts.empty()) report.sha256 = report.parts.front().sha256;
}

void judge_resident(const ContentContext& context, const StreamPieces& stream, StreamReport& report) {
  if (stream.size == 0) {
    report.state = ContentState::none;
    report.why = "empty";
    return;
  }
  if (stream.logged) return judge_logged(context, stream, report);
  if (stream.carved) return judge_carved(context, stream, report);
  std::vector<std::byte> record(context.volume->record_size());
  const std::uint64_t entry = stream.content.offset / context.volume->record_size();
  const std::uint64_t inside = stream.content.offset % context.volume->record_size();
  const auto fix = context.volume->read_record(entry, record);
  const auto value = slice(record, inside, stream.content.length);
  if (!fix || !value) {
    report.state = ContentState::unreadable;
    report.why = "its record cannot be read";
    return;
  }
  if (all_zero(*value)) {
    report.state = ContentState::zeroed;
    report.why = "resident, all zero";
    return;
  }
  const auto source = ntfs::make_buffer({value->begin(), value->end()}, context.volume->mft(), stream.content.offset);
  add_part(report, source, 0, stream.size, "record");
  report.state = ContentState::recovered;
  report.why = fmt::format("resident in record {}", entry);
  if (!report.parts.empty()) report.sha256 = report.parts.front().sha256;
}

std::uint64_t to_bytes(std::uint64_t clusters, std::uint64_t cluster_size) {
  std::uint64_t bytes = 0;
  return __builtin_mul_overflow(clusters, cluster_size, &bytes) ? std::numeric_limits<std::uint64_t>::max() : bytes;
}

// Takes clusters from a budget; false when they are more than is left.
bool spend(std::uint64_t* left, std::uint64_t clusters) {
  if (left == nullptr) return true;
  if (clusters > *left) return false;
  *left -= clusters;
  return true;
}

struct Stretch {
  std::uint64_t begin, end;  // VCNs
};

// Data clusters that follow each other.
std::vector<Stretch> data_stretches(const std::vector<RunReport>& runs) {
  std::vector<Stretch> out;
  for (const RunReport& run : runs) {
    if (run.state != RunState::data) continue;
    if (!out.empty() && out.back().end == run.vcn)
      out.back().end += run.clusters;
    else
      out.push_back({run.vcn, run.vcn + run.clusters});
  }
  return out;
}

// Compression units of which every stored cluster holds data: only such a unit can be decompressed. Units that follow each other are
// joined.
std::vector<Stretch> whole_units(const std::vector<RunReport>& runs, std::uint64_t unit) {
  std::vector<Stretch> out;
  std::uint64_t lost_until = 0, covered = 0;
  const auto lose = [&](std::uint64_t begin, std::uint64_t end) {  // the units these touch, also what of them was taken already
    const std::uint64_t first = begin / unit * unit;
    if (!out.empty()) out.back().end = std::min(out.back().end, first);
    if (!out.empty() && out.back().end <= out.back().begin) out.pop_back();
    lost_until = std::max(lost_until, (end + unit - 1) / unit * unit);
  };
  for (const RunReport& run : runs) {
    const std::uint64_t begin = run.vcn, end = run.vcn + run.clusters;
    if (begin != covered) lose(std::min(begin, covered), std::max(begin, covered));
    covered = std::max(covered, end);
    if (run.state != RunState::data) {
      if (run.state != RunState::sparse) lose(begin, end);
      continue;
    }
    const std::uint64_t from = std::max(begin / unit * unit, lost_until), to = (end + unit - 1) / unit * unit;
    if (from >= to) continue;
    if (!out.empty() && out.back().end >= from)
      out.back().end = std::max(out.back().end, to);
    else
      out.push_back({from, to});
  }
  lose(covered, covered + (covered % unit != 0 ? 1 : 0));  // a run list cut within a unit
  return out;
}

// What of the stretches can be decompressed: a unit that cannot be costs no other. Of such a unit nothing is taken: what garbage
// decompresses to before it is seen to be garbage is nobody's content.
std::vector<Stretch> undamaged_units(const std::vector<Stretch>& stretches, const ByteSource& bytes, std::uint64_t unit,
                                     std::uint64_t cluster) {
  const std::uint64_t unit_bytes = to_bytes(unit, cluster);
  std::vector<Stretch> out;
  for (const Stretch& stretch : stretches) {
    std::uint64_t begin = stretch.begin;
    const std::uint64_t from = to_bytes(stretch.begin, cluster);
    for (const Extent& extent : bytes.extents(from, to_bytes(stretch.end - stretch.begin, cluster))) {
      if (extent.kind != ExtentKind::unreadable) continue;
      const std::uint64_t first = extent.offset / unit_bytes * unit, last = (extent.offset + extent.length - 1) / unit_bytes * unit;
      if (first > begin) out.push_back({begin, first});
      begin = std::max(begin, last + unit);
    }
    if (begin < stretch.end) out.push_back({begin, stretch.end});
  }
  return out;
}

void judge_runs(const ContentContext& context, const FileFacts& file, const StreamPieces& stream, StreamReport& report) {
  const std::uint64_t cluster = context.volume->cluster_size();
  RunStates states(context, file);
  // Without the first extent the sizes are not known: every cluster counts, and none is cut to the file's end.
  constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t end = stream.first_extent_seen ? std::min(stream.size, stream.valid_size) : unlimited;
  const auto whole_clusters = [&](std::uint64_t bytes) { return bytes / cluster + (bytes % cluster != 0 ? 1 : 0); };
  const std::uint64_t unit = stream.compressed ? std::uint64_t{1} << std::min<unsigned>(stream.compression_unit_log2, 16) : 1;
  // A compressed stream has no valid size of its own per cluster: a unit is stored in fewer clusters than it stands for.
  std::uint64_t valid_clusters = !stream.first_extent_seen ? unlimited : whole_clusters(stream.compressed ? stream.size : end);
  if (stream.compressed && valid_clusters < unlimited - unit) valid_clusters = (valid_clusters + unit - 1) / unit * unit;
  std::uint64_t expected = 0;
  bool gaps = !stream.first_extent_seen || !stream.complete;
  for (const RunFact& run : stream.runs) {
    if (run.vcn != expected) gaps = true;
    expected = run.vcn + run.clusters;
    if (run.lcn < 0) {
      states.add(run.vcn, -1, run.clusters, RunState::sparse);
      continue;
    }
    const std::uint64_t judged = run.vcn >= valid_clusters ? 0 : std::min(run.clusters, valid_clusters - run.vcn);
    if (judged > 0) states.add_mapped(run.vcn, static_cast<std::uint64_t>(run.lcn), judged);
    if (judged < run.clusters)
      states.add(run.vcn + judged, run.lcn + static_cast<std::int64_t>(judged), run.clusters - judged, RunState::beyond_valid);
  }
  if (stream.first_extent_seen && expected < whole_clusters(end)) gaps = true;
  report.runs = states.take();
  const Counts c = count(report.runs);

  if (stream.size == 0 && stream.first_extent_seen) {
    report.state = ContentState::none;
    report.why = "empty";
    return;
  }
  if (c.total() == 0) {
    report.state = gaps ? ContentState::unknown : ContentState::none;
    report.why = gaps ? "its run list is lost" : end == 0 ? "never written (valid size 0)" : "sparse: no clusters";
    return;
  }
  report.why = tell(c);
  if (c.data == 0) {
    // The largest share names the state.
    const std::uint64_t most = std::max({c.zero, c.reallocated, c.contested, c.unreadable});
    report.state = c.zero == most          ? ContentState::zeroed
                   : c.reallocated == most ? ContentState::reallocated
                   : c.contested == most   ? ContentState::overwritten
                                           : ContentState::unreadable;
    return;
  }
  const bool whole = c.data == c.total() && !gaps;
  const std::uint64_t size = stream.first_extent_seen ? stream.size : to_bytes(expected, cluster);
  const std::uint64_t valid_size = stream.first_extent_seen ? stream.valid_size : size;
  const auto bytes = stream.compressed
                         ? ntfs::make_compressed_stream(context.volume->partition(), stream.runs, context.volume->cluster_size(),
                                                        stream.compression_unit_log2, size, valid_size)
                         : ntfs::make_stream(context.volume->partition(), stream.runs, context.volume->cluster_size(), size, valid_size);
  // A data cluster stands for one cluster of the file, or for a compression unit at most; all else of a whole file is sparse.
  const std::uint64_t sparse = end - std::min(end, to_bytes(to_bytes(c.data, unit), cluster));
  const bool spelled_out = whole && sparse <= most_sparse && spend(context.clusters_left, sparse / cluster);
  if (spelled_out && add_part(report, bytes, 0, end, "clusters")) {
    if (end == stream.size) {
      report.state = ContentState::recovered;
      report.sha256 = report.parts.front().sha256;
      if (file.bitmap_lags)
        report.why += "; its deletion stands only in $LogFile, and no other record on the volume claims them";
      else if (!file.live)
        report.why += "; not allocated now, and no other record on the volume claims them";
    } else {
      report.state = ContentState::partial;
      report.why += fmt::format("; {} of {} bytes were ever written", end, stream.size);
    }
    return;
  }
  // Each stretch of data clusters (of undamaged units, when compressed) that follow each other in the file is a part of its own: no byte
  // between them is invented.
  std::uint64_t left_out = 0;
  const auto stretches = unit == 1 ? data_stretches(report.runs) : undamaged_units(whole_units(report.runs, unit), *bytes, unit, cluster);
  for (const Stretch& stretch : stretches) {
    if (report.parts.size() >= most_parts)
      ++left_out;
    else
      add_part(report, bytes, to_bytes(stretch.begin, cluster), std::min({to_bytes(stretch.end, cluster), end, size}), "clusters");
  }
  report.state = ContentState::partial;
  if (report.parts.empty()) {
    report.state = ContentState::unknown;
    report.why += stream.compressed ? "; no compressed unit came back whole" : "; reading failed";
  } else if (!stream.first_extent_seen) {
    report.why += "; the record with its sizes is lost, so where it ended is not known";
  } else if (gaps) {
    report.why += "; the run list is not whole";
  } else if (spelled_out && stream.compressed) {
    report.why += "; a compressed unit is damaged";
  } else if (whole && !spelled_out) {
    report.why += fmt::format("; {} bytes of it are sparse and not written out", sparse);
  }
  if (left_out != 0) report.why += fmt::format("; {} more stretches with data are not written out", left_out);
}

// Bytes: its size, or where no record states one, what its clusters hold.
std::uint64_t to_read(const StreamPieces& stream, std::uint64_t cluster) {
  if (stream.first_extent_seen) return stream.size;
  std::uint64_t clusters = 0;
  for (const RunFact& run : stream.runs)
    if (run.lcn >= 0 && __builtin_add_overflow(clusters, run.clusters, &clusters)) return std::numeric_limits<std::uint64_t>::max();
  return to_bytes(clusters, cluster);
}

}  // namespace

namespace {

StreamPieces& pieces_of(std::vector<StreamPieces>& all, std::u16string_view name) {
  const auto found = std::ranges::find_if(all, [&](const StreamPieces& s) { return s.name == name; });
  return found != all.end() ? *found : all.emplace_back(StreamPieces{.name = std::u16string(name)});
}

void take_piece(const Sighting& sighting, const StreamFact& fact, StreamPieces& stream) {
  if (sighting.integrity != Integrity::good) stream.integrity = sighting.integrity;
  stream.complete = stream.complete && fact.runs_complete;
  stream.compressed |= fact.compressed && fact.compression_unit_log2 != 0;
  stream.compression_unit_log2 = std::max(stream.compression_unit_log2, fact.compression_unit_log2);
  if (fact.resident || (fact.start_vcn == 0 && fact.sizes_known)) {
    stream.resident = fact.resident;
    stream.encrypted = fact.encrypted;
    stream.size = fact.size;
    stream.valid_size = fact.resident ? fact.size : fact.valid_size;
    stream.content = fact.content;
    stream.first_extent_seen = true;
  }
  for (std::uint32_t i = 0; i < fact.run_count; ++i) stream.runs.push_back(sighting.runs[fact.first_run + i]);
}

// Each log record states an attribute whole: what was said last of each extent counts, and a value that became resident has no other.
void join_logged(std::span<const Sighting> all, std::span<const std::uint32_t> mine, std::vector<StreamPieces>& out) {
  struct Last {
    const Sighting* sighting;
    const StreamFact* fact;
  };
  std::map<std::pair<std::u16string_view, std::uint64_t>, Last> last;  // by name and start VCN: a hostile log has very many
  for (const std::uint32_t index : mine) {
    const Sighting& sighting = all[index];
    if (sighting.source != SourceKind::log_file) continue;
    for (const StreamFact& fact : sighting.streams) {
      if (fact.type != data_type) continue;
      const std::u16string_view name = sighting.name(fact);
      if (fact.resident) last.erase(last.lower_bound({name, 0}), last.upper_bound({name, std::numeric_limits<std::uint64_t>::max()}));
      last.insert_or_assign({name, fact.resident ? 0 : fact.start_vcn}, Last{&sighting, &fact});
    }
  }
  for (const auto& [key, l] : last) {
    if (out.empty() || out.back().name != key.first) out.push_back({.name = std::u16string(key.first)});
    StreamPieces& stream = out.back();
    take_piece(*l.sighting, *l.fact, stream);
    // The number that is quoted: of the volume's own log, where an extent stands in it.
    const bool other = l.sighting->other_lsn != 0;
    const std::uint64_t lsn = other ? l.sighting->other_lsn : l.sighting->lsn;
    if (!stream.logged || (stream.other_log && !other))
      stream.lsn = lsn, stream.other_log = other;
    else if (stream.other_log == other)
      stream.lsn = std::max(stream.lsn, lsn);
    stream.logged = true;
  }
}

// The youngest of the records that were carved, for what is not known better. $LogFile tells no bytes of a small file, a record does.
void join_carved(std::span<const Sighting> all, std::span<const std::uint32_t> mine, std::vector<StreamPieces>& out) {
  const Sighting* youngest = nullptr;
  for (const std::uint32_t index : mine) {
    const Sighting& sighting = all[index];
    if (sighting.source != SourceKind::free_space || !sighting.has_record || sighting.base_is_elsewhere) continue;
    if (youngest == nullptr || sighting.lsn > youngest->lsn) youngest = &sighting;
  }
  if (youngest == nullptr) return;
  const std::size_t known = out.size();
  for (const StreamFact& fact : youngest->streams) {
    if (fact.type != data_type) continue;
    const auto name = youngest->name(fact);
    const auto begin = out.begin(), end = out.begin() + static_cast<std::ptrdiff_t>(known);
    if (const auto stated = std::find_if(begin, end, [&](const StreamPieces& s) { return s.name == name; }); stated != end) {
      if (!stated->resident || !fact.resident || stated->size != fact.size) continue;
      *stated = StreamPieces{.name = std::u16string(name)};
    }
    StreamPieces& stream = pieces_of(out, name);
    take_piece(*youngest, fact, stream);
    stream.carved = youngest->place;
  }
}

}  // namespace

std::vector<StreamPieces> join_streams(std::span<const Sighting> all, std::span<const std::uint32_t> mine) {
  std::vector<StreamPieces> out;
  bool record_left = false;
  for (const std::uint32_t index : mine) {
    const Sighting& sighting = all[index];
    if (sighting.source != SourceKind::mft) continue;
    record_left = true;
    for (const StreamFact& fact : sighting.streams)
      if (fact.type == data_type) take_piece(sighting, fact, pieces_of(out, sighting.name(fact)));
  }
  if (!record_left) {
    join_logged(all, mine, out);
    join_carved(all, mine, out);
  }
  for (StreamPieces& stream : out) std::ranges::stable_sort(stream.runs, {}, &RunFact::vcn);
  std::ranges::stable_sort(out, {}, [](const StreamPieces& s) { return s.name.empty() ? 0 : 1; });
  return out;
}

StreamReport judge_stream(const ContentContext& context, const FileFacts& file, const StreamPieces& stream) {
  StreamReport report;
  report.name = stream.name;
  report.resident = stream.resident;
  report.compressed = stream.compressed;
  report.encrypted = stream.encrypted;
  report.size = stream.size;
  report.valid_size = stream.valid_size;
  if (stream.resident) {
    judge_resident(context, stream, report);
  } else if (context.volume == nullptr || context.volume->from_artefact() || context.volume->cluster_size() == 0) {
    report.why = "its clusters are not in this evidence";
    for (const RunFact& run : stream.runs)
      report.runs.push_back(
          {run.vcn, run.lcn, run.clusters, run.lcn < 0 ? RunState::sparse : RunState::unreadable, "not in this evidence"});
  } else if (file.live && to_read(stream, context.volume->cluster_size()) > largest_live_read) {
    report.why = fmt::format("live; not read, being larger than {} MiB", largest_live_read >> 20);
  } else {
    judge_runs(context, file, stream, report);
  }
  if (stream.logged && !stream.resident)
    report.why +=
        fmt::format("; its run list stands in {} (LSN {})", stream.other_log ? "carved pages of a $LogFile" : "$LogFile", stream.lsn);
  if (stream.carved && !stream.resident)
    report.why += fmt::format("; its run list stands in a FILE record carved at {} of the volume", stream.carved->offset);
  if (report.state == ContentState::recovered && stream.integrity != Integrity::good)
    report.why += fmt::format("; its {} is {}", stream.logged ? "log record" : "record", to_string(stream.integrity));
  return report;
}

namespace {

// Bytes of record slack as a source that lies where they do; null when they cannot be read or are zero.
SourcePtr slack_bytes(const ntfs::Volume& volume, const Place& place) {
  std::vector<std::byte> record(volume.record_size());
  if (!volume.read_record(place.offset / volume.record_size(), record)) return nullptr;
  const auto bytes = slice(record, place.offset % volume.record_size(), place.length);
  if (!bytes || all_zero(*bytes)) return nullptr;
  return ntfs::make_buffer({bytes->begin(), bytes->end()}, volume.mft(), place.offset);
}

}  // namespace

void add_fragments(const ntfs::Volume* volume, const LogContent& log, std::span<const Sighting> all, std::span<const std::uint32_t> mine,
                   bool renamed, std::vector<StreamReport>& streams) {
  const auto add = [&](const Place& place, std::uint64_t file_offset, bool offset_inferred) {
    if (streams.empty() || !streams.front().name.empty()) streams.emplace(streams.begin());  // it is the unnamed stream's text
    StreamReport& stream = streams.front();
    if (stream.state == ContentState::recovered) return;  // it says nothing that the content itself does not
    const bool logged = place.stream == StreamKind::log_file || place.stream == StreamKind::carved_log;
    const SourcePtr source = logged ? (log ? log(place) : nullptr) : volume != nullptr ? slack_bytes(*volume, place) : nullptr;
    if (source == nullptr || stream.parts.size() >= most_parts) return;
    RecoveredPart part;
    part.file_offset = file_offset;
    part.length = place.length;
    part.bytes = source;
    part.offset_inferred = offset_inferred;
    part.source = logged ? "log_file" : "record_slack";
    part.ranges = source->locate(0, part.length);
    if (auto hash = sha256_of(*source)) part.sha256 = *hash;
    // The log repeats what it holds.
    if (logged && std::ranges::any_of(stream.parts, [&](const RecoveredPart& p) {
          return p.file_offset == part.file_offset && p.length == part.length && p.sha256 == part.sha256;
        }))
      return;
    stream.parts.push_back(std::move(part));
    if (!stream.why.empty()) stream.why += "; ";
    stream.why += fmt::format("{} bytes of an earlier state in {}", place.length, logged ? "$LogFile" : "record slack");
    if (renamed && !logged) stream.why += ", whose place in the file is not sure: it was renamed since";
    stream.state = ContentState::partial;
  };
  for (const std::uint32_t index : mine) {
    const Sighting& sighting = all[index];
    if (sighting.source == SourceKind::free_space) continue;
    for (const FragmentFact& fragment : sighting.fragments) add(fragment.place, fragment.file_offset, fragment.offset_inferred);
    if (sighting.source != SourceKind::log_file) continue;
    for (const StreamFact& fact : sighting.streams)  // a small file's text, whole
      if (fact.type == data_type && fact.length == 0 && fact.resident && fact.content.length != 0) add(fact.content, 0, false);
  }
}

}  // namespace trimcarve::history
