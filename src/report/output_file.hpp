// One file that appears whole or not at all: written beside its place as `<path>.unfinished`, renamed at the end, taken away when anything
// fails. What is there already is never overwritten. Errors are RunError{output}.
#pragma once

#include <string>
#include <string_view>

#include "report/files.hpp"

namespace trimcarve::report {

class OutputFile {
 public:
  // Refuses when `path`, or its unfinished file, exists.
  explicit OutputFile(std::string path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void write(std::string_view text);
  // Where it is until it is whole, for who writes it by name.
  const std::string& unfinished() const noexcept { return unfinished_; }
  void finish();

 private:
  std::string path_, unfinished_;
  Descriptor fd_;
};

}  // namespace trimcarve::report
