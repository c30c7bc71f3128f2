// The names of enumerators as the outputs spell them, and Sighting's own functions.
#include "trimcarve/examination.hpp"
#include "trimcarve/statement.hpp"

namespace trimcarve {

std::string_view to_string(SourceKind kind) noexcept {
  switch (kind) {
    case SourceKind::mft: return "mft";
    case SourceKind::record_slack: return "record_slack";
    case SourceKind::index: return "index";
    case SourceKind::index_slack: return "index_slack";
    case SourceKind::usn_journal: return "usn_journal";
    case SourceKind::log_file: return "log_file";
    case SourceKind::agent_log: return "agent_log";
    case SourceKind::event_log: return "event_log";
    case SourceKind::registry: return "registry";
    case SourceKind::activity_log: return "activity_log";
    case SourceKind::free_space: return "free_space";
  }
  return "unknown";
}

std::string_view to_string(Integrity integrity) noexcept {
  switch (integrity) {
    case Integrity::good: return "good";
    case Integrity::torn: return "torn";
    case Integrity::partial: return "partial";
    case Integrity::carved: return "carved";
  }
  return "unknown";
}

std::string_view to_string(Deed deed) noexcept {
  switch (deed) {
    case Deed::other: return "other";
    case Deed::installed: return "installed";
    case Deed::enabled: return "enabled";
    case Deed::configured: return "configured";
    case Deed::downloading: return "downloading";
    case Deed::command_started: return "command_started";
    case Deed::command_finished: return "command_finished";
    case Deed::status: return "status";
    case Deed::disabled: return "disabled";
    case Deed::uninstalled: return "uninstalled";
    case Deed::updated: return "updated";
    case Deed::script_text: return "script_text";
    case Deed::pipeline: return "pipeline";
    case Deed::engine_started: return "engine_started";
    case Deed::engine_stopped: return "engine_stopped";
    case Deed::process_started: return "process_started";
    case Deed::process_ended: return "process_ended";
    case Deed::log_cleared: return "log_cleared";
    case Deed::registered: return "registered";
    case Deed::certificate: return "certificate";
    case Deed::program_seen: return "program_seen";
    case Deed::provisioned: return "provisioned";
    case Deed::cloud_write: return "cloud_write";
    case Deed::cloud_delete: return "cloud_delete";
    case Deed::cloud_command: return "cloud_command";
    case Deed::cloud_machine: return "cloud_machine";
  }
  return "unknown";
}

std::string_view to_string(Grade grade) noexcept {
  switch (grade) {
    case Grade::established: return "established";
    case Grade::corroborated: return "corroborated";
    case Grade::inferred: return "inferred";
    case Grade::contradicted: return "contradicted";
  }
  return "unknown";
}

std::string_view to_string(FileState state) noexcept {
  switch (state) {
    case FileState::live: return "live";
    case FileState::deleted: return "deleted";
    case FileState::unknown: break;
  }
  return "unknown";
}

std::string_view to_string(ContentState state) noexcept {
  switch (state) {
    case ContentState::recovered: return "recovered";
    case ContentState::partial: return "partial";
    case ContentState::zeroed: return "zeroed";
    case ContentState::reallocated: return "reallocated";
    case ContentState::overwritten: return "overwritten";
    case ContentState::unreadable: return "unreadable";
    case ContentState::unknown: return "unknown";
    case ContentState::none: return "none";
  }
  return "unknown";
}

std::string_view to_string(RunState state) noexcept {
  switch (state) {
    case RunState::data: return "data";
    case RunState::zero: return "zero";
    case RunState::container_hole: return "container_hole";
    case RunState::unmapped: return "unmapped";
    case RunState::sparse: return "sparse";
    case RunState::beyond_valid: return "beyond_valid";
    case RunState::reallocated: return "reallocated";
    case RunState::contested: return "contested";
    case RunState::unreadable: return "unreadable";
  }
  return "unknown";
}

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::present: return "present";
    case Verdict::removed: return "removed";
    case Verdict::upgraded: return "upgraded";
    case Verdict::traces: return "traces";
    case Verdict::none: return "none";
  }
  return "unknown";
}

void Sighting::clear() noexcept {
  source = SourceKind::mft;
  integrity = Integrity::good;
  place = {};
  reference_known = base_is_elsewhere = has_record = in_use = directory = has_standard_information = has_container = has_usn = false;
  reference = container = {};
  record_entry = lsn = standard_usn = 0;
  record_sequence = link_count = 0;
  file_attributes = 0;
  standard_information = {};
  slack_role = SlackRole::none;
  usn = {};
  statement.reset();
  names.clear();
  streams.clear();
  runs.clear();
  fragments.clear();
  text.clear();
  ranges.clear();
  sha256.clear();
}

}  // namespace trimcarve
