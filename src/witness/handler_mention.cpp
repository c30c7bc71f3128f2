#include "witness/handler_mention.hpp"

#include <algorithm>
#include <array>

namespace trimcarve::witness {

namespace {

using namespace std::string_view_literals;

constexpr bool digit(char c) { return c >= '0' && c <= '9'; }
constexpr char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == '/' ? '\\' : c; }

// In folded form. The first letters tell most places apart at once.
constexpr std::array handlers{"microsoft.compute.customscriptextension"sv, "microsoft.cplat.core.runcommandwindows"sv,
                              "microsoft.cplat.core.runcommandhandlerwindows"sv, "microsoft.compute.vmaccessagent"sv,
                              "microsoft.powershell.dsc"sv};
constexpr std::array programs{"customscripthandler"sv, "runcommandextension.exe"sv, "runcommandhandler.exe"sv};
constexpr std::array folders{"\\packages\\plugins\\"sv, "\\windowsazure\\logs\\plugins\\"sv};

bool stands_at(std::string_view text, std::size_t at, std::string_view folded) {
  if (text.size() - at < folded.size()) return false;
  for (std::size_t i = 0; i < folded.size(); ++i)
    if (fold(text[at + i]) != folded[i]) return false;
  return true;
}

std::size_t version_length(std::string_view text) {  // of the version at the beginning, 0 when none
  std::size_t at = 0, parts = 0;
  while (parts < 4) {
    std::size_t digits = 0;
    while (at + digits < text.size() && digit(text[at + digits])) ++digits;
    if (digits == 0 || digits > 9) break;
    at += digits;
    ++parts;
    if (at >= text.size() || text[at] != '.' || parts == 4) break;
    ++at;
  }
  if (at > 0 && text[at - 1] == '.') --at;
  return parts >= 2 ? at : 0;
}

// Behind a handler's name: "\1.10.12", "_1.10.12", ", version: 1.10.12", " 1.10.12".
std::string version_behind(std::string_view rest) {
  constexpr std::string_view between = "\\/_ ,:;=\"'()";
  std::size_t at = 0;
  bool word = false;
  while (at < rest.size() && at < 24) {
    if (digit(rest[at])) break;
    if (!word && stands_at(rest, at, "version")) {
      word = true;
      at += 7;
    } else if (between.find(rest[at]) != std::string_view::npos) {
      ++at;
    } else {
      return {};
    }
  }
  if (at == 0 || at >= rest.size()) return {};
  return std::string(rest.substr(at, version_length(rest.substr(at))));
}

bool names_handler(std::string_view component) {  // Publisher.Type
  const std::size_t dot = component.find('.');
  return dot != std::string_view::npos && dot > 0 && dot + 1 < component.size() && !digit(component[0]);
}

}  // namespace

HandlerMention find_handler(std::string_view text) {
  HandlerMention mention;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = fold(text[at]);
    if (c != 'm' && c != 'c' && c != 'r' && c != '\\') continue;
    std::string_view name;
    if (c == '\\') {
      for (const std::string_view folder : folders)
        if (stands_at(text, at, folder)) {
          mention.found = true;
          const std::string_view rest = text.substr(at + folder.size());
          const std::string_view component = rest.substr(0, rest.find_first_of("\\/\"'<>|*? \t\r\n"));
          if (names_handler(component)) name = component;
        }
    } else {
      for (const std::string_view handler : handlers)
        if (stands_at(text, at, handler) && handler.size() > name.size()) name = text.substr(at, handler.size());
      if (name.empty())
        for (const std::string_view program : programs) mention.found = mention.found || stands_at(text, at, program);
    }
    if (name.empty()) continue;
    mention.found = true;
    const auto behind = static_cast<std::size_t>(name.data() - text.data()) + name.size();
    std::string version = version_behind(text.substr(behind));
    if (mention.handler.empty()) mention.handler = name;
    if (!version.empty()) {
      mention.version = std::move(version);
      mention.handler = name;
      break;
    }
  }
  return mention;
}

}  // namespace trimcarve::witness
