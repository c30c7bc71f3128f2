#include "html_example.hpp"

#include <array>
#include <cstring>
#include <memory>

#include "trimcarve/bytes.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::test {

namespace {

class Bytes final : public ByteSource {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_.size(), offset, out.size())) return fail("past the end");
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t, std::uint64_t) const override { return {}; }
  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }

 private:
  std::string bytes_;
};

RecoveredPart part_of(const std::string& text) {
  RecoveredPart part;
  part.length = text.size();
  part.bytes = std::make_shared<Bytes>(text);
  part.source = "record";
  return part;
}

void hostile_run(RunRecord& run, const std::string& text) {
  run.command = run.status = run.output = run.error_output = run.sequence = run.version = text;
  run.certificate_thumbprint = text;
  run.file_uris = {text};
  run.started_basis = text;
  run.labels = {{text, text}};
  run.made = {{text, ContentState::recovered, text, text, false}};
  run.created_elsewhere = {{text, run.started.value_or(no_time), FileState::live, {}}};
  run.processes = {{run.started, text, text, text, text, text, text, Grade::inferred, {}}};
  SealedSettings sealed;
  sealed.recipients = {{text, text, text, text}};
  sealed.content_algorithm = sealed.why_not = sealed.command = sealed.text = text;
  sealed.opened = true;
  sealed.file_uris = {text};
  run.sealed = sealed;
  ScriptText script;
  script.name = script.relation = text;
  script.stretches = {{1, 1, text, text, text}};
  run.script_texts = {script};
}

void hostile_target(TargetReport& target, const std::string& text) {
  target.target = target.reason = target.coverage = text;
  target.verdict = Verdict::traces;  // so that the coverage is shown
  for (Instance& instance : target.instances) instance.version = instance.state = instance.installed_basis = text;
  for (RunRecord& run : target.runs) hostile_run(run, text);
  target.script_texts = target.runs.front().script_texts;
  target.cloud = {{text, text, text, text, text, text, text, text, text, text, {}, {}, text, {}, Grade::inferred, {}}};
  StoryStep step;
  step.what = step.text = step.version = text;
  step.earliest = step.latest = target.runs.front().started;
  step.sources = {{text, step.earliest, false, text, {0}}};
  step.note = text;
  step.placed = SequenceEstimate{text, text, 1, {no_time, *step.earliest, text}, false, {0}};
  target.story = {step};
}

}  // namespace

void make_hostile(Examination& x) {
  const std::string text(hostile_text);
  const std::u16string units = to_utf16(text);
  hostile_target(x.targets.front(), text);
  for (Finding& finding : x.findings) finding.statement = finding.rule = finding.target = text;
  for (Warning& warning : x.warnings) warning.code = warning.text = text;
  for (Coverage& coverage : x.coverage) {
    coverage.note = text;
    coverage.gaps = {{0, 1, text}};
  }
  x.coverage.push_back({std::nullopt, "event_log:" + text, std::nullopt, std::nullopt, 1, {}, text});
  SourceInfo& source = x.sources.front();
  source.path = source.container = source.identifier = source.acquisition_hashes = source.page_ranges = text;
  source.parents = source.files = source.warnings = source.acquisition_notes = {text};
  source.checks = {{text, text, text}};
  x.volumes.front().provisioned = x.volumes.front().created;
  x.volumes.front().provisioned_basis = text;
  x.volumes.push_back({.index = 1, .state = text});

  FileReport& file = x.files.at(1);
  file.path = u"\\" + units;
  file.path_note = text;
  file.flags = {text};
  file.paths = {{units, Grade::inferred, text, {}, {}, {}}, {units, Grade::inferred, text, {}, {}, {}}};
  file.deleted->bounds.earliest_basis = file.deleted->bounds.latest_basis = text;
  file.deleted->estimate = Estimate{no_time, no_time, text};
  StreamReport& stream = file.streams.front();
  stream.name = units;
  stream.why = text;
  stream.sha256 = text;
  stream.runs.front().owner = stream.runs.front().block = text;
  stream.runs.front().state = RunState::reallocated;
  stream.parts = {part_of("Write-Output 1\r\n" + text + "\n")};
  stream.parts.front().sha256 = stream.parts.front().recovered_as = stream.parts.front().source = text;
  stream.parts.front().length = stream.size = stream.parts.front().bytes->size();
  Sighting& sighting = x.sightings.at(0);
  sighting.names.front().text = static_cast<std::uint32_t>(sighting.text.size());
  sighting.names.front().length = static_cast<std::uint16_t>(units.size());
  sighting.text += units;
  auto statement = std::make_shared<Statement>();
  statement->event = statement->text = statement->command = statement->status = statement->time_text = text;
  x.sightings.at(1).statement = statement;
}

void add_rows(Examination& x, std::size_t rows) {
  constexpr std::array states{ContentState::recovered, ContentState::zeroed, ContentState::reallocated, ContentState::partial};
  constexpr std::array run_states{RunState::data, RunState::zero, RunState::reallocated, RunState::zero};
  const FileReport form = x.files.at(1);
  for (std::size_t i = 0; i < rows; ++i) {
    FileReport file = form;
    file.path = to_utf16("\\Users\\Folder " + std::to_string(i / 40) + "\\Document " + std::to_string(i) + ".docx");
    file.reference = FileReference::of(1000 + i, 2);
    file.size = 4096 * (i % 9) + i % 4096;
    file.streams.resize(1);
    StreamReport& stream = file.streams.front();
    stream.state = states[i % states.size()];
    stream.runs.front().lcn = static_cast<std::int64_t>(i % 16);
    stream.runs.front().state = run_states[i % run_states.size()];
    if (i >= 500) stream.parts.clear();
    x.files.push_back(std::move(file));
  }
}

}  // namespace trimcarve::test
