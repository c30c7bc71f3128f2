#include "findings/runs.hpp"

#include <algorithm>
#include <map>

#include "findings/settings.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::findings {

namespace {

constexpr std::uint64_t most_read = std::uint64_t{4} << 20;  // settings and status files are a few kilobytes

// What came back of the unnamed stream, parts in order of their place; empty when nothing did.
std::string content_of(const FileReport& file) {
  std::string out;
  for (const StreamReport& stream : file.streams) {
    if (!stream.name.empty()) continue;
    for (const RecoveredPart& part : stream.parts) {
      if (part.bytes == nullptr || part.length > most_read || out.size() > most_read) continue;
      std::string piece(static_cast<std::size_t>(part.length), '\0');
      if (part.bytes->read_at(0, std::as_writable_bytes(std::span(piece)))) out += piece;
    }
  }
  return out;
}

ScriptReport script(const FileReport& file) {
  ScriptReport out;
  out.path = to_utf8(file.path);
  if (!file.streams.empty()) {
    out.state = file.streams.front().state;
    out.sha256 = file.streams.front().sha256;
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

// Without the settings nothing says which of the files were downloaded: those that can be run are taken for scripts.
bool runnable(const std::string& name) {
  static constexpr std::string_view endings[] = {".ps1", ".psm1", ".cmd", ".bat", ".vbs", ".js", ".wsf", ".py", ".sh", ".exe", ".msi"};
  const std::string folded = lower(name);
  return std::ranges::any_of(endings, [&](std::string_view ending) { return folded.ends_with(ending); });
}

void take(std::vector<std::uint32_t>& into, const FileReport& file) {
  for (const std::uint32_t n : file.sightings)
    if (std::ranges::find(into, n) == into.end()) into.push_back(n);
}

struct Work {
  RunRecord run;
  std::optional<FileTime> started;
  bool has_settings = false;
};

}  // namespace

std::optional<Stated> created(const FileReport& file, const Examination& examination) {
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    if (s.has_usn && (s.usn.reason & usn_reason::file_create) != 0 && s.usn.time != no_time) return Stated{s.usn.time, "usn_create", n};
  }
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    if (s.has_standard_information) return Stated{s.standard_information.created, "record_created", n};
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
    if (s.has_standard_information) return Stated{s.standard_information.modified, "record_modified", n};
  }
  for (const std::uint32_t n : file.sightings)
    for (const NameFact& fact : examination.sightings[n].names)
      if (fact.has_times && fact.times.modified != no_time) return Stated{fact.times.modified, "name_modified", n};
  return std::nullopt;
}

std::vector<RunRecord> find_runs(std::span<const PlacedFile> files, const Examination& examination) {
  std::map<std::pair<std::size_t, std::string>, Work> runs;  // by version folder and sequence
  const auto run_of = [&](const PlacedFile& f) -> Work& {
    Work& work = runs[{f.instance, f.placed.sequence}];
    work.run.volume = f.file->volume;
    work.run.sequence = f.placed.sequence;
    work.run.version = f.placed.version;
    return work;
  };

  for (const PlacedFile& f : files) {
    if (f.placed.area == Area::settings) {
      Work& work = run_of(f);
      work.has_settings = true;
      if (const auto time = created(*f.file, examination)) {
        work.started = work.run.started = time->time;
        work.run.started_basis = std::string("settings_") + time->basis;
      }
      take(work.run.sightings, *f.file);
      if (const std::string text = content_of(*f.file); !text.empty())
        if (const auto settings = read_settings(text)) {
          work.run.command = settings->command;
          work.run.file_uris = settings->file_uris;
          if (settings->whole || settings->has_protected) work.run.protected_settings = settings->has_protected;
          work.run.certificate_thumbprint = settings->thumbprint;
        }
    }
    if (f.placed.area == Area::status) {
      Work& work = run_of(f);
      if (const auto time = written(*f.file, examination)) {
        work.run.finished = time->time;
        work.run.finished_basis = std::string("status_") + time->basis;
      }
      take(work.run.sightings, *f.file);
      if (const std::string text = content_of(*f.file); !text.empty())
        if (const auto status = read_status(text)) {
          work.run.status = status->status;
          work.run.exit_code = status->exit_code;
          work.run.output = status->output;
          work.run.error_output = status->error_output;
          if (const auto time = from_iso8601(status->time); time && status->whole) {
            work.run.finished = *time;
            work.run.finished_basis = "status_timestamp";
          }
        }
    }
  }

  // Downloads\<n> need not be the sequence: a file belongs to the last request made before it was created, in the same version folder.
  for (const PlacedFile& f : files) {
    if (f.placed.area != Area::download) continue;
    Work* owner = nullptr;
    const auto time = created(*f.file, examination);
    for (auto& [key, work] : runs) {
      if (key.first != f.instance) continue;
      if (owner == nullptr) {
        owner = &work;
        continue;
      }
      if (!time || !work.started || *work.started > time->time) continue;
      const bool better = !owner->started || *work.started > *owner->started || *owner->started > time->time;
      if (better) owner = &work;
    }
    if (owner == nullptr) {
      // No settings and no status came back: the download folder itself is the trace of a run.
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
    take(run.sightings, *f.file);
    ScriptReport report = script(*f.file);
    const std::string name = to_utf8(f.file->name);
    for (const std::string& uri : run.file_uris)
      report.named_in_settings = report.named_in_settings || lower(file_name_of_uri(uri)) == lower(name);
    report.named_in_settings =
        report.named_in_settings || (!run.command.empty() && lower(run.command).find(lower(name)) != std::string::npos);
    const bool is_script = run.file_uris.empty() ? report.named_in_settings || runnable(name) : report.named_in_settings;
    (is_script ? run.scripts : run.made).push_back(std::move(report));
  }

  std::vector<RunRecord> out;
  for (auto& [key, work] : runs) out.push_back(std::move(work.run));
  std::ranges::stable_sort(out, [](const RunRecord& a, const RunRecord& b) {
    const auto time = [](const RunRecord& r) { return r.started ? r.started : r.finished; };
    return time(a).value_or(no_time) < time(b).value_or(no_time);
  });
  return out;
}

}  // namespace trimcarve::findings
