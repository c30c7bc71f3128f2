// What the answer is worth and where it came from: coverage, what was not looked at, warnings, the input and how it was read.
#include <fmt/format.h>

#include <algorithm>

#include "report/document.hpp"
#include "report/html/page.hpp"
#include "report/kinds.hpp"
#include "report/layout.hpp"
#include "report/version.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t max_warnings = 1000, max_ranges = 16, max_gaps = 32;

std::string ranges_text(const std::vector<Range>& ranges) {
  std::string text;
  for (std::size_t i = 0; i < ranges.size() && i < max_ranges; ++i)
    text += fmt::format("{}{}&nbsp;{}+{}", i == 0 ? "" : ", ", space_name(ranges[i].space), ranges[i].offset, ranges[i].length);
  if (ranges.size() > max_ranges) text += fmt::format(" and {} more", ranges.size() - max_ranges);
  return text;
}

void put_row(Page& page, const Coverage& coverage) {
  const std::size_t colon = coverage.source.find(':');
  std::string source = html_text(kind_name(coverage.source.substr(0, colon)));
  if (colon != std::string::npos) source += ": <b>" + html_text(coverage.source.substr(colon + 1)) + "</b>";
  page.put(
      fmt::format("<tr><td>{}</td><td class=\"wrap\">{}</td><td class=\"t\">{}</td><td class=\"t\">{}</td><td class=\"n\">{}</td>"
                  "<td class=\"wrap\">{}",
                  coverage.volume ? fmt::format("{}", *coverage.volume) : "given", source, coverage.first ? html_time(*coverage.first) : "",
                  coverage.last ? html_time(*coverage.last) : "", with_commas(coverage.records), html_text(coverage.note)));
  if (!coverage.gaps.empty()) {
    page.put(fmt::format("<details><summary>{} gap{}</summary><ul class=\"plain\">", with_commas(coverage.gaps.size()),
                         coverage.gaps.size() == 1 ? "" : "s"));
    for (std::size_t i = 0; i < coverage.gaps.size() && i < max_gaps; ++i)
      page.put(fmt::format("<li>{} at {}: {}</li>", bytes_for_people(coverage.gaps[i].length), with_commas(coverage.gaps[i].offset),
                           html_text(coverage.gaps[i].why)));
    if (coverage.gaps.size() > max_gaps) page.put(fmt::format("<li>and {} more</li>", with_commas(coverage.gaps.size() - max_gaps)));
    page.put("</ul></details>");
  }
  page.put("</td></tr>\n");
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "none";
  return fmt::format("{} of {} ({:.1f}&nbsp;%)", with_commas(part), with_commas(whole),
                     100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string width_text(std::uint64_t ticks) {
  const double seconds = static_cast<double>(ticks) / static_cast<double>(ticks_per_second);
  if (seconds < 120) return fmt::format("{:.{}f}&nbsp;s", seconds, seconds < 10 ? 2 : 0);
  return seconds < 7200 ? fmt::format("{:.0f}&nbsp;min", seconds / 60) : fmt::format("{:.1f}&nbsp;h", seconds / 3600);
}

void put_clock(Page& page, const VolumeInfo& volume, const ClockInfo& clock) {
  std::string note = clock.sound ? std::string() : html_text(clock.why_not);
  const auto add = [&note](std::string text) { note += (note.empty() ? "" : "; ") + std::move(text); };
  if (clock.older != 0) add(fmt::format("{} older than their number, which says nothing", with_commas(clock.older)));
  if (clock.at_least != 0) add(fmt::format("{} more times are lower bounds only", with_commas(clock.at_least)));
  for (const ClockInfo::SetBack& back : clock.set_backs)
    add(fmt::format("set back before {} from {} to {}", back.number, html_time(back.from), html_time(back.to)));
  if (clock.restarted_at) add(fmt::format("the numbers began anew: what is above {} is of an earlier sequence", *clock.restarted_at));
  const auto& held = clock.held_out;
  const std::uint64_t told = held.inside + held.later;
  page.put(fmt::format(
      "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"t\">{}{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
      "<td class=\"n\">{}</td><td class=\"wrap\">{}</td></tr>\n",
      volume.index, clock.sequence == "lsn" ? "LSN" : "USN", clock.sound ? "sound" : "<b>cannot tell</b>", with_commas(clock.ticks),
      clock.first ? html_time(*clock.first) : "", clock.last ? " to<br>" + html_time(*clock.last) : "",
      share(clock.later + clock.doubtful, clock.ticks), share(held.inside, told), held.inside == 0 ? "" : width_text(held.median_width),
      note));
}

// What estimates by sequence numbers rest on. A record told from the others: older than its bracket is no error, later would have been.
void put_clocks(Page& page) {
  if (std::ranges::all_of(page.x.volumes, [](const VolumeInfo& volume) { return volume.clocks.empty(); })) return;
  page.put(
      "<h3 id=\"clocks\">Clocks of sequence numbers</h3>\n<p class=\"note\">LSNs and USNs only grow: the records that state one and a time "
      "are ticks, and a time that is not recorded lies between its neighbours'. What is told by them is an estimate and narrows no bound. "
      "Held out: each of a share of the ticks, told from the others.</p>\n"
      "<div class=\"scroll\"><table class=\"clocks\"><thead><tr><th>Volume</th><th>Clock</th><th>State</th><th "
      "class=\"n\">Ticks</th><th>Span</th>"
      "<th class=\"n\">Contradicted</th><th class=\"n\">Held out: inside</th><th class=\"n\">Median width</th>"
      "<th>Note</th></tr></thead>"
      "<tbody>\n");
  for (const VolumeInfo& volume : page.x.volumes)
    for (const ClockInfo& clock : volume.clocks) put_clock(page, volume, clock);
  page.put("</tbody></table></div>\n");
}

void put_warnings(Page& page) {
  const auto& warnings = page.x.warnings;
  page.put(fmt::format("<h3 id=\"warnings\">Warnings: {}</h3>\n", with_commas(warnings.size())));
  if (warnings.empty()) return;
  page.put("<ul class=\"warnings\">\n");
  for (std::size_t i = 0; i < warnings.size() && i < max_warnings; ++i) {
    const std::string ranges = ranges_text(warnings[i].ranges);
    page.put(fmt::format("<li><code>{}</code> {}{}</li>\n", html_text(warnings[i].code), html_text(warnings[i].text),
                         ranges.empty() ? "" : " <span class=\"basis\">" + ranges + "</span>"));
  }
  page.put("</ul>\n");
  if (warnings.size() > max_warnings)
    page.put(fmt::format("<p class=\"note\">and {} more: in findings.json</p>\n", with_commas(warnings.size() - max_warnings)));
}

void put_source(Page& page, const SourceInfo& source) {
  page.put(fmt::format("<article><h3><code>{}</code></h3><dl>\n", html_text(source.path)));
  page.put(html_field("container", html_text(source.container)));
  page.put(html_field("size", fmt::format("{} bytes ({})", with_commas(source.size), bytes_for_people(source.size))));
  page.put(html_field("identifier", html_text(source.identifier)));
  for (const std::string& file : source.files)
    if (file != source.path) page.put(html_field("file", "<code>" + html_text(file) + "</code>"));
  for (const std::string& parent : source.parents) page.put(html_field("parent", "<code>" + html_text(parent) + "</code>"));
  if (!source.acquisition_hashes.empty()) page.put(html_field("acquired", html_text(source.acquisition_hashes) + " (stated, not checked)"));
  for (const std::string& note : source.acquisition_notes) page.put(html_field("stated", html_text(note)));
  if (source.blocks) page.put(html_field("blocks", blocks_text(*source.blocks)));
  if (source.log)
    page.put(html_field("log",
                        fmt::format("{}: {} entries write {} sectors of 4 KiB, {} of them otherwise than the file has them",
                                    source.log->replayed ? "pending, replayed in memory" : "pending, not replayed as asked",
                                    with_commas(source.log->entries), with_commas(source.log->sectors), with_commas(source.log->changed))));
  std::string checks;
  for (const StructureCheck& check : source.checks)
    checks += fmt::format("{}{}: {}", checks.empty() ? "" : ", ", html_text(check.structure), html_text(check.state));
  page.put(html_field("checksums", checks));
  page.put(html_field("page ranges", html_text(source.page_ranges)));
  for (const std::string& warning : source.warnings) page.put(html_field("warning", html_text(warning)));
  page.put("</dl></article>\n");
}

void put_volume(Page& page, const VolumeInfo& volume) {
  page.put(fmt::format("<article><h3>Volume {}</h3><dl>\n", volume.index));
  if (volume.state != "examined") page.put(html_field("state", "<b>not examined: " + html_text(volume.state) + "</b>"));
  if (volume.shadow_of)
    page.put(html_field("shadow copy", fmt::format("of volume {}{}", *volume.shadow_of,
                                                   volume.shadow_created ? ", made at " + html_time(*volume.shadow_created) : "")));
  if (volume.size == 0)
    page.put(html_field("place", "from extracted artefacts"));
  else
    page.put(html_field("place", fmt::format("byte {} of the disk, {} bytes ({})", with_commas(volume.offset), with_commas(volume.size),
                                             bytes_for_people(volume.size))));
  if (volume.state == "examined" && volume.size != 0) {
    page.put(html_field("serial", fmt::format("{:016X}", volume.serial)));
    page.put(html_field("geometry", fmt::format("clusters of {}, {} FILE records of {} bytes", bytes_for_people(volume.cluster_size),
                                                with_commas(volume.records), volume.record_size)));
  }
  if (volume.created) page.put(html_field("created", html_time(*volume.created)));
  if (volume.provisioned)
    page.put(html_field("provisioned",
                        html_time(*volume.provisioned) + " <span class=\"basis\">" + html_text(volume.provisioned_basis) + "</span>"));
  if (volume.journal_created) page.put(html_field("change journal", "created " + html_time(*volume.journal_created)));
  page.put("</dl></article>\n");
}

}  // namespace

void put_coverage(Page& page) {
  page.put(
      "<section id=\"coverage\"><h2>What was looked at, and for which time it speaks</h2>\n<div class=\"scroll\"><table><thead><tr>"
      "<th>Volume</th><th>Source</th><th>From</th><th>To</th><th class=\"n\">Records</th><th>Note</th></tr></thead><tbody>\n");
  for (const Coverage& coverage : page.x.coverage) put_row(page, coverage);
  page.put("</tbody></table></div>\n<h3>What was not looked at</h3>\n<ul>");
  bool any = false;
  for (const std::string_view kind : kinds_not_covered(page.x)) {
    page.put(fmt::format("<li>{}</li>", kind));
    any = true;
  }
  for (const VolumeInfo& volume : page.x.volumes)
    if (volume.state != "examined") {
      page.put(fmt::format("<li>volume {}: {}</li>", volume.index, html_text(volume.state)));
      any = true;
    }
  page.put(any ? "</ul>\n" : "<li>nothing of what this version can read</li></ul>\n");
  put_clocks(page);
  put_warnings(page);
  page.put("</section>\n");
}

void put_inputs(Page& page, const std::vector<std::string>& command) {
  page.put("<section id=\"input\"><h2>Input</h2>\n");
  for (const SourceInfo& source : page.x.sources) put_source(page, source);
  for (const VolumeInfo& volume : page.x.volumes) put_volume(page, volume);
  std::string line;
  for (const std::string& argument : command) {
    // Quoted where a shell would need it.
    const bool plain = !argument.empty() && argument.find_first_not_of(
                                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                "_-./=:,+@%") == std::string::npos;
    line += (line.empty() ? "" : " ") + (plain ? argument : "'" + argument + "'");
  }
  page.put(
      fmt::format("<article><h3>How it was read</h3><dl>\n{}{}</dl>\n<p class=\"note\">When it ran, the SHA-256 of this report and of each "
                  "other output are in <code>manifest.json</code>; <code>trimcarve verify DIR</code> checks them, and reads every cited "
                  "byte of the evidence again. The evidence was opened read-only.</p></article>\n</section>\n",
                  html_field("tool", fmt::format("trimcarve {}", version())),
                  html_field("command", line.empty() ? "" : "<code class=\"command\">" + html_text(line) + "</code>")));
}

}  // namespace trimcarve::report
