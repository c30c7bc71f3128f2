// Which records of a $LogFile are found, and that damage costs itself only.
#include <doctest/doctest.h>

#include "log_builder.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using carvers::LogState;

namespace {

// A record of `size` bytes of redo data that counts up, so that a wrong byte shows.
LogData filled(std::size_t size) {
  LogData data;
  data.redo_operation = LogOperation::update_resident_value;
  data.redo.resize(size);
  for (std::size_t i = 0; i < size; ++i) data.redo[i] = static_cast<std::byte>(i * 7 + i / 256);
  return data;
}

struct Read {
  std::vector<std::uint64_t> lsns;
  std::vector<Bytes> data;
  std::size_t cut = 0;
};
Read read_all(const ByteSource& source) {
  carvers::LogReader reader(source);
  reader.scan({});
  Read out;
  carvers::LogBytes bytes;
  Place whole;
  for (const auto& record : reader.records()) {
    reader.read(record, bytes, whole);
    out.lsns.push_back(record.lsn);
    out.data.push_back(bytes.data);
    out.cut += record.cut ? 1 : 0;
  }
  return out;
}

}  // namespace

TEST_CASE("records are found in LSN order, those that span pages whole, for any page size and both versions") {
  struct Form {
    std::size_t page_size;
    unsigned major, minor;
  };
  for (const Form form : {Form{4096, 1, 1}, {4096, 2, 0}, {1024, 1, 1}, {512, 1, 1}, {8192, 2, 0}, {65536, 1, 1}}) {
    CAPTURE(form.page_size);
    CAPTURE(form.major);
    LogBuilder builder(64, form.page_size, form.major, form.minor);
    std::vector<std::uint64_t> lsns;
    std::vector<Bytes> written;
    for (const std::size_t size : {std::size_t{16}, form.page_size, std::size_t{8}, 3 * form.page_size / 2, std::size_t{100}}) {
      const LogData data = filled(std::min<std::size_t>(size, 60000));
      lsns.push_back(builder.add(data));
      written.push_back(data.bytes());
    }
    const MemorySource source(builder.finish());
    const Read read = read_all(source);
    CHECK(read.lsns == lsns);
    CHECK(read.data == written);
    CHECK(read.cut == 0);
  }
}

TEST_CASE("old pages behind the wrap count like new ones, and a record may go on over the wrap") {
  for (const unsigned major : {1U, 2U}) {
    LogBuilder builder(major == 1 ? 12 : 42, 4096, major, major == 1 ? 1 : 0);
    std::vector<std::uint64_t> lsns;
    // Eight pages of room: three records to a page, 30 records; the first pages are overwritten by the second lap.
    for (int i = 0; i < 30; ++i) lsns.push_back(builder.add(filled(1100)));
    const MemorySource source(builder.finish());
    const Read read = read_all(source);
    CHECK(read.lsns.size() >= 22);
    CHECK(std::ranges::is_sorted(read.lsns));
    CHECK(read.lsns.back() == lsns.back());
    for (std::size_t i = 0; i < read.lsns.size(); ++i) {
      CHECK(std::ranges::find(lsns, read.lsns[i]) != lsns.end());
      // The oldest that is left goes on in a page that is overwritten: the last before the break.
      if (read.data[i].size() == filled(1100).bytes().size()) CHECK(read.data[i] == filled(1100).bytes());
    }
    CHECK(read.cut <= 1);
  }
}

TEST_CASE("a copy of a page gives what the page itself has lost, and nothing twice") {
  for (const unsigned major : {1U, 2U}) {
    LogBuilder builder(64, 4096, major, major == 1 ? 1 : 0);
    std::vector<std::uint64_t> lsns;
    for (int i = 0; i < 3; ++i) lsns.push_back(builder.add(filled(200)));
    const std::size_t page = builder.page();
    builder.copy(page, 2);
    lsns.push_back(builder.add(filled(200)));
    builder.copy(page, 3);
    SUBCASE("the page is there") {}
    SUBCASE("the page is lost") { builder.lose(page); }
    const MemorySource source(builder.finish());
    carvers::LogReader reader(source);
    reader.scan({});
    std::vector<std::uint64_t> found;
    for (const auto& r : reader.records()) found.push_back(r.lsn);
    CHECK(found == lsns);
    CHECK(reader.pages().copies == 2);
  }
}

TEST_CASE("a torn sector costs the records in it") {
  LogBuilder builder;
  std::vector<std::uint64_t> lsns;
  for (int i = 0; i < 12; ++i) lsns.push_back(builder.add(filled(184)));
  Bytes bytes = builder.finish();
  const std::size_t sector = builder.first_page() * 4096 + 3 * 512;
  bytes[sector + 510] = std::byte{0x55};
  const MemorySource source(bytes);
  carvers::LogReader reader(source);
  reader.scan({});
  CHECK(reader.pages().torn == 1);
  CHECK(reader.gaps().bytes == 512);
  CHECK(reader.gaps().kept.front().offset == sector);
  std::size_t whole = 0;
  for (const auto& record : reader.records()) {
    const std::uint64_t begin = record.offset, end = begin + 48 + record.data_length;
    const bool touches = begin < sector + 512 && end > sector;
    CHECK(record.cut == touches);
    whole += touches ? 0 : 1;
    carvers::LogBytes data;
    Place place;
    reader.read(record, data, place);
    CHECK(data.data.size() == (touches ? sector - begin - 48 : record.data_length));
  }
  // Twelve records of 272 bytes: one is cut (it begins before the sector), two are not found (they begin in it).
  CHECK(whole == 9);
  CHECK(reader.records().size() == 10);
  CHECK(reader.torn_records() == 2);
}

TEST_CASE("lost restart pages are done without; a log that was never written or has another version says so") {
  LogBuilder builder;
  builder.checkpoint(4096);
  builder.add(filled(100));
  Bytes bytes = builder.finish();
  SUBCASE("the first restart page is lost") {
    std::fill_n(bytes.begin(), 4096, std::byte{0});
    const auto carved = carve_log(MemorySource(bytes));
    CHECK(carved.tally.state == LogState::read);
    CHECK(carved.tally.records == 2);
    CHECK_FALSE(carved.tally.geometry_guessed);
  }
  SUBCASE("both are lost") {
    std::fill_n(bytes.begin(), 8192, std::byte{0});
    const auto carved = carve_log(MemorySource(bytes));
    CHECK(carved.tally.state == LogState::read);
    CHECK(carved.tally.records == 2);
    CHECK(carved.tally.geometry_guessed);
    CHECK(carved.tally.pages.zero == 2);
  }
  SUBCASE("another version") {
    for (const std::size_t at : {std::size_t{0}, std::size_t{4096}}) put(bytes, at + 28, 3, 2);
    const auto carved = carve_log(MemorySource(bytes));
    CHECK(carved.tally.state == LogState::unknown_version);
    CHECK(carved.tally.version == ntfs::LfsVersion{3, 1});
    CHECK(carved.all.empty());
  }
  SUBCASE("FF throughout") {
    std::fill(bytes.begin(), bytes.end(), std::byte{0xFF});
    CHECK(carve_log(MemorySource(bytes)).tally.state == LogState::untouched);
  }
  SUBCASE("nothing of a log") {
    std::fill(bytes.begin(), bytes.end(), std::byte{0x11});
    const auto carved = carve_log(MemorySource(bytes));
    CHECK(carved.tally.state == LogState::none);
    CHECK(carved.tally.pages.garbage == 48);
  }
}

TEST_CASE("what is behind the end of a page's records is taken as carved") {
  LogBuilder builder;
  const std::uint64_t first = builder.add(filled(200));
  const std::uint64_t second = builder.add(filled(200));
  Bytes bytes = builder.finish();
  // The page says that its records end behind the first.
  put(bytes, builder.first_page() * 4096 + 24, builder.data_offset() + 48 + filled(200).bytes().size(), 2);
  put(bytes, builder.first_page() * 4096 + 32, first, 8);
  const MemorySource source(bytes);
  carvers::LogReader reader(source);
  reader.scan({});
  REQUIRE(reader.records().size() == 2);
  CHECK_FALSE(reader.records()[0].stale);
  CHECK(reader.records()[1].lsn == second);
  CHECK(reader.records()[1].stale);
}

TEST_CASE("a missing page shows as a break between LSNs, and only there") {
  LogBuilder builder;
  for (int i = 0; i < 60; ++i) builder.add(filled(250));
  const std::size_t lost = builder.first_page() + 1;
  CHECK(carve_log(MemorySource(builder.finish())).tally.breaks == 0);
  builder.lose(lost);
  const auto carved = carve_log(MemorySource(builder.finish()));
  CHECK(carved.tally.breaks == 1);
  CHECK(carved.tally.cut == 1);
}

// The format has at most 33 copies of a page: its own, and one in each page before the first of LFS 2.0.
TEST_CASE("where more pages claim one place than a log can have, a record that goes on there is cut, and counted") {
  for (const std::size_t older : {std::size_t{63}, std::size_t{64}}) {
    CAPTURE(older);
    constexpr std::size_t pages = 120, page_size = 512;
    LogBuilder builder(pages, page_size);
    while (builder.page() != pages - 1) builder.add(filled(200));
    for (std::size_t slot = pages - 1 - older; slot < pages - 1; ++slot) builder.copy(10, slot);
    while (builder.page() != 9) builder.add(filled(200));
    const LogData last = filled(500);
    const std::uint64_t lsn = builder.add(last);
    REQUIRE(builder.page() == 10);
    builder.add(filled(8));  // tells of which page the copy is
    REQUIRE(builder.page() == 10);
    builder.copy(10, pages - 1);
    builder.lose(10);
    const MemorySource source(builder.finish());
    carvers::LogReader reader(source);
    reader.scan({});
    const bool found = older == 63;
    const auto record = std::ranges::find(reader.records(), lsn, &carvers::LogRecordAt::lsn);
    REQUIRE(record != reader.records().end());
    CHECK(record->cut == !found);
    CHECK(reader.crowded() == (found ? 0 : 1));
  }
}

TEST_CASE("a scan can be stopped while its records are put together") {
  LogBuilder builder;
  for (int i = 0; i < 30; ++i) builder.add(filled(100));
  const MemorySource source(builder.finish());
  carvers::LogReader reader(source);
  int polls = 0;
  CHECK_FALSE(reader.scan([&](std::uint64_t done, std::uint64_t total) {
    if (done == total) ++polls;
    return done < total;
  }));
  CHECK(polls == 1);
}
