#include "witness/hive_bins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "trimcarve/bytes.hpp"
#include "witness/hive_carve.hpp"
#include "witness/hive_cells.hpp"
#include "witness/hive_rules.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::uint64_t step = 512;
constexpr std::uint64_t most_run = std::uint64_t{64} << 20;  // of bins that are read together: memory

struct Bin {
  std::uint32_t offset = 0, size = 0;  // in the hive
};

std::optional<Bin> bin_at(const ByteSource& source, std::uint64_t at) {
  std::array<std::byte, bin_header_size> head{};
  if (!fits(source.size(), at, head.size()) || !source.read_at(at, head)) return std::nullopt;
  const std::uint32_t offset = le<std::uint32_t>(head, 4);
  const auto size = offset % bin_unit == 0 ? decode_bin_size(head, offset) : std::nullopt;
  if (!size || *size > no_cell - offset) return std::nullopt;
  return Bin{offset, *size};
}

class BinReader {
 public:
  BinReader(const ByteSource& bins, const StatementSink& sink) : bins_(bins), sink_(sink) {}

  Tally read() {
    for (const Extent& extent : bins_.extents(0, bins_.size()))
      if (extent.kind == ExtentKind::data) stretch(extent.offset, extent.offset + extent.length);
    if (runs_ == 0) {
      tally_.readable = false;
      tally_.note = "no bin of a registry hive";
    } else {
      tally_.note = fmt::format(
          "{} bins without their hive's first page, in {} stretches; {} keys of interest, with as much of their paths "
          "as lies there",
          bins_read_, runs_, keys_);
    }
    return std::move(tally_);
  }

 private:
  void stretch(std::uint64_t at, std::uint64_t end) {
    while (at < end) {
      const auto first = bin_at(bins_, at);
      if (!first) {
        at += step;
        continue;
      }
      std::uint64_t stop = at + first->size, next = std::uint64_t{first->offset} + first->size;
      while (stop < end && stop - at < most_run) {
        const auto bin = bin_at(bins_, stop);
        if (!bin || bin->offset != next) break;
        stop += bin->size;
        next += bin->size;
      }
      run(at, std::min(stop, end), first->offset);
      at = stop;
    }
  }

  void run(std::uint64_t begin, std::uint64_t end, std::uint32_t first_bin) {
    ++runs_;
    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(end - begin, most_run)));
    std::vector<Unread> unread;
    read_tolerant(bins_, begin, bytes, unread);
    for (const Unread& u : unread) tally_.gaps.add(u.offset, u.length, carvers::GapKind::unreadable);
    const StatementSink give = [&](const Statement& statement) {
      scratch_ = statement;
      scratch_.offset += begin;
      scratch_.carved = true;
      ++tally_.emitted;
      sink_(scratch_);
    };
    HiveCarveOptions options;
    options.first_bin = first_bin;
    options.wanted = [&](const KeyPath& path, bool rooted, bool, std::uint64_t) {
      ++tally_.records;
      return topic_of(path, rooted) != Topic::none;
    };
    options.key = [&](const HiveKey& key) {
      ++keys_;
      tally_.window.see(key.last_write);
      tally_.damaged += state_key(key, HiveKind::unknown, stated_, give).damaged;
    };
    options.loose_value = [&](const HiveValue& value, std::uint64_t offset, std::uint64_t length) {
      state_loose_value(value, offset, length, HiveKind::unknown, stated_, give);
    };
    options.free_space = [&](std::uint64_t offset, ByteView free) { state_free_space(free, offset, HiveKind::unknown, stated_, give); };
    const HiveCarveTally carved = carve_hive(bytes, options);
    bins_read_ += carved.bins;
    tally_.damaged += carved.damaged;
  }

  const ByteSource& bins_;
  const StatementSink& sink_;
  Statement scratch_, stated_;
  Tally tally_;
  std::uint64_t runs_ = 0, bins_read_ = 0, keys_ = 0;
};

}  // namespace

Tally read_hive_bins(const ByteSource& bins, const StatementSink& sink) { return BinReader(bins, sink).read(); }

}  // namespace trimcarve::witness
