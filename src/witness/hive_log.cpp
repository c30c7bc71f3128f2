#include "witness/hive_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <optional>
#include <span>

namespace trimcarve::witness {

namespace {

constexpr std::uint64_t most_log = std::uint64_t{512} << 20;  // bytes of a log that are read
// How much more than the hive and its logs hold it may have. It grows by bins, all of which its logs hold; only one that was cut short, or
// whose other log is missing, has a hole.
constexpr std::uint64_t most_hole = std::uint64_t{64} << 20;
constexpr std::uint32_t page_unit = 512;
constexpr std::uint32_t old_log = 1, oldest_log = 2, new_log = 6;

bool starts_with(ByteView bytes, std::uint64_t at, const char (&signature)[5]) {
  return fits(bytes, at, 4) && std::memcmp(bytes.data() + at, signature, 4) == 0;
}

// The pages of the entry at `at`; a reason when it is none that Windows would apply.
Result<LogEntry> decode_entry(ByteView log, std::uint64_t at) {
  constexpr std::uint32_t header = 40;
  if (!fits(log, at, header) || !starts_with(log, at, "HvLE")) return fail("no entry");
  LogEntry entry;
  entry.offset = at;
  entry.length = le<std::uint32_t>(log, at + 4);
  entry.sequence = le<std::uint32_t>(log, at + 12);
  entry.bins_size = le<std::uint32_t>(log, at + 16);
  const auto count = le<std::uint32_t>(log, at + 20);
  if (entry.length < header || entry.length % page_unit != 0 || !fits(log, at, entry.length)) return fail("its size is impossible");
  const ByteView bytes = log.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(entry.length));
  if (le<std::uint64_t>(bytes, 32) != hive_log_hash(bytes.first(32)) ||
      le<std::uint64_t>(bytes, 24) != hive_log_hash(bytes.subspan(header)))
    return fail("its hash is wrong");
  if (entry.bins_size % bin_unit != 0) return fail("its hive size is impossible");
  if (count > (entry.length - header) / 8) return fail("its pages do not fit");
  std::uint64_t data = header + std::uint64_t{count} * 8;
  entry.pages.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto offset = le<std::uint32_t>(bytes, header + std::uint64_t{i} * 8);
    const auto length = le<std::uint32_t>(bytes, header + std::uint64_t{i} * 8 + 4);
    if (length == 0 || !fits(entry.length, data, length) || !fits(entry.bins_size, offset, length)) return fail("its pages do not fit");
    entry.pages.push_back({base_block_size + std::uint64_t{offset}, at + data, length});
    data += length;
  }
  return entry;
}

void decode_entries(ByteView log, HiveLog& out) {
  std::uint32_t expected = out.base.primary;
  for (std::uint64_t at = base_block_head; at < log.size();) {
    auto entry = decode_entry(log, at);
    if (!entry) {
      // Behind the last entry zeros or nothing is normal.
      if (starts_with(log, at, "HvLE")) out.stopped = fmt::format("entry at {}: {}", at, entry.error().what);
      return;
    }
    if (entry->sequence != expected) {
      out.stopped = fmt::format("entry at {}: sequence {} instead of {}", at, entry->sequence, expected);
      return;
    }
    ++expected;
    at += entry->length;
    out.entries.push_back(*std::move(entry));
  }
}

// One bit for each 512 bytes of the bins, then the pages whose bit is set, each area at the start of a sector.
Result<void> decode_dirty_pages(ByteView log, HiveLog& out) {
  const std::uint64_t sector = std::uint64_t{page_unit} * out.base.sectors;
  if (out.base.primary != out.base.secondary) return fail("it was being written");
  if (out.base.sectors == 0 || out.base.sectors > 8 || !starts_with(log, sector, "DIRT")) return fail("no dirty vector");
  if (out.base.bins_size == 0 || out.base.bins_size % bin_unit != 0) return fail("its hive size is impossible");
  const std::uint64_t bits = out.base.bins_size / page_unit, bitmap = sector + 4;
  if (!fits(log, bitmap, bits / 8)) return fail("its dirty vector is cut short");
  LogEntry entry{out.base.primary, out.base.bins_size, sector, 0, {}};
  std::uint64_t data = (bitmap + bits / 8 + sector - 1) / sector * sector;
  for (std::uint64_t bit = 0; bit < bits; ++bit) {
    if ((static_cast<unsigned>(log[bitmap + bit / 8]) >> (bit % 8) & 1U) == 0) continue;
    if (!fits(log, data, page_unit)) return fail("its pages are cut short");
    const std::uint64_t place = base_block_size + bit * page_unit;
    LogPage* last = entry.pages.empty() ? nullptr : &entry.pages.back();
    if (last != nullptr && last->hive_offset + last->length == place)
      last->length += page_unit;
    else
      entry.pages.push_back({place, data, page_unit});
    data += page_unit;
  }
  entry.length = std::min<std::uint64_t>(data, log.size()) - entry.offset;
  out.entries.push_back(std::move(entry));
  return {};
}

std::vector<std::byte> read_whole(const ByteSource& file) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(file.size(), most_log)));
  std::vector<Unread> unread;  // zeros in a log fail its hashes, or are no log at all
  read_tolerant(file, 0, bytes, unread);
  return bytes;
}

// The hive with pieces of logs laid over it, behind a base block in memory.
class Overlay final : public ByteSource {
 public:
  // `head_at` in `head_from`: where the base block was read.
  Overlay(SourcePtr hive, std::array<std::byte, base_block_head> head, SourcePtr head_from)
      : hive_(std::move(hive)), head_(head), head_from_(std::move(head_from)), size_(hive_->size()) {
    pieces_[0] = {hive_, 0, size_};
    lay(0, {head_from_, 0, base_block_head});
  }

  void lay(std::uint64_t at, const LogPage& page, const SourcePtr& log) { lay(at, {log, page.log_offset, page.length}); }
  // Grows the hive. A log may also shrink it; what lies behind its new end stays readable.
  void grow(std::uint64_t size) {
    if (size <= size_) return;
    pieces_[size_] = {nullptr, 0, size - size_};
    size_ = size;
  }

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end of the hive");
    std::size_t done = 0;
    Result<void> result;
    each(offset, out.size(), [&](const Piece& part, std::uint64_t at) {
      const auto length = static_cast<std::size_t>(part.length);
      if (result && at + length <= base_block_head)
        std::memcpy(out.data() + done, head_.data() + at, length);
      else if (result)
        result = part.source ? part.source->read_at(part.offset, out.subspan(done, length)) : fail("neither in the hive nor in a log");
      done += length;
    });
    return result;
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> out;
    if (offset >= size_) return out;
    const auto add = [&out](std::uint64_t at, std::uint64_t size, ExtentKind kind) {
      if (!out.empty() && out.back().kind == kind)
        out.back().length += size;
      else
        out.push_back({at, size, kind});
    };
    each(offset, std::min(length, size_ - offset), [&](const Piece& part, std::uint64_t at) {
      if (at + part.length <= base_block_head) return add(at, part.length, ExtentKind::data);
      if (!part.source) return add(at, part.length, ExtentKind::unreadable);
      for (const Extent& e : part.source->extents(part.offset, part.length)) add(at + (e.offset - part.offset), e.length, e.kind);
    });
    return out;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Range> out;
    if (offset >= size_) return out;
    each(offset, std::min(length, size_ - offset), [&](const Piece& part, std::uint64_t) {
      if (!part.source) return;
      for (const Range& r : part.source->locate(part.offset, part.length)) {
        if (!out.empty() && out.back().space == r.space && out.back().offset + out.back().length == r.offset)
          out.back().length += r.length;
        else
          out.push_back(r);
      }
    });
    return out;
  }

 private:
  struct Piece {
    SourcePtr source;  // null: these bytes lie nowhere
    std::uint64_t offset = 0, length = 0;
  };

  // Pieces are split at `at` and at its end, and those between replaced.
  void lay(std::uint64_t at, Piece piece) {
    const std::uint64_t end = at + piece.length;
    grow(end);
    split(at);
    split(end);
    pieces_.erase(pieces_.lower_bound(at), pieces_.lower_bound(end));
    pieces_[at] = std::move(piece);
  }
  void split(std::uint64_t at) {
    auto after = pieces_.upper_bound(at);
    if (after == pieces_.begin()) return;
    auto& [begin, piece] = *std::prev(after);
    const std::uint64_t first = at - begin;
    if (first == 0 || first >= piece.length) return;
    pieces_[at] = {piece.source, piece.offset + first, piece.length - first};
    piece.length = first;
  }

  template <class F>
  void each(std::uint64_t offset, std::uint64_t length, F&& use) const {
    auto at = std::prev(pieces_.upper_bound(offset));
    while (length > 0) {
      const auto& [begin, piece] = *at++;
      const std::uint64_t skip = offset - begin, part = std::min(length, piece.length - skip);
      use(Piece{piece.source, piece.offset + skip, part}, offset);
      offset += part;
      length -= part;
    }
  }

  SourcePtr hive_;
  std::array<std::byte, base_block_head> head_;
  SourcePtr head_from_;
  std::uint64_t size_;
  std::map<std::uint64_t, Piece> pieces_;  // by offset in the hive, without gaps
};

struct Candidate {
  SourcePtr file;
  std::string_view name;
  HiveLog log;
};

// What Windows does: of new logs both, the earlier entries first; with a damaged base block only the one with the latest entries. Of old
// logs the first whose time is the hive's: the base block's, or, when that is damaged, its own or the first bin's.
std::vector<const Candidate*> choose(const std::vector<Candidate>& logs, const std::optional<BaseBlock>& base, FileTime bins_time) {
  std::vector<const Candidate*> chosen;
  for (const Candidate& c : logs)
    if (c.log.has_entries) chosen.push_back(&c);
  std::ranges::stable_sort(chosen, {}, [](const Candidate* c) { return c->log.entries.front().sequence; });
  const bool base_good = base && base->checksum_good;
  if (!chosen.empty()) {
    if (!base_good) chosen.erase(chosen.begin(), std::prev(chosen.end()));
    return chosen;
  }
  for (const Candidate& c : logs)
    if (!c.log.has_entries &&
        ((base && c.log.base.last_written == base->last_written) || (!base_good && c.log.base.last_written == bins_time)))
      return {&c};
  return {};
}

}  // namespace

std::uint64_t hive_log_hash(ByteView bytes) noexcept {
  std::uint32_t low = 0x7A4E55C5, high = 0x82EF4D88;
  const auto mix = [&](std::uint32_t word) {
    low += word;
    high ^= low;
    low = std::rotl(low, 20) + high;
    high = std::rotl(high, 9) ^ low;
    low = std::rotl(low, 27) + high;
    high = std::rotl(high, 19);
  };
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) mix(le<std::uint32_t>(bytes, at));
  std::uint32_t last = 0x80;
  for (std::size_t i = bytes.size(); i > at; --i) last = last << 8 | static_cast<std::uint32_t>(bytes[i - 1]);
  mix(last);
  mix(0);
  return std::uint64_t{high} << 32 | low;
}

Result<HiveLog> decode_hive_log(ByteView log) {
  const auto base = decode_base_block(log);
  if (!base) return fail("no base block");
  if (!base->checksum_good) return fail("its base block is damaged");
  HiveLog out;
  out.base = *base;
  if (base->type == new_log) {
    out.has_entries = true;
    decode_entries(log, out);
  } else if (base->type == old_log || base->type == oldest_log) {
    if (auto pages = decode_dirty_pages(log, out); !pages) return std::unexpected(pages.error());
  } else {
    return fail("it is no transaction log");
  }
  return out;
}

HiveWithLogs apply_hive_logs(const SourcePtr& hive, const SourcePtr& log1, const SourcePtr& log2) {
  HiveWithLogs out{hive, false, 0, 0, {}};
  std::array<std::byte, base_block_head> head{};
  std::array<std::byte, bin_header_size> bin{};
  std::optional<BaseBlock> base;
  if (hive->read_at(0, head)) base = decode_base_block(head);
  if (base && !base->dirty()) return out;
  out.dirty = true;
  FileTime bins_time;  // a copy of the base block's
  if (hive->read_at(base_block_size, bin) && decode_bin_size(bin, 0)) bins_time.ticks = le<std::uint64_t>(bin, 20);

  std::vector<Candidate> logs;
  std::string refused;
  for (const auto& [file, name] : {std::pair{log1, "LOG1"}, std::pair{log2, "LOG2"}}) {
    if (!file || file->size() == 0) continue;
    auto log = decode_hive_log(read_whole(*file));
    if (!log)
      refused += fmt::format("; {}: {}", name, log.error().what);
    else if (log->entries.empty())
      refused += fmt::format("; {}: {}", name, log->stopped.empty() ? "no entries" : log->stopped);
    else
      logs.push_back({file, name, *std::move(log)});
  }
  const std::vector<const Candidate*> chosen = choose(logs, base, bins_time);

  // A damaged base block is taken from the log; the rest of it is set as Windows leaves it after recovery.
  const bool base_good = base && base->checksum_good;
  SourcePtr head_from = hive;
  if (!base_good && !chosen.empty()) {
    head_from = chosen.back()->file;
    if (!head_from->read_at(0, head)) return out;
    base = chosen.back()->log.base;
  }
  out.note =
      !base_good ? "the hive's base block is damaged" : fmt::format("the hive was being written ({}/{})", base->primary, base->secondary);
  if (!base) {  // not even a log's
    out.note += chosen.empty() && !log1 && !log2 ? "; no log" : "; no log that could help" + refused;
    return out;
  }

  const auto put = [&head](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) head[at + i] = static_cast<std::byte>(value >> (8 * i));
  };
  std::uint32_t bins_size = base->bins_size, sequence = base->primary;
  std::vector<std::pair<const Candidate*, const LogEntry*>> entries;
  std::optional<std::uint32_t> last;
  for (const Candidate* c : chosen) {
    std::uint64_t used = 0;
    const std::uint32_t begin = c->log.entries.front().sequence;
    for (const LogEntry& entry : c->log.entries) {
      // Sequence numbers run on without a gap, from one log to the next too; older entries are in the hive already.
      if (c->log.has_entries && (last ? entry.sequence != *last + 1 : base_good && entry.sequence < base->secondary)) {
        if (last && entry.sequence <= *last) continue;
        break;
      }
      entries.emplace_back(c, &entry);
      ++used;
      last = sequence = entry.sequence;
      bins_size = entry.bins_size;
    }
    if (used > 0) out.note += fmt::format("; {}: {} entr{} from {} on", c->name, used, used == 1 ? "y" : "ies", begin);
    if (!c->log.stopped.empty()) out.note += fmt::format(" ({})", c->log.stopped);
  }
  std::uint64_t most_size = hive->size() + most_hole;
  for (const auto& [candidate, entry] : entries)
    for (const LogPage& page : entry->pages) most_size += page.length;
  const std::uint64_t stated = bins_size, possible = (most_size - base_block_size) / bin_unit * bin_unit;
  if (!entries.empty()) bins_size = static_cast<std::uint32_t>(std::min(stated, possible));
  put(4, sequence);
  put(8, sequence);
  put(28, 0);
  put(40, bins_size);
  put(508, base_block_checksum(head));

  const auto overlay = std::make_shared<Overlay>(hive, head, head_from);
  std::uint64_t left_out = 0;
  for (const auto& [candidate, entry] : entries) {
    overlay->grow(std::min(base_block_size + std::uint64_t{entry->bins_size}, most_size));
    for (const LogPage& page : entry->pages) {
      if (!fits(most_size, page.hive_offset, page.length)) {
        ++left_out;
        continue;
      }
      overlay->lay(page.hive_offset, page, candidate->file);
      ++out.pages;
    }
    ++out.entries;
  }
  out.note += entries.empty() ? (log1 || log2 ? "; nothing in its logs could be applied" : "; no log was given")
                              : fmt::format("; {} page{} laid over it in memory", out.pages, out.pages == 1 ? "" : "s");
  if (bins_size < stated) out.note += fmt::format("; {} of the {} bytes that they say it has lie nowhere", stated - possible, stated);
  if (left_out > 0) out.note += fmt::format("; {} page{} far behind its end left out", left_out, left_out == 1 ? "" : "s");
  out.note += refused;
  out.hive = overlay;
  return out;
}

}  // namespace trimcarve::witness
