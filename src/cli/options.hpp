// The command line, read and checked. What cannot be meant is a usage error here, before anything is opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/timeline/timeline_file.hpp"
#include "trimcarve/examine.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::cli {

enum class Command { examine, timeline, info, verify };
enum class Format { summary, json, lines };

struct Options {
  Command command = Command::examine;
  std::vector<Request> requests;  // examine: one for each image, or one for the artefacts
  std::string folder;             // examine -o, or verify's DIR
  std::string file;               // timeline -o; empty: standard output
  report::TimelineFormat timeline_format = report::TimelineFormat::csv;
  report::BodyStyle body_style = report::BodyStyle::plain;
  std::vector<std::string> evidence;  // verify: where the inputs are now
  Format format = Format::summary;
  bool quiet = false, progress = true;
  bool sandbox = true;
  std::uint32_t jobs = 1;  // images examined at a time
};

// `text` is what --help or --version asks for; then nothing else is to be done. Throws RunError{usage}.
struct Parsed {
  Options options;
  std::optional<std::string> text;
};
Parsed parse(int argc, const char* const* argv);

// Images as given, the parts of a split one (`disk.001`, `disk.002`, ...) that stand side by side taken together.
std::vector<std::vector<std::string>> group_images(const std::vector<std::string>& paths);

// A target as the examination wants it: a profile's name, or a path that begins with a backslash (`C:/Temp` becomes `\Temp`). Throws
// RunError{usage} when it is neither.
std::string target_of(const std::string& text);

// A folder's name for each of several images, no two alike even where case does not count.
std::vector<std::string> folder_names(const std::vector<Request>& requests);

}  // namespace trimcarve::cli
