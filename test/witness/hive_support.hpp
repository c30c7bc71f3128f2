// What the tests of hives share.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "../fixtures/hive_writer.hpp"
#include "ntfs/stream.hpp"
#include "witness/hive.hpp"

namespace trimcarve::test {

inline SourcePtr memory(std::vector<std::byte> bytes) { return ntfs::make_buffer(std::move(bytes), nullptr, 0); }

struct HiveRead {
  std::vector<Statement> statements;
  witness::Tally tally;

  // The only statement of that deed whose text or path has `part`; null when there is none or more than one.
  const Statement* one(Deed deed, std::string_view part) const {
    const Statement* found = nullptr;
    for (const Statement& s : statements) {
      if (s.deed != deed || (s.text.find(part) == std::string::npos && s.path.find(part) == std::string::npos)) continue;
      if (found != nullptr) return nullptr;
      found = &s;
    }
    return found;
  }
};

inline HiveRead read_hive(std::vector<std::byte> hive, std::string_view path = "", SourcePtr log1 = nullptr, SourcePtr log2 = nullptr) {
  HiveRead out;
  out.tally = witness::read_hive(memory(std::move(hive)), std::move(log1), std::move(log2), path,
                                 [&out](const Statement& s) { out.statements.push_back(s); });
  return out;
}

inline std::string field_of(const Statement& s, std::string_view name) {
  for (const auto& [n, text] : s.fields)
    if (n == name) return text;
  return "(none)";
}

// A file in a temporary folder that goes with it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::vector<std::byte>& bytes) {
    static int count = 0;
    path_ = (std::filesystem::temp_directory_path() / ("trimcarve-hive-" + std::to_string(::getpid()) + "-" + std::to_string(count++)))
                .string();
    std::ofstream(path_, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }
  std::vector<std::byte> bytes() const {
    std::ifstream in(path_, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
  }

 private:
  std::string path_;
};

// What a command prints; empty, with a line `SKIPPED: ...`, when the program is not there.
inline std::string output_of(const std::string& program, const std::string& arguments) {
  if (std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) != 0) {
    std::printf("SKIPPED: %s is not installed\n", program.c_str());
    return {};
  }
  std::string out;
  if (std::FILE* pipe = ::popen((program + " " + arguments + " 2>/dev/null").c_str(), "r")) {
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, got);
    ::pclose(pipe);
  }
  return out;
}

}  // namespace trimcarve::test
