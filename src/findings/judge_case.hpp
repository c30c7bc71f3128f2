// The judge of one target: what its verdict, instances and findings are worked out from. Internal to the room; judge.hpp is its face.
//
// One class in seven files: judge.cpp (what all share), judge_path.cpp (a path as target), judge_handler.cpp (a handler: its instances and
// its verdict), judge_statements.cpp (the findings that stand beside the verdict), judge_witnesses.cpp (what witnesses add),
// judge_shadows.cpp (what volume shadow copies add), judge_clocks.cpp (what the order of sequence numbers adds).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "findings/heard_runs.hpp"
#include "findings/hearing.hpp"
#include "findings/orphan_settings.hpp"
#include "findings/profile.hpp"
#include "findings/proof.hpp"
#include "findings/runs.hpp"
#include "findings/touch.hpp"
#include "trimcarve/examination.hpp"
#include "witness/cms.hpp"

namespace trimcarve::findings {

class Judge {
 public:
  Judge(const Target& target, std::uint32_t index, const Hearing& hearing, const witness::Certificate* key, Examination& out);
  void run();

 private:
  // what all share
  Finding& say(std::string statement, Grade grade, std::vector<std::uint32_t> sightings, std::string rule = {});
  std::optional<FileTime> provisioned(std::uint32_t volume) const;
  bool inherited(const FileReport& folder) const;
  void found_nothing();
  std::string on_volume(const FileReport& file) const;
  bool log_was_read(std::uint32_t volume) const;  // $LogFile

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
  const RunRecord* orphan_run() const;  // known by settings alone of which no file is known; null: there is none
  void find_orphan(const RunRecord& run);

  // What volume shadow copies add. The verdict, the instances and the runs are the volume's: a copy shows what was, not what is.
  const VolumeInfo* shadow(std::uint32_t volume) const;  // null: no shadow copy
  const FileReport* handler_in_shadow() const;
  void find_in_shadow(const FileReport& folder);
  void add_shadow_instances();
  void add_shadow_runs();
  void tell_shadows();

  // the findings beside the verdict
  std::string version_of(std::size_t n) const;  // of report_.instances
  void tell_instances();
  void tell_runs();
  void tell_journal();
  void tell_aliases();
  void tell_logs();
  void tell_contradictions();
  void tell_clocks();  // judge_clocks.cpp
  void tell_clusters();

  // what witnesses add
  // A version of a handler as witnesses tell of it. Pairs: a time, and which statement states it.
  struct Witnessed {
    std::string handler, version;
    std::optional<std::uint32_t> volume;
    std::vector<std::size_t> heard;
    std::set<SourceKind> sources, end_writers;  // kinds that tell of its life; who tells of its removal
    std::optional<std::pair<FileTime, std::size_t>> installed, last, ended;
    std::vector<std::pair<FileTime, std::size_t>> ends;
    bool install_begun = false;  // `installed` is the step's beginning: no end of it is logged
  };
  void hear();
  void hear_instances();
  bool volume_was_read() const;
  bool is_witnessed() const;
  void find_witnessed();
  void weigh_removal();
  void tell_witnesses();
  void tell_steps();
  void tell_scripts();
  void tell_certificates();
  void tell_cleared();
  void tell_set_up();
  void tell_named_path();

  const Target& target_;
  const Hearing& hearing_;
  const witness::Certificate* key_;
  Examination& out_;
  TargetReport& report_;
  std::vector<PlacedFile> files_, in_tree_;
  std::vector<PlacedFile> in_shadows_;  // files of shadow copies; none of them is among files_
  std::vector<const FileReport*> handlers_;
  std::vector<std::pair<std::size_t, const FileReport*>> versions_;
  std::vector<const FileReport*> folders_;  // of report_.instances, in their order; null: only witnesses or a shadow copy know of it
  std::size_t shadow_instances_end_ = 0;    // of them: behind the last that a shadow copy alone knows; those have no folder
  std::vector<std::pair<std::string, std::vector<std::uint32_t>>> from_shadows_;  // what of the runs came back from a copy, in words
  std::vector<Touching> touches_;
  std::vector<Witnessed> witnessed_;
  std::vector<Disagreement> disagreements_;
  std::vector<LooseEnvelope> loose_envelopes_;
  std::map<const FileReport*, std::string> successors_;  // of upgraded versions: the newer one
};

}  // namespace trimcarve::findings
