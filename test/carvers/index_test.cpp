#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

constexpr std::uint64_t folder = 0x0002'0000'0000'0040ULL;

// One INDX block of 4096 bytes with these entries, written behind each other; `live` of them lie inside the used size.
Bytes block(std::uint64_t vcn, const std::vector<std::u16string>& names, std::size_t live, std::uint64_t parent = folder) {
  Bytes bytes(4096);
  put_text(bytes, 0, "INDX");
  put(bytes, 8, 99, 8);
  put(bytes, 16, vcn, 8);
  std::size_t at = 64;
  for (std::size_t i = 0; i <= names.size(); ++i) {
    if (i == live) {
      put(bytes, at + 8, 16, 2);
      put(bytes, at + 12, 2, 2);
      at += 16;
      put(bytes, 24, 40, 4);
      put(bytes, 28, at - 24, 4);
      put(bytes, 32, 4096 - 24, 4);
    }
    if (i == names.size()) break;
    const std::size_t key = put_file_name(bytes, at + 16, parent, some_time, names[i]), length = (16 + key + 7) / 8 * 8;
    put(bytes, at, 0x0001'0000'0000'0100ULL + i, 8);
    put(bytes, at + 8, length, 2);
    put(bytes, at + 10, key, 2);
    at += length;
  }
  protect(bytes, 0, 4096, 40);
  return bytes;
}

MemorySource blocks(const std::vector<Bytes>& parts) { return mft_of(parts); }

carvers::IndexOptions options_of(std::optional<ByteView> bitmap = std::nullopt) {
  carvers::IndexOptions options;
  options.directory = FileReference{folder};
  options.owner = 0x40;
  options.vcn_unit = 4096;
  options.bitmap = bitmap;
  return options;
}

std::set<std::string> names_of(const std::vector<const Sighting*>& sightings) {
  std::set<std::string> names;
  for (const Sighting* s : sightings) names.insert(name_of(*s));
  return names;
}

}  // namespace

TEST_CASE("live entries and entries in slack are told apart") {
  Kept kept;
  const auto tally =
      carvers::carve_index_allocation(blocks({block(0, {u"a.txt", u"b.txt", u"gone.txt", u"too.txt"}, 2)}), options_of(), kept.sink());
  CHECK(names_of(kept.of(SourceKind::index)) == std::set<std::string>{"a.txt", "b.txt"});
  CHECK(names_of(kept.of(SourceKind::index_slack)) == std::set<std::string>{"gone.txt", "too.txt"});
  for (const Sighting* s : kept.of(SourceKind::index_slack)) {
    CHECK(s->reference_known);
    CHECK(s->integrity == Integrity::carved);
    CHECK(s->container == FileReference{folder});
  }
  for (const Sighting* s : kept.of(SourceKind::index)) CHECK(s->integrity == Integrity::good);
  CHECK(kept.all[0].lsn == 99);
  CHECK(kept.all[0].place == Place{StreamKind::index_allocation, 0x40, 64, 16 + 66 + 10});
  CHECK(tally.live == 2);
  CHECK(tally.slack == 2);
}

TEST_CASE("all entries of a block that the bitmap calls free are stale") {
  const Bytes bitmap{std::byte{1}};
  Kept kept;
  const auto tally =
      carvers::carve_index_allocation(blocks({block(0, {u"a.txt"}, 1), block(1, {u"old.txt"}, 1)}), options_of(bitmap), kept.sink());
  CHECK(names_of(kept.of(SourceKind::index)) == std::set<std::string>{"a.txt"});
  CHECK(names_of(kept.of(SourceKind::index_slack)) == std::set<std::string>{"old.txt"});
  CHECK(tally.stale_blocks == 1);
  CHECK(tally.live_blocks == 1);
}

TEST_CASE("nothing in the index of a deleted directory is live") {
  auto options = options_of();
  options.directory_deleted = true;
  Kept kept;
  const auto tally = carvers::carve_index_allocation(blocks({block(0, {u"a.txt"}, 1)}), options, kept.sink());
  REQUIRE(kept.all.size() == 1);
  CHECK(kept.all[0].source == SourceKind::index_slack);
  CHECK(kept.all[0].reference_known);
  CHECK(tally.live == 0);
}

TEST_CASE("a zero block, a block of garbage and one that cannot be read do not end the run") {
  Bytes garbage(4096, std::byte{0x5A});
  MemorySource source = blocks({Bytes(4096), garbage, block(2, {u"a.txt"}, 1), block(3, {u"b.txt"}, 1)});
  source.special = {{8192, 4096, ExtentKind::unreadable}};
  Kept kept;
  const auto tally = carvers::carve_index_allocation(source, options_of(), kept.sink());
  CHECK(names_of(kept.of(SourceKind::index)) == std::set<std::string>{"b.txt"});
  CHECK(tally.zero_blocks == 1);
  CHECK(tally.garbage_blocks == 1);
  CHECK(tally.unreadable_blocks == 1);
  CHECK(tally.blocks == 4);
}

TEST_CASE("a torn block keeps the entries of its good sectors") {
  std::vector<std::u16string> names;
  for (char16_t c = u'a'; c <= u'z'; ++c) names.push_back(std::u16string(1, c) + u"-file.txt");
  Bytes torn = block(0, names, names.size());
  put(torn, 1022, 0x7777, 2);  // second sector
  Kept kept;
  const auto tally = carvers::carve_index_allocation(blocks({torn}), options_of(), kept.sink());
  CHECK(tally.torn_blocks == 1);
  CHECK(kept.all.size() > 15);
  CHECK(kept.all.size() < 26);
  for (const Sighting& s : kept.all) CHECK((s.place.offset + s.place.length <= 512 || s.place.offset >= 1024));
  CHECK(names_of(kept.of(SourceKind::index)).contains("z-file.txt"));
}

TEST_CASE("an entry of another directory is kept with the parent it states") {
  Kept kept;
  const auto tally =
      carvers::carve_index_allocation(blocks({block(0, {u"foreign.txt"}, 1, 0x0009'0000'0000'0555ULL)}), options_of(), kept.sink());
  REQUIRE(kept.all.size() == 1);
  CHECK(kept.all[0].names[0].parent == FileReference::of(0x555, 9));
  CHECK(kept.all[0].container == FileReference{folder});
  CHECK(tally.foreign_parents == 1);
}

TEST_CASE("a bare $I30 has no container") {
  Kept kept;
  carvers::carve_index_allocation(blocks({block(0, {u"a.txt", u"gone.txt"}, 1)}), {}, kept.sink());
  REQUIRE(kept.all.size() == 2);
  CHECK_FALSE(kept.all[0].has_container);
  CHECK(kept.all[1].names[0].parent == FileReference{folder});
}

TEST_CASE("$I30 before and after deletions: the known names, live and in slack") {
  // The listing in ../shared/data: 50 and 20 live entries, 36 of the 50 names still there, 14 overwritten (Folder3, Folder4,
  // SomeFile1.txt).
  const std::string start = real_data("index/I30-start/I30.bin"), later = real_data("index/I30-first-delete/I30.bin");
  if (start.empty() || later.empty()) return;
  Kept before, after;
  const auto first = carvers::carve_index_allocation(*open_artefact(start), {}, before.sink());
  const auto second = carvers::carve_index_allocation(*open_artefact(later), {}, after.sink());
  CHECK(first.live == 50);
  CHECK(second.live == 20);
  CHECK(first.damaged_nodes == 0);
  CHECK(second.damaged_nodes == 0);
  std::set<std::string> there = names_of(after.of(SourceKind::index));
  there.merge(names_of(after.of(SourceKind::index_slack)));
  const std::set<std::string> names = names_of(before.of(SourceKind::index));
  CHECK(names.size() == 50);
  CHECK(std::ranges::count_if(names, [&](const std::string& n) { return there.contains(n); }) == 36);
  for (const char* overwritten : {"Folder3", "Folder4", "SomeFile1.txt"}) CHECK_FALSE(there.contains(overwritten));
  // Every name in slack belongs to this one directory.
  for (const Sighting& s : after.all)
    if (s.names[0].parent_known) CHECK(s.names[0].parent.value == 0x12'0000'0001'D044ULL);
}

TEST_CASE("an index block emits the same sightings again") {
  const std::string path = real_data("index/I30-first-delete/I30.bin");
  if (path.empty()) return;
  const auto source = open_artefact(path);
  std::vector<std::string> first, again;
  carvers::carve_index_allocation(*source, {}, [&](const Sighting& s) { first.push_back(described(s)); });
  for (std::uint64_t at = 17; at < source->size(); at += 4096)
    carvers::carve_index_block_at(*source, at, {}, [&](const Sighting& s) { again.push_back(described(s)); });
  CHECK(first == again);
  std::ranges::sort(first);
  CHECK(std::ranges::adjacent_find(first) == first.end());
}

TEST_CASE("ntfs_index.raw: deleted names in the slack of a volume's indexes") {
  const std::string path = unpacked_data("ntfs-volumes/ntfs_index.raw.gz");
  if (path.empty()) return;
  const auto volume = open_first_volume(path);
  Kept records;
  carvers::carve_records(*volume.mft(), record_options(volume), records.sink());
  const Kept indexes = carve_all_indexes(volume, records);
  std::set<std::string> slack = names_of(indexes.of(SourceKind::index_slack));
  slack.merge(names_of(records.of(SourceKind::record_slack)));
  CHECK(slack.contains("BBBBBBBBBBBBB-del.txt"));
  CHECK(std::ranges::any_of(slack, [](const std::string& n) { return n.ends_with("- Copy (11).txt"); }));
}

TEST_CASE("live index entries of a whole volume are the names that the records state") {
  // Two independent structures of NTFS: each in-use record's names (but for the root's own and $Extend's metadata) stand in an index.
  const std::string path = unpacked_data("ntfs-volumes/dftt7-undel-ntfs.dd.xz");
  if (path.empty()) return;
  const auto volume = open_first_volume(path);
  Kept records;
  carvers::carve_records(*volume.mft(), record_options(volume), records.sink());
  Kept indexes = carve_all_indexes(volume, records);
  std::set<std::pair<std::uint64_t, std::string>> entries, names;
  for (const Kept* kept : {&records, &indexes})
    for (const Sighting* s : kept->of(SourceKind::index)) entries.emplace(s->reference.value, name_of(*s));
  for (const Sighting* s : records.of(SourceKind::mft))
    for (std::size_t i = 0; s->in_use && i < s->names.size(); ++i) names.emplace(s->reference.value, name_of(*s, i));
  CHECK(names.size() > 10);
  CHECK(entries == names);
}
