// A small volume for tests of content: mkntfs's, in memory, with clusters filled by hand.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>

#include "history/content.hpp"
#include "history/sightings.hpp"

namespace trimcarve::test {

inline constexpr std::uint64_t cluster = 4096;

class Disk final : public ByteSource {
 public:
  std::vector<std::byte> bytes;
  std::vector<Extent> special;  // in order

  std::uint64_t size() const noexcept override { return bytes.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes, offset, out.size())) return fail("past the end");
    for (const Extent& e : special)
      if (e.kind == ExtentKind::unreadable && e.offset < offset + out.size() && offset < e.offset + e.length) return fail("bad sector");
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> out;
    const std::uint64_t end = std::min<std::uint64_t>(offset + length, bytes.size());
    for (std::uint64_t at = offset; at < end;) {
      const auto here = std::ranges::find_if(special, [&](const Extent& e) { return at < e.offset + e.length; });
      const bool inside = here != special.end() && here->offset <= at;
      const std::uint64_t next = std::min(end, here == special.end() ? end : inside ? here->offset + here->length : here->offset);
      out.push_back({at, next - at, inside ? here->kind : ExtentKind::data});
      at = next;
    }
    return out;
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return {{disk_space, offset, length}}; }
};

// Nothing when mkntfs is not installed.
inline std::optional<std::vector<std::byte>> make_volume() {
  const auto path = std::filesystem::temp_directory_path() / ("content_test_" + std::to_string(std::random_device{}()) + ".img");
  std::ofstream(path).close();
  std::filesystem::resize_file(path, 16 << 20);
  const std::string command = "PATH=$PATH:/usr/sbin:/sbin; mkntfs -q -F -Q -c 4096 '" + path.string() + "' >/dev/null 2>&1";
  const bool made = std::system(command.c_str()) == 0;
  std::vector<std::byte> out;
  if (made) {
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::ranges::transform(text, std::back_inserter(out), [](char c) { return static_cast<std::byte>(c); });
  }
  std::filesystem::remove(path);
  return made ? std::optional(std::move(out)) : std::nullopt;
}

struct SmallVolume {
  std::shared_ptr<Disk> disk = std::make_shared<Disk>();
  std::optional<ntfs::Volume> volume;
  history::Graph graph{ntfs::UpCase(), 64};
  std::uint64_t free = 0;  // the first of many free clusters
  bool bitmap_lags = false;
  std::uint64_t left = 1 << 20;

  bool ready() {
    static const auto bytes = make_volume();  // once: every test gets a copy
    if (!bytes) {
      MESSAGE("skipped: mkntfs is not installed");
      return false;
    }
    disk->bytes = *bytes;
    volume = std::move(*ntfs::open_volume(disk));
    for (auto run = volume->bitmap().next_free(0); run; run = volume->bitmap().next_free(run->lcn + run->clusters))
      if (run->clusters > 200) free = run->lcn;
    REQUIRE(free != 0);
    return true;
  }
  void fill(std::uint64_t lcn, std::uint64_t clusters, unsigned char value = 0xA5) {
    std::fill_n(disk->bytes.begin() + static_cast<std::ptrdiff_t>(lcn * cluster), clusters * cluster, std::byte{value});
  }
  // A record that claims clusters.
  void claim(FileReference reference, bool in_use, std::uint64_t lcn, std::uint64_t clusters, std::uint64_t lsn) {
    Sighting s = record(reference, in_use, false, {{u"other", root}});
    s.runs.push_back({0, static_cast<std::int64_t>(lcn), clusters});
    s.streams.push_back({.run_count = 1});
    graph.add(s);
    lsns[static_cast<std::uint32_t>(reference.entry())] = lsn;
  }
  std::map<std::uint32_t, std::uint64_t> lsns;
  std::map<std::uint32_t, FileTime> created;

  StreamReport judge(const history::StreamPieces& stream, bool live = false, std::uint64_t lsn = 50, FileTime own_created = no_time) {
    graph.finish();
    std::vector<history::Claim> wanted;
    for (const RunFact& run : stream.runs)
      if (run.lcn >= 0)
        wanted.push_back(
            {static_cast<std::uint64_t>(run.lcn), static_cast<std::uint32_t>(std::min<std::uint64_t>(run.clusters, 1 << 30)), 0});
    const history::ClusterOwners owners(graph, std::move(wanted));
    const history::ContentContext context{&*volume, owners,
                                          [this](std::uint32_t entry) {
                                            if ((entry & history::log_claim_bit) != 0)
                                              return history::Owner{.lsn = graph.log_claims()[entry & ~history::log_claim_bit].lsn};
                                            return history::Owner{.live = graph.record(entry) != nullptr && graph.record(entry)->in_use,
                                                                  .lsn = lsns[entry],
                                                                  .created = created[entry]};
                                          },
                                          [](std::uint32_t entry) { return std::to_string(entry); }, &left};
    return history::judge_stream(
        context, {.reference = ref(40, 1), .live = live, .lsn = lsn, .created = own_created, .bitmap_lags = bitmap_lags}, stream);
  }
};

inline history::StreamPieces plain(std::vector<RunFact> runs, std::uint64_t size) {
  history::StreamPieces stream;
  stream.first_extent_seen = true;
  stream.size = stream.valid_size = size;
  stream.runs = std::move(runs);
  return stream;
}

inline std::vector<RunState> states(const StreamReport& report) {
  std::vector<RunState> out;
  for (const RunReport& run : report.runs) out.push_back(run.state);
  return out;
}

}  // namespace trimcarve::test
