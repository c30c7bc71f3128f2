// `verify DIR [IMAGE]`: does the folder still hold what the manifest says, and does the evidence still say what the folder cites?
//
// First every output's hash (missing, changed and extra files are named), then every cited range of every sighting and every recovered
// content, read again from the evidence. The folder and the evidence are only read. DIR is treated as hostile.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "report/json_writer.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::report {

struct VerifyRequest {
  std::string folder;
  std::vector<std::string> evidence;  // where the inputs are now, in the order of the document's sources; empty: where they were
};

struct VerifyProgress {
  std::function<void(std::uint64_t done, std::uint64_t total)> report;  // may be empty
  const std::atomic<bool>* cancel = nullptr;
};

// Prints one line for each difference and a last line with what was checked. Returns done or incomplete (a difference was found). Throws
// RunError{input} when the folder is no finished result, its documents are damaged, or the evidence cannot be opened;
// RunError{interrupted}.
ExitCode verify(const VerifyRequest& request, const Sink& out, const VerifyProgress& progress = {});

}  // namespace trimcarve::report
