#include "witness/handler_name.hpp"

#include <algorithm>
#include <array>

#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::size_t longest_name = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_name_character(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; }
bool is_slash(char c) { return c == '\\' || c == '/'; }

// The version that stands at `at`; none when a letter goes on with it ("1.10.12abc"), but behind a dot one may ("1.2.zip").
std::string_view version_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
  if (end < text.size() && is_letter(text[end]) && end > at && text[end - 1] != '.') return {};
  while (end > at && text[end - 1] == '.') --end;
  const std::string_view found = text.substr(at, end - at);
  return is_version(found) ? found : std::string_view();
}

// The component of a path that begins at `at`, when all of it is a version.
std::string_view version_component(std::string_view path, std::size_t at) {
  std::size_t end = at;
  while (end < path.size() && is_name_character(path[end])) ++end;
  while (end > at && path[end - 1] == '.') --end;  // of a sentence
  const std::string_view found = path.substr(at, end - at);
  return is_version(found) ? found : std::string_view();
}

// The component of a path that begins at `at`.
std::string_view component(std::string_view path, std::size_t at) {
  if (at >= path.size()) return {};
  const std::size_t end = path.find_first_of("/\\", at);
  return path.substr(at, end == std::string_view::npos ? std::string_view::npos : end - at);
}

// Letters first, two parts or more, none empty.
bool is_handler_name(std::string_view name) {
  if (name.size() < 3 || name.size() > longest_name || !is_letter(name[0]) || name.back() == '.') return false;
  return name.find('.') != std::string_view::npos && name.find("..") == std::string_view::npos;
}

// The last part is a file's or host's, not a type's.
bool ends_like_a_file(std::string_view name) {
  static constexpr std::array<std::string_view, 22> endings{"exe", "dll", "log", "json",     "xml",    "zip",  "config", "cmd",
                                                            "ps1", "txt", "com", "net",      "cs",     "bat",  "msi",    "cat",
                                                            "etl", "tmp", "org", "settings", "status", "local"};
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return std::ranges::any_of(endings, [&](std::string_view e) { return same_word(last, e); });
}

bool ends_with(std::string_view text, std::string_view part) {  // `part` in lower case
  return text.size() >= part.size() && same_word(text.substr(text.size() - part.size()), part);
}

// Folders as they are written here: in lower case, with backslashes.
char fold(char c) { return c == '/' ? '\\' : lower(c); }
bool ends_with_folder(std::string_view text, std::string_view folder) {
  return text.size() >= folder.size() && std::ranges::equal(text.substr(text.size() - folder.size()), folder, {}, fold);
}
bool has_folder(std::string_view text, std::string_view folder) { return !std::ranges::search(text, folder, {}, fold).empty(); }

// What has a handler's name next. Sources: Microsoft Learn (custom-script-windows, Azure Arc's extension logs).
constexpr std::array<std::string_view, 3> handler_folders{R"(\packages\plugins\)", R"(\windowsazure\logs\plugins\)",
                                                          R"(\guestconfig\extension_logs\)"};
bool has_handler_folder(std::string_view text) {
  if (!contains(text, "plugins") && !contains(text, "extension_logs")) return false;
  return std::ranges::any_of(handler_folders, [&](std::string_view folder) { return has_folder(text, folder); });
}
bool behind_handler_folder(std::string_view before) {
  return std::ranges::any_of(handler_folders, [&](std::string_view folder) { return ends_with_folder(before, folder); });
}
bool behind_plugins_folder(std::string_view before) {
  return ends_with_folder(before, R"(\plugins\)") || ends_with_folder(before, R"(\extension_logs\)");
}

// Handlers and their programs by name, in lower case: those whose requests run commands or change accounts.
constexpr std::array<std::string_view, 5> known_handlers{
    "microsoft.compute.customscriptextension", "microsoft.cplat.core.runcommandwindows", "microsoft.cplat.core.runcommandhandlerwindows",
    "microsoft.compute.vmaccessagent", "microsoft.powershell.dsc"};
constexpr std::array<std::string_view, 4> programs{"customscripthandler", "runcommandextension.exe", "runcommandhandler.exe",
                                                   "jsonvmaccessextension.exe"};

bool is_known(std::string_view name) {
  return std::ranges::any_of(known_handlers, [&](std::string_view known) { return same_word(name, known); });
}

// The first known handler's name that no letter or digit goes on with, whatever else does: "X.dll", "X.Method(".
std::string_view find_known(std::string_view text) {
  const auto goes_on = [](char c) { return is_letter(c) || is_digit(c); };
  std::string_view first;
  if (!contains(text, "microsoft.")) return first;  // most texts are none of theirs
  for (const std::string_view known : known_handlers)
    for (std::size_t at = find_word(text, known); at != std::string_view::npos; at = find_word(text, known, at + 1)) {
      const std::size_t end = at + known.size();
      if ((at > 0 && goes_on(text[at - 1])) || (end < text.size() && goes_on(text[end]))) continue;
      if (first.empty() || text.data() + at < first.data()) first = text.substr(at, known.size());
      break;
    }
  return first;
}

// `plugin X`, `plugin 'X'`, `(name: X`, `handler X`, `for extension: X`.
bool behind_a_noun(std::string_view before) {
  while (!before.empty() && (before.back() == '\'' || before.back() == '"' || before.back() == ' ' || before.back() == ':'))
    before.remove_suffix(1);
  for (const std::string_view noun : {"plugin", "plug-in", "handler", "extension", "name", "handlername"})
    if (ends_with(before, noun) && (before.size() == noun.size() || !is_letter(before[before.size() - noun.size() - 1]))) return true;
  return false;
}

// `, version: V`, ` with version V`, `' ... Current Version: 'V'`: within the same clause.
std::string_view version_behind(std::string_view text, std::size_t end) {
  const std::string_view rest = text.substr(end, 64);
  std::size_t at = find_word(rest, "version");
  if (at == std::string_view::npos) return {};
  // Words between that change whose version it is: another name, or a request for another version.
  const std::string_view between = rest.substr(0, at);
  if (contains(between, "requested") || contains(between, "microsoft.")) return {};
  at += 7;
  while (at < rest.size() && (rest[at] == ':' || rest[at] == ' ' || rest[at] == '\'' || rest[at] == '"' || rest[at] == '=')) ++at;
  return version_at(text, end + at);
}

// One run of name characters [begin, end) of `text`, or nothing.
bool as_mention(std::string_view text, std::size_t begin, std::size_t end, Mention& out) {
  while (begin < end && !is_letter(text[begin])) ++begin;
  while (end > begin && (text[end - 1] == '.' || text[end - 1] == '-' || text[end - 1] == '_')) --end;
  if (end - begin < 3) return false;
  std::string_view name = text.substr(begin, end - begin);
  out = {};
  out.at = begin;
  const std::string_view before = text.substr(begin > 24 ? begin - 24 : 0, std::min<std::size_t>(begin, 24));
  out.in_path = behind_plugins_folder(before);
  // X_1.2, and a package's X_1.2.zip.
  for (std::size_t under = name.find('_'); under != std::string_view::npos; under = name.find('_', under + 1)) {
    const std::string_view version = version_at(name, under + 1);
    if (version.empty()) continue;
    out.version = version;
    name = name.substr(0, under);
    out.end = begin + under + 1 + version.size();
    break;
  }
  if (!is_handler_name(name)) return false;
  out.handler = name;
  if (out.end == 0) {
    out.end = begin + name.size();
    if (out.end < text.size() && is_slash(text[out.end])) {
      if (const std::string_view version = version_component(text, out.end + 1); !version.empty()) {
        out.version = version;
        out.end += 1 + version.size();
      }
    }
  }
  if (out.in_path) return true;
  if (ends_like_a_file(name)) return false;
  if (!out.version.empty()) return true;
  const bool dotnet = ends_with(before, "at ") || (out.end < text.size() && text[out.end] == '(') ||
                      (name.size() > 23 && same_word(name.substr(0, 23), "microsoft.windowsazure."));
  if (dotnet) return false;
  out.version = version_behind(text, out.end);
  if (behind_a_noun(before)) return true;
  return name.size() > 10 && same_word(name.substr(0, 10), "microsoft.") && std::ranges::count(name, '.') >= 2;
}

// Each mention in its order, until `use` returns false.
template <class F>
void each_mention(std::string_view text, F&& use) {
  std::size_t done = 0;
  for (std::size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.', std::max(dot + 1, done))) {
    if (dot == 0 || dot + 1 >= text.size() || !is_letter(text[dot + 1]) || !is_name_character(text[dot - 1])) continue;
    std::size_t begin = dot, end = dot + 1;
    while (begin > done && is_name_character(text[begin - 1]) && dot - begin < longest_name) --begin;
    while (end < text.size() && is_name_character(text[end]) && end - dot < 2 * longest_name) ++end;
    done = end;
    Mention mention;
    if (as_mention(text, begin, end, mention) && !use(mention)) return;
  }
}

}  // namespace

bool is_version(std::string_view text) noexcept {
  std::size_t dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.') {
      if (i == 0 || i + 1 == text.size() || text[i - 1] == '.') return false;
      ++dots;
    } else if (!is_digit(text[i])) {
      return false;
    }
  }
  return dots >= 1 && dots <= 3 && text.size() <= 40;
}

Origin origin_of(std::string_view path) {
  Origin out;
  out.file = std::string(file_name_of(path));
  std::size_t at = 0;
  for (const std::string_view folder : {"plugins", "extension_logs"}) {
    for (std::size_t found = find_word(path, folder); found != std::string_view::npos; found = find_word(path, folder, found + 1)) {
      const std::size_t end = found + folder.size();
      if (end >= path.size() || !is_slash(path[end]) || (found != 0 && !is_slash(path[found - 1]))) continue;
      const std::string_view name = component(path, end + 1);
      if (end + 1 + name.size() < path.size() && (is_handler_name(name) || folder == "extension_logs")) at = end + 1;
    }
  }
  if (at != 0) {
    const std::string_view name = component(path, at);
    Mention mention;
    if (as_mention(path, at, at + name.size(), mention) && mention.at == at) {
      out.handler = std::string(mention.handler);
      out.version = std::string(mention.version);
    }
    // Azure Arc on Linux, and older agents: X-1.2
    if (const std::size_t dash = out.handler.rfind('-');
        dash != std::string::npos && is_version(std::string_view(out.handler).substr(dash + 1))) {
      out.version = out.handler.substr(dash + 1);
      out.handler.resize(dash);
    }
    out.own = true;
    return out;
  }
  // The logs' names are documented with their folders (Microsoft Learn: custom-script-windows, run-command).
  static constexpr std::array<std::array<std::string_view, 2>, 3> logs{
      {{"customscripthandler", "Microsoft.Compute.CustomScriptExtension"},
       {"runcommandextension", "Microsoft.CPlat.Core.RunCommandWindows"},
       {"runcommandhandler", "Microsoft.CPlat.Core.RunCommandHandlerWindows"}}};
  for (const auto& [name, handler] : logs)
    if (contains(out.file, name)) {
      out.handler = handler;
      out.own = true;
    }
  if (contains(out.file, "commandexecution")) out.own = true;
  return out;
}

std::vector<Mention> find_handlers(std::string_view text, std::size_t most) {
  std::vector<Mention> out;
  if (most == 0) return out;
  each_mention(text, [&](const Mention& mention) {
    const auto same = std::ranges::find_if(out, [&](const Mention& m) { return same_word(m.handler, mention.handler); });
    if (same == out.end())
      out.push_back(mention);
    else if (same->version.empty())
      same->version = mention.version;
    return out.size() < most;
  });
  return out;
}

std::optional<HandlerName> handler_of_package(std::string_view name) {
  const std::size_t under = name.rfind('_');
  if (under == std::string_view::npos || !is_version(name.substr(under + 1))) return std::nullopt;
  const std::string_view handler = name.substr(0, under);
  if (!is_handler_name(handler) || !std::ranges::all_of(handler, is_name_character)) return std::nullopt;
  return HandlerName{std::string(handler), std::string(name.substr(under + 1))};
}

std::optional<HandlerName> handler_of_path(std::string_view text) {
  std::optional<HandlerName> out;
  each_mention(text, [&](const Mention& mention) {
    if (behind_handler_folder(text.substr(0, mention.at))) out = {std::string(mention.handler), std::string(mention.version)};
    return !out;
  });
  return out;
}

HandlerMention find_handler(std::string_view text) {
  HandlerMention out;
  each_mention(text, [&](const Mention& mention) {
    if (!behind_handler_folder(text.substr(0, mention.at)) && !is_known(mention.handler)) return true;
    if (out.handler.empty() || !mention.version.empty()) {
      out.handler = mention.handler;
      out.version = mention.version;
    }
    return out.version.empty();
  });
  if (out.handler.empty()) out.handler = find_known(text);
  out.found = !out.handler.empty() || has_handler_folder(text) ||
              std::ranges::any_of(programs, [&](std::string_view program) { return contains(text, program); });
  return out;
}

bool is_handler_program(std::string_view path) {
  // Arc's folder of everything: its handlers' programs lie below it too.
  if (has_handler_folder(path) || has_folder(path, R"(\programdata\guestconfig\)")) return true;
  const std::string_view name = file_name_of(path);
  return std::ranges::any_of(programs, [&](std::string_view program) { return find_word(name, program) == 0; });
}

}  // namespace trimcarve::witness
