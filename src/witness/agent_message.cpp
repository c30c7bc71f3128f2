#include "witness/agent_message.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "witness/agent_step.hpp"
#include "witness/json_objects.hpp"
#include "witness/plain_text.hpp"
#include "witness/stated_number.hpp"

namespace trimcarve::witness {

namespace {

using Json = nlohmann::json;
constexpr std::size_t npos = std::string_view::npos;

std::optional<std::string> sequence_in(std::string_view text) {
  for (const std::string_view lead : {"sequence number", "sequnce number", "[configsequencenumber]", "seqno"}) {
    for (std::size_t at = find_word(text, lead); at != npos; at = find_word(text, lead, at + 1)) {
      // "... request ID: 0 Sequence Number: -1 Increase Sequnce number? true": -1 is none.
      const auto value = number_at(text, at + lead.size());
      if (value && *value >= 0) return std::to_string(*value);
    }
  }
  return std::nullopt;
}

// A JSON value at the start of a text: its length, or 0. Brackets are matched outside strings.
std::size_t json_length(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return 0;
      if (--depth == 0) return i + 1;
    }
  }
  return 0;
}

// Of settings logged in .NET's own way, `{Script: [...]}` and `Source: Script: ... ScriptUri: ...`, the script or command.
std::string command_in(std::string_view shown) {
  // The last of a mark counts, as a script may hold the mark itself; a later kind of mark only where there is none of an earlier.
  using Marks = std::array<std::string_view, 4>;
  static constexpr std::array<std::pair<std::string_view, Marks>, 3> forms{
      {{"{script: [", {"]}, parameters:", "], parameters:", "]}", "]"}}, {"source: script: ", {"scripturi:"}}, {"commandtoexecute: ", {}}}};
  for (const auto& [lead, marks] : forms) {
    const std::size_t at = find_word(shown, lead);
    if (at == npos) continue;
    std::string_view value = shown.substr(at + lead.size());
    std::size_t end = npos;
    for (const std::string_view mark : marks)
      for (std::size_t next = mark.empty() || end != npos ? npos : find_word(value, mark); next != npos;
           next = find_word(value, mark, next + 1))
        end = next;
    if (end != npos) {
      value = value.substr(0, end);
    } else if (lead.starts_with("command")) {
      // Up to the next name of a setting.
      for (const std::string_view name : {", fileuris", ", timestamp", ", managedidentity", ", storageaccount"})
        if (const std::size_t next = find_word(value, name); next != npos) value = value.substr(0, next);
      if (value.ends_with("}")) value.remove_suffix(1);
    }
    return std::string(trim(value));
  }
  return {};
}

// "HandlerSettings = ProtectedSettingsCertThumbprint: <t>, ProtectedSettings: {<b64>}, PublicSettings: <...>", perhaps over several lines.
bool read_handler_settings(std::string_view text, Statement& out) {
  const std::size_t lead = find_word(text, "handlersettings");
  if (lead == npos || lead > 40) return false;
  const std::size_t thumb = find_word(text, "protectedsettingscertthumbprint:", lead);
  const std::size_t open = find_word(text, "publicsettings:", lead);
  const std::size_t sealed = find_word(text, "protectedsettings:", lead);
  if (thumb == npos && open == npos && sealed == npos) return false;
  out.deed = Deed::configured;
  const auto part = [&](std::size_t begin, std::size_t end) {
    std::string_view value = trim(text.substr(begin, end == npos ? npos : end - begin));
    if (value.ends_with(",")) value = trim(value.substr(0, value.size() - 1));
    return value;
  };
  if (thumb != npos) {
    const std::string_view value = part(thumb + 32, sealed != npos && sealed > thumb ? sealed : text.find(',', thumb));
    if (!value.empty()) out.fields.emplace_back("protectedSettingsCertThumbprint", value);
  }
  if (sealed != npos) {
    std::string_view value = part(sealed + 18, open != npos && open > sealed ? open : npos);
    if (value.starts_with("{")) value.remove_prefix(1);
    if (value.ends_with("}")) value.remove_suffix(1);
    if (!value.empty()) out.fields.emplace_back("protectedSettings", value);
  }
  if (open == npos) return true;
  const std::string_view shown = trim(text.substr(open + 15));
  const std::size_t length = shown.starts_with("{") ? json_length(shown) : 0;
  const Json json = length == 0 ? Json() : parse_json(shown.substr(0, length));
  if (json.is_object()) {
    out.settings = std::string(shown.substr(0, length));
    out.command = text_of(member(&json, "commandToExecute"));
  } else if (!shown.empty()) {
    out.fields.emplace_back("publicSettings", shown);
    out.command = command_in(shown);
  }
  return true;
}

// "... executing command: '<command>'": quotes inside are kept, the last one closes.
void read_command(std::string_view text, Statement& out) {
  const std::size_t quote = text.find('\'');
  if (quote == npos) return;
  const std::size_t close = text.rfind('\'');
  if (close == quote) {  // it was cut
    out.command = std::string(text.substr(quote + 1));
    out.cut = true;
    return;
  }
  out.command = std::string(text.substr(quote + 1, close - quote - 1));
}

// What a handler says of its request.
bool read_request(std::string_view text, Statement& out) {
  if (read_handler_settings(text, out)) return true;
  if (const std::size_t at = find_word(text, "executing command"); at != npos && at < 60) {
    const std::string_view before = text.substr(0, at);
    const bool ended = contains(before, "finished") || contains(before, "completed"),
               failed = contains(before, "failed") || contains(before, "error");
    if (ended || failed) {
      out.exit_code = exit_code_in(text, !out.cut);
      // One that failed without a code may never have begun.
      if (ended || out.exit_code) out.deed = Deed::command_finished;
      if (failed) out.status = "error";
    } else if (!is_denied(text, at)) {
      out.deed = Deed::command_started;
    }
    read_command(text.substr(at), out);
    return true;
  }
  if (contains(text.substr(0, 120), "executing the specified run command script") ||
      contains(text.substr(0, 120), "script execution task started")) {
    out.deed = Deed::command_started;
    return true;
  }
  if (const std::size_t at = find_word(text, "execution finished"); at != npos && at < 60) {
    out.deed = Deed::command_finished;
    out.exit_code = exit_code_in(text, !out.cut);
    return true;
  }
  if (find_word(text, "downloading") < 12) {
    out.deed = Deed::downloading;
    return true;
  }
  if (contains(text.substr(0, 80), "sequence number") || contains(text.substr(0, 80), "[configsequencenumber]")) {
    if (!sequence_in(text)) return false;
    out.deed = Deed::configured;
    return true;
  }
  return false;
}

// The line that names a handler; of a long one what is around the name.
std::string_view around(std::string_view text, const Mention& mention) {
  constexpr std::size_t each_side = 512;
  const std::size_t least = mention.at > each_side ? mention.at - each_side : 0;
  std::size_t begin = mention.at, end = std::min(mention.end, text.size());
  const std::size_t most = text.size() - end > each_side ? end + each_side : text.size();
  while (begin > least && text[begin - 1] != '\n') --begin;
  while (end < most && text[end] != '\n') ++end;
  const auto inside = [&](std::size_t at) { return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  while (inside(begin)) ++begin;  // no character is cut in two
  while (inside(end)) --end;
  return text.substr(begin, end - begin);
}

}  // namespace

void MessageReader::follow_process(std::string_view message, std::string_view process, std::uint64_t place) {
  const bool begins = find_word(message, "starting ") == 0 && contains(message.substr(0, 60), "extension");
  if (process != process_ || begins) {
    process_ = std::string(process);
    request_name_.clear();
    sequence_.clear();
  }
  if (const std::size_t at = find_word(message, "[configextensionname]="); at != npos && at < 60)
    request_name_ = std::string(trim(message.substr(at + 22)));
  if (find_word(message, "sequence number") < 60 || find_word(message, "[configsequencenumber]") < 60)
    if (const auto stated = sequence_in(message)) {
      sequence_ = request_name_.empty() ? *stated : request_name_ + "." + *stated;
      sequence_at_ = place;
    }
}

void MessageReader::read(std::string_view message, std::string_view process, bool own, std::uint64_t place, Statement& out,
                         const std::function<void(const Statement&)>& emit) {
  own = own || origin_.own;
  const std::vector<Mention> mentions = find_handlers(message);
  if (!own && mentions.empty()) return;
  out.text = std::string(message);
  if (own) {
    // The environment names the log's own handler and version, whatever the file is called now.
    if (find_word(message, "handlerenvironment") < 12 && !mentions.empty() && mentions.front().in_path) {
      origin_.handler = std::string(mentions.front().handler);
      if (!mentions.front().version.empty()) origin_.version = std::string(mentions.front().version);
    }
    out.handler = origin_.handler;
    out.version = origin_.version;
    follow_process(message, process, place);
    out.sequence = sequence_;
    if (!sequence_.empty() && sequence_at_ != place) out.fields.emplace_back("sequence_stated_at", std::to_string(sequence_at_));
    if (!read_request(message, out)) read_own_step(message, out);
    emit(out);
    return;
  }
  const auto known = out.fields.size();
  for (std::size_t i = 0; i < mentions.size(); ++i) {
    out.handler = std::string(mentions[i].handler);
    out.version = std::string(mentions[i].version);
    if (i == 0) {
      if (const auto sequence = sequence_in(message)) out.sequence = *sequence;
      read_agent_step(message, mentions[i], out);
    } else {
      out.text = std::string(around(message, mentions[i]));
      out.deed = Deed::other;
      out.sequence.clear();
      out.status.clear();
      out.process.clear();
      out.exit_code.reset();
      out.fields.resize(known);
    }
    emit(out);
  }
}

}  // namespace trimcarve::witness
