// The log_file carver on logs that Windows wrote.
#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <map>
#include <set>

#include "log_builder.hpp"
#include "trimcarve/file_time.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using carvers::LogEventKind;

namespace {

struct VolumeLog {
  ntfs::Volume volume;
  SourcePtr log;
  carvers::LogFileOptions options;
};
VolumeLog open_log(const std::string& image) {
  VolumeLog out{open_first_volume(image), nullptr, {}};
  out.log = out.volume.open_stream(2, 0x80, u"")->bytes;
  out.options.cluster_size = out.volume.cluster_size();
  out.options.record_size = out.volume.record_size();
  out.options.volume_clusters = out.volume.clusters();
  return out;
}

std::string md5(ByteView bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_md5(), nullptr) != 1) return {};
  std::string out;
  for (unsigned i = 0; i < length; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("every log record that dfir_ntfs finds is found, with its operation") {
  // Witness: dfir_ntfs (LogFileParser, log records and restart areas, by redo operation). The first record of a log is followed by all
  // others but no chain leads to it, so it is one more here; LogFile_10.bin holds an earlier lap in its fast pages too, which no chain
  // leads to either: only lower bounds there.
  struct Expected {
    const char* file;
    std::uint64_t records, checkpoints;
    bool exact;
    std::map<ntfs::LogOperation, std::uint64_t> redo;
  };
  using enum ntfs::LogOperation;
  const std::vector<Expected> all = {{"logfile/LogFile_7.bin",
                                      779,
                                      15,
                                      true,
                                      {{initialize_file_record_segment, 265},
                                       {forget_transaction, 79},
                                       {update_resident_value, 57},
                                       {set_new_attribute_sizes, 52},
                                       {update_nonresident_value, 46},
                                       {create_attribute, 37},
                                       {add_index_entry_root, 36},
                                       {set_bits_in_nonresident_bit_map, 29},
                                       {noop, 26},
                                       {update_file_name_allocation, 22},
                                       {delete_attribute, 22},
                                       {add_index_entry_allocation, 19},
                                       {update_file_name_root, 17},
                                       {open_nonresident_attribute, 15},
                                       {open_attribute_table_dump, 11},
                                       {attribute_names_dump, 11},
                                       {dirty_page_table_dump, 10},
                                       {update_mapping_pairs, 5},
                                       {delete_index_entry_allocation, 2},
                                       {delete_index_entry_root, 2},
                                       {clear_bits_in_nonresident_bit_map, 1}}},
                                     {"logfile/LogFile_10.bin",
                                      280,
                                      14,
                                      false,
                                      {{forget_transaction, 62},
                                       {update_resident_value, 27},
                                       {update_nonresident_value, 21},
                                       {set_new_attribute_sizes, 19},
                                       {update_file_name_root, 15},
                                       {noop, 20},
                                       {open_attribute_table_dump, 12},
                                       {attribute_names_dump, 12},
                                       {add_index_entry_allocation, 12},
                                       {open_nonresident_attribute, 11},
                                       {update_file_name_allocation, 10},
                                       {dirty_page_table_dump, 9},
                                       {set_bits_in_nonresident_bit_map, 8},
                                       {add_index_entry_root, 7},
                                       {create_attribute, 7},
                                       {initialize_file_record_segment, 6},
                                       {delete_attribute, 4},
                                       {zero_end_of_file_record, 1},
                                       {update_mapping_pairs, 1},
                                       {delete_index_entry_root, 1},
                                       {delete_index_entry_allocation, 1}}}};
  for (const Expected& e : all) {
    const std::string path = real_data(e.file);
    if (path.empty()) return;
    const auto source = open_artefact(path);
    const auto carved = carve_log(*source);
    CHECK(carved.tally.state == carvers::LogState::read);
    CHECK(carved.tally.malformed == 0);
    CHECK(carved.tally.torn == 0);
    CHECK(carved.tally.models_lost == 0);
    CHECK(carved.tally.targets_unknown == 0);
    CHECK(carved.tally.records >= e.records);
    if (e.exact) CHECK(carved.tally.records == e.records);
    if (e.exact) CHECK(carved.tally.breaks == 0);
    CHECK(carved.tally.checkpoints >= e.checkpoints);
    for (const auto& [operation, count] : e.redo) {
      CAPTURE(ntfs::to_string(operation));
      const std::uint64_t found = carved.tally.redo[static_cast<std::size_t>(operation)];
      if (e.exact)
        CHECK(found == count);
      else
        CHECK(found >= count);
    }
  }
}

TEST_CASE("DFTT 7: res1.dat comes back whole from the log alone") {
  // Witness: dftt7-index.html: record 37, 101 bytes, this MD5.
  const std::string image = unpacked_data("ntfs-volumes/dftt7-undel-ntfs.dd.xz");
  if (image.empty()) return;
  const VolumeLog v = open_log(image);
  carvers::LogFileCarver carver(*v.log, v.options);
  std::size_t found = 0;
  carver.run([&](const carvers::LogEvent&, const Sighting* s) {
    if (s == nullptr || s->reference != FileReference::of(37, 2)) return;
    for (const StreamFact& stream : s->streams) {
      if (stream.type != 0x80 || stream.content.length == 0) continue;
      Bytes bytes(static_cast<std::size_t>(stream.content.length));
      CHECK(carver.read(stream.content, bytes));
      CHECK(stream.size == 101);
      CHECK(md5(bytes) == "9036637712b491904cd0bfbdbe648453");
      ++found;
    }
  });
  CHECK(found == 1);
}

TEST_CASE("DFTT 7: the deleted files, their parents, deletions and last run lists come from the log alone") {
  // Witness: dftt7-index.html (records, paths); istat of The Sleuth Kit (run lists of records 29, 31 and 36).
  const std::string image = unpacked_data("ntfs-volumes/dftt7-undel-ntfs.dd.xz");
  if (image.empty()) return;
  const VolumeLog v = open_log(image);
  const auto carved = carve_log(*v.log, v.options);
  const std::map<std::uint64_t, std::pair<std::string, std::uint64_t>> files = {
      {29, {"frag1.dat", 5}}, {30, {"frag2.dat", 5}},  {31, {"sing1.dat", 5}},  {32, {"mult1.dat", 5}}, {33, {"dir1", 5}},
      {34, {"dir2", 33}},     {35, {"frag3.dat", 34}}, {36, {"mult2.dat", 33}}, {37, {"res1.dat", 5}},  {38, {"sing2.dat", 37}}};
  for (const auto& [number, file] : files) {
    CAPTURE(file.first);
    const std::uint16_t sequence = number == 37 ? 2 : 1;
    bool created = false, in_index = false;
    for (const auto* told : carved.named(file.first)) {
      if (told->sighting.reference != FileReference::of(number, sequence)) continue;
      CHECK(told->sighting.names[0].parent.entry() == file.second);
      created |= told->event.kind == LogEventKind::record_initialised;
      in_index |= told->event.kind == LogEventKind::index_entry_removed;
    }
    CHECK(created);
    CHECK(in_index);
    const auto deletion = std::ranges::find(carved.tally.deletions, FileReference::of(number, sequence), &carvers::LogDeletion::reference);
    REQUIRE(deletion != carved.tally.deletions.end());
    CHECK(deletion->stands());
    CHECK(deletion->directory == (number == 33 || number == 34));
    const auto [before, behind] = carved.tally.times.around(deletion->lsn, [](FileTime) { return true; });
    REQUIRE(before);
    REQUIRE(behind);
    CHECK(before->time <= behind->time);
    // Within the two minutes in which the image was made ready: its files date from 19:59 to 20:20.
    CHECK(to_iso8601(before->time) > "2004-02-29T20:04");
    CHECK(to_iso8601(behind->time) < "2004-02-29T20:20");
  }
  const std::map<std::uint64_t, std::vector<std::pair<std::int64_t, std::uint64_t>>> runs = {
      {29, {{4073, 1}, {4075, 1}}}, {31, {{4078, 1}}}, {36, {{4091, 2}}}};
  for (const auto& [number, expected] : runs) {
    CAPTURE(number);
    std::vector<std::pair<std::int64_t, std::uint64_t>> last;
    for (const auto& told : carved.all) {
      if (told.event.before || told.sighting.reference != FileReference::of(number, 1)) continue;
      for (const StreamFact& stream : told.sighting.streams) {
        if (stream.resident || stream.length != 0) continue;
        last.clear();
        for (std::uint32_t i = 0; i < stream.run_count; ++i) {
          const RunFact& run = told.sighting.runs[stream.first_run + i];
          last.emplace_back(run.lcn, run.clusters);
        }
      }
    }
    CHECK(last == expected);
    // The deletion's own transaction frees just these clusters.
    const auto deletion = std::ranges::find(carved.tally.deletions, FileReference::of(number, 1), &carvers::LogDeletion::reference);
    REQUIRE(deletion != carved.tally.deletions.end());
    std::vector<std::pair<std::int64_t, std::uint64_t>> freed;
    for (const auto& told : carved.all)
      if (told.event.kind == carvers::LogEventKind::clusters_freed && told.event.transaction == deletion->transaction)
        freed.emplace_back(static_cast<std::int64_t>(told.event.first_cluster), told.event.clusters);
    CHECK(freed == expected);
  }
}

TEST_CASE("FILE records built from the log alone are those in $MFT") {
  // Witness: each volume's own $MFT, which Windows wrote after the log. Compared: header from the sequence on, and all attributes; the
  // value of a resident $DATA only where the log holds bytes (Windows XP).
  struct Expected {
    const char* image;
    bool values;
    int records;
  };
  for (const Expected& e : {Expected{"ntfs-volumes/dftt7-undel-ntfs.dd.xz", true, 25},
                            {"ntfs-volumes/ntfs_index.raw.gz", false, 31},
                            {"ntfs-volumes/ntfs-lastaccess.raw.gz", false, 22},
                            {"ntfs-volumes/usnjrnl-ldm-disk.raw.xz", false, 10}}) {
    const std::string image = unpacked_data(e.image);
    if (image.empty()) return;
    CAPTURE(std::string(e.image));
    const VolumeLog v = open_log(image);
    carvers::LogFileCarver carver(*v.log, v.options);
    int compared = 0;
    for (std::uint64_t number = 0; number < v.volume.record_count(); ++number) {
      const auto built = carver.image_of(number);
      if (!built) continue;
      CAPTURE(number);
      Bytes stored(v.volume.record_size());
      REQUIRE(v.volume.mft()->read_at(number * stored.size(), stored));
      ntfs::apply_fix_up(stored);
      Bytes mine = built->bytes;
      REQUIRE(mine.size() <= stored.size());
      for (Bytes* bytes : {&mine, &stored}) {
        ntfs::FileRecord record;
        REQUIRE(ntfs::FileRecord::decode(*bytes, {}, record));
        ntfs::AttributeWalk walk(record);
        for (ntfs::Attribute a; walk.next(a);) {
          const std::size_t name_end = a.offset + le<std::uint16_t>(*bytes, a.offset + 10U) + a.name.bytes().size();
          const std::size_t body = a.resident ? a.value_offset : a.run_list_offset;
          if (!a.name.empty() && name_end < body)
            std::fill_n(bytes->begin() + static_cast<std::ptrdiff_t>(name_end), body - name_end, std::byte{0});
          std::size_t from = a.end();
          if (!e.values && a.type == 0x80 && a.resident) from = a.value_offset;
          if (!a.resident) {
            from = a.run_list_offset;
            while (from < a.end() && (*bytes)[from] != std::byte{0})
              from += 1 + std::to_integer<std::size_t>((*bytes)[from] & std::byte{15}) + std::to_integer<std::size_t>((*bytes)[from] >> 4);
          }
          std::fill_n(bytes->begin() + static_cast<std::ptrdiff_t>(from), a.end() - from, std::byte{0});
        }
      }
      const auto same = [&](std::size_t begin, std::size_t end) {
        return std::equal(mine.begin() + static_cast<std::ptrdiff_t>(begin), mine.begin() + static_cast<std::ptrdiff_t>(end),
                          stored.begin() + static_cast<std::ptrdiff_t>(begin));
      };
      CHECK(same(0x10, 0x1C));
      CHECK(same(le<std::uint16_t>(mine, 0x14), mine.size()));
      ++compared;
    }
    CHECK(compared == e.records);
  }
}

TEST_CASE("deleted names of ntfs_index.raw stand in its log with their directory") {
  // Witness: the data's README names them; dfir_ntfs' test finds them in the index slack.
  const std::string image = unpacked_data("ntfs-volumes/ntfs_index.raw.gz");
  if (image.empty()) return;
  const VolumeLog v = open_log(image);
  const auto carved = carve_log(*v.log, v.options);
  const auto deleted = carved.named("BBBBBBBBBBBBB-del.txt");
  REQUIRE(!deleted.empty());
  std::set<LogEventKind> kinds;
  for (const auto* told : deleted) {
    CHECK(told->sighting.reference == FileReference::of(54, 1));
    CHECK(told->sighting.names[0].parent == FileReference::of(39, 1));
    kinds.insert(told->event.kind);
  }
  CHECK(kinds.contains(LogEventKind::index_entry_added));
  CHECK(kinds.contains(LogEventKind::index_entry_removed));
  CHECK(kinds.contains(LogEventKind::attribute_created));
  CHECK(std::ranges::any_of(carved.tally.deletions,
                            [](const carvers::LogDeletion& d) { return d.reference == FileReference::of(54, 1) && d.stands(); }));
  const std::string eleven = std::string(120, 'A') + " - Copy (11).txt";
  CHECK(std::ranges::any_of(carved.all, [&](const auto& told) {
    return !told.sighting.names.empty() && name_of(told.sighting).ends_with(" - Copy (11).txt") &&
           told.sighting.reference == FileReference::of(64, 1);
  }));
}

TEST_CASE("the change journal's records stand in the log too") {
  // Witness: the volume's own $UsnJrnl:$J, of which fsntfsinfo lists 19 records: the same USNs, times, reasons and names.
  const std::string image = unpacked_data("ntfs-volumes/usnjrnl-ldm-disk.raw.xz");
  if (image.empty()) return;
  const VolumeLog v = open_log(image);
  const auto carved = carve_log(*v.log, v.options);
  std::map<std::uint64_t, const Sighting*> from_log;
  for (const auto* told : carved.of(LogEventKind::usn_record)) from_log[told->sighting.usn.usn] = &told->sighting;
  Kept journal;
  for (std::uint64_t entry = 24; entry < v.volume.record_count(); ++entry)
    if (const auto stream = v.volume.open_stream(entry, 0x80, u"$J")) carvers::carve_usn_journal(*stream->bytes, {}, journal.sink());
  REQUIRE(journal.all.size() == 19);
  CHECK(from_log.size() == 19);
  for (const Sighting& s : journal.all) {
    const auto found = from_log.find(s.usn.usn);
    REQUIRE(found != from_log.end());
    CHECK(found->second->reference == s.reference);
    CHECK(found->second->usn.time == s.usn.time);
    CHECK(found->second->usn.reason == s.usn.reason);
    CHECK(name_of(*found->second) == name_of(s));
  }
}

TEST_CASE("every sighting is emitted again from its place, and no two begin at one place") {
  for (const char* item : {"ntfs-volumes/dftt7-undel-ntfs.dd.xz", "ntfs-volumes/ntfs_index.raw.gz"}) {
    const std::string image = unpacked_data(item);
    if (image.empty()) return;
    const VolumeLog v = open_log(image);
    carvers::LogFileCarver carver(*v.log, v.options);
    CarvedLog carved;
    carver.run(carved.sink());
    std::set<std::uint64_t> places;
    for (const auto& told : carved.all) {
      if (!told.states) continue;
      CHECK(places.insert(told.sighting.place.offset).second);
      int same = 0;
      carver.record_at(told.sighting.place.offset, [&](const carvers::LogEvent& event, const Sighting* s) {
        if (s == nullptr || s->place != told.sighting.place) return;
        same += described(*s) == described(told.sighting) && event.kind == told.event.kind && event.outcome == told.event.outcome ? 1 : 0;
      });
      CHECK(same == 1);
    }
    CHECK(places.size() > 500);
  }
}
