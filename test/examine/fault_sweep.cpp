// Breaks the metadata of a disk, one sector at a time, and examines it each time: the run ends, what could not be read is told, and what
// lies elsewhere still comes back. Prints a table: structure, fault, what was lost, what still came back.
//
//   fault_sweep IMAGE[.xz] [EVERY] [--list]     every EVERY-th sector of each structure (1); --list: each loss and what it was
//
// What must hold, for each fault F of a range R:
//   1. examine() returns, within `longest`; it does not throw.
//   2. Where R cannot be read, or the disk shrank: a report that differs from the whole disk's is not complete (exit code 1).
//   3. A file of the whole disk's report that no structure in R speaks of is in the report again, with each content that came from
//      elsewhere: lost contents of it are "collateral", and there are none.
// A turned bit may change a name or a time, which carry no checksum: then 2 cannot hold.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "examine/opened.hpp"
#include "fixtures/failing_source.hpp"
#include "image/partitions.hpp"
#include "ntfs/attribute.hpp"
#include "ntfs/volume.hpp"
#include "trimcarve/text.hpp"

namespace {

using namespace trimcarve;
using test::Failure;
using test::Fault;

constexpr std::uint64_t sector = 512;
const std::string journal_record = "$MFT, $UsnJrnl's record";
constexpr auto longest = std::chrono::seconds(10);

std::vector<std::byte> load(const std::string& path) {
  std::vector<std::byte> bytes;
  const bool packed = path.ends_with(".xz");
  std::FILE* file = packed ? ::popen(("xz -dc '" + path + "'").c_str(), "r") : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return bytes;
  std::vector<std::byte> piece(1 << 20);
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file))
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
  packed ? ::pclose(file) : std::fclose(file);
  // The footer of a fixed VHD is no part of the disk.
  if (bytes.size() > sector && std::memcmp(bytes.data() + bytes.size() - sector, "conectix", 8) == 0) bytes.resize(bytes.size() - sector);
  return bytes;
}

Examination examine_with(ByteView disk, const Failure& failure, bool free_space) {
  Request request;
  request.targets = {"custom-script", "\\"};
  request.free_space = free_space;
  image::OpenedImage opened;
  opened.source = std::make_shared<test::FailingSource>(disk, failure);
  opened.info.path = "disk";
  opened.info.container = "raw";
  opened.info.size = disk.size();
  request.image = {"disk"};
  return examine_opened(request, std::move(opened));
}

// What of a report is compared.
struct Digest {
  struct File {
    std::string label;
    std::set<std::string> contents;  // SHA-256 of what came back
    std::string facts;
    std::map<std::string, std::vector<Range>> from;  // by content: where its bytes lie
    std::vector<Range> ranges;                       // of everything cited
  };
  std::map<std::uint64_t, File> files;  // by reference
  std::string rest;                     // verdicts, findings
  std::string verdict;
  std::size_t warnings = 0;
  bool complete = true;
};

Digest digest(const Examination& e) {
  Digest d;
  d.warnings = e.warnings.size();
  d.complete = e.complete;
  for (const TargetReport& t : e.targets) d.rest += fmt::format("{} {}\n", t.target, to_string(t.verdict));
  if (!e.targets.empty()) d.verdict = to_string(e.targets.front().verdict);
  for (const Finding& f : e.findings)
    d.rest +=
        fmt::format("{} {} {} {}\n", f.statement, to_string(f.grade), f.earliest ? f.earliest->ticks : 0, f.latest ? f.latest->ticks : 0);
  for (const FileReport& f : e.files) {
    if (!f.reference_known) continue;
    Digest::File& file = d.files[f.reference.value];
    file.label = to_utf8(f.path) + " (" + std::string(to_string(f.state)) + ")";
    file.facts += to_utf8(f.path) + std::string(to_string(f.state)) + std::string(to_string(f.path_grade));
    if (f.deleted && f.deleted->bounds.earliest) file.facts += std::to_string(f.deleted->bounds.earliest->ticks);
    if (f.deleted && f.deleted->bounds.latest) file.facts += "-" + std::to_string(f.deleted->bounds.latest->ticks);
    for (const StreamReport& s : f.streams) {
      file.facts += std::string(to_string(s.state)) + std::to_string(s.size);
      for (const RecoveredPart& p : s.parts) {
        if (f.reference.entry() < 24) continue;  // NTFS's own files are the structures
        file.contents.insert(p.sha256);
        file.from[p.sha256] = p.ranges;
      }
    }
    for (const std::uint32_t s : f.sightings) std::ranges::copy(e.sightings[s].ranges, std::back_inserter(file.ranges));
  }
  return d;
}

bool touches(const std::vector<Range>& ranges, std::uint64_t offset, std::uint64_t length) {
  return std::ranges::any_of(
      ranges, [&](const Range& r) { return r.space == disk_space && r.offset < offset + length && offset < r.offset + r.length; });
}

struct Spot {
  std::string structure;
  std::uint64_t offset = 0, length = 0;
};

// Every sector of the metadata, by what it holds.
std::vector<Spot> metadata(const SourcePtr& disk) {
  std::vector<Spot> places;
  std::set<std::uint64_t> seen;
  const auto add = [&](const std::string& structure, const std::vector<Range>& ranges) {
    for (const Range& r : ranges)
      for (std::uint64_t at = r.offset / sector * sector; at < r.offset + r.length; at += sector)
        if (seen.insert(at).second) places.push_back({structure, at, sector});
  };
  add("partition table", {{disk_space, 0, sector}});
  for (const image::Partition& partition : image::read_partitions(*disk).partitions) {
    const SourcePtr bytes = make_view(disk, partition.offset, partition.size);
    const auto volume = ntfs::open_volume(bytes);
    if (!volume) continue;
    add("boot sector", bytes->locate(0, sector));
    add("backup boot sector", bytes->locate(volume->geometry().volume_size, sector));
    const auto data = [&](std::uint64_t entry, std::u16string_view name = u"") {
      const auto stream = volume->open_stream(entry, ntfs::attribute_type::data, name);
      return stream && !stream->resident ? stream->bytes->locate(0, stream->size) : std::vector<Range>{};
    };
    add("$MFTMirr", data(1));
    const auto journal = volume->find_usn_journal();
    std::vector<std::byte> buffer(volume->record_size());
    for (std::uint64_t entry = 0; entry < volume->record_count(); ++entry) {
      const auto where = volume->mft()->locate(entry * volume->record_size(), volume->record_size());
      ntfs::FileRecord record;
      const auto fix = volume->read_record(entry, buffer);
      if (!fix || !ntfs::FileRecord::decode(buffer, *fix, record)) continue;
      const auto& header = record.header();
      const std::string kind = journal && entry == journal->entry() ? journal_record
                               : entry == 0                         ? "$MFT, record 0"
                               : entry < 16                         ? "$MFT, records 1 to 15"
                               : header.in_use()                    ? header.directory() ? "$MFT, directory in use" : "$MFT, file in use"
                               : header.directory()                 ? "$MFT, deleted directory"
                                                                    : "$MFT, deleted file";
      add(kind, where);
      if (const auto index = volume->open_stream(entry, ntfs::attribute_type::index_allocation, u"$I30"); index && header.in_use())
        add("index blocks", index->bytes->locate(0, index->size));
    }
    add("$Bitmap", data(6));
    add("$UpCase", data(10));
    // Pages of $LogFile with something in them.
    std::vector<Range> pages;
    for (const Range& r : data(2))
      for (std::uint64_t at = r.offset; at + sector <= r.offset + r.length; at += sector) {
        std::vector<std::byte> page(sector);
        if (disk->read_at(at, page) && std::ranges::adjacent_find(page, std::ranges::not_equal_to()) != page.end())
          pages.push_back({disk_space, at, sector});
      }
    add("$LogFile", pages);
    if (journal) {
      add("$UsnJrnl:$J", data(journal->entry(), u"$J"));
      add("$UsnJrnl:$Max", data(journal->entry(), u"$Max"));
    }
  }
  return places;
}

struct Row {
  std::uint64_t runs = 0, incomplete = 0, silent = 0, same = 0, verdict_changed = 0, refused = 0, slow = 0;
  std::uint64_t files_lost = 0, most_files = 0, contents_lost = 0, most_contents = 0, collateral = 0;
};

class Sweep {
 public:
  // With free_space: clusters that are of no file that is known are searched, too.
  Sweep(ByteView disk, bool list)
      : disk_(disk), list_(list), whole_(digest(examine_with(disk, {}, false))), searched_(digest(examine_with(disk, {}, true))) {}

  const Digest& whole() const { return whole_; }

  void run(const std::string& structure, const std::string& fault_name, const Failure& failure, bool free_space) {
    Row row{.runs = 1};
    std::string notes;
    const auto begin = std::chrono::steady_clock::now();
    try {
      const Digest now = digest(examine_with(disk_, failure, free_space));
      compare(now, free_space ? searched_ : whole_, failure, row, notes);
    } catch (const std::exception& error) {
      row.refused = 1;
      notes += fmt::format("  refused: {}\n", error.what());
    }
    row.slow = std::chrono::steady_clock::now() - begin > longest ? 1 : 0;
    const std::lock_guard lock(mutex_);
    Row& sum = rows_[{structure, fault_name}];
    sum.runs += row.runs, sum.incomplete += row.incomplete, sum.silent += row.silent, sum.same += row.same;
    sum.verdict_changed += row.verdict_changed, sum.refused += row.refused, sum.slow += row.slow;
    sum.files_lost += row.files_lost, sum.contents_lost += row.contents_lost, sum.collateral += row.collateral;
    sum.most_files = std::max(sum.most_files, row.files_lost), sum.most_contents = std::max(sum.most_contents, row.contents_lost);
    const bool failed_read = failure.fault == Fault::unreadable || failure.fault == Fault::shrunk;
    const bool bad = row.refused != 0 || row.slow != 0 || row.collateral != 0 || (row.silent != 0 && failed_read);
    if (bad) ++failures_;
    if (bad || (list_ && !notes.empty()))
      std::printf("%s: %s, %s at %llu, bit %u, %llu reads\n%s", bad ? "FAILED" : "note", structure.c_str(), fault_name.c_str(),
                  static_cast<unsigned long long>(failure.offset), failure.bit, static_cast<unsigned long long>(failure.reads),
                  notes.c_str());
  }

  // Returns how many faults broke a rule.
  std::uint64_t print() const {
    std::printf("%-26s %-11s %5s %6s %6s %6s %8s %7s %12s %12s %10s\n", "structure", "fault", "runs", "told", "silent", "same", "verdict",
                "refused", "files lost", "contents", "collateral");
    for (const auto& [key, r] : rows_)
      std::printf("%-26s %-11s %5llu %6llu %6llu %6llu %8llu %7llu %6llu (%3llu) %6llu (%3llu) %10llu\n", key.first.c_str(),
                  key.second.c_str(), static_cast<unsigned long long>(r.runs), static_cast<unsigned long long>(r.incomplete),
                  static_cast<unsigned long long>(r.silent), static_cast<unsigned long long>(r.same),
                  static_cast<unsigned long long>(r.verdict_changed), static_cast<unsigned long long>(r.refused),
                  static_cast<unsigned long long>(r.files_lost), static_cast<unsigned long long>(r.most_files),
                  static_cast<unsigned long long>(r.contents_lost), static_cast<unsigned long long>(r.most_contents),
                  static_cast<unsigned long long>(r.collateral));
    return failures_;
  }

 private:
  void compare(const Digest& now, const Digest& whole, const Failure& failure, Row& row, std::string& notes) const {
    const std::uint64_t length = failure.fault == Fault::shrunk ? disk_.size() - failure.offset : failure.length;
    bool same = now.rest == whole.rest;
    for (const auto& [reference, file] : whole.files) {
      const auto found = now.files.find(reference);
      if (found == now.files.end()) {
        same = false;
        ++row.files_lost;
        const bool touched = touches(file.ranges, failure.offset, length);
        if (!touched) ++row.collateral;
        notes += fmt::format("  lost: {}{}\n", file.label, touched ? "" : " (which nothing there speaks of)");
      } else {
        same = same && found->second.facts == file.facts;
      }
      for (const std::string& content : file.contents) {
        if (found != now.files.end() && found->second.contents.contains(content)) continue;
        ++row.contents_lost;
        const bool touched = touches(file.ranges, failure.offset, length) || touches(file.from.at(content), failure.offset, length);
        if (!touched && found != now.files.end()) ++row.collateral;
        notes += fmt::format("  content lost: {}{}\n", file.label, touched ? "" : " (which nothing there speaks of)");
      }
    }
    same = same && now.files.size() == whole.files.size();
    if (now.verdict != whole.verdict) row.verdict_changed = 1, notes += fmt::format("  verdict {}, was {}\n", now.verdict, whole.verdict);
    const bool failed_read = failure.fault == Fault::unreadable || failure.fault == Fault::shrunk;
    const bool told = !now.complete || (!failed_read && now.warnings > whole.warnings);
    if (told) row.incomplete = 1;
    if (same && !told) row.same = 1;
    if (!same && !told) {
      row.silent = 1;
      notes += "  the report differs, and nothing says so\n";
      for (const auto& [reference, file] : now.files) {
        const auto was = whole.files.find(reference);
        if (was == whole.files.end() || was->second.facts != file.facts) notes += fmt::format("  now: {}\n", file.label);
      }
      if (now.rest != whole.rest) notes += "  the findings differ\n";
    }
  }

  ByteView disk_;
  bool list_;
  Digest whole_, searched_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Row> rows_;
  std::uint64_t failures_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::vector<std::byte> disk = load(argv[1]);
  const std::uint64_t every = argc > 2 ? std::max(1ULL, std::strtoull(argv[2], nullptr, 10)) : 1;
  if (disk.empty()) return std::printf("%s cannot be read\n", argv[1]), 1;
  Sweep sweep(disk, argc > 3);
  const auto places = metadata(std::make_shared<test::FailingSource>(disk, Failure{}));
  std::printf("%zu sectors of metadata; %zu files, verdict %s\n", places.size(), sweep.whole().files.size(), sweep.whole().verdict.c_str());

  struct Job {
    std::string structure, name;
    Failure failure;
  };
  std::vector<Job> jobs;
  std::map<std::string, std::uint64_t> counted;
  std::uint64_t random = 0x9E3779B97F4A7C15;  // the same faults in every run
  const auto next = [&random] {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    return random;
  };
  for (const Spot& place : places) {
    const std::uint64_t byte = next() % sector;
    const auto bit = static_cast<std::uint8_t>(next() % 8);
    if (counted[place.structure]++ % every != 0) continue;
    jobs.push_back({place.structure, "unreadable", {Fault::unreadable, place.offset, place.length, 0, 0}});
    jobs.push_back({place.structure, "bit", {Fault::flipped, place.offset + byte, 1, bit, 0}});
    if (counted[place.structure] % (8 * every) != 1) continue;
    jobs.push_back({place.structure, "hole", {Fault::hole, place.offset, place.length, 0, 0}});
    jobs.push_back({place.structure, "zeros", {Fault::data_zeroed, place.offset, place.length, 0, 0}});
  }
  for (int i = 0; i < 48; ++i) jobs.push_back({"the disk", "shrinks", {Fault::shrunk, next() % disk.size(), 0, 0, next() % 2000}});

  std::atomic<std::size_t> at = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back([&] {
      for (std::size_t j = at++; j < jobs.size(); j = at++)
        sweep.run(jobs[j].structure, jobs[j].name, jobs[j].failure, jobs[j].structure == journal_record);
    });
  for (std::thread& thread : threads) thread.join();
  return sweep.print() == 0 ? 0 : 1;
}
