// The clock on every $MFT of the real data: what the hold-out says, and how the brackets stand to what change journals say. Prints a table.
// What vouches: of the hold-out, the volume's own records; of the rest, the times in $UsnJrnl:$J, which no bracket of LSNs uses.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "carvers/record_pass.hpp"
#include "carvers/usn_journal.hpp"
#include "history/sequence_clock.hpp"
#include "image/open.hpp"
#include "image/partitions.hpp"
#include "ntfs/volume.hpp"
#include "real_data.hpp"

using namespace trimcarve;

namespace {

struct Read {
  history::SequenceClock by_lsn, by_usn;
  std::vector<Sighting> freed, in_use;  // whole records with times
};

void read_records(const ntfs::Volume& volume, Read& out) {
  carvers::RecordPassOptions options;
  options.record_size = volume.record_size();
  carvers::carve_records(*volume.mft(), options, [&](const Sighting& s) {
    if (s.source != SourceKind::mft) return;
    history::add_ticks(s, out.by_lsn, out.by_usn);
    if (s.has_standard_information && !s.base_is_elsewhere && s.lsn != 0) (s.in_use ? out.in_use : out.freed).push_back(s);
  });
  out.by_lsn.finish({.hold_out_all = true});
}

double seconds(std::uint64_t ticks) { return static_cast<double>(ticks) / static_cast<double>(ticks_per_second); }

void print(const std::string& name, const Read& read) {
  const history::ClockHealth& h = read.by_lsn.health();
  std::vector<std::uint64_t> widths;
  for (const Sighting& s : read.freed)
    if (const history::Bracket b = read.by_lsn.at(s.lsn, s.standard_information.changed); b.earliest && b.latest)
      widths.push_back(b.latest->ticks - b.earliest->ticks);
  std::ranges::sort(widths);
  std::printf(
      "clock %-22s ticks %6llu chain %6llu older %5llu later %3llu doubtful %3llu back %zu | held out %6llu inside %6llu older %5llu later "
      "%3llu "
      "open %2llu median %.3f s | freed %zu, bracketed %zu, median %.3f s | %s\n",
      name.c_str(), static_cast<unsigned long long>(h.ticks), static_cast<unsigned long long>(h.tally.on_chain),
      static_cast<unsigned long long>(h.tally.older), static_cast<unsigned long long>(h.tally.later),
      static_cast<unsigned long long>(h.tally.doubtful), h.set_backs.size(), static_cast<unsigned long long>(h.held_out.tested),
      static_cast<unsigned long long>(h.held_out.inside), static_cast<unsigned long long>(h.held_out.older),
      static_cast<unsigned long long>(h.held_out.later), static_cast<unsigned long long>(h.held_out.open), seconds(h.held_out.median_width),
      read.freed.size(), widths.size(), widths.empty() ? 0 : seconds(widths[widths.size() / 2]), h.sound ? "sound" : h.why_not.c_str());
  for (const history::SetBack& b : h.set_backs)
    std::printf("clock   set back at %llu from %s to %s\n", static_cast<unsigned long long>(b.number), to_iso8601(b.from).c_str(),
                to_iso8601(b.to).c_str());
}

}  // namespace

TEST_CASE("study: the clock of every real $MFT") {
  for (const std::string item : {"mft/mft_winxp.xz", "mft/deleted.mft", "mft/unicode.mft", "mft/slack.mft", "mft/mft_metadata_file.1"}) {
    const std::string path = test::unpacked_data(item);
    if (path.empty()) continue;
    const auto mft = image::open_file(path, 0);
    const auto volume = ntfs::open_mft_artefact(mft.source, nullptr);
    REQUIRE(volume);
    Read read;
    read_records(*volume, read);
    print(item, read);
  }
  for (const std::string item :
       {"ntfs-volumes/dftt7-undel-ntfs.dd.xz", "ntfs-volumes/ntfs_index.raw.gz", "ntfs-volumes/ntfs-ptrn.raw.gz",
        "ntfs-volumes/ntfs-ramslack.raw.gz", "ntfs-volumes/ntfs-lastaccess.raw.gz", "ntfs-volumes/usnjrnl-ldm-disk.raw.xz",
        "ntfs-volumes/charlie.dd.bz2", "vhd-windows10/ntfs-fixed.vhd.xz", "vhd-windows10/ntfs-dynamic.vhd.xz",
        "vhd-windows10/ntfs-dynamic.vhdx.xz", "vhd-windows10/ntfs-fixed.vhdx.xz", "vhd-windows10/ntfs-parent.vhd.xz"}) {
    const std::string path = test::unpacked_data(item);
    if (path.empty()) continue;
    const auto disk = image::open_image({path});
    const auto table = image::read_partitions(*disk.source, disk.sector_size);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
    for (const auto& p : table.partitions) places.emplace_back(p.offset, p.size);
    if (places.empty()) places.emplace_back(0, disk.source->size());
    for (const auto& [offset, size] : places) {
      const auto volume = ntfs::open_volume(make_view(disk.source, offset, size));
      if (!volume) continue;
      Read read;
      read_records(*volume, read);
      print(item, read);
    }
  }
}

// Oracle: the journal of the same volume (DFIR-ORC's sample). Of the two deletions in it both records have new owners, so what is compared
// is the last journal time of files in use, each bracket without the file's own tick. A record may be written after its last journal time,
// never before.
TEST_CASE("no real record in use was written, by its LSN's bracket, before the journal's last time of its file") {
  const std::string path = test::unpacked_data("mft/mft_winxp.xz"), journal_path = test::real_data("usnjrnl/usnjrnl_winxp");
  if (path.empty() || journal_path.empty()) return;
  const auto mft = image::open_file(path, 0), journal = image::open_file(journal_path, 1);
  const auto volume = ntfs::open_mft_artefact(mft.source, nullptr);
  REQUIRE(volume);
  std::unordered_map<FileReference, FileTime> last;
  carvers::carve_usn_journal(*journal.source, {}, [&](const Sighting& s) { last[s.reference] = std::max(last[s.reference], s.usn.time); });
  Read read;
  read_records(*volume, read);
  std::size_t inside = 0, earlier = 0, contradicted = 0;
  for (const Sighting& s : read.in_use) {
    const auto found = last.find(s.reference);
    if (found == last.end()) continue;
    history::SequenceClock others, ignored;
    for (const auto* list : {&read.in_use, &read.freed})
      for (const Sighting& other : *list)
        if (other.record_entry != s.record_entry) history::add_ticks(other, others, ignored);
    others.finish();
    const history::Bracket bracket = others.at(s.lsn);
    if (bracket.latest && found->second > *bracket.latest)
      ++contradicted;
    else
      ++(bracket.earliest && found->second < *bracket.earliest ? earlier : inside);
  }
  std::printf("clock mft_winxp against its journal: %zu last journal times inside their LSN's bracket, %zu earlier, %zu later\n", inside,
              earlier, contradicted);
  CHECK(inside + earlier + contradicted == 11);
  CHECK(contradicted == 0);
}

// The set-back is Windows XP's own: its setup ran in two parts, the first of which took local time for UTC.
TEST_CASE("the clock of a real volume that was set back once is sound and says so") {
  const std::string path = test::unpacked_data("mft/mft_winxp.xz");
  if (path.empty()) return;
  const auto mft = image::open_file(path, 0);
  const auto volume = ntfs::open_mft_artefact(mft.source, nullptr);
  REQUIRE(volume);
  Read read;
  read_records(*volume, read);
  const history::ClockHealth& health = read.by_lsn.health();
  CHECK(health.sound);
  REQUIRE(health.set_backs.size() == 1);
  CHECK(to_iso8601(health.set_backs[0].from).starts_with("2014-07-03T17:07:41"));
  CHECK(to_iso8601(health.set_backs[0].to).starts_with("2014-07-03T15:07:56"));
  CHECK(static_cast<double>(health.held_out.later) < 0.01 * static_cast<double>(health.held_out.inside + health.held_out.later));
}
