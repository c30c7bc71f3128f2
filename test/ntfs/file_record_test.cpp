#include "ntfs/file_record.hpp"

#include <doctest/doctest.h>

#include <set>

#include "ntfs/attribute_list.hpp"
#include "ntfs/file_name.hpp"
#include "ntfs/standard_information.hpp"
#include "records.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

namespace {

struct Counts {
  std::size_t slots = 0, file = 0, baad = 0, deleted_files = 0, deleted_directories = 0, bad_walks = 0, faults = 0, torn = 0;
};

Counts count(const Bytes& mft) {
  Counts c;
  c.slots = for_records(mft, 1024, [&](std::size_t entry, const FileRecord& record) {
    const RecordHeader& h = record.header();
    if (h.signature == RecordSignature::file) ++c.file;
    if (h.signature == RecordSignature::baad) ++c.baad;
    if (record.torn()) ++c.torn;
    if (h.has_number && h.number != 0) CHECK(h.number == entry);
    AttributeWalk walk(record);
    for (Attribute a; walk.next(a);) c.faults += a.faults != 0 ? 1U : 0U;
    if (walk.end() != WalkEnd::end_marker) ++c.bad_walks;
    if (!h.in_use() && h.base.value == 0) ++(h.directory() ? c.deleted_directories : c.deleted_files);
  });
  return c;
}

Bytes mft_file(const std::string& item) {
  const std::string path = unpacked_data(item);
  return path.empty() ? Bytes{} : read_file(path);
}

// A hand-made record: $STANDARD_INFORMATION of 48 bytes, then a $DATA of 8 bytes, end marker.
Bytes made_record() {
  Bytes b(1024);
  std::memcpy(b.data(), "FILE", 4);
  put<std::uint16_t>(b, 4, 0x30);
  put<std::uint16_t>(b, 6, 3);
  put<std::uint16_t>(b, 0x10, 5);   // sequence
  put<std::uint16_t>(b, 0x14, 56);  // first attribute
  put<std::uint16_t>(b, 0x16, 1);
  put<std::uint32_t>(b, 0x1C, 1024);
  std::size_t at = 56;
  put<std::uint32_t>(b, at, 0x10);
  put<std::uint32_t>(b, at + 4, 72);
  put<std::uint32_t>(b, at + 16, 48);
  put<std::uint16_t>(b, at + 20, 24);
  at += 72;
  put<std::uint32_t>(b, at, 0x80);
  put<std::uint32_t>(b, at + 4, 32);
  put<std::uint32_t>(b, at + 16, 8);
  put<std::uint16_t>(b, at + 20, 24);
  std::memcpy(b.data() + at + 24, "contents", 8);
  at += 32;
  put<std::uint32_t>(b, at, 0xFFFFFFFF);
  put<std::uint32_t>(b, 0x18, static_cast<std::uint32_t>(at + 8));
  return b;
}

struct Walked {
  std::vector<Attribute> attributes;
  WalkEnd end = WalkEnd::walking;
  std::uint32_t end_offset = 0, slack = 0;
};
// Views into `bytes`, so it must outlive the result.
Walked walk_all(const Bytes& bytes, const FixUp& fix) {
  FileRecord record;
  REQUIRE(FileRecord::decode(bytes, fix, record));
  AttributeWalk walk(record);
  Walked out;
  for (Attribute a; walk.next(a);) out.attributes.push_back(a);
  out.end = walk.end();
  out.end_offset = walk.end_offset();
  out.slack = walk.slack_begin();
  return out;
}

}  // namespace

TEST_CASE("mft_winxp has the slots, FILE records, deleted files and directories of its listing") {
  // Vouched for by the listing in the shared data: 20,528 slots, 20,508 FILE, 2,598 deleted files, 455 deleted directories.
  const Bytes mft = mft_file("mft/mft_winxp.xz");
  if (mft.empty()) return;
  const Counts c = count(mft);
  CHECK(c.slots == 20528);
  CHECK(c.file == 20508);
  CHECK(c.deleted_files == 2598);
  CHECK(c.deleted_directories == 455);
  CHECK(c.bad_walks == 0);
  CHECK(c.torn == 0);
}

TEST_CASE("a small Windows 10 $MFT has its 46 records") {
  // Vouched for by fsntfsinfo, which lists 46 records with a FILE signature.
  const Bytes mft = mft_file("mft/mft_metadata_file.1");
  if (mft.empty()) return;
  const Counts c = count(mft);
  CHECK(c.file == 46);
  CHECK(c.bad_walks == 0);
  CHECK(c.faults == 0);
}

TEST_CASE("names beyond ASCII equal The Sleuth Kit's listing") {
  // Vouched for by unicode.fls, written by The Sleuth Kit. Compared: entry and name of every file with a $FILE_NAME in use.
  const Bytes mft = mft_file("mft/unicode.mft");
  const std::string listing = real_data("mft/unicode.fls");
  if (mft.empty() || listing.empty()) return;
  std::set<std::string> theirs;
  std::ifstream in(listing);
  for (std::string line; std::getline(in, line);) {
    const auto tab = line.find('\t');
    if (line.starts_with("V/V") || tab == std::string::npos) continue;
    std::string name = line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
    if (const auto slash = name.rfind('/'); slash != std::string::npos) name.erase(0, slash + 1);
    const std::size_t first_digit = line.find_first_of("0123456789", line.find(' '));
    const std::string entry = line.substr(first_digit, line.find('-', first_digit) - first_digit);
    if (name.find(':') == std::string::npos) theirs.insert(entry + " " + name);
  }
  REQUIRE(theirs.size() > 20);
  std::set<std::string> ours;
  for_records(mft, 1024, [&](std::size_t entry, const FileRecord& record) {
    AttributeWalk walk(record);
    for (Attribute a; walk.next(a);) {
      if (a.type != attribute_type::file_name) continue;
      const auto name = decode_file_name(a.value);
      REQUIRE(name);
      if (name->name_space != NameSpace::dos) ours.insert(std::to_string(entry) + " " + to_utf8(name->name.str()));
    }
  });
  for (const std::string& name : theirs) CHECK_MESSAGE(ours.contains(name), name);
}

TEST_CASE("$STANDARD_INFORMATION of a deleted file has the times istat prints") {
  // Vouched for by istat on DFTT 7, record 37 (res1.dat): all four times 2004-02-29 20:05:37.7660768.
  const auto disk = open_partition(dftt7);
  if (!disk) return;
  Bytes bytes(1024);
  REQUIRE(disk->read_at(4268 * 1024, bytes));  // istat 0: entry 37 lies in cluster 4268
  const FixUp fix = apply_fix_up(bytes);
  const Walked w = walk_all(bytes, fix);
  CHECK(fix.array == FixUpArray::expected);
  CHECK_FALSE(fix.torn(400));
  REQUIRE(w.attributes.size() == 3);
  const auto si = decode_standard_information(w.attributes[0].value);
  REQUIRE(si);
  CHECK(to_iso8601(si->times.created) == "2004-02-29T20:05:37.7660768Z");
  CHECK(si->times.created == si->times.accessed);
  CHECK(si->long_form);
  CHECK(si->security_id == 260);
  const auto name = decode_file_name(w.attributes[1].value);
  REQUIRE(name);
  CHECK(name->name.str() == u"res1.dat");
  CHECK(name->parent == FileReference::of(5, 5));
  CHECK(w.attributes[2].value.size() == 101);
}

TEST_CASE("one bad attribute costs that attribute") {
  // Hand-made from a good record: the first attribute's value is said to be 60,000 bytes long.
  Bytes bytes = made_record();
  put<std::uint32_t>(bytes, 56 + 16, 60000);
  const Walked w = walk_all(bytes, FixUp{});
  REQUIRE(w.attributes.size() == 2);
  CHECK(w.attributes[0].faults == attribute_fault::value);
  CHECK(w.attributes[0].value.size() == 48);  // what lies inside is kept
  CHECK(w.attributes[1].faults == 0);
  CHECK(w.end == WalkEnd::end_marker);
  CHECK(w.end_offset == 160);
  CHECK(w.slack == 168);
}

TEST_CASE("a bad attribute length ends the walk and says where") {
  // Hand-made: lengths of 0, 2^32 - 8, and one that is no multiple of 8.
  for (const std::uint32_t length : {0U, 0xFFFF'FFF8U, 73U, 4096U}) {
    Bytes bytes = made_record();
    put<std::uint32_t>(bytes, 128 + 4, length);
    const Walked w = walk_all(bytes, FixUp{});
    CHECK(w.attributes.size() == 1);
    CHECK(w.end == WalkEnd::bad);
    CHECK(w.end_offset == 128);
    CHECK(w.slack == 168);  // the used size is still sane
  }
}

TEST_CASE("a senseless used size or first attribute does not lose the record") {
  // Hand-made.
  for (const std::uint32_t used : {0U, 0xFFFF'FFFFU, 1025U, 1U}) {
    Bytes bytes = made_record();
    put<std::uint32_t>(bytes, 0x18, used);
    const Walked w = walk_all(bytes, FixUp{});
    CHECK(w.attributes.size() == 2);
    CHECK(w.end == WalkEnd::end_marker);
    CHECK(w.slack == 168);
  }
  for (const unsigned first : {0U, 57U, 0xFFF8U}) {
    Bytes bytes = made_record();
    put<std::uint16_t>(bytes, 0x14, static_cast<std::uint16_t>(first));
    CHECK(walk_all(bytes, FixUp{}).attributes.size() == 2);
  }
}

TEST_CASE("attributes that touch a torn sector are marked, the others are not") {
  // Hand-made: a second-sector mismatch in a record whose $DATA reaches into it.
  Bytes bytes = made_record();
  put<std::uint32_t>(bytes, 128 + 4, 600);
  put<std::uint32_t>(bytes, 128 + 16, 576);
  put<std::uint32_t>(bytes, 728, 0xFFFFFFFF);
  put<std::uint32_t>(bytes, 0x18, 736);
  put<std::uint16_t>(bytes, 0x30, 1);
  put<std::uint16_t>(bytes, 510, 1);
  const FixUp fix = apply_fix_up(bytes);
  const Walked w = walk_all(bytes, fix);
  REQUIRE(w.attributes.size() == 2);
  CHECK_FALSE(w.attributes[0].torn);
  CHECK(w.attributes[1].torn);
}

TEST_CASE("a BAAD record is walked like a FILE record, anything else is none") {
  // Hand-made: no real BAAD record is at hand.
  Bytes bytes = made_record();
  std::memcpy(bytes.data(), "BAAD", 4);
  FileRecord record;
  REQUIRE(FileRecord::decode(bytes, FixUp{}, record));
  CHECK(record.header().signature == RecordSignature::baad);
  CHECK(walk_all(bytes, FixUp{}).attributes.size() == 2);
  std::memcpy(bytes.data(), "FIL0", 4);
  CHECK_FALSE(FileRecord::decode(bytes, FixUp{}, record));
  CHECK_FALSE(FileRecord::decode(ByteView(bytes).first(40), FixUp{}, record));
}

TEST_CASE("an attribute list hands out its entries and steps over garbage") {
  // Hand-made: no list of the real volumes at hand is damaged. Two entries, 24 bytes of zeros between them.
  Bytes bytes(32 + 24 + 40);
  const auto entry = [&](std::size_t at, std::uint32_t type, std::uint16_t length, std::uint64_t vcn, FileReference reference) {
    put<std::uint32_t>(bytes, at, type);
    put<std::uint16_t>(bytes, at + 4, length);
    put<std::uint64_t>(bytes, at + 8, vcn);
    put<std::uint64_t>(bytes, at + 16, reference.value);
    put<std::uint16_t>(bytes, at + 24, 7);
  };
  entry(0, 0x10, 32, 0, FileReference::of(40, 2));
  entry(56, 0x80, 40, 1ULL << 48, FileReference::of(41, 3));
  bytes[56 + 6] = std::byte{2};
  bytes[56 + 7] = std::byte{26};
  bytes[56 + 26] = std::byte{'J'};
  bytes[56 + 28] = std::byte{'K'};
  AttributeListWalk walk(bytes);
  AttributeListEntry e;
  REQUIRE(walk.next(e));
  CHECK(e.type == 0x10);
  CHECK(e.name.empty());
  REQUIRE(walk.next(e));
  CHECK(e.reference == FileReference::of(41, 3));
  CHECK(e.first_vcn == 1ULL << 48);
  CHECK(e.name.str() == u"JK");
  CHECK(e.id == 7);
  CHECK_FALSE(walk.next(e));
  CHECK(walk.skipped() == 24);
  AttributeListWalk zeroed(ByteView(Bytes(4096)));
  CHECK_FALSE(zeroed.next(e));
}

TEST_CASE("each entry of the attribute lists of a real $MFT is found in the record it names") {
  // Vouched for by the $MFT itself: of files in use, every entry of a resident list must lead to a record in use that holds an attribute of
  // that type, name, id and first VCN, and that names the file as its base.
  const Bytes mft = mft_file("mft/mft_winxp.xz");
  if (mft.empty()) return;
  std::size_t lists = 0, entries = 0, found = 0;
  for_records(mft, 1024, [&](std::size_t entry, const FileRecord& record) {
    if (!record.header().in_use() || record.header().base.value != 0) return;
    const FileReference self = FileReference::of(entry, record.header().sequence);
    AttributeWalk walk(record);
    for (Attribute a; walk.next(a);) {
      if (a.type != attribute_type::attribute_list || !a.resident) continue;
      ++lists;
      AttributeListWalk list(a.value);
      for (AttributeListEntry e; list.next(e);) {
        ++entries;
        const std::size_t at = static_cast<std::size_t>(e.reference.entry()) * 1024;
        REQUIRE(fits(mft, at, 1024));
        Bytes other(mft.begin() + static_cast<std::ptrdiff_t>(at), mft.begin() + static_cast<std::ptrdiff_t>(at + 1024));
        const FixUp fix = apply_fix_up(other);
        FileRecord holder;
        REQUIRE(FileRecord::decode(other, fix, holder));
        CHECK(holder.header().sequence == e.reference.sequence());
        CHECK((e.reference == self || holder.header().base == self));
        AttributeWalk inner(holder);
        for (Attribute b; inner.next(b);)
          if (b.type == e.type && b.id == e.id && b.name.equals(e.name.str()) && (b.resident || b.first_vcn == e.first_vcn)) ++found;
      }
      CHECK(list.skipped() == 0);
    }
  });
  CHECK(lists > 5);
  CHECK(found == entries);
}
