#include "witness/agent_message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

using Json = nlohmann::json;
constexpr std::size_t npos = std::string_view::npos;

bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

// The first occurrence of a word that begins with `stem` (lower case) and does not continue another: "enabl" finds Enabling, not re-enable.
std::size_t find_stem(std::string_view text, std::string_view stem) {
  for (std::size_t at = find_word(text, stem); at != npos; at = find_word(text, stem, at + 1))
    if (at == 0 || !is_letter(text[at - 1])) return at;
  return npos;
}

std::string_view word_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_letter(text[end])) ++end;
  return text.substr(at, end - at);
}

std::optional<std::int64_t> number_at(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == ':' || text[at] == '\'' || text[at] == '=')) ++at;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (at >= text.size() || error != std::errc{}) return std::nullopt;
  return value;
}

// The number behind the last or first of a phrase.
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

struct Verb {
  std::string_view stem;
  Deed deed;
};
// "uninstall" and "NotInstalled" before "install".
constexpr std::array<Verb, 6> verbs{{{"uninstall", Deed::uninstalled},
                                     {"notinstalled", Deed::uninstalled},
                                     {"disabl", Deed::disabled},
                                     {"install", Deed::installed},
                                     {"enabl", Deed::enabled},
                                     {"updat", Deed::updated}}};

bool failed(std::string_view text) {
  for (const std::string_view word :
       {"failed", "failure", "unable", "could not", "cannot", "exception", "timed out", "not successful", "unsuccessful"})
    if (contains(text, word)) return true;
  // "Installed plugin (name: X, version: V), Code: 0": the agent's own codes, 0 is success.
  const std::size_t code = find_word(text, ", code:");
  if (code == npos) return false;
  const auto value = number_at(text, code + 7);
  return value && *value != 0;
}

std::string_view progress_of(std::string_view text, std::string_view word) {
  const auto ends = [&](std::string_view ending) {
    return word.size() >= ending.size() && same_word(word.substr(word.size() - ending.size()), ending);
  };
  if (contains(text, "success") || contains(text, "completed") || ends("ed")) return "success";
  return "started";
}

void set_step(Statement& out, std::string_view text, Deed deed, std::string_view word) {
  if (failed(text)) {
    out.deed = Deed::other;
    out.status = "error";
    return;
  }
  out.deed = deed;
  out.status = progress_of(text, word);
}

// "Setting the install state of the handler X_V to Enabled".
bool read_install_state(std::string_view text, Statement& out) {
  const std::size_t at = find_word(text, "install state");
  const std::size_t to = at == npos ? npos : find_word(text, " to ", at);
  if (to == npos) return false;
  out.status = std::string(word_at(text, to + 4));
  if (same_word(out.status, "installed")) out.deed = Deed::installed;
  if (same_word(out.status, "enabled")) out.deed = Deed::enabled;
  if (same_word(out.status, "disabled")) out.deed = Deed::disabled;
  if (same_word(out.status, "notinstalled") || same_word(out.status, "uninstalled")) out.deed = Deed::uninstalled;
  return true;
}

// Removing or deleting is the handler's removal only when the handler, or its folder as a whole, is its direct object: handlers also say
// "Removing Users access rules from directory 'C:\Packages\Plugins\X\V'".
bool removes_handler(std::string_view text, const Mention& mention) {
  if (mention.in_path && mention.end < text.size() && (text[mention.end] == '\\' || text[mention.end] == '/')) {
    std::size_t behind = mention.end + 1;  // a slash at the end is no further component
    if (behind < text.size() && (is_letter(text[behind]) || (text[behind] >= '0' && text[behind] <= '9'))) return false;
  }
  for (const std::string_view stem : {"remov", "delet"}) {
    const std::size_t at = find_stem(text, stem);
    if (at == npos || at >= mention.at) continue;
    std::string_view between = text.substr(at, mention.at - at);
    between.remove_prefix(word_at(between, 0).size());
    // Of a path only its beginning stands before the name.
    if (mention.in_path) between = between.substr(0, between.find_last_of(" '\"(") == npos ? 0 : between.find_last_of(" '\"(") + 1);
    bool only_nouns = true;
    for (std::size_t i = 0; i < between.size() && only_nouns;) {
      if (!is_letter(between[i])) {
        ++i;
        continue;
      }
      const std::string_view word = word_at(between, i);
      static constexpr std::array<std::string_view, 14> nouns{"the",    "plugin", "plug",      "in",     "extension", "handler", "name",
                                                              "folder", "for",    "directory", "binary", "package",   "of",      "version"};
      only_nouns = std::ranges::any_of(nouns, [&](std::string_view n) { return same_word(word, n); });
      i += word.size();
    }
    if (only_nouns) return true;
  }
  return false;
}

// Upgrades name two versions: "... for extension: X from version: 1.9.0.0 to version: 1.11.0.0" (Azure Arc).
bool read_upgrade(std::string_view text, Statement& out) {
  const std::size_t at = find_stem(text, "upgrad");
  const std::size_t from = find_word(text, "from version");
  const std::size_t to = find_word(text, "to version");
  if (at == npos || from == npos || to == npos) return false;
  const auto version = [&](std::size_t begin) {
    begin = text.find_first_of("0123456789", begin);
    if (begin == npos) return std::string_view();
    std::size_t end = begin;
    while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
    return text.substr(begin, end - begin);
  };
  if (!is_version(version(from)) || !is_version(version(to))) return false;
  set_step(out, text, Deed::updated, word_at(text, at));
  out.version = std::string(version(to));
  out.fields.emplace_back("from version", version(from));
  return true;
}

// How the agent runs a handler's own commands: "Started a process with the launch command <exe>, params: install.", Arc's "Creating worker
// process for command: cmd.exe /c cd /d <folder> && <exe> enable".
bool read_launch(std::string_view text, Statement& out) {
  std::string_view verb;
  if (const std::size_t launch = find_word(text, "launch command "); launch != npos) {
    const std::size_t params = find_word(text, "params:", launch);
    std::string_view program = trim(text.substr(launch + 15, params == npos ? npos : params - launch - 15));
    if (program.ends_with(",")) program.remove_suffix(1);
    if (program.ends_with(" and")) program.remove_suffix(4);
    out.process = std::string(program);
    verb = params == npos ? std::string_view() : trim(text.substr(params + 7));
    // Newer handlers have a command file each: ...\enable.cmd with no parameters.
    if (verb.empty() || !is_letter(verb[0])) verb = file_name_of(program);
  } else if (const std::size_t worker = find_word(text, "worker process for command: "); worker != npos) {
    out.process = std::string(trim(text.substr(worker + 28)));
    const std::size_t last = out.process.find_last_of(' ');
    verb = last == std::string::npos ? std::string_view() : std::string_view(out.process).substr(last + 1);
  } else {
    return false;
  }
  for (const auto& [stem, deed] : verbs)
    if (verb.size() >= stem.size() && same_word(verb.substr(0, stem.size()), stem)) {
      set_step(out, text, deed, "");
      return true;
    }
  return true;
}

// A line of the agent about a handler it names.
void read_agent_step(std::string_view text, const Mention& mention, Statement& out) {
  if (read_install_state(text, out) || read_upgrade(text, out)) return;
  if (find_word(text, "has exited with") != npos) {  // a handler's own command (install, enable, ...), not a request's
    out.exit_code = exit_code_in(text);
    return;
  }
  if (read_launch(text, out)) return;
  // Where the agent's sentence may stand: not inside paths and not behind the name, but for removal, which may be said in any way.
  const std::string_view before = text.substr(0, mention.at);
  for (const auto& [stem, deed] : verbs) {
    const bool removal = deed == Deed::uninstalled || deed == Deed::disabled;
    const std::size_t at = find_stem(removal ? text : before, stem);
    if (at == npos) continue;
    const std::string_view word = word_at(text, at);
    if (!removal) {
      // "Installing plugin (", "Beginning enable of plugin", "Executing Install request for extension:", "Enable command for extension:".
      const std::string_view between = before.substr(at + word.size());
      const bool noun = contains(between, "plugin") || contains(between, "extension") || contains(between, "handler");
      if (!noun || between.size() > 40) continue;
    }
    set_step(out, text, deed, word);
    return;
  }
  if (removes_handler(text, mention)) {
    const std::size_t remove = find_stem(text, "remov"), removed = remove == npos ? find_stem(text, "delet") : remove;
    set_step(out, text, Deed::uninstalled, word_at(text, removed));
  }
}

// A step in a handler's own log: "Installing Handler", "Handler successfully enabled", "Process handler command: install", "Comamnd
// Executed: enable" (the product's own spelling), "Command Received : install", "Completed the Install Command".
void read_own_step(std::string_view text, Statement& out) {
  const std::string_view line = text.substr(0, text.find('\n'));
  if (line.size() > 200) return;  // a step's message is short; a long one quotes something
  if (!contains(line, "handler") && !contains(line, "extension") && !contains(line, "command") && !contains(line, "comamnd")) return;
  for (const auto& [stem, deed] : verbs) {
    const std::size_t at = find_stem(line, stem);
    if (at == npos) continue;
    // "Comamnd Executed: enable" says what was asked for: whether it was done is said later.
    const std::string_view word = word_at(line, at);
    const bool asked =
        find_word(line, "executed:") != npos || find_word(line, "received") != npos || find_word(line, "process handler") != npos;
    set_step(out, line, deed, asked ? std::string_view() : word);
    return;
  }
  for (const std::string_view stem : {"remov", "delet"}) {
    const std::size_t at = find_stem(line, stem);
    if (at == npos) continue;
    const std::string_view word = word_at(line, at), behind = trim(line.substr(at + word.size()));
    if (find_word(behind, "handler") == 0 || find_word(behind, "extension") == 0 || find_word(line, "handler successfully") == 0)
      set_step(out, line, Deed::uninstalled, word);
    return;
  }
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
  static constexpr std::array<std::array<std::string_view, 3>, 3> forms{
      {{"{script: [", "]}", "]"}, {"source: script: ", "scripturi:", ""}, {"commandtoexecute: ", "", ""}}};
  for (const auto& [lead, stop, other_stop] : forms) {
    const std::size_t at = find_word(shown, lead);
    if (at == npos) continue;
    std::string_view value = shown.substr(at + lead.size());
    std::size_t end = npos;
    for (const std::string_view mark : {stop, other_stop})
      for (std::size_t next = mark.empty() ? npos : find_word(value, mark); next != npos; next = find_word(value, mark, next + 1))
        end = next;  // the last: a script may hold the mark itself
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

std::string member_text(const Json& object, std::string_view name) {
  if (!object.is_object()) return {};
  for (const auto& [key, value] : object.items())
    if (same_word(key, name) && value.is_string()) return value.get<std::string>();
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
  const Json json = length == 0 ? Json() : Json::parse(shown.substr(0, length), nullptr, false);
  if (json.is_object()) {
    out.settings = std::string(shown.substr(0, length));
    out.command = member_text(json, "commandToExecute");
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
    out.deed = Deed::command_started;
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
    out.exit_code = exit_code_in(text);
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

}  // namespace

std::optional<std::int64_t> exit_code_in(std::string_view text) noexcept {
  for (const std::string_view lead : {"exited with code", "exit code of", "exit code"})
    if (const std::size_t at = find_word(text, lead); at != npos)
      if (const auto value = number_at(text, at + lead.size())) return value;
  return std::nullopt;
}

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
