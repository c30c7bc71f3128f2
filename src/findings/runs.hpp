// The runs of a handler: each execution request by its sequence number, with what came back of it.
#pragma once

#include <span>
#include <vector>

#include "findings/layout.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::findings {

// A file of the target with its place in the handler's tree.
struct PlacedFile {
  const FileReport* file = nullptr;
  Placed placed;
  std::size_t instance = 0;  // which version folder it belongs to; the same number for the same folder
};

struct Stated {
  FileTime time;
  const char* basis = "";
  std::uint32_t sighting = 0;
};
// When a file was created: the journal's record of it, else $STANDARD_INFORMATION, else a $FILE_NAME.
std::optional<Stated> created(const FileReport& file, const Examination& examination);
// When its content was last written: the same order.
std::optional<Stated> written(const FileReport& file, const Examination& examination);

// Runs in order of their start.
std::vector<RunRecord> find_runs(std::span<const PlacedFile> files, const Examination& examination);

}  // namespace trimcarve::findings
