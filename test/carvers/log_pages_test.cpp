// Record pages of logs, taken out of their log and put elsewhere. What vouches: the carver's own reading of the whole log, which the tests
// of log_file hold against other readers; here the same must come from the pages alone.
#include "carvers/log_pages.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "log_builder.hpp"

using namespace trimcarve;
using namespace trimcarve::carvers;
using namespace trimcarve::test;

namespace {

constexpr std::size_t page_size = 4096;

Bytes bytes_of(const ByteSource& source) {
  Bytes out(static_cast<std::size_t>(source.size()));
  REQUIRE(source.read_at(0, out));
  return out;
}

std::vector<Bytes> record_pages(const Bytes& log) {
  std::vector<Bytes> out;
  for (std::size_t at = 0; at + page_size <= log.size(); at += page_size)
    if (std::memcmp(log.data() + at, "RCRD", 4) == 0)
      out.emplace_back(log.begin() + static_cast<std::ptrdiff_t>(at), log.begin() + static_cast<std::ptrdiff_t>(at + page_size));
  return out;
}

// Pages in a disk of other bytes, at multiples of 512, three by three from the last on.
struct Disk {
  Bytes bytes;
  std::vector<LogPage> pages;

  void add(const std::vector<Bytes>& all) {
    for (std::size_t end = all.size(); end > 0;) {
      const std::size_t begin = end - std::min<std::size_t>(end, 3);
      bytes.resize(bytes.size() + 512, std::byte{0x5A});
      for (std::size_t i = begin; i < end; ++i) {
        pages.push_back({bytes.size(), page_size});
        bytes.insert(bytes.end(), all[i].begin(), all[i].end());
      }
      end = begin;
    }
  }
};

// A group's pages as a source of their own: what does not lie side by side has a hole between.
std::unique_ptr<MemorySource> joined(const Disk& disk, const LogPageGroup& group) {
  Bytes out;
  std::vector<Extent> holes;
  std::uint64_t end = 0;
  for (const std::uint64_t at : group.pages) {
    if (!out.empty() && at != end) {
      holes.push_back({out.size(), group.page_size, ExtentKind::hole});
      out.resize(out.size() + group.page_size);
    }
    out.insert(out.end(), disk.bytes.begin() + static_cast<std::ptrdiff_t>(at),
               disk.bytes.begin() + static_cast<std::ptrdiff_t>(at + group.page_size));
    end = at + group.page_size;
  }
  auto source = std::make_unique<MemorySource>(std::move(out));
  source->special = std::move(holes);
  return source;
}

// What is told, wherever it stands.
std::multiset<std::string> told(const CarvedLog& log) {
  std::multiset<std::string> out;
  for (const CarvedLog::Told& t : log.all) {
    if (!t.states) continue;
    Sighting s = t.sighting;
    s.integrity = Integrity::good;
    s.place.offset = s.place.length = 0;
    s.has_container = false;  // compared below
    s.container = {};
    for (StreamFact& stream : s.streams) stream.content.offset = 0;
    for (FragmentFact& fragment : s.fragments) fragment.place.offset = 0;
    out.insert(std::to_string(t.event.lsn) + (t.event.before ? " before " : " ") + std::string(to_string(t.event.kind)) + ' ' +
               described(s));
  }
  return out;
}

CarvedLog carve_pages(const MemorySource& pages, std::uint32_t cluster_size = 4096) {
  LogFileOptions options;
  options.carved_page_size = page_size;
  options.cluster_size = cluster_size;
  return carve_log(pages, options);
}

LogData created(std::u16string_view name, std::uint64_t entry) {
  RecordBuilder record(3, used);
  put(record.bytes(), 0x2C, entry, 4);
  record.file_name(root, some_time, name);
  record.end();
  Bytes image = record.bytes();
  image.resize(le<std::uint32_t>(image, 0x18));
  put(image, 4, 0x30, 2);
  LogData data{LogOperation::initialize_file_record_segment, LogOperation::noop, std::move(image), {}};
  data.vcn = entry / 4;
  data.cluster_block = static_cast<std::uint16_t>(entry % 4 * 2);
  return data;
}

// A log in which so many files are created, one after the other; records go over pages' ends.
Bytes log_of(std::u16string_view name, std::uint64_t files) {
  LogBuilder log;
  log.checkpoint(4096);
  for (std::uint64_t i = 0; i < files; ++i) {
    const std::uint64_t lsn = log.add(created(std::u16string(name) + static_cast<char16_t>(0x4E00 + i), 40 + i));
    log.forget(0x18, lsn);
  }
  return log.finish();
}

}  // namespace

TEST_CASE("the size of a page is told by its update sequence array, and what has none is no page") {
  Bytes head(8);
  put_text(head, 0, "RCRD");
  put(head, 4, 0x28, 2);
  put(head, 6, 9, 2);
  CHECK(log_page_size(head) == 4096);
  put(head, 6, 3, 2);
  CHECK(log_page_size(head) == 1024);
  for (const std::uint64_t count : {0U, 1U, 2U, 4U, 10U, 0xFFFFU}) {
    put(head, 6, count, 2);
    CHECK_FALSE(log_page_size(head));
  }
  put(head, 6, 9, 2);
  put(head, 4, 8, 2);
  CHECK_FALSE(log_page_size(head));
}

TEST_CASE("pages of a real log, out of order and in pieces, tell what the log itself tells") {
  for (const char* file : {"logfile/LogFile_7.bin", "logfile/LogFile_10.bin"}) {
    const std::string path = real_data(file);
    if (path.empty()) return;
    CAPTURE(file);
    const auto log = open_artefact(path);
    Disk disk;
    disk.add(record_pages(bytes_of(*log)));
    LogPageTally tally;
    const auto groups = group_log_pages(MemorySource(disk.bytes), disk.pages, nullptr, tally);
    REQUIRE(groups.size() == 1);
    CHECK_FALSE(groups[0].same_log);
    CHECK(tally.pages == disk.pages.size());
    const auto live = carve_log(*log);
    const auto carved = carve_pages(*joined(disk, groups[0]), 0);
    const auto of_live = told(live), of_pages = told(carved);
    MESSAGE(file << ": " << disk.pages.size() << " pages, " << groups[0].pages.size() << " taken; " << live.tally.records
                 << " records live, " << carved.tally.records << " carved; " << of_live.size() << " statements live, " << of_pages.size()
                 << " carved");
    CHECK(of_live.size() > 100);
    CHECK(of_pages == of_live);
    // The directory in whose index an entry stands is told by the table of open attributes, and of carved pages only while none is missing
    // behind the log record that gave it: some are not told then, and none otherwise.
    const auto containers = [](const CarvedLog& told_of) {
      std::map<std::pair<std::uint64_t, bool>, std::uint64_t> out;
      for (const auto& t : told_of.all)
        if (t.sighting.has_container) out[{t.event.lsn, t.event.before}] = t.sighting.container.value;
      return out;
    };
    const auto of_log = containers(live), of_carved = containers(carved);
    CHECK(std::ranges::includes(of_log, of_carved));
    CHECK(of_carved.size() + 4 > of_log.size());
    if (live.tally.breaks == 0) CHECK(of_carved == of_log);
    CHECK(carved.tally.records == live.tally.records);
    CHECK(carved.tally.redo == live.tally.redo);
    CHECK(carved.tally.deletions.size() == live.tally.deletions.size());

    // Beside that log the pages say nothing new.
    LogFileCarver own(*log, {});
    LogPageTally again;
    const auto rest = group_log_pages(MemorySource(disk.bytes), disk.pages, &own, again);
    CHECK(again.repeated + again.empty == disk.pages.size());
    CHECK(rest.empty());
  }
}

TEST_CASE("pages of two real logs are told apart from the one that is there") {
  const std::string seven = real_data("logfile/LogFile_7.bin"), ten = real_data("logfile/LogFile_10.bin");
  if (seven.empty() || ten.empty()) return;
  const auto log7 = open_artefact(seven), log10 = open_artefact(ten);
  Disk disk;
  disk.add(record_pages(bytes_of(*log10)));
  disk.add(record_pages(bytes_of(*log7)));
  LogFileCarver own(*log7, {});
  LogPageTally tally;
  const auto groups = group_log_pages(MemorySource(disk.bytes), disk.pages, &own, tally);
  REQUIRE(groups.size() == 1);
  CHECK_FALSE(groups[0].same_log);
  CHECK(told(carve_pages(*joined(disk, groups[0]), 0)) == told(carve_log(*log10)));
}

TEST_CASE("two logs that give one LSN to different records are two, and each tells its own") {
  const Bytes first = log_of(u"first", 60), second = log_of(u"another name", 52);
  Disk disk;
  std::vector<Bytes> mixed;
  const auto a = record_pages(first), b = record_pages(second);
  REQUIRE(std::min(a.size(), b.size()) > 3);
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size()) mixed.push_back(a[i]);
    if (i < b.size()) mixed.push_back(b[i]);
  }
  disk.add(mixed);
  LogPageTally tally;
  const auto groups = group_log_pages(MemorySource(disk.bytes), disk.pages, nullptr, tally);
  REQUIRE(groups.size() == 2);
  std::set<std::multiset<std::string>> got, expected;
  for (const LogPageGroup& group : groups) got.insert(told(carve_pages(*joined(disk, group))));
  expected.insert(told(carve_log(MemorySource(first))));
  expected.insert(told(carve_log(MemorySource(second))));
  CHECK(got == expected);
}

// By the format: an LSN says in which page of the log its record stands (lfs_page.hpp).
TEST_CASE("a record whose LSN names another page than the records before it is none of the page's") {
  LogBuilder builder;
  const auto add = [&builder](std::uint16_t mark) {
    LogData data{.redo_operation = LogOperation::update_resident_value, .redo = Bytes(24, std::byte{0x11})};
    data.record_offset = mark;
    return builder.add(data);
  };
  std::uint64_t second = 0;
  for (const std::uint16_t page : {std::uint16_t{1}, std::uint16_t{2}}) {
    add(page);
    const std::uint64_t lsn = add(static_cast<std::uint16_t>(10 * page));
    if (page == 1) second = lsn;
    add(page);
    builder.next_page();
  }
  auto pages = record_pages(builder.finish());
  pages.resize(2);
  const std::size_t at = second * 8 % page_size;
  REQUIRE(at + 8 < 510);                         // not where the fix-up stands
  put(pages[0], at, second + page_size / 8, 8);  // the LSN that the next page's second record has
  Disk disk;
  disk.add(pages);
  LogPageTally tally;
  const auto groups = group_log_pages(MemorySource(disk.bytes), disk.pages, nullptr, tally);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].pages.size() == 2);
}

TEST_CASE("a page that holds a record of the volume's log is of that log; one that contradicts it is not") {
  // A log that went on: the page as it was before is a part of it, of which the log holds all.
  LogBuilder builder;
  builder.checkpoint(4096);
  const std::uint64_t lsn = builder.add(created(u"one.txt", 40));
  const auto early = record_pages(builder.finish());
  builder.forget(0x18, lsn);
  const Bytes now = builder.finish();
  const MemorySource log(now);
  LogFileCarver own(log, {});
  const Bytes other = log_of(u"x", 6);
  Disk disk;
  disk.add(early);
  disk.add(record_pages(other));
  LogPageTally tally;
  auto groups = group_log_pages(MemorySource(disk.bytes), disk.pages, &own, tally);
  CHECK(tally.repeated == early.size());
  REQUIRE(groups.size() == 1);
  CHECK_FALSE(groups[0].same_log);

  // The log as it was earlier still: the page has more than it.
  LogBuilder before;
  before.checkpoint(4096);
  const MemorySource early_log(before.finish());
  LogFileCarver early_own(early_log, {});
  Disk later;
  later.add(record_pages(now));
  LogPageTally more;
  groups = group_log_pages(MemorySource(later.bytes), later.pages, &early_own, more);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].same_log);
}

TEST_CASE("a page that stands twice counts once, and a torn sector costs its records only") {
  const Bytes log = log_of(u"file", 60);
  const auto pages = record_pages(log);
  Disk disk;
  disk.add(pages);
  disk.add(pages);
  LogPageTally tally;
  auto groups = group_log_pages(MemorySource(disk.bytes), disk.pages, nullptr, tally);
  REQUIRE(groups.size() == 1);
  CHECK(tally.repeated == pages.size());
  CHECK(told(carve_pages(*joined(disk, groups[0]))) == told(carve_log(MemorySource(log))));

  Disk torn;
  auto damaged = pages;
  damaged[1][3 * 512 - 1] ^= std::byte{0x55};
  torn.add(damaged);
  LogPageTally torn_tally;
  groups = group_log_pages(MemorySource(torn.bytes), torn.pages, nullptr, torn_tally);
  CHECK(torn_tally.torn == 1);
  REQUIRE(groups.size() == 1);
  const auto whole = told(carve_log(MemorySource(log))), rest = told(carve_pages(*joined(torn, groups[0])));
  CHECK(rest.size() < whole.size());
  CHECK(rest.size() + 6 > whole.size());
}

TEST_CASE("of carved pages nothing is said to be the last, and a table's place counts only while no record is missing") {
  // $LogFile_7 without one page in its middle: the statements that remain are among those of the whole log.
  const std::string path = real_data("logfile/LogFile_7.bin");
  if (path.empty()) return;
  const auto log = open_artefact(path);
  auto pages = record_pages(bytes_of(*log));
  REQUIRE(pages.size() > 8);
  pages.erase(pages.begin() + static_cast<std::ptrdiff_t>(pages.size() / 2));
  Disk disk;
  disk.add(pages);
  LogPageTally tally;
  const auto groups = group_log_pages(MemorySource(disk.bytes), disk.pages, nullptr, tally);
  REQUIRE(groups.size() == 1);
  const auto carved = carve_pages(*joined(disk, groups[0]), 0);
  CHECK(std::ranges::none_of(carved.all, [](const CarvedLog::Told& t) { return t.event.whole_from_here; }));
  CHECK(carved.tally.breaks > 0);
  std::map<std::uint64_t, std::set<std::string>> names;  // by LSN, of the whole log
  for (const auto& t : carve_log(*log).all)
    for (std::size_t i = 0; i < t.sighting.names.size(); ++i)
      names[t.event.lsn].insert(name_of(t.sighting, i) + ' ' + std::to_string(t.sighting.names[i].parent.value));
  std::size_t seen = 0;
  for (const auto& t : carved.all)
    for (std::size_t i = 0; i < t.sighting.names.size(); ++i, ++seen)
      CHECK(names[t.event.lsn].contains(name_of(t.sighting, i) + ' ' + std::to_string(t.sighting.names[i].parent.value)));
  CHECK(seen > 50);
}
