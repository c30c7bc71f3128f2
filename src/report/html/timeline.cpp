// The story as a picture: the steps above, below them each source on a lane of its own with the time it speaks for and a mark wherever it
// tells of a step.
//
// A run takes seconds and lies weeks from the removal, so the axis is not to scale: each gap between two neighbouring times is as wide as
// the logarithm of its length. Order and simultaneity are kept, and long gaps have their length written on them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "report/html/page.hpp"
#include "report/kinds.hpp"
#include "report/layout.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr double width = 1200, plot_left = 262, plot_right = 1150, margin = 42, lane_height = 20, level_height = 22, nearest_label = 72;
constexpr std::size_t max_steps = 80, max_lanes = 26, max_levels = 7;

// Sets the colour of a step and its marks.
std::string_view family(std::string_view what) {
  if (what == "installed" || what == "enabled" || what == "updated" || what == "upgraded" || what == "provisioned") return "add";
  if (what == "removed" || what == "disabled" || what == "uninstalled" || what == "log_cleared") return "gone";
  if (what.starts_with("cloud")) return "cloud";
  return "run";
}

class Axis {
 public:
  explicit Axis(std::vector<FileTime> times) : times_(std::move(times)) {
    std::ranges::sort(times_);
    times_.erase(std::ranges::unique(times_).begin(), times_.end());
    double at = 0;
    for (std::size_t i = 0; i < times_.size(); ++i) {
      if (i > 0) at += 1 + 6 * std::log10(1 + seconds(times_[i - 1], times_[i]));
      x_.push_back(at);
    }
    for (double& x : x_) x = at == 0 ? (plot_left + plot_right) / 2 : plot_left + (plot_right - plot_left) * x / at;
  }

  static double seconds(FileTime from, FileTime to) {
    return static_cast<double>(to.ticks - from.ticks) / static_cast<double>(ticks_per_second);
  }

  // Between two known times in proportion; beyond the ends, in the margin.
  double x(FileTime time) const {
    if (time < times_.front()) return plot_left - margin;
    if (time > times_.back()) return plot_right + margin;
    const auto next = static_cast<std::size_t>(std::ranges::lower_bound(times_, time) - times_.begin());
    if (times_[next] == time) return x_[next];
    const double share = seconds(times_[next - 1], time) / seconds(times_[next - 1], times_[next]);
    return x_[next - 1] + share * (x_[next] - x_[next - 1]);
  }

  const std::vector<FileTime>& times() const { return times_; }
  FileTime first() const { return times_.front(); }
  FileTime last() const { return times_.back(); }

 private:
  std::vector<FileTime> times_;
  std::vector<double> x_;
};

struct Mark {
  FileTime time;
  std::size_t step;
};
struct Lane {
  std::optional<std::uint32_t> volume;
  std::string source;
  std::vector<const Coverage*> coverage;
  std::vector<Mark> marks;
};

std::string length_of_gap(double seconds) {
  if (seconds >= 2 * 86400) return fmt::format("{:.0f} days", seconds / 86400);
  if (seconds >= 2 * 3600) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} min", seconds / 60);
}

class Picture {
 public:
  Picture(Page& page, const TargetReport& target)
      : page_(page), steps_(std::span(target.story).first(std::min(target.story.size(), max_steps))), axis_(times()) {
    number_ = static_cast<std::size_t>(&target - page.x.targets.data());
    for (const Coverage& coverage : page.x.coverage) lane(coverage.volume, coverage.source).coverage.push_back(&coverage);
    for (std::size_t i = 0; i < steps_.size(); ++i)
      for (const StoryStep::Source& source : steps_[i].sources) mark(source, i);
    left_out_ = lanes_.size();
    if (lanes_.size() > max_lanes) {
      // Those that tell of a step are never left out for those that do not.
      std::ranges::stable_partition(lanes_, [](const Lane& l) { return !l.marks.empty(); });
      lanes_.resize(max_lanes);
    }
    left_out_ -= lanes_.size();
  }

  void draw() {
    const double steps_height = place_steps();
    const double top = 34, lanes_top = top + steps_height + 8, bottom = lanes_top + lane_height * static_cast<double>(lanes_.size());
    page_.put(
        fmt::format("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Picture of the timeline\">\n"
                    "<svg class=\"timeline\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-labelledby=\"timeline-title-{2}\">"
                    "<title id=\"timeline-title-{2}\">The steps of the story over time, and what each source tells of them; the same is "
                    "in the table below</title>\n",
                    width, bottom + 8, number_));
    gaps(bottom);
    draw_guides(top, bottom);
    for (std::size_t i = 0; i < lanes_.size(); ++i) draw_lane(lanes_[i], lanes_top + lane_height * static_cast<double>(i), i % 2 == 1);
    draw_steps(top);
    labels();
    page_.put(
        "</svg></div>\n<p class=\"note\">Not to scale: the longer a gap, the more it is compressed. A band is the time for which a source "
        "speaks (an arrow: it goes on beyond the picture), a mark is what it tells of a step.");
    if (left_out_ > 0) page_.put(fmt::format(" {} more sources are under <a href=\"#coverage\">coverage</a>.", with_commas(left_out_)));
    page_.put("</p>\n");
  }

 private:
  // Where it stands: what is stated, else where its sequence number puts it.
  static std::optional<FileTime> time_of(const StoryStep& step) {
    if (step.earliest || step.latest) return step.earliest ? step.earliest : step.latest;
    if (!step.placed) return std::nullopt;
    const Estimate& estimate = step.placed->estimate;
    return estimate.earliest != no_time ? estimate.earliest : estimate.latest;
  }

  std::vector<FileTime> times() const {
    std::vector<FileTime> times;
    const auto add = [&times](const std::optional<FileTime>& time) {
      if (time && *time != no_time) times.push_back(*time);
    };
    for (const StoryStep& step : steps_) {
      add(step.earliest);
      add(step.latest);
      add(time_of(step));
      for (const StoryStep::Source& source : step.sources) add(source.time);
    }
    if (times.empty()) times.push_back(no_time);
    return times;
  }

  Lane& lane(std::optional<std::uint32_t> volume, const std::string& source) {
    for (Lane& l : lanes_)
      if (l.volume == volume && l.source == source) return l;
    return lanes_.emplace_back(Lane{volume, source, {}, {}});
  }

  // A witness has a lane of its own, named by its file.
  void mark(const StoryStep::Source& source, std::size_t step) {
    const auto time = source.time ? source.time : time_of(steps_[step]);
    if (!time || *time == no_time) return;
    const Examination& x = page_.x;
    std::optional<std::uint32_t> volume;
    std::string name = source.source;
    if (!source.sightings.empty() && source.sightings.front() < x.sightings.size()) {
      const Sighting& sighting = x.sightings[source.sightings.front()];
      if (sighting.volume != no_volume) volume = sighting.volume;
      if (sighting.place.stream == StreamKind::witness && sighting.place.owner < x.witnesses.size()) {
        const WitnessInfo& witness = x.witnesses[static_cast<std::size_t>(sighting.place.owner)];
        volume = witness.volume;
        name += ":" + witness.path.substr(witness.path.find_last_of("\\/") + 1);
      }
    }
    lane(volume, name).marks.push_back({*time, step});
  }

  double place_steps() {
    std::vector<double> ends(max_levels, -1000);
    std::size_t levels = 1;
    for (const StoryStep& step : steps_) {
      const auto time = time_of(step);
      const double at = time && *time != no_time ? axis_.x(*time) : plot_left - margin;
      std::size_t level = 0;
      while (level + 1 < max_levels && ends[level] > at - 21) ++level;
      ends[level] = at;
      levels = std::max(levels, level + 1);
      places_.emplace_back(at, static_cast<double>(level));
    }
    return level_height * static_cast<double>(levels);
  }

  void draw_guides(double top, double bottom) {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const StoryStep& step = steps_[i];
      const auto [at, level] = places_[i];
      const double y = top + level * level_height + level_height / 2;
      page_.put(fmt::format("<line class=\"guide\" x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\"/>", at, y, bottom));
      if (step.earliest && step.latest && *step.earliest != *step.latest)
        page_.put(fmt::format("<line class=\"span f-{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>", family(step.what), at,
                              y, axis_.x(*step.latest), y));
    }
  }

  void draw_steps(double top) {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const StoryStep& step = steps_[i];
      const auto [at, level] = places_[i];
      const double y = top + level * level_height + level_height / 2;
      page_.put(fmt::format(
          "<a href=\"#step-{0}-{1}\"><title>{1}. {2}: {3}</title><circle class=\"step f-{4}\" cx=\"{5:.1f}\" cy=\"{6:.1f}\" "
          "r=\"9.5\"/><text class=\"number\" x=\"{5:.1f}\" y=\"{7:.1f}\">{1}</text></a>\n",
          number_, i + 1, html_text(step.what), html_text(fitted(for_terminal(step.text), 200)), family(step.what), at, y, y + 3.8));
    }
  }

  void draw_lane(const Lane& lane, double y, bool odd) {
    const std::size_t colon = lane.source.find(':');
    std::string name(kind_name(lane.source.substr(0, colon)));
    if (colon != std::string::npos) name = lane.source.substr(colon + 1);
    if (lane.volume && page_.x.volumes.size() > 1) name = fmt::format("{}: {}", *lane.volume, name);
    if (odd) page_.put(fmt::format("<rect class=\"stripe\" x=\"0\" y=\"{:.1f}\" width=\"{}\" height=\"{}\"/>", y, width, lane_height));
    page_.put(fmt::format("<text class=\"lane\" x=\"4\" y=\"{:.1f}\">{}<title>{}</title></text>", y + 14,
                          html_text(fitted(for_terminal(name), 31, true)), html_text(lane.source)));
    for (const Coverage* coverage : lane.coverage) {
      if (!coverage->first && !coverage->last) continue;
      const bool before = !coverage->first || *coverage->first < axis_.first(), after = !coverage->last || *coverage->last > axis_.last();
      const double left = before ? plot_left - margin + 8 : axis_.x(*coverage->first);
      const double right = after ? plot_right + margin - 8 : axis_.x(*coverage->last);
      // Wholly before or after the story: a stub at that end.
      const bool outside = (coverage->last && *coverage->last < axis_.first()) || (coverage->first && *coverage->first > axis_.last());
      const double from = outside && after ? plot_right + margin - 20 : left, to = outside && before ? plot_left - margin + 20 : right;
      page_.put(
          fmt::format("<rect class=\"covers\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"10\"><title>{} to {}</title></rect>",
                      from, y + 5, std::max(to - from, 3.0), coverage->first ? to_iso8601(*coverage->first) : "?",
                      coverage->last ? to_iso8601(*coverage->last) : "?"));
      if (before) page_.put(fmt::format("<path class=\"covers\" d=\"M{0:.1f} {1:.1f}l-7 5 7 5z\"/>", plot_left - margin + 8, y + 5));
      if (after) page_.put(fmt::format("<path class=\"covers\" d=\"M{0:.1f} {1:.1f}l7 5 -7 5z\"/>", plot_right + margin - 8, y + 5));
    }
    for (const Mark& mark : lane.marks)
      page_.put(
          fmt::format("<rect class=\"mark f-{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"3\" height=\"16\"><title>step {}: {}</title></rect>",
                      family(steps_[mark.step].what), axis_.x(mark.time) - 1.5, y + 2, mark.step + 1, to_iso8601(mark.time)));
    page_.put("\n");
  }

  void gaps(double bottom) {
    const auto& times = axis_.times();
    for (std::size_t i = 1; i < times.size(); ++i) {
      const double seconds = Axis::seconds(times[i - 1], times[i]), left = axis_.x(times[i - 1]), right = axis_.x(times[i]);
      if (seconds < 900 || right - left < 30) continue;
      page_.put(fmt::format("<rect class=\"gap\" x=\"{:.1f}\" y=\"22\" width=\"{:.1f}\" height=\"{:.1f}\"/>", left + 4, right - left - 8,
                            bottom - 22));
      if (right - left > 56)
        page_.put(fmt::format("<text class=\"gap\" x=\"{:.1f}\" y=\"32\">{}</text>", (left + right) / 2, length_of_gap(seconds)));
    }
  }

  // Times along the top, as many as fit; the date where it changes.
  void labels() {
    double next = 0;
    std::string day;
    for (const FileTime time : axis_.times()) {
      const double at = axis_.x(time);
      if (at < next || time == no_time) continue;
      const std::string iso = seconds_of(time);
      const bool new_day = iso.substr(0, 10) != day;
      page_.put(fmt::format("<text class=\"time\" x=\"{:.1f}\" y=\"{}\">{}</text>", at, 12, new_day ? iso : iso.substr(11)));
      next = at + (new_day ? nearest_label * 2 : nearest_label);
      day = iso.substr(0, 10);
    }
    page_.put("\n");
  }

  Page& page_;
  std::span<const StoryStep> steps_;
  Axis axis_;
  std::size_t number_ = 0, left_out_ = 0;
  std::vector<Lane> lanes_;
  std::vector<std::pair<double, double>> places_;  // of each step: x, level
};

}  // namespace

void put_timeline(Page& page, const TargetReport& target) {
  if (!target.story.empty()) Picture(page, target).draw();
}

}  // namespace trimcarve::report
