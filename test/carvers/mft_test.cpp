#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

TEST_CASE("a free record stands for the sequence before the free") {
  // NTFS raises the sequence when it frees a record: 0 was 0xFFFF, 2 or more is one less, 1 says nothing.
  const auto identity = [](std::uint16_t sequence, std::uint16_t flags, std::uint64_t base = 0) {
    ntfs::RecordHeader header;
    header.sequence = sequence;
    header.flags = flags;
    header.base = FileReference{base};
    return carvers::identity_of(header, 77);
  };
  CHECK(identity(9, used).reference == FileReference::of(77, 9));
  CHECK(identity(9, 0).reference == FileReference::of(77, 8));
  CHECK(identity(0, 0).reference == FileReference::of(77, 0xFFFF));
  CHECK(identity(0, 0).known);
  CHECK(identity(2, 0).reference == FileReference::of(77, 1));
  CHECK_FALSE(identity(1, 0).known);
  CHECK(identity(1, used).known);
  const auto extension = identity(4, 0, 0x0003'0000'0000'0042ULL);
  CHECK(extension.base_is_elsewhere);
  CHECK(extension.known);
  CHECK(extension.reference == FileReference::of(0x42, 3));
}

TEST_CASE("a record gives its names, times, streams and runs") {
  RecordBuilder file(7, used);
  file.standard_information(some_time);
  file.file_name(root, some_time + 1, u"script.ps1");
  const std::size_t value = file.resident(0x80, 5);
  put_text(file.bytes(), value, "hello");
  file.non_resident(0x80, 3, 0x1234, u"extra");
  file.end();
  carvers::RecordPassTally tally;
  const auto kept = carve(mft_of({Bytes(1024), file.finish()}), &tally);
  REQUIRE(kept.all.size() == 1);
  const Sighting& s = kept.all[0];
  CHECK(s.integrity == Integrity::good);
  CHECK(s.reference == FileReference::of(1, 7));
  CHECK(s.place == Place{StreamKind::mft, 0, 1024, 1024});
  CHECK(s.lsn == 4711);
  CHECK(s.standard_information.changed.ticks == some_time);
  CHECK(name_of(s) == "script.ps1");
  CHECK(s.names[0].parent.value == root);
  CHECK(s.names[0].times.created.ticks == some_time + 1);
  REQUIRE(s.streams.size() == 2);
  CHECK(s.streams[0].resident);
  CHECK(s.streams[0].content == Place{StreamKind::mft, 0, 1024 + value, 5});
  CHECK(to_utf8(s.name(s.streams[1])) == "extra");
  CHECK(s.streams[1].size == 3 * 4096);
  REQUIRE(s.streams[1].run_count == 1);
  CHECK(s.runs[s.streams[1].first_run].lcn == 0x1234);
  CHECK(s.runs[s.streams[1].first_run].clusters == 3);
  CHECK(tally.mft.zero == 1);
  CHECK(tally.mft.gaps.kept == std::vector<carvers::Gap>{{0, 1024, carvers::GapKind::zero}});
}

TEST_CASE("names and streams of an extension record speak of its base, free or not, base there or not") {
  for (const std::uint16_t flags : {used, std::uint16_t{0}}) {
    RecordBuilder extension(3, flags, 0x0009'0000'0000'0123ULL);
    extension.file_name(root, some_time, u"long name in an extension record.txt");
    extension.non_resident(0x80, 2, 100);
    extension.end();
    const auto kept = carve(mft_of({extension.finish()}));
    REQUIRE(kept.all.size() == 1);
    CHECK(kept.all[0].base_is_elsewhere);
    CHECK(kept.all[0].reference == FileReference::of(0x123, 9));
    CHECK(kept.all[0].record_entry == 0);
    CHECK(kept.all[0].names.size() == 1);
    CHECK(kept.all[0].streams.size() == 1);
  }
}

TEST_CASE("a torn record keeps the attributes of its good sector") {
  RecordBuilder file(7, used);
  file.standard_information(some_time);
  file.file_name(root, some_time, u"a.txt");
  file.resident(0x80, 700);
  file.end();
  Bytes bytes = file.finish();
  put(bytes, 1022, 0x7777, 2);
  carvers::RecordPassTally tally;
  const auto kept = carve(mft_of({bytes}), &tally);
  REQUIRE(kept.all.size() == 1);
  CHECK(kept.all[0].integrity == Integrity::torn);
  CHECK(name_of(kept.all[0]) == "a.txt");
  CHECK(kept.all[0].streams.empty());
  CHECK(tally.mft.torn == 1);
}

TEST_CASE("a mismatch beyond the used size is no fault") {
  RecordBuilder file(7, used);
  file.file_name(root, some_time, u"a.txt");
  file.end();
  Bytes bytes = file.finish();
  put(bytes, 1022, 0x7777, 2);
  const auto kept = carve(mft_of({bytes}));
  REQUIRE(kept.all.size() == 1);
  CHECK(kept.all[0].integrity == Integrity::good);
}

TEST_CASE("one bad attribute costs that attribute") {
  RecordBuilder file(7, used);
  const std::size_t information = file.at();
  file.standard_information(some_time);
  file.file_name(root, some_time, u"a.txt");
  file.non_resident(0x80, 3, 0x1234);
  file.end();
  put(file.bytes(), information + 16, 0x00FF'FFFF, 4);  // the value leaves the record
  put(file.bytes(), information + 20, 0xFFFF, 2);
  const auto kept = carve(mft_of({file.finish()}));
  REQUIRE(kept.all.size() == 1);
  CHECK(kept.all[0].integrity == Integrity::partial);
  CHECK_FALSE(kept.all[0].has_standard_information);
  CHECK(name_of(kept.all[0]) == "a.txt");
  CHECK(kept.all[0].streams.size() == 1);
}

TEST_CASE("a BAAD record is read, a record of garbage and one that cannot be read are counted, none ends the run") {
  RecordBuilder file(7, used);
  file.file_name(root, some_time, u"a.txt");
  file.end();
  Bytes bad = file.finish();
  put_text(bad, 0, "BAAD");
  MemorySource mft = mft_of({bad, Bytes(1024, std::byte{0x55}), file.finish(), file.finish()});
  mft.special = {{2048, 1024, ExtentKind::unreadable}};
  carvers::RecordPassTally tally;
  const auto kept = carve(mft, &tally);
  CHECK(kept.all.size() == 2);
  CHECK(kept.all[0].integrity == Integrity::partial);
  CHECK(name_of(kept.all[0]) == "a.txt");
  CHECK(kept.all[1].reference == FileReference::of(3, 7));
  CHECK(tally.mft.baad == 1);
  CHECK(tally.mft.garbage == 1);
  CHECK(tally.mft.unreadable == 1);
  CHECK(tally.mft.gaps.kept ==
        std::vector<carvers::Gap>{{1024, 1024, carvers::GapKind::garbage}, {2048, 1024, carvers::GapKind::unreadable}});
}

TEST_CASE("a sector that cannot be read is not taken for zeros") {
  RecordBuilder file(7, used);
  file.file_name(root, some_time, u"a.txt");
  file.resident(0x80, 600);
  file.end();
  MemorySource mft = mft_of({file.finish()});
  mft.special = {{512, 512, ExtentKind::unreadable}};
  const auto kept = carve(mft);
  REQUIRE(kept.all.size() == 1);
  CHECK(kept.all[0].integrity == Integrity::torn);
  CHECK(kept.all[0].streams.empty());
}

TEST_CASE("records that were never used are counted only") {
  RecordBuilder file(1, 0);
  file.end();
  carvers::RecordPassTally tally;
  CHECK(carve(mft_of({file.finish()}), &tally).all.empty());
  CHECK(tally.mft.never_used == 1);
  CHECK(tally.mft.free_files == 0);
}

TEST_CASE("mft_winxp: every record is seen, and the deleted ones are counted as they are known") {
  // The counts stand in the listing in ../shared/data; 20,508 and the deleted ones also come from a plain count of signatures and flags.
  const std::string path = unpacked_data("mft/mft_winxp.xz");
  if (path.empty()) return;
  carvers::RecordPassTally tally;
  const auto kept = carve(*open_artefact(path), &tally);
  CHECK(tally.mft.slots == 20528);
  CHECK(tally.mft.file == 20508);
  CHECK(tally.mft.zero == 20);
  CHECK(tally.mft.free_files == 2598);
  CHECK(tally.mft.free_directories == 455);
  CHECK(tally.mft.torn == 0);
  CHECK(tally.mft.partial == 0);
  CHECK(kept.of(SourceKind::mft).size() == 20508);
}

TEST_CASE("each record emits the same sightings again, each with a place of its own") {
  const std::string path = unpacked_data("mft/mft_winxp.xz");
  if (path.empty()) return;
  const auto mft = open_artefact(path);
  std::vector<std::string> first, again;
  std::set<std::tuple<SourceKind, std::uint64_t, std::uint64_t>> places;
  std::uint64_t count = 0;
  carvers::carve_records(*mft, {}, [&](const Sighting& s) {
    if (s.place.offset < std::uint64_t{3000} * 1024) first.push_back(described(s));
    places.emplace(s.source, s.place.offset, s.place.length);
    ++count;
  });
  for (std::uint64_t entry = 0; entry < 3000; ++entry)
    carvers::carve_record_at(*mft, entry, {}, [&](const Sighting& s) { again.push_back(described(s)); });
  CHECK(first == again);
  CHECK(places.size() == count);
}

TEST_CASE("deleted.mft: the deleted file hangs below its deleted directories by the sequences before the free") {
  // The path /1/2/3/4/file.txt is stated in the listing in ../shared/data.
  const std::string path = real_data("mft/deleted.mft");
  if (path.empty()) return;
  const auto kept = carve(*open_artefact(path));
  const Sighting* at = nullptr;
  for (const Sighting* s : kept.of(SourceKind::mft))
    if (!s->in_use && name_of(*s) == "file.txt") at = s;
  REQUIRE(at != nullptr);
  std::string walked = name_of(*at);
  while (at->names.at(0).parent.entry() != root_entry) {
    const Sighting* parent = nullptr;
    for (const Sighting* s : kept.of(SourceKind::mft))
      if (s->reference_known && s->reference == at->names[0].parent) parent = s;
    REQUIRE(parent != nullptr);
    CHECK(parent->directory);
    CHECK_FALSE(parent->in_use);
    at = parent;
    walked = name_of(*at) + "/" + walked;
  }
  CHECK(walked == "1/2/3/4/file.txt");
}

TEST_CASE("unicode.mft: every name that The Sleuth Kit lists is found under its record number") {
  const std::string listing = real_data("mft/unicode.fls"), path = real_data("mft/unicode.mft");
  if (path.empty() || listing.empty()) return;
  const auto kept = carve(*open_artefact(path));
  std::set<std::pair<std::uint64_t, std::string>> names;
  for (const Sighting* s : kept.of(SourceKind::mft))
    for (std::size_t i = 0; i < s->names.size(); ++i) names.emplace(s->reference.entry(), name_of(*s, i));
  std::FILE* file = std::fopen(listing.c_str(), "r");
  REQUIRE(file != nullptr);
  std::size_t checked = 0;
  for (char line[4096]; std::fgets(line, sizeof line, file) != nullptr;) {
    // fls: "r/r 4-128-1:\tname", deeper ones behind "+ "; names of streams carry ":stream".
    const std::string text(line);
    const auto colon = text.find(":\t");
    const auto number = text.find_first_of("0123456789");
    if (colon == std::string::npos || number > colon) continue;
    std::string name = text.substr(colon + 2);
    name.resize(std::min(name.size(), name.find_first_of("\t\r\n")));
    if (const auto stream = name.find(':'); stream != std::string::npos) name.resize(stream);
    name = name.substr(name.rfind('/') + 1);
    if (name == "$OrphanFiles" || name.empty()) continue;
    const std::string shown = text.substr(0, 100);
    CAPTURE(shown);
    CHECK(names.contains({std::stoull(text.substr(number)), name}));
    ++checked;
  }
  std::fclose(file);
  CHECK(checked > 20);
}
