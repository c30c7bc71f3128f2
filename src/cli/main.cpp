// trimcarve: the command line program.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "report/document.hpp"
#include "report/folder.hpp"
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

  Progress progress() {
    Progress progress;
    progress.report = [this](std::string_view stage, std::uint64_t done, std::uint64_t total) { progress_.show(stage, done, total); };
    progress.cancel = &cancel_;
    return progress;
  }

  ExitCode timeline() {
    const Request& request = options_.requests.front();
    std::optional<report::OutputFile> file;
    if (!options_.file.empty()) file.emplace(options_.file);
    const auto tell = [&](auto&& writer) {
      Examination told = trimcarve::timeline(request, [&](const TimelineEntry& entry) { writer.add(entry); }, progress());
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
    const bool several = options_.requests.size() > 1;
    std::optional<report::OutputFolder> above;
    std::vector<std::string> folders(options_.requests.size(), options_.folder);
    if (several && !options_.folder.empty()) {
      above.emplace(options_.folder);
      const auto names = folder_names(options_.requests);
      for (std::size_t i = 0; i < names.size(); ++i) folders[i] = options_.folder + "/" + names[i];
    }
    ExitCode worst = ExitCode::done;
    for (std::size_t i = 0; i < options_.requests.size(); ++i) {
      ExitCode code;
      try {
        code = examine_one(options_.requests[i], static_cast<std::uint32_t>(i), folders[i]);
      } catch (const RunError& error) {
        // An image that cannot be read does not keep the others from being read; a failed output or an interrupt ends all.
        if (!several || error.code() != ExitCode::input) throw;
        progress_.wipe();
        print_error(error.what());
        code = error.code();
      }
      worst = std::max(worst, code);
    }
    out_.flush();
    return worst;
  }

  ExitCode examine_one(const Request& request, std::uint32_t image, const std::string& folder) {
    std::optional<report::OutputFolder> output;
    if (!folder.empty()) output.emplace(folder);
    Examination examination = examine(request, progress());
    progress_.wipe();
    if (output) output->write(examination, run_, &cancel_);
    if (cancel_) throw RunError(ExitCode::interrupted, "run", "stopped", "interrupted");
    print(examination, image);
    if (output && options_.format == Format::summary && !options_.quiet)
      out_.write(fmt::format("\nWritten to {0}; check it at any time with: trimcarve verify {0}\n", for_terminal(folder)));
    return examination.complete ? ExitCode::done : ExitCode::incomplete;
  }

  void print(const Examination& examination, std::uint32_t image) {
    switch (options_.format) {
      case Format::json: report::write_document(examination, sink()); break;
      case Format::lines: report::write_lines(examination, image, sink()); break;
      case Format::summary:
        if (options_.quiet) break;
        if (image > 0) out_.write("\n");
        (options_.command == Command::info ? report::write_info : report::write_console)(examination, console_style(), sink());
        break;
    }
  }

  Options options_;
  report::RunIdentity run_;
  const std::atomic<bool>& cancel_;
  Output out_;
  ProgressLine progress_;
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
