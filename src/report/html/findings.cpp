// The findings, each with the sightings it rests on, and the sightings' own bytes as data for the script.
#include <fmt/format.h>

#include <algorithm>

#include "report/document.hpp"
#include "report/html/page.hpp"
#include "report/json_parts.hpp"
#include "report/kinds.hpp"
#include "report/layout.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

// Without script a finding shows so many of its sightings.
constexpr std::size_t max_static = 40, max_text = 600;
// With it: so many sightings, and of each so many of its bytes, are in the page.
constexpr std::size_t max_sightings = 20'000, max_bytes = 1024, all_bytes = 6 << 20, max_ranges = 64;

std::string range_text(const Range& range) {
  return fmt::format("{}{} + {}", range.space == disk_space ? "" : space_name(range.space) + " ", with_commas(range.offset),
                     with_commas(range.length));
}

void add(std::string& text, std::string_view part) {
  if (part.empty()) return;
  if (!text.empty()) text += "; ";
  text += part;
}

// What its bytes state, in one line.
std::string states(const Sighting& sighting) {
  std::string text;
  if (sighting.has_record)
    add(text, fmt::format("FILE record {}, sequence {}, {}", sighting.record_entry, sighting.record_sequence,
                          sighting.in_use ? "in use" : "free"));
  for (const NameFact& name : sighting.names) {
    if (name.name_space == NameSpace::dos && sighting.names.size() > 1) continue;
    add(text, "\"" + to_utf8(sighting.name(name)) + "\"");
  }
  if (sighting.has_usn) {
    add(text, usn_reasons(sighting.usn.reason));
    if (sighting.usn.time != no_time) add(text, to_iso8601(sighting.usn.time));
    add(text, fmt::format("USN {}", sighting.usn.usn));
  }
  if (sighting.has_standard_information) add(text, "created " + to_iso8601(sighting.standard_information.created));
  if (sighting.statement) {
    const Statement& s = *sighting.statement;
    add(text, to_string(s.deed));
    add(text, s.event);
    add(text, s.time_text.empty() && s.time != no_time ? to_iso8601(s.time) : s.time_text);
    add(text, s.command);
    add(text, s.status);
    if (s.exit_code) add(text, fmt::format("exit code {}", *s.exit_code));
    add(text, s.text);
  }
  if (sighting.lsn != 0) add(text, fmt::format("LSN {}", sighting.lsn));
  if (sighting.other_lsn != 0) add(text, fmt::format("LSN {} of a carved log", sighting.other_lsn));
  return fitted(for_terminal(text), max_text);
}

void put_finding(Page& page, const Finding& finding) {
  const Examination& x = page.x;
  const std::string when = html_interval(finding.earliest, finding.latest);
  page.put(
      fmt::format("<details class=\"finding\" id=\"{0}\" data-grade=\"{1}\"><summary><b class=\"id\">{0}</b> <span class=\"statement\">{2}"
                  "</span> {3}{4}</summary>\n",
                  html_text(finding.id), to_string(finding.grade), html_text(finding.statement), html_grade(finding.grade),
                  when.empty() ? "" : "<span class=\"when\">" + when + "</span>"));
  if (!finding.rule.empty()) page.put(fmt::format("<p class=\"note\">Rule: {}</p>\n", html_text(finding.rule)));
  if (finding.sightings.empty()) {
    page.put("<p class=\"note\">It cites no sighting of its own.</p></details>\n");
    return;
  }
  page.put("<div class=\"sightings\" data-sightings=\"");
  for (std::size_t i = 0; i < finding.sightings.size(); ++i) page.put(fmt::format("{}{}", i == 0 ? "" : " ", finding.sightings[i]));
  page.put(
      "\"><table><thead><tr><th>Sighting</th><th>Evidence</th><th>Offset + length in the image</th><th>SHA-256</th></tr></thead><tbody>\n");
  for (std::size_t i = 0; i < finding.sightings.size() && i < max_static; ++i) {
    const std::uint32_t n = finding.sightings[i];
    if (n >= x.sightings.size()) continue;
    const Sighting& sighting = x.sightings[n];
    std::string ranges;
    for (std::size_t r = 0; r < sighting.ranges.size() && r < max_ranges; ++r)
      ranges += (r == 0 ? "" : "<br>") + range_text(sighting.ranges[r]);
    page.put(
        fmt::format("<tr><td>{}</td><td class=\"wrap\">{}<br><span class=\"basis\">{}</span></td><td class=\"n\">{}</td>"
                    "<td class=\"hash\">{}</td></tr>\n",
                    n, kind_name(to_string(sighting.source)), html_text(states(sighting)), ranges, html_text(sighting.sha256)));
  }
  page.put("</tbody></table>");
  if (finding.sightings.size() > max_static)
    page.put(fmt::format("<p class=\"note\">and {} more</p>", with_commas(finding.sightings.size() - max_static)));
  page.put("</div></details>\n");
}

// Those that findings rest on, then those that the story does, then the files': the first so many of them are in the page.
std::vector<std::uint32_t> sightings_by_weight(const Examination& x) {
  std::vector<std::uint32_t> order;
  std::vector<bool> seen(x.sightings.size());
  const auto add_all = [&](const std::vector<std::uint32_t>& sightings) {
    for (const std::uint32_t n : sightings)
      if (n < seen.size() && !seen[n] && order.size() < max_sightings) {
        seen[n] = true;
        order.push_back(n);
      }
  };
  for (const Finding& finding : x.findings) add_all(finding.sightings);
  for (const TargetReport& target : x.targets) {
    for (const StoryStep& step : target.story)
      for (const StoryStep::Source& source : step.sources) add_all(source.sightings);
    for (const Instance& instance : target.instances) add_all(instance.sightings);
    for (const RunRecord& run : target.runs) add_all(run.sightings);
    for (const CloudEvent& event : target.cloud) add_all(event.sightings);
  }
  for (const FileReport& file : x.files) add_all(file.sightings);
  return order;
}

}  // namespace

void put_findings(Page& page) {
  page.put(
      fmt::format("<section id=\"findings\"><h2>Findings <small>{}</small></h2>\n<div class=\"tools script\" hidden>"
                  "<label>Filter <input type=\"search\" id=\"finding-text\" autocomplete=\"off\"></label> "
                  "<label>Grade <select id=\"finding-grade\"><option value=\"\">all</option><option>established</option>"
                  "<option>corroborated</option><option>inferred</option><option>contradicted</option></select></label> "
                  "<button type=\"button\" id=\"finding-open\">Open all shown</button> <button type=\"button\" id=\"finding-close\">Close "
                  "all</button> <output id=\"finding-count\"></output></div>\n<div id=\"finding-list\">\n",
                  with_commas(page.x.findings.size())));
  for (const Finding& finding : page.x.findings) put_finding(page, finding);
  page.put("</div>\n</section>\n");
}

void put_sighting_data(Page& page) {
  page.put("<script type=\"application/json\" id=\"sighting-data\">");
  JsonWriter json(json_in_html(page.sink()));
  json.begin_object();
  std::size_t budget = all_bytes;
  for (const std::uint32_t n : sightings_by_weight(page.x)) {
    const Sighting& sighting = page.x.sightings[n];
    json.new_line();
    json.key(std::to_string(n)).begin_object();
    json.key("e").value(kind_name(to_string(sighting.source)));
    json.key("i").value(to_string(sighting.integrity));
    if (sighting.volume != no_volume) json.key("v").value(sighting.volume);
    json.key("s").value(states(sighting));
    json.key("h").value(sighting.sha256);
    json.key("r").begin_array();
    std::uint64_t length = 0;
    for (const Range& range : sighting.ranges) length += range.length;
    for (std::size_t i = 0; i < sighting.ranges.size() && i < max_ranges; ++i) {
      const Range& range = sighting.ranges[i];
      json.begin_array();
      json.value(space_name(range.space));
      json.value(range.offset);
      json.value(range.length);
      json.end_array();
    }
    json.end_array();
    json.key("n").value(length);
    if (const std::string bytes = cited_bytes(page.x, sighting.ranges, std::min(max_bytes, budget)); !bytes.empty()) {
      json.key("b").value(base64(bytes));
      budget -= bytes.size();
    }
    json.end_object();
  }
  json.end_object();
  json.flush();
  page.put("</script>\n");
}

}  // namespace trimcarve::report
