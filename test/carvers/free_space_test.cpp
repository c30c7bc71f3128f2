#include "carvers/free_space.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "script_samples.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::carvers;
using namespace trimcarve::test;

namespace {

Bytes file_record(std::uint32_t number) {
  RecordBuilder record(3, used);
  put(record.bytes(), 0x2C, number, 4);
  record.standard_information(some_time);
  record.file_name(root, some_time, u"gone.txt");
  const std::size_t value = record.resident(0x80, 5);
  put_text(record.bytes(), value, "hello");
  record.end();
  // The update sequence array of a record with its number stands at 0x30.
  Bytes out = record.bytes();
  protect(out, 0, 1024, 0x30);
  return out;
}

struct Found {
  std::vector<Candidate> all;
  FreeSpaceTally tally;
};

Found search(const ByteSource& source, const std::vector<Stretch>& stretches, FreeSpaceOptions options = {}) {
  Found found;
  found.tally = search_free_space(source, stretches, options, [&](const Candidate& c) { found.all.push_back(c); });
  return found;
}

void copy_to(Bytes& bytes, std::size_t at, const Bytes& what) { std::ranges::copy(what, bytes.begin() + static_cast<std::ptrdiff_t>(at)); }

}  // namespace

TEST_CASE("Journal records that follow each other are carved, also across a cluster's border and out of line with it") {
  Bytes bytes(64 << 10);
  std::size_t at = 4096 - 200;
  std::set<std::uint64_t> places;
  for (std::uint64_t n = 0; n < 40; ++n) {
    places.insert(at);
    at += put_journal_record(bytes, at, 4096 + n * 96, u"some-name.txt");
  }
  const MemorySource source(bytes);
  const auto found = search(source, {{0, bytes.size()}});
  CHECK(found.tally.usn_records == 40);
  std::set<std::uint64_t> seen;
  for (const Candidate& c : found.all) {
    seen.insert(c.offset);
    Kept kept;
    CHECK(carve_free_usn(source, c.offset, {}, kept.sink()));
    REQUIRE(kept.all.size() == 1);
    CHECK(name_of(kept.all[0]) == "some-name.txt");
    CHECK(kept.all[0].source == SourceKind::free_space);
    CHECK(kept.all[0].place.stream == StreamKind::volume);
    Kept again;
    carve_free_at(source, c.offset, {}, again.sink());
    REQUIRE(again.all.size() == 1);
    CHECK(described(again.all[0]) == described(kept.all[0]));
  }
  CHECK(seen == places);
}

TEST_CASE("A journal record alone counts only when everything in it can be") {
  const auto alone = [](auto change, std::uint64_t records = 1000) {
    Bytes bytes(8192);
    put_journal_record(bytes, 1000, 64, u"alone.txt");
    change(bytes);
    FreeSpaceOptions options;
    options.records = records;
    return search(MemorySource(bytes), {{0, 8192}}, options).tally;
  };
  CHECK(alone([](Bytes&) {}).usn_records == 1);
  CHECK(alone([](Bytes& b) { put(b, 1000 + 8, 0x1'0000'0000'1000ULL, 8); }).usn_records == 0);  // $MFT has no room for that file
  CHECK(alone([](Bytes& b) { put(b, 1000 + 14, 0, 2); }).usn_records == 0);                     // no sequence number
  CHECK(alone([](Bytes& b) { put_units(b, 1000 + 60, u"a/b"); }).usn_records == 0);             // no name Windows gives
  CHECK(alone([](Bytes& b) { put(b, 1000 + 40, 0x8, 4); }).usn_records == 0);                   // no such reason
  CHECK(alone([](Bytes& b) { put(b, 1000 + 24, 63, 8); }).usn_records == 0);                    // no such USN
  CHECK(alone([](Bytes& b) { put(b, 1000 + 32, 1, 8); }).usn_records == 1);                     // of 1601: its date does not count
  // Two that vouch for each other need not be of this $MFT's size: it may have been another volume's. Falling USNs vouch for nothing.
  Bytes bytes(8192);
  const std::size_t length = put_journal_record(bytes, 0, 640, u"first.txt", 0x1'0000'0000'F000ULL);
  put_journal_record(bytes, length, 736, u"second.txt", 0x1'0000'0000'F001ULL);
  FreeSpaceOptions options;
  options.records = 1000;
  CHECK(search(MemorySource(bytes), {{0, 8192}}, options).tally.usn_records == 2);
  put(bytes, length + 24, 632, 8);
  const auto tally = search(MemorySource(bytes), {{0, 8192}}, options).tally;
  CHECK(tally.usn_records == 0);
  CHECK(tally.usn_alone == 2);
}

TEST_CASE("A record that ends in a cluster which is not free is cut, and counted") {
  Bytes bytes(8192);
  std::size_t at = 4096 - 240;
  at += put_journal_record(bytes, at, 64, u"first-name.txt");
  at += put_journal_record(bytes, at, 160, u"second-name.txt");
  put_journal_record(bytes, at, 256, u"third-name-that-crosses.txt");
  const auto found = search(MemorySource(bytes), {{0, 4096}});
  CHECK(found.tally.usn_records == 2);
  CHECK(found.tally.cut == 1);
}

TEST_CASE("A FILE record is decoded as in $MFT, with its own number and its place in the volume") {
  Bytes bytes(16384);
  copy_to(bytes, 4096 + 512, file_record(77));
  const MemorySource source(bytes);
  const auto found = search(source, {{4096, 8192}});
  REQUIRE(found.tally.file_records == 1);
  Kept kept;
  REQUIRE(carve_free_record(source, found.all[0].offset, {}, kept.sink()));
  REQUIRE(kept.all.size() == 1);
  const Sighting& s = kept.all[0];
  CHECK(s.reference == FileReference::of(77, 3));
  CHECK(s.integrity == Integrity::carved);
  CHECK(s.place == Place{StreamKind::volume, 0, 4096 + 512, 1024});
  CHECK(name_of(s) == "gone.txt");
  REQUIRE(s.streams.size() == 1);
  CHECK(s.streams[0].content.stream == StreamKind::volume);
  // Torn in its second sector: what lies in the first is taken. Torn in the first: it is none.
  put(bytes, 4096 + 512 + 1022, 0x7777, 2);
  kept.all.clear();
  CHECK(carve_free_record(MemorySource(bytes), 4096 + 512, {}, kept.sink()));
  put(bytes, 4096 + 512 + 510, 0x7777, 2);
  CHECK_FALSE(carve_free_record(MemorySource(bytes), 4096 + 512, {}, kept.sink()));
  // Its end in a cluster that is not free.
  CHECK(search(source, {{4096, 1024}}).tally.cut == 1);
}

TEST_CASE("A text is told once, wherever it lies to what is read and looked at together, and a long one in pieces that follow each other") {
  const auto scripts = carvers::ScriptText::make();
  if (!scripts) {
    MESSAGE("SKIPPED: " << scripts.error().what);
    return;
  }
  FreeSpaceOptions options;
  options.text = &*scripts;
  std::string text;
  while (text.size() < 700'000) text += samples::powershell[2];
  for (const std::size_t length : {samples::powershell[2].size(), samples::powershell[2].size() * 40, text.size()})
    for (const std::size_t at : {std::size_t{0}, std::size_t{65536 - 200}, std::size_t{(256 << 10) - 100}, std::size_t{(1 << 20) - 4096}}) {
      CAPTURE(length);
      CAPTURE(at);
      Bytes bytes(2 << 20);
      std::ranges::copy(std::as_bytes(std::span(text).first(length)), bytes.begin() + static_cast<std::ptrdiff_t>(at));
      std::uint64_t end = at;
      const auto tally = search_free_space(MemorySource(bytes), std::vector<Stretch>{{0, bytes.size()}}, options, [&](const Candidate& c) {
        REQUIRE(c.kind == CandidateKind::text);
        CHECK(c.offset == end);
        CHECK(c.text->text == text.substr(c.offset - at, c.length));
        end = c.offset + c.length;
      });
      CHECK(end == at + length);
      CHECK(tally.texts == (length + carvers::ScriptText::longest - 1) / carvers::ScriptText::longest);
    }
}

TEST_CASE("Holes are not read, zeros are counted, and what cannot be read costs itself only") {
  Bytes bytes(1 << 20);
  copy_to(bytes, 8192, file_record(77));
  copy_to(bytes, 1 << 19, file_record(78));
  copy_to(bytes, (1 << 20) - 4096, file_record(79));
  MemorySource source(bytes);
  source.special = {{16384, (1 << 19) - 16384, ExtentKind::hole}, {1 << 19, 4096, ExtentKind::unreadable}};
  const auto found = search(source, {{0, 1 << 20}});
  CHECK(found.tally.file_records == 2);
  CHECK(found.tally.holes == (1 << 19) - 16384);
  CHECK(found.tally.unreadable == 4096);
  CHECK(found.tally.bytes == found.tally.holes + found.tally.unreadable + found.tally.zeros + found.tally.data);
}

// A disk that fails in the middle of data, as only reading it shows: no list of extents knows.
TEST_CASE("Bytes that cannot be read are counted once, beside zeros and beside data") {
  class Failing final : public ByteSource {
   public:
    explicit Failing(Bytes bytes) : bytes_(std::move(bytes)) {}
    std::uint64_t size() const noexcept override { return bytes_.size(); }
    Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
      for (const std::uint64_t bad : {std::uint64_t{8704}, std::uint64_t{40960}})
        if (offset < bad + 512 && bad < offset + out.size()) return fail("unreadable");
      std::memcpy(out.data(), bytes_.data() + offset, out.size());
      return {};
    }
    std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override { return {{offset, length, ExtentKind::data}}; }
    std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return {{1, offset, length}}; }

   private:
    Bytes bytes_;
  };
  Bytes bytes(1 << 16);
  std::fill(bytes.begin() + 8192, bytes.begin() + 12288, std::byte{0xEE});  // data around the first bad sector, zeros around the second
  const auto found = search(Failing(bytes), {{0, 1 << 16}});
  CHECK(found.tally.unreadable == 1024);
  CHECK(found.tally.data == 4096 - 512);
  CHECK(found.tally.zeros == (1 << 16) - 4096 - 512);
}

TEST_CASE("Every FILE record of charlie.dd's $MFT is found by its shape alone, as the pass over $MFT has it") {
  // 33 FILE records: fsntfsinfo, and fls' 37 lines (test data's README). The pass over $MFT is the other reader.
  const std::string path = unpacked_data("ntfs-volumes/charlie.dd.bz2");
  if (path.empty()) return;
  const ntfs::Volume volume = open_first_volume(path);
  std::set<std::uint64_t> known, carved;
  carve_records(*volume.mft(), record_options(volume), [&](const Sighting& s) {
    if (s.source == SourceKind::mft && !s.base_is_elsewhere) known.insert(s.record_entry);
  });
  FreeSpaceOptions options;
  options.record_size = volume.record_size();
  options.index_block_size = volume.index_block_size();
  options.volume_clusters = volume.clusters();
  std::size_t blocks = 0;
  const Stretch whole{0, volume.partition()->size()};
  search_free_space(*volume.partition(), std::span(&whole, 1), options, [&](const Candidate& c) {
    if (c.kind == CandidateKind::index_block)
      blocks += carve_free_index(*volume.partition(), c.offset, options, [](const Sighting&) {}) ? 1U : 0U;
    if (c.kind != CandidateKind::file_record) return;
    carve_free_record(*volume.partition(), c.offset, options, [&](const Sighting& s) {
      if (s.has_record && !s.base_is_elsewhere) carved.insert(s.record_entry);
      Kept again;
      carve_free_at(*volume.partition(), s.place.offset, options, again.sink());
      CHECK(std::ranges::any_of(again.all, [&](const Sighting& t) { return described(t) == described(s); }));
    });
  });
  MESSAGE(known.size() << " records in $MFT, " << carved.size() << " carved, " << blocks << " index blocks");
  CHECK(!known.empty());
  CHECK(std::ranges::includes(carved, known));
  CHECK(blocks > 0);
}

TEST_CASE("A record of version 4 takes its name only from a neighbour in the same piece of a journal") {
  // USN_RECORD_V4 as Microsoft documents it: 64 bytes with one extent of 16.
  const auto version_4 = [](Bytes& bytes, std::size_t at, std::uint64_t usn, std::uint64_t reference) {
    put(bytes, at, 80, 4);
    put(bytes, at + 4, 4, 2);
    put(bytes, at + 8, reference, 8);
    put(bytes, at + 24, FileReference::of(5, 5).value, 8);
    put(bytes, at + 40, usn, 8);
    put(bytes, at + 48, 0x8000'0001, 4);
    put(bytes, at + 60, 1, 2);
    put(bytes, at + 62, 16, 2);
    put(bytes, at + 72, 4096, 8);
  };
  Bytes bytes(32 << 10);
  const std::size_t named = put_journal_record(bytes, 4096, 8192, u"some-name.txt");
  const std::uint64_t reference = le<std::uint64_t>(bytes, 4096 + 8);
  version_4(bytes, 4096 + named, 8192 + named, reference);
  // Another piece, later in the journal by far, in the next free cluster but one: of the same file, without a name of its own.
  version_4(bytes, 16384, 1 << 20, reference);
  version_4(bytes, 16384 + 80, (1 << 20) + 80, reference);
  // One that stands alone is none: nothing tells it from other bytes.
  version_4(bytes, 24576, 2 << 20, reference);
  const MemorySource source(bytes);
  const auto found = search(source, {{0, bytes.size()}});
  CHECK(found.tally.usn_version_4 == 3);
  CHECK(found.tally.usn_records == 4);
  CHECK(found.tally.usn_alone == 1);
  std::vector<std::string> names;
  for (const Candidate& c : found.all)
    CHECK(carve_free_usn(source, c.offset, {}, [&](const Sighting& s) {
      names.push_back(name_of(s));
      CHECK(s.place.stream == StreamKind::volume);
      CHECK(s.source == SourceKind::free_space);
      CHECK(s.usn.name_inferred == (s.usn.version == 4 && !s.names.empty()));
      CHECK((s.usn.time == no_time) == s.names.empty());
    }));
  CHECK(names == std::vector<std::string>{"some-name.txt", "some-name.txt", "", ""});
}

TEST_CASE("Every record of a real journal is found by its shape alone, wherever it lies") {
  // 264 records of version 2 and 7 of version 4; 208; 62: the test data's README, from Windows' own listing and the samples' authors.
  for (const auto& [file, records, nameless] :
       {std::tuple{"usnjrnl/usnjrnlj.bin", 264U, 7U}, {"usnjrnl/go-ntfs-sample.bin", 208U, 0U}, {"usnjrnl/usnjrnl_winxp", 62U, 0U}}) {
    const std::string path = real_data(file);
    if (path.empty()) return;
    CAPTURE(file);
    const auto journal = open_artefact(path);
    Bytes bytes(static_cast<std::size_t>(journal->size()));
    REQUIRE(journal->read_at(0, bytes));
    for (const std::size_t shift : {std::size_t{0}, std::size_t{8}, std::size_t{4096 - 24}}) {
      Bytes moved(shift + bytes.size() + 64);
      copy_to(moved, shift, bytes);
      const auto found = search(MemorySource(moved), {{0, moved.size()}});
      CHECK(found.tally.usn_records == records + nameless);
      CHECK(found.tally.usn_version_4 == nameless);
      // Each states what the journal's own reading states of it, names and times of version 4's neighbours included.
      const auto stated = [](const Sighting& s) {
        return std::to_string(s.usn.usn) + ' ' + std::to_string(s.reference.value) + ' ' + std::to_string(s.usn.reason) + ' ' +
               std::to_string(s.usn.time.ticks) + ' ' + std::to_string(s.usn.version) + (s.usn.name_inferred ? " inferred " : " ") +
               name_of(s);
      };
      std::multiset<std::string> live, carved;
      carve_usn_journal(*journal, {}, [&](const Sighting& s) { live.insert(stated(s)); });
      const MemorySource source(moved);
      for (const Candidate& c : found.all)
        if (c.kind == CandidateKind::usn_record)
          CHECK(carve_free_usn(source, c.offset, {}, [&](const Sighting& s) { carved.insert(stated(s)); }));
      CHECK(carved == live);
    }
  }
}
