// What happened, step by step, and each run with what came back of it.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "report/basis.hpp"
#include "report/html/page.hpp"
#include "report/kinds.hpp"
#include "report/layout.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t max_text = 1 << 16, max_rows = 200;

using Files = std::unordered_map<std::string, const FileReport*>;  // by path; the first of each

void put_sources(Page& page, const StoryStep& step) {
  std::vector<std::pair<std::string_view, std::size_t>> kinds;
  for (const StoryStep::Source& source : step.sources) {
    const auto known = std::ranges::find(kinds, std::string_view(source.source), &std::pair<std::string_view, std::size_t>::first);
    if (known == kinds.end())
      kinds.emplace_back(source.source, 1);
    else
      ++known->second;
  }
  page.put("<details><summary>");
  for (std::size_t i = 0; i < kinds.size(); ++i)
    page.put(fmt::format("{}{}{}", i == 0 ? "" : ", ", html_text(kind_name(kinds[i].first)),
                         kinds[i].second > 1 ? fmt::format("&nbsp;\u00d7{}", kinds[i].second) : ""));
  page.put("</summary><ul class=\"plain\">");
  for (const StoryStep::Source& source : step.sources) {
    std::string sightings;
    for (const std::uint32_t n : source.sightings) sightings += fmt::format(" <a href=\"#sighting-{0}\" class=\"sighting\">{0}</a>", n);
    page.put(fmt::format("<li>{}: {}{} {}<span class=\"basis\">{}{}</span></li>", html_text(kind_name(source.source)),
                         source.time && *source.time != no_time ? html_time(*source.time) : "no time",
                         source.zone_stated ? "" : " (no zone is stated there: taken for UTC)", html_text(source.text),
                         sightings.empty() ? "" : "; sighting", sightings));
  }
  page.put("</ul></details>");
}

// Where the clock of sequence numbers puts a step.
std::string placed(const SequenceEstimate& estimate) {
  const auto end = [](FileTime time) { return time == no_time ? std::optional<FileTime>() : time; };
  return fmt::format("<span class=\"basis\">by {} {}: about</span> {}", estimate.sequence == "lsn" ? "LSN" : "USN", estimate.number,
                     html_interval(end(estimate.estimate.earliest), end(estimate.estimate.latest)));
}

void put_story(Page& page, const TargetReport& target) {
  const auto number = &target - page.x.targets.data();
  if (page.x.targets.size() > 1) page.put(fmt::format("<h3>{}</h3>\n", html_text(target.target)));
  if (target.story.empty()) {
    page.put("<p>No source tells of a step.</p>\n");
    return;
  }
  put_timeline(page, target);
  page.put(
      "<div class=\"scroll\"><table class=\"story\"><thead><tr><th>#</th><th>Time</th><th>Step</th><th>What is told</th><th>Grade</th>"
      "<th>By</th></tr></thead><tbody>\n");
  for (std::size_t i = 0; i < target.story.size(); ++i) {
    const StoryStep& step = target.story[i];
    std::string when = html_interval(step.earliest, step.latest);
    const bool exact = step.earliest && step.earliest == step.latest;
    if (step.placed && !exact) when += (when.empty() ? "" : "<br>") + placed(*step.placed);
    page.put(
        fmt::format("<tr id=\"step-{}-{}\"><td>{}</td><td class=\"t\">{}</td><td><b>{}</b></td><td class=\"wrap\">{}</td><td>{}</td><td "
                    "class=\"wrap\">",
                    number, i + 1, i + 1, when.empty() ? "time unknown" : when, html_text(step.what),
                    html_text(step.text) + (step.note.empty() ? "" : "<br><b>" + html_text(step.note) + "</b>"), html_grade(step.grade)));
    put_sources(page, step);
    page.put("</td></tr>\n");
  }
  page.put("</tbody></table></div>\n");
}

// Text as <pre>, its length said where it is cut.
std::string pre(std::string_view text) {
  if (text.size() <= max_text) return fmt::format("<pre>{}</pre>", html_lines(text));
  std::size_t end = max_text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a character
  return fmt::format("<pre>{}</pre><p class=\"note\">{} more bytes are not shown.</p>", html_lines(text.substr(0, end)),
                     with_commas(text.size() - end));
}

std::string recovered_link(const std::string& path) {
  return path.empty() ? std::string() : fmt::format(" <span class=\"basis\">{}</span>", html_text(path));
}

void put_scripts(Page& page, std::string_view label, const std::vector<ScriptReport>& scripts, const Files& files) {
  if (scripts.empty()) return;
  page.put(fmt::format("<dt>{}</dt><dd><ul class=\"plain\">", label));
  for (std::size_t i = 0; i < scripts.size() && i < max_rows; ++i) {
    const ScriptReport& script = scripts[i];
    page.put(fmt::format("<li><code>{}</code> {}{}", html_text(script.path), html_state(to_string(script.state)),
                         script.named_in_settings ? " named in the settings" : ""));
    if (!script.sha256.empty()) page.put(fmt::format("<br><span class=\"hash\">SHA-256 {}</span>", html_text(script.sha256)));
    page.put(recovered_link(script.recovered_as));
    // Its text, where it came back.
    const auto file = files.find(script.path);
    if (file != files.end() && !file->second->streams.empty())
      for (const RecoveredPart& part : file->second->streams.front().parts)
        if (const auto text = text_of(part, max_text + 1))
          page.put(fmt::format("<details open><summary>{}</summary>{}</details>",
                               part.length == file->second->streams.front().size && !part.offset_inferred
                                   ? "text"
                                   : fmt::format("text of {} bytes at {}{}", with_commas(part.length), with_commas(part.file_offset),
                                                 part.offset_inferred ? ", place in the file inferred" : ""),
                               pre(*text)));
    page.put("</li>");
  }
  if (scripts.size() > max_rows) page.put(fmt::format("<li>and {} more</li>", with_commas(scripts.size() - max_rows)));
  page.put("</ul></dd>\n");
}

void put_script_text(Page& page, const ScriptText& text) {
  const std::string whole = text.missing == 0 ? (text.parts > 1 ? fmt::format("all {} parts", text.parts) : std::string("whole"))
                                              : fmt::format("{} of {} parts", text.parts - text.missing, text.parts);
  page.put(fmt::format("<dt>script text</dt><dd><code>{}</code> {} {}{} <span class=\"basis\">({})</span>", html_text(text.name), whole,
                       text.time ? html_time(*text.time) + " " : "", html_grade(text.grade), html_text(text.relation)));
  for (const ScriptText::Stretch& stretch : text.stretches)
    page.put(fmt::format("<br><span class=\"hash\">SHA-256 {}</span>{}<details><summary>text{}</summary>{}</details>",
                         html_text(stretch.sha256), recovered_link(stretch.recovered_as),
                         text.missing == 0 ? "" : fmt::format(" of parts {} to {}", stretch.first_part, stretch.last_part),
                         pre(stretch.text)));
  page.put("</dd>\n");
}

std::string with_basis(const std::optional<FileTime>& time, const std::string& basis) {
  if (!time && basis.empty()) return {};
  return (time ? html_time(*time) : std::string("time unknown")) +
         (basis.empty() ? "" : " <span class=\"basis\">" + html_text(explain_basis(basis)) + "</span>");
}

void put_sealed(Page& page, const SealedSettings& sealed) {
  for (const SealedSettings::Recipient& recipient : sealed.recipients)
    page.put(html_field("sealed for",
                        html_text(fmt::format("{}{}{}, {}", recipient.issuer, recipient.serial.empty() ? " key " : ", serial ",
                                              recipient.serial.empty() ? recipient.key_id : recipient.serial, recipient.key_algorithm))));
  std::string text = sealed.content_algorithm;
  if (sealed.cut) text += "; only its beginning came back";
  text += sealed.opened ? "; opened with the given key" : sealed.why_not.empty() ? "" : "; not opened: " + sealed.why_not;
  page.put(html_field("envelope", html_text(text)));
  if (sealed.opened) page.put(html_field("in it", pre(sealed.command.empty() ? sealed.text : sealed.command)));
  for (const std::string& uri : sealed.file_uris) page.put(html_field("download", "<code>" + html_text(uri) + "</code>"));
}

void put_run(Page& page, const RunRecord& run, const Files& files, std::ptrdiff_t target, std::size_t number) {
  page.put(fmt::format("<article class=\"run\"><h3 id=\"run-{}-{}\">Run {} <small>of version {}</small></h3><dl>\n", target, number,
                       run.sequence.empty() ? "?" : html_text(run.sequence), run.version.empty() ? "unknown" : html_text(run.version)));
  page.put(html_field("started", with_basis(run.started, run.started_basis)));
  page.put(html_field("finished", with_basis(run.finished, run.finished_basis)));
  page.put(html_field("command", run.command.empty() ? "not recovered"
                                                     : "<code class=\"command\">" + html_text(run.command) + "</code>" +
                                                           (run.command_cut ? " (what came back ends here: it may go on)" : "")));
  std::string outcome = html_text(run.status);
  if (run.exit_code) outcome += fmt::format("{}exit code {}", outcome.empty() ? "" : ", ", *run.exit_code);
  page.put(html_field("outcome", outcome.empty() ? "not recovered" : "<b>" + outcome + "</b>"));
  for (const std::string& uri : run.file_uris) page.put(html_field("download", "<code>" + html_text(uri) + "</code>"));
  if (!run.protected_settings)
    page.put(html_field("protected", "not known: the settings are not back"));
  else if (*run.protected_settings)
    page.put(html_field(
        "protected", "settings were encrypted" +
                         (run.certificate_thumbprint.empty() ? std::string() : "; certificate " + html_text(run.certificate_thumbprint))));
  if (run.sealed) put_sealed(page, *run.sealed);
  for (const RunLabel& label : run.labels)
    page.put(html_field("looks like", html_text(label.name) + " <span class=\"basis\">" + html_text(label.basis) + "</span>"));
  if (!run.output.empty()) page.put(html_field("output", pre(run.output)));
  if (!run.error_output.empty()) page.put(html_field("errors", pre(run.error_output)));
  put_scripts(page, "scripts", run.scripts, files);
  put_scripts(page, "made", run.made, files);
  if (!run.processes.empty()) {
    page.put("<dt>processes</dt><dd><ul class=\"plain\">");
    for (const ProcessRecord& process : run.processes)
      page.put(fmt::format(
          "<li>{} <code>{}</code> {} <span class=\"basis\">{}</span></li>", process.started ? html_time(*process.started) : "time unknown",
          html_text(process.command.empty() ? process.path : process.command), html_grade(process.grade), html_text(process.relation)));
    if (run.processes_total > run.processes.size())
      page.put(fmt::format("<li>and {} more</li>", with_commas(run.processes_total - run.processes.size())));
    page.put("</ul></dd>\n");
  }
  for (const ScriptText& text : run.script_texts) put_script_text(page, text);
  if (!run.created_elsewhere.empty()) {
    page.put(
        "<dt>meanwhile</dt><dd>files created elsewhere on the volume while it ran; by whom the journal does not say<ul class=\"plain\">");
    for (std::size_t i = 0; i < run.created_elsewhere.size() && i < max_rows; ++i)
      page.put(fmt::format("<li>{} <code>{}</code> {}</li>", html_time(run.created_elsewhere[i].created),
                           html_text(run.created_elsewhere[i].path), html_state(to_string(run.created_elsewhere[i].state))));
    const std::uint64_t shown = std::min(max_rows, run.created_elsewhere.size());
    if (run.created_elsewhere_total > shown)
      page.put(fmt::format("<li>and {} more</li>", with_commas(run.created_elsewhere_total - shown)));
    page.put("</ul></dd>\n");
  }
  page.put("</dl></article>\n");
}

void put_cloud(Page& page, const TargetReport& target) {
  if (target.cloud.empty()) return;
  page.put(
      "<h3>By the Azure Activity Log</h3><div class=\"scroll\"><table><thead><tr><th>Time</th><th>Operation</th><th>By</th><th>Status</th>"
      "<th>On the disk</th><th>Grade</th></tr></thead><tbody>\n");
  for (const CloudEvent& event : target.cloud) {
    std::string by = html_text(event.caller);
    if (!event.address.empty()) by += " from " + html_text(event.address);
    page.put(fmt::format(
        "<tr><td class=\"t\">{}</td><td class=\"wrap\">{}<br><span class=\"basis\">{} {}</span></td><td class=\"wrap\">{}</td>"
        "<td>{}</td><td class=\"wrap\">{}</td><td>{}</td></tr>\n",
        html_interval(event.first, event.last), html_text(event.operation), html_text(event.machine), html_text(event.extension_name), by,
        html_text(event.status), event.match.empty() ? "nothing matches" : html_text(event.match), html_grade(event.grade)));
  }
  page.put("</tbody></table></div>\n");
}

}  // namespace

void put_stories(Page& page) {
  page.put("<section id=\"story\"><h2>What happened</h2>\n");
  for (const TargetReport& target : page.x.targets) {
    put_story(page, target);
    put_cloud(page, target);
  }
  page.put("</section>\n");
}

void put_runs(Page& page) {
  page.put("<section id=\"runs\"><h2>Runs</h2>\n");
  bool any = false;
  Files files;
  for (const FileReport& file : page.x.files) files.try_emplace(to_utf8(file.path), &file);
  for (const TargetReport& target : page.x.targets) {
    for (std::size_t i = 0; i < target.runs.size(); ++i) put_run(page, target.runs[i], files, &target - page.x.targets.data(), i);
    any = any || !target.runs.empty() || !target.script_texts.empty();
    if (target.script_texts.empty()) continue;
    page.put("<article class=\"run\"><h3>Script texts of no run that is known</h3><dl>\n");
    for (const ScriptText& text : target.script_texts) put_script_text(page, text);
    page.put("</dl></article>\n");
  }
  if (!any) page.put("<p>No run is known.</p>\n");
  page.put("</section>\n");
}

}  // namespace trimcarve::report
