// The names of enumerators as the outputs spell them, and Sighting's own functions.
#include "trimcarve/examination.hpp"

namespace trimcarve {

std::string_view to_string(SourceKind kind) noexcept {
  switch (kind) {
    case SourceKind::mft: return "mft";
    case SourceKind::record_slack: return "record_slack";
    case SourceKind::index: return "index";
    case SourceKind::index_slack: return "index_slack";
    case SourceKind::usn_journal: return "usn_journal";
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
  names.clear();
  streams.clear();
  runs.clear();
  fragments.clear();
  text.clear();
  ranges.clear();
  sha256.clear();
}

}  // namespace trimcarve
