#include "witness/event_statement.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "witness/handler_name.hpp"

namespace trimcarve::witness {

namespace {

using namespace std::string_view_literals;

std::string folded(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

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

// What the guest agent says was done, by the verb: sentences differ between its versions. With several verbs the first speaks, but for
// "setting the install state ... to Enabled", where the last does.
Deed deed_of(const std::string& text) {
  struct Verb {
    std::string_view word;
    Deed deed;
  };
  static constexpr std::array<Verb, 9> verbs{{{"notinstalled", Deed::uninstalled},
                                              {"uninstall", Deed::uninstalled},
                                              {"remov", Deed::uninstalled},
                                              {"delet", Deed::uninstalled},
                                              {"disabl", Deed::disabled},
                                              {"updat", Deed::updated},
                                              {"upgrad", Deed::updated},
                                              {"install", Deed::installed},
                                              {"enabl", Deed::enabled}}};
  if (text.find("fail") != std::string::npos) return Deed::other;  // it was not done
  const bool state = text.find("install state") != std::string::npos;
  Deed deed = Deed::other;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto verb = std::ranges::find_if(verbs, [&](const Verb& v) { return text.compare(at, v.word.size(), v.word) == 0; });
    if (verb == verbs.end()) continue;
    deed = verb->deed;
    if (!state) return deed;
    at += verb->word.size() - 1;
  }
  return deed;
}

void name_handler(const HandlerMention& mention, Statement& statement) {
  statement.handler = mention.handler;
  statement.version = mention.version;
}

void state_agent(const Event& event, Statement& statement) {
  std::string all;
  for (const auto& [name, value] : event.fields) {
    const HandlerMention mention = find_handler(value);
    if (mention.found && (statement.text.empty() || statement.handler.empty())) {
      statement.text = value;
      if (!mention.handler.empty()) name_handler(mention, statement);
    }
    all += folded(value);
    all += '\n';
  }
  if (statement.handler.empty()) return;
  if (statement.version.empty())
    for (const auto& [name, value] : event.fields)
      if (is_version(value)) {
        statement.version = value;
        break;
      }
  statement.deed = deed_of(all);
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
