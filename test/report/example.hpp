// An Examination made by hand over a disk of 64 KiB, with everything in it that an output can show.
#pragma once

#include <string>

#include "trimcarve/examination.hpp"

namespace trimcarve::test {

// A folder that is gone at the end.
class TempFolder {
 public:
  TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void write_file(const std::string& path, std::string_view bytes);
std::string read_file(const std::string& path);
void change_byte(const std::string& path, std::size_t offset);
bool exists(const std::string& path);

// Writes the disk (no two bytes of it predictable from a neighbour) and returns its path.
std::string make_example_disk(const TempFolder& folder);

// Sighting 0: the FILE record of 1.ps1 (disk 4096+1024), 1: a USN record (disk 8192+96), 2: an index entry in two ranges
// (disk 12000+80 and 16384+16), 3: record slack.
Examination example(const std::string& disk);

}  // namespace trimcarve::test
