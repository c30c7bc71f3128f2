// The extension's own JSON: <seq>.settings and <seq>.status, whole or what is left of it. Hostile text: bounded, never throws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trimcarve::findings {

struct Settings {
  bool whole = false;  // parsed as JSON; false: fields were found in a fragment
  std::string command;
  bool command_cut = false;  // the text ends within the command: it may go on
  std::vector<std::string> file_uris;
  bool has_protected = false;
  std::string sealed;  // protectedSettings: base64 of a CMS envelope, as far as it came back
  std::string thumbprint;
};
// Nothing when the text holds none of the fields. A settings document, or the public settings alone. UTF-8 or UTF-16LE, with or without
// byte order mark.
std::optional<Settings> read_settings(std::string_view text);

struct Status {
  bool whole = false;
  std::string time;  // timestampUTC, as written
  std::string status, message;
  std::optional<std::int64_t> exit_code;
  std::string output, error_output;
};
std::optional<Status> read_status(std::string_view text);

// The last part of a URI's path, without query: the name under which it is downloaded.
std::string file_name_of_uri(std::string_view uri);

}  // namespace trimcarve::findings
