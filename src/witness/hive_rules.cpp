#include "witness/hive_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <ranges>

#include "trimcarve/bytes.hpp"
#include "trimcarve/text.hpp"
#include "witness/certificate.hpp"
#include "witness/handler_name.hpp"
#include "witness/plain_text.hpp"
#include "witness/program_cache.hpp"

namespace trimcarve::witness {

namespace {

std::string join(const KeyPath& path) {
  std::string text;
  for (const std::string& name : path) {
    if (!text.empty()) text += '\\';
    text += name;
  }
  return text;
}

std::string text_value(const HiveKey& key, std::string_view name) {
  const HiveValue* value = find_value(key, name);
  return value != nullptr ? to_text(*value) : std::string();
}

class Speaker {
 public:
  Speaker(const HiveKey& key, HiveKind kind, Statement& scratch, const StatementSink& sink)
      : key_(key), kind_(kind), out_(scratch), sink_(sink) {}

  Stated speak() {
    switch (topic_of(key_.path, key_.rooted)) {
      case Topic::none: break;
      case Topic::handler_state: handler_state(); break;
      case Topic::agent: agent(); break;
      case Topic::certificate: certificate(); break;
      case Topic::windows: windows(); break;
      case Topic::setup: named("Setup"); break;
      case Topic::computer_name: computer_name(); break;
      case Topic::program_cache: program_cache(); break;
      case Topic::inventory:
        inventory("InventoryApplicationFile", text_value(key_, "LowerCaseLongPath"), text_value(key_, "FileId"));
        break;
      case Topic::file_inventory: inventory("File", text_value(key_, "15"), text_value(key_, "101")); break;
      case Topic::service: service(); break;
    }
    return stated_;
  }

 private:
  void begin(Deed deed, std::string_view what) {
    out_ = Statement{};
    out_.deed = deed;
    out_.offset = key_.offset;
    out_.length = key_.length;
    out_.carved = key_.carved;
    out_.cut = key_.cut;
    out_.time = key_.last_write;
    out_.event = fmt::format("{} {}", to_string(kind_), what);
    out_.text = (key_.rooted ? "" : "...\\") + join(key_.path);
    if (!key_.doubt.empty()) out_.fields.emplace_back("doubtful path", key_.doubt);
  }
  // The key's values as fields.
  void add_values() {
    for (const HiveValue& value : key_.values) out_.fields.emplace_back(value.name.empty() ? "(default)" : value.name, to_text(value));
  }
  void emit() {
    ++stated_.emitted;
    sink_(out_);
  }
  // `time` is not the key's last write but what `name` says.
  void set_time(FileTime time, std::string_view name) {
    out_.fields.emplace_back("time is", name);
    out_.fields.emplace_back("key last written", to_iso8601(key_.last_write));
    out_.time = time;
  }
  void set_handler(const std::optional<HandlerName>& name) {
    if (!name) return;
    out_.handler = name->handler;
    out_.version = name->version;
  }
  // The handler that the key's names state, the nearest first; else a path in its values.
  std::optional<HandlerName> handler_of_key() const {
    for (const std::string& name : std::views::reverse(key_.path))
      if (auto parsed = handler_of_package(name)) return parsed;
    for (const HiveValue& value : key_.values)
      if (auto parsed = handler_of_path(to_text(value))) return parsed;
    return std::nullopt;
  }

  // The key directly below HandlerState is the handler's, whatever lies below that; a key that lost its path is it itself.
  HandlerName handler_of_state() const {
    const auto above = std::ranges::find_if(key_.path, [](const std::string& name) { return same_word(name, "HandlerState"); });
    const std::string& name = above == key_.path.end() || std::next(above) == key_.path.end() ? key_.path.back() : *std::next(above);
    if (auto parsed = handler_of_package(name)) return *std::move(parsed);
    HandlerName out{name, {}};
    for (const HiveValue& value : key_.values)
      if (const auto in_path = handler_of_path(to_text(value)); in_path && same_word(in_path->handler, name) && out.version.empty())
        out.version = in_path->version;
    return out;
  }

  void handler_state() {
    const bool own = handler_of_package(key_.path.back()).has_value() ||
                     (key_.path.size() >= 2 && same_word(key_.path[key_.path.size() - 2], "HandlerState"));
    // A name alone may be another key's (assemblies have such names): then the values must be the agent's.
    const bool certain =
        key_.path.size() >= 2 || std::ranges::any_of(std::array<std::string_view, 3>{"InstallState", "SequenceNumber", "StatusFolder"},
                                                     [&](std::string_view name) { return find_value(key_, name) != nullptr; });
    begin(own && certain ? Deed::registered : Deed::other, "HandlerState");
    set_handler(handler_of_state());
    out_.sequence = text_value(key_, "SequenceNumber");
    out_.status = text_value(key_, "InstallState");
    add_values();
    emit();
  }

  void agent() {
    const auto handler = handler_of_key();
    if (key_.values.empty() && !handler) return;
    begin(Deed::other, "agent");
    set_handler(handler);
    add_values();
    emit();
  }

  void certificate() {
    const HiveValue* blob = find_value(key_, "Blob");
    begin(Deed::certificate, "certificate");
    out_.fields.emplace_back("thumbprint", key_.path.back());
    if (blob != nullptr) {
      const StoredCertificate stored = decode_stored_certificate(blob->data);
      if (!stored.friendly_name.empty()) out_.fields.emplace_back("friendly name", stored.friendly_name);
      if (!stored.key_container.empty()) out_.fields.emplace_back("key container", stored.key_container);
      if (!stored.der) ++stated_.damaged;
      if (stored.der)
        for (auto& [name, text] : describe_certificate(*stored.der)) {
          if (name == "sha1") out_.fields.emplace_back("thumbprint agrees", same_word(text, key_.path.back()) ? "yes" : "no");
          out_.fields.emplace_back(name, std::move(text));
        }
    }
    emit();
  }

  void windows() {
    begin(Deed::other, "CurrentVersion");
    // A key of this name also stands elsewhere: without these values it is another, or says nothing.
    static constexpr std::array<std::string_view, 10> names{"InstallDate",        "InstallTime",    "ProductName", "CurrentBuild",
                                                            "CurrentBuildNumber", "DisplayVersion", "ReleaseId",   "InstallationType",
                                                            "EditionID",          "RegisteredOwner"};
    for (const std::string_view name : names)
      if (const HiveValue* value = find_value(key_, name)) out_.fields.emplace_back(name, to_text(*value));
    const HiveValue *time = find_value(key_, "InstallTime"), *date = find_value(key_, "InstallDate");
    const auto ticks = time != nullptr ? to_number(*time) : std::nullopt;
    const auto seconds = date != nullptr ? to_number(*date) : std::nullopt;
    const bool dated = seconds && *seconds != 0 && *seconds <= 0xFFFFFFFF;
    if (ticks && *ticks != 0)
      set_time({*ticks}, "InstallTime");
    else if (dated)
      set_time({unix_epoch_ticks + *seconds * ticks_per_second}, "InstallDate");
    // The key's last write alone says nothing of when Windows was set up: updates write it too.
    if ((ticks && *ticks != 0) || dated) out_.deed = Deed::provisioned;
    if (!out_.fields.empty()) emit();
  }

  void named(std::string_view what) {
    if (key_.values.empty()) return;
    begin(Deed::other, what);
    add_values();
    emit();
  }

  void computer_name() {
    const std::string name = text_value(key_, "ComputerName");
    if (name.empty()) return;
    begin(Deed::other, "ComputerName");
    out_.computer = name;
    add_values();
    emit();
  }

  void service() {
    const std::string image = text_value(key_, "ImagePath");
    if (!is_handler_program(image) && !contains(image, "windowsazure")) return;
    begin(Deed::other, "service");
    set_handler(handler_of_path(image));
    out_.path = image;
    add_values();
    emit();
  }

  void program_cache() {
    const HiveValue* cache = find_value(key_, "AppCompatCache");
    if (cache == nullptr) return;
    const auto tally = decode_program_cache(cache->data, [&](const CachedProgram& program) {
      if (!is_handler_program(program.path)) return;
      begin(Deed::program_seen, "AppCompatCache");
      set_handler(handler_of_path(program.path));
      out_.path = program.path;
      set_time(program.modified, "the file's modification, not an execution");
      out_.fields.emplace_back("position", fmt::format("{}", program.position));
      emit();
    });
    stated_.damaged += tally.damaged + (tally.format.empty() ? 1 : 0);
  }

  void inventory(std::string_view what, std::string path, const std::string& file_id) {
    if (!is_handler_program(path)) return;
    begin(Deed::program_seen, what);
    set_handler(handler_of_path(path));
    out_.path = std::move(path);
    // "0000" and the SHA-1 of the file's first 31 MiB.
    if (file_id.size() == 44 && file_id.starts_with("0000")) out_.fields.emplace_back("sha1", file_id.substr(4));
    add_values();
    emit();
  }

  const HiveKey& key_;
  HiveKind kind_;
  Statement& out_;
  const StatementSink& sink_;
  Stated stated_;
};

}  // namespace

Stated state_key(const HiveKey& key, HiveKind kind, Statement& scratch, const StatementSink& sink) {
  return Speaker(key, kind, scratch, sink).speak();
}

std::uint64_t state_loose_value(const HiveValue& value, std::uint64_t offset, std::uint64_t length, HiveKind kind, Statement& scratch,
                                const StatementSink& sink) {
  const std::string text = to_text(value);
  const auto handler = handler_of_path(text);
  if (!handler) return 0;
  scratch = Statement{};
  scratch.deed = Deed::other;
  scratch.offset = offset;
  scratch.length = length;
  scratch.carved = true;
  scratch.cut = !value.whole;
  scratch.event = fmt::format("{} deleted value", to_string(kind));
  scratch.text = text;
  scratch.handler = handler->handler;
  scratch.version = handler->version;
  scratch.fields.emplace_back(value.name.empty() ? "(default)" : value.name, text);
  sink(scratch);
  return 1;
}

std::uint64_t state_free_space(ByteView bytes, std::uint64_t offset, HiveKind kind, Statement& scratch, const StatementSink& sink) {
  std::uint64_t emitted = 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t at = text.find("0ts"); at != std::string_view::npos; at = text.find("0ts", at + 1)) {
    if (at == 0) continue;
    const auto program = decode_cached_program(bytes.subspan(at - 1));
    if (!program || !is_handler_program(program->path)) continue;
    scratch = Statement{};
    scratch.deed = Deed::program_seen;
    scratch.offset = offset + at - 1;
    scratch.length = program->length;
    scratch.carved = true;
    scratch.time = program->modified;
    scratch.event = fmt::format("{} AppCompatCache", to_string(kind));
    scratch.path = program->path;
    if (const auto handler = handler_of_path(program->path)) {
      scratch.handler = handler->handler;
      scratch.version = handler->version;
    }
    scratch.fields.emplace_back("time is", "the file's modification, not an execution");
    sink(scratch);
    ++emitted;
  }
  return emitted;
}

}  // namespace trimcarve::witness
