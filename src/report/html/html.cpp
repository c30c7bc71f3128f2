#include "report/html/html.hpp"

#include <fmt/format.h>

#include "report/html/assets.hpp"
#include "report/html/page.hpp"
#include "report/version.hpp"

namespace trimcarve::report {

namespace {

std::string title_of(const Examination& x) {
  std::string_view path = x.sources.empty() ? std::string_view("evidence") : std::string_view(x.sources.front().path);
  return html_text(path.substr(path.rfind('/') + 1));
}

void put_head(Page& page) {
  // The policy stands before anything it is to govern. Inline style attributes and event handlers are forbidden with the rest.
  page.put(
      fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src '{}'; style-src '{}'; "
                  "base-uri 'none'; form-action 'none'\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
                  "<meta name=\"generator\" content=\"trimcarve {}\">\n<title>{}: trimcarve report</title>\n<style>",
                  report_js_hash, report_css_hash, version(), title_of(page.x)));
  page.put(report_css);
  page.put("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the findings of the examination</a>\n");
}

void put_navigation(Page& page) {
  page.put(fmt::format("<header>\n<p class=\"file\"><b>trimcarve</b> report of <b>{}</b></p>\n<nav aria-label=\"Parts of the report\">",
                       title_of(page.x)));
  const auto link = [&page](std::string_view id, std::string_view name) { page.put(fmt::format("<a href=\"#{}\">{}</a>", id, name)); };
  link("verdict", "Verdict");
  link("story", "Story");
  link("runs", "Runs");
  link("files", "Files");
  link("trim", "TRIM map");
  link("findings", "Findings");
  link("coverage", "Coverage");
  link("input", "Input");
  page.put("</nav>\n</header>\n<main id=\"main\">\n");
}

}  // namespace

void write_html(const Examination& examination, const std::vector<std::string>& command, const Sink& sink) {
  Page page(examination, sink);
  put_head(page);
  put_navigation(page);
  put_verdicts(page);
  put_stories(page);
  put_runs(page);
  put_files(page);
  put_trim_map(page);
  put_findings(page);
  put_coverage(page);
  put_inputs(page, command);
  page.put("</main>\n");
  put_file_data(page);
  put_sighting_data(page);
  page.put("<script>");
  page.put(report_js);
  page.put("</script>\n</body>\n</html>\n");
  page.flush();
}

}  // namespace trimcarve::report
