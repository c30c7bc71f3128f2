// `examine -o DIR`: the folder an examination leaves behind.
//
//   DIR/recovered/...   contents that came back, each under a safe name
//   DIR/findings.json   the document
//   DIR/case.sqlite     the same as a database
//   DIR/case.jsonld     the same as CASE/UCO linked data
//   DIR/report.html     the same for people, in one page
//   DIR/timeline.csv    every time of the targets' files, their deletions and the stories; also .jsonl and .body
//   DIR/manifest.json   written last: version, command, input identity, and size and SHA-256 of each of the others
//
// A folder without manifest.json is not the result of a finished run. Until an output is whole its name, or its folder's, ends in
// ".unfinished". When anything fails, what was written is taken away again; a killed run can leave unfinished names and whole files.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "report/files.hpp"
#include "report/manifest.hpp"
#include "report/timeline/timeline_file.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

class OutputFolder {
 public:
  // Makes the folder, or takes an empty one. Anything else is RunError{output}.
  explicit OutputFolder(std::string path);
  OutputFolder(OutputFolder&&) = default;
  ~OutputFolder();

  // Writes everything. Fills `recovered_as` (and empty hashes) of the examination's parts, and of the scripts that have the same content.
  // Content that can no longer be read costs that part and becomes a warning. RunError{output} when something cannot be written,
  // RunError{interrupted} when `cancel` is set meanwhile.
  void write(Examination& examination, const RunIdentity& run, const std::atomic<bool>* cancel = nullptr);

  const std::string& path() const noexcept { return path_; }

 private:
  NewFile create(const std::string& relative);
  void write_recovered(Examination& examination, const std::atomic<bool>* cancel);
  void write_findings(const Examination& examination);
  void write_case(const Examination& examination);
  void write_graph(const Examination& examination, const RunIdentity& run);  // after write_findings
  void write_report(const Examination& examination, const RunIdentity& run);
  void write_timeline(const Examination& examination, TimelineFormat format, const std::string& name, const std::atomic<bool>* cancel);
  void write_manifest(const Examination& examination, const RunIdentity& run);
  void take_away() noexcept;

  std::string path_;
  Descriptor folder_;
  bool made_folder_ = false;
  bool finished_ = false;
  std::vector<std::string> made_;  // below the folder, in order
  std::vector<Output> outputs_;
};

}  // namespace trimcarve::report
