// manifest.json: what the folder of an examination holds, and how it came to be. Its last member is the SHA-256 of all bytes before it, so
// that a damaged manifest shows itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trimcarve/examination.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::report {

// How the tool was run.
struct RunIdentity {
  std::vector<std::string> command;
  std::string working_directory;  // paths in the document may be relative to it
  std::string started;            // ISO 8601, UTC
};

struct Output {
  std::string path;  // below the folder
  std::uint64_t size = 0;
  std::string sha256;
};

// The clock, as ISO 8601 in UTC with seven digits.
std::string now_iso8601();

std::string manifest_text(const Examination& examination, const RunIdentity& run, const std::vector<Output>& outputs);

struct Manifest {
  std::string working_directory;
  std::vector<Output> outputs;
  bool intact = false;  // its own hash is right
};
// Reads what may have been damaged or forged: every output's path stays inside the folder and occurs once, or this fails.
Result<Manifest> read_manifest(std::string_view text);

}  // namespace trimcarve::report
