#include "witness/event_statement.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "witness/agent_message.hpp"
#include "witness/agent_step.hpp"
#include "witness/handler_name.hpp"
#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

using namespace std::string_view_literals;

// "0x000000000000037c" as "892"; what is no such number stays as it is.
std::string decimal(std::string_view number) {
  if (!number.starts_with("0x") && !number.starts_with("0X")) return std::string(number);
  std::uint64_t value = 0;
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data() + 2, end, value, 16);
  return error == std::errc() && stop == end ? std::to_string(value) : std::string(number);
}

// The value behind "HostApplication=" (400, 403, 600, 800) or "Host Application = " (4103). A command may itself have line breaks, so it
// ends where the next label begins, if that is there, else with its line.
std::string host_application(std::string_view text) {
  for (const auto& [label, next] :
       {std::pair{"HostApplication="sv, "EngineVersion="sv}, {"Host Application = "sv, "Engine Version = "sv}}) {
    const std::size_t at = text.find(label);
    if (at == std::string_view::npos) continue;
    std::string_view value = text.substr(at + label.size());
    std::size_t end = value.find(next);
    if (end == std::string_view::npos) end = value.find_first_of("\r\n");
    value = value.substr(0, end);
    while (!value.empty() && " \t\r\n"sv.find(value.back()) != std::string_view::npos) value.remove_suffix(1);
    return std::string(value);
  }
  return {};
}

std::string host_application(const Event& event) {
  for (const auto& [name, value] : event.fields)
    if (std::string command = host_application(std::string_view(value)); !command.empty()) return command;
  return {};
}

void name_handler(const HandlerMention& mention, Statement& statement) {
  statement.handler = mention.handler;
  statement.version = mention.version;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view n) { return same_word(name, n); });
}

// What a sentence of the guest agent says, as if it stood in its log.
Statement read_sentence(std::string_view text, const Statement& event) {
  Statement out = event;
  Statement scratch = event;
  bool first = true;
  MessageReader({}).read(text, {}, false, 0, scratch, [&](const Statement& said) {
    if (first) out = said;
    first = false;
  });
  return out;
}

// What the agent's event says by fields of their own: handler, version, operation and whether that came off. The fields' names are not
// documented: those of its telemetry are taken (WALinuxAgent: Name, Version, Operation, OperationSuccess), and fields without a name by
// what they are. A version that is not the handler's field's neighbour or namesake is nobody's: the agent states its own, too.
void read_agent_fields(const Event& event, Statement& statement) {
  const auto& fields = event.fields;
  const auto is_handler = [](const auto& f) {
    const auto mentions = find_handlers(f.second, 1);
    return !mentions.empty() && mentions[0].at == 0 && mentions[0].end == f.second.size();
  };
  const auto is_unnamed = [](std::string_view name) { return name.find_first_not_of("0123456789") == std::string_view::npos; };
  const auto named = std::ranges::find_if(fields, is_handler);
  if (named == fields.end()) return;
  const Mention handler = find_handlers(named->second, 1)[0];
  if (!statement.handler.empty() && !same_word(statement.handler, handler.handler)) return;  // the sentence speaks of another
  statement.handler = handler.handler;
  if (statement.text.empty()) statement.text = named->second;
  if (statement.version.empty()) statement.version = handler.version;
  if (statement.version.empty())
    for (auto f = fields.begin(); f != fields.end() && statement.version.empty(); ++f)
      if (is_version(f->second) && (is_one_of(f->first, {"version", "handlerversion", "pluginversion", "extensionversion"}) ||
                                    (is_unnamed(f->first) && f == std::next(named))))
        statement.version = f->second;
  const auto outcome =
      std::ranges::find_if(fields, [](const auto& f) { return is_one_of(f.first, {"operationsuccess", "issuccess", "success"}); });
  const auto operation = std::ranges::find_if(fields, [&](const auto& f) {
    return (is_one_of(f.first, {"operation", "op"}) || is_unnamed(f.first)) && f.second.find(' ') == std::string::npos &&
           step_of(f.second) != Deed::other;
  });
  if (operation == fields.end() && statement.deed == Deed::other) return;
  const bool failed = outcome != fields.end() && is_one_of(outcome->second, {"false", "0"});
  if (failed || std::ranges::any_of(fields, [](const auto& f) { return says_failed(f.second); })) {
    statement.deed = Deed::other;
    statement.status = "error";
  } else if (std::ranges::any_of(fields, [](const auto& f) { return denies_step(f.second); })) {
    statement.deed = Deed::other;
    statement.status.clear();
  } else if (statement.deed == Deed::other) {
    statement.deed = step_of(operation->second);
    statement.status = outcome != fields.end() ? "success" : "started";
  }
}

void state_agent(const Event& event, Statement& statement) {
  for (const auto& [name, value] : event.fields) {
    if (value.find(' ') == std::string::npos || find_handlers(value, 1).empty()) continue;
    Statement said = read_sentence(value, statement);
    const bool steps = said.deed != Deed::other || !said.status.empty();
    if (statement.text.empty() || steps) statement = std::move(said);
    if (steps) break;
  }
  read_agent_fields(event, statement);
  if (!statement.text.empty()) return;
  // Its program or folder may be named without it.
  for (const auto& [name, value] : event.fields)
    if (const HandlerMention mention = find_handler(value); mention.found && statement.text.empty()) {
      statement.text = value;
      name_handler(mention, statement);
    }
}

void state_process(const Event& event, bool started, Statement& statement) {
  statement.deed = started ? Deed::process_started : Deed::process_ended;
  statement.path = statement.process = field(event, started ? "NewProcessName"sv : "ProcessName"sv);
  statement.process_id = decimal(field(event, started ? "NewProcessId"sv : "ProcessId"sv));
  statement.user = field(event, "SubjectUserSid");
  if (started) {
    statement.command = field(event, "CommandLine");
    statement.parent_process = field(event, "ParentProcessName");
    statement.parent_process_id = decimal(field(event, "ProcessId"));
  }
  for (const std::string* text : {&statement.path, &statement.parent_process, &statement.command})
    if (const HandlerMention mention = find_handler(*text); mention.found && statement.handler.empty()) name_handler(mention, statement);
}

void state_clearing(const Event& event, Statement& statement) {
  statement.deed = Deed::log_cleared;
  statement.text = event.id == "1102" ? event.channel : std::string(field(event, "Channel"));
  if (const std::string_view sid = field(event, "SubjectUserSid"); !sid.empty()) {
    statement.user = sid;
  } else if (statement.user.empty() || statement.user == "S-1-5-18") {  // 104 is written by the service, and names who asked
    const std::string_view name = field(event, "SubjectUserName"), domain = field(event, "SubjectDomainName");
    if (!name.empty()) statement.user = domain.empty() ? std::string(name) : std::string(domain) + "\\" + std::string(name);
  }
}

}  // namespace

bool state_event(Event& event, Statement& statement) {
  statement = {};
  statement.time = event.time;
  statement.event = event.channel + " " + event.id;
  statement.computer = event.computer;
  statement.user = event.user;
  if (event.process_id != "0") statement.process_id = event.process_id;  // classic logs state none, as 0
  const std::string_view id = event.id;
  const bool power_shell = event.channel == "Microsoft-Windows-PowerShell/Operational" || event.channel == "PowerShellCore/Operational";
  if (event.channel == "Security" && (id == "4688" || id == "4689")) {
    state_process(event, id == "4688", statement);
  } else if (power_shell && id == "4104") {
    statement.deed = Deed::script_text;
    statement.path = field(event, "Path");
    if (const HandlerMention mention = find_handler(statement.path); mention.found) name_handler(mention, statement);
    const auto text = std::ranges::find(event.fields, "ScriptBlockText"sv, &std::pair<std::string, std::string>::first);
    if (text != event.fields.end()) {
      statement.text = std::move(text->second);
      event.fields.erase(text);
    }
  } else if (power_shell && id == "4103") {
    statement.deed = Deed::pipeline;
    statement.command = host_application(event);
    statement.text = field(event, "Payload");
  } else if (event.channel == "Windows PowerShell" && (id == "400" || id == "403" || id == "600" || id == "800")) {
    statement.deed = id == "403" ? Deed::engine_stopped : id == "800" ? Deed::pipeline : Deed::engine_started;
    statement.command = host_application(event);
    if (id == "800") statement.text = field(event, "2");  // its third string: what was invoked, with which parameters
  } else if (event.provider == "Microsoft-Windows-Eventlog" && (id == "1102" || id == "104")) {
    state_clearing(event, statement);
  } else if (event.provider.starts_with("Microsoft-WindowsAzure") || event.channel.starts_with("Microsoft-WindowsAzure")) {
    state_agent(event, statement);
  } else {
    bool named = false;
    for (const auto& [name, value] : event.fields) {
      const HandlerMention mention = find_handler(value);
      if (!mention.found || (named && (mention.handler.empty() || !statement.handler.empty()))) continue;
      named = true;
      statement.text = value;
      name_handler(mention, statement);
    }
    if (!named) return false;
  }
  statement.fields = std::move(event.fields);
  return true;
}

}  // namespace trimcarve::witness
