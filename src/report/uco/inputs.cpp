// What was examined, with what: images and files, volumes, the tool and how it was run, the action and its provenance records.
#include <fmt/format.h>

#include <algorithm>

#include "report/json_parts.hpp"
#include "report/layout.hpp"
#include "report/uco/graph.hpp"
#include "report/version.hpp"

namespace trimcarve::report {

namespace {

// "MD5 0123..., SHA-1 4567...", as the image's own container states them.
std::string stated_hash(std::string_view stated, std::string_view name) {
  const auto at = stated.find(std::string(name) + " ");
  if (at == std::string_view::npos) return {};
  std::string_view hex = stated.substr(at + name.size() + 1);
  hex = hex.substr(0, hex.find_first_not_of("0123456789abcdefABCDEF"));
  return hex.size() % 2 == 0 ? std::string(hex) : std::string();
}

std::string note(const SourceInfo& source, std::string_view label) {
  for (const std::string& text : source.acquisition_notes)
    if (text.starts_with(std::string(label) + ": ")) return text.substr(label.size() + 2);
  return {};
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

void put_input_file(Graph& graph, std::uint32_t space, const std::string& path, std::optional<std::uint64_t> size) {
  const std::string id = graph.space_id(space);
  graph.top(id, {"uco-observable:File"});
  graph.list("uco-core:hasFacet");
  graph.node(graph.id("input file facet", {space}), {"uco-observable:FileFacet"});
  graph.text("uco-observable:fileName", base_name(path));
  graph.text("uco-observable:filePath", path);
  if (size) graph.number("uco-observable:sizeInBytes", *size);
  graph.end();
  graph.end_list();
  graph.end();
}

void put_image(Graph& graph, const SourceInfo& source) {
  const std::string id = graph.space_id(disk_space), md5 = stated_hash(source.acquisition_hashes, "MD5"),
                    sha1 = stated_hash(source.acquisition_hashes, "SHA-1");
  graph.top(id, {"uco-observable:Image"});
  graph.text("uco-core:name", base_name(source.path));
  graph.list("uco-core:description");
  graph.value("the virtual disk that the image holds; byte ranges in it are offsets in this disk");
  if (!source.acquisition_hashes.empty()) graph.value("its hashes are as the container states them, not checked here");
  if (!source.identifier.empty()) graph.value("identifier: " + source.identifier);
  for (const std::string& text : source.acquisition_notes) graph.value(text);
  graph.end_list();
  graph.list("uco-core:hasFacet");
  graph.node(graph.id("image facet", {}), {"uco-observable:ImageFacet"});
  graph.text("uco-observable:imageType", source.container);
  graph.end();
  graph.node(graph.id("image content", {}), {"uco-observable:ContentDataFacet"});
  graph.number("uco-observable:sizeInBytes", source.size);
  graph.hashes(id, {{"MD5", md5}, {"SHA1", sha1}});
  graph.end();
  graph.end_list();
  graph.end();
}

void put_sources(Graph& graph) {
  std::uint32_t space = 1;
  for (const SourceInfo& source : graph.x.sources) {
    if (source.container == "file") {
      put_input_file(graph, space++, source.path, source.size);
      continue;
    }
    put_image(graph, source);
    for (const std::string& file : source.files) {
      put_input_file(graph, space, file, std::nullopt);
      graph.contained(graph.id("image in file", {space}), graph.space_id(disk_space), graph.space_id(space));
      ++space;
    }
  }
}

bool has_disk(const Examination& x) {
  return std::ranges::any_of(x.sources, [](const SourceInfo& source) { return source.container != "file"; });
}

void put_volume(Graph& graph, const VolumeInfo& volume) {
  const std::string id = graph.id("volume", {volume.index});
  graph.top(id, {"uco-observable:Volume"});
  graph.text("uco-core:name", fmt::format("volume {}", volume.index));
  if (volume.shadow_of)
    graph.text("uco-core:description",
               fmt::format("shadow copy of volume {}{}", *volume.shadow_of,
                           volume.shadow_created ? ", made at " + to_iso8601(*volume.shadow_created) : std::string()));
  if (volume.state != "examined") graph.text("uco-core:tag", volume.state);
  if (volume.serial != 0) {
    graph.list("uco-core:hasFacet");
    graph.node(graph.id("volume facet", {volume.index}), {"uco-observable:VolumeFacet"});
    graph.text("uco-observable:volumeID", fmt::format("{:016x}", volume.serial));
    graph.end();
    graph.end_list();
  }
  graph.end();
  if (volume.shadow_of)
    graph.contained(graph.id("copy in volume", {volume.index}), id, graph.id("volume", {*volume.shadow_of}));
  else if (has_disk(graph.x) && volume.size != 0)
    graph.contained("volume", {volume.index}, {{disk_space, volume.offset, volume.size}});
}

void put_tool(Graph& graph, const std::vector<std::string>& command) {
  graph.top(graph.id("tool", {}), {"uco-tool:AnalyticTool", "uco-tool:Tool"});
  graph.text("uco-core:name", "trimcarve");
  graph.text("uco-tool:version", version());
  graph.end();
  graph.top(graph.id("configured tool", {}), {"uco-tool:ConfiguredTool"});
  graph.text("uco-core:name", "trimcarve");
  graph.text("uco-tool:version", version());
  graph.reference("uco-configuration:isConfigurationOf", graph.id("tool", {}));
  graph.property("uco-configuration:usesConfiguration");
  graph.node(graph.id("configuration", {}), {"uco-configuration:Configuration"});
  graph.list("uco-configuration:configurationEntry");
  for (std::size_t i = 0; i < command.size(); ++i) {
    graph.node(graph.id("argument", {i}), {"uco-configuration:ConfigurationEntry"});
    graph.text("uco-configuration:itemName", fmt::format("argument {}", i));
    graph.text("uco-configuration:itemValue", command[i]);
    graph.end();
  }
  graph.end_list();
  graph.end();
  graph.end();
}

// Calls put(id) for each input: the disk, and the files that were given by themselves.
template <class Put>
void each_input(const Graph& graph, Put put) {
  std::uint32_t space = 1;
  for (const SourceInfo& source : graph.x.sources) {
    if (source.container == "file") {
      put(graph.space_id(space++));
    } else {
      put(graph.space_id(disk_space));
      space += static_cast<std::uint32_t>(source.files.size());
    }
  }
}

void put_action(Graph& graph) {
  graph.top(graph.id("action", {}), {"case-investigation:InvestigativeAction"});
  graph.text("uco-core:name", "search for deleted files of NTFS volumes");
  graph.text("uco-core:description", graph.x.complete
                                         ? "The time of the run is in manifest.json."
                                         : "The time of the run is in manifest.json. Incomplete: parts of the evidence could not "
                                           "be read; findings.json names them in its warnings.");
  if (!graph.x.complete) graph.text("uco-core:tag", "incomplete");
  graph.text("uco-action:actionStatus", "Complete/Finish");
  graph.reference("uco-action:instrument", graph.id("configured tool", {}));
  graph.list("uco-action:object");
  graph.reference(graph.id("provenance of inputs", {}));
  each_input(graph, [&](const std::string& id) { graph.reference(id); });
  graph.end_list();
  graph.list("uco-action:result");
  graph.reference(graph.id("provenance of results", {}));
  graph.end_list();
  graph.end();

  std::string exhibit;
  for (const SourceInfo& source : graph.x.sources)
    if (exhibit.empty()) exhibit = note(source, "evidence number");
  graph.top(graph.id("provenance of inputs", {}), {"case-investigation:ProvenanceRecord"});
  graph.text("uco-core:description", "what was examined");
  graph.text("case-investigation:exhibitNumber", exhibit);
  graph.list("uco-core:object");
  each_input(graph, [&](const std::string& id) { graph.reference(id); });
  graph.end_list();
  graph.end();
}

}  // namespace

void put_inputs_graph(Graph& graph, const std::vector<std::string>& command) {
  put_tool(graph, command);
  put_sources(graph);
  for (const VolumeInfo& volume : graph.x.volumes) put_volume(graph, volume);
  put_action(graph);
}

void put_provenance_graph(Graph& graph) {
  const Examination& x = graph.x;
  graph.top(graph.id("provenance of results", {}), {"case-investigation:ProvenanceRecord"});
  graph.text("uco-core:description", "what the examination came to");
  graph.list("uco-core:object");
  const auto all = [&](std::string_view kind, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) graph.reference(graph.id(kind, {i}));
  };
  all("target", x.targets.size());
  for (std::size_t t = 0; t < x.targets.size(); ++t) {
    for (std::size_t i = 0; i < x.targets[t].runs.size(); ++i) graph.reference(graph.id("run", {t, i}));
    for (std::size_t i = 0; i < x.targets[t].cloud.size(); ++i) graph.reference(graph.id("cloud", {t, i}));
  }
  all("finding", x.findings.size());
  all("file", x.files.size());
  all("fragment", x.fragments.size());
  graph.end_list();
  graph.end();
}

}  // namespace trimcarve::report
