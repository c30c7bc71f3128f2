// Restart pages, record headers, log records and tables of $LogFile, decoded on their own.
#include <doctest/doctest.h>

#include "ntfs/fix_up.hpp"
#include "ntfs/lfs_page.hpp"
#include "ntfs/lfs_record.hpp"
#include "ntfs/lfs_tables.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::ntfs;

namespace {

void put_le(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes.at(at + i) = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace

TEST_CASE("the restart pages of real logs are decoded") {
  // Witness: hex dumps of the two files; dfir_ntfs reads the same versions, LSNs and client.
  struct Expected {
    const char* file;
    LfsVersion version;
    std::uint64_t current_lsn, file_size;
    std::uint32_t bits;
    bool clean;
  };
  for (const Expected& e : {Expected{"logfile/LogFile_7.bin", {1, 1}, 8410141, 23560192, 42, true},
                            Expected{"logfile/LogFile_10.bin", {2, 0}, 8413528, 9043968, 43, false}}) {
    const std::string path = real_data(e.file);
    if (path.empty()) return;
    Bytes page = read_file(path);
    page.resize(4096);
    CHECK(apply_fix_up(page).bad.empty());
    const auto restart = decode_lfs_restart(page);
    REQUIRE(restart);
    CHECK(restart->version == e.version);
    CHECK(restart->page_size == 4096);
    CHECK(restart->system_page_size == 4096);
    CHECK(restart->current_lsn == e.current_lsn);
    CHECK(restart->file_size == e.file_size);
    CHECK(restart->sequence_bits == e.bits);
    CHECK(((restart->flags & 2) != 0) == e.clean);
    CHECK(usual_sequence_bits(e.file_size) == e.bits);
    REQUIRE(restart->client);
    CHECK(restart->client->name.equals(u"NTFS"));
    const auto geometry = geometry_of(*restart);
    REQUIRE(geometry);
    CHECK(geometry->data_offset == 64);
    CHECK(geometry->first_page(e.version) == (e.version.major == 1 ? 4 : 34));
  }
}

TEST_CASE("an LSN is a lap and an offset") {
  // LogFile_10.bin: the restart area names LSN 8413528, and the record with it stands in the copy of page 48 (slot 18), which ends there.
  LfsGeometry geometry;
  geometry.sequence_bits = 43;
  geometry.file_size = 9043968;
  CHECK(geometry.lap_of(8413528) == 4);
  CHECK(geometry.page_of(8413528) == 48);
  CHECK(geometry.offset_of(8413528) == (8413528 - 4 * (1ULL << 21)) * 8);
}

TEST_CASE("a restart page with numbers that cannot be is refused, an unknown version named") {
  Bytes page(4096);
  page[0] = page[2] = std::byte{'R'}, page[1] = std::byte{'S'}, page[3] = std::byte{'R'};
  page[2] = std::byte{'T'};
  put_le(page, 16, 4096, 4);
  put_le(page, 20, 4096, 4);
  put_le(page, 24, 0x30, 2);
  put_le(page, 26, 1, 2);
  put_le(page, 28, 1, 2);
  CHECK(decode_lfs_restart(page));
  SUBCASE("page size") {
    put_le(page, 20, 4095, 4);
    CHECK_FALSE(decode_lfs_restart(page));
  }
  SUBCASE("restart area beyond the page") {
    put_le(page, 24, 0xFFF0, 2);
    CHECK_FALSE(decode_lfs_restart(page));
  }
  SUBCASE("version") {
    put_le(page, 28, 3, 2);
    const auto restart = decode_lfs_restart(page);
    REQUIRE(restart);
    CHECK(restart->version == LfsVersion{3, 1});
    CHECK_FALSE(geometry_of(*restart));
  }
  SUBCASE("sequence bits that leave no room for the log") {
    LfsRestart restart;
    restart.version = {1, 1};
    restart.page_size = restart.system_page_size = 4096;
    restart.file_size = 2 << 20;
    restart.record_header_size = 48;
    restart.data_offset = 64;
    restart.sequence_bits = 45;
    CHECK(geometry_of(restart));
    restart.sequence_bits = 60;
    CHECK_FALSE(geometry_of(restart));
    restart.sequence_bits = 0;
    CHECK_FALSE(geometry_of(restart));
  }
}

TEST_CASE("a log record whose data leaves it has none, but says how long it was") {
  Bytes data(48);
  put_le(data, 0, 7, 2);
  put_le(data, 2, 7, 2);
  put_le(data, 4, 40, 2);
  put_le(data, 6, 76, 2);
  put_le(data, 8, 40, 2);
  put_le(data, 10, 8, 2);
  const auto record = decode_log_record(data);
  REQUIRE(record);
  CHECK(record->redo_operation == LogOperation::update_resident_value);
  CHECK(record->redo.empty());
  CHECK(record->redo_length == 76);
  CHECK(record->redo_missing());
  CHECK(record->undo.size() == 8);
  CHECK_FALSE(record->undo_missing());
  put_le(data, 0, 0x26, 2);
  CHECK_FALSE(decode_log_record(data));
  CHECK_FALSE(decode_log_record(ByteView(data).first(31)));
}

TEST_CASE("both forms of an open attribute are read") {
  // Witness: the entries for the root directory's index in LogFile_7.bin (32-bit form) and LogFile_10.bin, as dfir_ntfs prints them.
  const auto bytes = [](std::string_view hex) {
    Bytes out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    return out;
  };
  const Bytes old_form = bytes("ffffffff400000000500000000000500e50880000000000000000000a0000000000000000000000000100000");
  const Bytes new_form = bytes("ffffffff00100000a00000000000000005000000000005001c448000000000005015b3280dcdffff");
  for (const Bytes& entry : {old_form, new_form}) {
    const auto open = decode_open_attribute(entry);
    REQUIRE(open);
    CHECK(open->type == 0xA0);
    CHECK(open->file == FileReference::of(5, 5));
    CHECK(open->index_block == 4096);
  }
  CHECK(decode_open_attribute(new_form)->open_lsn == 0x80441C);
  CHECK_FALSE(decode_open_attribute(ByteView(new_form).first(39)));

  // A table of two, the second free.
  Bytes table(24);
  put_le(table, 0, 40, 2);
  put_le(table, 2, 2, 2);
  table.insert(table.end(), new_form.begin(), new_form.end());
  table.insert(table.end(), 40, std::byte{0});
  LogTableWalk walk(table);
  REQUIRE(walk.sane());
  ByteView entry;
  std::uint32_t offset = 0;
  CHECK(walk.next(entry, offset));
  CHECK(offset == 24);
  CHECK(entry.size() == 40);
  CHECK_FALSE(walk.next(entry, offset));

  const Bytes names = bytes("400008002400490033003000000068000800240053004400530000000000");
  AttributeNameWalk name_walk(names);
  std::uint16_t target = 0;
  Units name;
  CHECK(name_walk.next(target, name));
  CHECK(target == 0x40);
  CHECK(name.equals(u"$I30"));
  CHECK(name_walk.next(target, name));
  CHECK(name.equals(u"$SDS"));
  CHECK_FALSE(name_walk.next(target, name));
}
