// The judge of one target: what its verdict, instances and findings are worked out from. Internal to the room; judge.hpp is its face.
//
// One class in four files: judge.cpp (what all share), judge_path.cpp (a path as target), judge_handler.cpp (a handler: its instances and
// its verdict), judge_statements.cpp (the findings that stand beside the verdict).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "findings/profile.hpp"
#include "findings/proof.hpp"
#include "findings/runs.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::findings {

class Judge {
 public:
  Judge(const Target& target, std::uint32_t index, Examination& out);
  void run();

 private:
  // what all share
  Finding& say(std::string statement, Grade grade, std::vector<std::uint32_t> sightings, std::string rule = {});
  std::optional<FileTime> provisioned(std::uint32_t volume) const;
  bool inherited(const FileReport& folder) const;
  void found_nothing();
  std::string on_volume(const FileReport& file) const;

  // a path
  void judge_path();
  bool stands_at_path(const FileReport& file) const;
  bool is_present(const PathReport& path) const;

  // a handler
  void judge_handler();
  void number_instances();
  void add_instances();
  void name_upgrades();
  void decide();
  bool has_version(const FileReport& handler) const;
  void find_present(const FileReport& live);
  void tell_deleted_handlers();
  void find_version_alone(const FileReport& version);
  void find_removed(const FileReport& folder, const FileReport* live);
  void find_removed_version(const FileReport& folder);
  void say_removed(const FileReport& folder, Grade grade, const Proof& proof, std::string rule);
  void find_traces(const FileReport* live);

  // the findings beside the verdict
  std::string version_of(std::size_t n) const;  // of report_.instances
  void tell_instances();
  void tell_runs();
  void tell_journal();
  void tell_aliases();
  void tell_logs();
  void tell_contradictions();
  void tell_clusters();

  const Target& target_;
  Examination& out_;
  TargetReport& report_;
  std::vector<PlacedFile> files_, in_tree_;
  std::vector<const FileReport*> handlers_;
  std::vector<std::pair<std::size_t, const FileReport*>> versions_;
  std::vector<const FileReport*> folders_;               // of report_.instances, in their order
  std::map<const FileReport*, std::string> successors_;  // of upgraded versions: the newer one
};

}  // namespace trimcarve::findings
