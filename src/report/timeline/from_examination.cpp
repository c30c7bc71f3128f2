// What an examination has of times, as a timeline's entries: each of its sightings once, the deletions of its files, and the stories.
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "report/timeline/timeline_file.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

class Teller {
 public:
  Teller(const Examination& examination, const TimelineSink& sink) : x_(examination), sink_(sink), told_(x_.sightings.size()) {}

  void tell() {
    for (const FileReport& file : x_.files) {
      for (const std::uint32_t n : file.sightings)
        if (n < x_.sightings.size() && std::exchange(told_[n], 1) == 0) tell_sighting(x_.sightings[n], &file);
      if (file.deleted) tell_deletion(file);
    }
    for (std::size_t n = 0; n < x_.sightings.size(); ++n)
      if (told_[n] == 0) tell_sighting(x_.sightings[n], nullptr);
    for (const TargetReport& target : x_.targets)
      for (const StoryStep& step : target.story) tell_step(target, step);
  }

 private:
  void begin(EntryKind kind, std::uint32_t volume) {
    entry_ = {};
    entry_.kind = kind;
    entry_.volume = volume;
  }

  // `path` is the whole of it, with the name at its end.
  void set_path(std::u16string_view path, bool known) {
    const auto slash = path.rfind(u'\\');
    directory_ = slash == std::u16string_view::npos ? "" : to_utf8(path.substr(0, slash));
    const std::u16string_view name = path.substr(slash == std::u16string_view::npos ? 0 : slash + 1);
    name_ = to_utf8(name);
    hex_ = well_formed(name) ? "" : to_hex_units(name);
    entry_.directory = directory_;
    entry_.file_name = name_;
    entry_.file_name_hex = hex_;
    entry_.path_known = known;
  }

  // The path that ends with the name the sighting states, when the file had one; else its last.
  void set_path(const FileReport* file, const Sighting& sighting, const NameFact* name) {
    entry_.name = name;
    if (file == nullptr) {
      set_path(name == nullptr ? u"\u2026\\" : u"\u2026\\" + std::u16string(sighting.name(*name)), false);
      return;
    }
    if (name != nullptr)
      for (const PathReport& path : file->paths) {
        const std::u16string_view text = path.path, last = sighting.name(*name);
        if (text.size() > last.size() && text.ends_with(last) && text[text.size() - last.size() - 1] == u'\\')
          return set_path(text, !text.starts_with(u'\u2026'));
      }
    set_path(file->path, file->path_known);
  }

  void tell_sighting(const Sighting& sighting, const FileReport* file) {
    if (sighting.statement != nullptr) {
      if (sighting.statement->time == no_time) return;
      begin(EntryKind::statement, sighting.volume);
      take(sighting, file);
      if (sighting.place.owner < x_.witnesses.size()) {
        const WitnessInfo& witness = x_.witnesses[sighting.place.owner];
        const auto slash = witness.path.rfind(witness.volume ? '\\' : '/');
        entry_.volume = witness.volume.value_or(no_volume);
        entry_.directory = std::string_view(witness.path).substr(0, slash == std::string::npos ? 0 : slash);
        entry_.file_name = std::string_view(witness.path).substr(slash == std::string::npos ? 0 : slash + 1);
        entry_.reference_known = witness.reference.has_value();
        entry_.reference = witness.reference.value_or(FileReference{});
        entry_.deleted = witness.state == "deleted";
      }
      entry_.time = sighting.statement->time;
      sink_(entry_);
      return;
    }
    begin(EntryKind::journal, sighting.volume);
    take(sighting, file);
    const NameFact* first = sighting.names.empty() ? nullptr : &sighting.names.front();
    if (sighting.has_usn) {
      entry_.time = sighting.usn.time;
      set_path(file, sighting, first);
      sink_(entry_);
      return;
    }
    if (sighting.has_standard_information) {
      entry_.kind = EntryKind::standard_information;
      entry_.times = sighting.standard_information;
      set_path(file, sighting, first);
      sink_(entry_);
    }
    for (const NameFact& name : sighting.names) {
      if (!name.has_times) continue;
      entry_.kind = EntryKind::file_name;
      entry_.times = name.times;
      set_path(file, sighting, &name);
      sink_(entry_);
    }
  }

  void take(const Sighting& sighting, const FileReport* file) {
    entry_.sighting = &sighting;
    entry_.reference_known = sighting.reference_known;
    entry_.reference = sighting.reference;
    if (!sighting.ranges.empty()) entry_.range = sighting.ranges.front();
    if (file == nullptr) {
      entry_.deleted = sighting.has_record && !sighting.in_use;
      entry_.is_directory = sighting.directory;
    } else {
      take(*file);
    }
  }

  void take(const FileReport& file) {
    entry_.deleted = file.state == FileState::deleted;
    entry_.is_directory = file.directory;
    for (const std::string& flag : file.flags) entry_.reused = entry_.reused || flag == "record_reused";
  }

  void tell_deletion(const FileReport& file) {
    const Bounds& bounds = file.deleted->bounds;
    const auto tell = [&](const std::optional<FileTime>& from, const std::optional<FileTime>& until, std::string basis) {
      begin(EntryKind::deletion, file.volume);
      entry_.reference_known = file.reference_known;
      entry_.reference = file.reference;
      take(file);
      set_path(file.path, file.path_known);
      entry_.time = from.value_or(no_time);
      entry_.until = until.value_or(no_time);
      entry_.detail = basis;
      sink_(entry_);
    };
    if (bounds.earliest && bounds.latest && *bounds.earliest == *bounds.latest)
      tell(bounds.earliest, bounds.latest, bounds.earliest_basis);
    else {
      if (bounds.earliest) tell(bounds.earliest, std::nullopt, bounds.earliest_basis);
      if (bounds.latest) tell(std::nullopt, bounds.latest, bounds.latest_basis);
    }
  }

  void tell_step(const TargetReport& target, const StoryStep& step) {
    begin(EntryKind::step, no_volume);
    detail_ = fmt::format("{}: {} ({})", target.target, step.text, to_string(step.grade));
    entry_.detail = detail_;
    entry_.time = step.earliest.value_or(no_time);
    if (step.latest && step.latest != step.earliest) entry_.until = *step.latest;
    sink_(entry_);
  }

  const Examination& x_;
  const TimelineSink& sink_;
  std::vector<char> told_;
  TimelineEntry entry_;
  std::string directory_, name_, hex_, detail_;
};

}  // namespace

void tell_examination(const Examination& examination, const TimelineSink& sink) { Teller(examination, sink).tell(); }

}  // namespace trimcarve::report
