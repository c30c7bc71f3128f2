#include "witness/recognise.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "trimcarve/text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::size_t head_size = 65536;

std::string head_of(const ByteSource& file) {
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), head_size)), '\0');
  std::vector<Unread> unread;
  read_tolerant(file, 0, std::as_writable_bytes(std::span(head)), unread);
  return head;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool contains(std::string_view text, std::string_view part) {  // `part` in lower case
  return !std::ranges::search(text, part, {}, lower).empty();
}

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// Keys that only one kind of document has.
Kind of_json(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Kind>, 9> keys{{
      {"\"aggregatestatus\"", Kind::aggregate_status},
      {"\"handleraggregatestatus\"", Kind::aggregate_status},
      {"\"runtimesettings\"", Kind::settings},
      {"\"operationname\"", Kind::activity_log},
      {"\"operationnamevalue\"", Kind::activity_log},
      {"\"eventtimestamp\"", Kind::activity_log},
      {"\"taskname\"", Kind::telemetry},
      {"\"operationid\"", Kind::telemetry},
      {"\"timestamputc\"", Kind::settings},
  }};
  for (const auto& [key, kind] : keys)
    if (contains(text, key)) return kind;
  return Kind::unknown;
}

// `[<digits>] [`, `[<digits>+<digits>] [` or `[<digits>] yyyy-`: how each line of the agent's and the handlers' logs begins.
bool is_agent_line(std::string_view line) {
  if (line.empty() || line[0] != '[') return false;
  const std::size_t close = line.find(']');
  if (close == std::string_view::npos || close < 2 || close > 24 || line.size() < close + 4 || line[close + 1] != ' ') return false;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!std::ranges::all_of(line.substr(1, close - 1), [&](char c) { return digit(c) || c == '+'; })) return false;
  return (line[close + 2] == '[' && digit(line[close + 3])) || digit(line[close + 2]);
}

bool has_agent_lines(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (is_agent_line(text.substr(at, 64))) return true;
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
    case Kind::guest_logs: return "guest_logs";
    case Kind::event_log: return "event_log";
    case Kind::hive: return "registry";
    case Kind::hive_log: return "hive_log";
    case Kind::activity_log: return "activity_log";
  }
  return "unknown";
}

Kind recognise(const ByteSource& file, std::string_view path) {
  std::string head = head_of(file);
  if (head.starts_with("ElfFile\0") || head.starts_with("ElfChnk\0")) return Kind::event_log;
  if (head.starts_with("PK\x03\x04")) return Kind::guest_logs;
  std::string name(file_name(path));
  std::ranges::transform(name, name.begin(), lower);
  const bool log_name = name.ends_with(".log1") || name.ends_with(".log2");
  // A transaction log begins with a copy of the hive's base block, and so looks like one.
  if (head.starts_with("regf")) return log_name || (head.size() > 0x1C && head[0x1C] != 0) ? Kind::hive_log : Kind::hive;
  if (log_name && (head.starts_with("DIRT") || head.starts_with("HvLE"))) return Kind::hive_log;
  std::string_view text = head;
  std::string converted;
  if (head.size() >= 2 && (head.starts_with("\xFF\xFE") || head[1] == '\0')) {
    std::u16string units;
    for (std::size_t i = head.starts_with("\xFF\xFE") ? 2 : 0; i + 1 < head.size(); i += 2)
      units.push_back(static_cast<char16_t>(static_cast<unsigned char>(head[i]) | (static_cast<unsigned char>(head[i + 1]) << 8)));
    converted = to_utf8(units);
    text = converted;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(" \t\r\n\0");
  if (first == std::string_view::npos) return Kind::unknown;
  // "[" opens both a JSON array and a log line.
  if ((text[first] == '{' || text[first] == '[') && !is_agent_line(text.substr(first, 64)))
    if (const Kind kind = of_json(text); kind != Kind::unknown) return kind;
  if (has_agent_lines(text)) return Kind::agent_log;
  if (name.ends_with(".log") &&
      (contains(name, "handler") || contains(name, "commandexecution") || contains(name, "waappagent") || contains(name, "extension")))
    return Kind::agent_log;
  return Kind::unknown;
}

}  // namespace trimcarve::witness
