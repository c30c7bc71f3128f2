#include "witness/agent_json.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "witness/agent_message.hpp"
#include "witness/json_objects.hpp"
#include "witness/plain_text.hpp"
#include "witness/stated_number.hpp"

namespace trimcarve::witness {

namespace {

using Json = nlohmann::json;

// Where a stretch of a document's text lies in its file.
void place(const Document& document, std::size_t begin, std::size_t end, Statement& out) {
  out.offset = document.same_bytes ? document.text_at + begin : 0;
  out.length = document.same_bytes ? end - begin : document.used;
}

void set_time(const Json* stated, Statement& out) {
  const std::string text = text_of(stated);
  if (text.empty()) return;
  out.time_text = text;
  if (const auto time = read_iso_time(text)) {
    out.time = time->time;
    out.zone_stated = time->zone_stated;
  }
}

void add_field(Statement& out, std::string_view name, const Json* value) {
  if (std::string text = text_of(value); !text.empty()) out.fields.emplace_back(name, std::move(text));
}

// `status`: {name, operation, status, code, formattedMessage{message}, substatus[...]}.
void set_status(const Json* status, Statement& out) {
  out.status = text_of(member(status, "status"));
  out.text = text_of(member(member(status, "formattedMessage"), "message"));
  out.exit_code = exit_code_in(out.text);
  for (const std::string_view name : {"name", "operation", "code"}) add_field(out, name, member(status, name));
  const Json* parts = member(status, "substatus");
  if (parts == nullptr || !parts->is_array()) return;
  for (const Json& part : *parts) {
    const std::string name = text_of(member(&part, "name"));
    std::string message = text_of(member(member(&part, "formattedMessage"), "message"));
    if (same_word(name, "StdOut"))
      out.output = std::move(message);
    else if (same_word(name, "StdErr"))
      out.error_output = std::move(message);
    else if (!name.empty() && !message.empty())
      out.fields.emplace_back(name, std::move(message));
  }
}

bool read_handler_status(const Json& handler, const Json* document_time, Statement& out) {
  out.deed = Deed::status;
  out.event = "aggregate status";
  out.handler = text_of(member(&handler, "handlerName"));
  if (out.handler.empty()) return false;
  out.version = text_of(member(&handler, "handlerVersion"));
  const Json* request = member(&handler, "runtimeSettingsStatus");
  const Json* settings = member(request, "settingsStatus");
  const Json* status = member(settings, "status");
  add_field(out, "handlerStatus", member(&handler, "status"));
  if (status != nullptr) {
    set_status(status, out);
    set_time(member(settings, "timestampUTC"), out);
    add_field(out, "configurationAppliedTime", member(status, "configurationAppliedTime"));
  } else {
    out.status = text_of(member(&handler, "status"));
    out.text = text_of(member(member(&handler, "formattedMessage"), "message"));
    if (out.text.empty()) out.text = text_of(member(&handler, "message"));
    add_field(out, "code", member(&handler, "code"));
  }
  out.sequence = text_of(member(request, "sequenceNumber"));
  if (const std::string name = text_of(member(request, "extensionName")); !name.empty() && !out.sequence.empty())
    out.sequence = name + "." + out.sequence;
  if (out.time_text.empty()) set_time(document_time, out);
  add_field(out, "timestampUTC", document_time);
  return true;
}

struct Whole {
  JsonPart part;
  Json value;
};

// The whole objects with one of these members, in their order. In text that is no document its beginning may lie in a string: the reading
// that finds more is taken.
std::vector<Whole> whole_objects(std::string_view text, std::initializer_list<std::string_view> names, bool fragment,
                                 std::uint64_t& damaged) {
  std::vector<Whole> best;
  std::uint64_t best_bad = 0;
  for (const bool in_string : {false, true}) {
    if (in_string && !fragment) break;
    std::vector<Whole> found;
    std::uint64_t bad = 0;
    for (const JsonPart& part : find_objects(text, names, in_string)) {
      Json value = parse_json(text.substr(part.begin, part.end - part.begin));
      if (value.is_object())
        found.push_back({part, std::move(value)});
      else
        ++bad;
    }
    if (!in_string || found.size() > best.size()) best = std::move(found), best_bad = bad;
  }
  damaged += best_bad;
  return best;
}

// base64 of protected settings, by the issuer that all of Azure's name; empty when there is none. Source: `domain.md`, section 1.
std::string_view sealed_in(std::string_view text) {
  constexpr std::string_view issuer = "MDkxNzA1BgoJkiaJk";
  const std::size_t at = text.find(issuer);
  if (at == std::string_view::npos) return {};
  const auto of_it = [&](std::size_t i) {
    const char c = text[i];
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=' || c == '\\';
  };
  std::size_t begin = at, end = at;
  while (begin > 0 && of_it(begin - 1)) --begin;
  while (end < text.size() && of_it(end)) ++end;
  return text.substr(begin, end - begin);
}

bool skip_blank(std::string_view text) { return trim(text).empty(); }

}  // namespace

Tally read_aggregate_status(const ByteSource& file, const StatementSink& sink) {
  Tally tally;
  const Document document = read_document(file);
  const std::string_view all = document.text;
  bool first = true;
  std::uint64_t remains = 0;
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = std::min(all.find('\0', begin), all.size());
    const std::string_view text = all.substr(begin, end - begin);
    if (!skip_blank(text)) {
      const Json whole = first ? parse_json(text) : Json(Json::value_t::discarded);
      if (first && whole.is_discarded()) ++tally.damaged;
      std::uint64_t bad = 0;
      for (const auto& [part, value] : whole_objects(text, {"handlerName"}, whole.is_discarded(), bad)) {
        ++tally.records;
        Statement out;
        place(document, begin + part.begin, begin + part.end, out);
        out.carved = !first;
        if (!read_handler_status(value, whole.is_discarded() ? nullptr : member(&whole, "timestampUTC"), out)) continue;
        tally.window.see(out.time);
        ++tally.emitted;
        remains += first ? 0 : 1;
        sink(out);
      }
      if (first) tally.damaged += bad;
      first = false;
    }
    begin = end;
    while (begin < all.size() && all[begin] == '\0') ++begin;
  }
  if (document.cut) ++tally.damaged;
  if (first || (tally.records == 0 && !contains(all, "aggregatestatus"))) {
    tally.readable = false;
    tally.note = "no aggregate status";
  } else if (remains != 0) {
    tally.note = "of them " + std::to_string(remains) + " from an older text behind the end";
  }
  return tally;
}

Tally read_telemetry(const ByteSource& file, std::string_view path, const StatementSink& sink) {
  Tally tally;
  const Document document = read_document(file);
  const bool damaged = parse_json(document.text).is_discarded();
  const auto events = whole_objects(document.text, {"TaskName", "OperationId", "EventLevel"}, damaged, tally.damaged);
  if (damaged || document.cut) ++tally.damaged;
  if (events.empty()) {
    tally.readable = false;
    tally.note = "no telemetry event";
    return tally;
  }
  // Which handler and version an operation is of is in one of its events, mostly the second.
  std::map<std::string, std::pair<std::string, std::string>> environments;
  for (const auto& [part, value] : events) {
    const std::string message = text_of(member(&value, "Message"));
    if (find_word(message, "handlerenvironment") >= 12) continue;
    if (const auto named = find_handlers(message, 1); !named.empty())
      environments[text_of(member(&value, "OperationId"))] = {std::string(named[0].handler), std::string(named[0].version)};
  }
  Origin origin = origin_of(path);
  if (origin.version.empty()) origin.own = true;
  // What one operation says of its handler, version or request is not said of another's, and they run at once.
  std::map<std::string, MessageReader> readers;
  for (const auto& [part, value] : events) {
    ++tally.records;
    Statement out;
    place(document, part.begin, part.end, out);
    out.event = "telemetry";
    set_time(member(&value, "TimeStamp"), out);
    tally.window.see(out.time);
    out.process_id = text_of(member(&value, "EventPid"));
    for (const std::string_view name : {"TaskName", "OperationId", "EventLevel", "Version", "EventTid"})
      add_field(out, name, member(&value, name));
    const std::string operation = text_of(member(&value, "OperationId"));
    MessageReader& messages = readers.try_emplace(operation, origin).first->second;
    messages.read(text_of(member(&value, "Message")), operation, true, out.offset, out, [&](const Statement&) {
      if (const auto found = environments.find(operation); found != environments.end()) {
        if (out.handler.empty()) out.handler = found->second.first;
        if (same_word(out.handler, found->second.first)) out.version = found->second.second;
      }
      ++tally.emitted;
      sink(out);
    });
  }
  return tally;
}

Tally read_settings_status(const ByteSource& file, std::string_view path, const StatementSink& sink) {
  Tally tally;
  const Document document = read_document(file);
  Statement out;
  out.length = document.used;
  out.cut = document.cut;
  const Origin origin = origin_of(path);
  out.handler = origin.handler;
  out.version = origin.version;
  // <seq>.settings, <name>.<seq>.status
  const std::string_view stem = std::string_view(origin.file).substr(0, origin.file.rfind('.'));
  const std::string_view number = stem.substr(stem.rfind('.') == std::string_view::npos ? 0 : stem.rfind('.') + 1);
  if (!number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos) out.sequence = to_clean_utf8(stem);
  const std::string_view text = std::string_view(document.text).substr(0, document.text.find('\0'));
  const Json whole = parse_json(text);
  // Of a fragment any of its keys may be what is left.
  static constexpr std::array<std::string_view, 5> keys{"\"runtimesettings\"", "\"publicsettings\"", "\"protectedsettings\"",
                                                        "\"commandtoexecute\"", "\"fileuris\""};
  const bool is_settings = std::ranges::any_of(keys, [&](std::string_view key) { return contains(text, key); });
  const auto give = [&] {
    tally.window.see(out.time);
    ++tally.records;
    ++tally.emitted;
    sink(out);
  };
  if (is_settings) {
    out.deed = Deed::configured;
    out.event = "settings";
    if (whole.is_discarded()) {
      ++tally.damaged;
      out.cut = true;
      out.text = to_clean_utf8(text);
    } else {
      out.settings = to_clean_utf8(text);
    }
    give();
    return tally;
  }
  out.deed = Deed::status;
  out.event = "status";
  for (const auto& [part, value] : whole_objects(text, {"timestampUTC"}, whole.is_discarded(), tally.damaged)) {
    const Json* status = member(&value, "status");
    if (status == nullptr || !status->is_object()) continue;
    Statement common = out;
    place(document, part.begin, part.end, out);
    set_status(status, out);
    set_time(member(&value, "timestampUTC"), out);
    give();
    out = std::move(common);
  }
  if (whole.is_discarded() || document.cut) ++tally.damaged;
  if (tally.records == 0 && (contains(text, "\"timestamputc\"") || contains(text, "\"formattedmessage\""))) {
    out.cut = true;
    out.text = to_clean_utf8(text);
    give();
  }
  if (const auto sealed = sealed_in(text); tally.records == 0 && !sealed.empty()) {
    out.deed = Deed::configured;
    out.event = "settings";
    out.cut = true;
    out.fields.emplace_back("protectedSettings", sealed);
    give();
  }
  if (tally.records == 0) {
    tally.readable = false;
    tally.note = "neither settings nor a status";
  }
  return tally;
}

}  // namespace trimcarve::witness
