// What the parts of report.html share: escaping, times, chips, and the page they are written to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/json_writer.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

// Text out of the evidence as HTML text or as the value of a quoted attribute. Controls and bidirectional marks become \xNN and \uXXXX.
std::string html_text(std::string_view utf8);
// Line breaks and tabs kept, other controls as above: not escaped, as a script may show it as text.
std::string visible_lines(std::string_view utf8);
// The same escaped, for <pre>.
std::string html_lines(std::string_view utf8);

// What it contains is safe inside <script type="application/json">: every `<` is written as \u003c.
Sink json_in_html(const Sink& sink);

std::string html_time(FileTime time);  // <time>, the fraction of the second in small
std::string html_interval(const std::optional<FileTime>& first, const std::optional<FileTime>& last);
std::string html_grade(Grade grade);                                              // a chip
std::string html_state(std::string_view state);                                   // of content or a file: a chip
std::string html_field(std::string_view label, const std::string& value_markup);  // <dt>, <dd>; nothing when the value is empty

// Writes markup in large pieces.
class Page {
 public:
  Page(const Examination& examination, const Sink& sink) : x(examination), sink_(sink) {}
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  void put(std::string_view markup);
  void flush();
  const Sink& sink();  // for what writes by itself; flushes before

  const Examination& x;

 private:
  const Sink& sink_;
  std::string buffer_;
};

// Bytes of the evidence, as far as they can be read at once; empty when they cannot.
std::string cited_bytes(const Examination& examination, const std::vector<Range>& ranges, std::size_t most);
std::string base64(std::string_view bytes);
// UTF-8 of text in UTF-8 or UTF-16 (with its mark); nothing when the bytes are no text.
std::optional<std::string> as_text(std::string_view bytes);

// The text of a recovered part, at most so many bytes of it; nothing when it is no text or cannot be read.
std::optional<std::string> text_of(const RecoveredPart& part, std::size_t most);
std::string html_path(const FileReport& file);

// The parts of the page, in its order.
void put_verdicts(Page& page);
void put_stories(Page& page);
void put_timeline(Page& page, const TargetReport& target);
void put_runs(Page& page);
void put_trim_map(Page& page);
void put_files(Page& page);
void put_findings(Page& page);
void put_coverage(Page& page);
void put_inputs(Page& page, const std::vector<std::string>& command);
// The data behind files and sightings, for the script.
void put_file_data(Page& page);
void put_sighting_data(Page& page);

}  // namespace trimcarve::report
