// The answer, before all else: the verdict of each target with its grade, when it was removed, and what came back.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/basis.hpp"
#include "report/html/page.hpp"
#include "report/layout.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

std::string_view heading_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::present: return "Present";
    case Verdict::removed: return "Removed";
    case Verdict::upgraded: return "Upgraded";
    case Verdict::traces: return "Traces only";
    case Verdict::none: return "Nothing found";
  }
  return "Nothing found";
}

std::string basis_of(const Bounds& bounds) {
  if (bounds.earliest_basis.empty() && bounds.latest_basis.empty()) return {};
  if (bounds.earliest == bounds.latest && bounds.earliest_basis == bounds.latest_basis)
    return html_text(explain_basis(bounds.earliest_basis));
  std::string text;
  if (!bounds.earliest_basis.empty()) text = "not before: " + html_text(explain_basis(bounds.earliest_basis));
  if (!bounds.latest_basis.empty()) text += (text.empty() ? "" : "; ") + ("not after: " + html_text(explain_basis(bounds.latest_basis)));
  return text;
}

std::string bounds_field(std::string_view label, const Bounds& bounds) {
  std::string when = html_interval(bounds.earliest, bounds.latest);
  if (when.empty()) when = "time unknown";
  const std::string basis = basis_of(bounds);
  return html_field(label, when + (basis.empty() ? "" : "<br><span class=\"basis\">" + basis + "</span>"));
}

void put_instance(Page& page, const Instance& instance) {
  page.put(fmt::format("<div class=\"card\"><h3>Version {} {}{}</h3><dl>",
                       instance.version.empty() ? "unknown" : html_text(instance.version), html_state(html_text(instance.state)),
                       page.x.volumes.size() > 1 ? fmt::format(" <small>on volume {}</small>", instance.volume) : ""));
  std::string installed = instance.installed ? html_time(*instance.installed) : "time unknown";
  if (!instance.installed_basis.empty())
    installed += "<br><span class=\"basis\">" + html_text(explain_basis(instance.installed_basis)) + "</span>";
  page.put(html_field("installed", installed));
  if (instance.removed) page.put(bounds_field("removed", *instance.removed));
  if (instance.inherited) page.put(html_field("origin", "inherited from the image this machine was made of"));
  page.put("</dl></div>\n");
}

// What of the target's files is back, in numbers.
void put_contents(Page& page, std::uint32_t target) {
  constexpr std::array order{ContentState::recovered,   ContentState::partial,     ContentState::none,       ContentState::zeroed,
                             ContentState::reallocated, ContentState::overwritten, ContentState::unreadable, ContentState::unknown};
  std::array<std::uint64_t, order.size()> counts{};
  std::uint64_t files = 0, folders = 0;
  for (const FileReport& file : page.x.files) {
    if (std::ranges::find(file.targets, target) == file.targets.end()) continue;
    if (file.directory) {
      ++folders;
      continue;
    }
    ++files;
    const ContentState state = file.streams.empty() ? ContentState::unknown : file.streams.front().state;
    ++counts[static_cast<std::size_t>(std::ranges::find(order, state) - order.begin())];
  }
  if (files + folders == 0) return;
  page.put(fmt::format("<div class=\"card\"><h3>{} file{} <small>in {} folder{}</small></h3>", with_commas(files), files == 1 ? "" : "s",
                       with_commas(folders), folders == 1 ? "" : "s"));
  if (files > 0) {
    page.put("<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Content of the files\">");
    double at = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (counts[i] == 0) continue;
      const double width = 100.0 * static_cast<double>(counts[i]) / static_cast<double>(files);
      page.put(fmt::format("<rect class=\"b-{}\" x=\"{:.3f}\" y=\"0\" width=\"{:.3f}\" height=\"6\"/>", to_string(order[i]), at, width));
      at += width;
    }
    page.put("</svg>");
  }
  page.put("<ul class=\"legend\">");
  for (std::size_t i = 0; i < order.size(); ++i)
    if (counts[i] != 0)
      page.put(fmt::format("<li><i class=\"k b-{0}\"></i>{1} {2}</li>", to_string(order[i]), with_commas(counts[i]),
                           order[i] == ContentState::none ? "empty" : to_string(order[i])));
  page.put("</ul></div>\n");
}

void put_runs_card(Page& page, const TargetReport& target) {
  if (target.runs.empty()) return;
  page.put(fmt::format("<div class=\"card\"><h3>Ran {}</h3><ol class=\"plain\">",
                       target.runs.size() == 1 ? "once" : fmt::format("{} times", with_commas(target.runs.size()))));
  constexpr std::size_t most = 4;
  for (std::size_t i = 0; i < target.runs.size() && i < most; ++i) {
    const RunRecord& run = target.runs[i];
    std::string outcome = html_text(run.status);
    if (run.exit_code) outcome += fmt::format("{}exit code {}", outcome.empty() ? "" : ", ", *run.exit_code);
    page.put(fmt::format("<li><a href=\"#run-{}-{}\">{}</a> {}<br><code>{}</code></li>", &target - page.x.targets.data(), i,
                         run.started ? html_time(*run.started) : "time unknown", outcome,
                         run.command.empty() ? "command not recovered" : html_text(fitted(for_terminal(run.command), 160))));
  }
  if (target.runs.size() > most) page.put(fmt::format("<li>and {} more</li>", with_commas(target.runs.size() - most)));
  page.put("</ol></div>\n");
}

void put_verdict(Page& page, const TargetReport& target) {
  const auto number = static_cast<std::uint32_t>(&target - page.x.targets.data());
  page.put(fmt::format("<article class=\"verdict v-{}\"><p class=\"target\">{}</p><h2>{} {}</h2>\n", to_string(target.verdict),
                       html_text(target.target), heading_of(target.verdict), html_grade(target.grade)));
  // The removal in one line, of the instance that was removed last.
  const Instance* removed = nullptr;
  for (const Instance& instance : target.instances)
    if (instance.removed && (removed == nullptr || removed->removed->latest < instance.removed->latest)) removed = &instance;
  if (removed != nullptr) {
    const std::string when = html_interval(removed->removed->earliest, removed->removed->latest);
    const bool exact = removed->removed->earliest && removed->removed->earliest == removed->removed->latest;
    page.put(fmt::format("<p class=\"when\">{}{}</p>\n", when.empty() ? "at a time that is not known" : exact ? "at " : "", when));
  }
  page.put(fmt::format("<p class=\"why\">{}</p>\n", html_text(target.reason)));
  if (target.verdict == Verdict::none || target.verdict == Verdict::traces)
    page.put(fmt::format("<p class=\"why\"><b>What this is worth:</b> {}</p>\n",
                         target.coverage.empty() ? "not known: this answer proves nothing" : html_text(target.coverage)));
  page.put("<div class=\"cards\">\n");
  for (const Instance& instance : target.instances) put_instance(page, instance);
  put_runs_card(page, target);
  put_contents(page, number);
  page.put("</div></article>\n");
}

}  // namespace

void put_verdicts(Page& page) {
  page.put("<section id=\"verdict\">\n");
  if (!page.x.complete)
    page.put(
        "<p class=\"incomplete\" role=\"note\"><b>Incomplete:</b> parts of the evidence could not be read; what is missing is listed "
        "under <a href=\"#warnings\">warnings</a>.</p>\n");
  for (const TargetReport& target : page.x.targets) put_verdict(page, target);
  if (page.x.targets.empty()) page.put("<p>No target was asked for.</p>\n");
  page.put(
      "<p class=\"note\">All times are UTC. Grades: <b>established</b> a record says so; <b>corroborated</b> two independent sources "
      "do; <b>inferred</b> by a rule; <b>contradicted</b> sources disagree.</p>\n</section>\n");
}

}  // namespace trimcarve::report
