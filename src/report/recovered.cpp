#include "report/recovered.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "report/safe_name.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t block = 1 << 20;

// Writes one file below recovered/ for a stream that is whole, and one for each part of another.
class Writer {
 public:
  Writer(Examination& examination, const std::function<NewFile(const std::string&)>& create,
         const std::function<void(const std::string&, const NewFile::Done&)>& finished, const std::function<void(const std::string&)>& drop,
         const std::atomic<bool>* cancel)
      : examination_(examination), create_(create), finished_(finished), drop_(drop), cancel_(cancel) {}

  void file(FileReport& file) {
    for (StreamReport& stream : file.streams) {
      if (stream.state != ContentState::recovered && stream.state != ContentState::partial) continue;
      const std::span<RecoveredPart> parts(stream.parts);
      if (stream.state == ContentState::recovered && whole(stream)) {
        const std::string sha256 = write(file, stream, parts, {});
        if (!sha256.empty()) {
          check(file, stream.sha256, sha256);
          stream.sha256 = sha256;
        }
        continue;
      }
      for (std::size_t i = 0; i < parts.size(); ++i)
        if (parts[i].bytes) write(file, stream, parts.subspan(i, 1), fmt::format("@{}-{}.part", parts[i].file_offset, parts[i].length));
    }
  }

 private:
  // The parts are the content from the first to the last byte.
  static bool whole(const StreamReport& stream) {
    std::uint64_t next = 0;
    for (const RecoveredPart& part : stream.parts) {
      if (!part.bytes || part.file_offset != next) return false;
      next += part.length;
    }
    return next == stream.size && !stream.parts.empty();
  }

  void warn(const FileReport& file, const char* code, const std::string& text, const std::vector<Range>& ranges) {
    examination_.warnings.push_back({code, to_utf8(file.path) + ": " + text, ranges});
    examination_.complete = false;
  }

  void check(const FileReport& file, const std::string& expected, const std::string& found) {
    if (!expected.empty() && expected != found)
      warn(file, "content_changed", "the content read for writing is not the one that was examined", {});
  }

  // Returns the SHA-256 of what was written, empty when the content could not be read.
  std::string write(const FileReport& file, const StreamReport& stream, std::span<RecoveredPart> parts, const std::string& suffix) {
    const FileId id{file.volume, file.reference};
    const std::string relative = "recovered/" + paths_.give(id, file.path.empty() ? file.name : file.path, stream.name, suffix);
    NewFile out = create_(relative);
    for (RecoveredPart& part : parts) {
      Sha256 digest;
      if (!copy(part, out, digest)) {
        drop_(relative);
        warn(file, "content_unreadable", "content that was found could not be read again", part.ranges);
        return {};
      }
      const std::string sha256 = digest.finish();
      check(file, part.sha256, sha256);
      part.sha256 = sha256;
    }
    const auto done = out.close();
    for (RecoveredPart& part : parts) part.recovered_as = relative;
    finished_(relative, done);
    return done.sha256;
  }

  bool copy(const RecoveredPart& part, NewFile& out, Sha256& digest) {
    for (std::uint64_t at = 0; at < part.length;) {
      if (cancel_ != nullptr && *cancel_) throw RunError(ExitCode::interrupted, "recovered", "stopped", "interrupted");
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(block, part.length - at));
      buffer_.resize(length);
      if (!part.bytes->read_at(at, buffer_)) return false;
      out.write(ByteView(buffer_));
      digest.update(buffer_);
      at += length;
    }
    return true;
  }

  Examination& examination_;
  const std::function<NewFile(const std::string&)>& create_;
  const std::function<void(const std::string&, const NewFile::Done&)>& finished_;
  const std::function<void(const std::string&)>& drop_;
  const std::atomic<bool>* cancel_;
  SafePaths paths_;
  std::vector<std::byte> buffer_;
};

// The texts of scripts as event logs have them: a file for each stretch.
void write_script_texts(Examination& examination, const std::function<NewFile(const std::string&)>& create,
                        const std::function<void(const std::string&, const NewFile::Done&)>& finished) {
  std::size_t number = 0;
  const auto write = [&](std::vector<ScriptText>& texts) {
    for (ScriptText& text : texts) {
      ++number;
      for (ScriptText::Stretch& stretch : text.stretches) {
        if (stretch.text.empty()) continue;
        const std::string name = text.missing == 0 ? fmt::format("{}.txt", number)
                                                   : fmt::format("{}@parts-{}-{}.txt", number, stretch.first_part, stretch.last_part);
        const std::string relative = "recovered/script-texts/" + name;
        NewFile out = create(relative);
        out.write(std::as_bytes(std::span(stretch.text)));
        const auto done = out.close();
        stretch.recovered_as = relative;
        finished(relative, done);
      }
    }
  };
  for (TargetReport& target : examination.targets) {
    for (RunRecord& run : target.runs) write(run.script_texts);
    write(target.script_texts);
  }
}

// Text that was found in free space and slack: a file for each fragment.
void write_fragments(Examination& examination, const std::function<NewFile(const std::string&)>& create,
                     const std::function<void(const std::string&, const NewFile::Done&)>& finished) {
  for (std::size_t i = 0; i < examination.fragments.size(); ++i) {
    FragmentReport& fragment = examination.fragments[i];
    const std::string relative = fmt::format("recovered/fragments/{}-{}.txt", i, fragment.language);
    NewFile out = create(relative);
    out.write(std::as_bytes(std::span(fragment.text)));
    const auto done = out.close();
    fragment.recovered_as = relative;
    finished(relative, done);
  }
}

// Scripts name their file by path and hash; give them the place where it now lies.
void name_scripts(Examination& examination) {
  std::unordered_map<std::string, const std::string*> by_hash;
  for (const FileReport& file : examination.files)
    for (const StreamReport& stream : file.streams)
      if (stream.state == ContentState::recovered && !stream.sha256.empty() && !stream.parts.empty() &&
          !stream.parts.front().recovered_as.empty())
        by_hash.try_emplace(to_utf8(file.path) + '\n' + stream.sha256, &stream.parts.front().recovered_as);
  const auto fill = [&](std::vector<ScriptReport>& scripts) {
    for (ScriptReport& script : scripts)
      if (const auto at = by_hash.find(script.path + '\n' + script.sha256); at != by_hash.end()) script.recovered_as = *at->second;
  };
  for (TargetReport& target : examination.targets)
    for (RunRecord& run : target.runs) {
      fill(run.scripts);
      fill(run.made);
    }
}

}  // namespace

void recover_contents(Examination& examination, const std::function<NewFile(const std::string&)>& create,
                      const std::function<void(const std::string&, const NewFile::Done&)>& finished,
                      const std::function<void(const std::string&)>& drop, const std::atomic<bool>* cancel) {
  Writer writer(examination, create, finished, drop, cancel);
  for (FileReport& file : examination.files) writer.file(file);
  write_script_texts(examination, create, finished);
  write_fragments(examination, create, finished);
  name_scripts(examination);
}

}  // namespace trimcarve::report
