#include "findings/settings.hpp"

#include <nlohmann/json.hpp>

#include "trimcarve/text.hpp"
#include "witness/json_objects.hpp"
#include "witness/stated_number.hpp"

namespace trimcarve::findings {

namespace {

using Json = nlohmann::json;
using witness::member;
using witness::text_of;
constexpr std::size_t most_text = std::size_t{4} << 20;

std::string to_plain_utf8(std::string_view text) {
  const bool marked = text.size() >= 2 && text[0] == '\xFF' && text[1] == '\xFE';
  // A fragment has lost its mark: JSON is ASCII at its beginning, so each second byte is zero.
  const auto ascii = [&](std::size_t i) { return text[i] != '\0' && static_cast<unsigned char>(text[i]) < 0x80 && text[i + 1] == '\0'; };
  const bool unmarked = text.size() >= 8 && ascii(0) && ascii(2) && ascii(4) && ascii(6);
  if (marked || unmarked) {
    std::u16string units;
    for (std::size_t i = marked ? 2 : 0; i + 1 < text.size(); i += 2)
      units.push_back(static_cast<char16_t>(static_cast<unsigned char>(text[i]) | (static_cast<unsigned char>(text[i + 1]) << 8)));
    while (!units.empty() && units.back() == u'\0') units.pop_back();  // some writers pad with NUL
    return to_utf8(units);
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  return std::string(text);
}

void read_public(const Json& settings, Settings& out) {
  if (settings.is_string()) {  // some callers send the object as text
    const Json inner = Json::parse(settings.get<std::string>(), nullptr, false);
    if (inner.is_object()) read_public(inner, out);
    return;
  }
  if (const std::string command = text_of(member(&settings, "commandToExecute")); !command.empty()) out.command = command;
  if (const Json* uris = member(&settings, "fileUris"); uris != nullptr && uris->is_array())
    for (const Json& uri : *uris)
      if (uri.is_string()) out.file_uris.push_back(uri.get<std::string>());
  if (const Json* script = member(&settings, "script"); script != nullptr && script->is_array() && out.command.empty())
    for (const Json& line : *script)
      if (line.is_string()) out.command += (out.command.empty() ? "" : "\n") + line.get<std::string>();
}

// A string cut short, without the character or escape at its end of which only a part is left.
void drop_cut_end(std::string& value) {
  const auto surrogate = [&](std::size_t at, char first, char last) {  // \uD[first..last]..
    if (value.size() - at < 6 || value[at + 1] != 'u' || (value[at + 2] | 0x20) != 'd') return false;
    const char digit = value[at + 3] >= 'A' ? static_cast<char>(value[at + 3] | 0x20) : value[at + 3];
    return digit >= first && digit <= last;
  };
  for (std::size_t at = 0; at < value.size();) {
    if (value[at] != '\\') {
      ++at;
      continue;
    }
    std::size_t length = at + 1 < value.size() && value[at + 1] == 'u' ? 6 : 2;
    // A pair of surrogates is one character.
    if (surrogate(at, '8', 'b') && (at + 6 >= value.size() || (value[at + 6] == '\\' && (at + 7 >= value.size() || value[at + 7] == 'u'))))
      length = 12;
    if (at + length > value.size()) {
      value.resize(at);
      return;
    }
    at += length;
  }
  std::size_t lead = value.size();
  for (int back = 0; back < 3 && lead > 0 && (static_cast<unsigned char>(value[lead - 1]) & 0xC0) == 0x80; ++back) --lead;
  if (lead == 0) return;
  const auto first = static_cast<unsigned char>(value[lead - 1]);
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (length > value.size() - (lead - 1)) value.resize(lead - 1);
}

struct Field {
  std::string value;
  bool cut = false;  // the text ends, or is zeroed, before the value does
};

// `"key" : "value"` in text that is no whole JSON: the first with a string for a value. Its escapes are undone; a value cut short is taken
// as far as it goes.
std::optional<Field> field(std::string_view text, std::string_view key) {
  const std::string quoted = "\"" + std::string(key) + "\"";
  for (std::size_t at = text.find(quoted); at != std::string_view::npos; at = text.find(quoted, at)) {
    at = std::min(text.find_first_not_of(" :\t\r\n", at + quoted.size()), text.size());
    if (at == text.size() || text[at] != '"') continue;
    std::size_t end = ++at;
    while (end < text.size() && text[end] != '"' && text[end] != '\0')
      end += text[end] == '\\' && end + 1 < text.size() && text[end + 1] != '\0' ? 2U : 1U;
    std::string value(text.substr(at, end - at));
    Field out;
    out.cut = end == text.size() || text[end] == '\0';
    if (out.cut) drop_cut_end(value);
    value = to_utf8(to_utf16(value));  // malformed bytes are shown as such, not handed on
    const Json parsed = Json::parse("\"" + value + "\"", nullptr, false);
    out.value = parsed.is_string() ? parsed.get<std::string>() : value;
    return out;
  }
  return std::nullopt;
}

// The whole strings of `"key" : ["...", ...]` in text that is no whole JSON; one cut short is left out.
std::vector<std::string> list(std::string_view text, std::string_view key) {
  std::vector<std::string> out;
  const std::string quoted = "\"" + std::string(key) + "\"";
  std::size_t at = text.find(quoted);
  if (at == std::string_view::npos) return out;
  at = std::min(text.find_first_not_of(" :\t\r\n", at + quoted.size()), text.size());
  if (at == text.size() || text[at] != '[') return out;
  ++at;
  while (true) {
    at = std::min(text.find_first_not_of(" ,\t\r\n", at), text.size());
    if (at == text.size() || text[at] != '"') return out;
    std::size_t end = at + 1;
    while (end < text.size() && text[end] != '"' && text[end] != '\0') end += text[end] == '\\' && end + 1 < text.size() ? 2U : 1U;
    if (end >= text.size() || text[end] != '"') return out;
    const Json parsed = Json::parse(to_utf8(to_utf16(text.substr(at, end + 1 - at))), nullptr, false);
    if (parsed.is_string()) out.push_back(parsed.get<std::string>());
    at = end + 1;
  }
}

// The part of a status that speaks of the run itself. The states and messages of its streams, which come behind, are not the run's: text
// that does not say where it begins is none.
std::string_view own_part(std::string_view text) {
  std::size_t begin = text.find("\"operation\"");
  for (std::size_t at = text.find("\"status\""); at < begin; at = text.find("\"status\"", at)) {
    at = std::min(text.find_first_not_of(" :\t\r\n", at + 8), text.size());
    if (at < text.size() && text[at] == '{') begin = std::min(begin, at);
  }
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  text = text.substr(0, text.find('\0'));  // nothing says to whom belongs what stands behind a gap
  for (const std::string_view behind : {"\"substatus\"", "\"StdOut\"", "\"StdErr\""}) text = text.substr(0, text.find(behind));
  return text;
}

}  // namespace

std::optional<Settings> read_settings(std::string_view raw) {
  if (raw.size() > most_text) return std::nullopt;
  const std::string text = to_plain_utf8(raw);
  Settings out;
  const Json document = Json::parse(text, nullptr, false);
  if (const Json* list = member(&document, "runtimeSettings"); list != nullptr && list->is_array() && !list->empty()) {
    out.whole = true;
    if (const Json* handler = member(&list->front(), "handlerSettings")) {
      out.thumbprint = text_of(member(handler, "protectedSettingsCertThumbprint"));
      out.sealed = text_of(member(handler, "protectedSettings"));
      out.has_protected = !out.sealed.empty();
      if (const Json* open = member(handler, "publicSettings")) read_public(*open, out);
    }
    return out;
  }
  if (document.is_object() && (member(&document, "commandToExecute") != nullptr || member(&document, "fileUris") != nullptr ||
                               member(&document, "script") != nullptr)) {
    out.whole = true;
    read_public(document, out);
    return out;
  }
  const auto command = field(text, "commandToExecute");
  out.file_uris = list(text, "fileUris");
  const auto thumbprint = field(text, "protectedSettingsCertThumbprint");
  const auto sealed = field(text, "protectedSettings");
  if (!command && !thumbprint && !sealed && out.file_uris.empty()) return std::nullopt;
  if (command) out.command = command->value, out.command_cut = command->cut;
  if (thumbprint && !thumbprint->cut) out.thumbprint = thumbprint->value;
  out.has_protected = sealed && !sealed->value.empty();
  if (sealed) out.sealed = sealed->value;
  return out;
}

std::optional<Status> read_status(std::string_view raw) {
  if (raw.size() > most_text) return std::nullopt;
  const std::string text = to_plain_utf8(raw);
  Status out;
  const Json document = Json::parse(text, nullptr, false);
  const Json* entry = document.is_array() && !document.empty() ? &document.front() : document.is_object() ? &document : nullptr;
  if (const Json* status = entry == nullptr ? nullptr : member(entry, "status"); status != nullptr && status->is_object()) {
    out.whole = true;
    out.time = text_of(member(entry, "timestampUTC"));
    out.status = text_of(member(status, "status"));
    if (const Json* message = member(status, "formattedMessage")) out.message = text_of(member(message, "message"));
    if (const Json* parts = member(status, "substatus"); parts != nullptr && parts->is_array())
      for (const Json& part : *parts) {
        const std::string name = text_of(member(&part, "name"));
        const Json* message = member(&part, "formattedMessage");
        const std::string value = message == nullptr ? std::string() : text_of(member(message, "message"));
        if (name == "StdOut") out.output = value;
        if (name == "StdErr") out.error_output = value;
      }
  } else {
    const std::string_view own = own_part(text);
    const auto time = field(text, "timestampUTC"), state = field(own, "status"), message = field(own, "message");
    if (!time && !state) return std::nullopt;
    if (time && !time->cut) out.time = time->value;
    if (state && !state->cut) out.status = state->value;
    if (message) out.message = message->value;
  }
  out.exit_code = witness::exit_code_in(out.message, out.whole);
  return out;
}

std::string file_name_of_uri(std::string_view uri) {
  uri = uri.substr(0, uri.find_first_of("?#"));
  const std::size_t slash = uri.find_last_of("/\\");
  return std::string(slash == std::string_view::npos ? uri : uri.substr(slash + 1));
}

}  // namespace trimcarve::findings
