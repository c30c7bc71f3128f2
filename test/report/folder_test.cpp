#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "example.hpp"
#include "report/files.hpp"
#include "report/folder.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using nlohmann::json;
using report::OutputFolder;

namespace {

const report::RunIdentity run{{"trimcarve", "examine", "disk.raw"}, "/", "2026-11-24T08:00:00.0000000Z"};

ExitCode code_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const RunError& error) {
    return error.code();
  }
  return ExitCode::done;
}

// A source whose reads fail from an offset on.
class Failing final : public ByteSource {
 public:
  Failing(std::uint64_t size, std::uint64_t good) : size_(size), good_(good) {}
  std::uint64_t size() const noexcept override { return size_; }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset + out.size() > good_) return fail("I/O error");
    for (auto& b : out) b = std::byte{1};
    return {};
  }
  std::vector<Extent> extents(std::uint64_t, std::uint64_t) const override { return {}; }
  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }

 private:
  std::uint64_t size_, good_;
};

}  // namespace

TEST_CASE("a finished folder holds the document, the contents and a manifest with the hash of each") {
  const TempFolder temp;
  const std::string disk = make_example_disk(temp), bytes = read_file(disk);
  Examination x = example(disk);
  OutputFolder folder(temp / "out");
  folder.write(x, run);

  const std::string base = "recovered/volume0/Packages/Plugins/Microsoft.Compute.CustomScriptExtension/1.10.22";
  CHECK(read_file(temp / ("out/" + base + "/Downloads/0/1.ps1")) == bytes.substr(20480, 512));
  CHECK(read_file(temp / ("out/" + base + "/Downloads/0/1.ps1%3AZone.Identifier")) == bytes.substr(30000, 26));
  CHECK(read_file(temp / ("out/" + base + "/bin/a.dll@0-4096.part")) == bytes.substr(32768, 4096));
  CHECK(read_file(temp / ("out/" + base + "/bin/a.dll@8192-100.part")) == bytes.substr(40960, 100));
  CHECK(!exists(temp / ("out/" + base + "/bin/b.dll")));  // zeroed: nothing came back

  const json d = json::parse(read_file(temp / "out/findings.json"));
  CHECK(d["files"][1]["content"]["recovered_as"] == base + "/Downloads/0/1.ps1");
  CHECK(d["targets"][0]["runs"][0]["scripts"][0]["recovered_as"] == base + "/Downloads/0/1.ps1");
  CHECK(d["files"][2]["content"]["recovered_as"].is_null());
  CHECK(d["files"][2]["content"]["parts"][1]["recovered_as"] == base + "/bin/a.dll@8192-100.part");

  const json m = json::parse(read_file(temp / "out/manifest.json"));
  CHECK(m["command"] == json{"trimcarve", "examine", "disk.raw"});
  CHECK(m["inputs"][0]["path"] == disk);
  CHECK(m["outputs"].size() == 11);
  for (const json& output : m["outputs"]) {
    const std::string text = read_file(temp / ("out/" + output["path"].get<std::string>()));
    CHECK(output["size"] == text.size());
    CHECK(output["sha256"] == report::sha256_of_text(text));
  }
}

TEST_CASE("contents of other states are never written, whatever parts they carry") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  for (FileReport& file : x.files)
    for (StreamReport& stream : file.streams) stream.state = ContentState::zeroed;
  OutputFolder(temp / "out").write(x, run);
  CHECK(!exists(temp / "out/recovered"));
}

TEST_CASE("a folder that is not empty, or no folder, is left alone") {
  const TempFolder temp;
  write_file(temp / "file", "mine");
  CHECK(code_of([&] { OutputFolder folder(temp.path()); }) == ExitCode::output);
  CHECK(code_of([&] { OutputFolder folder(temp / "file"); }) == ExitCode::output);
  CHECK(code_of([&] { OutputFolder folder(temp / "no/such"); }) == ExitCode::output);
  CHECK(read_file(temp / "file") == "mine");
}

TEST_CASE("an empty folder is used; without a finished run it is left as it was") {
  const TempFolder temp;
  std::filesystem::create_directory(temp / "given");
  {
    OutputFolder folder(temp / "given");
  }
  {
    OutputFolder folder(temp / "made");
  }
  CHECK(exists(temp / "given"));
  CHECK(!exists(temp / "made"));
}

TEST_CASE("a hostile name stays inside the folder") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  const auto script = x.files[1];
  for (const char16_t* path : {u"\\..\\..\\..\\escaped", u"\\/tmp/escaped", u"\\CON", u"\\con", u"\\x\xD800", u"\\", u"\\a\\..", u"\\"}) {
    x.files.push_back(script);
    x.files.back().path = path;
  }
  OutputFolder(temp / "out").write(x, run);
  CHECK(!exists(temp / "escaped"));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(temp / "out")) files += entry.is_regular_file() ? 1U : 0U;
  CHECK(files == 12 + 16);  // no two of them wrote the same file
}

TEST_CASE("a symbolic link planted in the folder while it is written is not followed") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  std::filesystem::create_directory(temp / "elsewhere");
  OutputFolder folder(temp / "out");
  std::filesystem::create_directory_symlink(temp / "elsewhere", temp / "out/recovered");
  CHECK(code_of([&] { folder.write(x, run); }) == ExitCode::output);
  CHECK(std::filesystem::is_empty(temp / "elsewhere"));
}

TEST_CASE("content that can no longer be read costs that content and is said") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  x.files[1].streams[0].parts[0].bytes = std::make_shared<Failing>(512, 100);
  OutputFolder(temp / "out").write(x, run);
  CHECK(!x.complete);
  CHECK(x.warnings.back().code == "content_unreadable");
  CHECK(x.files[1].streams[0].parts[0].recovered_as.empty());
  CHECK(exists(temp / "out/manifest.json"));
}

TEST_CASE("content that is not what was examined is said") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  x.files[1].streams[0].parts[0].bytes = std::make_shared<Failing>(512, 512);
  OutputFolder(temp / "out").write(x, run);
  CHECK(!x.complete);
  CHECK(x.warnings.back().code == "content_changed");
}

// A file size limit fails a write in the middle as a full disk does.
TEST_CASE("when the disk is full the run fails and nothing of it is left") {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  for (const rlim_t limit : {200U, 3000U, 6000U}) {  // in a content, in a part, in findings.json
    const TempFolder temp;
    Examination x = example(make_example_disk(temp));
    const rlimit small{limit, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const ExitCode code = code_of([&] { OutputFolder(temp / "out").write(x, run); });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(code == ExitCode::output);
    CHECK(!exists(temp / "out"));
  }
}

TEST_CASE("an interrupt leaves nothing") {
  const TempFolder temp;
  Examination x = example(make_example_disk(temp));
  const std::atomic<bool> cancel{true};
  CHECK(code_of([&] { OutputFolder(temp / "out").write(x, run, &cancel); }) == ExitCode::interrupted);
  CHECK(!exists(temp / "out"));
}
