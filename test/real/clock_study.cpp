// The clock of LSNs on every real $MFT and $LogFile: what the hold-out says, and how brackets stand to the times that change journals give.
// Prints the table that VALIDATION.md has. What vouches: of the hold-out, the volume's own records; of the rest, the times in records of
// the change journal, in $J or as $LogFile holds them. No bracket that is compared with one rests on a tick of the same file.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "carvers/log_file.hpp"
#include "carvers/record_pass.hpp"
#include "carvers/usn_journal.hpp"
#include "history/sequence_clock.hpp"
#include "image/open.hpp"
#include "image/partitions.hpp"
#include "ntfs/volume.hpp"
#include "real_data.hpp"

using namespace trimcarve;
using history::Bracket;
using history::SequenceClock;
using history::TickKind;

namespace {

constexpr std::uint32_t data_type = 0x80;
constexpr std::uint64_t log_entry = 2;

struct Logged {
  Sighting sighting;
  TickKind kind = TickKind::at_least;
};
struct Read {
  std::vector<Sighting> records;  // whole ones, with times
  std::vector<Logged> log;        // what stands in $LogFile
  std::vector<Sighting> journal;  // of $J
};

void read_records(const ntfs::Volume& volume, Read& out) {
  carvers::RecordPassOptions options;
  options.record_size = volume.record_size();
  carvers::carve_records(*volume.mft(), options, [&](const Sighting& s) {
    if (s.source == SourceKind::mft && s.has_standard_information && !s.base_is_elsewhere && s.lsn != 0) out.records.push_back(s);
  });
}

void read_log(const ByteSource& log, Read& out) {
  using carvers::LogEventKind;
  carvers::carve_log_file(log, {}, [&](const carvers::LogEvent& event, const Sighting* s) {
    if (s == nullptr || event.undone || !carvers::stands(event.outcome)) return;
    const bool sets = !event.before && (event.kind == LogEventKind::record_initialised || event.kind == LogEventKind::value_updated);
    out.log.push_back({*s, sets ? TickKind::written : TickKind::at_least});
  });
}

void read_journal(const ByteSource& journal, Read& out) {
  carvers::carve_usn_journal(journal, {}, [&](const Sighting& s) { out.journal.push_back(s); });
}

// The clock of the LSNs without what `left_out` says true of.
template <class LeftOut>
SequenceClock clock_of(const Read& read, bool records, bool log, LeftOut left_out) {
  SequenceClock by_lsn, by_usn;
  if (records)
    for (const Sighting& s : read.records)
      if (!left_out(s)) history::add_ticks(s, by_lsn, by_usn);
  if (log)
    for (const Logged& l : read.log)
      if (!left_out(l.sighting)) history::add_ticks(l.sighting, by_lsn, by_usn, l.kind);
  by_lsn.finish({.hold_out_all = true});
  return by_lsn;
}
SequenceClock clock_of(const Read& read, bool records, bool log) {
  return clock_of(read, records, log, [](const Sighting&) { return false; });
}

double seconds(std::uint64_t ticks) { return static_cast<double>(ticks) / static_cast<double>(ticks_per_second); }
unsigned long long ull(std::uint64_t n) { return n; }

double median(std::vector<std::uint64_t>& widths) {
  if (widths.empty()) return 0;
  std::ranges::sort(widths);
  return seconds(widths[widths.size() / 2]);
}

// One line of the table; each hold-out adds up, and of a clock that says it is sound no more than a twentieth may be later.
void print(const std::string& name, const Read& read, const SequenceClock& clock) {
  const history::ClockHealth& h = clock.health();
  const auto& held = h.held_out;
  std::vector<std::uint64_t> widths;
  std::size_t freed = 0;
  for (const Sighting& s : read.records) {
    if (s.in_use) continue;
    ++freed;
    if (const Bracket b = clock.at(s.lsn, s.standard_information.changed); b.earliest && b.latest)
      widths.push_back(b.latest->ticks - b.earliest->ticks);
  }
  const double middle = median(widths);
  std::printf(
      "clock %-34s ticks %6llu chain %6llu older %5llu later %3llu doubtful %3llu back %zu | held out %6llu inside %6llu older %5llu "
      "later %3llu open %2llu median %.3f s | freed %zu, bracketed %zu, median %.3f s | %s\n",
      name.c_str(), ull(h.ticks), ull(h.tally.on_chain), ull(h.tally.older), ull(h.tally.later), ull(h.tally.doubtful), h.set_backs.size(),
      ull(held.tested), ull(held.inside), ull(held.older), ull(held.later), ull(held.open), seconds(held.median_width), freed,
      widths.size(), middle, h.sound ? "sound" : h.why_not.c_str());
  for (const history::SetBack& b : h.set_backs)
    std::printf("clock   set back at %llu from %s to %s\n", ull(b.number), to_iso8601(b.from).c_str(), to_iso8601(b.to).c_str());
  CHECK(held.inside + held.older + held.later + held.open == held.tested);
  if (h.sound) CHECK(static_cast<double>(held.later) <= 0.05 * static_cast<double>(held.inside + held.later));
}

// How times of the journal stand to brackets.
struct Against {
  std::size_t inside = 0, earlier = 0, later = 0, open = 0;
  std::uint64_t furthest = 0;  // of those outside, to the bracket
  std::vector<std::uint64_t> widths;
  void see(const Bracket& bracket, FileTime time) {
    if (bracket.earliest && time < *bracket.earliest) {
      ++earlier;
      furthest = std::max(furthest, bracket.earliest->ticks - time.ticks);
    } else if (bracket.latest && time > *bracket.latest) {
      ++later;
      furthest = std::max(furthest, time.ticks - bracket.latest->ticks);
    } else if (!bracket.earliest || !bracket.latest) {
      ++open;
    } else {
      ++inside;
      widths.push_back(bracket.latest->ticks - bracket.earliest->ticks);
    }
  }
  std::size_t all() const { return inside + earlier + later + open; }
  void print(const std::string& what) {
    std::printf("clock %s: %zu compared, %zu inside, %zu earlier, %zu later, %zu open; furthest outside %.3f s; median width %.3f s\n",
                what.c_str(), all(), inside, earlier, later, open, seconds(furthest), median(widths));
  }
};

// Deletions of which both are known: the LSN, and the time that the journal gives. Of a freed FILE record that $J or the log has a delete
// record of; and of a delete record that $LogFile holds, which has an LSN of its own. Each by ticks of other files alone.
// And of creations: the LSN of the log record that made a FILE record, and the creation time in its name, which NTFS took in that operation
// (or carried over from a file of the name that had just gone: then it is earlier).
struct Compared {
  Against records, logged, made;
};
Compared compare(const std::string& name, const Read& read, bool with_log) {
  Compared out;
  std::unordered_map<FileReference, FileTime> deleted;
  std::vector<const Sighting*> in_log;
  const auto see = [&](const Sighting& s) {
    if (!s.has_usn || (s.usn.reason & usn_reason::file_delete) == 0 || s.usn.time == no_time || s.usn.name_inferred) return false;
    FileTime& time = deleted[s.reference];
    time = std::max(time, s.usn.time);
    return true;
  };
  for (const Sighting& s : read.journal) see(s);
  for (const Logged& l : read.log)
    if (see(l.sighting)) in_log.push_back(&l.sighting);
  // Two statements are of one file when they name its reference; what names none is left out where it stands with the deletion's number.
  const auto clock = [&](FileReference reference, std::uint64_t lsn) {
    return clock_of(read, true, with_log, [&](const Sighting& s) {
      return s.lsn == lsn || (s.reference_known && s.reference == reference) || (!s.reference_known && s.record_entry == reference.entry());
    });
  };
  for (const Sighting& s : read.records)
    if (const auto found = deleted.find(s.reference); !s.in_use && found != deleted.end())
      if (const SequenceClock c = clock(s.reference, s.lsn); c.health().sound)
        out.records.see(c.at(s.lsn, s.standard_information.changed), found->second);
  for (const Sighting* s : in_log)
    if (const SequenceClock c = clock(s->reference, s->lsn); c.health().sound) out.logged.see(c.at(s->lsn), s->usn.time);
  for (const Logged& l : read.log) {
    const Sighting& s = l.sighting;
    if (!s.has_record || !s.in_use || l.kind != TickKind::written || s.names.empty() || !s.names.front().has_times) continue;
    if (const SequenceClock c = clock(s.reference, s.lsn); c.health().sound) out.made.see(c.at(s.lsn), s.names.front().times.created);
  }
  if (out.made.all() != 0) out.made.print(name + ", LSNs of logged creations against their names' creation times");
  if (out.records.all() != 0) out.records.print(name + ", freed records against the journal");
  if (out.logged.all() != 0) out.logged.print(name + ", LSNs of logged delete records against their times");
  if (!deleted.empty() && out.records.all() + out.logged.all() == 0)
    std::printf("clock %s: %zu deletions in the journal, none of them can be compared\n", name.c_str(), deleted.size());
  return out;
}

std::vector<ntfs::Volume> volumes_of(const std::string& path) {
  std::vector<ntfs::Volume> out;
  const auto disk = image::open_image({path});
  const auto table = image::read_partitions(*disk.source, disk.sector_size);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  for (const auto& p : table.partitions) places.emplace_back(p.offset, p.size);
  if (places.empty()) places.emplace_back(0, disk.source->size());
  for (const auto& [offset, size] : places)
    if (auto volume = ntfs::open_volume(make_view(disk.source, offset, size))) out.push_back(std::move(*volume));
  return out;
}

Read read_volume(const ntfs::Volume& volume) {
  Read read;
  read_records(volume, read);
  if (const auto log = volume.open_stream(log_entry, data_type, u"")) read_log(*log->bytes, read);
  if (const auto entry = volume.find_usn_journal())
    if (const auto journal = volume.open_stream(entry->entry(), data_type, u"$J")) read_journal(*journal->bytes, read);
  return read;
}

Read read_winxp(const std::string& path) {
  const auto mft = image::open_file(path, 0);
  const auto volume = ntfs::open_mft_artefact(mft.source, nullptr);
  REQUIRE(volume);
  Read read;
  read_records(*volume, read);
  return read;
}

}  // namespace

TEST_CASE("study: the clock of every real $MFT") {
  for (const std::string item : {"mft/mft_winxp.xz", "mft/deleted.mft", "mft/unicode.mft", "mft/slack.mft", "mft/mft_metadata_file.1"}) {
    const std::string path = test::unpacked_data(item);
    if (path.empty()) continue;
    const Read read = read_winxp(path);
    print(item, read, clock_of(read, true, false));
  }
  for (const std::string item :
       {"ntfs-volumes/dftt7-undel-ntfs.dd.xz", "ntfs-volumes/ntfs_index.raw.gz", "ntfs-volumes/ntfs-ptrn.raw.gz",
        "ntfs-volumes/ntfs-ramslack.raw.gz", "ntfs-volumes/ntfs-lastaccess.raw.gz", "ntfs-volumes/usnjrnl-ldm-disk.raw.xz",
        "ntfs-volumes/charlie.dd.bz2", "vhd-windows10/ntfs-fixed.vhd.xz", "vhd-windows10/ntfs-dynamic.vhd.xz",
        "vhd-windows10/ntfs-dynamic.vhdx.xz", "vhd-windows10/ntfs-fixed.vhdx.xz", "vhd-windows10/ntfs-parent.vhd.xz",
        "vhd-windows10/ntfs-parent.vhdx.xz"}) {
    const std::string path = test::unpacked_data(item);
    if (path.empty()) continue;
    for (const ntfs::Volume& volume : volumes_of(path)) {
      const Read read = read_volume(volume);
      print(item, read, clock_of(read, true, false));
      if (!read.log.empty()) print(item + " + log", read, clock_of(read, true, true));
      compare(item, read, false);
      const Compared all = compare(item + " + log", read, true);
      // A delete record's time is taken within the operation that is logged. A time may be taken a moment before it is logged.
      CHECK(std::max({all.records.furthest, all.logged.furthest, all.made.furthest}) <= 10 * ticks_per_second);
    }
  }
}

// Without a volume: the ticks are the log's alone.
TEST_CASE("study: the clock of real logs alone, and the deletions in them") {
  for (const std::string item : {"logfile/LogFile_7.bin", "logfile/LogFile_10.bin"}) {
    const std::string path = test::real_data(item);
    if (path.empty()) continue;
    const auto log = image::open_file(path, 0);
    Read read;
    read_log(*log.source, read);
    print(item, read, clock_of(read, false, true));
    const Compared all = compare(item, read, true);
    CHECK(std::max({all.records.furthest, all.logged.furthest, all.made.furthest}) <= 10 * ticks_per_second);
  }
}

// The other clock. None of these files has a $MFT with the deletions in it, so what is compared is the USN of each delete record, by the
// journal's other records of other files.
TEST_CASE("study: the clock of USNs of real journals, and the deletions in them") {
  for (const std::string item : {"usnjrnl/usnjrnlj.bin", "usnjrnl/go-ntfs-sample.bin", "usnjrnl/usnjrnl_winxp"}) {
    const std::string path = test::real_data(item);
    if (path.empty()) continue;
    Read read;
    read_journal(*image::open_file(path, 0).source, read);
    const auto clock = [&](FileReference left_out) {
      SequenceClock by_lsn, by_usn;
      for (const Sighting& s : read.journal)
        if (s.reference != left_out) history::add_ticks(s, by_lsn, by_usn);
      by_usn.finish({.hold_out_all = true});
      return by_usn;
    };
    const SequenceClock all = clock({});
    print(item, read, all);
    Against against;
    for (const Sighting& s : read.journal)
      if ((s.usn.reason & usn_reason::file_delete) != 0 && s.usn.time != no_time && !s.usn.name_inferred)
        if (const SequenceClock others = clock(s.reference); others.health().sound) against.see(others.at(s.usn.usn), s.usn.time);
    against.print(item + ", delete records against the other files'");
    CHECK(against.furthest <= 10 * ticks_per_second);
  }
}

// Oracle: the journal of the same volume (DFIR-ORC's sample). Of the two deletions in it both records have new owners, so what is compared
// is the last journal time of files in use, each bracket without the file's own tick. A record may be written after its last journal time,
// never before.
TEST_CASE("no real record in use was written, by its LSN's bracket, before the journal's last time of its file") {
  const std::string path = test::unpacked_data("mft/mft_winxp.xz"), journal_path = test::real_data("usnjrnl/usnjrnl_winxp");
  if (path.empty() || journal_path.empty()) return;
  Read read = read_winxp(path);
  read_journal(*image::open_file(journal_path, 1).source, read);
  CHECK(compare("mft_winxp", read, false).records.all() == 0);
  std::unordered_map<FileReference, FileTime> last;
  for (const Sighting& s : read.journal) last[s.reference] = std::max(last[s.reference], s.usn.time);
  Against against;
  for (const Sighting& s : read.records) {
    const auto found = last.find(s.reference);
    if (!s.in_use || found == last.end()) continue;
    const SequenceClock others = clock_of(read, true, false, [&](const Sighting& other) { return other.record_entry == s.record_entry; });
    against.see(others.at(s.lsn), found->second);
  }
  against.print("mft_winxp, last journal times of files in use");
  CHECK(against.all() == 11);
  CHECK(against.later == 0);
}

// The set-back is Windows XP's own: its setup ran in two parts, the first of which took local time for UTC.
TEST_CASE("the clock of a real volume that was set back once is sound and says so") {
  const std::string path = test::unpacked_data("mft/mft_winxp.xz");
  if (path.empty()) return;
  const SequenceClock clock = clock_of(read_winxp(path), true, false);
  const history::ClockHealth& health = clock.health();
  CHECK(health.sound);
  REQUIRE(health.set_backs.size() == 1);
  CHECK(to_iso8601(health.set_backs[0].from).starts_with("2014-07-03T17:07:41"));
  CHECK(to_iso8601(health.set_backs[0].to).starts_with("2014-07-03T15:07:56"));
  CHECK(static_cast<double>(health.held_out.later) < 0.01 * static_cast<double>(health.held_out.inside + health.held_out.later));
}
