#include "carvers/free_space.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <vector>

#include "carvers/byte_tests.hpp"
#include "carvers/facts.hpp"
#include "carvers/log_pages.hpp"
#include "ntfs/usn_record.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::carvers {

namespace {

constexpr std::size_t sector = 512;
constexpr std::size_t block_size = 65536;                   // looked at at once: stays in the processor's first cache
constexpr std::size_t chunk_size = std::size_t{256} << 10;  // read at once: stays in its second
constexpr std::size_t zero_unit = 4096;
constexpr std::size_t behind = ScriptText::longest;  // what a window holds beyond a chunk with data, so that a text ends in it
constexpr std::size_t before = zero_unit;            // and before it: the padding of a journal's page, the first characters of a text
constexpr std::size_t page = 4096;
constexpr std::uint64_t progress_step = std::uint64_t{4} << 20;
constexpr std::size_t event_chunk_size = 65536;
constexpr std::uint64_t largest_hive = std::uint64_t{512} << 20;

bool name_readable(ntfs::Units name) noexcept {
  for (std::size_t i = 0; i < name.size(); ++i)
    if (name[i] < 0x20 || name[i] == u'/' || name[i] == u'\\' || name[i] == u':') return false;
  return !name.empty();
}

// A stretch of the source in memory, that grows and moves on. Its room begins on a page: 16 bytes behind one, where malloc puts large
// pieces, some processors copy at half the speed.
class Window {
 public:
  Window() : room_(static_cast<std::byte*>(::operator new(capacity, std::align_val_t{page}))) {}
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() { ::operator delete(room_, std::align_val_t{page}); }

  std::uint64_t begin() const noexcept { return begin_; }
  std::uint64_t end() const noexcept { return begin_ + size_; }
  ByteView bytes() const noexcept { return {room_, size_}; }
  ByteView from(std::uint64_t offset) const noexcept { return bytes().subspan(static_cast<std::size_t>(offset - begin_)); }

  void restart(std::uint64_t begin) noexcept { begin_ = begin, size_ = 0; }
  // Forgets what lies before `begin`. Precondition: begin() <= begin <= end().
  void move_to(std::uint64_t begin) noexcept {
    size_ = static_cast<std::size_t>(end() - begin);
    std::memmove(room_, room_ + (begin - begin_), size_);
    begin_ = begin;
  }
  // Room for the bytes up to `end`, to be filled: where they go. Precondition: end - begin() <= capacity.
  std::span<std::byte> grow(std::uint64_t end) noexcept {
    const std::size_t old = size_;
    size_ = static_cast<std::size_t>(end - begin_);
    return {room_ + old, size_ - old};
  }

  static constexpr std::size_t capacity = before + chunk_size + behind;

 private:
  std::byte* room_;
  std::size_t size_ = 0;
  std::uint64_t begin_ = 0;
};

class Pass {
 public:
  Pass(const ByteSource& source, std::span<const Stretch> stretches, const FreeSpaceOptions& options, const CandidateSink& sink)
      : source_(source), stretches_(stretches), options_(options), sink_(sink) {}

  FreeSpaceTally run() {
    for (const Stretch& s : stretches_) tally_.bytes += s.length;
    for (index_ = 0; index_ < stretches_.size() && !tally_.stopped; ++index_) {
      const Stretch& stretch = stretches_[index_];
      for (const Extent& extent : source_.extents(stretch.offset, stretch.length)) {
        if (extent.kind == ExtentKind::data) {
          data(extent.offset, extent.offset + extent.length);
          if (tally_.stopped) break;
        } else {
          (extent.kind == ExtentKind::unreadable ? tally_.unreadable : tally_.holes) += extent.length;
          done_ += extent.length;
        }
      }
    }
    if (options_.progress && !tally_.stopped) options_.progress(tally_.bytes, tally_.bytes);
    return tally_;
  }

 private:
  void emit(CandidateKind kind, std::uint64_t offset, std::uint64_t length, const TextFragment* text = nullptr) {
    sink_({kind, offset, length, index_, text});
  }

  void data(std::uint64_t begin, std::uint64_t end) {
    end_ = end;
    text_until_ = begin;
    zero_before_ = begin;
    held_.reset();
    usn_until_ = 0;
    window_.restart(begin);
    unread_.clear();
    std::uint64_t told = begin;
    for (std::uint64_t at = begin; at < end;) {
      if (options_.progress && (at == begin || at - told >= progress_step)) {
        told = at;
        if (!options_.progress(done_, tally_.bytes)) {
          tally_.stopped = true;
          return;
        }
      }
      const std::uint64_t chunk_end = std::min<std::uint64_t>(end, (at / chunk_size + 1) * chunk_size);
      keep_from(at - std::min<std::uint64_t>(at - begin, before));
      read_to(chunk_end);
      tally_.unreadable += unread_in(at, chunk_end);
      if (all_zero(window_.from(at).first(static_cast<std::size_t>(chunk_end - at)))) {
        zeros(at, chunk_end);
      } else {
        read_to(std::min<std::uint64_t>(end, chunk_end + behind));
        chunk(at, chunk_end);
      }
      done_ += chunk_end - at;
      at = chunk_end;
    }
    drop_held();
  }

  void keep_from(std::uint64_t begin) {
    window_.move_to(begin);
    std::erase_if(unread_, [begin](const Unread& u) { return u.offset + u.length <= begin; });
  }

  void read_to(std::uint64_t end) {
    const std::uint64_t at = window_.end();
    if (at < end) read_tolerant(source_, at, window_.grow(end), unread_);
  }

  void chunk(std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t at = begin; at < end;) {
      const std::uint64_t block_end = std::min<std::uint64_t>(end, (at / block_size + 1) * block_size);
      block(at, block_end);
      at = block_end;
    }
  }

  void zeros(std::uint64_t begin, std::uint64_t end) {
    tally_.zeros += end - begin - unread_in(begin, end);
    zero_before_ = end;
  }

  // Bytes that could not be read: they stand as zeros in the window, and are neither zeros nor data.
  std::uint64_t unread_in(std::uint64_t begin, std::uint64_t end) const {
    std::uint64_t bytes = 0;
    for (const Unread& u : unread_) {
      const std::uint64_t from = std::max(u.offset, begin), to = std::min(u.offset + u.length, end);
      if (from < to) bytes += to - from;
    }
    return bytes;
  }

  // Runs of units that are not zero, each searched.
  void block(std::uint64_t begin, std::uint64_t end) {
    std::uint64_t open = end;
    for (std::uint64_t at = begin; at < end;) {
      const std::uint64_t next = std::min<std::uint64_t>(end, (at / zero_unit + 1) * zero_unit);
      if (all_zero(window_.from(at).first(static_cast<std::size_t>(next - at)))) {
        if (open != end) search(open, at);
        open = end;
        zeros(at, next);
      } else if (open == end) {
        open = at;
      }
      at = next;
    }
    if (open != end) search(open, end);
  }

  void search(std::uint64_t begin, std::uint64_t end) {
    tally_.data += end - begin - unread_in(begin, end);
    for (std::uint64_t at = (begin + sector - 1) / sector * sector; at + 8 <= end; at += sector) signature(at);
    journal(begin, end);
    if (options_.text != nullptr) text(begin, end);
  }

  void signature(std::uint64_t at) {
    const ByteView bytes = window_.from(at);
    const auto is = [&](const char* text, std::size_t size) { return std::memcmp(bytes.data(), text, size) == 0; };
    switch (std::to_integer<char>(bytes[0])) {
      case 'F':
        if (is("FILE", 4)) structure(CandidateKind::file_record, at, 28, 0, options_.record_size, tally_.file_records);
        break;
      case 'I':
        if (is("INDX", 4)) structure(CandidateKind::index_block, at, 32, 24, options_.index_block_size, tally_.index_blocks);
        break;
      case 'R':
        if (is("RCRD", 4)) structure(CandidateKind::log_page, at, 0, 0, log_page_size(bytes).value_or(4096), tally_.log_pages);
        break;
      case 'E':
        if (is("ElfChnk", 8)) {
          ++tally_.event_chunks;
          emit(CandidateKind::event_chunk, at, std::min<std::uint64_t>(event_chunk_size, end_ - at));
        }
        break;
      case 'r':
        if (is("regf", 4)) hive(at, 40, 4096, CandidateKind::hive, tally_.hives);
        break;
      case 'h':
        if (is("hbin", 4)) hive(at, 8, 0, CandidateKind::hive_bin, tally_.hive_bins);
        break;
      default: break;
    }
  }

  // `size_at`: where its size stands, less `and_more`; 0: it is `usual`.
  void structure(CandidateKind kind, std::uint64_t at, std::size_t size_at, std::uint32_t and_more, std::uint32_t usual,
                 std::uint64_t& count) {
    const auto stored = size_at == 0 ? std::nullopt : try_le<std::uint32_t>(window_.from(at), size_at);
    const std::uint32_t size = stored && *stored < 0xFFFF'0000 ? usable_size(*stored + and_more, usual) : usual;
    if (size > end_ - at) {
      ++tally_.cut;
      return;
    }
    ++count;
    emit(kind, at, size);
  }

  // Sizes count from 4 KiB: of a whole hive behind its first page.
  void hive(std::uint64_t at, std::size_t size_at, std::uint64_t and_more, CandidateKind kind, std::uint64_t& count) {
    const auto stored = try_le<std::uint32_t>(window_.from(at), size_at);
    if (!stored || *stored == 0 || *stored % 4096 != 0 || *stored > largest_hive) return;
    ++count;
    emit(kind, at, std::min<std::uint64_t>(*stored + and_more, end_ - at));
  }

  // A record stands each at a multiple of 8. Those that follow each other, with rising USNs, vouch for each other.
  void journal(std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t at = std::max((begin + 7) / 8 * 8, usn_until_); at + 8 <= end;) {
      const ByteView bytes = window_.from(at);
      if (at % sector == 0 && at + sector <= end && !may_hold_journal_record(bytes.first(sector))) {
        at += sector;
        continue;
      }
      // Length below 1 KiB and a multiple of 8, minor version 0, major version 2 to 4: nearly nothing else passes.
      const auto head = le<std::uint64_t>(bytes, 0);
      if ((head & 0xFFFF'FFF8'FFFF'FC07ULL) != 0 || head >> 32 < 2 || head >> 32 > 4 || (head & 0x3F8) < ntfs::min_usn_record) {
        at += 8;
        continue;
      }
      const auto length = static_cast<std::uint64_t>(head & 0x3F8);
      if (length > end_ - at) {
        if (usn_until_ == at) ++tally_.cut;
        at += 8;
        continue;
      }
      const auto record = ntfs::decode_usn_record(bytes.first(static_cast<std::size_t>(length)));
      if (!record) {
        at += 8;
        continue;
      }
      take(at, *record);
      at += record->length;
      usn_until_ = at;
    }
  }

  struct Held {
    std::uint64_t offset = 0, length = 0, usn = 0;
    bool sound = false;  // it passes for itself
    bool version_4 = false;
  };

  void take(std::uint64_t at, const ntfs::UsnRecord& record) {
    // Windows pads the rest of a page with zeros when the next record does not fit.
    const bool follows = last_usn_end_ != 0 && last_usn_ < record.usn && at >= last_usn_end_ && at - last_usn_end_ <= zero_unit &&
                         all_zero_between(last_usn_end_, at);
    if (follows && held_) {
      emit_usn(*held_);
      held_.reset();
    } else {
      drop_held();
    }
    const Held now{at, record.length, record.usn, sound(record), record.version == 4};
    last_usn_ = record.usn;
    last_usn_end_ = at + record.length;
    if (follows)
      emit_usn(now);
    else
      held_ = now;
  }

  bool all_zero_between(std::uint64_t from, std::uint64_t to) const {
    return from >= window_.begin() && all_zero(window_.from(from).first(static_cast<std::size_t>(to - from)));
  }

  // What a record without a neighbour must be besides: of files that $MFT has room for, with a name Windows gives.
  bool sound(const ntfs::UsnRecord& record) const {
    return !record.wide_reference && reference_possible(record.reference) && reference_possible(record.parent) &&
           name_readable(record.name) && record.usn != 0 && (record.attributes & ~0x00FF'FFFFU) == 0 &&
           (options_.records == 0 || (record.reference.entry() < options_.records && record.parent.entry() < options_.records));
  }

  void emit_usn(const Held& held) {
    ++tally_.usn_records;
    if (held.version_4) ++tally_.usn_version_4;
    emit(CandidateKind::usn_record, held.offset, held.length);
  }

  void drop_held() {
    if (!held_) return;
    if (held_->sound)
      emit_usn(*held_);
    else
      ++tally_.usn_alone;
    held_.reset();
  }

  // The zeros before a run are no part of a text.
  void text(std::uint64_t begin, std::uint64_t end) {
    if (text_until_ >= end) return;
    const std::uint64_t low = std::max({window_.begin(), zero_before_, text_until_});
    const auto inside = [this](std::uint64_t offset) { return static_cast<std::size_t>(offset - window_.begin()); };
    const std::size_t done =
        options_.text->search(window_.bytes(), inside(begin), inside(end), inside(low), static_cast<std::size_t>(options_.grain),
                              static_cast<std::size_t>(window_.begin() % options_.grain), [this](const TextFragment& fragment) {
                                ++tally_.texts;
                                emit(CandidateKind::text, window_.begin() + fragment.offset, fragment.length, &fragment);
                              });
    text_until_ = window_.begin() + done;
  }

  const ByteSource& source_;
  const std::span<const Stretch> stretches_;
  const FreeSpaceOptions& options_;
  const CandidateSink& sink_;
  FreeSpaceTally tally_;
  std::size_t index_ = 0;
  std::uint64_t done_ = 0, end_ = 0;  // end of the extent in hand
  Window window_;
  std::vector<Unread> unread_;
  std::uint64_t text_until_ = 0, zero_before_ = 0;
  std::uint64_t usn_until_ = 0, last_usn_ = 0, last_usn_end_ = 0;
  std::optional<Held> held_;
};

}  // namespace

std::string_view to_string(StretchKind kind) noexcept {
  switch (kind) {
    case StretchKind::free_clusters: return "free_clusters";
    case StretchKind::file_slack: return "file_slack";
    case StretchKind::allocated: return "allocated";
    case StretchKind::outside: return "outside";
  }
  return "unknown";
}

FreeSpaceTally search_free_space(const ByteSource& source, std::span<const Stretch> stretches, const FreeSpaceOptions& options,
                                 const CandidateSink& sink) {
  return Pass(source, stretches, options, sink).run();
}

}  // namespace trimcarve::carvers
