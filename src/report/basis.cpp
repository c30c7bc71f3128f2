#include "report/basis.hpp"

#include <array>
#include <utility>

namespace trimcarve::report {

namespace {

using Word = std::pair<std::string_view, std::string_view>;

constexpr std::array words{
    Word{"usn_delete", "the change journal records the deletion"},
    Word{"usn_renamed_to_extend_deleted", "the change journal records the move into \\$Extend\\$Deleted"},
    Word{"usn_last_record", "its last record in the change journal"},
    Word{"usn_create", "the change journal records the creation"},
    Word{"usn_write", "its last write in the change journal"},
    Word{"record_created", "creation time in its $MFT record"},
    Word{"record_changed", "last change of its $MFT record"},
    Word{"record_modified", "last write, by its $MFT record"},
    Word{"name_created", "creation time beside its name"},
    Word{"name_changed", "change time beside its name in its record"},
    Word{"name_modified", "last write, by the time beside its name"},
    Word{"log_neighbour_before", "a time logged in $LogFile before the deletion was"},
    Word{"log_record_changed", "last change of its $MFT record, as $LogFile has it"},
    Word{"log_file_entry_changed", "change time beside its name in $LogFile"},
    Word{"index_entry_changed", "change time in its directory's index"},
    Word{"index_slack_entry_changed", "change time in index slack"},
    Word{"record_slack_entry_changed", "change time in record slack"},
    Word{"parent_modified", "last change of the directory it was in"},
    Word{"next_owner_created", "creation of its $MFT record's next owner"},
    Word{"next_owner_in_journal", "its $MFT record's next owner in the change journal"},
    Word{"shadow_alive", "a volume shadow copy still has it"},
    Word{"shadow_not_yet", "a volume shadow copy does not have it yet"},
    Word{"shadow_gone", "a volume shadow copy has it no more"},
    Word{"status_timestamp", "as the status file says"},
    Word{"handler_log", "the handler's own log"},
    Word{"goal_state", "when the cloud made the goal state that asks for it"},
    Word{"agent_report", "the agent's report of its status"},
    Word{"process_start", "a process that the handler started, by an event log"},
    Word{"witness_installed", "a log tells of its installation"},
    Word{"witness_uninstalled", "a log tells of its removal"},
    Word{"witness_last", "a log speaks of it for the last time"},
};

// What a time was taken from instead of the file itself.
constexpr std::array prefixes{
    Word{"child_", "a file in it: "}, Word{"directory_", "its directory: "}, Word{"settings_", "settings file: "},
    Word{"status_", "status file: "}, Word{"download_", "first download: "},
};

}  // namespace

std::string explain_basis(std::string_view code) {
  for (const auto& [name, meaning] : words)
    if (code == name) return std::string(meaning);
  static constexpr std::string_view no_zone = "_no_zone";
  if (code.ends_with(no_zone) && code.size() > no_zone.size())
    return explain_basis(code.substr(0, code.size() - no_zone.size())) + "; no zone is stated there: taken for UTC";
  for (const auto& [prefix, meaning] : prefixes)
    if (code.starts_with(prefix) && code.size() > prefix.size()) return std::string(meaning) + explain_basis(code.substr(prefix.size()));
  return std::string(code);
}

}  // namespace trimcarve::report
