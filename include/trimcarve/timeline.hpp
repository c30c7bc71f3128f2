// Everything with a time that a volume states, in the order of its streams: what a timeline is made of.
//
// An entry is one statement: four times of a $STANDARD_INFORMATION or a $FILE_NAME, a record of the change journal, a FILE record freed in
// $LogFile, or what a witness (a log, a hive) says. Nothing is left out by its date. What one record states twice is one entry: an 8.3 name
// beside a longer one with the same times, a live index entry whose times its file's own record has too, and in $LogFile the same times of
// the same file again.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "trimcarve/examine.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve {

enum class EntryKind : std::uint8_t {
  standard_information,  // `times`: of `sighting`
  file_name,             // `times`: of `name`
  journal,               // `sighting->usn`
  log_deletion,          // a FILE record freed: `time`, and `until` where a time behind it is known
  statement,             // `sighting->statement`, at its time
  deletion,              // when a file was deleted: `time` to `until`, by `detail`
  step,                  // a step of a target's story: `time` to `until`, told by `detail`
};

struct TimelineEntry {
  EntryKind kind = EntryKind::standard_information;
  // What states it. Null only for `step` and `deletion`, where no single one does.
  const Sighting* sighting = nullptr;
  const NameFact* name = nullptr;  // the name that `path` ends with, when the sighting states it
  std::uint32_t volume = 0;        // no_volume: of a file the examiner gave
  bool reference_known = false;
  FileReference reference;
  // The path at that time, UTF-8 as to_utf8 makes it: `directory` (without a backslash at its end, so empty for the root), a backslash, and
  // `file_name`. A directory that is not wholly known begins with "…". For the root itself both are empty.
  std::string_view directory, file_name;
  bool path_known = true;
  bool link = false;     // standard_information: said before under another name of the same file (a hard link)
  bool deleted = false;  // the file is, at the end of the evidence
  bool reused = false;   // and its record is another file's now
  bool is_directory = false;
  TimeSet times;  // no_time: not stated, or said before
  FileTime time, until;
  std::string_view detail;         // UTF-8; see EntryKind
  std::string_view file_name_hex;  // the units of the name in hex when they are no well-formed UTF-16, else empty
  Range range;                     // where the statement lies in the evidence: the first of its ranges; length 0: nowhere by itself
};

// The entry and all it points to are valid during the call.
using TimelineSink = std::function<void(const TimelineEntry&)>;

// Reads the evidence that `request` names (targets play no part) and hands every entry to `sink`. The result has the sources, volumes,
// coverage, witnesses and warnings, and no files. Errors and threads as examine().
Examination timeline(const Request& request, const TimelineSink& sink, const Progress& progress = {});

}  // namespace trimcarve
