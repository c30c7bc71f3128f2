#include "report/manifest.hpp"

#include <fmt/format.h>

#include <ctime>
#include <set>
#include <span>

#include "report/files.hpp"
#include "report/json_reader.hpp"
#include "report/json_writer.hpp"
#include "report/version.hpp"

namespace trimcarve::report {

namespace {

constexpr std::string_view seal_begin = ",\n\"manifest_sha256\":\"", seal_end = "\"\n}\n";
constexpr std::size_t hash_length = 64, seal_length = seal_begin.size() + hash_length + seal_end.size();

}  // namespace

std::string now_iso8601() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto ticks = static_cast<std::uint64_t>(now.tv_sec) * ticks_per_second + static_cast<std::uint64_t>(now.tv_nsec) / 100;
  return to_iso8601(FileTime{ticks + unix_epoch_ticks});
}

std::string manifest_text(const Examination& examination, const RunIdentity& run, const std::vector<Output>& outputs) {
  std::string text;
  JsonWriter json([&text](std::string_view piece) { text += piece; });
  const auto strings = [&json](const std::vector<std::string>& list) {
    json.begin_array();
    for (const std::string& item : list) json.value(item);
    json.end_array();
  };
  json.begin_object();
  json.key("schema").value("trimcarve/manifest/1");
  json.key("tool").begin_object();
  json.key("name").value("trimcarve");
  json.key("version").value(version());
  json.end_object();
  json.new_line();
  json.key("command");
  strings(run.command);
  json.key("working_directory").value(run.working_directory);
  json.new_line();
  json.key("started").value(run.started);
  json.key("finished").value(now_iso8601());
  json.key("complete").value(examination.complete);
  json.new_line();
  json.key("inputs").begin_array();
  for (const SourceInfo& source : examination.sources) {
    json.new_line();
    json.begin_object();
    json.key("path").value(source.path);
    json.key("container").value(source.container);
    json.key("size").value(source.size);
    json.key("identifier").value(source.identifier);
    json.key("files");
    strings(source.files);
    json.end_object();
  }
  json.end_array();
  json.new_line();
  json.key("outputs").begin_array();
  for (const Output& output : outputs) {
    json.new_line();
    json.begin_object();
    json.key("path").value(output.path);
    json.key("size").value(output.size);
    json.key("sha256").value(output.sha256);
    json.end_object();
  }
  json.end_array();
  json.flush();
  const std::string hash = sha256_of_text(text);
  return text + fmt::format("{}{}{}", seal_begin, hash, seal_end);
}

Result<Manifest> read_manifest(std::string_view text) {
  Manifest manifest;
  std::set<std::string> seen;
  JsonHandler handler;
  handler.scalar = [&](const std::string& name, nlohmann::json& value) {
    if (name == "schema" && value != "trimcarve/manifest/1") throw Damaged("an unknown schema");
    if (name == "working_directory" && value.is_string()) manifest.working_directory = value.get<std::string>();
  };
  handler.element = [&](const std::string& list, nlohmann::json& element) {
    if (list != "outputs") return;
    Output output{text_member(element, "path"), number_member(element, "size"), text_member(element, "sha256")};
    if (!stays_inside(output.path)) throw Damaged("an output's path leaves the folder");
    if (!seen.insert(output.path).second) throw Damaged("an output is listed twice");
    manifest.outputs.push_back(std::move(output));
  };
  if (const auto read = read_json(text, handler); !read) return std::unexpected(read.error());
  if (text.size() > seal_length) {
    const std::string_view body = text.substr(0, text.size() - seal_length), seal = text.substr(body.size());
    manifest.intact =
        seal.starts_with(seal_begin) && seal.ends_with(seal_end) && seal.substr(seal_begin.size(), hash_length) == sha256_of_text(body);
  }
  return manifest;
}

}  // namespace trimcarve::report
