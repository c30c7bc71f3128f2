// What of $LogFile the examination takes as a file's, and what it keeps of it. Expectations: worked by hand from the log records written.
#include "examine/log_statements.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "carvers/log_builder.hpp"
#include "examine/evidence.hpp"
#include "history/content.hpp"
#include "history/graph.hpp"
#include "trimcarve/examine.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

constexpr std::uint64_t entry = 40, cluster = 4096, second = 10'000'000;
const FileReference file = FileReference::of(entry, 3);
const LogStatements::TickSink no_ticks = [](const Sighting&, history::TickKind) {};

// An operation on the FILE record, in a transaction of its own that is completed. Returns its LSN.
std::uint64_t add(LogBuilder& log, LogOperation redo, LogOperation undo, Bytes redo_data, Bytes undo_data = {}, std::size_t at = 0,
                  std::size_t in_attribute = 0) {
  LogData data{redo, undo, std::move(redo_data), std::move(undo_data)};
  data.vcn = entry * 1024 / cluster;
  data.record_offset = static_cast<std::uint16_t>(at);
  data.attribute_offset = static_cast<std::uint16_t>(in_attribute);
  const std::uint64_t lsn = log.add(data);
  log.forget(0x18, lsn);
  return lsn;
}

void touch(LogBuilder& log, int times) {
  Bytes now(8);
  for (int i = 0; i < times; ++i) {
    put(now, 0, some_time + static_cast<std::uint64_t>(i) * second, 8);
    add(log, LogOperation::update_resident_value, LogOperation::update_resident_value, now, now, 0x38, 24 + 16);
  }
}

Bytes text(std::string_view s) {
  Bytes out(s.size());
  put_text(out, 0, s);
  return out;
}

Bytes name_attribute(std::u16string_view name) {
  Bytes value(66 + 2 * name.size());
  put_file_name(value, 0, root, some_time, name);
  Bytes out((24 + value.size() + 7) / 8 * 8);
  put(out, 0, 0x30, 4);
  put(out, 4, out.size(), 4);
  put(out, 16, value.size(), 4);
  put(out, 20, 24, 2);
  put(out, 22, 1, 1);
  std::copy(value.begin(), value.end(), out.begin() + 24);
  return out;
}

Bytes usn_record(std::u16string_view name, std::uint64_t usn, std::uint64_t time, std::uint32_t reason, FileReference reference) {
  Bytes out((60 + 2 * name.size() + 7) / 8 * 8);
  put(out, 0, out.size(), 4);
  put(out, 4, 2, 2);
  put(out, 8, reference.value, 8);
  put(out, 16, FileReference::of(5, 5).value, 8);
  put(out, 24, usn, 8);
  put(out, 32, time, 8);
  put(out, 40, reason, 4);
  put(out, 56, 2 * name.size(), 2);
  put(out, 58, 60, 2);
  put_units(out, 60, name);
  return out;
}

LogData journal_write(Bytes record) {
  LogData data{LogOperation::update_nonresident_value, LogOperation::noop, std::move(record), {}};
  data.target = 0x40;
  return data;
}

// $MFT as far as these tests need it: the root, and whose the record is now.
history::Graph graph_of(std::optional<FileReference> owner = {}) {
  history::Graph graph(ntfs::UpCase(), 64);
  for (const FileReference reference : {FileReference{root}, owner.value_or(FileReference{root})}) {
    Sighting s;
    s.source = SourceKind::mft;
    s.has_record = s.reference_known = s.in_use = true;
    s.reference = reference;
    s.record_entry = reference.entry();
    s.record_sequence = reference.sequence();
    s.directory = reference.value == root;
    s.place = {StreamKind::mft, 0, reference.entry() * 1024, 1024};
    graph.add(s);
  }
  graph.finish();
  return graph;
}

void lose(Bytes& log, std::uint64_t lsn) {
  const std::size_t offset = (lsn << 3) & 0x3FFFF;  // of a log of 48 pages of 4096 bytes
  // Its upper two bytes may be the sector's fix-up.
  REQUIRE((le<std::uint64_t>(log, offset) << 16) == lsn << 16);
  put(log, offset, 0, 6);
}

// A given log and a given $J.
Examination examine_artefacts(const Bytes& log, const Bytes& journal, std::vector<std::string> targets) {
  const auto folder = std::filesystem::temp_directory_path() / ("trimcarve-log-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto save = [&](const char* name, const Bytes& content) {
    const std::string path = (folder / name).string();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    return path;
  };
  Request request;
  request.log_file = save("LogFile", log);
  request.usn_journal = save("J", journal);
  request.targets = std::move(targets);
  Examination examination = examine(request);
  std::filesystem::remove_all(folder);
  return examination;
}

}  // namespace

TEST_CASE("a statement of nobody is the present owner's only when the log is whole behind it") {
  for (const bool missing : {false, true}) {
    CAPTURE(missing);
    LogBuilder log;
    log.checkpoint(cluster);
    add(log, LogOperation::create_attribute, LogOperation::delete_attribute, name_attribute(u"x.ps1"), {}, 0x98);
    const auto between = log.add({LogOperation::noop, LogOperation::noop});
    touch(log, 1);
    Bytes bytes = log.finish();
    if (missing) lose(bytes, between);  // it may have been a free
    const auto graph = graph_of(file);
    LogStatements statements(std::make_shared<MemorySource>(bytes), {});
    std::vector<Sighting> names;
    statements.read(graph, [&](const Sighting& s) { names.push_back(s); }, [](const Sighting&) {}, no_ticks);
    CHECK(names.size() == (missing ? 0 : 1));
    if (!names.empty()) CHECK(names[0].reference == file);
    int told = 0;
    statements.each(graph, [&](const Sighting& s) { told += s.names.empty() ? 0 : 1; });
    CHECK(told == (missing ? 0 : 1));
  }
}

TEST_CASE("however much the log says of a file, what it says last of its content counts, and what is left out is told") {
  RecordBuilder builder(3, used);
  builder.standard_information(some_time);
  builder.file_name(root, some_time, u"x.ps1");
  const std::size_t value = builder.resident(0x80, 9), at = value - 24;
  put_text(builder.bytes(), value, "old state");
  builder.end();
  put(builder.bytes(), 4, 0x30, 2);
  put(builder.bytes(), 0x2C, entry, 4);
  Bytes image = builder.bytes();
  image.resize(builder.slack());
  LogBuilder log;
  log.checkpoint(cluster);
  add(log, LogOperation::initialize_file_record_segment, LogOperation::noop, image);
  touch(log, 20);
  const auto written =
      add(log, LogOperation::update_resident_value, LogOperation::update_resident_value, text("the new state"), {}, at, 24);
  touch(log, 60);
  const auto graph = graph_of();
  VolumeEvidence volume;
  volume.log = std::make_shared<MemorySource>(log.finish());
  volume.log_statements = std::make_shared<LogStatements>(volume.log, carvers::LogFileOptions{});
  std::uint64_t stated = 0;
  volume.log_statements->read(graph, [&](const Sighting&) { ++stated; }, [](const Sighting&) {}, no_ticks);
  std::vector<Sighting> cited;
  Evidence evidence(volume, graph, {}, cited);
  evidence.index_log({file});
  std::uint64_t left_out = 0;
  const auto mine = evidence.of_file(file, left_out);
  CHECK(left_out == 0);  // of journal records there are none
  CHECK(evidence.log_left_out(file) == stated - mine.size());
  CHECK(evidence.log_left_out(file) != 0);
  CHECK(evidence.log_left_out(FileReference::of(41, 1)) == 0);
  const auto streams = history::join_streams(cited, mine);
  REQUIRE(streams.size() == 1);
  CHECK(streams[0].size == 13);
  CHECK(streams[0].lsn == written);
  CHECK(streams[0].content.length == 13);
}

TEST_CASE("what made a file's record is kept, and what is a tick is told from what was there before") {
  RecordBuilder builder(3, used);
  builder.standard_information(some_time);
  builder.file_name(root, some_time, u"x.ps1");
  builder.end();
  put(builder.bytes(), 4, 0x30, 2);
  put(builder.bytes(), 0x2C, entry, 4);
  Bytes image = builder.bytes();
  image.resize(builder.slack());
  Bytes later(8), earlier(8);
  put(later, 0, some_time + second, 8);
  put(earlier, 0, some_time, 8);
  LogBuilder log;
  log.checkpoint(cluster);
  const auto made = add(log, LogOperation::initialize_file_record_segment, LogOperation::noop, image);
  const auto updated = add(log, LogOperation::update_resident_value, LogOperation::update_resident_value, later, earlier, 0x38, 24 + 16);
  // Never completed: Windows would take it back.
  LogData open{LogOperation::initialize_file_record_segment, LogOperation::noop, image, {}};
  open.vcn = 41 * 1024 / cluster;
  log.add(open);
  LogStatements statements(std::make_shared<MemorySource>(log.finish()), {});
  std::vector<std::pair<std::uint64_t, FileTime>> written, at_least;
  statements.read(
      graph_of(), [](const Sighting&) {}, [](const Sighting&) {},
      [&](const Sighting& s, history::TickKind kind) {
        if (s.has_standard_information)
          (kind == history::TickKind::written ? written : at_least).emplace_back(s.lsn, s.standard_information.changed);
      });
  CHECK(statements.creation(file) == made);
  CHECK_FALSE(statements.creation(FileReference::of(41, 3)));
  using Ticks = std::vector<std::pair<std::uint64_t, FileTime>>;
  CHECK(written == Ticks{{made, FileTime{some_time}}, {updated, FileTime{some_time + second}}});
  CHECK(at_least == Ticks{{updated, FileTime{some_time}}});
}

TEST_CASE("a journal record in the log is that of $J only when reference, time and reason agree too") {
  // A journal that was deleted and made anew counts its USNs from 0 again.
  const FileReference other = FileReference::of(41, 1);
  const std::uint32_t created = 0x100;
  LogBuilder log;
  log.checkpoint(cluster);
  log.forget(0x18, log.add(journal_write(usn_record(u"evil.ps1", 0, some_time, created, file))));
  log.forget(0x18, log.add(journal_write(usn_record(u"b.txt", 0, some_time + second, created, other))));
  const Bytes bytes = log.finish();

  const auto graph = graph_of();
  LogStatements statements(std::make_shared<MemorySource>(bytes), {});
  JournalKeys keys;
  statements.read(graph, [](const Sighting&) {}, [&](const Sighting& s) { keys.insert(JournalKey::of(s)); }, no_ticks);
  CHECK(keys.size() == 2);
  std::erase_if(keys, [&](const JournalKey& key) { return key.reference == other.value; });  // $J has it
  statements.tell_journal(keys);
  std::vector<std::string> told;
  statements.each(graph, [&](const Sighting& s) { told.push_back(name_of(s)); });
  CHECK(told == std::vector<std::string>{"evil.ps1"});

  Bytes journal = usn_record(u"b.txt", 0, some_time + second, created, other);
  journal.resize(4096);
  const Examination examination = examine_artefacts(bytes, journal, {"\\evil.ps1", "\\b.txt"});
  REQUIRE(examination.files.size() == 2);
  for (const FileReport& report : examination.files) {
    CAPTURE(report.path);
    CHECK((report.reference == file || report.reference == other));
    CHECK(report.sightings.size() == 1);
  }
}

TEST_CASE("a file's names stand in the order of the journal, of which the log holds a part, and of the one before it") {
  // The clock was set back between any two of them.
  const std::uint32_t renamed = usn_reason::rename_new_name;
  const auto name = [&](std::u16string_view text, std::uint64_t usn, int order) {
    return usn_record(text, usn, some_time + static_cast<std::uint64_t>(10 - order) * second, renamed, file);
  };
  LogBuilder log;
  log.checkpoint(cluster);
  // Of a journal that was deleted then: a new one counts from 0.
  log.forget(0x18, log.add(journal_write(name(u"first", 8000, 0))));
  log.forget(0x18, log.add(journal_write(name(u"second", 0, 1))));
  log.forget(0x18, log.add(journal_write(name(u"fourth", 144, 3))));
  Bytes journal(4096);
  const Bytes third = name(u"third", 72, 2);
  std::copy(third.begin(), third.end(), journal.begin() + 72);
  const Examination examination = examine_artefacts(log.finish(), journal, {"\\fourth"});
  REQUIRE(examination.files.size() == 1);
  CHECK(examination.files[0].path == u"\\fourth");
  std::vector<std::u16string> names;
  for (const auto& path : examination.files[0].paths) names.push_back(path.path);
  CHECK(names == std::vector<std::u16string>{u"\\first", u"\\second", u"\\third", u"\\fourth"});
}

TEST_CASE("a deletion in the log keeps the times that can be, though the ones next to it cannot") {
  LogBuilder log;
  log.checkpoint(cluster);
  const auto journal = [&](FileReference of, std::uint64_t usn, std::uint64_t time) {
    log.forget(0x18, log.add(journal_write(usn_record(u"other", usn, time, 0x2, of))));
  };
  const FileReference other = FileReference::of(41, 1);
  for (std::uint64_t i = 0; i < 100; ++i) journal(other, 72 * i, some_time + i * second);
  const std::uint64_t last = some_time + 99 * second;
  add(log, LogOperation::create_attribute, LogOperation::delete_attribute, name_attribute(u"x.ps1"), {}, 0x98);
  journal(other, 8000, some_time + 1'000'000'000 * second);
  Bytes header(24);
  put_text(header, 0, "FILE");
  put(header, 16, 3, 2);
  put(header, 22, 1, 2);
  add(log, LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {}, header);
  journal(other, 8080, some_time + 1'000'000'000 * second);
  journal(other, 8160, last + second);
  const Examination examination = examine_artefacts(log.finish(), Bytes(4096), {"\\x.ps1"});
  REQUIRE(examination.files.size() == 1);
  REQUIRE(examination.files[0].deleted);
  const Deletion& deleted = *examination.files[0].deleted;
  CHECK(deleted.bounds.earliest == FileTime{last});
  CHECK(deleted.bounds.earliest_basis == "log_neighbour_before");
  REQUIRE(deleted.estimate);
  CHECK(deleted.estimate->latest == FileTime{last + second});
}

// A deletion frees the file's clusters and its record in one transaction: so the log of DFTT 7's Windows XP, whose run lists istat tells.
TEST_CASE("the clusters that a deletion frees are the file's, also where the log tells its run list from nowhere") {
  constexpr std::uint16_t bitmap = 0x58;
  LogBuilder log;
  log.checkpoint(cluster);
  LogData open{LogOperation::open_nonresident_attribute, LogOperation::noop, Bytes(40), {}};
  put(open.redo, 0, 0xFFFF'FFFF, 4);
  put(open.redo, 8, 0x80, 4);
  put(open.redo, 16, FileReference::of(6, 6).value, 8);
  open.target = bitmap;
  log.forget(0x18, log.add(open));
  std::uint64_t previous = 0;
  const auto freed = [&](std::uint32_t first, std::uint32_t count) {
    LogData data{LogOperation::clear_bits_in_nonresident_bit_map, LogOperation::set_bits_in_nonresident_bit_map, Bytes(8), Bytes(8)};
    put(data.redo, 0, first, 4);
    put(data.redo, 4, count, 4);
    data.target = bitmap;
    previous = log.add(data, 0x18, previous);
  };
  const auto frees_record = [&](std::uint64_t number) {
    LogData data{LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {}, Bytes(24)};
    put_text(data.undo, 0, "FILE");
    put(data.undo, 16, 3, 2);
    put(data.undo, 22, 1, 2);
    data.vcn = number * 1024 / cluster;
    data.cluster_block = static_cast<std::uint16_t>(number * 1024 % cluster / 512);
    previous = log.add(data, 0x18, previous);
  };
  const auto end = [&] { log.forget(0x18, previous), previous = 0; };

  freed(100, 2), freed(200, 1), frees_record(entry), end();
  freed(300, 1), frees_record(entry + 1), frees_record(entry + 2), end();  // whose it was is not said
  freed(400, 1), end();                                                    // nothing was deleted
  freed(500, 1), frees_record(entry + 3);                                  // not completed
  auto graph = graph_of();
  LogStatements statements(std::make_shared<MemorySource>(log.finish()), {});
  statements.read(graph, [&](const Sighting& s) { graph.add(s); }, [](const Sighting&) {}, no_ticks);
  graph.finish();
  REQUIRE(graph.log_claims().size() == 2);
  CHECK(graph.log_claims()[0].lcn == 100);
  CHECK(graph.log_claims()[1].lcn == 200);
  for (const auto& claim : graph.log_claims()) CHECK(claim.reference == file);
  std::vector<Sighting> told;
  statements.each(graph, [&](const Sighting& s) {
    if (!s.streams.empty()) told.push_back(s);
  });
  std::vector<std::uint32_t> mine(told.size());
  for (std::uint32_t i = 0; i < mine.size(); ++i) mine[i] = i;
  const auto streams = history::join_streams(told, mine);
  REQUIRE(streams.size() == 1);
  CHECK_FALSE(streams[0].first_extent_seen);  // its size is not known, so nothing of it is called whole
  CHECK_FALSE(streams[0].complete);
  REQUIRE(streams[0].runs.size() == 2);
  CHECK((streams[0].runs[0].vcn == 0 && streams[0].runs[0].lcn == 100 && streams[0].runs[0].clusters == 2));
  CHECK((streams[0].runs[1].vcn == 2 && streams[0].runs[1].lcn == 200 && streams[0].runs[1].clusters == 1));
}

TEST_CASE("a log of another version is named and skipped, and the rest is examined") {
  LogBuilder log;
  log.checkpoint(cluster);
  add(log, LogOperation::create_attribute, LogOperation::delete_attribute, name_attribute(u"x.ps1"), {}, 0x98);
  Bytes bytes = log.finish();
  for (const std::size_t page : {std::size_t{0}, std::size_t{4096}}) put(bytes, page + 28, 3, 2);
  Bytes journal = usn_record(u"b.txt", 0, some_time, usn_reason::file_create, file);
  journal.resize(4096);
  const Examination examination = examine_artefacts(bytes, journal, {"\\b.txt"});
  CHECK(examination.files.size() == 1);
  const auto coverage = std::ranges::find(examination.coverage, "log_file", &Coverage::source);
  REQUIRE(coverage != examination.coverage.end());
  CHECK(coverage->note == "not read: its version, LFS 3.1, is not known");
  CHECK(coverage->records == 0);
  CHECK(std::ranges::count(examination.warnings, "log_file_version", &Warning::code) == 1);
  CHECK(std::ranges::none_of(examination.sightings, [](const Sighting& s) { return s.source == SourceKind::log_file; }));
}
