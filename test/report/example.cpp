#include "example.hpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

#include <stdlib.h>

#include "image/open.hpp"
#include "types/sha256.hpp"

namespace trimcarve::test {

namespace fs = std::filesystem;

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "trimcarve-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}
std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}
void change_byte(const std::string& path, std::size_t offset) {
  std::string bytes = read_file(path);
  bytes.at(offset) = static_cast<char>(bytes.at(offset) ^ 1);
  write_file(path, bytes);
}
bool exists(const std::string& path) { return fs::exists(fs::symlink_status(path)); }

std::string make_example_disk(const TempFolder& folder) {
  std::mt19937 random(7);
  std::string bytes(65536, '\0');
  for (char& c : bytes) c = static_cast<char>(random() & 0xFFU);
  const std::string path = folder / "disk.raw";
  write_file(path, bytes);
  return path;
}

namespace {

FileTime at(const char* text) { return *from_iso8601(text); }

std::uint32_t add_text(Sighting& sighting, std::u16string_view text) {
  const auto offset = static_cast<std::uint32_t>(sighting.text.size());
  sighting.text += text;
  return offset;
}

NameFact name_fact(Sighting& sighting, std::u16string_view name, FileReference parent) {
  NameFact fact;
  fact.text = add_text(sighting, name);
  fact.length = static_cast<std::uint16_t>(name.size());
  fact.parent = parent;
  return fact;
}

void cite(Examination& x, const ByteSource& disk, Sighting sighting, std::vector<Range> ranges) {
  sighting.ranges = std::move(ranges);
  sighting.sha256 = *sha256_of(disk, sighting.ranges);
  x.sightings.push_back(std::move(sighting));
}

RecoveredPart part(const SourcePtr& disk, std::uint64_t file_offset, std::uint64_t disk_offset, std::uint64_t length) {
  RecoveredPart p;
  p.file_offset = file_offset;
  p.length = length;
  p.ranges = {{disk_space, disk_offset, length}};
  p.bytes = make_view(disk, disk_offset, length);
  p.sha256 = *sha256_of(*p.bytes);
  p.ranges_sha256 = p.sha256;
  p.source = "clusters";
  return p;
}

void add_sightings(Examination& x, const ByteSource& disk) {
  const auto parent = FileReference::of(100, 3);
  const TimeSet times{at("2026-11-03T10:02:11.1234567Z"), at("2026-11-03T10:02:12Z"), at("2026-11-03T10:02:13Z"), no_time};

  Sighting record;
  record.reference_known = record.has_record = record.has_standard_information = true;
  record.reference = FileReference::of(120, 2);
  record.record_entry = 120;
  record.record_sequence = 3;
  record.link_count = 1;
  record.lsn = 0x1'2345'6789;
  record.standard_information = times;
  record.place = {StreamKind::mft, 0, 120 * 1024, 1024};
  auto name = name_fact(record, u"1.ps1", parent);
  name.name_space = NameSpace::win32_and_dos;
  name.has_times = true;
  name.times = times;
  name.size = 512;
  record.names.push_back(name);
  StreamFact stream;
  stream.size = stream.valid_size = 512;
  stream.allocated_size = 4096;
  stream.run_count = 1;
  record.streams.push_back(stream);
  record.runs.push_back({0, 5, 1});
  cite(x, disk, record, {{disk_space, 4096, 1024}});

  Sighting usn;
  usn.source = SourceKind::usn_journal;
  usn.reference_known = usn.has_usn = true;
  usn.reference = FileReference::of(120, 2);
  usn.usn.usn = 4096;
  usn.usn.time = at("2026-11-03T11:00:00Z");
  usn.usn.reason = usn_reason::file_delete | usn_reason::close;
  usn.place = {StreamKind::usn_journal, 77, 4096, 96};
  usn.names.push_back(name_fact(usn, u"1.ps1", parent));
  cite(x, disk, usn, {{disk_space, 8192, 96}});

  Sighting index;
  index.source = SourceKind::index_slack;
  index.integrity = Integrity::partial;
  index.has_container = true;
  index.container = parent;
  index.slack_role = SlackRole::directory_child;
  index.place = {StreamKind::index_allocation, 100, 2000, 96};
  auto lost = name_fact(index, u"bad\xD800name", {});
  lost.parent_known = false;
  index.names.push_back(lost);
  cite(x, disk, index, {{disk_space, 12000, 80}, {disk_space, 16384, 16}});

  Sighting slack;
  slack.source = SourceKind::record_slack;
  slack.place = {StreamKind::mft, 0, 121 * 1024 + 600, 200};
  slack.slack_role = SlackRole::own_content;
  slack.fragments.push_back({{StreamKind::mft, 0, 121 * 1024 + 600, 200}, 0, true});
  cite(x, disk, slack, {{disk_space, 20000, 200}});
}

FileReport file(std::u16string path, std::uint64_t entry, FileState state) {
  FileReport f;
  f.path = std::move(path);
  f.name = f.path.substr(f.path.rfind(u'\\') + 1);
  f.reference = FileReference::of(entry, 2);
  f.parent = FileReference::of(100, 3);
  f.state = state;
  f.targets = {0};
  f.paths.push_back({f.path, Grade::established, "", std::nullopt, std::nullopt, {0}});
  if (state == FileState::deleted) {
    f.deleted.emplace();
    f.deleted->bounds = {at("2026-11-03T11:00:00Z"), at("2026-11-03T11:00:05Z"), "usn_journal", "the parent's modification", {1}, {0}};
  }
  return f;
}

void add_files(Examination& x, const SourcePtr& disk) {
  const std::u16string base = u"\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.22";
  FileReport folder = file(base, 100, FileState::deleted);
  folder.directory = true;
  x.files.push_back(folder);

  FileReport script = file(base + u"\\Downloads\\0\\1.ps1", 120, FileState::deleted);
  script.size = 512;
  script.standard_information = TimeSet{at("2026-11-03T10:02:11.1234567Z"), at("2026-11-03T10:02:12Z"), no_time, no_time};
  script.sightings = {0, 1};
  StreamReport whole;
  whole.state = ContentState::recovered;
  whole.why = "its cluster holds data and nobody else's";
  whole.size = whole.valid_size = 512;
  whole.runs = {{0, 5, 1, RunState::data, ""}};
  whole.parts = {part(disk, 0, 20480, 512)};
  whole.sha256 = whole.parts.front().sha256;
  script.streams = {whole};
  StreamReport zone = whole;
  zone.name = u"Zone.Identifier";
  zone.size = 26;
  zone.parts = {part(disk, 0, 30000, 26)};
  zone.sha256 = zone.parts.front().sha256;
  script.streams.push_back(zone);
  x.files.push_back(script);

  FileReport dll = file(base + u"\\bin\\a.dll", 121, FileState::deleted);
  dll.size = 12288;
  StreamReport half;
  half.state = ContentState::partial;
  half.size = 12288;
  half.runs = {{0, 8, 1, RunState::data, ""}, {1, 9, 1, RunState::zero, ""}, {2, -1, 1, RunState::sparse, ""}};
  half.parts = {part(disk, 0, 32768, 4096), part(disk, 8192, 40960, 100)};
  dll.streams = {half};
  dll.deleted->estimate = Estimate{at("2026-11-03T11:00:01Z"), at("2026-11-03T11:00:02Z"), "position in $MFT"};
  dll.deleted->sources = {{.basis = "record_changed", .earliest = at("2026-11-03T10:00:00Z"), .sightings = {0}},
                          {.basis = "parent_modified", .latest = at("2026-11-03T09:00:00Z"), .agrees = false}};
  dll.estimates = {{"deleted", "lsn", 1'048'576, {at("2026-11-03T11:00:01Z"), at("2026-11-03T11:00:02Z"), "clock"}, true, {0}},
                   {"last_write", "lsn", 1'048'577, {no_time, at("2026-11-03T11:00:02Z"), "clock"}, false, {}}};
  dll.flags = {"record_reused"};
  dll.created = Bounds{at("2026-11-01T11:00:00Z"), at("2026-11-02T11:00:00Z"), "shadow_not_yet", "shadow_alive", {0}, {1}};
  dll.copies = {{1, at("2026-11-01T11:00:00Z"), "not_yet", {0}}, {2, at("2026-11-02T11:00:00Z"), "there", {1}}};
  x.files.push_back(dll);

  FileReport trimmed = file(base + u"\\bin\\b.dll", 122, FileState::deleted);
  trimmed.size = 4096;
  StreamReport zero;
  zero.state = ContentState::zeroed;
  zero.size = 4096;
  zero.runs = {{0, 20, 1, RunState::container_hole, "", "unmapped"}, {1, 21, 1, RunState::reallocated, "300-1 \\pagefile.sys"}};
  trimmed.streams = {zero};
  x.files.push_back(trimmed);

  FileReport odd = file(u"\\bad\xD800name", 123, FileState::live);
  odd.path_known = false;
  odd.reference_known = false;
  odd.parent.reset();
  odd.path_note = "parent reused: name known from index_slack";
  x.files.push_back(odd);
}

void add_target(Examination& x) {
  TargetReport target;
  target.target = "custom-script";
  target.verdict = Verdict::removed;
  target.grade = Grade::corroborated;
  target.reason = "the handler's folder and all below it were deleted within five seconds";
  target.coverage = "$UsnJrnl speaks from 2026-11-01 on";
  Instance instance;
  instance.version = "1.10.22";
  instance.state = "removed";
  instance.installed = at("2026-11-03T10:00:00Z");
  instance.installed_basis = "$STANDARD_INFORMATION";
  instance.removed = Bounds{at("2026-11-03T11:00:00Z"), at("2026-11-03T11:00:05Z"), "usn_journal", "the parent's modification", {1}, {0}};
  instance.sightings = {0};
  target.instances = {instance};
  RunRecord run;
  run.sequence = "0";
  run.version = "1.10.22";
  run.started = at("2026-11-03T10:02:11Z");
  run.started_basis = "0.settings created";
  run.command = "powershell -File 1.ps1 \x1b[31m\u202Eevil";
  run.file_uris = {"https://example.org/1.ps1"};
  run.protected_settings = true;
  run.certificate_thumbprint = "0123456789ABCDEF0123456789ABCDEF01234567";
  ScriptReport script;
  script.path = "\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.22\\Downloads\\0\\1.ps1";
  script.state = ContentState::recovered;
  script.sha256 = x.files[1].streams[0].sha256;
  script.named_in_settings = true;
  run.scripts = {script};
  run.status = "error";
  run.exit_code = -1;
  for (int i = 0; i < 12; ++i) run.output += "line " + std::to_string(i) + "\r\n";
  run.error_output = "oops";
  run.sightings = {0};
  target.runs = {run};
  StoryStep placed;
  placed.what = "removed";
  placed.version = "1.10.22";
  placed.text = "version 1.10.22 was removed";
  placed.sources = {{"mft", std::nullopt, true, "by its number", {0}}};
  placed.placed =
      SequenceEstimate{"deleted", "lsn", 1'048'576, {at("2026-11-03T11:00:01Z"), at("2026-11-03T11:00:02Z"), "clock"}, true, {0}};
  placed.note = "the numbers say otherwise";
  target.story = {placed};
  x.targets.push_back(target);

  Finding finding;
  finding.id = "F1";
  finding.target = "custom-script";
  finding.statement = "Version 1.10.22 was removed";
  finding.grade = Grade::inferred;
  finding.rule = "all_children_deleted";
  finding.earliest = at("2026-11-03T11:00:00Z");
  finding.sightings = {0, 1};
  x.findings.push_back(finding);
}

}  // namespace

Examination example(const std::string& disk_path) {
  Examination x;
  const auto opened = image::open_image({disk_path});
  x.sources.push_back(opened.info);
  x.sources.back().blocks = BlockCounts{1 << 20, 9, 2, 1, 1, 1, 1, 2, 1};
  x.sources.back().log = LogReplay{true, 3, 20, 19, 1, 0, 0, 18, 0, {{disk_space, 0, 4096}}, "disk.vhdx"};
  x.sources.back().parents_logs = {LogReplay{true, 1, 1, 0, 0, 0, 0, 0, 0, {}, "parent.vhdx"}};
  x.sources.back().checks = {{"header 1", "good", disk_path}, {"header 2", "checksum wrong", disk_path}};
  x.sources.back().page_ranges = "pages.xml";
  VolumeInfo volume;
  volume.offset = 0;
  volume.size = 65536;
  volume.serial = 0xA1B2'C3D4'E5F6'0718;
  volume.cluster_size = 4096;
  volume.record_size = 1024;
  volume.records = 300'067;
  volume.free_clusters = ClusterCounts{10, 4, 0, 3, 3};
  volume.state = "examined";
  volume.created = at("2026-10-01T00:00:00Z");
  x.partitions = {{0, "mbr", 1048576, 33554432, "0x07", "NTFS or exFAT", "", 0}};
  ClockInfo& clock = volume.clocks.emplace_back();
  clock.sequence = "lsn";
  clock.sound = true;
  clock.ticks = 300;
  clock.first_number = 1'048'576, clock.last_number = 0xFFFF'FFFF'FFFF'FFFF;
  clock.first = at("2026-10-01T00:00:00Z"), clock.last = at("2026-11-03T11:00:02Z");
  clock.in_order = 290;
  clock.set_backs = {{2'000'000, at("2026-10-03T00:00:00Z"), at("2026-10-02T00:00:00Z")}};
  clock.restarted_at = 3'000'000;
  clock.held_out = {300, 280, 15, 1, 4, 120'000};
  x.volumes.push_back(volume);
  x.coverage.push_back({0, "mft", at("2026-10-01T00:00:00Z"), at("2026-11-04T00:00:00Z"), 300'067, {}, ""});
  x.coverage.push_back({0, "usn_journal", at("2026-11-01T00:00:00Z"), std::nullopt, 12, {{0, 4096, "zeroed"}}, "re-created"});
  x.spaces = {opened.source};
  add_sightings(x, *opened.source);
  add_files(x, opened.source);
  add_target(x);
  x.warnings.push_back({"record_torn", "record 130 is torn: name \x1b[2J", {{disk_space, 4096, 1024}}});
  return x;
}

}  // namespace trimcarve::test
