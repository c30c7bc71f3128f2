#include "witness/log_lines.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "witness/plain_text.hpp"
#include "witness/witness.hpp"

namespace trimcarve::witness {

namespace {

using carvers::GapKind;

constexpr std::size_t chunk_size = std::size_t{1} << 20;
constexpr std::size_t shortest_zeros = 16;  // fewer NULs are left in their line; no text of UTF-16 holds as many
constexpr std::size_t npos = std::string::npos;

class LineReader {
 public:
  LineReader(const ByteSource& file, carvers::GapList& gaps, const std::function<void(const Line&)>& on_line,
             const std::function<void()>& on_gap)
      : file_(file), gaps_(gaps), on_line_(on_line), on_gap_(on_gap) {}

  void run() {
    std::vector<std::byte> chunk;
    std::vector<Unread> unread;
    for (std::uint64_t at = 0; at < file_.size();) {
      chunk.resize(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_size, file_.size() - at)));
      unread.clear();
      read_tolerant(file_, at, chunk, unread);
      const std::string_view bytes(reinterpret_cast<const char*>(chunk.data()), chunk.size());
      std::size_t begin = at == 0 ? mark_length(bytes) : 0;
      for (const Unread& u : unread) {
        const auto stop = static_cast<std::size_t>(u.offset - at);
        if (stop > begin) feed(bytes.substr(begin, stop - begin), at + begin);
        process(true);
        end_at_gap();
        gaps_.add(u.offset, u.length, GapKind::unreadable);
        begin = std::max(begin, stop + static_cast<std::size_t>(u.length));
      }
      if (begin < bytes.size()) feed(bytes.substr(begin), at + begin);
      at += bytes.size();
      if (in_zeros_ && buffer_.empty()) at = skip_holes(at);
    }
    process(true);
  }

 private:
  // Of the byte order mark; settles the encoding. UTF-16LE without one is known by its first characters, which are ASCII.
  std::size_t mark_length(std::string_view head) {
    wide_ = head.starts_with("\xFF\xFE");
    if (wide_) return 2;
    if (head.starts_with("\xEF\xBB\xBF")) return 3;
    wide_ = head.size() >= 4 && head[0] != '\0' && head[1] == '\0' && head[2] != '\0' && head[3] == '\0';
    return 0;
  }

  // All was zero up to `at`: where stored bytes may follow.
  std::uint64_t skip_holes(std::uint64_t at) {
    constexpr std::uint64_t look_ahead = std::uint64_t{1} << 30;
    while (at < file_.size()) {
      const auto extents = file_.extents(at, look_ahead);
      if (extents.empty() || extents.front().kind == ExtentKind::data || extents.front().kind == ExtentKind::unreadable) break;
      const std::uint64_t length = extents.front().length / 2 * 2;
      if (length == 0) break;
      gaps_.add(at, length, GapKind::zero);
      at += length;
    }
    return at;
  }

  void feed(std::string_view bytes, std::uint64_t at) {
    if (buffer_.empty()) base_ = at;
    buffer_.append(bytes);
    process(false);
  }

  // Gives every whole line of the buffer; with `all`, its rest too. What stays is the beginning of a line.
  void process(bool all) {
    std::size_t at = 0;
    for (;;) {
      if (in_zeros_) {
        const std::size_t end = aligned_down(std::min(buffer_.find_first_not_of('\0', at), buffer_.size()));
        if (end > at) gaps_.add(base_ + at, end - at, GapKind::zero);
        at = std::max(at, end);
        if (at >= buffer_.size() || (wide_ && at + 1 == buffer_.size() && !all)) break;
        in_zeros_ = false;
      }
      const std::size_t zeros = zero_run(at), stop = std::min(zeros, buffer_.size());
      at = give_lines(at, stop);
      if (zeros != npos) {
        if (at < stop) give(at, stop - at, true);
        at = stop;
        end_at_gap();
        in_zeros_ = true;
        continue;
      }
      if (all && at < stop) {
        give(at, stop - at, false);
        at = stop;
      } else if (stop - at > most_text) {
        if (!dropping_) {
          give(at, most_text, true);
          at += most_text;
          end_at_gap();
          dropping_ = true;
        }
        gaps_.add(base_ + at, aligned_down(stop) - at, GapKind::garbage);
        at = aligned_down(stop);
      }
      break;
    }
    buffer_.erase(0, at);
    base_ += at;
  }

  // The lines that end within [at, stop); returns where the next begins.
  std::size_t give_lines(std::size_t at, std::size_t stop) {
    for (std::size_t end = line_end(at, stop); end != npos; end = line_end(at, stop)) {
      if (dropping_) {
        gaps_.add(base_ + at, end - at, GapKind::garbage);
        dropping_ = after_gap_ = false;
      } else {
        give(at, end - at, false);
      }
      at = end;
    }
    return at;
  }

  // Behind the first line end in [at, stop).
  std::size_t line_end(std::size_t at, std::size_t stop) const {
    while (at < stop) {
      const void* found = std::memchr(buffer_.data() + at, '\n', stop - at);
      if (found == nullptr) return npos;
      const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
      if (!wide_) return newline + 1;
      if ((base_ + newline) % 2 == 0 && newline + 1 < stop && buffer_[newline + 1] == '\0') return newline + 2;
      at = newline + 1;
    }
    return npos;
  }

  // Where a run of zeros long enough to be a gap begins, at or behind `from`. Such a run covers a multiple of its shortest length.
  std::size_t zero_run(std::size_t from) const {
    for (std::size_t probe = (from + shortest_zeros - 1) / shortest_zeros * shortest_zeros; probe < buffer_.size();
         probe += shortest_zeros) {
      if (buffer_[probe] != '\0') continue;
      std::size_t begin = probe, end = probe;
      while (begin > from && buffer_[begin - 1] == '\0') --begin;
      while (end < buffer_.size() && buffer_[end] == '\0' && end - begin < 2 * shortest_zeros) ++end;
      if (wide_ && (base_ + begin) % 2 != 0) ++begin;  // the high byte of the character before
      if (end >= begin + shortest_zeros) return begin;
    }
    return npos;
  }

  // In UTF-16 no character is split.
  std::size_t aligned_down(std::size_t at) const { return wide_ && at > 0 && (base_ + at) % 2 != 0 ? at - 1 : at; }

  void give(std::size_t at, std::size_t length, bool cut) {
    if (dropping_) {
      gaps_.add(base_ + at, length, GapKind::garbage);
      dropping_ = false;
      return;
    }
    std::string_view text = std::string_view(buffer_).substr(at, length);
    std::string converted;
    if (wide_) {
      converted = from_utf16le(text);
      text = converted;
    }
    if (text.ends_with("\n")) text.remove_suffix(1);
    if (text.ends_with("\r")) text.remove_suffix(1);
    on_line_(Line{text, base_ + at, length, after_gap_, cut});
    after_gap_ = false;
  }

  void end_at_gap() {
    after_gap_ = true;
    on_gap_();
  }

  const ByteSource& file_;
  carvers::GapList& gaps_;
  const std::function<void(const Line&)>& on_line_;
  const std::function<void()>& on_gap_;
  bool wide_ = false;
  std::string buffer_;      // not yet given
  std::uint64_t base_ = 0;  // where the buffer begins in the file
  bool in_zeros_ = false;   // the bytes before the buffer are a gap of zeros
  bool dropping_ = false;   // the rest of an overlong line follows
  bool after_gap_ = false;
};

}  // namespace

void read_lines(const ByteSource& file, carvers::GapList& gaps, const std::function<void(const Line&)>& on_line,
                const std::function<void()>& on_gap) {
  LineReader(file, gaps, on_line, on_gap).run();
}

}  // namespace trimcarve::witness
