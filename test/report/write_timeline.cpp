// Writes timeline.csv, .jsonl, .body, .tsk.body and .sqlite of the hostile example into a folder, and its names (UTF-8, each ended by two
// NULs) into names: for timeline_readers_test.py.
#include <cstdio>
#include <fstream>
#include <string>

#include "report/timeline/timeline_file.hpp"
#include "report/timeline_example.hpp"

using namespace trimcarve;
using namespace trimcarve::report;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  const test::TimelineExample example;
  const auto write = [&](const std::string& name, TimelineFormat format, BodyStyle style) {
    std::ofstream file(folder + "/" + name, std::ios::binary);
    TimelineText timeline(
        format, [&file](std::string_view text) { file.write(text.data(), static_cast<std::streamsize>(text.size())); }, style);
    for (const TimelineEntry& entry : example.entries()) timeline.add(entry);
    timeline.finish();
  };
  write("timeline.csv", TimelineFormat::csv, BodyStyle::plain);
  write("timeline.jsonl", TimelineFormat::jsonl, BodyStyle::plain);
  write("timeline.body", TimelineFormat::body, BodyStyle::plain);
  write("timeline.tsk.body", TimelineFormat::body, BodyStyle::sleuthkit);
  std::ofstream(folder + "/timeline.sqlite").close();
  TimelineDatabase database(folder + "/timeline.sqlite", "timeline.sqlite");
  for (const TimelineEntry& entry : example.entries()) database.add(entry);
  database.finish();
  std::ofstream names(folder + "/names", std::ios::binary);
  for (const std::u16string& name : test::TimelineExample::names()) {
    const std::string text = to_utf8(name);
    names.write(text.data(), static_cast<std::streamsize>(text.size()));
    names.write("\0\0", 2);
  }
  return 0;
}
