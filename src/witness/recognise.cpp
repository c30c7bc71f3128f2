#include "witness/recognise.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "witness/handler_name.hpp"
#include "witness/log_line.hpp"
#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::size_t head_size = 65536;
constexpr std::size_t longest_prefix = 256;  // of a log's line

std::string head_of(const ByteSource& file) {
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), head_size)), '\0');
  std::vector<Unread> unread;
  read_tolerant(file, 0, std::as_writable_bytes(std::span(head)), unread);
  return head;
}

// Keys that only one kind of document has.
Kind of_json(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Kind>, 14> keys{{
      {"\"aggregatestatus\"", Kind::aggregate_status},
      {"\"handleraggregatestatus\"", Kind::aggregate_status},
      {"\"extensiongoalstates\"", Kind::goal_state},
      {"\"vmsettingsschemaversion\"", Kind::goal_state},
      {"\"runtimesettings\"", Kind::settings},
      {"\"operationname\"", Kind::activity_log},
      {"\"operationnamevalue\"", Kind::activity_log},
      {"\"eventtimestamp\"", Kind::activity_log},
      {"\"taskname\"", Kind::telemetry},
      {"\"operationid\"", Kind::telemetry},
      {"\"eventlevel\"", Kind::telemetry},
      {"\"timestamputc\"", Kind::settings},
      {"\"formattedmessage\"", Kind::settings},
      {"\"substatus\"", Kind::settings},
  }};
  for (const auto& [key, kind] : keys)
    if (contains(text, key)) return kind;
  return Kind::unknown;
}

bool is_agent_line(std::string_view line) { return read_line_prefix(line).has_value(); }

bool has_agent_lines(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (is_agent_line(text.substr(at, longest_prefix))) return true;
    const std::size_t next = text.find('\n', at);
    if (next == std::string_view::npos) return false;
    at = next + 1;
  }
  return false;
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::unknown: return "unknown";
    case Kind::agent_log: return "agent_log";
    case Kind::aggregate_status: return "aggregate_status";
    case Kind::telemetry: return "telemetry";
    case Kind::settings: return "settings";
    case Kind::goal_state: return "goal_state";
    case Kind::guest_logs: return "guest_logs";
    case Kind::event_log: return "event_log";
    case Kind::hive: return "registry";
    case Kind::hive_log: return "hive_log";
    case Kind::hive_bins: return "registry_bins";
    case Kind::activity_log: return "activity_log";
  }
  return "unknown";
}

Kind recognise(const ByteSource& file, std::string_view path) {
  std::string head = head_of(file);
  if (head.starts_with("ElfFile\0") || head.starts_with("ElfChnk\0")) return Kind::event_log;
  if (head.starts_with("PK\x03\x04")) return Kind::guest_logs;
  std::string name(file_name_of(path));
  std::ranges::transform(name, name.begin(), lower);
  const bool log_name = name.ends_with(".log1") || name.ends_with(".log2");
  // A transaction log begins with a copy of the hive's base block, and so looks like one.
  if (head.starts_with("regf")) return log_name || (head.size() > 0x1C && head[0x1C] != 0) ? Kind::hive_log : Kind::hive;
  if (log_name && (head.starts_with("DIRT") || head.starts_with("HvLE"))) return Kind::hive_log;
  std::string_view text = head;
  std::string converted;
  if (head.size() >= 2 && (head.starts_with("\xFF\xFE") || head[1] == '\0')) {
    converted = from_utf16le(std::string_view(head).substr(head.starts_with("\xFF\xFE") ? 2 : 0));
    text = converted;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(std::string_view(" \t\r\n\0", 5));
  if (first == std::string_view::npos) return Kind::unknown;
  // "[" opens both a JSON array and a log line.
  if ((text[first] == '{' || text[first] == '[') && !is_agent_line(text.substr(first, longest_prefix)))
    if (const Kind kind = of_json(text); kind != Kind::unknown) return kind;
  if (text[first] == '<')
    for (const std::string_view element : {"<extensions", "<pluginsettings", ":extensions"})
      if (contains(text, element) && (contains(text, "<plugin") || contains(text, ":plugin"))) return Kind::goal_state;
  if (has_agent_lines(text)) return Kind::agent_log;
  if ((name.ends_with(".log") || name.ends_with(".txt")) && origin_of(path).own) return Kind::agent_log;
  if (name.ends_with(".log") &&
      (contains(name, "handler") || contains(name, "commandexecution") || contains(name, "waappagent") || contains(name, "extension")))
    return Kind::agent_log;
  return Kind::unknown;
}

}  // namespace trimcarve::witness
