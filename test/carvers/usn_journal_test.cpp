#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "support.hpp"
#include "trimcarve/file_time.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

struct Run {
  Kept kept;
  carvers::UsnTally tally;
};

Run carve_journal(const ByteSource& journal) {
  Run run;
  run.tally = carvers::carve_usn_journal(journal, {}, run.kept.sink());
  return run;
}

std::size_t put_v4(Bytes& bytes, std::size_t at, std::uint64_t usn, std::uint64_t reference) {
  put(bytes, at, 80, 4);
  put(bytes, at + 4, 4, 2);
  put(bytes, at + 8, reference, 8);
  put(bytes, at + 24, root, 8);
  put(bytes, at + 40, usn, 8);
  put(bytes, at + 48, 2, 4);
  put(bytes, at + 60, 1, 2);
  put(bytes, at + 62, 16, 2);
  return 80;
}

// The records of Windows' own listing, by USN, as field name -> text.
std::map<std::uint64_t, std::map<std::string, std::string>> read_fsutil(const std::string& path) {
  std::map<std::uint64_t, std::map<std::string, std::string>> records;
  std::ifstream file(path);
  std::uint64_t usn = 0;
  bool in_record = false;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string key = line.substr(0, colon);
    key.resize(key.find_last_not_of(' ') + 1);
    const std::string value = line.substr(colon + 2);
    if (key == "Usn") {
      usn = std::stoull(value);
      in_record = true;
    }
    if (in_record) records[usn][key] = value;
  }
  return records;
}

// fsutil's `1/22/2019 21:36:10`.
std::string as_fsutil(FileTime time) {
  const std::string iso = to_iso8601(time);
  return std::to_string(std::stoi(iso.substr(5, 2))) + "/" + std::to_string(std::stoi(iso.substr(8, 2))) + "/" + iso.substr(0, 4) + " " +
         iso.substr(11, 8);
}

}  // namespace

TEST_CASE("usnjrnlj.bin: all 271 records, equal to Windows' own listing in all that it keeps") {
  const std::string path = real_data("usnjrnl/usnjrnlj.bin"), listing = real_data("usnjrnl/usnjrnlj.fsutil.txt");
  if (path.empty() || listing.empty()) return;
  const Run run = carve_journal(*open_artefact(path));
  CHECK(run.tally.records == 271);
  CHECK(run.tally.version_2 == 264);
  CHECK(run.tally.version_4 == 7);
  CHECK(run.tally.gaps.count == 0);
  CHECK(run.tally.offset_mismatches == 0);
  auto expected = read_fsutil(listing);
  std::size_t compared = 0, absent = 0;
  for (const Sighting& s : run.kept.all) {
    CAPTURE(s.usn.usn);
    const auto found = expected.find(s.usn.usn);
    if (found == expected.end()) {
      // The listing in ../shared/data names the three.
      CHECK((s.usn.usn == 29792 || s.usn.usn == 29880 || s.usn.usn == 29968));
      ++absent;
      continue;
    }
    const auto& fields = found->second;
    CHECK(s.usn.reason == std::stoul(fields.at("Reason").substr(2, 8), nullptr, 16));
    CHECK(s.usn.source_info == std::stoul(fields.at("Source info").substr(2, 8), nullptr, 16));
    CHECK(s.reference.value == std::stoull(fields.at("File ID").substr(16), nullptr, 16));
    CHECK(s.names.at(0).parent.value == std::stoull(fields.at("Parent file ID").substr(16), nullptr, 16));
    if (s.usn.version != 4) {
      CHECK(name_of(s) == fields.at("File name"));
      CHECK(s.usn.attributes == std::stoul(fields.at("File attributes").substr(2, 8), nullptr, 16));
      CHECK(as_fsutil(s.usn.time) == fields.at("Time stamp"));
      CHECK(s.place.length + 16 == std::stoull(fields.at("Record length")));
    }
    ++compared;
    expected.erase(found);
  }
  CHECK(absent == 3);
  CHECK(compared == 268);
  CHECK(expected.empty());
}

TEST_CASE("usnjrnlj.bin: a version 4 record gets the name of its neighbour, marked") {
  const std::string path = real_data("usnjrnl/usnjrnlj.bin");
  if (path.empty()) return;
  const Run run = carve_journal(*open_artefact(path));
  CHECK(run.tally.names_inferred == 7);
  std::map<std::uint64_t, std::string> names;
  for (const Sighting& s : run.kept.all)
    if (s.usn.version == 2) names[s.reference.value] = name_of(s);
  for (const Sighting& s : run.kept.all) {
    CHECK(s.usn.name_inferred == (s.usn.version == 4));
    if (s.usn.version == 4) CHECK(names.at(s.reference.value) == name_of(s));
  }
}

TEST_CASE("go-ntfs-sample.bin and usnjrnl_winxp: the known counts") {
  const std::string sample = real_data("usnjrnl/go-ntfs-sample.bin"), winxp = real_data("usnjrnl/usnjrnl_winxp");
  if (!sample.empty()) {
    const Run run = carve_journal(*open_artefact(sample));
    CHECK(run.tally.records == 208);
    CHECK(std::ranges::count_if(run.kept.all, [](const Sighting& s) {
            return (s.usn.reason & usn_reason::file_delete) != 0 && (s.usn.reason & usn_reason::close) != 0;
          }) == 27);
    // Cut out of a journal: USN and offset differ by a constant.
    CHECK(run.tally.offset_mismatches == 208);
    CHECK(run.tally.first_mismatch == 312568880);
    CHECK(run.tally.last_usn.value_or(0) - run.kept.all.back().place.offset == 312568880);
  }
  if (!winxp.empty()) CHECK(carve_journal(*open_artefact(winxp)).tally.records == 62);
}

TEST_CASE("usnjrnl-ldm-disk.raw: all 19 records, across a cluster boundary") {
  // fsntfsinfo -U lists 19.
  const std::string path = unpacked_data("ntfs-volumes/usnjrnl-ldm-disk.raw.xz");
  if (path.empty()) return;
  const auto opened = image::open_image({path});
  const auto volume = ntfs::open_volume(make_view(opened.source, std::uint64_t{63} * 512, opened.source->size() - std::uint64_t{63} * 512));
  REQUIRE(volume.has_value());
  const auto reference = volume->find_usn_journal();
  REQUIRE(reference.has_value());
  const auto journal = volume->open_stream(reference->entry(), 0x80, u"$J");
  REQUIRE(journal.has_value());
  const Run run = carve_journal(*journal->bytes);
  CHECK(run.tally.records == 19);
  CHECK(run.tally.offset_mismatches == 0);
}

TEST_CASE("records are found again behind garbage, zeros and holes, and what lies between is told") {
  Bytes bytes(40 * 4096);
  MemorySource empty{Bytes()};
  CHECK(carve_journal(empty).tally.records == 0);
  std::size_t at = 8 * 4096;
  at += put_journal_record(bytes, at, at, u"one.txt");
  const std::size_t garbage = at;
  for (; at < garbage + 104; ++at) bytes[at] = static_cast<std::byte>(0x31 + at % 7);
  at += put_journal_record(bytes, at, at, u"two.txt");
  at = 20 * 4096;
  put_journal_record(bytes, at, at + 8, u"three.txt");
  MemorySource journal(bytes);
  journal.special = {{0, 8 * 4096, ExtentKind::hole}, {30 * 4096, 4096, ExtentKind::unreadable}};
  const Run run = carve_journal(journal);
  REQUIRE(run.kept.all.size() == 3);
  CHECK(name_of(run.kept.all[0]) == "one.txt");
  CHECK(name_of(run.kept.all[1]) == "two.txt");
  CHECK(name_of(run.kept.all[2]) == "three.txt");
  CHECK(run.tally.offset_mismatches == 1);
  CHECK(run.tally.first_mismatch == 8);
  REQUIRE(run.tally.gaps.kept.size() == 6);
  CHECK(run.tally.gaps.kept[0] == carvers::Gap{0, 8 * 4096, carvers::GapKind::hole});
  CHECK(run.tally.gaps.kept[1] == carvers::Gap{garbage, 104, carvers::GapKind::garbage});
  CHECK(run.tally.gaps.kept[2].kind == carvers::GapKind::zero);
  CHECK(run.tally.gaps.kept[4] == carvers::Gap{30 * 4096, 4096, carvers::GapKind::unreadable});
}

TEST_CASE("the zero padding at the end of a page is no gap") {
  Bytes bytes(2 * 4096);
  put_journal_record(bytes, 4096 - 200, 4096 - 200, u"a");
  put_journal_record(bytes, 4096, 4096, u"b");
  MemorySource journal(Bytes(bytes.begin() + 4096 - 200, bytes.begin() + 4096 + 64));
  CHECK(carve_journal(journal).tally.gaps.count == 0);
}

TEST_CASE("records across the border of a read are found once") {
  Bytes bytes(std::size_t{9} << 20);
  std::size_t at = 0, written = 0;
  while (at + 200 < bytes.size()) {
    at += put_journal_record(bytes, at, at, u"a name of some length " + std::u16string(written % 40, u'x'));
    ++written;
  }
  const Run run = carve_journal(MemorySource(bytes));
  CHECK(run.tally.records == written);
  CHECK(run.tally.offset_mismatches == 0);
}

TEST_CASE("a record emits the same sighting again, inferred names too") {
  Bytes bytes(std::size_t{5} << 20);
  const std::uint64_t other = 0x2'0000'0000'0077ULL;
  std::vector<std::size_t> places;
  std::size_t at = 0;
  for (std::size_t i = 0; at + 4096 < bytes.size(); ++i) {
    places.push_back(at);
    if (i % 5 == 3)
      at += put_v4(bytes, at, at, i % 10 == 3 ? other : 0x1'0000'0000'0040ULL);
    else
      at += put_journal_record(bytes, at, at, i % 3000 == 0 ? u"other.bin" : u"file.txt", i % 3000 == 0 ? other : 0x1'0000'0000'0040ULL);
  }
  const MemorySource journal(bytes);
  std::vector<std::string> first, again;
  std::uint64_t inferred = 0;
  const auto tally = carvers::carve_usn_journal(journal, {}, [&](const Sighting& s) { first.push_back(described(s)); });
  inferred = tally.names_inferred;
  CHECK(tally.records == places.size());
  // Some of `other`'s neighbours are farther away than the neighbourhood.
  CHECK(inferred > 0);
  CHECK(inferred < tally.version_4);
  for (std::size_t i = 0; i < places.size(); i += 97) {
    again.clear();
    carvers::carve_usn_at(journal, places[i], {}, [&](const Sighting& s) { again.push_back(described(s)); });
    REQUIRE(again.size() == 1);
    CHECK(again[0] == first[i]);
  }
}

TEST_CASE("a run can be ended early and says so") {
  Bytes bytes(4096);
  put_journal_record(bytes, 0, 0, u"a");
  carvers::UsnOptions options;
  options.progress = [](std::uint64_t, std::uint64_t) { return false; };
  Kept kept;
  CHECK(carvers::carve_usn_journal(MemorySource(bytes), options, kept.sink()).stopped);
  CHECK(kept.all.empty());
}
