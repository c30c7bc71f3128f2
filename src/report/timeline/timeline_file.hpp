// Timelines as people and programs take them.
//
//   csv     Timesketch and spreadsheets: a header, one row per file and time, sorted by time
//   jsonl   Timesketch and pipelines: the same, one object a line, names exact
//   body    Sleuth Kit's body file 3.x for mactime and plaso: one line per file and set of four times, in the order of the evidence
//   sqlite  one table `timeline` with indexes, sorted by time
//
// What each field means is in trimcarve-formats(5). All text that comes from the evidence is escaped for its format.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"
#include "trimcarve/timeline.hpp"

namespace trimcarve::report {

enum class TimelineFormat : std::uint8_t { csv, jsonl, body, sqlite };
// By name ("csv"), or by a file's ending (".csv", ".jsonl", ".body", ".sqlite", ".db"); nothing when it is none of them.
std::optional<TimelineFormat> timeline_format(std::string_view name);
std::optional<TimelineFormat> timeline_format_of_file(std::string_view path);

// How a body file is written: plain takes what plaso reads (fractions of seconds, `\|`, 64-bit file references as inodes); sleuthkit what
// mactime and older tools read without loss of meaning (whole seconds, `%7C`, inodes as fls has them).
enum class BodyStyle : std::uint8_t { plain, sleuthkit };

// csv, jsonl and body into a sink: add entries, then finish.
class TimelineText {
 public:
  TimelineText(TimelineFormat format, Sink sink, BodyStyle style = BodyStyle::plain);
  ~TimelineText();
  void add(const TimelineEntry& entry);
  void finish(const std::atomic<bool>* cancel = nullptr);
  std::uint64_t rows() const noexcept;  // lines written, without the header

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// sqlite into the empty file at `path`, which must be there; errors name `shown`.
class TimelineDatabase {
 public:
  TimelineDatabase(const std::string& path, std::string shown);
  ~TimelineDatabase();
  void add(const TimelineEntry& entry);
  void finish(const std::atomic<bool>* cancel = nullptr);
  std::uint64_t rows() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The entries of an examination: what its targets' files, their deletions and its witnesses have of times, and the targets' stories.
void tell_examination(const Examination& examination, const TimelineSink& sink);

}  // namespace trimcarve::report
