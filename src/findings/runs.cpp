#include "findings/runs.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "findings/ascii.hpp"
#include "findings/heard_runs.hpp"
#include "findings/settings.hpp"
#include "findings/words.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::uint64_t most_read = std::uint64_t{4} << 20;  // settings and status files are a few kilobytes

// What came back of the unnamed stream, parts in order of their place; empty when nothing did. Where something is missing between two parts
// stand zeros, so that no text is read across the gap: two, which UTF-16 reads as one.
std::string content_of(const FileReport& file) {
  std::string out;
  std::uint64_t next = 0;
  for (const StreamReport& stream : file.streams) {
    if (!stream.name.empty()) continue;
    for (const RecoveredPart& part : stream.parts) {
      if (part.bytes == nullptr || part.length > most_read || out.size() > most_read) continue;
      std::string piece(static_cast<std::size_t>(part.length), '\0');
      if (!part.bytes->read_at(0, std::as_writable_bytes(std::span(piece)))) continue;
      if (!out.empty() && (part.offset_inferred || part.file_offset != next)) out.append(2, '\0');
      out += piece;
      next = part.offset_inferred ? ~std::uint64_t{0} : part.file_offset + part.length;
    }
  }
  return out;
}

ScriptReport script(const FileReport& file) {
  ScriptReport out;
  out.path = to_utf8(file.path);
  if (!file.streams.empty() && file.streams.front().name.empty()) {
    out.state = file.streams.front().state;
    out.sha256 = file.streams.front().sha256;
  }
  return out;
}

struct Work {
  RunRecord run;
  std::optional<std::pair<bool, FileTime>> settings;  // those that were taken: are they whole, when were they made
  std::optional<FileTime> status, last_status;        // the one whose content was taken; the last of all
  std::unordered_set<std::uint32_t> taken;

  void take(const FileReport& file) {
    for (const std::uint32_t n : file.sightings)
      if (taken.insert(n).second) run.sightings.push_back(n);
  }
  // Could a file of that time have been made for this request?
  bool can_own(FileTime time) const {
    if (run.started) return *run.started <= time;
    return run.finished && time <= *run.finished;
  }
};

}  // namespace

std::optional<Stated> created(const FileReport& file, const Examination& examination) {
  std::optional<Stated> first;  // the reasons of a file add up until it is closed: later records say it too
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    if (s.has_usn && (s.usn.reason & usn_reason::file_create) != 0 && s.usn.time != no_time && (!first || s.usn.time < first->time))
      first = Stated{s.usn.time, "usn_create", n};
  }
  if (first) return first;
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    if (s.has_standard_information && s.standard_information.created != no_time)
      return Stated{s.standard_information.created, "record_created", n};
  }
  for (const std::uint32_t n : file.sightings)
    for (const NameFact& fact : examination.sightings[n].names)
      if (fact.has_times && fact.times.created != no_time) return Stated{fact.times.created, "name_created", n};
  return std::nullopt;
}

std::optional<Stated> written(const FileReport& file, const Examination& examination) {
  constexpr std::uint32_t writes = usn_reason::data_overwrite | usn_reason::data_extend | usn_reason::data_truncation;
  std::optional<Stated> last;
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    if (s.has_usn && (s.usn.reason & writes) != 0 && (s.usn.reason & usn_reason::file_delete) == 0 && s.usn.time != no_time &&
        (!last || s.usn.time > last->time))
      last = Stated{s.usn.time, "usn_write", n};
  }
  if (last) return last;
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    if (s.source != SourceKind::log_file && s.has_standard_information && s.standard_information.modified != no_time)
      return Stated{s.standard_information.modified, "record_modified", n};
  }
  // $LogFile states each time as it was at that record, from the creation on: the last counts.
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    if (s.source != SourceKind::log_file) continue;
    const auto see = [&](FileTime modified, const char* basis) {
      if (modified != no_time && (!last || modified > last->time)) last = Stated{modified, basis, n};
    };
    if (s.has_standard_information) see(s.standard_information.modified, "record_modified");
    for (const NameFact& fact : s.names)
      if (fact.has_times) see(fact.times.modified, "name_modified");
  }
  if (last) return last;
  for (const std::uint32_t n : file.sightings)
    for (const NameFact& fact : examination.sightings[n].names)
      if (fact.has_times && fact.times.modified != no_time) return Stated{fact.times.modified, "name_modified", n};
  return std::nullopt;
}

namespace {

// A request may have left several files of one name (rewritten, or put in place of an earlier one): it began with the first; of their
// contents one is taken, never parts of two.
void take_settings(const FileReport& file, const Examination& examination, Work& work) {
  const auto time = created(file, examination);
  if (time && (!work.run.started || time->time < *work.run.started)) {
    work.run.started = time->time;
    work.run.started_basis = std::string("settings_") + time->basis;
  }
  const std::string text = content_of(file);
  const auto settings = text.empty() ? std::nullopt : read_settings(text);
  if (!settings) return;
  const std::pair rank{settings->whole, time ? time->time : no_time};
  if (work.settings && rank < *work.settings) return;
  work.settings = rank;
  work.run.command = settings->command;
  work.run.command_cut = settings->command_cut;
  work.run.file_uris = settings->file_uris;
  work.run.protected_settings.reset();
  if (settings->whole || settings->has_protected) work.run.protected_settings = settings->has_protected;
  work.run.certificate_thumbprint = settings->thumbprint;
  work.run.sealed.reset();
  if (!settings->sealed.empty()) work.run.sealed = SealedSettings{.envelope = settings->sealed};
}

// The last status tells the outcome and the end; one that says the run goes on tells no end.
void take_status(const FileReport& file, const Examination& examination, Work& work) {
  auto time = written(file, examination);
  std::string basis = time ? std::string("status_") + time->basis : std::string();
  std::optional<FileTime> at = time ? std::optional(time->time) : std::nullopt;
  const std::string text = content_of(file);
  const auto status = text.empty() ? std::nullopt : read_status(text);
  if (status && status->whole)
    if (const auto stamp = from_iso8601(status->time)) at = stamp, basis = "status_timestamp";
  if (status && (!work.status || at.value_or(no_time) >= *work.status)) {
    work.status = at.value_or(no_time);
    work.run.status = status->status;
    work.run.exit_code = status->exit_code;
    work.run.output = status->output;
    work.run.error_output = status->error_output;
  }
  if (!at || (work.last_status && *at < *work.last_status)) return;
  work.last_status = at;
  if (status && lower_ascii(status->status) == "transitioning")
    work.run.finished.reset(), work.run.finished_basis.clear();
  else
    work.run.finished = at, work.run.finished_basis = std::move(basis);
}

// Of two requests that can have made a file: the later begun; of those of which only the end is known, the earlier ended.
bool nearer(const RunRecord& a, const RunRecord& b) {
  if (a.started && b.started) return *a.started > *b.started;
  if (a.started || b.started) return a.started.has_value();
  return a.finished && b.finished && *a.finished < *b.finished;
}

}  // namespace

std::vector<RunRecord> find_runs(std::span<const PlacedFile> files, const Examination& examination) {
  std::map<std::pair<std::size_t, std::string>, Work> runs;  // by version folder and request
  const auto run_of = [&](const PlacedFile& f) -> Work& {
    const std::string sequence = f.placed.request.empty() ? f.placed.sequence : f.placed.request + "." + f.placed.sequence;
    Work& work = runs[{f.instance, lower_ascii(sequence)}];
    work.run.volume = f.file->volume;
    work.run.sequence = sequence;
    work.run.version = f.placed.version;
    work.take(*f.file);
    return work;
  };
  for (const PlacedFile& f : files) {
    if (f.placed.area == Area::settings) take_settings(*f.file, examination, run_of(f));
    if (f.placed.area == Area::status) take_status(*f.file, examination, run_of(f));
  }

  // Downloads\<n> need not be the sequence: a file belongs to the last request made before it was created, in the same version folder. One
  // that no request can have made (older than all, as what an archive brings; or of no known time) goes with its download folder.
  std::vector<Work*> owners(files.size(), nullptr);
  std::map<std::pair<std::size_t, std::string>, Work*> by_folder;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const PlacedFile& f = files[i];
    if (f.placed.area != Area::download) continue;
    const auto time = created(*f.file, examination);
    if (!time) continue;
    for (auto it = runs.lower_bound({f.instance, ""}); it != runs.end() && it->first.first == f.instance; ++it) {
      Work& work = it->second;
      if (!work.can_own(time->time)) continue;
      if (owners[i] == nullptr || nearer(work.run, owners[i]->run)) owners[i] = &work;
    }
    if (owners[i] != nullptr) by_folder.try_emplace({f.instance, f.placed.download}, owners[i]);
  }
  const auto only_run = [&](std::size_t instance) -> Work* {
    const auto first = runs.lower_bound({instance, ""});
    if (first == runs.end() || first->first.first != instance) return nullptr;
    const auto second = std::next(first);
    return second == runs.end() || second->first.first != instance ? &first->second : nullptr;
  };
  std::map<std::size_t, Work*> only;  // before runs without settings are added
  for (const PlacedFile& f : files)
    if (f.placed.area == Area::download) only.try_emplace(f.instance, only_run(f.instance));

  for (std::size_t i = 0; i < files.size(); ++i) {
    const PlacedFile& f = files[i];
    if (f.placed.area != Area::download) continue;
    const auto time = created(*f.file, examination);
    Work* owner = owners[i];
    if (owner == nullptr)
      if (const auto found = by_folder.find({f.instance, f.placed.download}); found != by_folder.end()) owner = found->second;
    if (Work* single = only.at(f.instance);
        owner == nullptr && single != nullptr && (!time || (!single->run.started && !single->run.finished)))
      owner = single;
    if (owner == nullptr) {
      // No settings and no status of it came back: the download folder itself is the trace of a run.
      Work& work = runs[{f.instance, "?" + f.placed.download}];
      work.run.volume = f.file->volume;
      work.run.version = f.placed.version;
      owner = &work;
      if (time && (!work.run.started || time->time < *work.run.started)) {
        work.run.started = time->time;
        work.run.started_basis = std::string("download_") + time->basis;
      }
    }
    RunRecord& run = owner->run;
    owner->take(*f.file);
    ScriptReport report = script(*f.file);
    const std::string name = to_utf8(f.file->name);
    for (const std::string& uri : run.file_uris) {
      const std::string last = lower_ascii(file_name_of_uri(uri));
      report.named_in_settings =
          report.named_in_settings || last == lower_ascii(name) || lower_ascii(percent_decoded(last)) == lower_ascii(name);
    }
    report.named_in_settings = report.named_in_settings || stands_in(lower_ascii(run.command), lower_ascii(name));
    // Without the settings nothing says which of the files were downloaded: those that can be run are taken for scripts.
    const bool is_script = run.file_uris.empty() ? report.named_in_settings || runnable(lower_ascii(name)) : report.named_in_settings;
    (is_script ? run.scripts : run.made).push_back(std::move(report));
  }

  std::vector<RunRecord> out;
  for (auto& [key, work] : runs) out.push_back(std::move(work.run));
  sort_runs(out);
  return out;
}

}  // namespace trimcarve::findings
