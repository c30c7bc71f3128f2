#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

// A directory whose $INDEX_ROOT shrank: its record ends at slack(), where names of former children are put.
RecordBuilder small_directory() {
  RecordBuilder record(3, used | directory);
  record.standard_information(some_time);
  record.file_name(root, some_time, u"plugins");
  const std::size_t index = record.resident(0x90, 48, u"$I30");
  put(record.bytes(), index, 0x30, 4);
  put(record.bytes(), index + 4, 1, 4);
  put(record.bytes(), index + 8, 4096, 4);
  put(record.bytes(), index + 16, 16, 4);  // node: one last entry
  put(record.bytes(), index + 20, 32, 4);
  put(record.bytes(), index + 24, 32, 4);
  put(record.bytes(), index + 40, 16, 2);
  put(record.bytes(), index + 44, 2, 4);
  record.end();
  return record;
}

constexpr std::uint64_t directory_reference = 0x0003'0000'0000'0000ULL;  // entry 0, sequence 3

void put_entry(Bytes& bytes, std::size_t at, std::uint64_t reference, std::uint64_t parent, std::u16string_view name) {
  const std::size_t key = put_file_name(bytes, at + 16, parent, some_time, name);
  put(bytes, at, reference, 8);
  put(bytes, at + 8, (16 + key + 7) / 8 * 8, 2);
  put(bytes, at + 10, key, 2);
}

std::vector<Sighting> of_role(const Kept& kept, SlackRole role) {
  std::vector<Sighting> found;
  for (const Sighting* s : kept.of(SourceKind::record_slack))
    if (s->slack_role == role) found.push_back(*s);
  return found;
}

}  // namespace

TEST_CASE("a former child keeps its reference when its entry header survived") {
  RecordBuilder record = small_directory();
  const std::size_t at = record.slack() + 8;
  put_entry(record.bytes(), at, 0x0007'0000'0000'0042ULL, directory_reference, u"1.10.12");
  const auto children = of_role(carve(mft_of({record.finish()})), SlackRole::directory_child);
  REQUIRE(children.size() == 1);
  CHECK(name_of(children[0]) == "1.10.12");
  CHECK(children[0].reference_known);
  CHECK(children[0].reference == FileReference::of(0x42, 7));
  CHECK(children[0].integrity == Integrity::carved);
  CHECK(children[0].container == FileReference::of(0, 3));
  CHECK(children[0].names[0].parent_known);
  CHECK(children[0].names[0].times.changed.ticks == some_time);
  CHECK(children[0].place.offset == at);
  CHECK(children[0].place.length == 16 + 66 + 14);
}

TEST_CASE("a parent under the end marker is lost: the directory is inferred from the place") {
  // Seen 327 times in mft_winxp: 0x11477982FFFFFFFF is the marker, no reference.
  RecordBuilder record = small_directory();
  const std::size_t at = record.at();
  put_file_name(record.bytes(), at, directory_reference, some_time, u"1.10.12");
  record.end();
  const auto children = of_role(carve(mft_of({record.finish()})), SlackRole::directory_child);
  REQUIRE(children.size() == 1);
  CHECK(name_of(children[0]) == "1.10.12");
  CHECK_FALSE(children[0].reference_known);
  CHECK_FALSE(children[0].names[0].parent_known);
  CHECK(children[0].names[0].parent_inferred);
  CHECK(children[0].names[0].parent == FileReference::of(0, 3));
  CHECK(children[0].integrity == Integrity::partial);
  CHECK(children[0].names[0].times.created.ticks == some_time);
}

TEST_CASE("a name whose parent and creation time lie under live bytes and the end marker is still found") {
  RecordBuilder record = small_directory();
  const std::size_t at = record.at() - 8;
  Bytes kept_live(record.bytes().begin() + static_cast<std::ptrdiff_t>(at), record.bytes().begin() + static_cast<std::ptrdiff_t>(at + 8));
  put_file_name(record.bytes(), at, directory_reference, some_time, u"1.10.12");
  std::ranges::copy(kept_live, record.bytes().begin() + static_cast<std::ptrdiff_t>(at));
  record.end();
  const auto children = of_role(carve(mft_of({record.finish()})), SlackRole::directory_child);
  REQUIRE(children.size() == 1);
  CHECK(children[0].names[0].times.created == no_time);
  CHECK(children[0].names[0].times.modified.ticks == some_time);
  CHECK_FALSE(children[0].names[0].parent_known);
}

TEST_CASE("an index end entry over the reference is not taken for one") {
  // Read in mft I30 slack: the last 8 bytes of an end entry, 10 00 00 00 02 00 00 00, where the reference was, the lengths behind it
  // intact.
  RecordBuilder record = small_directory();
  const std::size_t at = record.slack() + 8;
  put_entry(record.bytes(), at, 0x0000'0002'0000'0010ULL, directory_reference, u"1.10.12");
  const auto children = of_role(carve(mft_of({record.finish()})), SlackRole::directory_child);
  REQUIRE(children.size() == 1);
  CHECK_FALSE(children[0].reference_known);
}

TEST_CASE("the start of a file that outgrew its record comes back with its offset") {
  const std::string text =
      "Write-Host 'first line of a script that was small once'\r\nInvoke-WebRequest https://example.org/payload -OutFile p.exe\r\n";
  RecordBuilder record(4, used);
  record.standard_information(some_time);
  record.file_name(root, some_time, u"log.txt");
  const std::size_t value = record.at() + 0x18;
  put_text(record.bytes(), value, text);
  record.non_resident(0x80, 1, 100);
  record.end();
  const std::size_t begin = record.slack();
  const auto content = of_role(carve(mft_of({record.finish()})), SlackRole::own_content);
  REQUIRE(content.size() == 1);
  CHECK(content[0].reference == FileReference::of(0, 4));
  CHECK(content[0].integrity == Integrity::partial);
  REQUIRE(content[0].fragments.size() == 1);
  CHECK(content[0].fragments[0].offset_inferred);
  CHECK(content[0].fragments[0].file_offset == begin - value);
  CHECK(content[0].fragments[0].place == Place{StreamKind::mft, 0, begin, text.find_last_of('\n') + 1 - (begin - value)});
}

TEST_CASE("slack of a file whose data is still resident is not offered as its content") {
  RecordBuilder record(4, used);
  record.file_name(root, some_time, u"log.txt");
  record.resident(0x80, 8);
  record.end();
  put_text(record.bytes(), record.slack(), "tail of an attribute that moved to the left when a name became shorter");
  CHECK(of_role(carve(mft_of({record.finish()})), SlackRole::own_content).empty());
}

TEST_CASE("mapping pairs left by a run list that shrank are not content") {
  RecordBuilder record(4, used);
  record.file_name(root, some_time, u"big.dat");
  record.non_resident(0x80, 1, 100);
  record.end();
  for (std::size_t i = 0; i < 60; ++i) {
    const std::size_t at = record.slack() + 4 * i;
    put(record.bytes(), at, 0x21, 1);
    put(record.bytes(), at + 1, 1 + i * 37 % 200, 1);
    put(record.bytes(), at + 2, 300 + i * 7919 % 20000, 2);
  }
  CHECK(of_role(carve(mft_of({record.finish()})), SlackRole::own_content).empty());
}

TEST_CASE("an earlier name of the same file is its name; another file's needs proof") {
  const auto with_slack_name = [](std::uint64_t born, std::u16string_view name) {
    RecordBuilder record(4, used);
    record.standard_information(some_time);
    record.file_name(root, some_time, u"now.txt");
    record.end();
    const std::size_t at = record.slack();
    RecordBuilder other(4, used);
    other.file_name(root, born, name);
    std::copy(other.bytes().begin() + 0x38, other.bytes().begin() + static_cast<std::ptrdiff_t>(other.at()),
              record.bytes().begin() + static_cast<std::ptrdiff_t>(at));
    return carve(mft_of({record.finish()}));
  };
  SUBCASE("same creation time: renamed") {
    const auto kept = with_slack_name(some_time, u"before.txt");
    const auto slack = kept.of(SourceKind::record_slack);
    REQUIRE(slack.size() == 1);
    CHECK(slack[0]->slack_role == SlackRole::none);
    CHECK(slack[0]->reference_known);
    CHECK(slack[0]->reference == FileReference::of(0, 4));
    CHECK(slack[0]->integrity == Integrity::carved);
    CHECK(name_of(*slack[0]) == "before.txt");
  }
  SUBCASE("all of it from before this file's creation, under another name: another file") {
    const auto kept = with_slack_name(some_time - 1'000'000'000, u"before.txt");
    const auto slack = kept.of(SourceKind::record_slack);
    REQUIRE(slack.size() == 1);
    CHECK(slack[0]->slack_role == SlackRole::earlier_owner);
    CHECK_FALSE(slack[0]->reference_known);
  }
  SUBCASE("the very name it has: nothing new") { CHECK(with_slack_name(some_time, u"now.txt").of(SourceKind::record_slack).empty()); }
}

TEST_CASE("the tail of an earlier name in front of an old attribute gives the name and no more") {
  // Read in 1,500 records of mft_winxp: setup's `x.dll.new` with its short name became `x.dll`, and the attributes moved left.
  RecordBuilder old(4, used);
  old.standard_information(some_time);
  old.file_name(root, some_time, u"DESKAD~1.NEW", 2);
  const std::size_t long_name = old.at();
  old.file_name(root, some_time, u"deskadp.dll.new");
  old.non_resident(0x80, 1, 100);
  old.end();
  RecordBuilder record(4, used);
  record.standard_information(some_time);
  record.file_name(root, some_time, u"deskadp.dll");
  record.non_resident(0x80, 1, 100);
  record.end();
  REQUIRE(record.slack() > long_name + 0x18);          // the parent is overwritten
  REQUIRE(record.slack() <= long_name + 0x18 + 0x40);  // the length is not
  std::copy(old.bytes().begin() + static_cast<std::ptrdiff_t>(record.slack()),
            old.bytes().begin() + static_cast<std::ptrdiff_t>(old.slack()),
            record.bytes().begin() + static_cast<std::ptrdiff_t>(record.slack()));
  const auto kept = carve(mft_of({record.finish()}));
  const auto slack = kept.of(SourceKind::record_slack);
  REQUIRE(slack.size() == 1);
  CHECK(name_of(*slack[0]) == "deskadp.dll.new");
  CHECK(slack[0]->integrity == Integrity::partial);
  CHECK(slack[0]->reference == FileReference::of(0, 4));
  CHECK_FALSE(slack[0]->names[0].has_times);
  CHECK_FALSE(slack[0]->names[0].parent_known);
  CHECK(slack[0]->place == Place{StreamKind::mft, 0, long_name + 0x18 + 0x40, 2 + 30});
}

TEST_CASE("mft_winxp: slack counts are the known ones") {
  // Counted independently by a plain scan (a script) of all 8-byte aligned $FILE_NAMEs with four whole times: 2,291 of them, 327 with the
  // end marker over the parent. Names with lost times come on top.
  const std::string path = unpacked_data("mft/mft_winxp.xz");
  if (path.empty()) return;
  carvers::RecordPassTally tally;
  const auto kept = carve(*open_artefact(path), &tally);
  CHECK(tally.slack.with_slack == 6995);
  std::size_t whole = 0, trapped = 0;
  for (const Sighting& s : of_role(kept, SlackRole::directory_child)) {
    const NameFact& name = s.names.at(0);
    if (name.times.created == no_time) continue;
    ++whole;
    if (!name.parent_known) ++trapped;
  }
  CHECK(whole == 2291);
  CHECK(trapped == 327);
  // A second structure agrees with each reading: a parent that is not overwritten is the very directory in whose record the name lies, by
  // its sequence too, also in the deleted ones.
  std::size_t agree = 0, in_deleted = 0;
  std::set<std::uint64_t> deleted;
  for (const Sighting* s : kept.of(SourceKind::mft))
    if (!s->in_use) deleted.insert(s->record_entry);
  for (const Sighting& s : of_role(kept, SlackRole::directory_child)) {
    if (!s.names.at(0).parent_known) continue;
    CHECK(s.names.at(0).parent == s.container);
    ++agree;
    if (deleted.contains(s.record_entry)) ++in_deleted;
  }
  CHECK(agree == 1964);
  CHECK(in_deleted > 500);
  // No file's record holds remains of another's: reuse zeroes it.
  CHECK(tally.slack.earlier_owners == 0);
}

TEST_CASE("mft_winxp: texts of files that outgrew their records") {
  const std::string path = unpacked_data("mft/mft_winxp.xz");
  if (path.empty()) return;
  const auto mft = open_artefact(path);
  const auto kept = carve(*mft);
  // 34 records show a run of 24 printable bytes in slack (a plain search). In 26 the data is non-resident: these, and 10653, where the
  // text is that of a named stream.
  std::set<std::uint64_t> entries;
  for (const Sighting& s : of_role(kept, SlackRole::own_content)) entries.insert(s.record_entry);
  for (const unsigned entry : {3586U, 3664U, 4092U, 4094U,  4104U,  4118U,  4120U,  4124U,  4144U,  4781U,  5441U,  5465U, 5468U,
                               5470U, 6652U, 7371U, 10147U, 10424U, 10855U, 11108U, 15060U, 17531U, 17533U, 18820U, 18821U}) {
    CAPTURE(entry);
    CHECK(entries.contains(entry));
  }
  // Data still resident, and 10653: never offered, though the slack shows text.
  for (const unsigned entry : {3570U, 10653U, 11838U, 11841U, 11854U, 11879U, 11892U, 11896U, 11916U}) {
    CAPTURE(entry);
    CHECK_FALSE(entries.contains(entry));
  }
}

TEST_CASE("slack.mft: the names in record slack, with references") {
  // Named in the listing in ../shared/data as what `fls` cannot see; read with a hex dump.
  const std::string path = real_data("mft/slack.mft");
  if (path.empty()) return;
  const auto kept = carve(*open_artefact(path));
  std::set<std::pair<std::string, std::uint64_t>> found;
  for (const Sighting& s : of_role(kept, SlackRole::directory_child))
    if (s.reference_known) found.emplace(name_of(s), s.reference.value);
  CHECK(found == std::set<std::pair<std::string, std::uint64_t>>{{"New Text Document - Copy (3).txt", 0x1'0000'0000'002EULL},
                                                                 {"New Text Document - Copy.txt", 0x1'0000'0000'002CULL},
                                                                 {"New Text Document.txt", 0x1'0000'0000'002BULL}});
}

TEST_CASE("DFTT 7: three of five names in slack have lost their parent") {
  const std::string path = unpacked_data("ntfs-volumes/dftt7-undel-ntfs.dd.xz");
  if (path.empty()) return;
  const auto volume = open_first_volume(path);
  Kept kept;
  carvers::carve_records(*volume.mft(), record_options(volume), kept.sink());
  std::size_t lost = 0, all = 0;
  for (const Sighting& s : of_role(kept, SlackRole::directory_child)) {
    ++all;
    if (!s.names.at(0).parent_known) ++lost;
  }
  CHECK(all == 5);
  CHECK(lost == 3);
}

TEST_CASE("usnjrnl-ldm-disk.raw: earlier names in slack are the old names that the change journal tells of") {
  // Two sources that know nothing of each other: the tail of a $FILE_NAME in record slack, and the journal's rename records.
  const std::string path = unpacked_data("ntfs-volumes/usnjrnl-ldm-disk.raw.xz");
  if (path.empty()) return;
  const auto volume = open_first_volume(path);
  Kept kept, journal;
  carvers::carve_records(*volume.mft(), record_options(volume), kept.sink());
  const auto reference = volume.find_usn_journal();
  REQUIRE(reference.has_value());
  const auto stream = volume.open_stream(reference->entry(), 0x80, u"$J");
  REQUIRE(stream.has_value());
  carvers::carve_usn_journal(*stream->bytes, {}, journal.sink());
  std::set<std::pair<std::uint64_t, std::string>> renamed;
  for (const Sighting& s : journal.all)
    if ((s.usn.reason & usn_reason::rename_old_name) != 0) renamed.emplace(s.reference.value, name_of(s));
  std::set<std::string> names;
  for (const Sighting& s : of_role(kept, SlackRole::none)) {
    CHECK(renamed.contains({s.reference.value, name_of(s)}));
    names.insert(name_of(s));
  }
  CHECK(names == std::set<std::string>{"Nieuw - Tekstdocument.txt", "Kopie van first.txt"});
}
