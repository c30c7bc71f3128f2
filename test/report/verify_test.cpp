#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "example.hpp"
#include "report/files.hpp"
#include "report/folder.hpp"
#include "report/manifest.hpp"
#include "report/verify.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* script = "out/recovered/volume0/Packages/Plugins/Microsoft.Compute.CustomScriptExtension/1.10.22/Downloads/0/1.ps1";

// A disk and the finished folder of its examination.
struct Case {
  TempFolder temp;
  std::string disk = make_example_disk(temp);
  Case() {
    Examination x = example(disk);
    report::OutputFolder(temp / "out").write(x, {{"trimcarve"}, "/", "2026-11-24T08:00:00.0000000Z"});
  }
  std::string out(const std::string& name) const { return temp / ("out/" + name); }

  // Writes findings.json anew and a manifest that fits, as a forger would.
  void forge(const std::string& findings) const {
    write_file(out("findings.json"), findings);
    std::vector<report::Output> outputs{{"findings.json", findings.size(), report::sha256_of_text(findings)}};
    fs::remove_all(out("recovered"));
    for (const char* name : {"case.sqlite", "case.jsonld", "report.html", "timeline.csv", "timeline.jsonl", "timeline.body"})
      fs::remove(out(name));
    write_file(out("manifest.json"), report::manifest_text({}, {}, outputs));
  }
};

struct Outcome {
  ExitCode code;
  std::string text;
};
Outcome check(const Case& c, std::vector<std::string> evidence = {}) {
  Outcome outcome{};
  try {
    outcome.code = report::verify({c.temp / "out", std::move(evidence)}, [&](std::string_view text) { outcome.text += text; });
  } catch (const RunError& error) {
    outcome.code = error.code();
    outcome.text += error.what();
  }
  return outcome;
}
bool has(const Outcome& outcome, std::string_view part) { return outcome.text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("an untouched folder and its evidence verify") {
  const Case c;
  const Outcome outcome = check(c);
  CHECK(outcome.text == "checked: 11 outputs, 4 sightings, 6 recovered contents; no difference\n");
  CHECK(outcome.code == ExitCode::done);
}

TEST_CASE("one changed byte in an output names that output") {
  for (const std::size_t offset : {0U, 100U, 511U}) {
    const Case c;
    change_byte(c.temp / script, offset);
    const Outcome outcome = check(c);
    CHECK(outcome.code == ExitCode::incomplete);
    CHECK(has(outcome, "Downloads/0/1.ps1: changed: SHA-256 is"));
    CHECK(has(outcome, "1 differences"));
  }
}

TEST_CASE("one changed byte in the evidence names the sighting and the range that cite it, and nothing else") {
  const struct {
    std::size_t offset;
    const char* named;
  } cases[] = {{4096, "sighting 0: the evidence has changed at disk 4096+1024"},
               {5119, "sighting 0: "},
               {8192 + 50, "sighting 1: the evidence has changed at disk 8192+96"},
               {16384 + 15, "sighting 2: the evidence has changed at disk 12000+80, disk 16384+16"},
               {20100, "sighting 3: "},
               {20480, "1.ps1), content 0+512: the evidence has changed at disk 20480+512"},
               {40960, "a.dll), content 8192+100: "}};
  for (const auto& one : cases) {
    const Case c;
    change_byte(c.disk, one.offset);
    const Outcome outcome = check(c);
    CAPTURE(outcome.text);
    CHECK(outcome.code == ExitCode::incomplete);
    CHECK(has(outcome, one.named));
    CHECK(has(outcome, "; 1 differences"));
  }
  const Case c;
  change_byte(c.disk, 60000);  // cited by nothing
  CHECK(check(c).code == ExitCode::done);
}

TEST_CASE("missing, extra and replaced files are named") {
  const Case c;
  fs::remove(c.temp / script);
  write_file(c.out("recovered/extra.txt"), "x");
  fs::create_symlink("/etc/passwd", c.out("link"));
  const Outcome outcome = check(c);
  CHECK(outcome.code == ExitCode::incomplete);
  CHECK(has(outcome, "1.ps1: missing"));
  CHECK(has(outcome, "recovered/extra.txt: not in the manifest"));
  CHECK(has(outcome, "link: not in the manifest"));

  const Case other;
  fs::remove(other.temp / script);
  fs::create_symlink("/etc/passwd", other.temp / script);
  CHECK(has(check(other), "1.ps1: a symbolic link"));
}

TEST_CASE("one changed byte in the manifest shows, wherever it is") {
  const std::size_t size = read_file(Case().out("manifest.json")).size();
  for (std::size_t offset = 3; offset < size; offset += 97) {
    const Case c;
    change_byte(c.out("manifest.json"), offset);
    const Outcome outcome = check(c);
    CAPTURE(offset);
    CHECK(outcome.code != ExitCode::done);
    CHECK(has(outcome, "manifest.json"));
  }
}

TEST_CASE("evidence that has moved is found where the examiner says") {
  const Case c;
  fs::rename(c.disk, c.temp / "moved.raw");
  CHECK(check(c).code == ExitCode::input);
  CHECK(check(c, {c.temp / "moved.raw"}).code == ExitCode::done);
  CHECK(check(c, {c.temp / "moved.raw", "another"}).code == ExitCode::usage);
  CHECK(check(c, {c.temp / "absent"}).code == ExitCode::input);
}

TEST_CASE("a shortened disk is a difference, not a crash") {
  const Case c;
  fs::resize_file(c.disk, 16384);
  const Outcome outcome = check(c);
  CHECK(outcome.code == ExitCode::incomplete);
  CHECK(has(outcome, "sighting 2: cites bytes past the end of the evidence"));
}

TEST_CASE("what is no finished folder is refused with its reason") {
  const Case unfinished;
  fs::remove(unfinished.out("manifest.json"));
  CHECK(check(unfinished).code == ExitCode::input);
  CHECK(has(check(unfinished), "manifest.json: not the result of a finished examination: missing"));

  const Case absent;
  fs::remove_all(absent.temp / "out");
  CHECK(check(absent).code == ExitCode::input);

  // A manifest that names files outside the folder.
  const Case outside;
  write_file(outside.out("manifest.json"), report::manifest_text({}, {}, {{"../disk.raw", 0, ""}}));
  CHECK(has(check(outside), "leaves the folder"));
}

TEST_CASE("a damaged findings.json is named as changed, with the place where it is none, and the rest is checked") {
  const Case c;
  const std::string good = read_file(c.out("findings.json"));
  write_file(c.out("findings.json"), good.substr(0, good.size() / 2));
  const Outcome cut = check(c);
  CHECK(cut.code == ExitCode::incomplete);
  CHECK(has(cut, "findings.json: changed"));
  CHECK(has(cut, "parse error"));
}

TEST_CASE("a forged document cannot make verify read without bounds") {
  const Case c;
  const auto document = [](const std::string& sightings) {
    return R"({"schema":"trimcarve/findings/1","sources":[],"files":[],"sightings":[)" + sightings + "]}";
  };
  const std::string hash(64, '0');
  const struct {
    std::string findings;
    const char* named;
  } cases[] = {
      {"", "parse error"},
      {"[]", "not a JSON object"},
      {"{}", "schema"},
      {std::string(100000, '['), "nested too deeply"},
      {R"({"a":)" + std::string(100000, '['), "nested too deeply"},
      {document("1"), "no difference"},  // not a sighting: nothing cited, nothing to check
      {document(R"({"id":1,"ranges":[{"space":"disk","offset":0,"length":1099511627776}],"sha256":")" + hash + R"("})"), "absurdly long"},
      {document(R"({"id":1,"ranges":[{"space":"disk","offset":18446744073709551615,"length":2}],"sha256":")" + hash + R"("})"),
       "wraps around"},
      {document(R"({"id":1,"ranges":[{"space":"file:4294967295","offset":0,"length":2}],"sha256":")" + hash + R"("})"), "space"},
      {document(R"({"id":1,"ranges":[{"space":"file:7","offset":0,"length":2}],"sha256":")" + hash + R"("})"),
       "an input that the document does not have"},
      {document(R"({"id":-1,"ranges":[],"sha256":null})"), "`id` is not a natural number"},
      {document(R"({"id":1,"ranges":[],"sha256":"x"})"), "a `sha256` is not a SHA-256"},
      {document(R"({"id":1,"ranges":[],"sha256":null})"), "sighting 1: cites no bytes"},
  };
  for (const auto& one : cases) {
    c.forge(one.findings);
    const Outcome outcome = check(c);
    CAPTURE(outcome.text.substr(0, 300));
    CHECK(has(outcome, one.named));
  }
}

TEST_CASE("any one damaged byte of findings.json is named or ends the run, and never crashes it") {
  const Case c;
  const std::string good = read_file(c.out("findings.json"));
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random() & 0xFFU);
    if (bad == good) continue;
    write_file(c.out("findings.json"), bad);
    const Outcome outcome = check(c);
    CHECK(outcome.code != ExitCode::done);
    CHECK(has(outcome, "findings.json: changed"));
  }
}
