#include "report/timeline/timeline_file.hpp"

#include <array>
#include <utility>

#include "report/timeline/body.hpp"
#include "report/timeline/rows_text.hpp"
#include "report/timeline/sorter.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t buffer_size = std::size_t{1} << 18;
constexpr std::array names{
    std::pair{std::string_view("csv"), TimelineFormat::csv}, std::pair{std::string_view("jsonl"), TimelineFormat::jsonl},
    std::pair{std::string_view("body"), TimelineFormat::body}, std::pair{std::string_view("sqlite"), TimelineFormat::sqlite}};

}  // namespace

std::optional<TimelineFormat> timeline_format(std::string_view name) {
  for (const auto& [known, format] : names)
    if (known == name) return format;
  return std::nullopt;
}

std::optional<TimelineFormat> timeline_format_of_file(std::string_view path) {
  const auto dot = path.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view ending = path.substr(dot + 1);
  return ending == "db" ? TimelineFormat::sqlite : timeline_format(ending);
}

struct TimelineText::State {
  TimelineFormat format;
  Sink sink;
  BodyStyle style;
  RowSorter sorter;
  std::string out;
  std::uint64_t lines = 0;

  void flush() {
    if (!out.empty()) sink(out);
    out.clear();
  }
  void flush_when_full() {
    if (out.size() >= buffer_size) flush();
  }
};

TimelineText::TimelineText(TimelineFormat format, Sink sink, BodyStyle style)
    : state_(std::make_unique<State>(State{format, std::move(sink), style, RowSorter(), {}, 0})) {}
TimelineText::~TimelineText() = default;

std::uint64_t TimelineText::rows() const noexcept { return state_->format == TimelineFormat::body ? state_->lines : state_->sorter.rows(); }

void TimelineText::add(const TimelineEntry& entry) {
  if (state_->format != TimelineFormat::body) {
    if (!entry.link) state_->sorter.add(entry);
    return;
  }
  state_->lines += append_body_lines(state_->out, entry, state_->style);
  state_->flush_when_full();
}

void TimelineText::finish(const std::atomic<bool>* cancel) {
  State& s = *state_;
  if (s.format == TimelineFormat::csv) {
    CsvRows rows;
    rows.header(s.out);
    s.sorter.each([&](const Row& row) { rows.row(s.out, row), s.flush_when_full(); }, cancel);
  } else if (s.format == TimelineFormat::jsonl) {
    JsonRows rows;
    s.sorter.each([&](const Row& row) { rows.row(s.out, row), s.flush_when_full(); }, cancel);
  }
  s.flush();
}

}  // namespace trimcarve::report
