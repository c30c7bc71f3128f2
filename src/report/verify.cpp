#include "report/verify.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "image/open.hpp"
#include "report/document.hpp"
#include "report/files.hpp"
#include "report/manifest.hpp"
#include "report/verify_document.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr std::uint64_t max_manifest = 1 << 28;
constexpr int max_folder_depth = 256;

Result<std::string> read_whole(int fd, std::uint64_t limit) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail("cannot read: " + system_error());
  if (static_cast<std::uint64_t>(info.st_size) > limit) return fail("absurdly large");
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t got = ::pread(fd, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (got <= 0) return fail("cannot read: " + (got == 0 ? "it became shorter" : system_error()));
    at += static_cast<std::size_t>(got);
  }
  return text;
}

// Everything below a folder that is not a folder.
void list_files(int folder, const std::string& prefix, int depth, std::vector<std::string>& found) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* listing = copy < 0 ? nullptr : ::fdopendir(copy);
  if (listing == nullptr) {
    if (copy >= 0) ::close(copy);
    return;
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(listing)) names.emplace_back(entry->d_name);
  ::closedir(listing);
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    const Descriptor below(::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (below && depth < max_folder_depth)
      list_files(below.get(), prefix + name + "/", depth + 1, found);
    else
      found.push_back(prefix + name);
  }
}

// The evidence, opened when it is first needed. Throws RunError{input} when an input cannot be opened.
class Evidence {
 public:
  Evidence(const std::vector<SourceInfo>& sources, const std::vector<std::string>& now, std::string working_directory)
      : working_directory_(std::move(working_directory)) {
    if (!now.empty() && now.size() != sources.size())
      throw RunError(ExitCode::usage, now.front(), "cannot take it for the evidence",
                     fmt::format("{} given, but the examination had {} inputs", now.size(), sources.size()));
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const bool moved = !now.empty();
      const std::string path = moved ? now[i] : found(sources[i].path);
      if (sources[i].container == "file") {
        files_.push_back(path);
      } else {
        if (disk_.empty()) disk_ = path;
        if (sources[i].log) options_.replay_log = sources[i].log->replayed;
        for (const std::string& parent : sources[i].parents) add_parent(path, found(parent), moved);
        if (moved) {  // its parts have moved too
          auto opened = image::open_image({path}, options_);
          files_.insert(files_.end(), opened.info.files.begin(), opened.info.files.end());
          opened_.try_emplace(disk_space, std::move(opened.source));
        } else {
          for (const std::string& file : sources[i].files) files_.push_back(found(file));
        }
      }
    }
  }

  const ByteSource* space(std::uint32_t space) {
    if (const auto at = opened_.find(space); at != opened_.end()) return at->second.get();
    SourcePtr source;
    if (space == disk_space) {
      if (!disk_.empty()) source = image::open_image({disk_}, options_).source;
    } else if (space - 1 < files_.size()) {
      source = image::open_file(files_[space - 1], space - 1).source;
    }
    return (opened_[space] = std::move(source)).get();
  }

 private:
  // A relative path is tried where the examination ran when it is not to be found from here.
  std::string found(const std::string& path) const {
    if (path.starts_with('/') || working_directory_.empty() || ::access(path.c_str(), F_OK) == 0) return path;
    return working_directory_ + "/" + path;
  }

  // Where a parent was when the image was examined, and beside the image when that has moved.
  void add_parent(const std::string& image, const std::string& parent, bool moved) {
    const auto slash = image.rfind('/');
    const std::string beside =
        (slash == std::string::npos ? std::string() : image.substr(0, slash + 1)) + parent.substr(parent.rfind('/') + 1);
    if (moved && ::access(beside.c_str(), F_OK) == 0) options_.parents.push_back(beside);
    if (::access(parent.c_str(), F_OK) == 0) options_.parents.push_back(parent);
  }

  std::string working_directory_;
  std::string disk_;
  image::OpenOptions options_;
  std::vector<std::string> files_;
  std::map<std::uint32_t, SourcePtr> opened_;
};

std::string name_ranges(const std::vector<Range>& ranges) {
  std::string text;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (i == 8) return text + fmt::format(" and {} more", ranges.size() - i);
    text += fmt::format("{}{} {}+{}", i == 0 ? "" : ", ", space_name(ranges[i].space), ranges[i].offset, ranges[i].length);
  }
  return text;
}

class Verifier {
 public:
  Verifier(const VerifyRequest& request, const Sink& out, const VerifyProgress& progress)
      : request_(request), out_(out), progress_(progress) {}

  ExitCode run() {
    folder_ = Descriptor(::open(request_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder_) throw RunError(ExitCode::input, request_.folder, "cannot open the folder", system_error());
    check_outputs();
    check_evidence();
    out_(fmt::format("checked: {} outputs, {} sightings, {} recovered contents; {}\n", outputs_.size(), sightings_, contents_,
                     differences_ == 0 ? "no difference" : fmt::format("{} differences", differences_)));
    return differences_ == 0 ? ExitCode::done : ExitCode::incomplete;
  }

 private:
  void difference(const std::string& what, const std::string& how) {
    ++differences_;
    out_(for_terminal(what) + ": " + for_terminal(how) + "\n");
  }

  [[noreturn]] void damaged(const char* file, const Error& error) const {
    throw RunError(ExitCode::input, request_.folder + "/" + file, "not the result of a finished examination", error.what);
  }

  void check_outputs() {
    const auto file = open_inside(folder_.get(), "manifest.json");
    if (!file) damaged("manifest.json", file.error());
    const auto text = read_whole(file->get(), max_manifest);
    if (!text) damaged("manifest.json", text.error());
    auto manifest = read_manifest(*text);
    if (!manifest) damaged("manifest.json", manifest.error());
    if (!manifest->intact) difference("manifest.json", "changed: its own SHA-256 does not fit");
    working_directory_ = manifest->working_directory;

    std::set<std::string> expected{"manifest.json"};
    for (Output& output : manifest->outputs) {
      stop_if_cancelled();
      expected.insert(output.path);
      check_output(output);
      outputs_.emplace(std::move(output.path), std::move(output.sha256));
    }
    std::vector<std::string> present;
    list_files(folder_.get(), "", 0, present);
    for (const std::string& name : present)
      if (!expected.contains(name)) difference(name, "not in the manifest");
  }

  void check_output(const Output& output) {
    const auto differs = [&](const std::string& how) {
      differing_.insert(output.path);
      difference(output.path, how);
    };
    const auto file = open_inside(folder_.get(), output.path);
    if (!file) return differs(file.error().what);
    const auto identity = identify(file->get());
    if (!identity) return differs(identity.error().what);
    if (identity->size != output.size)
      differs(fmt::format("changed: {} bytes, the manifest says {}", identity->size, output.size));
    else if (identity->sha256 != output.sha256)
      differs(fmt::format("changed: SHA-256 is {}, the manifest says {}", identity->sha256, output.sha256));
  }

  void check_evidence() {
    const auto file = open_inside(folder_.get(), "findings.json");
    if (!file) damaged("findings.json", file.error());
    const auto cited = read_cited(file->get());
    // That it changed has been said; what it cites can then not be checked, and that is no other failure.
    if (!cited && differing_.contains("findings.json"))
      return difference("findings.json", "the evidence is not checked: " + cited.error().what);
    if (!cited) damaged("findings.json", cited.error());
    Evidence evidence(cited->sources, request_.evidence, working_directory_);
    const std::uint64_t total = cited->sightings.size() + cited->contents.size();
    std::uint64_t done = 0;
    const auto step = [&] {
      stop_if_cancelled();
      if (progress_.report && ++done % 1024 == 0) progress_.report(done, total);
    };
    for (const CitedSighting& sighting : cited->sightings) {
      step();
      check_sighting(evidence, sighting);
    }
    for (const CitedContent& content : cited->contents) {
      step();
      check_content(evidence, content);
    }
  }

  void check_sighting(Evidence& evidence, const CitedSighting& sighting) {
    const std::string name = fmt::format("sighting {}", sighting.id);
    ++sightings_;
    if (sighting.ranges.empty() || sighting.sha256.empty()) return difference(name, "cites no bytes: it cannot be checked");
    const auto hash = hash_ranges(evidence, sighting.ranges);
    if (!hash) return difference(name, fmt::format("{} ({})", hash.error().what, name_ranges(sighting.ranges)));
    if (*hash != sighting.sha256)
      difference(name, fmt::format("the evidence has changed at {}: SHA-256 is {}, cited {}", name_ranges(sighting.ranges), *hash,
                                   sighting.sha256));
  }

  void check_content(Evidence& evidence, const CitedContent& content) {
    const std::string name = fmt::format("file {} ({}), content {}+{}", content.file, content.path, content.file_offset, content.length);
    ++contents_;
    if (content.sha256.empty()) return difference(name, "has no hash: it cannot be checked");
    if (!content.recovered_as.empty()) {
      const auto output = outputs_.find(content.recovered_as);
      if (output == outputs_.end())
        difference(name, content.recovered_as + " is not in the manifest");
      else if (output->second != content.sha256)
        difference(name, content.recovered_as + " has another hash in the manifest than in findings.json");
    }
    if (content.ranges.empty()) return;
    const auto hash = hash_ranges(evidence, content.ranges);
    if (!hash) return difference(name, fmt::format("{} ({})", hash.error().what, name_ranges(content.ranges)));
    if (*hash != content.ranges_sha256) difference(name, fmt::format("the evidence has changed at {}", name_ranges(content.ranges)));
  }

  Result<std::string> hash_ranges(Evidence& evidence, const std::vector<Range>& ranges) {
    Sha256 digest;
    for (const Range& range : ranges) {
      const ByteSource* source = evidence.space(range.space);
      if (source == nullptr) return fail("cites an input that the document does not have: " + space_name(range.space));
      if (!fits(source->size(), range.offset, range.length)) return fail("cites bytes past the end of the evidence");
      for (std::uint64_t at = 0; at < range.length;) {
        stop_if_cancelled();
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(1 << 20, range.length - at));
        buffer_.resize(length);
        if (const auto read = source->read_at(range.offset + at, buffer_); !read) return fail("cannot be read: " + read.error().what);
        digest.update(buffer_);
        at += length;
      }
    }
    return digest.finish();
  }

  void stop_if_cancelled() const {
    if (progress_.cancel != nullptr && *progress_.cancel) throw RunError(ExitCode::interrupted, request_.folder, "stopped", "interrupted");
  }

  const VerifyRequest& request_;
  const Sink& out_;
  const VerifyProgress& progress_;
  Descriptor folder_;
  std::string working_directory_;
  std::unordered_map<std::string, std::string> outputs_;  // path to hash, as the manifest has them
  std::set<std::string> differing_;                       // outputs that are not as the manifest has them
  std::vector<std::byte> buffer_;
  std::uint64_t differences_ = 0, sightings_ = 0, contents_ = 0;
};

}  // namespace

ExitCode verify(const VerifyRequest& request, const Sink& out, const VerifyProgress& progress) {
  return Verifier(request, out, progress).run();
}

}  // namespace trimcarve::report
