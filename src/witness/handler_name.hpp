// Names of VM extensions' handlers in text and paths: Publisher.Type, and the version beside it. Nothing else in this room reads them, so
// that a log, an event and a registry key that say the same are understood alike. Either slash, any case. A version is a component or a
// word of its own: of "1.2.3.4.5" or "1.10.12abc" none is made.
#pragma once

#include <cstddef>
#include <optional>
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

struct HandlerName {
  std::string handler, version;  // version: empty when none is beside it
};

// What the whole of a key's or package's name says: "<Publisher.Type>_<version>".
std::optional<HandlerName> handler_of_package(std::string_view name);

// The first handler in a text that stands below \Packages\Plugins\, \WindowsAzure\Logs\Plugins\ or \GuestConfig\extension_logs\.
std::optional<HandlerName> handler_of_path(std::string_view text);

// Where any program's text (not an agent's, for which find_handlers is) names a handler: only names that are known, and whatever stands
// below a handler's folder. The first that has a version beside it, else the first.
struct HandlerMention {
  bool found = false;            // a handler, or a folder or program that only handlers have
  std::string handler, version;  // as the text spells them; empty when only its program or folder is named
};
HandlerMention find_handler(std::string_view text);

// True of a path below a handler's folder (Azure or Arc) or of a handler's known program.
bool is_handler_program(std::string_view path);

}  // namespace trimcarve::witness
