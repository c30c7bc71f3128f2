#include "cli/options.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>

#include "cli/terminal.hpp"
#include "report/safe_name.hpp"
#include "report/version.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::cli {

namespace {

constexpr const char* footer = R"(Examples:
  trimcarve examine disk.vhd                       summary for people
  trimcarve examine disk.vhd -o case1              findings.json, recovered/, manifest.json
  trimcarve examine disk.vhd --target run-command --target '\Users\bob'
  trimcarve examine --mft '$MFT' --usnjrnl '$J'    extracted artefacts instead of a disk
  trimcarve examine disk.vhd --activity-log activity.json --artifact Security.evtx
  trimcarve timeline disk.vhd -o disk.csv          everything on its volumes that has a time
  trimcarve info disk.vhd                          container, partitions, volumes, journals
  trimcarve verify case1 disk.vhd                  read every cited byte again

Exit codes:
  0    done
  1    done, but incomplete: damage, an unread volume, a short image; or verify found a difference
  2    usage
  3    input unreadable or unsupported
  4    output failed, or its folder is not empty
  130  interrupted
Of several images, the worst of them.)";

RunError usage(const std::string& what, const std::string& why) { return {ExitCode::usage, "command line", what, why}; }

// The first line of what a descriptor gives; a password on the command line would stand in every process list.
std::string read_password(std::string_view option, std::uint32_t descriptor) {
  constexpr std::size_t longest = 4096;
  std::string line;
  for (char c = 0; line.size() < longest;) {
    const ssize_t got = descriptor > 0x7FFFFFFFU ? -1 : ::read(static_cast<int>(descriptor), &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw usage(fmt::format("{} {}", option, descriptor), "it cannot be read");
    if (got == 0 || c == '\n') break;
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) throw usage(fmt::format("{} {}", option, descriptor), "no password came from it");
  return line;
}

std::string base_name(const std::string& path) {
  const auto end = path.find_last_not_of('/');
  if (end == std::string::npos) return "image";
  const auto slash = path.rfind('/', end);
  return path.substr(slash == std::string::npos ? 0 : slash + 1, end - (slash == std::string::npos ? 0 : slash + 1) + 1);
}

// `disk.007`: the stem, how many digits, and the number.
struct Part {
  std::string stem;
  std::size_t digits = 0;
  unsigned number = 0;
};
std::optional<Part> part_of(const std::string& path) {
  const auto dot = path.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  const std::string ending = path.substr(dot + 1);
  Part part{path.substr(0, dot), ending.size(), 0};
  if (ending.size() < 2 || ending.size() > 6) return std::nullopt;
  const auto [stop, error] = std::from_chars(ending.data(), ending.data() + ending.size(), part.number);
  if (error != std::errc{} || stop != ending.data() + ending.size()) return std::nullopt;
  return part;
}

void read_timeline(const std::string& format, const std::string& body_compat, Options& options) {
  const auto asked = report::timeline_format(format);
  if (!format.empty() && !asked) throw usage("--format " + format, "it is none of csv, jsonl, body, sqlite");
  const auto by_name = report::timeline_format_of_file(options.file);
  if (!asked && !options.file.empty() && !by_name)
    throw usage("-o " + options.file, "its ending (.csv, .jsonl, .body, .sqlite) does not tell the format: give --format");
  options.timeline_format = asked ? *asked : by_name.value_or(report::TimelineFormat::csv);
  if (options.timeline_format == report::TimelineFormat::sqlite && options.file.empty())
    throw usage("--format sqlite", "a database cannot be written to standard output: give -o FILE");
  if (body_compat.empty()) return;
  if (body_compat != "tsk") throw usage("--body-compat " + body_compat, "the only one is tsk");
  if (options.timeline_format != report::TimelineFormat::body) throw usage("--body-compat", "it goes with --format body");
  options.body_style = report::BodyStyle::sleuthkit;
}

}  // namespace

std::vector<std::vector<std::string>> group_images(const std::vector<std::string>& paths) {
  std::vector<std::vector<std::string>> groups;
  std::optional<Part> before;
  for (const std::string& path : paths) {
    const auto part = part_of(path);
    const bool follows =
        part && before && part->stem == before->stem && part->digits == before->digits && part->number == before->number + 1;
    if (follows)
      groups.back().push_back(path);
    else
      groups.push_back({path});
    before = part;
  }
  return groups;
}

std::string target_of(const std::string& text) {
  const auto profiles = profile_names();
  if (std::ranges::find(profiles, text) != profiles.end()) return text;
  std::string path = text;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (path.size() >= 2 && letter(path[0]) && path[1] == ':') path.erase(0, 2);
  std::ranges::replace(path, '/', '\\');
  if (path.starts_with('\\')) return path;
  throw usage("--target " + text, fmt::format("neither a path that begins with a backslash nor a profile ({})", fmt::join(profiles, ", ")));
}

std::vector<std::string> folder_names(const std::vector<Request>& requests) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const Request& request : requests) {
    const std::string base = report::safe_component(to_utf16(base_name(request.image.front())));
    std::string name = base;
    const auto folded = [](std::string text) {
      std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      return text;
    };
    for (unsigned n = 2; !taken.insert(folded(name)).second; ++n) name = fmt::format("{}~{}", base, n);
    names.push_back(name);
  }
  return names;
}

Parsed parse(int argc, const char* const* argv) {
  Parsed parsed;
  Options& options = parsed.options;
  Request artefacts;
  std::vector<std::string> images, targets;
  std::optional<std::uint32_t> volume, password_fd, certificate_password_fd;
  bool json = false, lines = false, no_progress = false, no_log_replay = false, no_shadows = false;
  bool no_sandbox = false, ask_password = false, free_space = false, no_free_space = false;

  CLI::App app(
      "Finds what was deleted from NTFS volumes, above all on Azure disks whose free clusters were trimmed, with the bytes each statement "
      "rests on.",
      "trimcarve");
  app.set_version_flag("--version", fmt::format("trimcarve {}", report::version()), "print the version");
  app.set_help_flag("-h,--help", "print this help");
  app.require_subcommand(1);
  app.footer(footer);

  CLI::App* examine = app.add_subcommand("examine", "examine disk images, or artefacts extracted from one");
  examine->footer(footer);
  examine->add_option("IMAGE", images, "disk image: raw, split raw, VHD, VHDX, E01, qcow2, VMDK (content decides, not the name)")
      ->type_name("");
  examine
      ->add_option("-o,--output", options.folder,
                   "write findings.json, case.sqlite, case.jsonld, report.html, timelines, recovered/ and manifest.json into this new or "
                   "empty folder "
                   "(several images: one folder each below it)")
      ->type_name("DIR");
  examine
      ->add_option("--target", targets,
                   fmt::format("what to look for: {}, or an NTFS path (\\ is everything); may be repeated [custom-script]",
                               fmt::join(profile_names(), ", ")))
      ->type_name("PROFILE|PATH")
      ->allow_extra_args(false);
  std::string format, body_compat;
  CLI::App* timeline = app.add_subcommand("timeline", "everything on a disk's volumes that has a time, in one list");
  timeline->footer(footer);
  timeline->add_option("IMAGE", images, "disk image, as for examine")->type_name("");
  timeline
      ->add_option("--format", format,
                   "csv or jsonl (as Timesketch takes them), body (for mactime and plaso), sqlite [by FILE's ending, else csv]")
      ->type_name("FORMAT");
  timeline->add_option("-o,--output", options.file, "write into this new file [standard output]")->type_name("FILE");
  timeline
      ->add_option(
          "--body-compat", body_compat,
          "tsk: a body file with whole seconds, %7C, and inodes as fls has them [fractions, \\|, file references: as plaso reads them]")
      ->type_name("tsk");
  CLI::App* info = app.add_subcommand("info", "tell what a disk image is: container, partitions, volumes, journals, what TRIM left");
  info->footer(footer);
  info->add_option("IMAGE", images, "disk image")->required()->type_name("");
  info->add_flag("--json", json, "print it as JSON, in the form of findings.json");
  for (CLI::App* command : {examine, timeline, info}) {
    command->add_option("--parent", artefacts.parents, "a parent of the differencing image, when it is not beside it; may be repeated")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command->add_flag("--no-log-replay", no_log_replay, "examine a VHDX with a pending log in the state before it");
    command
        ->add_option(
            "--page-ranges", artefacts.page_ranges,
            "the page ranges of the blob (XML or JSON): what they leave out of a raw image or fixed VHD was never written, or cleared")
        ->type_name("FILE");
    command
        ->add_option("--recovery-key", artefacts.recovery_key,
                     "opens BitLocker volumes: the text file that Windows saved, or the 48 digits")
        ->type_name("FILE");
    command->add_option("--startup-key", artefacts.startup_key, "opens BitLocker volumes: a .BEK file")->type_name("FILE");
    CLI::Option* password_option =
        command
            ->add_option("--bitlocker-password-fd", password_fd, "opens BitLocker volumes: reads the password's line from this descriptor")
            ->type_name("N");
    command->add_flag("--bitlocker-password", ask_password, "opens BitLocker volumes: asks for the password at the terminal")
        ->excludes(password_option);
    command->add_option("--volume", volume, "only this NTFS volume, counted from 0")->type_name("N");
    command->add_flag("--search-all", artefacts.search_all,
                      "search every sector of data that no volume explains for lost volumes, however much there is");
    command->add_flag("--no-shadows", no_shadows, "leave volume shadow copies out");
  }
  examine->add_option("-j,--jobs", options.jobs, "of several images, how many are examined at a time [1]")
      ->type_name("N")
      ->check(CLI::Range(1U, 1024U).description(""));
  CLI::Option* free_flag = examine->add_flag(
      "--free-space", free_space,
      fmt::format("search free clusters and the slack of files, however much is stored there [up to {} GiB]", free_space_by_default >> 30));
  examine->add_flag("--no-free-space", no_free_space, "do not search them")->excludes(free_flag);
  examine->add_flag("--whole-volume", artefacts.whole_volume, "search the clusters that files have, too (page files, memory dumps)");
  examine->add_option("--yara", artefacts.yara, "YARA rules: those that match mark the contents and fragments that came back")
      ->type_name("FILE");
  CLI::Option* json_flag = examine->add_flag("--json", json, "print the whole document (as findings.json) instead of the summary");
  examine->add_flag("--jsonl", lines, "print one JSON object a line instead of the summary")->excludes(json_flag);
  examine
      ->add_option("--certificate", artefacts.certificate,
                   "PFX or PEM with the certificate and key that protectedSettings were sealed for: they are decrypted")
      ->type_name("FILE");
  examine
      ->add_option("--certificate-password-fd", certificate_password_fd,
                   "read the password of --certificate from this open descriptor, up to a line's end [none]")
      ->type_name("N");
  for (CLI::App* command : {examine, timeline}) {
    command
        ->add_option("--max-memory", artefacts.max_memory,
                     "memory that may be used, such as 500M or 2G: beyond it sources are read no further, which the report says [no limit]")
        ->type_name("SIZE")
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::uint64_t{1} << 20, std::uint64_t{1} << 50).description(""));
    command->add_option("--mft", artefacts.mft, "an extracted $MFT")->type_name("FILE");
    command->add_option("--usnjrnl", artefacts.usn_journal, "an extracted $UsnJrnl:$J")->type_name("FILE");
    command->add_option("--logfile", artefacts.log_file, "an extracted $LogFile")->type_name("FILE");
    command->add_option("--index", artefacts.index, "an extracted $I30 ($INDEX_ALLOCATION)")->type_name("FILE");
    command
        ->add_option(
            "--artifact", artefacts.artifacts,
            "a log, event log, hive (with its .LOG1 and .LOG2, given too), status file or zip of logs, by content; may be repeated")
        ->type_name("FILE")
        ->allow_extra_args(false);
    command->add_option("--activity-log", artefacts.activity_log, "the Azure Activity Log as JSON, JSON lines or CSV")->type_name("FILE");
    command->add_option("--boot", artefacts.boot, "the boot sector that goes with them")->type_name("FILE");
  }

  CLI::App* verify = app.add_subcommand("verify", "check a folder that examine wrote, and every byte it cites");
  verify->footer(footer);
  verify->add_option("DIR", options.folder, "the folder")->required()->type_name("");
  verify->add_option("IMAGE", options.evidence, "where the evidence is now [where it was]")->type_name("");

  for (CLI::App* command : {examine, timeline, info, verify}) {
    command->add_flag("-q,--quiet", options.quiet, "print neither summary nor progress; errors only");
    command->add_flag("--no-sandbox", no_sandbox, "keep the rights to open files and sockets while evidence is read");
    command->add_flag("--no-progress", no_progress, "no progress line (there is one only on a terminal)");
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    parsed.text = app.help();
    return parsed;
  } catch (const CLI::CallForVersion&) {
    parsed.text = app.version() + "\n";
    return parsed;
  } catch (const CLI::ParseError& error) {
    throw usage(error.what(), "see trimcarve --help");
  }

  options.sandbox = !no_sandbox;
  options.progress = !no_progress && !options.quiet;
  if (verify->parsed()) {
    options.command = Command::verify;
    return parsed;
  }
  if (info->parsed()) {
    options.command = Command::info;
    artefacts.targets.clear();
  }
  if (timeline->parsed()) {
    options.command = Command::timeline;
    read_timeline(format, body_compat, options);
  }
  options.format = json ? Format::json : lines ? Format::lines : Format::summary;
  const bool extracted =
      !artefacts.mft.empty() || !artefacts.usn_journal.empty() || !artefacts.log_file.empty() || !artefacts.index.empty();
  const bool witnesses = !artefacts.artifacts.empty() || !artefacts.activity_log.empty();
  if (!images.empty() && (extracted || !artefacts.boot.empty())) throw usage("an image and extracted artefacts", "give one or the other");
  if (images.empty() && !extracted && !witnesses)
    throw usage("nothing to examine",
                "give an IMAGE, or --mft, --usnjrnl, --logfile, --index, --artifact or --activity-log; see trimcarve --help");
  if (certificate_password_fd) artefacts.certificate_password = read_password("--certificate-password-fd", *certificate_password_fd);
  if (!targets.empty()) {
    artefacts.targets.clear();
    for (const std::string& target : targets) artefacts.targets.push_back(target_of(target));
  }
  artefacts.volume = volume;
  artefacts.replay_log = !no_log_replay;
  artefacts.shadows = !no_shadows;
  if (ask_password) {
    if (images.empty()) throw usage("--bitlocker-password", "there is no image to open with it");
    artefacts.bitlocker_password = ask_secret("BitLocker password: ");
  }
  if (no_free_space && artefacts.whole_volume) throw usage("--no-free-space and --whole-volume", "give one or the other");
  if (free_space || no_free_space) artefacts.free_space = free_space;
  if (password_fd) artefacts.bitlocker_password = read_password("--bitlocker-password-fd", *password_fd);
  if (images.empty()) options.requests.push_back(artefacts);
  for (auto& group : group_images(images)) {
    Request request = artefacts;
    request.image = std::move(group);
    options.requests.push_back(std::move(request));
  }
  if (options.command == Command::timeline && options.requests.size() > 1)
    throw usage("several images", "a timeline is of one: run it for each");
  if (options.format == Format::json && options.requests.size() > 1)
    throw usage("--json with several images", "it prints one document; use --jsonl, or -o DIR");
  return parsed;
}

}  // namespace trimcarve::cli
