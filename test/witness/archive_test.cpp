// Python's zipfile makes the zips and says where each member's local header is and how long its stored form is: a reader of its own.
#include "witness/archive.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "collect.hpp"
#include "image/open.hpp"

using namespace trimcarve;
using witness::Member;
using witness::Tally;

namespace {

// Makes deflate.zip, store.zip and stream.zip (sizes behind the data) with the same members, and <name>.txt with `offset length name` of
// each file in them.
constexpr const char* script = R"py(
import sys, zipfile, io, random, warnings
warnings.simplefilter('ignore')
random.seed(2)
noise = bytes(random.randrange(256) for _ in range(300000))
text = b'line of a log\n' * 20000
class NoSeek(io.RawIOBase):
    def __init__(s, f): s.f = f
    def writable(s): return True
    def write(s, b): return s.f.write(b)
    def tell(s): raise OSError
def put(z, name, data):
    info = zipfile.ZipInfo(name, (2024, 2, 26, 21, 1, 8))
    info.compress_type = z.compression
    z.writestr(info, data)
def fill(z):
    for name, data in (('a/one.log', text), ('b.bin', noise), ('a/one.log', b'second of the name'), ('empty.txt', b''), ('d/', b''),
                       ('\u00e4.txt', b'umlaut'), ('last.log', text[:5000])): put(z, name, data)
folder = sys.argv[1] + '/'
for name, how in (('deflate', zipfile.ZIP_DEFLATED), ('store', zipfile.ZIP_STORED), ('stream', zipfile.ZIP_DEFLATED)):
    with open(folder + name + '.zip', 'wb') as f:
        with zipfile.ZipFile(NoSeek(f) if name == 'stream' else f, 'w', how) as z: fill(z)
    with open(folder + name + '.txt', 'wb') as f:
        for i in zipfile.ZipFile(folder + name + '.zip').infolist():
            if not i.is_dir():
                f.write(b'%d %d %s\n' % (i.header_offset, 30 + len(i.filename.encode()) + len(i.extra) + i.compress_size, i.filename.encode()))
bomb = io.BytesIO()
with zipfile.ZipFile(folder + 'bomb.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for i in range(20): z.writestr('zeros%d' % i, bytes(4 << 20))
)py";

// Empty, with a line that is counted, where there is no Python.
std::string folder_of_zips() {
  struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("trimcarve-zips-" + std::to_string(::getpid()));
    bool made = false;
    Folder() {
      std::filesystem::create_directories(path);
      std::ofstream(path / "make.py") << script;
      made = std::system(("python3 '" + (path / "make.py").string() + "' '" + path.string() + "'").c_str()) == 0;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
  };
  static const Folder made;
  const std::string folder = made.made ? made.path.string() : std::string();
  if (folder.empty()) std::printf("SKIPPED: python3 is not on this machine\n");
  return folder;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

struct Got {
  std::vector<Member> members;
  Tally tally;
};

Got read_zip(const SourcePtr& zip, const witness::ArchiveLimits& limits = {}) {
  Got out;
  out.tally = witness::read_archive(zip, [&](const Member& m) { out.members.push_back(m); }, limits);
  return out;
}

std::string text_of(const Member& member) {
  std::string out(member.bytes->size(), '\0');
  REQUIRE(member.bytes->read_at(0, std::as_writable_bytes(std::span(out))));
  return out;
}

}  // namespace

TEST_CASE("members come with their content, and lie where another reader says they lie") {
  const std::string folder = folder_of_zips();
  if (folder.empty()) return;
  for (const std::string name : {"deflate", "store", "stream"}) {
    CAPTURE(name);
    const auto zip = image::open_file(folder + "/" + name + ".zip", 0).source;
    const Got got = read_zip(zip);
    CHECK(got.tally.readable);
    CHECK(got.tally.note.empty());
    CHECK(got.tally.records == 6);
    CHECK(got.tally.damaged == 0);
    std::string listing;
    for (const Member& m : got.members) {
      listing += std::to_string(m.offset) + " " + std::to_string(m.length) + " " + m.name + "\n";
      CHECK_FALSE(m.cut);
      REQUIRE(m.modified);
      CHECK(to_iso8601(*m.modified) == "2024-02-26T21:01:08.0000000Z");
    }
    CHECK(listing == content_of(folder + "/" + name + ".txt"));
    REQUIRE(got.members.size() == 6);
    CHECK(text_of(got.members[0]).size() == 280000);
    CHECK(text_of(got.members[0]).starts_with("line of a log\nline"));
    CHECK(text_of(got.members[2]) == "second of the name");
    const Member& first = got.members[0];
    CHECK(first.bytes->locate(1000, 5) == zip->locate(first.offset, first.length));
    CHECK(first.bytes->locate(0, 1) == std::vector<Range>{{file_space(0), first.offset, first.length}});
    CHECK(first.bytes->locate(280000, 1).empty());
  }
}

TEST_CASE("without its central directory a zip is read from the local headers; members before a damage come back, and those behind it") {
  const std::string folder = folder_of_zips();
  if (folder.empty()) return;
  const std::string whole = content_of(folder + "/deflate.zip");
  const Got lost = read_zip(test::source_of(std::string_view(whole).substr(0, whole.find("PK\x01\x02"))));
  CHECK(lost.members.size() == 6);
  CHECK(lost.tally.damaged == 1);
  CHECK(lost.tally.note == "its central directory is lost: read from the local headers");

  const Got half = read_zip(test::source_of(std::string_view(whole).substr(0, whole.size() / 2)));
  REQUIRE(half.members.size() == 2);
  CHECK_FALSE(half.members[0].cut);
  CHECK(text_of(half.members[0]).size() == 280000);
  CHECK(half.members[1].cut);
  CHECK(half.members[1].bytes->size() > 100000);

  std::string damaged = whole;  // within the noise, which is stored in blocks
  damaged.replace(damaged.find("b.bin") + 5000, 3000, 3000, '\xFF');
  const Got bad = read_zip(test::source_of(damaged));
  REQUIRE(bad.members.size() == 6);
  CHECK(bad.members[1].cut);
  CHECK(bad.tally.damaged == 1);
  CHECK(text_of(bad.members[2]) == "second of the name");

  std::string headless = whole;
  headless.replace(headless.find("b.bin") - 30, 4, "XXXX");
  const Got rest = read_zip(test::source_of(headless));
  REQUIRE(rest.members.size() == 5);
  CHECK(rest.tally.damaged == 1);
  CHECK(text_of(rest.members[1]) == "second of the name");
  CHECK(headless.substr(rest.members[1].offset, 4) == "PK\x03\x04");
}

TEST_CASE("what lies beyond a limit is not read, and that is said") {
  const std::string folder = folder_of_zips();
  if (folder.empty()) return;
  const auto zip = image::open_file(folder + "/bomb.zip", 0).source;
  CHECK(read_zip(zip).tally.note.empty());
  const Got all = read_zip(zip, {.member = 8 << 20, .all = 10 << 20, .members = 100});
  CHECK(all.members.size() == 3);
  CHECK(all.members[2].cut);
  CHECK(all.members[2].bytes->size() == 2 << 20);
  CHECK(all.tally.note == "not read to its end: more than 10 MiB in all");
  const Got each = read_zip(zip, {.member = 1 << 20, .all = 512 << 20, .members = 100});
  CHECK(each.members.size() == 20);
  CHECK(each.tally.damaged == 20);
  const Got few = read_zip(zip, {.member = 8 << 20, .all = 512 << 20, .members = 5});
  CHECK(few.members.size() == 5);
  CHECK(few.tally.note == "not read to its end: more than 5 members");
}

TEST_CASE("bytes that are no zip are not readable") {
  for (const std::string& text : {std::string("no zip at all"), std::string(), std::string(100000, 'P')}) {
    const Got got = read_zip(test::source_of(text));
    CHECK_FALSE(got.tally.readable);
    CHECK(got.members.empty());
  }
}
