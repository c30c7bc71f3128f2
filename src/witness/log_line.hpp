// How a line of the agents' logs begins: who wrote it, when, at which level.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trimcarve/file_time.hpp"

namespace trimcarve::witness {

struct LinePrefix {
  std::string_view text;       // what follows, without leading blanks
  std::string_view time_text;  // as it stands
  FileTime time;               // no_time: what stands there is no date
  bool zone_stated = false;
  std::string_view process;  // decimal, where the form tells the process
  std::string_view level;
  bool of_handler = false;  // the form is one that only handlers write
};

// The forms (texts' origins: agent_message.hpp):
//   [4892+00000001] [03/04/2021 20:49:58.30] [INFO] text                 handlers
//   [00000012] [11/14/2019 05:52:13.44] [INFO]  text                     the guest agent, older; no zone
//   [00000010] 2024-02-26T21:01:09.101Z [WARN]  text                     the guest agent, newer
//   [2024-03-20 17:03:29.835] [PID 4528] [TID 2116] [EXTMGR] [INFO] [<guid>] text      Azure Arc; no zone
//   [2024-07-15 08:28:21.000]  [ParseExtensionCommand] ErrorCode:0 INFO: text          a handler under Azure Arc; no zone
//   [07/14/2021 18:56:45 UTC] [INFO]          text                       the SQL Server handler under Azure Arc
// Nothing for a line of another form. A date that is none (a 13th month) costs the time, not the line.
std::optional<LinePrefix> read_line_prefix(std::string_view line);

}  // namespace trimcarve::witness
