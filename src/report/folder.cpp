#include "report/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "report/case_sqlite.hpp"
#include "report/document.hpp"
#include "report/html/html.hpp"
#include "report/recovered.hpp"
#include "report/timeline/timeline_file.hpp"
#include "report/uco/case_jsonld.hpp"

namespace trimcarve::report {

namespace {

constexpr std::string_view recovered = "recovered";
constexpr const char* unfinished_recovered = "recovered.unfinished";
constexpr const char* unfinished_findings = "findings.json.unfinished";
constexpr const char* unfinished_graph = "case.jsonld.unfinished";
constexpr const char* unfinished_case = "case.sqlite.unfinished";
constexpr const char* unfinished_report = "report.html.unfinished";
constexpr const char* unfinished_manifest = "manifest.json.unfinished";

bool is_empty(int folder) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* listing = copy < 0 ? nullptr : ::fdopendir(copy);
  if (listing == nullptr) {
    if (copy >= 0) ::close(copy);
    return false;
  }
  bool empty = true;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") empty = false;
  }
  ::closedir(listing);
  return empty;
}

// The command line with DIR in place of the output folder: two runs that differ in it only write the same report. The manifest has it as
// it was.
std::vector<std::string> without_output(std::vector<std::string> command) {
  for (std::size_t i = 0; i < command.size(); ++i) {
    std::string& argument = command[i];
    if (argument == "-o" || argument == "--output") {
      if (i + 1 < command.size()) command[++i] = "DIR";
    } else if (argument.starts_with("--output=")) {
      argument = "--output=DIR";
    } else if (argument.starts_with("-o") && argument.size() > 2) {
      argument = "-oDIR";
    }
  }
  return command;
}

}  // namespace

OutputFolder::OutputFolder(std::string path) : path_(std::move(path)) {
  if (::mkdir(path_.c_str(), 0755) == 0)
    made_folder_ = true;
  else if (errno != EEXIST)
    throw RunError(ExitCode::output, path_, "cannot make the output folder", system_error());
  folder_ = Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_) throw RunError(ExitCode::output, path_, "cannot open the output folder", system_error());
  if (!made_folder_ && !is_empty(folder_.get())) {
    finished_ = true;  // nothing of ours in it
    throw RunError(ExitCode::output, path_, "will not write here", "the folder is not empty");
  }
}

OutputFolder::~OutputFolder() {
  if (folder_ && !finished_) take_away();
}

void OutputFolder::take_away() noexcept {
  for (const std::string& relative : made_ | std::views::reverse)
    if (::unlinkat(folder_.get(), relative.c_str(), 0) != 0) ::unlinkat(folder_.get(), relative.c_str(), AT_REMOVEDIR);
  if (made_folder_) ::rmdir(path_.c_str());
}

NewFile OutputFolder::create(const std::string& relative) {
  // Each folder is made and entered by itself, so that nobody's symbolic link leads elsewhere.
  Descriptor at;
  int from = folder_.get();
  std::size_t begin = 0;
  for (auto slash = relative.find('/'); slash != std::string::npos; slash = relative.find('/', begin)) {
    const std::string part = relative.substr(begin, slash - begin);
    if (::mkdirat(from, part.c_str(), 0755) == 0)
      made_.push_back(relative.substr(0, slash));
    else if (errno != EEXIST)
      throw RunError(ExitCode::output, path_ + "/" + relative, "cannot make its folder", system_error());
    Descriptor next(::openat(from, part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) throw RunError(ExitCode::output, path_ + "/" + relative, "cannot enter its folder", system_error());
    at = std::move(next);
    from = at.get();
    begin = slash + 1;
  }
  NewFile file(from, relative.substr(begin), path_ + "/" + relative);
  made_.push_back(relative);
  return file;
}

// Contents have their own names from the start, so their folder has not: what was cut short by a kill does not look whole.
void OutputFolder::write_recovered(Examination& examination, const std::atomic<bool>* cancel) {
  const auto now_at = [](const std::string& relative) { return unfinished_recovered + relative.substr(recovered.size()); };
  recover_contents(
      examination, [&](const std::string& relative) { return create(now_at(relative)); },
      [this](const std::string& relative, const NewFile::Done& done) { outputs_.push_back({relative, done.size, done.sha256}); },
      [&](const std::string& relative) {
        ::unlinkat(folder_.get(), now_at(relative).c_str(), 0);
        std::erase(made_, now_at(relative));
      },
      cancel);
  if (made_.empty()) return;
  if (::renameat(folder_.get(), unfinished_recovered, folder_.get(), recovered.data()) != 0)
    throw RunError(ExitCode::output, path_ + "/recovered", "cannot rename", system_error());
  for (std::string& made : made_) made.replace(0, std::string_view(unfinished_recovered).size(), recovered);
}

void OutputFolder::write_findings(const Examination& examination) {
  NewFile file = create(unfinished_findings);
  write_document(examination, [&file](std::string_view text) { file.write(text); });
  const auto done = file.close();
  if (::renameat(folder_.get(), unfinished_findings, folder_.get(), "findings.json") != 0)
    throw RunError(ExitCode::output, path_ + "/findings.json", "cannot rename", system_error());
  made_.emplace_back("findings.json");
  outputs_.push_back({"findings.json", done.size, done.sha256});
}

void OutputFolder::write_case(const Examination& examination) {
  create(unfinished_case).close();
  write_case_database(examination, path_ + "/" + unfinished_case, path_ + "/case.sqlite");
  const auto file = open_inside(folder_.get(), unfinished_case);
  const auto done = file ? identify(file->get()) : Result<FileIdentity>(fail(file.error().what));
  if (!done) throw RunError(ExitCode::output, path_ + "/case.sqlite", "cannot read it again", done.error().what);
  if (::renameat(folder_.get(), unfinished_case, folder_.get(), "case.sqlite") != 0)
    throw RunError(ExitCode::output, path_ + "/case.sqlite", "cannot rename", system_error());
  made_.emplace_back("case.sqlite");
  outputs_.push_back({"case.sqlite", done->size, done->sha256});
}

void OutputFolder::write_graph(const Examination& examination, const RunIdentity& run) {
  const auto findings = std::ranges::find(outputs_, "findings.json", &Output::path);
  NewFile file = create(unfinished_graph);
  write_case_jsonld(examination, without_output(run.command), findings->sha256, [&file](std::string_view text) { file.write(text); });
  const auto done = file.close();
  if (::renameat(folder_.get(), unfinished_graph, folder_.get(), "case.jsonld") != 0)
    throw RunError(ExitCode::output, path_ + "/case.jsonld", "cannot rename", system_error());
  made_.emplace_back("case.jsonld");
  outputs_.push_back({"case.jsonld", done.size, done.sha256});
}

void OutputFolder::write_report(const Examination& examination, const RunIdentity& run) {
  NewFile file = create(unfinished_report);
  write_html(examination, without_output(run.command), [&file](std::string_view text) { file.write(text); });
  const auto done = file.close();
  if (::renameat(folder_.get(), unfinished_report, folder_.get(), "report.html") != 0)
    throw RunError(ExitCode::output, path_ + "/report.html", "cannot rename", system_error());
  made_.emplace_back("report.html");
  outputs_.push_back({"report.html", done.size, done.sha256});
}

void OutputFolder::write_timeline(const Examination& examination, TimelineFormat format, const std::string& name,
                                  const std::atomic<bool>* cancel) {
  const std::string unfinished = name + ".unfinished";
  NewFile file = create(unfinished);
  TimelineText timeline(format, [&file](std::string_view text) { file.write(text); });
  tell_examination(examination, [&timeline](const TimelineEntry& entry) { timeline.add(entry); });
  timeline.finish(cancel);
  const auto done = file.close();
  if (::renameat(folder_.get(), unfinished.c_str(), folder_.get(), name.c_str()) != 0)
    throw RunError(ExitCode::output, path_ + "/" + name, "cannot rename", system_error());
  made_.push_back(name);
  outputs_.push_back({name, done.size, done.sha256});
}

void OutputFolder::write_manifest(const Examination& examination, const RunIdentity& run) {
  NewFile file = create(unfinished_manifest);
  file.write(manifest_text(examination, run, outputs_));
  file.close();
  // Everything must be on the disk before the manifest says so. syncfs also reports what a delayed write lost.
  if (::syncfs(folder_.get()) != 0) throw RunError(ExitCode::output, path_, "cannot write", system_error());
  if (::renameat(folder_.get(), unfinished_manifest, folder_.get(), "manifest.json") != 0)
    throw RunError(ExitCode::output, path_ + "/manifest.json", "cannot rename", system_error());
}

void OutputFolder::write(Examination& examination, const RunIdentity& run, const std::atomic<bool>* cancel) {
  write_recovered(examination, cancel);
  write_findings(examination);
  write_case(examination);
  write_graph(examination, run);
  write_report(examination, run);
  write_timeline(examination, TimelineFormat::csv, "timeline.csv", cancel);
  write_timeline(examination, TimelineFormat::jsonl, "timeline.jsonl", cancel);
  write_timeline(examination, TimelineFormat::body, "timeline.body", cancel);
  if (cancel != nullptr && *cancel) throw RunError(ExitCode::interrupted, path_, "stopped", "interrupted");
  write_manifest(examination, run);
  finished_ = true;
}

}  // namespace trimcarve::report
