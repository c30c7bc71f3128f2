// trimcarve: the command line program.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

#include "cli/many.hpp"
#include "cli/options.hpp"
#include "cli/sandbox.hpp"
#include "cli/terminal.hpp"
#include "report/document.hpp"
#include "report/folder.hpp"
#include "report/json_writer.hpp"
#include "report/output_file.hpp"
#include "report/timeline/timeline_file.hpp"
#include "report/verify.hpp"
#include "trimcarve/text.hpp"
#include "trimcarve/timeline.hpp"

namespace trimcarve::cli {

namespace {

report::RunIdentity run_identity(int argc, const char* const* argv) {
  report::RunIdentity run;
  run.command.assign(argv, argv + argc);
  if (char* here = ::getcwd(nullptr, 0); here != nullptr) {
    run.working_directory = here;
    std::free(here);
  }
  run.started = report::now_iso8601();
  return run;
}

class Program {
 public:
  Program(Options options, report::RunIdentity run, const std::atomic<bool>& cancel)
      : options_(std::move(options)), run_(std::move(run)), cancel_(cancel), out_(cancel), progress_(options_.progress) {}

  ExitCode run() {
    switch (options_.command) {
      case Command::verify: return verify();
      case Command::timeline: return timeline();
      default: return examine_all();
    }
  }

 private:
  report::Sink sink() {
    return [this](std::string_view text) { out_.write(text); };
  }

  ExitCode verify() {
    report::VerifyProgress progress;
    progress.report = [this](std::uint64_t done, std::uint64_t total) { progress_.show("verify", done, total); };
    progress.cancel = &cancel_;
    const report::Sink lines = [this](std::string_view text) {
      if (!options_.quiet) out_.write(text);
    };
    // What a forged manifest names can be read, but nothing can be written, sent or started.
    if (options_.sandbox) enter_sandbox({.read_all = true});
    ExitCode code;
    try {
      code = report::verify({options_.folder, options_.evidence}, lines, progress);
    } catch (const RunError& error) {
      // What was found before a damaged document ended the run is worth having.
      progress_.wipe();
      if (error.code() == ExitCode::input) out_.flush();
      throw;
    }
    progress_.wipe();
    out_.flush();
    return code;
  }

  // `rules`: what may still be opened once the inputs are.
  Progress progress(SandboxRules rules) {
    Progress progress;
    if (!child_)
      progress.report = [this](std::string_view stage, std::uint64_t done, std::uint64_t total) { progress_.show(stage, done, total); };
    progress.cancel = &cancel_;
    if (options_.sandbox) progress.opened = [this, rules = std::move(rules)] { sandbox_ = enter_sandbox(rules); };
    return progress;
  }

  // The folder in which this name stands.
  static std::string folder_of(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  }

  ExitCode timeline() {
    const Request& request = options_.requests.front();
    std::optional<report::OutputFile> file;
    if (!options_.file.empty()) file.emplace(options_.file);
    SandboxRules rules;
    if (file) rules = {.files = {file->unfinished()}, .places = {folder_of(options_.file)}};
    const auto tell = [&](auto&& writer) {
      Examination told = trimcarve::timeline(request, [&](const TimelineEntry& entry) { writer.add(entry); }, progress(rules));
      progress_.wipe();
      writer.finish(&cancel_);
      return std::pair(std::move(told), writer.rows());
    };
    const report::Sink text = file ? report::Sink([&](std::string_view rows) { file->write(rows); }) : sink();
    auto [told, rows] = options_.timeline_format == report::TimelineFormat::sqlite
                            ? tell(report::TimelineDatabase(file->unfinished(), options_.file))
                            : tell(report::TimelineText(options_.timeline_format, text, options_.body_style));
    if (cancel_) throw RunError(ExitCode::interrupted, "run", "stopped", "interrupted");
    out_.flush();
    if (file) file->finish();
    if (!options_.quiet) {
      for (const Warning& warning : told.warnings) print_error(fmt::format("{}: {}", told.complete ? "note" : "warning", warning.text));
      if (file) print_error(fmt::format("{}: {} rows written{}", options_.file, rows, told.complete ? "" : "; incomplete, see above"));
    }
    return told.complete ? ExitCode::done : ExitCode::incomplete;
  }

  ExitCode examine_all() {
    if (options_.requests.size() > 1) return examine_many();
    std::string summary;
    const ExitCode code = examine_one(0, options_.folder, summary);
    out_.flush();
    return code;
  }

  // An image that cannot be read, or that brings its process down, does not keep the others from being read; a failed output ends all.
  ExitCode examine_many() {
    const auto names = folder_names(options_.requests);
    std::optional<report::OutputFolder> above;
    std::optional<report::OutputFile> summaries;
    if (!options_.folder.empty()) {
      above.emplace(options_.folder);
      summaries.emplace(options_.folder + "/summary.jsonl");
    }
    const auto folder = [&](std::size_t n) { return above ? options_.folder + "/" + names[n] : std::string(); };
    const auto work = [&](std::size_t n, std::string& summary) {
      child_ = true;
      try {
        const ExitCode code = examine_one(n, folder(n), summary);
        out_.flush();
        return code;
      } catch (const RunError& error) {
        if (error.code() != ExitCode::interrupted) print_error(error.what());
        if (summary.empty()) summary = summary_line(n, error.code(), nullptr, error.what());
        return error.code();
      } catch (const std::bad_alloc&) {
        print_error(options_.requests[n].image.front() + ": memory: cannot go on: not enough of it");
        summary = summary_line(n, ExitCode::input, nullptr, "not enough memory");
        return ExitCode::input;
      }
    };
    const auto outcomes = run_many(options_.requests.size(), options_.jobs, work, out_, cancel_,
                                   [this](std::size_t done) { progress_.show("images", done, options_.requests.size()); });
    progress_.wipe();
    ExitCode worst = ExitCode::done;
    for (std::size_t n = 0; n < outcomes.size(); ++n) {
      const ImageOutcome& outcome = outcomes[n];
      if (!outcome.started) continue;
      worst = std::max(worst, outcome.code);
      std::string line = outcome.summary;
      if (outcome.signal != 0) {
        const std::string why = fmt::format("the process that read it was ended by signal {}", outcome.signal);
        print_error(fmt::format("{}: cannot be examined: {}", options_.requests[n].image.front(), why));
        line = summary_line(n, outcome.code, nullptr, why);
      }
      if (summaries) summaries->write(line);
    }
    if (cancel_) throw RunError(ExitCode::interrupted, "run", "stopped", "interrupted");
    out_.flush();
    if (summaries) summaries->finish();
    return worst;
  }

  // One line of summary.jsonl: an image, and what came of it.
  std::string summary_line(std::size_t n, ExitCode code, const Examination* examination, std::string_view error) {
    std::string line;
    report::JsonWriter json([&line](std::string_view text) { line += text; });
    json.begin_object();
    json.key("image").value(options_.requests[n].image.front());
    json.key("exit_code").value(static_cast<int>(code));
    json.key("error");
    error.empty() ? json.null() : json.value(error);
    json.key("folder");
    options_.folder.empty() ? json.null() : json.value(folder_names(options_.requests)[n]);
    json.key("complete").value(examination != nullptr && examination->complete);
    json.key("targets").begin_array();
    if (examination != nullptr)
      for (const TargetReport& target : examination->targets) {
        json.begin_object();
        json.key("target").value(target.target);
        json.key("verdict").value(to_string(target.verdict));
        json.key("grade").value(to_string(target.grade));
        json.key("runs").value(target.runs.size());
        // The last removal.
        const Bounds* removed = nullptr;
        for (const Instance& instance : target.instances)
          if (instance.removed && (removed == nullptr || instance.removed->latest > removed->latest)) removed = &*instance.removed;
        for (const auto& [name, end] : {std::pair("removed_earliest", removed != nullptr ? removed->earliest : std::nullopt),
                                        std::pair("removed_latest", removed != nullptr ? removed->latest : std::nullopt)}) {
          json.key(name);
          end ? json.value(to_iso8601(*end)) : json.null();
        }
        json.end_object();
      }
    json.end_array();
    json.end_object();
    json.end_line();
    json.flush();
    return line;
  }

  ExitCode examine_one(std::size_t n, const std::string& folder, std::string& summary) {
    std::optional<report::OutputFolder> output;
    if (!folder.empty()) output.emplace(folder);
    SandboxRules rules;
    if (output) rules = {.folders = {folder}, .places = {folder_of(folder)}};
    Examination examination = examine(options_.requests[n], progress(rules));
    progress_.wipe();
    if (output) output->write(examination, run_, &cancel_);
    if (cancel_) throw RunError(ExitCode::interrupted, "run", "stopped", "interrupted");
    print(examination, n);
    if (output && options_.format == Format::summary && !options_.quiet)
      out_.write(fmt::format("\nWritten to {0}; check it at any time with: trimcarve verify {0}\n", for_terminal(folder)));
    const ExitCode code = examination.complete ? ExitCode::done : ExitCode::incomplete;
    if (child_) summary = summary_line(n, code, &examination, "");
    return code;
  }

  void print(const Examination& examination, std::size_t image) {
    switch (options_.format) {
      case Format::json: report::write_document(examination, sink()); break;
      case Format::lines: report::write_lines(examination, static_cast<std::uint32_t>(image), sink()); break;
      case Format::summary:
        if (options_.quiet) break;
        if (image > 0) out_.write("\n");
        (options_.command == Command::info ? report::write_info : report::write_console)(examination, console_style(), sink());
        if (options_.command == Command::info) out_.write(fmt::format("\nWhile it was read, this program was restricted: {}\n", sandbox_));
        break;
    }
  }

  Options options_;
  report::RunIdentity run_;
  const std::atomic<bool>& cancel_;
  Output out_;
  ProgressLine progress_;
  bool child_ = false;                           // one of several images, in its own process
  std::string sandbox_ = "no, by --no-sandbox";  // what it is in
};

int run(int argc, const char* const* argv) {
  const std::atomic<bool>& cancel = catch_signals();
  try {
    auto identity = run_identity(argc, argv);
    Parsed parsed = parse(argc, argv);
    if (parsed.text) {
      Output out(cancel);
      out.write(*parsed.text);
      out.flush();
      return 0;
    }
    return static_cast<int>(Program(std::move(parsed.options), std::move(identity), cancel).run());
  } catch (const RunError& error) {
    print_error(error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    print_error("memory: cannot go on: not enough of it");
    return static_cast<int>(ExitCode::input);
  }
}

}  // namespace

}  // namespace trimcarve::cli

int main(int argc, char** argv) { return trimcarve::cli::run(argc, argv); }
