// Real data made by others (../shared/data). Tests use it where it is present and skip with a message elsewhere.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

namespace trimcarve::test {

// The path of an item, or empty (and one line `SKIPPED: ...` that `./dev test` counts) when it is not on this machine.
inline std::string real_data(const std::string& item) {
  const char* root = std::getenv("TRIMCARVE_DATA");
  std::string path = std::string(root != nullptr ? root : "../shared/data") + "/" + item;
  if (std::filesystem::exists(path)) return path;
  std::printf("SKIPPED: real data %s is not on this machine\n", item.c_str());
  return {};
}

// The same, unpacked (.xz .bz2 .gz) into a temporary folder once; the packed name is given. Empty when absent.
inline std::string unpacked_data(const std::string& item) {
  const std::string packed = real_data(item);
  if (packed.empty()) return {};
  const auto dot = packed.rfind('.');
  const std::string ending = packed.substr(dot + 1);
  const char* tool = ending == "xz" ? "xz" : ending == "bz2" ? "bzip2" : ending == "gz" ? "gzip" : nullptr;
  if (tool == nullptr) return packed;
  std::string flat = item.substr(0, item.size() - ending.size() - 1);
  for (char& c : flat)
    if (c == '/') c = '_';
  const auto folder = std::filesystem::temp_directory_path() / "trimcarve-real-data";
  std::filesystem::create_directories(folder);
  const auto out = folder / flat;
  if (!std::filesystem::exists(out)) {
    const auto half = out.string() + ".part" + std::to_string(static_cast<unsigned long>(::getpid()));
    const std::string command = std::string(tool) + " -dc '" + packed + "' > '" + half + "'";
    if (std::system(command.c_str()) != 0) return {};
    std::filesystem::rename(half, out);
  }
  return out.string();
}

}  // namespace trimcarve::test
