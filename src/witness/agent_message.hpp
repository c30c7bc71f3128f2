// What one message of an agent or a handler says: a line of a log, or a telemetry event.
//
// Real texts, and where they are public:
//  - Custom Script Extension 1.10.3: the telemetry in ../shared/data/azure (WALinuxAgent's tests, Apache-2.0); 1.8, with its disabling:
//    github.com/Azure/azure-powershell issue 11732; 1.9, with its command and exit code: Microsoft Learn and blogs that quote it
//  - Run Command 1.1.8 and 2.0.8: Microsoft's support wiki (Azure IaaS VM, "Run Command"), quoted publicly
//  - the Windows guest agent, both line forms: Microsoft Learn (Azure Monitor agent, DevTest Labs, VM extensions' features), and
//    github.com/hashicorp/packer issue 12934
//  - Azure Arc's extension manager (gc_ext.log): Microsoft's support wiki (Azure Monitor agent on Arc)
// Of uninstalling no real line is known: handler and verb are matched, never a sentence.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "trimcarve/statement.hpp"
#include "witness/handler_name.hpp"

namespace trimcarve::witness {

// Reads the messages of one log, in their order. What a statement gets:
//  deed     For a step of installing, enabling, disabling, uninstalling, updating: that step, and in `status` how far it is: "started"
//           (the step begins, or is asked for), "success" (it is done), or the agent's own word for the state ("Installed"). A step that
//           failed is Deed::other with status "error".
//  settings Only JSON that stands there as JSON: publicSettings. What is not JSON (the handlers also log `{Script: [...]}`) is in the field
//           "publicSettings" as it stands. "protectedSettingsCertThumbprint" and "protectedSettings" are fields, never part of `settings`.
//  command  As logged, or the script that settings in clear name.
//  sequence As the message states it, or as an earlier message of the same process did: then the field "sequence_stated_at" gives that
//           message's `place`. A process serves one request. "name.3" where the process was told its request's name.
//  handler  As the message names it; in a handler's own log the log's. Another handler named in the same message: a further statement,
//           Deed::other, whose text is the line that names it, or of a long line what is around the name.
class MessageReader {
 public:
  explicit MessageReader(Origin origin) : origin_(std::move(origin)) {}

  // `message` is well-formed UTF-8, perhaps of several lines. `process` tells processes apart (a process id, an operation id); may be
  // empty. `own`: the message is a handler's (its line form, or its file, says so). `place`: where it stands, for "sequence_stated_at".
  // `out` comes with what the caller knows (time, offset, ...); text and the members above are filled, then `emit` is called with it once
  // for each statement, and not at all for messages that speak of no handler.
  void read(std::string_view message, std::string_view process, bool own, std::uint64_t place, Statement& out,
            const std::function<void(const Statement&)>& emit);

  const Origin& origin() const noexcept { return origin_; }

 private:
  void follow_process(std::string_view message, std::string_view process, std::uint64_t place);

  Origin origin_;
  // Of the process that spoke last.
  std::string process_, request_name_, sequence_;
  std::uint64_t sequence_at_ = 0;
};

}  // namespace trimcarve::witness
