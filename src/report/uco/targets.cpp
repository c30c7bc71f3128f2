// What the examination says of its targets: verdicts, versions, runs, the cloud's operations, findings and the sightings that these cite.
#include <fmt/format.h>

#include <charconv>
#include <unordered_map>

#include "report/uco/graph.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

// The numbers of files by volume and path.
class FilesByPath {
 public:
  explicit FilesByPath(const Examination& x) {
    for (std::size_t i = 0; i < x.files.size(); ++i) numbers_.try_emplace(key(x.files[i].volume, to_utf8(x.files[i].path)), i);
  }
  std::optional<std::size_t> find(std::uint32_t volume, const std::string& path) const {
    const auto at = numbers_.find(key(volume, path));
    return at == numbers_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  static std::string key(std::uint32_t volume, const std::string& path) { return fmt::format("{}\n{}", volume, path); }
  std::unordered_map<std::string, std::size_t> numbers_;
};

// What an annotation is about: the sightings it cites, or the whole input when it cites none.
void put_about(Graph& graph, const std::vector<std::uint32_t>& sightings) {
  graph.list("uco-core:object");
  if (sightings.empty()) graph.reference(graph.id("provenance of inputs", {}));
  for (const std::uint32_t sighting : sightings)
    if (sighting < graph.x.sightings.size()) graph.reference(graph.id("sighting", {sighting}));
  graph.end_list();
}

void put_event(Graph& graph, const std::string& id, std::string_view type, const std::string& about,
               const std::optional<FileTime>& earliest, const std::optional<FileTime>& latest, std::string_view words) {
  graph.top(id, {"uco-core:Event"});
  graph.text("uco-core:eventType", type);
  graph.text("uco-core:description", words);
  graph.time("uco-core:startTime", earliest);
  graph.time("uco-core:endTime", latest);
  graph.list("uco-core:eventContext");
  graph.reference(about);
  graph.end_list();
  graph.end();
}

void put_instance(Graph& graph, const TargetReport& target, std::uint64_t t, std::uint64_t i) {
  const Instance& instance = target.instances[i];
  const std::string id = graph.id("instance", {t, i});
  graph.top(id, {"uco-observable:Software"});
  graph.text("uco-core:name", fmt::format("{} {}", target.target, instance.version));
  graph.text("uco-core:description", instance.state);
  if (instance.inherited) graph.text("uco-core:tag", "inherited_from_image");
  graph.list("uco-core:hasFacet");
  graph.node(graph.id("instance facet", {t, i}), {"uco-observable:SoftwareFacet"});
  graph.text("uco-observable:version", instance.version);
  graph.end();
  graph.end_list();
  graph.end();
  graph.contained(graph.id("instance in volume", {t, i}), id, graph.id("volume", {instance.volume}));
  if (instance.installed)
    put_event(graph, graph.id("installed", {t, i}), "installation", id, instance.installed, instance.installed, instance.installed_basis);
  if (instance.removed)
    put_event(graph, graph.id("removed", {t, i}), "removal", id, instance.removed->earliest, instance.removed->latest,
              fmt::format("earliest: {}; latest: {}", instance.removed->earliest_basis, instance.removed->latest_basis));
}

void put_process(Graph& graph, const ProcessRecord& process, const std::string& id, const std::string& facet) {
  graph.top(id, {"uco-observable:Process"});
  graph.text("uco-core:name", process.path);
  graph.text("uco-core:description", process.relation);
  graph.text("uco-core:tag", to_string(process.grade));
  graph.list("uco-core:hasFacet");
  graph.node(facet, {"uco-observable:ProcessFacet"});
  graph.time("uco-observable:observableCreatedTime", process.started);
  std::uint64_t number = 0;
  const char* const end = process.process_id.data() + process.process_id.size();
  if (const auto [stop, error] = std::from_chars(process.process_id.data(), end, number); error == std::errc{} && stop == end)
    graph.number("uco-observable:pid", number);
  graph.text("uco-observable:arguments", process.command);
  graph.end();
  graph.end_list();
  graph.end();
}

// Of UCO's ActionStatusTypeVocab.
std::string_view action_status(std::string_view status) {
  if (status == "success") return "Success";
  if (status == "error") return "Error";
  if (status == "transitioning") return "Ongoing";
  return "Unknown";
}

void put_argument(Graph& graph, const std::string& id, std::string_view name, std::string_view value) {
  graph.node(id, {"uco-action:ActionArgumentFacet"});
  graph.text("uco-action:argumentName", name);
  graph.text("uco-action:value", value);
  graph.end();
}

void put_files_of(Graph& graph, std::string_view property, const std::vector<std::string>& ids) {
  if (ids.empty()) return;
  graph.list(property);
  for (const std::string& id : ids) graph.reference(id);
  graph.end_list();
}

void put_run(Graph& graph, const TargetReport& target, std::uint64_t t, std::uint64_t i, const FilesByPath& files) {
  const RunRecord& run = target.runs[i];
  std::vector<std::string> used, made;
  const auto add = [&](std::vector<std::string>& list, const std::string& path) {
    if (const auto number = files.find(run.volume, path)) list.push_back(graph.id("file", {*number}));
  };
  for (const ScriptReport& script : run.scripts) add(used, script.path);
  for (const ScriptReport& script : run.made) add(made, script.path);
  for (std::size_t p = 0; p < run.processes.size(); ++p) {
    made.push_back(graph.id("process", {t, i, p}));
    put_process(graph, run.processes[p], made.back(), graph.id("process facet", {t, i, p}));
  }

  graph.top(graph.id("run", {t, i}), {"uco-observable:ObservableAction"});
  graph.text("uco-core:name",
             fmt::format("run {} of {} {}", run.sequence.empty() ? "of an unknown number" : run.sequence, target.target, run.version));
  graph.list("uco-core:description");
  if (!run.started_basis.empty()) graph.value("started: " + run.started_basis);
  if (!run.finished_basis.empty()) graph.value("finished: " + run.finished_basis);
  if (run.exit_code) graph.value(fmt::format("exit code {}", *run.exit_code));
  if (run.protected_settings == true) graph.value("with protected settings");
  graph.end_list();
  graph.time("uco-action:startTime", run.started);
  graph.time("uco-action:endTime", run.finished);
  graph.text("uco-action:actionStatus", action_status(run.status));
  for (std::size_t n = 0; n < target.instances.size(); ++n)
    if (target.instances[n].volume == run.volume && target.instances[n].version == run.version) {
      graph.reference("uco-action:instrument", graph.id("instance", {t, n}));
      break;
    }
  put_files_of(graph, "uco-action:object", used);
  put_files_of(graph, "uco-action:result", made);
  if (!run.command.empty() || !run.file_uris.empty()) {
    graph.list("uco-core:hasFacet");
    if (!run.command.empty())
      put_argument(graph, graph.id("run command", {t, i}), run.command_cut ? "command (its beginning)" : "command", run.command);
    for (std::size_t u = 0; u < run.file_uris.size(); ++u)
      if (!run.file_uris[u].empty()) put_argument(graph, graph.id("run file", {t, i, u}), "file URI", run.file_uris[u]);
    graph.end_list();
  }
  graph.end();
}

void put_cloud(Graph& graph, const CloudEvent& event, std::uint64_t t, std::uint64_t i) {
  graph.top(graph.id("cloud", {t, i}), {"uco-action:Action"});
  graph.text("uco-core:name", event.operation);
  graph.list("uco-core:description");
  for (const auto& [label, value] : {std::pair<const char*, const std::string&>{"status", event.status},
                                     {"resource", event.resource},
                                     {"caller", event.caller},
                                     {"address", event.address},
                                     {"correlation", event.correlation_id},
                                     {"matched", event.match}})
    if (!value.empty()) graph.value(fmt::format("{}: {}", label, value));
  graph.end_list();
  graph.text("uco-core:tag", to_string(event.grade));
  graph.time("uco-action:startTime", event.first);
  graph.time("uco-action:endTime", event.last);
  graph.end();
}

void put_target(Graph& graph, std::uint64_t t, const FilesByPath& files) {
  const TargetReport& target = graph.x.targets[t];
  for (std::size_t i = 0; i < target.instances.size(); ++i) put_instance(graph, target, t, i);
  for (std::size_t i = 0; i < target.runs.size(); ++i) put_run(graph, target, t, i, files);
  for (std::size_t i = 0; i < target.cloud.size(); ++i) put_cloud(graph, target.cloud[i], t, i);
  graph.top(graph.id("target", {t}), {"uco-core:Annotation"});
  graph.text("uco-core:statement", fmt::format("{}: {}", target.target, to_string(target.verdict)));
  graph.list("uco-core:description");
  for (const std::string* text : {&target.reason, &target.coverage})
    if (!text->empty()) graph.value(*text);
  graph.end_list();
  graph.text("uco-core:tag", to_string(target.grade));
  put_about(graph, {});
  graph.end();
}

void put_finding(Graph& graph, const Finding& finding, std::uint64_t i) {
  graph.top(graph.id("finding", {i}), {"uco-core:Annotation"});
  graph.text("uco-core:name", finding.id);
  graph.text("uco-core:statement", finding.statement);
  graph.list("uco-core:description");
  graph.value("target: " + finding.target);
  if (!finding.rule.empty()) graph.value("by the rule: " + finding.rule);
  if (finding.earliest) graph.value("not before " + to_iso8601(*finding.earliest));
  if (finding.latest) graph.value("not after " + to_iso8601(*finding.latest));
  graph.end_list();
  graph.text("uco-core:tag", to_string(finding.grade));
  put_about(graph, finding.sightings);
  graph.end();
}

void put_sighting(Graph& graph, const Sighting& sighting, std::uint64_t i) {
  const std::string id = graph.id("sighting", {i});
  std::uint64_t size = 0;
  for (const Range& range : sighting.ranges) size += range.length;
  graph.top(id, {"uco-observable:ContentData"});
  graph.text("uco-core:name", fmt::format("sighting {}: {}", i, to_string(sighting.source)));
  graph.text("uco-core:description", fmt::format("bytes of the evidence that a finding rests on; {}", to_string(sighting.integrity)));
  graph.list("uco-core:hasFacet");
  graph.node(graph.id("sighting content", {i}), {"uco-observable:ContentDataFacet"});
  graph.number("uco-observable:sizeInBytes", size);
  graph.hashes(id, {{"SHA256", sighting.sha256}});
  graph.end();
  graph.end_list();
  graph.end();
  graph.contained("sighting", {i}, sighting.ranges);
}

// Sightings that a finding cites: only they are nodes.
std::vector<bool> sightings_of_findings(const Examination& x) {
  std::vector<bool> cited(x.sightings.size());
  for (const Finding& finding : x.findings)
    for (const std::uint32_t sighting : finding.sightings)
      if (sighting < cited.size()) cited[sighting] = true;
  return cited;
}

}  // namespace

void put_targets_graph(Graph& graph) {
  const FilesByPath files(graph.x);
  for (std::size_t t = 0; t < graph.x.targets.size(); ++t) put_target(graph, t, files);
  for (std::size_t i = 0; i < graph.x.findings.size(); ++i) put_finding(graph, graph.x.findings[i], i);
  const std::vector<bool> cited = sightings_of_findings(graph.x);
  for (std::size_t i = 0; i < cited.size(); ++i)
    if (cited[i]) put_sighting(graph, graph.x.sightings[i], i);
}

}  // namespace trimcarve::report
