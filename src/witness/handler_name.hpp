// Names of VM extensions' handlers in text and paths: Publisher.Type, and the version beside it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace trimcarve::witness {

// Whose file a path says it is: below \WindowsAzure\Logs\Plugins\, \Packages\Plugins\ or \GuestConfig\extension_logs\ the next component
// is the handler, the one behind it mostly its version; else a handler's own log is known by its name (CustomScriptHandler.log,
// RunCommandExtension.log, RunCommandHandler.log).
struct Origin {
  std::string handler, version;
  std::string file;  // the last component, as it is
  bool own = false;  // a handler's own file: all of it speaks of the handler
};
Origin origin_of(std::string_view path);

// `\d+(\.\d+){1,3}` and nothing else.
bool is_version(std::string_view text) noexcept;

// A handler named in a text; views into the text.
struct Mention {
  std::string_view handler, version;  // version: empty when none is beside it
  std::size_t at = 0;                 // of the handler's first character
  std::size_t end = 0;                // behind the handler, and behind its version where that follows as _V or \V
  bool in_path = false;               // \Plugins\X...: a path goes on at `end` when text[end] is a slash
};
// In their order, each handler's first mention, at most `most`. A name counts
// - behind Plugins\ or extension_logs\,
// - with a version: X_1.2, X\1.2, "X, version: 1.2", "X with version 1.2", "X. Current Version: '1.2'",
// - behind the words plugin, handler, extension or name,
// - or when it begins with Microsoft. and has three parts (but is no .NET name: "at Microsoft.X.Y.Method(", Microsoft.WindowsAzure.).
std::vector<Mention> find_handlers(std::string_view text, std::size_t most = 16);

}  // namespace trimcarve::witness
