#include <expat.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "witness/agent_json.hpp"
#include "witness/json_objects.hpp"
#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

using Json = nlohmann::json;

// .NET ticks: 100 ns since 0001-01-01. FILETIME begins 504,911,232,000,000,000 of them later.
FileTime from_ticks(std::string_view text) {
  constexpr std::uint64_t to_1601 = 504'911'232'000'000'000;
  std::uint64_t ticks = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ticks);
  if (error != std::errc{} || end != text.data() + text.size() || ticks <= to_1601) return no_time;
  return FileTime{ticks - to_1601};
}

// The command or script of a settings document, or of public settings alone.
std::string command_of(const Json& settings) {
  const Json* open = &settings;
  if (const Json* list = member(open, "runtimeSettings"); list != nullptr && list->is_array() && !list->empty())
    open = member(member(&list->front(), "handlerSettings"), "publicSettings");
  Json inner;
  if (open != nullptr && open->is_string()) {
    inner = parse_json(open->get_ref<const std::string&>());
    open = &inner;
  }
  if (std::string command = text_of(member(open, "commandToExecute")); !command.empty()) return command;
  if (std::string script = text_of(member(member(open, "source"), "script")); !script.empty()) return script;
  std::string lines;
  if (const Json* script = member(open, "script"); script != nullptr && script->is_array())
    for (const Json& line : *script) lines += (lines.empty() ? "" : "\n") + text_of(&line);
  return lines;
}

// Reads ExtensionsConfig:
//   <Extensions goalStateIncarnation="9"> <Plugins> <Plugin name version location state .../> </Plugins>
//   <PluginSettings> <Plugin name version> <RuntimeSettings seqNo>{...}</RuntimeSettings>
//     <ExtensionRuntimeSettings seqNo name state>{...}</ExtensionRuntimeSettings> </Plugin> </PluginSettings>
//   <InVMGoalStateMetaData createdOnTicks/> </Extensions>
class ConfigReader {
 public:
  explicit ConfigReader(const Document& document) : document_(document) {}

  // Statements in their order, without time. False when the text is no XML of this form up to its end.
  bool run(std::string_view text) {
    const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(document_.same_bytes ? nullptr : "UTF-8"),
                                                                              XML_ParserFree);
    if (!parser) return false;
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(
        parser_,
        [](void* self, const XML_Char* name, const XML_Char** attributes) { static_cast<ConfigReader*>(self)->start(name, attributes); },
        [](void* self, const XML_Char* name) { static_cast<ConfigReader*>(self)->end(name); });
    XML_SetCharacterDataHandler(parser_, [](void* self, const XML_Char* data, int length) {
      auto* reader = static_cast<ConfigReader*>(self);
      if (reader->in_settings_) reader->value_.append(data, static_cast<std::size_t>(length));
    });
    // A goal state has no document type; entities would let a small text grow.
    XML_SetStartDoctypeDeclHandler(parser_, [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
      XML_StopParser(static_cast<ConfigReader*>(self)->parser_, XML_FALSE);
    });
    return XML_Parse(parser_, text.data(), static_cast<int>(text.size()), 1) == XML_STATUS_OK;
  }

  std::vector<Statement> statements;
  std::string created;  // ticks
  bool seen = false;    // an element of the form

 private:
  static std::string_view local_name(const char* name) {
    const std::string_view all(name);
    return all.substr(all.rfind(':') == std::string_view::npos ? 0 : all.rfind(':') + 1);
  }

  static std::string attribute(const char** attributes, std::string_view name) {
    for (; *attributes != nullptr; attributes += 2)
      if (same_word(local_name(attributes[0]), name)) return attributes[1];
    return {};
  }

  std::uint64_t here() const { return static_cast<std::uint64_t>(std::max<XML_Index>(XML_GetCurrentByteIndex(parser_), 0)); }

  void start(const char* name, const char** attributes) {
    constexpr int deepest = 64;  // the form has 5
    if (++depth_ > deepest) XML_StopParser(parser_, XML_FALSE);
    const std::string_view element = local_name(name);
    if (same_word(element, "extensions")) {
      seen = true;
      incarnation_ = attribute(attributes, "goalStateIncarnation");
    } else if (same_word(element, "plugins")) {
      in_list_ = seen = true;
    } else if (same_word(element, "pluginsettings")) {
      in_list_ = false;
      seen = true;
    } else if (same_word(element, "plugin")) {
      handler_ = attribute(attributes, "name");
      version_ = attribute(attributes, "version");
      if (!in_list_ || handler_.empty()) return;
      begin_statement();
      current_.status = attribute(attributes, "state");
      for (const char* other : {"location", "autoUpgrade", "isMultiConfig"})
        if (std::string value = attribute(attributes, other); !value.empty()) current_.fields.emplace_back(other, std::move(value));
      open_ = true;
    } else if (same_word(element, "runtimesettings") || same_word(element, "extensionruntimesettings")) {
      begin_statement();
      current_.sequence = attribute(attributes, "seqNo");
      if (const std::string request = attribute(attributes, "name"); !request.empty())
        current_.sequence = request + "." + current_.sequence;
      current_.status = attribute(attributes, "state");
      in_settings_ = true;
      value_.clear();
    } else if (same_word(element, "invmgoalstatemetadata")) {
      created = attribute(attributes, "createdOnTicks");
    }
  }

  void end(const char* name) {
    --depth_;
    const std::string_view element = local_name(name);
    if (same_word(element, "plugin") && open_) {
      open_ = false;
      finish_statement();
    } else if (in_settings_ && (same_word(element, "runtimesettings") || same_word(element, "extensionruntimesettings"))) {
      in_settings_ = false;
      const std::string_view text = trim(value_);
      const Json json = parse_json(text);
      if (json.is_discarded()) {
        current_.text = to_clean_utf8(text);
      } else {
        current_.settings = std::string(text);
        current_.command = command_of(json);
      }
      finish_statement();
    }
  }

  void begin_statement() {
    current_ = Statement();
    current_.deed = Deed::configured;
    current_.event = "goal state";
    current_.handler = handler_;
    current_.version = version_;
    current_.offset = here();
    if (!incarnation_.empty()) current_.fields.emplace_back("goalStateIncarnation", incarnation_);
  }

  void finish_statement() {
    const std::uint64_t stop = here() + static_cast<std::uint64_t>(std::max(XML_GetCurrentByteCount(parser_), 0));
    current_.length = stop - current_.offset;
    if (document_.same_bytes) {
      current_.offset += document_.text_at;
    } else {
      current_.offset = 0;
      current_.length = document_.used;
    }
    statements.push_back(std::move(current_));
  }

  const Document& document_;
  XML_Parser parser_ = nullptr;
  int depth_ = 0;
  bool in_list_ = false, open_ = false, in_settings_ = false;
  std::string incarnation_, handler_, version_, value_;
  Statement current_;
};

// An entry of VmSettings' extensionGoalStates.
void read_vm_settings_entry(const Json& entry, const Document& document, const JsonPart& part, std::vector<Statement>& out) {
  Statement common;
  common.deed = Deed::configured;
  common.event = "goal state";
  common.offset = document.same_bytes ? document.text_at + part.begin : 0;
  common.length = document.same_bytes ? part.end - part.begin : document.used;
  common.handler = text_of(member(&entry, "name"));
  common.version = text_of(member(&entry, "version"));
  if (common.handler.empty()) return;
  Statement plugin = common;
  plugin.status = text_of(member(&entry, "state"));
  for (const std::string_view other : {"location", "autoUpgrade", "isMultiConfig"})
    if (std::string value = text_of(member(&entry, other)); !value.empty()) plugin.fields.emplace_back(other, std::move(value));
  const std::string state = plugin.status;
  out.push_back(std::move(plugin));
  const Json* requests = member(&entry, "settings");
  if (requests == nullptr || !requests->is_array()) return;
  const std::string common_number = text_of(member(&entry, "settingsSeqNo"));
  for (const Json& request : *requests) {
    Statement settings = common;
    const Json* number = member(&request, "seqNo");
    settings.sequence = number != nullptr ? text_of(number) : common_number;
    if (const std::string name = text_of(member(&request, "extensionName")); !name.empty())
      settings.sequence = name + "." + settings.sequence;
    settings.status = text_of(member(&request, "extensionState"));
    if (settings.status.empty()) settings.status = state;
    if (const Json* open = member(&request, "publicSettings"); open != nullptr && !open->is_null()) {
      settings.settings = open->is_string() ? open->get<std::string>() : open->dump(-1, ' ', false, Json::error_handler_t::replace);
      const Json json = parse_json(settings.settings);
      if (json.is_discarded()) std::swap(settings.settings, settings.text);
      settings.command = command_of(json);
    }
    for (const std::string_view sealed : {"protectedSettingsCertThumbprint", "protectedSettings"})
      if (std::string value = text_of(member(&request, sealed)); !value.empty()) settings.fields.emplace_back(sealed, std::move(value));
    out.push_back(std::move(settings));
  }
}

}  // namespace

Tally read_goal_state(const ByteSource& file, const StatementSink& sink) {
  Tally tally;
  const Document document = read_document(file);
  const std::string_view text = std::string_view(document.text).substr(0, document.text.find('\0'));
  std::vector<Statement> statements;
  std::string ticks;
  bool is_one = false, whole = false;
  if (trim(text).starts_with("<")) {
    ConfigReader reader(document);
    whole = reader.run(text);
    // A handler's requests come behind the list that gives its state.
    std::map<std::string, std::string> states;  // by handler, in lower case
    const auto key = [](const Statement& s) {
      std::string out = s.handler;
      std::ranges::transform(out, out.begin(), lower);
      return out;
    };
    for (const Statement& s : reader.statements)
      if (s.sequence.empty() && !s.status.empty()) states.try_emplace(key(s), s.status);
    for (Statement& s : reader.statements) {
      if (!s.status.empty() || s.sequence.empty()) continue;
      if (const auto state = states.find(key(s)); state != states.end()) s.status = state->second;
    }
    statements = std::move(reader.statements);
    ticks = reader.created;
    is_one = reader.seen;
  } else {
    const Json json = parse_json(text);
    whole = !json.is_discarded();
    ticks = text_of(member(&json, "extensionsLastModifiedTickCount"));
    is_one = contains(text, "\"extensiongoalstates\"");
    if (is_one)
      for (const JsonPart& part : find_objects(text, {"settingsSeqNo", "useExactVersion", "runAsStartupTask"})) {
        const Json entry = parse_json(text.substr(part.begin, part.end - part.begin));
        if (entry.is_object())
          read_vm_settings_entry(entry, document, part, statements);
        else
          ++tally.damaged;
      }
  }
  if (!is_one) {
    tally.readable = false;
    tally.note = "no goal state of extensions";
    return tally;
  }
  if (!whole || document.cut) ++tally.damaged;
  for (Statement& s : statements) {
    s.time_text = ticks;
    s.time = from_ticks(ticks);
    tally.window.see(s.time);
    ++tally.records;
    ++tally.emitted;
    sink(s);
  }
  return tally;
}

}  // namespace trimcarve::witness
