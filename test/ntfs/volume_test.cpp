#include "ntfs/volume.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "ntfs/file_name.hpp"
#include "ntfs/index.hpp"
#include "ntfs/lznt1.hpp"
#include "ntfs/standard_information.hpp"
#include "ntfs/usn_record.hpp"
#include "records.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

namespace {

Volume open(const SourcePtr& partition) {
  auto volume = open_volume(partition);
  REQUIRE_MESSAGE(volume, volume.error().what);
  return *std::move(volume);
}

// Every stream with a name that a record states, base records only.
struct Stated {
  std::uint64_t entry;
  std::uint32_t type;
  std::uint16_t id;
  std::u16string name;
  bool in_use, resident;
  std::uint64_t size;
};
std::vector<Stated> stated_streams(const Volume& volume) {
  std::vector<Stated> out;
  Bytes buffer(volume.record_size());
  for (std::uint64_t entry = 0; entry < volume.record_count(); ++entry) {
    const auto fix = volume.read_record(entry, buffer);
    FileRecord record;
    if (!fix || !FileRecord::decode(buffer, *fix, record) || record.header().base.value != 0) continue;
    AttributeWalk walk(record);
    for (Attribute a; walk.next(a);)
      out.push_back({entry, a.type, a.id, a.name.str(), record.header().in_use(), a.resident, a.resident ? a.value.size() : a.size});
  }
  return out;
}

std::string sleuth_kit_id(const Stated& s) { return std::to_string(s.entry) + "-" + std::to_string(s.type) + "-" + std::to_string(s.id); }

// istat's cluster list of the attribute, as text of numbers; empty when it prints none.
std::vector<std::uint64_t> istat_clusters(const std::string& listing, const Stated& s) {
  std::istringstream in(listing);
  std::vector<std::uint64_t> out;
  bool ours = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("Type: ")) {
      ours = line.find("(" + std::to_string(s.type) + "-" + std::to_string(s.id) + ")") != std::string::npos;
      continue;
    }
    if (!ours) continue;
    std::istringstream numbers(line);
    for (std::uint64_t n; numbers >> n;) out.push_back(n);
  }
  return out;
}

void compare_with_icat(const RealVolume& real, std::size_t at_least) {
  const auto partition = open_partition(real);
  if (!partition || !have_command("icat")) return;
  const Volume volume = open(partition);
  std::size_t compared = 0;
  for (const Stated& s : stated_streams(volume)) {
    // Live content only: The Sleuth Kit reads what a deleted file's clusters hold now as we do, but refuses some. It gives nothing for
    // $BadClus:$Bad (8).
    if (!s.in_use || s.entry == 8 || s.type != attribute_type::data || s.size > (16U << 20)) continue;
    const auto stream = volume.open_stream(s.entry, s.type, s.name);
    REQUIRE_MESSAGE(stream, sleuth_kit_id(s));
    CHECK(stream->complete);
    const std::string theirs = output_of("icat " + sleuth_kit_arguments(real) + " " + sleuth_kit_id(s));
    CHECK_MESSAGE(read_all(*stream->bytes) == theirs, sleuth_kit_id(s));
    ++compared;
  }
  CHECK(compared >= at_least);
}

void compare_with_istat(const RealVolume& real, std::size_t at_least) {
  const auto partition = open_partition(real);
  if (!partition || !have_command("istat")) return;
  const Volume volume = open(partition);
  std::size_t compared = 0;
  for (const Stated& s : stated_streams(volume)) {
    if (s.resident || s.entry == 8 || s.size > (64U << 20)) continue;
    const auto stream = volume.open_stream(s.entry, s.type, s.name);
    REQUIRE_MESSAGE(stream, sleuth_kit_id(s));
    std::vector<std::uint64_t> ours;
    for (const RunFact& run : stream->runs)
      for (std::uint64_t i = 0; i < run.clusters; ++i) ours.push_back(run.lcn < 0 ? 0 : static_cast<std::uint64_t>(run.lcn) + i);
    // istat prints 0 for what lies beyond the valid size.
    const auto shown = static_cast<std::size_t>((stream->valid_size + volume.cluster_size() - 1) / volume.cluster_size());
    REQUIRE(ours.size() >= shown);
    ours.resize(shown);
    auto theirs = istat_clusters(output_of("istat " + sleuth_kit_arguments(real) + " " + std::to_string(s.entry)), s);
    REQUIRE_MESSAGE(theirs.size() >= shown, sleuth_kit_id(s));
    theirs.resize(shown);
    CHECK_MESSAGE(ours == theirs, sleuth_kit_id(s));
    ++compared;
  }
  CHECK(compared >= at_least);
}

// A made volume for what no real one at hand has: 64 clusters of 1024 bytes, one record each. $MFT is in two pieces: records 0-7 in cluster
// 4 and on, records 8-15 in clusters 20 and on. Record 0 lists the first piece only; record 3, reached by an attribute list, the second.
struct MadeVolume {
  Bytes bytes = Bytes(64 * 1024 + 512);

  std::size_t record_at(std::size_t entry) const { return (entry < 8 ? 4 + entry : 20 + entry - 8) * 1024; }

  void begin_record(std::size_t entry, std::uint16_t sequence, std::uint64_t base, std::uint16_t flags = 1) {
    const std::size_t at = record_at(entry);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 1024, std::byte{0});
    std::memcpy(bytes.data() + at, "FILE", 4);
    put<std::uint16_t>(bytes, at + 4, 0x30);
    put<std::uint16_t>(bytes, at + 6, 3);
    put<std::uint16_t>(bytes, at + 0x10, sequence);
    put<std::uint16_t>(bytes, at + 0x14, 56);
    put<std::uint16_t>(bytes, at + 0x16, flags);
    put<std::uint32_t>(bytes, at + 0x18, 64);
    put<std::uint32_t>(bytes, at + 0x1C, 1024);
    put<std::uint64_t>(bytes, at + 0x20, base);
    put<std::uint32_t>(bytes, at + 56, 0xFFFFFFFF);
  }
  std::size_t add(std::size_t entry, std::uint32_t type, std::uint32_t length) {
    const std::size_t at = record_at(entry);
    const std::uint32_t used = le<std::uint32_t>(bytes, at + 0x18);
    put<std::uint32_t>(bytes, at + used - 8, type);
    put<std::uint32_t>(bytes, at + used - 4, length);
    put<std::uint32_t>(bytes, at + used - 8 + length, 0xFFFFFFFF);
    put<std::uint32_t>(bytes, at + 0x18, used + length);
    return at + used - 8;
  }
  void add_resident(std::size_t entry, std::uint32_t type, const Bytes& value) {
    const std::size_t at = add(entry, type, static_cast<std::uint32_t>((24 + value.size() + 7) / 8 * 8));
    put<std::uint32_t>(bytes, at + 16, static_cast<std::uint32_t>(value.size()));
    put<std::uint16_t>(bytes, at + 20, 24);
    std::copy(value.begin(), value.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at + 24));
  }
  void add_runs(std::size_t entry, std::uint64_t first_vcn, std::uint64_t last_vcn, std::uint64_t size, const Bytes& runs) {
    const std::size_t at = add(entry, attribute_type::data, 72);
    bytes[at + 8] = std::byte{1};
    put<std::uint64_t>(bytes, at + 16, first_vcn);
    put<std::uint64_t>(bytes, at + 24, last_vcn);
    put<std::uint16_t>(bytes, at + 32, 64);
    for (std::size_t i = 0; i < 3; ++i) put<std::uint64_t>(bytes, at + 40 + 8 * i, first_vcn == 0 ? size : 0);
    std::copy(runs.begin(), runs.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at + 64));
  }
  static Bytes list_entry(std::uint64_t first_vcn, FileReference reference) {
    Bytes b(32);
    put<std::uint32_t>(b, 0, attribute_type::data);
    put<std::uint16_t>(b, 4, 32);
    put<std::uint64_t>(b, 8, first_vcn);
    put<std::uint64_t>(b, 16, reference.value);
    return b;
  }

  MadeVolume() {
    std::memcpy(bytes.data() + 3, "NTFS    ", 8);
    put<std::uint16_t>(bytes, 0x0B, 512);
    bytes[0x0D] = std::byte{2};
    put<std::uint64_t>(bytes, 0x28, 128);
    put<std::uint64_t>(bytes, 0x30, 4);
    put<std::uint64_t>(bytes, 0x38, 40);
    bytes[0x40] = bytes[0x44] = std::byte{0xF6};
    for (std::size_t entry = 0; entry < 16; ++entry) begin_record(entry, 1, 0);
    Bytes list = list_entry(0, FileReference::of(0, 1));
    const Bytes second = list_entry(8, FileReference::of(3, 1));
    list.insert(list.end(), second.begin(), second.end());
    add_resident(0, attribute_type::attribute_list, list);
    add_runs(0, 0, 7, 16 * 1024, hex({0x11, 8, 4, 0}));
    begin_record(3, 1, FileReference::of(0, 1).value);
    add_runs(3, 8, 15, 0, hex({0x11, 8, 20, 0}));
  }
  Volume open_it() const { return open(std::make_shared<MemoryDisk>(bytes)); }
};

bool has_note(const Volume& volume, std::string_view code) {
  return std::ranges::any_of(volume.notes(), [&](const VolumeNote& note) { return note.code == code; });
}

}  // namespace

TEST_CASE("a $MFT in more pieces than record 0 lists is found whole through its attribute list") {
  // Hand-made: see MadeVolume.
  MadeVolume made;
  made.begin_record(12, 9, 0);
  const Volume volume = made.open_it();
  CHECK(volume.record_count() == 16);
  CHECK_FALSE(has_note(volume, "mft_incomplete"));
  Bytes buffer(1024);
  REQUIRE(volume.read_record(12, buffer));
  CHECK(le<std::uint16_t>(buffer, 0x10) == 9);
  CHECK(volume.mft()->locate(12 * 1024, 1024) == std::vector<Range>{{disk_space, 24 * 1024, 1024}});
}

TEST_CASE("a missing piece of $MFT is said, and the records of the others are read") {
  // Hand-made: the extension record names another base.
  MadeVolume made;
  made.begin_record(3, 1, FileReference::of(0, 7).value);
  made.add_runs(3, 8, 15, 0, hex({0x11, 8, 20, 0}));
  const Volume volume = made.open_it();
  CHECK(has_note(volume, "mft_incomplete"));
  CHECK(volume.record_count() == 16);
  Bytes buffer(1024);
  CHECK(volume.read_record(7, buffer));
  CHECK_FALSE(volume.read_record(12, buffer));
}

TEST_CASE("a stream's extents are joined from extension records, of deleted files too; a lost one is unreadable") {
  // Hand-made: file 10 in three extents (10, 11, 12), its attribute list in cluster 50.
  MadeVolume made;
  for (std::size_t i = 0; i < 3; ++i) made.bytes[(30 + i) * 1024] = static_cast<std::byte>('a' + i);
  const auto build = [&](std::uint16_t sequence, std::uint16_t flags) {
    made.begin_record(10, sequence, 0, flags);
    const std::size_t list = made.add(10, attribute_type::attribute_list, 72);
    made.bytes[list + 8] = std::byte{1};
    put<std::uint16_t>(made.bytes, list + 32, 64);
    for (std::size_t i = 0; i < 3; ++i) put<std::uint64_t>(made.bytes, list + 40 + 8 * i, i == 0 ? 1024 : 96);
    const Bytes list_runs = hex({0x11, 1, 50, 0});
    std::copy(list_runs.begin(), list_runs.end(), made.bytes.begin() + static_cast<std::ptrdiff_t>(list + 64));
    made.add_runs(10, 0, 0, 3 * 1024, hex({0x11, 1, 30, 0}));
    for (const unsigned i : {1U, 2U}) {
      made.begin_record(10 + i, 3, FileReference::of(10, 5).value, flags);
      made.add_runs(10 + i, i, i, 0, hex({0x11, 1, 30 + i, 0}));
    }
    for (std::size_t i = 0; i < 3; ++i) {
      const Bytes e = MadeVolume::list_entry(i, FileReference::of(10 + i, i == 0 ? 5 : 3));
      std::copy(e.begin(), e.end(), made.bytes.begin() + static_cast<std::ptrdiff_t>(50 * 1024 + i * 32));
    }
  };
  const auto read = [](const FileStream& stream, std::uint64_t offset) {
    std::byte b{};
    return stream.bytes->read_at(offset, {&b, 1}) ? static_cast<char>(b) : '!';
  };
  for (const bool deleted : {false, true}) {
    build(deleted ? 6 : 5, deleted ? 0 : 1);
    const Volume volume = made.open_it();
    const auto stream = volume.open_stream(10, attribute_type::data, u"");
    REQUIRE(stream);
    CHECK(stream->complete);
    CHECK(stream->runs.size() == 3);
    CHECK(read(*stream, 0) == 'a');
    CHECK(read(*stream, 1024) == 'b');
    CHECK(read(*stream, 2048) == 'c');
  }
  // Record 11 was reused by another file: its part is lost, not read from the stranger.
  made.begin_record(11, 4, 0);
  made.add_runs(11, 1, 1, 0, hex({0x11, 1, 31, 0}));
  const auto torn = made.open_it().open_stream(10, attribute_type::data, u"");
  REQUIRE(torn);
  CHECK_FALSE(torn->complete);
  CHECK(read(*torn, 0) == 'a');
  CHECK(read(*torn, 1024) == '!');
  CHECK(read(*torn, 2048) == 'c');
  // The list's cluster was zeroed (TRIM): the base record's extent is what is left.
  std::fill_n(made.bytes.begin() + 50 * 1024, 1024, std::byte{0});
  const auto zeroed = made.open_it().open_stream(10, attribute_type::data, u"");
  REQUIRE(zeroed);
  CHECK_FALSE(zeroed->complete);
  CHECK(read(*zeroed, 0) == 'a');
  CHECK(read(*zeroed, 1024) == '!');
}

TEST_CASE("a stream that claims 2^48 clusters or bytes takes neither memory nor time") {
  // Hand-made.
  MadeVolume made;
  made.begin_record(10, 1, 0);
  made.add_runs(10, 0, (1ULL << 48) - 1, 1ULL << 60, hex({0x07, 0, 0, 0, 0, 0, 0, 1}));
  made.begin_record(6, 1, 0);
  made.add_runs(6, 0, (1ULL << 48) - 1, 1ULL << 58, hex({0x07, 0, 0, 0, 0, 0, 0, 1}));
  const Volume volume = made.open_it();
  const auto stream = volume.open_stream(10, attribute_type::data, u"");
  REQUIRE(stream);
  CHECK(stream->size == 1ULL << 60);
  CHECK(stream->bytes->extents(0, ~0ULL).size() == 2);
  CHECK(volume.bitmap().clusters() == 64);
  CHECK(volume.bitmap().free_clusters() == 64);
}

TEST_CASE("streams of live files equal icat's output") {
  // Vouched for by The Sleuth Kit's icat, each unnamed and named $DATA.
  compare_with_icat(dftt7, 14);
  compare_with_icat(ntfs_index, 30);
  compare_with_icat(ramslack, 10);
  compare_with_icat(lastaccess, 10);
  compare_with_icat(ldm, 10);
  compare_with_icat(charlie, 10);
}

TEST_CASE("run lists equal istat's clusters") {
  // Vouched for by The Sleuth Kit's istat: every non-resident attribute, deleted ones too.
  compare_with_istat(dftt7, 20);
  compare_with_istat(ntfs_index, 10);
  compare_with_istat(ramslack, 10);
  compare_with_istat(ldm, 10);
}

TEST_CASE("DFTT 7's deleted files come back from their clusters and records with their MD5s") {
  // Vouched for by dftt7-index.html: record, size, MD5. (md5sum is the independent hasher.)
  const auto partition = open_partition(dftt7);
  if (!partition) return;
  const Volume volume = open(partition);
  const struct {
    std::uint64_t entry;
    const char16_t* name;
    std::uint64_t size;
    const char* md5;
  } files[] = {{37, u"", 101, "9036637712b491904cd0bfbdbe648453"},  {31, u"", 780, "59b20779f69ff9f0ac5fcd2c38835a79"},
               {32, u"", 3801, "ffd27bd782bdce67750b6b9ee069d2ef"}, {32, u"ADS", 1234, "ba1b9eedb1c091ddca253d35dde8f616"},
               {29, u"", 1584, "7a3bc5b763bef201202108f4ba128149"}, {30, u"", 3873, "0e80ab84ef0087e60dfc67b88a1cf13e"},
               {36, u"", 1715, "59cf0e9cd107bc1e75afb7374f6e05bb"}, {35, u"", 2027, "21121699487f3fbbdb9a4b3391b6d3e0"},
               {38, u"", 1005, "c229626f6a71b167ad7e50c4f2fccdb1"}};
  for (const auto& file : files) {
    const auto stream = volume.open_stream(file.entry, attribute_type::data, file.name);
    REQUIRE(stream);
    CHECK(stream->complete);
    CHECK(stream->size == file.size);
    const auto path = std::filesystem::temp_directory_path() / ("trimcarve-ntfs-" + std::to_string(file.entry));
    std::ofstream(path, std::ios::binary) << read_all(*stream->bytes);
    CHECK_MESSAGE(output_of("md5sum < '" + path.string() + "'").starts_with(file.md5), file.entry);
    std::filesystem::remove(path);
  }
}

TEST_CASE("places of a stream are where its bytes lie on the disk") {
  // Vouched for by icat through the disk's own bytes: the located ranges of frag2.dat, read from the disk, are its content; and of the
  // resident res1.dat too.
  const auto partition = open_partition(dftt7);
  if (!partition) return;
  const Volume volume = open(partition);
  for (const std::uint64_t entry : {30U, 37U}) {
    const auto stream = volume.open_stream(entry, attribute_type::data, u"");
    REQUIRE(stream);
    std::string located;
    for (const Range& range : stream->bytes->locate(0, stream->size)) {
      Bytes bytes(static_cast<std::size_t>(range.length));
      REQUIRE(partition->read_at(range.offset, bytes));
      located += text(bytes);
    }
    CHECK(located == read_all(*stream->bytes));
  }
}

TEST_CASE("a compressed file's sector slack begins behind its compressed bytes") {
  // Vouched for by the listing in the shared data: /1.txt's sector slack begins at image offset 213303, its cluster slack at 213504.
  const auto partition = open_partition(ramslack);
  if (!partition) return;
  const Volume volume = open(partition);
  const auto stream = volume.open_stream(39, attribute_type::data, u"");
  REQUIRE(stream);
  CHECK(stream->compressed);
  CHECK(stream->complete);
  const auto ranges = stream->bytes->locate(0, 1);
  REQUIRE(ranges.size() == 1);
  Bytes packed(static_cast<std::size_t>(ranges[0].length)), unpacked(65536);
  REQUIRE(partition->read_at(ranges[0].offset - 128 * 512, packed));
  const Lznt1 result = lznt1_decompress(packed, unpacked);
  CHECK(result.complete);
  CHECK(ranges[0].offset + result.consumed == 213303);
}

TEST_CASE("a file's times differ between its record and its directory's index, and both are read") {
  // Vouched for by the listing in the shared data: /test/1.txt has 2019-03-03 12:37:55 in $STANDARD_INFORMATION and 12:35:17 in $I30.
  const auto partition = open_partition(lastaccess);
  if (!partition) return;
  const Volume volume = open(partition);
  const auto directory = volume.find_in_directory(root_entry, u"test");
  REQUIRE(directory);
  const auto file = volume.find_in_directory(directory->entry(), u"1.txt");
  REQUIRE(file);
  Bytes buffer(volume.record_size());
  const auto fix = volume.read_record(file->entry(), buffer);
  REQUIRE(fix);
  FileRecord record;
  REQUIRE(FileRecord::decode(buffer, *fix, record));
  CHECK(record.header().sequence == file->sequence());
  AttributeWalk walk(record);
  Attribute a;
  REQUIRE(walk.next(a));
  const auto information = decode_standard_information(a.value);
  REQUIRE(information);
  CHECK(to_iso8601(information->times.accessed).starts_with("2019-03-03T12:37:55"));
  const auto index = volume.open_stream(directory->entry(), attribute_type::index_root, u"$I30");
  REQUIRE(index);
  const std::string value = read_all(*index->bytes);
  const ByteView bytes = std::as_bytes(std::span(value));
  const auto root = decode_index_root(bytes);
  REQUIRE(root);
  IndexWalk entries(bytes, root->node);
  std::optional<FileTime> in_index;
  for (IndexEntry e; entries.next(e);)
    if (const auto name = decode_file_name(e.key); name && name->name.equals(u"1.txt")) in_index = name->times.accessed;
  REQUIRE(in_index);
  CHECK(to_iso8601(*in_index).starts_with("2019-03-03T12:35:17"));
}

TEST_CASE("counts of records, label and version are those of fsntfsinfo and the listing") {
  // Vouched for by the listing (33 FILE records in charlie.dd) and fsntfsinfo (Charlie, 3.1).
  const auto partition = open_partition(charlie);
  if (!partition) return;
  const Volume volume = open(partition);
  CHECK(volume.label() == u"Charlie");
  CHECK(volume.major_version() == 3);
  CHECK(volume.minor_version() == 1);
  CHECK(volume.notes().empty());
  CHECK_FALSE(volume.from_artefact());
  Bytes buffer(volume.record_size());
  std::size_t files = 0;
  for (std::uint64_t entry = 0; entry < volume.record_count(); ++entry) {
    REQUIRE(volume.read_record(entry, buffer));
    files += record_signature(buffer) == RecordSignature::file ? 1U : 0U;
  }
  CHECK(files == 33);
  CHECK_FALSE(volume.read_record(volume.record_count(), buffer));
  CHECK_FALSE(volume.read_record(~0ULL, buffer));
}

TEST_CASE("$Bitmap says of each cluster what blkls says") {
  // Vouched for by The Sleuth Kit's blkls -l, which lists unallocated clusters.
  const auto partition = open_partition(dftt7);
  if (!partition || !have_command("blkls")) return;
  const Volume volume = open(partition);
  std::istringstream in(output_of("blkls -l " + sleuth_kit_arguments(dftt7)));
  std::uint64_t listed = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.ends_with("|f")) continue;
    const std::uint64_t lcn = std::stoull(line);
    CHECK(volume.bitmap().allocation(lcn) == Allocation::free);
    ++listed;
  }
  CHECK(listed > 100);
  CHECK(volume.bitmap().free_clusters() == listed);
}

TEST_CASE("$UpCase is the volume's, and the fall-back is what Windows 10 writes") {
  // Vouched for by a real Windows 10 volume's table, read as a stream (compared with icat above).
  const auto partition = open_partition(charlie);
  if (!partition) return;
  const Volume volume = open(partition);
  REQUIRE(volume.up_case().from_volume());
  const UpCase fallback;
  std::size_t different = 0;
  for (std::uint32_t unit = 0; unit < 65536; ++unit)
    different += fallback(static_cast<char16_t>(unit)) != volume.up_case()(static_cast<char16_t>(unit)) ? 1U : 0U;
  CHECK(different == 0);
}

TEST_CASE("the change journal is found through $Extend, and its records are those fsntfsinfo reads") {
  // Vouched for by fsntfsinfo: 19 records, the first USN 0 (usnjls stops at 11, where a record crosses its 1 KiB cluster).
  const auto partition = open_partition(ldm);
  if (!partition) return;
  const Volume volume = open(partition);
  const auto journal = volume.find_usn_journal();
  REQUIRE(journal);
  CHECK(*journal == FileReference::of(29, 1));
  const auto stream = volume.open_stream(journal->entry(), attribute_type::data, u"$J");
  REQUIRE(stream);
  CHECK(stream->sparse);
  const std::string all = read_all(*stream->bytes);
  const ByteView bytes = std::as_bytes(std::span(all));
  std::size_t records = 0;
  std::u16string first;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto record = decode_usn_record(bytes.subspan(at));
    if (record) CHECK(record->usn == at);
    if (record && records++ == 0) first = record->name.str();
    at += record ? record->length : 8;
  }
  CHECK(records == 19);
  CHECK(first == u"Nieuw - Tekstdocument.txt");
  const auto max = volume.open_stream(journal->entry(), attribute_type::data, u"$Max");
  REQUIRE(max);
  Bytes max_bytes(32);
  REQUIRE(max->bytes->read_at(0, max_bytes));
  const auto decoded = decode_usn_max(max_bytes);
  REQUIRE(decoded);
  CHECK(decoded->lowest_valid_usn == 0);
  CHECK(to_iso8601(FileTime{decoded->journal_id}).starts_with("2015-11-30T21:1"));
}

TEST_CASE("names are found in a directory with index blocks, folded by the volume") {
  // Vouched for by fls: test_dir is entry 39, 555555555555555.txt in it is 47; the deleted name is not live.
  const auto partition = open_partition(ntfs_index);
  if (!partition) return;
  const Volume volume = open(partition);
  const auto directory = volume.find_in_directory(root_entry, u"TEST_DIR");
  REQUIRE(directory);
  CHECK(directory->entry() == 39);
  const auto file = volume.find_in_directory(39, u"555555555555555.TXT");
  REQUIRE(file);
  CHECK(file->entry() == 47);
  CHECK_FALSE(volume.find_in_directory(39, u"BBBBBBBBBBBBB-del.txt"));
  CHECK_FALSE(volume.find_in_directory(47, u"x"));
}

TEST_CASE("with the boot sector gone the backup is used, with record 0 gone the mirror, and both are said") {
  // The real volume with these bytes zeroed; its streams stay what they were. The image is larger than the volume, so the backup is not its
  // last sector.
  const std::string path = unpacked_data(charlie.item);
  if (path.empty()) return;
  Bytes bytes = read_file(path);
  const auto whole = open(std::make_shared<MemoryDisk>(bytes));
  const auto good = whole.open_stream(0, attribute_type::data, u"");
  REQUIRE(good);
  std::fill_n(bytes.begin(), 512, std::byte{0});
  std::fill_n(bytes.begin() + 3157 * 4096, 1024, std::byte{0});
  const auto hurt = open(std::make_shared<MemoryDisk>(bytes));
  CHECK(hurt.from_backup_boot());
  CHECK(hurt.from_mft_mirror());
  CHECK(hurt.notes().size() == 2);
  CHECK(hurt.record_count() == whole.record_count());
  CHECK(hurt.label() == u"Charlie");
  const auto again = hurt.open_stream(0, attribute_type::data, u"");
  REQUIRE(again);
  CHECK(again->size == good->size);
  CHECK(hurt.bitmap().free_clusters() == whole.bitmap().free_clusters());
  // And with the mirror gone too $MFT is rebuilt from its other records; with all of them gone there is no volume, but a reason.
  std::fill_n(bytes.begin() + 2 * 4096, 4096, std::byte{0});
  const auto rebuilt = open(std::make_shared<MemoryDisk>(bytes));
  CHECK(rebuilt.from_records());
  CHECK(rebuilt.label() == u"Charlie");
  CHECK(rebuilt.bitmap().free_clusters() == whole.bitmap().free_clusters());
  for (std::size_t at = 0; at < bytes.size(); at += 512)
    if (std::memcmp(bytes.data() + at, "FILE", 4) == 0) bytes[at] = std::byte{0};
  const auto lost = open_volume(std::make_shared<MemoryDisk>(bytes));
  REQUIRE_FALSE(lost);
  CHECK(lost.error().what.find("no FILE signature") != std::string::npos);
}

TEST_CASE("an unreadable sector of a record is bad, not zero evidence") {
  // The real volume with one sector of record 5 unreadable.
  const std::string path = unpacked_data(charlie.item);
  if (path.empty()) return;
  const Volume volume = open(std::make_shared<MemoryDisk>(read_file(path), 3157 * 4096 + 5 * 1024 + 512, 512));
  Bytes buffer(1024);
  const auto fix = volume.read_record(5, buffer);
  REQUIRE(fix);
  CHECK_FALSE(fix->bad.contains(0));
  CHECK(fix->bad.contains(1));
  CHECK(fix->unchecked.contains(1));
  const auto gone = open(std::make_shared<MemoryDisk>(read_file(path), 3157 * 4096 + 5 * 1024, 1024));
  CHECK_FALSE(gone.read_record(5, buffer));
}

TEST_CASE("a bare $MFT stands for a volume without clusters") {
  // The real small $MFT (46 records by fsntfsinfo); $Volume's label is resident.
  const std::string path = real_data("mft/mft_metadata_file.1");
  if (path.empty()) return;
  const auto volume = open_mft_artefact(std::make_shared<FileDisk>(path), nullptr);
  REQUIRE(volume);
  CHECK(volume->record_size() == 1024);
  CHECK(volume->cluster_size() == 0);
  CHECK(volume->record_count() == 256);
  CHECK(volume->from_artefact());
  CHECK(volume->major_version() == 3);
  CHECK_FALSE(volume->open_stream(6, attribute_type::data, u""));  // $Bitmap is in clusters
  CHECK(volume->bitmap().allocation(0) == Allocation::unknown);
  CHECK_FALSE(open_mft_artefact(std::make_shared<MemoryDisk>(Bytes(4096)), nullptr));
  CHECK_FALSE(open_mft_artefact(std::make_shared<MemoryDisk>(Bytes()), nullptr));
}

TEST_CASE("what is no volume is refused with its reason") {
  CHECK(open_volume(std::make_shared<MemoryDisk>(Bytes(65536))).error().what == "the boot sector is all zero");
  CHECK(open_volume(std::make_shared<MemoryDisk>(Bytes())).error().what.find("cannot be read") != std::string::npos);
  Bytes bitlocker(65536);
  std::memcpy(bitlocker.data() + 3, "-FVE-FS-", 8);
  CHECK(probe_partition(MemoryDisk(bitlocker)).boot.kind == BootKind::bitlocker);
  CHECK_FALSE(open_volume(std::make_shared<MemoryDisk>(bitlocker)));
}

TEST_CASE("volumes with 4096-byte records and with 2 MiB clusters are read as their maker and fsntfsinfo say") {
  // Made by mkntfs (an independent writer), as no real volume of these kinds is at hand; geometry vouched for by fsntfsinfo's words,
  // content of $AttrDef by icat where The Sleuth Kit can open the volume (it cannot with 2 MiB clusters).
  if (!have_command("mkntfs") || !have_command("fsntfsinfo") || !have_command("icat")) return;
  const struct {
    const char *size, *sector, *cluster, *label;
    std::uint32_t record_size;
  } kinds[] = {{"64M", "4096", "4096", "fourk", 4096}, {"1G", "512", "2097152", "big", 1024}};
  std::string attribute_definitions;
  for (const auto& kind : kinds) {
    const std::string path = (std::filesystem::temp_directory_path() / ("trimcarve-ntfs-" + std::string(kind.label) + ".img")).string();
    output_of("rm -f '" + path + "'; truncate -s " + kind.size + " '" + path + "' && mkntfs -F -Q -q -s " + kind.sector + " -c " +
              kind.cluster + " -L " + kind.label + " '" + path + "'");
    const std::string info = output_of("fsntfsinfo '" + path + "'");
    const auto stated = [&](const std::string& what) {
      const auto at = info.find(what);
      return at == std::string::npos ? std::string() : info.substr(info.find(": ", at) + 2, info.find('\n', at) - info.find(": ", at) - 2);
    };
    {
      const Volume volume = open(std::make_shared<FileDisk>(path));
      const Geometry& g = volume.geometry();
      CHECK(std::to_string(g.bytes_per_sector) == stated("Bytes per sector"));
      CHECK(std::to_string(g.cluster_size) == stated("Cluster block size"));
      CHECK(std::to_string(g.record_size) == stated("MFT entry size"));
      CHECK(std::to_string(g.index_block_size) == stated("Index entry size"));
      CHECK(g.record_size == kind.record_size);
      CHECK(to_utf8(volume.label()) == kind.label);
      CHECK(volume.notes().empty());
      const auto root = volume.find_in_directory(root_entry, u"$attrdef");
      REQUIRE(root);
      CHECK(root->entry() == 4);
      const auto stream = volume.open_stream(4, attribute_type::data, u"");
      REQUIRE(stream);
      const std::string content = read_all(*stream->bytes);
      if (attribute_definitions.empty()) attribute_definitions = output_of("icat '" + path + "' 4");
      CHECK(content == attribute_definitions);
      Bytes buffer(volume.record_size());
      for (std::uint64_t entry = 0; entry < 12; ++entry) {
        const auto fix = volume.read_record(entry, buffer);
        REQUIRE(fix);
        CHECK(fix->array == FixUpArray::expected);
        CHECK(fix->bad.empty());
      }
    }
    std::filesystem::remove(path);
  }
}
