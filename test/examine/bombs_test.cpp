// Small inputs that claim much: each is examined in a process of its own, whose time and memory are measured, and limited in case.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>

#include "examine/opened.hpp"
#include "fixtures/mini_volume.hpp"

namespace {

using namespace trimcarve;
using test::mini_cluster;
using test::mini_reference;
using test::mini_root;
using test::MiniRecord;
using test::MiniVolume;
using test::Octets;
using test::RunBytes;

constexpr double most_seconds = 20;                // the machine may be loaded
constexpr rlim_t address_space = rlim_t{4} << 30;  // of which the libraries' mappings take some
constexpr long most_mib = 512;

Examination examine_disk(SourcePtr disk, const std::function<void(Request&)>& change = {}) {
  Request request;
  request.image = {"bomb"};
  request.targets = {"custom-script", "\\"};
  request.free_space = false;
  if (change) change(request);
  image::OpenedImage opened;
  opened.info.path = "bomb";
  opened.info.size = disk->size();
  opened.source = std::move(disk);
  return examine_opened(request, std::move(opened));
}

SourcePtr disk_of(const MiniVolume& volume, ExtentKind rest = ExtentKind::hole) {
  const std::uint64_t size = std::max<std::uint64_t>(volume.bytes.size(), volume.clusters() * mini_cluster) + 512;
  return std::make_shared<test::BigDisk>(volume.bytes, size, rest);
}

const FileReport* find(const Examination& e, std::u16string_view path) {
  const auto at = std::ranges::find_if(e.files, [&](const FileReport& f) { return f.path == path; });
  return at == e.files.end() ? nullptr : &*at;
}

// Runs `body` in a child; it returns whether what it found is right. Time and memory are held against the bounds.
void bounded(const char* name, const std::function<bool()>& body) {
  std::fflush(stdout);
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit limit{address_space, address_space};
    ::setrlimit(RLIMIT_AS, &limit);
    ::alarm(60);
    int code = 3;
    try {
      code = body() ? 0 : 1;
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", name, error.what());
      code = 2;
    }
    std::fflush(stdout);
    ::_exit(code);
  }
  int status = 0;
  rusage usage{};
  REQUIRE(::wait4(child, &status, 0, &usage) == child);
  const double seconds = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%-52s %6.2f s of processor, %6.2f s, %4ld MiB\n", name, seconds, wall, usage.ru_maxrss / 1024);
  CHECK_MESSAGE(WIFEXITED(status), name);
  CHECK_MESSAGE(WEXITSTATUS(status) == 0, name);
  CHECK_MESSAGE(seconds < most_seconds, name);
  CHECK_MESSAGE(usage.ru_maxrss / 1024 < most_mib, name);
}

}  // namespace

TEST_CASE("directories that are their own ancestors have no path through themselves") {
  bounded("cyclic directories", [] {
    MiniVolume volume(64, 1024, 1024);
    volume.set(24, MiniRecord{.attributes = {}}.named(mini_reference(25), u"a", true));
    volume.set(25, MiniRecord{.attributes = {}}.named(mini_reference(24), u"b", true));
    volume.set(26, MiniRecord{.attributes = {}}.named(mini_reference(26), u"self", true));
    volume.set(27, MiniRecord{.attributes = {}}.named(mini_reference(24), u"inside.txt").with(0x80, MiniRecord::resident(0x80, Octets(5))));
    const Examination e = examine_disk(disk_of(volume));
    const auto inside = std::ranges::find_if(e.files, [](const FileReport& f) { return f.name == u"inside.txt"; });
    return inside != e.files.end() && !inside->path_known;
  });
}

TEST_CASE("records that are each other's base, and attribute lists that name each other, end") {
  bounded("cyclic base references and attribute lists", [] {
    MiniVolume volume(64, 1024, 1024);
    for (std::uint64_t entry = 24; entry < 40; ++entry) {
      MiniRecord record{.base = mini_reference(entry % 2 == 0 ? entry + 1 : entry - 1), .attributes = {}};
      Octets list;
      for (std::uint64_t other = 24; other < 40; ++other)
        std::ranges::copy(MiniRecord::list_entry(0x80, mini_reference(other)), std::back_inserter(list));
      volume.set(entry, record.with(0x20, MiniRecord::resident(0x20, list)));
    }
    MiniRecord own{.attributes = {}};
    Octets list = MiniRecord::list_entry(0x80, mini_reference(40));
    volume.set(40, own.named(mini_root, u"itself.txt").with(0x20, MiniRecord::resident(0x20, list)));
    const Examination e = examine_disk(disk_of(volume));
    return find(e, u"\\itself.txt") != nullptr;
  });
}

// 60 extension records of 64 KiB, each with some 17,000 runs of one cluster.
TEST_CASE("a run list of a million runs is read") {
  bounded("a run list of a million runs", [] {
    constexpr std::uint64_t extents = 60, each = 17000;
    MiniVolume volume(24 + 1 + extents, 65536, 1 << 18);
    Octets list;
    for (std::uint64_t i = 0; i < extents; ++i) {
      MiniRecord record{.base = mini_reference(24), .attributes = {}};
      RunBytes runs;
      for (std::uint64_t n = 0; n < each; ++n) runs.add(1, static_cast<std::int64_t>(2048 + 2 * ((i * each + n) % 100000)));
      volume.set(25 + i, record.with(0x80, MiniRecord::runs(0x80, runs, extents * each * mini_cluster, i * each)));
      std::ranges::copy(MiniRecord::list_entry(0x80, mini_reference(25 + i), i * each), std::back_inserter(list));
    }
    volume.set(24, MiniRecord{.attributes = {}}.named(mini_root, u"pieces.bin").with(0x20, MiniRecord::resident(0x20, list)));
    const Examination e = examine_disk(disk_of(volume));
    const FileReport* file = find(e, u"\\pieces.bin");
    return file != nullptr && file->size == extents * each * mini_cluster;
  });
}

TEST_CASE("files of 2^40 clusters, sparse, beyond the volume or over and over the same clusters, cost no more than the volume") {
  for (const int kind : {0, 1, 2, 3})
    bounded(kind == 0   ? "2^40 clusters, sparse"
            : kind == 1 ? "2^40 clusters, beyond the volume"
            : kind == 2 ? "2^32 clusters of a volume as large"
                        : "the volume's clusters 200 times",
            [kind] {
              MiniVolume volume(64, 4096, kind == 2 ? std::uint64_t{1} << 32 : 8192);
              RunBytes runs;
              if (kind == 0) runs.add(std::uint64_t{1} << 40, -1);
              if (kind == 1) runs.add(std::uint64_t{1} << 40, 100);
              if (kind == 2) runs.add((std::uint64_t{1} << 32) - 1000, 500);
              if (kind == 3)
                for (int i = 0; i < 100; ++i) runs.add(8000, 100), runs.add(8000, 101);
              const std::uint64_t size = runs.clusters() * mini_cluster;
              for (std::uint64_t entry = 24; entry < 34; ++entry) {
                MiniRecord record{.flags = static_cast<std::uint16_t>(entry % 2), .sequence = 2, .attributes = {}};
                volume.set(entry, record.named(mini_root, u"large" + std::u16string(1, static_cast<char16_t>(u'a' + entry - 24)))
                                      .with(0x80, MiniRecord::runs(0x80, runs, size)));
              }
              const Examination e = examine_disk(disk_of(volume));
              const FileReport* live = find(e, u"\\largeb");
              return live != nullptr && live->size == size &&
                     std::ranges::count_if(e.files, [](const FileReport& f) { return f.name.starts_with(u"large"); }) == 10;
            });
}

TEST_CASE("an $MFT that claims 2^32 records, or the same clusters over and over, is read as far as it is one") {
  for (const int kind : {0, 1, 2})
    bounded(kind == 0   ? "$MFT of 2^32 records, sparse"
            : kind == 1 ? "$MFT of 2^32 records, in a hole"
                        : "$MFT of the same clusters 150 times",
            [kind] {
              MiniVolume volume(64, 4096, kind == 1 ? (std::uint64_t{1} << 32) + 100000 : 8192);
              volume.set(24, MiniRecord{.attributes = {}}.named(mini_root, u"there.txt").with(0x80, MiniRecord::resident(0x80, Octets(7))));
              RunBytes runs;
              runs.add(64, 4);
              if (kind == 0) runs.add((std::uint64_t{1} << 32) - 64, -1);
              if (kind == 1) runs.add((std::uint64_t{1} << 32) - 64, 1000);
              if (kind == 2)
                for (int i = 0; i < 75; ++i) runs.add(8000, 100), runs.add(8000, 101);
              volume.set_mft(runs, runs.clusters() * mini_cluster);
              if (kind == 2) {
                // Every cluster holds a record.
                const Octets record(volume.bytes.begin() + (4 + 24) * 4096, volume.bytes.begin() + (4 + 25) * 4096);
                volume.bytes.resize(8192 * mini_cluster);
                for (std::size_t at = 100 * mini_cluster; at < volume.bytes.size(); at += mini_cluster)
                  std::ranges::copy(record, volume.bytes.begin() + static_cast<std::ptrdiff_t>(at));
              }
              const Examination e = examine_disk(disk_of(volume), [](Request& r) { r.targets = {"custom-script", "\\there.txt"}; });
              return find(e, u"\\there.txt") != nullptr && (kind != 2 || !e.complete);
            });
}

// Units of 16 clusters of which one is stored: each gives 64 KiB of zeros (chunks of LZNT1 that copy one byte 4095 times), from one place.
TEST_CASE("compressed files that become far larger than the volume are not unpacked without end") {
  bounded("LZNT1: 200 files of 100 units of one cluster", [] {
    MiniVolume volume(300, 1024, 8192);
    Octets chunk;
    for (int i = 0; i < 16; ++i)
      for (const int byte : {0x03, 0xB0, 0x02, 0x00, 0xFC, 0x0F}) chunk.push_back(static_cast<std::byte>(byte));
    volume.bytes.resize(200 * mini_cluster + mini_cluster);
    std::ranges::copy(chunk, volume.bytes.begin() + 200 * mini_cluster);
    RunBytes runs;
    for (int i = 0; i < 100; ++i) runs.add(1, 200), runs.add(15, -1);
    for (std::uint64_t entry = 24; entry < 224; ++entry)
      volume.set(entry, MiniRecord{.attributes = {}}
                            .named(mini_root, u"c" + std::u16string(1, static_cast<char16_t>(u'\u0100' + entry)))
                            .with(0x80, MiniRecord::runs(0x80, runs, runs.clusters() * mini_cluster, 0, 4)));
    const Examination e = examine_disk(disk_of(volume));
    return e.files.size() > 200;
  });
}

TEST_CASE("with a memory limit the examination ends early, says where, and is not complete") {
  bounded("100,000 records with a limit of 160 MiB", [] {
    MiniVolume volume(100024, 1024, 65536);
    for (std::uint64_t entry = 24; entry < 100024; ++entry) {
      const std::string number = std::to_string(entry);
      volume.set(entry, MiniRecord{.attributes = {}}.named(mini_root,
                                                           u"a file with a longer name " + std::u16string(number.begin(), number.end())));
    }
    const SourcePtr disk = disk_of(volume);
    volume.bytes = {};
    const Examination e = examine_disk(disk, [](Request& r) { r.max_memory = std::uint64_t{160} << 20; });
    const bool told = std::ranges::any_of(e.warnings, [](const Warning& w) { return w.code == "memory_limit"; });
    return told && !e.complete && e.files.size() < 100000;
  });
}
