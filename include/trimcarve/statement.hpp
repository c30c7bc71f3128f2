// What a witness states: a log line, an event record, a registry key, an event of the cloud.
//
// Witnesses are files that speak of what happened without being the file in question: the agent's logs, event logs, hives, the Azure
// Activity Log. Readers fill one Statement per fact; a member that the witness does not state is empty. Nothing is added that its bytes
// do not say. All text is UTF-8 (malformed input is escaped as `to_utf8` does), as long as the witness has it; control characters are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trimcarve/file_time.hpp"

namespace trimcarve {

enum class Deed : std::uint8_t {
  other,             // speaks of a handler, and of nothing below: kept as it is
  installed,         // a handler was installed
  enabled,           // a handler was enabled
  configured,        // a request reached the handler: its settings, or their sequence number
  downloading,       // files are fetched for a request
  command_started,   // a request's command was started
  command_finished,  // it ended, with its exit code when stated
  status,            // a handler's outcome as reported (a status file, an aggregate of them)
  disabled,          // a handler was disabled
  uninstalled,       // a handler was uninstalled
  updated,           // a handler was updated to another version
  script_text,       // a script block's text, or a part of it
  pipeline,          // a PowerShell pipeline's details (4103, 800)
  engine_started,    // PowerShell began (400, 600)
  engine_stopped,    // PowerShell ended (403)
  process_started,   // a process began, with its command line when stated (4688)
  process_ended,     // a process ended (4689)
  log_cleared,       // an event log was cleared (1102, 104)
  registered,        // a registry key speaks of a handler
  certificate,       // a certificate is in a store
  program_seen,      // a program's file was seen by Windows (ShimCache, Amcache)
  provisioned,       // the machine was set up
  cloud_write,       // the cloud was asked to create or change an extension
  cloud_delete,      // the cloud was asked to delete an extension
  cloud_command,     // the cloud was asked to run a command
  cloud_machine,     // the cloud changed a machine, and its answer lists the machine's extensions
};
std::string_view to_string(Deed deed) noexcept;

struct Statement {
  Deed deed = Deed::other;
  // Where in the witness it stands, bytes. For text: the line or lines. For an event: the whole record.
  std::uint64_t offset = 0, length = 0;
  bool carved = false;  // found by its shape: a deleted cell, a recovered record
  bool cut = false;     // only a part of it came back: the record or line is damaged, or ends early

  // When it happened, as the witness says; no_time when it does not. For a registry key: its last write.
  FileTime time;
  std::string time_text;    // as it stands there, where it stands as text
  bool zone_stated = true;  // false: no zone is written; `time` takes it for UTC

  std::string
      event;  // which kind of record: "Security 4688", "CustomScriptHandler.log", "Microsoft.Compute/virtualMachines/extensions/write"
  std::string text;  // the line, message or script text itself

  // Who and what.
  std::string handler;                        // "Microsoft.Compute.CustomScriptExtension" (Publisher.Type)
  std::string version;                        // of it
  std::string sequence;                       // of a request: "3", or "name.3"
  std::string settings;                       // the settings as JSON text: a whole settings document, or publicSettings alone
  std::string command;                        // a command line
  std::string path;                           // a path: of the script, of the program
  std::string process, parent_process;        // image paths
  std::string process_id, parent_process_id;  // decimal
  std::string user;                           // a SID, account or caller
  std::string computer;
  std::string status;  // "success", "error", "Succeeded", "Installed", ...
  std::string output, error_output;
  std::optional<std::int64_t> exit_code;

  // Everything else it says by name, in its order; names as the witness has them.
  std::vector<std::pair<std::string, std::string>> fields;
};

}  // namespace trimcarve
