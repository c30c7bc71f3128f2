// What log records state, on logs written by hand. The layouts of redo and undo data are those seen in real logs (LogFile_7, LogFile_10,
// DFTT 7) as dfir_ntfs prints them.
#include <doctest/doctest.h>

#include "log_builder.hpp"
#include "trimcarve/file_time.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using carvers::LogEventKind;
using carvers::LogOutcome;

namespace {

constexpr std::uint64_t entry = 40;
constexpr std::uint16_t sequence = 3;
constexpr std::uint64_t cluster = 4096;
constexpr std::uint64_t second = 10'000'000;

// Operations on the FILE record: 4 records to a cluster.
LogData on_record(LogOperation redo, LogOperation undo, Bytes redo_data = {}, Bytes undo_data = {}) {
  LogData data{redo, undo, std::move(redo_data), std::move(undo_data)};
  data.vcn = entry * 1024 / cluster;
  data.cluster_block = static_cast<std::uint16_t>(entry * 1024 % cluster / 512);
  return data;
}

// The record's image as it is logged: used part only, no fix-ups.
Bytes image_of(RecordBuilder& record) {
  record.end();
  put(record.bytes(), 4, 0x30, 2);
  put(record.bytes(), 0x2C, entry, 4);
  Bytes image = record.bytes();
  image.resize(record.slack());
  return image;
}

Bytes small_file(std::u16string_view name, std::uint64_t time = some_time) {
  RecordBuilder record(sequence, used);
  record.standard_information(time);
  record.file_name(root, time, name);
  record.resident(0x80, 0);
  return image_of(record);
}

Bytes index_entry(std::u16string_view name, std::uint64_t time, std::uint64_t reference = FileReference::of(entry, sequence).value) {
  Bytes out(16 + (66 + 2 * name.size() + 7) / 8 * 8);
  put(out, 0, reference, 8);
  put(out, 8, out.size(), 2);
  put(out, 10, put_file_name(out, 16, root, time, name), 2);
  return out;
}

// An INDX block with one entry, as far as it is used.
Bytes index_block(std::u16string_view name) {
  const Bytes entry_of_it = index_entry(name, some_time);
  Bytes out(0x40 + entry_of_it.size() + 16);
  put_text(out, 0, "INDX");
  put(out, 4, 0x28, 2);
  put(out, 6, 9, 2);
  put(out, 24, 0x28, 4);
  put(out, 28, out.size() - 24, 4);
  put(out, 32, 4096 - 24, 4);
  std::copy(entry_of_it.begin(), entry_of_it.end(), out.begin() + 0x40);
  put(out, 0x40 + entry_of_it.size() + 8, 16, 2);
  put(out, 0x40 + entry_of_it.size() + 12, 2, 2);
  return out;
}

Bytes attribute(std::uint32_t type, const Bytes& value) {
  Bytes out((24 + value.size() + 7) / 8 * 8);
  put(out, 0, type, 4);
  put(out, 4, out.size(), 4);
  put(out, 16, value.size(), 4);
  put(out, 20, 24, 2);
  std::copy(value.begin(), value.end(), out.begin() + 24);
  return out;
}
Bytes name_attribute(std::u16string_view name) {
  Bytes value(66 + 2 * name.size());
  put_file_name(value, 0, root, some_time, name);
  Bytes out = attribute(0x30, value);
  put(out, 22, 1, 1);
  return out;
}

// Opens an attribute under the target number 0x40, with a name.
LogData open_attribute(std::uint32_t type, std::uint64_t file, std::u16string_view name, std::uint16_t target = 0x40) {
  LogData data{LogOperation::open_nonresident_attribute, LogOperation::noop, Bytes(40), Bytes(2 * name.size())};
  put(data.redo, 0, 0xFFFF'FFFF, 4);
  put(data.redo, 8, type, 4);
  put(data.redo, 16, file, 8);
  put_units(data.undo, 0, name);
  data.target = target;
  return data;
}

Bytes deallocation_header(std::uint16_t number) {
  Bytes header(24);
  put_text(header, 0, "FILE");
  put(header, 16, number, 2);
  put(header, 22, 1, 2);
  return header;
}

Bytes usn_record(std::u16string_view name, std::uint64_t time, std::uint32_t reason) {
  Bytes out((60 + 2 * name.size() + 7) / 8 * 8);
  put(out, 0, out.size(), 4);
  put(out, 4, 2, 2);
  put(out, 8, FileReference::of(entry, sequence).value, 8);
  put(out, 16, root, 8);
  put(out, 24, 4096, 8);
  put(out, 32, time, 8);
  put(out, 40, reason, 4);
  put(out, 56, 2 * name.size(), 2);
  put(out, 58, 60, 2);
  put_units(out, 60, name);
  return out;
}

Bytes text(std::string_view s) {
  Bytes out(s.size());
  put_text(out, 0, s);
  return out;
}

std::string content(carvers::LogFileCarver& carver, const Place& place) {
  Bytes bytes(static_cast<std::size_t>(place.length));
  if (!carver.read(place, bytes)) return "unread";
  std::string out;
  for (const std::byte b : bytes) out += static_cast<char>(b);
  return out;
}

}  // namespace

TEST_CASE("a file's life: created, renamed, written, freed; each step with its reference, names and transaction") {
  LogBuilder log;
  log.checkpoint(cluster);
  const auto created = log.add(on_record(LogOperation::initialize_file_record_segment, LogOperation::noop, small_file(u"first.ps1")), 0x18);
  log.forget(0x18, created);
  // A rename: the old name's attribute goes, the new one comes at the same place.
  auto gone = on_record(LogOperation::delete_attribute, LogOperation::create_attribute, {}, name_attribute(u"first.ps1"));
  gone.record_offset = 0x38 + 0x60;
  const auto renaming = log.add(gone, 0x40);
  auto came = on_record(LogOperation::create_attribute, LogOperation::delete_attribute, name_attribute(u"second.ps1"));
  came.record_offset = gone.record_offset;
  log.forget(0x40, log.add(came, 0x40, renaming));
  const auto freed = log.add(on_record(LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {},
                                       deallocation_header(sequence)),
                             0x18);
  log.forget(0x18, freed);
  const auto carved = carve_log(MemorySource(log.finish()));

  REQUIRE(carved.all.size() == 4);
  CHECK(carved.tally.models_lost == 0);
  CHECK(carved.tally.transactions == 3);
  CHECK(carved.tally.forgotten == 3);
  const auto& first = carved.all[0];
  CHECK(first.event.kind == LogEventKind::record_initialised);
  CHECK(first.event.lsn == created);
  CHECK(first.sighting.source == SourceKind::log_file);
  CHECK(first.sighting.lsn == created);
  CHECK(first.sighting.place.stream == StreamKind::log_file);
  CHECK(first.sighting.place.owner == 2);
  CHECK(first.sighting.integrity == Integrity::good);
  CHECK(first.sighting.has_standard_information);
  CHECK(name_of(first.sighting) == "first.ps1");
  for (const auto& told : carved.all) {
    CHECK(told.states);
    CHECK(told.event.entry == entry);
    CHECK(told.sighting.reference == FileReference::of(entry, sequence));
    CHECK(told.event.outcome == LogOutcome::forgotten);
  }
  CHECK(carved.all[1].event.kind == LogEventKind::attribute_deleted);
  CHECK(carved.all[1].event.before);
  CHECK(carved.all[1].event.transaction == renaming);
  CHECK(name_of(carved.all[1].sighting) == "first.ps1");
  CHECK(carved.all[2].event.kind == LogEventKind::attribute_created);
  CHECK(carved.all[2].event.transaction == renaming);
  CHECK(name_of(carved.all[2].sighting) == "second.ps1");
  CHECK_FALSE(carved.all[3].sighting.in_use);
  CHECK(carved.all[3].sighting.record_sequence == sequence + 1);
  REQUIRE(carved.tally.deletions.size() == 1);
  CHECK(carved.tally.deletions[0].lsn == freed);
  CHECK(carved.tally.deletions[0].reference == FileReference::of(entry, sequence));
  CHECK(carved.tally.deletions[0].stands());
}

TEST_CASE("run lists are told before and after each step") {
  RecordBuilder record(sequence, used);
  record.standard_information(some_time);
  record.file_name(root, some_time, u"big.bin");
  const std::size_t at = record.at();
  record.non_resident(0x80, 2, 1000);
  LogBuilder log;
  log.checkpoint(cluster);
  log.add(on_record(LogOperation::initialize_file_record_segment, LogOperation::noop, image_of(record)));
  // The file is cut to nothing: sizes, then the run list's first byte.
  auto sizes = on_record(LogOperation::set_new_attribute_sizes, LogOperation::set_new_attribute_sizes, Bytes(24), Bytes(24));
  sizes.record_offset = static_cast<std::uint16_t>(at);
  for (const std::size_t field : {std::size_t{0}, std::size_t{8}, std::size_t{16}}) put(sizes.undo, field, 8192, 8);
  log.add(sizes);
  auto runs = on_record(LogOperation::update_mapping_pairs, LogOperation::update_mapping_pairs, Bytes(1), Bytes(4));
  runs.record_offset = static_cast<std::uint16_t>(at);
  runs.attribute_offset = 0x40;
  put(runs.undo, 0, 0x03E80221, 4);
  const auto cut = log.add(runs);
  const auto carved = carve_log(MemorySource(log.finish()));

  const auto steps = carved.of(LogEventKind::mapping_pairs_updated);
  REQUIRE(steps.size() == 2);
  CHECK(steps[0]->event.before);
  CHECK(steps[0]->event.lsn == cut);
  REQUIRE(steps[0]->sighting.runs.size() == 1);
  CHECK(steps[0]->sighting.runs[0].lcn == 1000);
  CHECK(steps[0]->sighting.runs[0].clusters == 2);
  CHECK_FALSE(steps[1]->event.before);
  CHECK(steps[1]->sighting.runs.empty());
  const auto sized = carved.of(LogEventKind::sizes_set);
  REQUIRE(sized.size() == 2);
  CHECK(sized[0]->sighting.streams[0].size == 8192);
  CHECK(sized[1]->sighting.streams[0].size == 0);
  CHECK(sized[1]->sighting.streams[0].run_count == 1);
}

TEST_CASE("content is text only where its bytes are there; else the log gives its length") {
  const std::string script = "Write-Output 'hello from the log'";
  LogBuilder log;
  log.checkpoint(cluster);
  const Bytes image = small_file(u"x.ps1");
  const auto at = static_cast<std::uint16_t>(image.size() - 8 - 24);  // the empty $DATA before the end marker
  log.add(on_record(LogOperation::initialize_file_record_segment, LogOperation::noop, image));
  auto written = on_record(LogOperation::update_resident_value, LogOperation::update_resident_value);
  written.record_offset = at;
  written.attribute_offset = 24;
  std::uint64_t expected_size = script.size();
  bool there = false, whole = false;
  SUBCASE("logged") {
    written.redo = text(script);
    there = whole = true;
  }
  SUBCASE("zeros, as Windows 7 logs it") { written.redo = Bytes(script.size()); }
  SUBCASE("only its length, as Windows 10 logs it") { written.stated_redo = static_cast<int>(script.size()); }
  SUBCASE("appended") {
    log.add(written);  // nothing yet
    written.stated_redo = 10;
    log.add(written);
    written.stated_redo = -1;
    written.attribute_offset = 34;
    written.redo = text(script);
    expected_size += 10;
    there = true;
  }
  const auto lsn = log.add(written);
  const MemorySource source(log.finish());
  carvers::LogFileCarver carver(source, {});
  CarvedLog carved;
  carved.tally = carver.run(carved.sink());
  CHECK(carved.tally.models_lost == 0);
  const auto updates = carved.of(LogEventKind::value_updated);
  REQUIRE(!updates.empty());
  const Sighting& s = updates.back()->sighting;
  CHECK(updates.back()->event.lsn == lsn);
  REQUIRE(s.streams.size() == 1);
  CHECK(s.streams[0].resident);
  CHECK(s.streams[0].size == expected_size);
  CHECK(s.streams[0].content.length == (whole ? script.size() : 0));
  if (whole) CHECK(content(carver, s.streams[0].content) == script);
  CHECK(s.fragments.size() == (there && !whole ? 1 : 0));
  if (there && !whole) {
    CHECK(s.fragments[0].file_offset == 10);
    CHECK_FALSE(s.fragments[0].offset_inferred);
    CHECK(content(carver, s.fragments[0].place) == script);
  }
}

TEST_CASE("content that a page boundary cuts comes as a fragment of each page") {
  LogBuilder log(48, 1024);
  log.checkpoint(cluster);
  RecordBuilder record(sequence, used);
  record.standard_information(some_time);
  record.file_name(root, some_time, u"x.ps1");
  std::string script;
  for (int i = 0; i < 60; ++i) script += "line " + std::to_string(i) + "\n";
  put_text(record.bytes(), record.resident(0x80, script.size()), script);
  log.add(on_record(LogOperation::initialize_file_record_segment, LogOperation::noop, image_of(record)));
  const MemorySource source(log.finish());
  carvers::LogFileCarver carver(source, {});
  CarvedLog carved;
  carver.run(carved.sink());
  REQUIRE(carved.all.size() == 1);
  const Sighting& s = carved.all[0].sighting;
  CHECK(s.streams[0].size == script.size());
  CHECK(s.streams[0].content.length == 0);
  REQUIRE(s.fragments.size() == 2);
  CHECK(content(carver, s.fragments[0].place) + content(carver, s.fragments[1].place) == script);
  CHECK(s.fragments[1].file_offset == s.fragments[0].place.length);
}

TEST_CASE("index entries name files of a directory: added, updated, moved by other entries, removed") {
  LogBuilder log;
  log.checkpoint(cluster);
  log.add(open_attribute(0xA0, FileReference::of(5, 5).value, u"$I30"));
  const auto on_index = [](LogOperation redo, LogOperation undo, Bytes redo_data, Bytes undo_data, std::uint16_t at) {
    LogData data{redo, undo, std::move(redo_data), std::move(undo_data)};
    data.target = 0x40;
    data.attribute_offset = at;
    return data;
  };
  const Bytes mine = index_entry(u"mine.ps1", some_time), other = index_entry(u"earlier.txt", some_time, FileReference::of(50, 1).value);
  log.add(on_index(LogOperation::add_index_entry_allocation, LogOperation::delete_index_entry_allocation, mine, {}, 0x40));
  log.add(on_index(LogOperation::add_index_entry_allocation, LogOperation::delete_index_entry_allocation, other, {}, 0x40));
  Bytes times(56), old_times(56);
  for (std::size_t i = 0; i < 4; ++i) put(times, 8 * i, some_time + second, 8), put(old_times, 8 * i, some_time, 8);
  put(times, 40, 77, 8);
  const auto moved = static_cast<std::uint16_t>(0x40 + other.size());
  log.add(on_index(LogOperation::update_file_name_allocation, LogOperation::update_file_name_allocation, times, old_times, moved));
  log.add(on_index(LogOperation::update_file_name_allocation, LogOperation::update_file_name_allocation, times, old_times, 0x400));
  log.add(on_index(LogOperation::delete_index_entry_allocation, LogOperation::add_index_entry_allocation, {}, mine, moved));
  const auto carved = carve_log(MemorySource(log.finish()));

  const auto seen = carved.named("mine.ps1");
  REQUIRE(seen.size() == 4);
  CHECK(seen[0]->event.kind == LogEventKind::index_entry_added);
  CHECK(seen[1]->event.kind == LogEventKind::file_name_updated);
  CHECK(seen[1]->sighting.names[0].size == 77);
  CHECK(seen[1]->sighting.names[0].times.changed.ticks == some_time + second);
  CHECK(seen[2]->event.before);
  CHECK(seen[2]->sighting.names[0].times.changed.ticks == some_time);
  CHECK(seen[3]->event.kind == LogEventKind::index_entry_removed);
  for (const auto* told : seen) {
    CHECK(told->sighting.reference == FileReference::of(entry, sequence));
    CHECK(told->sighting.has_container);
    CHECK(told->sighting.container == FileReference::of(5, 5));
    CHECK(told->sighting.names[0].parent == FileReference::of(5, 5));
  }
  // An update of an entry that the log never named states times without a file.
  const auto updates = carved.of(LogEventKind::file_name_updated);
  REQUIRE(updates.size() == 3);
  CHECK_FALSE(updates[2]->states);
  REQUIRE(updates[2]->event.duplicated);
  CHECK(updates[2]->event.duplicated->size == 77);
}

TEST_CASE("other indexes name no files") {
  LogBuilder log;
  log.checkpoint(cluster);
  log.add(open_attribute(0xA0, FileReference::of(9, 9).value, u"$SII"));
  LogData data{
      LogOperation::add_index_entry_allocation, LogOperation::delete_index_entry_allocation, index_entry(u"no.txt", some_time), {}};
  data.target = 0x40;
  log.add(data);
  CHECK(carve_log(MemorySource(log.finish())).all.empty());
}

TEST_CASE("what a transaction took back is undone; one without an end is unknown") {
  LogBuilder log;
  log.checkpoint(cluster);
  const auto begun = log.add(on_record(LogOperation::initialize_file_record_segment, LogOperation::noop, small_file(u"a.txt")), 0x18);
  const auto freed = log.add(on_record(LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {},
                                       deallocation_header(sequence)),
                             0x18, begun, begun);
  // The compensation: the record is as it was, and the undo goes on behind `begun`.
  const auto back =
      log.add(on_record(LogOperation::initialize_file_record_segment, LogOperation::compensation_log_record, small_file(u"a.txt")), 0x18,
              freed, begun);
  log.forget(0x18, back);
  const auto open = log.add(on_record(LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {},
                                      deallocation_header(sequence)),
                            0x40);
  const auto carved = carve_log(MemorySource(log.finish()));
  REQUIRE(carved.tally.deletions.size() == 2);
  CHECK(carved.tally.deletions[0].lsn == freed);
  CHECK(carved.tally.deletions[0].undone);
  CHECK_FALSE(carved.tally.deletions[0].stands());
  CHECK(carved.tally.deletions[1].lsn == open);
  CHECK(carved.tally.deletions[1].outcome == LogOutcome::unknown);
  CHECK_FALSE(carved.tally.deletions[1].stands());
  CHECK_FALSE(carved.all[0].event.undone);
  CHECK(carved.all[2].event.compensates);
}

TEST_CASE("a transaction of which nothing stands is aborted; a nested action that ended stands") {
  LogBuilder log;
  log.checkpoint(cluster);
  const auto free_it = on_record(LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {},
                                 deallocation_header(sequence));
  const auto freed = log.add(free_it, 0x18);
  const auto back = log.add(
      on_record(LogOperation::initialize_file_record_segment, LogOperation::compensation_log_record, small_file(u"a")), 0x18, freed, 0);
  log.forget(0x18, back);
  const auto nested = log.add(free_it, 0x18);
  // The end of a nested action: nothing to redo, and an undo would go on before it.
  const auto end = log.add({LogOperation::noop, LogOperation::compensation_log_record}, 0x18, nested, 0);
  log.forget(0x18, end);
  const auto carved = carve_log(MemorySource(log.finish()));
  CHECK(carved.tally.aborted == 1);
  CHECK(carved.tally.forgotten == 1);
  REQUIRE(carved.tally.deletions.size() == 2);
  CHECK(carved.tally.deletions[0].undone);
  CHECK(carved.tally.deletions[0].outcome == LogOutcome::aborted);
  CHECK(carved.tally.deletions[1].lsn == nested);
  CHECK(carved.tally.deletions[1].stands());
}

TEST_CASE("a deletion lies between times next to it in LSN order; what was set, what cannot be and older times behind it say nothing") {
  LogBuilder log;
  log.checkpoint(cluster);
  log.add(open_attribute(0x80, FileReference::of(60, 1).value, u"$J"));
  const auto journal = [&](std::uint64_t time, std::uint32_t reason) {
    LogData data{LogOperation::update_nonresident_value, LogOperation::noop, usn_record(u"x.ps1", time, reason), {}};
    data.target = 0x40;
    return log.add(data);
  };
  const auto before = journal(some_time + 5 * second, 0x8000'0200);
  const auto wrong = journal(some_time + 1'000'000'000 * second, 0x2);
  // An index entry holds times that anybody may set, and that may be old.
  LogData in_index{LogOperation::add_index_entry_allocation,
                   LogOperation::delete_index_entry_allocation,
                   index_entry(u"x.ps1", some_time + 7 * second),
                   {}};
  in_index.target = 0x58;
  log.add(in_index);
  const auto freed = log.add(on_record(LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {},
                                       deallocation_header(sequence)));
  journal(some_time + 2 * second, 0x2);
  const auto after = journal(some_time + 9 * second, 0x8000'0100);
  const auto carved = carve_log(MemorySource(log.finish()));
  REQUIRE(carved.tally.deletions.size() == 1);
  const carvers::LogDeletion& deletion = carved.tally.deletions[0];
  CHECK(deletion.lsn == freed);
  CHECK(carved.named("x.ps1").size() == 5);
  const carvers::LogTimes& times = carved.tally.times;
  const auto sane = times.around(freed, [](FileTime time) { return time.ticks < some_time + 1000 * second; });
  CHECK(sane.before == carvers::LogTime{before, {some_time + 5 * second}, carvers::LogTimeBasis::usn});
  CHECK(sane.behind == carvers::LogTime{after, {some_time + 9 * second}, carvers::LogTimeBasis::usn});
  // Were that time possible, it would be the bound, and nothing behind it could be an estimate.
  const auto any = times.around(freed, [](FileTime) { return true; });
  CHECK(any.before == carvers::LogTime{wrong, {some_time + 1'000'000'000 * second}, carvers::LogTimeBasis::usn});
  CHECK_FALSE(any.behind);
  const auto none = times.around(freed, [](FileTime) { return false; });
  CHECK_FALSE(none.before);
  CHECK_FALSE(none.behind);
  const auto usn = carved.of(LogEventKind::usn_record);
  REQUIRE(usn.size() == 4);
  CHECK(usn[0]->sighting.has_usn);
  CHECK(usn[0]->sighting.usn.reason == 0x8000'0200);
  CHECK(usn[0]->sighting.reference == FileReference::of(entry, sequence));
  CHECK(usn[0]->event.entry == 60);
}

TEST_CASE("clusters that a transaction frees are told") {
  LogBuilder log;
  log.checkpoint(cluster);
  log.add(open_attribute(0x80, FileReference::of(6, 6).value, u""));
  LogData data{LogOperation::clear_bits_in_nonresident_bit_map, LogOperation::set_bits_in_nonresident_bit_map, Bytes(8), Bytes(8)};
  put(data.redo, 0, 17, 4);
  put(data.redo, 4, 3, 4);
  data.target = 0x40;
  data.vcn = 2;
  log.add(data);
  const auto carved = carve_log(MemorySource(log.finish()));
  REQUIRE(carved.all.size() == 1);
  CHECK(carved.all[0].event.kind == LogEventKind::clusters_freed);
  CHECK(carved.all[0].event.first_cluster == 2 * cluster * 8 + 17);
  CHECK(carved.all[0].event.clusters == 3);
  CHECK_FALSE(carved.all[0].states);
}

TEST_CASE("without the record's image a time is stated only when all of it was logged, and no reference is claimed") {
  LogBuilder log;
  log.checkpoint(cluster);
  auto update = on_record(LogOperation::update_resident_value, LogOperation::update_resident_value, Bytes(31), Bytes(31));
  update.record_offset = 0x38;
  update.attribute_offset = 24 + 9;  // from the second byte of the modified time
  for (std::size_t i = 0; i < 7; ++i) update.redo[i] = static_cast<std::byte>(some_time >> (8 * (i + 1)));
  for (const std::size_t at : {std::size_t{7}, std::size_t{15}})
    put(update.redo, at, some_time, 8), put(update.undo, at, some_time - second, 8);
  log.add(update);
  const auto carved = carve_log(MemorySource(log.finish()));
  REQUIRE(carved.all.size() == 2);
  for (const auto& told : carved.all) {
    CHECK(told.sighting.has_standard_information);
    CHECK_FALSE(told.sighting.reference_known);
    CHECK(told.sighting.integrity == Integrity::partial);
    CHECK(told.sighting.standard_information.created == no_time);
    CHECK(told.sighting.standard_information.modified == no_time);
    CHECK(told.event.entry == entry);
  }
  CHECK(carved.all[0].sighting.standard_information.changed.ticks == some_time);
  CHECK(carved.all[1].sighting.standard_information.changed.ticks == some_time - second);
}

TEST_CASE("an update without the record's image belongs to the file that is freed next") {
  LogBuilder log;
  log.checkpoint(cluster);
  auto update = on_record(LogOperation::update_resident_value, LogOperation::update_resident_value, Bytes(8), Bytes(8));
  update.record_offset = 0x38;
  update.attribute_offset = 24 + 16;
  put(update.redo, 0, some_time + second, 8);
  put(update.undo, 0, some_time, 8);
  log.add(update);
  log.add(on_record(LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {},
                    deallocation_header(sequence)));
  log.add(update);  // between two owners: nobody's
  auto next = small_file(u"next.txt");
  put(next, 16, sequence + 1, 2);
  log.add(on_record(LogOperation::initialize_file_record_segment, LogOperation::noop, next));
  log.add(update);
  const auto carved = carve_log(MemorySource(log.finish()));
  const auto updates = carved.of(LogEventKind::value_updated);
  REQUIRE(updates.size() == 6);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(updates[i]->sighting.reference_known);
    CHECK(updates[i]->sighting.reference == FileReference::of(entry, sequence));
    CHECK(updates[i]->sighting.integrity == Integrity::partial);
  }
  CHECK_FALSE(updates[2]->sighting.reference_known);
  CHECK(updates[4]->sighting.reference == FileReference::of(entry, sequence + 1));
  CHECK(updates[4]->sighting.integrity == Integrity::good);
}

namespace {

LogData time_update() {
  auto update = on_record(LogOperation::update_resident_value, LogOperation::update_resident_value, Bytes(8), Bytes(8));
  update.record_offset = 0x38;
  update.attribute_offset = 24 + 16;
  put(update.redo, 0, some_time + second, 8);
  put(update.undo, 0, some_time, 8);
  return update;
}
LogData free_of(std::uint16_t number) {
  return on_record(LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment, {},
                   deallocation_header(number));
}
LogData creation_of(std::u16string_view name, std::uint16_t number) {
  Bytes image = small_file(name);
  put(image, 16, number, 2);
  return on_record(LogOperation::initialize_file_record_segment, LogOperation::noop, image);
}

// Destroys the header of a record: it is lost as if its sector were.
void lose(Bytes& log, std::uint64_t lsn) {
  const std::size_t offset = (lsn << 3) & 0x3FFFF;  // of a log of 48 pages of 4096 bytes
  // Its upper two bytes may be the sector's fix-up.
  REQUIRE((le<std::uint64_t>(log, offset) << 16) == lsn << 16);
  put(log, offset, 0, 6);
}

}  // namespace

// Expectations: a record is raised by one number each time it is freed, so only that number, or a log without a gap, tells whose it is.
TEST_CASE("whose a record is is not carried over missing log records") {
  LogBuilder log;
  log.checkpoint(cluster);
  std::vector<std::uint64_t> lost;
  std::optional<std::uint16_t> expected;
  bool model = true;  // the update is read in the image
  SUBCASE("forward from an image, a free and a creation being lost") {
    log.add(creation_of(u"a.txt", sequence));
    lost = {log.add(free_of(sequence)), log.add(creation_of(u"b.txt", sequence + 1))};
    log.add(time_update());
  }
  SUBCASE("the same with a page lost that is the last before it") {
    log.add(creation_of(u"a.txt", sequence));
    lost = {log.add(free_of(sequence)), log.add(creation_of(u"b.txt", sequence + 1))};
    log.next_page();  // what is lost lies where the rest of a page may also stay unused
    log.add(time_update());
  }
  SUBCASE("back from a free, a creation being lost") {
    log.add(time_update());
    lost = {log.add(free_of(sequence)), log.add(creation_of(u"b.txt", sequence + 1))};
    log.add(free_of(sequence + 1));
    model = false;
  }
  SUBCASE("forward where the next free tells of another owner") {
    log.add(creation_of(u"a.txt", sequence));
    lost = {log.add(free_of(sequence)), log.add(creation_of(u"b.txt", sequence + 1))};
    log.add(time_update());
    log.add(free_of(sequence + 1));
    expected = sequence + 1;
    model = false;
  }
  SUBCASE("a log record that cannot be read counts like a missing one") {
    log.add(creation_of(u"a.txt", sequence));
    log.add(Bytes(8), 0x18, 0, 0, 1);
    log.add(time_update());
  }
  SUBCASE("but the same number on both sides is the same owner") {
    log.add(creation_of(u"a.txt", sequence));
    lost = {log.add(time_update())};
    log.add(time_update());
    lost.push_back(log.add(time_update()));
    log.add(free_of(sequence));
    expected = sequence;
  }
  Bytes bytes = log.finish();
  for (const std::uint64_t lsn : lost) lose(bytes, lsn);
  const auto carved = carve_log(MemorySource(bytes));
  const auto updates = carved.of(LogEventKind::value_updated);
  REQUIRE(updates.size() == 2);
  for (const auto* update : updates) {
    CHECK(update->sighting.reference_known == expected.has_value());
    if (expected) CHECK(update->sighting.reference == FileReference::of(entry, *expected));
    CHECK(update->sighting.integrity == Integrity::partial);
    // Only the image tells the times that were not logged.
    CHECK((update->sighting.standard_information.created != no_time) == model);
  }
}

TEST_CASE("a free whose own data are lost frees the record's file only when no log record is missing before it") {
  for (const bool missing : {false, true}) {
    CAPTURE(missing);
    LogBuilder log;
    log.checkpoint(cluster);
    log.add(creation_of(u"a.txt", sequence));
    const auto between = log.add(time_update());
    log.add(on_record(LogOperation::deallocate_file_record_segment, LogOperation::initialize_file_record_segment));
    Bytes bytes = log.finish();
    if (missing) lose(bytes, between);
    const auto carved = carve_log(MemorySource(bytes));
    REQUIRE(carved.tally.deletions.size() == 1);
    CHECK(carved.tally.deletions[0].reference_known == !missing);
  }
}

TEST_CASE("an index entry is not carried over missing log records") {
  for (const bool missing : {false, true}) {
    CAPTURE(missing);
    LogBuilder log;
    log.checkpoint(cluster);
    log.add(open_attribute(0xA0, FileReference::of(5, 5).value, u"$I30"));
    LogData step{
        LogOperation::add_index_entry_allocation, LogOperation::delete_index_entry_allocation, index_entry(u"mine.ps1", some_time), {}};
    step.target = 0x40;
    step.attribute_offset = 0x40;
    log.add(step);
    const auto between = log.add(time_update());
    LogData update{LogOperation::update_file_name_allocation, LogOperation::update_file_name_allocation, Bytes(56), Bytes(56)};
    update.target = 0x40;
    update.attribute_offset = 0x40;
    log.add(update);
    Bytes bytes = log.finish();
    if (missing) lose(bytes, between);
    CHECK(carve_log(MemorySource(bytes)).named("mine.ps1").size() == (missing ? 1 : 3));
  }
}

TEST_CASE("what an undo would write back is told too: journal records and index blocks of before") {
  LogBuilder log;
  log.checkpoint(cluster);
  log.add(open_attribute(0x80, FileReference::of(60, 1).value, u"$J"));
  LogData journal{LogOperation::update_nonresident_value, LogOperation::update_nonresident_value, Bytes(64),
                  usn_record(u"gone.ps1", some_time, 0x100)};
  journal.target = 0x40;
  log.add(journal);
  log.add(open_attribute(0xA0, FileReference::of(5, 5).value, u"$I30", 0x70));
  LogData block{LogOperation::update_nonresident_value, LogOperation::update_nonresident_value, Bytes(4096), index_block(u"old.ps1")};
  block.target = 0x70;
  log.add(block);
  const auto carved = carve_log(MemorySource(log.finish()));
  for (const char* name : {"gone.ps1", "old.ps1"}) {
    CAPTURE(name);
    REQUIRE(carved.named(name).size() == 1);
    CHECK(carved.named(name)[0]->event.before);
  }
  // It was there before: it says nothing of when this was written.
  CHECK_FALSE(carved.tally.times.window().last);
}

TEST_CASE("an event tells whether the log is whole from it to its end") {
  LogBuilder log;
  log.checkpoint(cluster);
  log.add(time_update());
  const auto lost = log.add(time_update());
  log.add(time_update());
  Bytes bytes = log.finish();
  for (const auto& told : carve_log(MemorySource(bytes)).all) CHECK(told.event.whole_from_here);
  lose(bytes, lost);
  const auto all = carve_log(MemorySource(bytes)).all;
  REQUIRE(all.size() == 4);
  CHECK_FALSE(all[0].event.whole_from_here);
  CHECK(all[2].event.whole_from_here);
  // The restart pages name a record that is not there.
  bytes = log.finish();
  for (const std::size_t page : {std::size_t{0}, std::size_t{4096}}) put(bytes, page + 0x30, ~std::uint64_t{0} >> 8, 8);
  for (const auto& told : carve_log(MemorySource(bytes)).all) CHECK_FALSE(told.event.whole_from_here);
}

TEST_CASE("a step that does not fit ends what is known of the record") {
  LogBuilder log;
  log.checkpoint(cluster);
  log.add(on_record(LogOperation::initialize_file_record_segment, LogOperation::noop, small_file(u"a.txt")));
  auto wrong = on_record(LogOperation::create_attribute, LogOperation::delete_attribute, name_attribute(u"b.txt"));
  wrong.record_offset = 0x50;  // inside $STANDARD_INFORMATION
  log.add(wrong);
  const MemorySource source(log.finish());
  carvers::LogFileCarver carver(source, {});
  CHECK(carver.run([](const carvers::LogEvent&, const Sighting*) {}).models_lost == 1);
  CHECK_FALSE(carver.image_of(entry));
}
