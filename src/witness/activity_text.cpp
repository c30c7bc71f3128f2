#include "witness/activity_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "trimcarve/text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::size_t window_size = std::size_t{1} << 20;
constexpr std::size_t most_event = most_text / 4;  // units; real ones have less than a hundredth of it
constexpr std::size_t most_cells = 1024;           // AzureActivity has fewer than 50 columns
constexpr std::size_t most_nesting = 128;          // an event has less than ten levels

bool is_space(std::uint32_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
// What numbers, true, false and null are made of.
bool is_bare(std::uint32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '.';
}

// The stretch that is damaged at the moment. It ends where the next event begins: how far the damage itself reaches is not knowable.
class Damage {
 public:
  Damage(TextWindow& text, Tally& tally) : text_(text), tally_(tally) {}

  bool open() const noexcept { return open_; }
  void junk(std::uint64_t from, std::uint64_t to) {  // bytes that are no text at all
    if (!open_) start(from);
    reach(to);
  }
  // An element that failed: `whole` when its end is known. Broken off, and behind other damage, it may be a part of the same event.
  void failed(std::uint64_t from, std::uint64_t to, bool whole) {
    if (!open_) start(from);
    if (!counted_ || (whole && from >= end_)) ++tally_.damaged, ++tally_.records;
    counted_ = true;
    reach(to);
  }
  void reach(std::uint64_t to) { end_ = std::max(end_, to); }
  // An event begins here.
  void close(std::uint64_t at) {
    if (!open_) return;
    open_ = false;
    const std::uint64_t to = std::min(end_, at);
    if (to <= begin_) return;
    bool zero = true;
    for (std::uint64_t i = begin_; i < to && zero; i += text_.step()) zero = text_.at(i) == 0;
    const auto kind = text_.unread(begin_, to) ? carvers::GapKind::unreadable : zero ? carvers::GapKind::zero : carvers::GapKind::garbage;
    tally_.gaps.add(begin_, to - begin_, kind);
  }

 private:
  void start(std::uint64_t at) { open_ = true, counted_ = false, begin_ = at, end_ = at; }

  TextWindow& text_;
  Tally& tally_;
  bool open_ = false, counted_ = false;
  std::uint64_t begin_ = 0, end_ = 0;
};

// How much may be read again behind damage. Text made to fail again and again would else cost the square of its size.
class Budget {
 public:
  explicit Budget(std::uint64_t size) : left_(2 * std::min<std::uint64_t>(size, std::uint64_t{1} << 40) + window_size) {}
  bool spend(std::uint64_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  std::uint64_t left_;
};

class JsonScan {
 public:
  JsonScan(TextWindow& text, Tally& tally, const JsonSink& sink)
      : text_(text), tally_(tally), sink_(sink), damage_(text, tally), budget_(text.end()), step_(text.step()) {}

  void run() {
    std::uint64_t at = text_.begin();
    std::uint32_t before = 0;  // the last unit that is no space
    while (at < text_.end()) {
      const std::uint32_t c = text_.at(at);
      if (is_space(c)) {
        if (c == '\n') before = 0;  // nobody breaks a line between a name and its value; a line that was cut may end as if
        at += step_;
        continue;
      }
      // A member's value is never an event: behind damage it is a part of one.
      if (before != ':' && (c == '{' || (c == '[' && !columns_.empty()))) {
        at = element(at);
      } else {
        if (c == '"' || is_bare(c) || (c == '}' && behind_element_)) misplaced(at);
        behind_element_ = false;
        if (c == '[' || c == '}') boundary_ = true;
        if (c == ']') boundary_ = false;
        if (!is_bare(c) && std::string_view("\"{}[],:").find(static_cast<char>(c < 0x80 ? c : 0)) == std::string_view::npos)
          damage_.junk(at, at + step_);
        at = c == '"' ? between(at) : at + step_;
      }
      before = c;
    }
    damage_.close(text_.end());
  }

 private:
  enum class End : std::uint8_t { closed, wrapper, damaged };
  struct Walk {
    End end;
    std::uint64_t at;  // behind its last bracket; behind the bracket of the array it wraps; where the damage shows
  };
  enum class Token : std::uint8_t { open, close, text, bare, comma, colon };

  std::uint64_t element(std::uint64_t at) {
    const Walk walk = walk_from(at);
    boundary_ = true;
    behind_element_ = walk.end == End::closed;
    if (walk.end == End::wrapper) return last_is_other_ = false, walk.at;
    if (walk.end == End::closed) {
      JsonElement found;
      found.offset = at;
      found.length = walk.at - at;
      found.text = text_.text(at, walk.at);
      if (text_.at(at) == '[') found.columns = &columns_;
      found.doubtful = ends_early(walk.at);
      switch (sink_(found)) {
        case Verdict::event:
          damage_.close(at);
          ++tally_.records;
          last_is_other_ = false;
          return walk.at;
        case Verdict::other:
          if (damage_.open()) {
            damage_.reach(walk.at);  // a part of the damaged event, most likely
          } else {
            ++tally_.records;
            last_ = at, last_is_other_ = true;
          }
          return walk.at;
        case Verdict::bad: break;
      }
    }
    behind_element_ = false;
    damage_.failed(at, walk.at, walk.end == End::closed);
    // It may have swallowed good events: look again from its second unit on.
    return budget_.spend(walk.at - at) ? at + step_ : walk.at;
  }

  // Behind an element that is whole there stands no member, nor another end of an object.
  bool ends_early(std::uint64_t at) {
    const auto next = [&] {
      while (at < text_.end() && is_space(text_.at(at))) at += step_;
      return at < text_.end() ? text_.at(at) : 0;
    };
    std::uint32_t c = next();
    if (c != ',') return c == '}';
    at += step_;
    c = next();
    return c == '"' || is_bare(c);
  }

  // Where only an element may stand, there stands a member: what was taken for a whole element ended early, or this one lacks its
  // beginning.
  void misplaced(std::uint64_t at) {
    if (!boundary_ || damage_.open()) return;
    if (last_is_other_) --tally_.records;
    damage_.failed(last_is_other_ ? last_ : at, at + step_, false);
    last_is_other_ = false;
  }

  // Between elements a text is a member's name or value in an object that wraps them; behind damage it may as well be the end of one.
  std::uint64_t between(std::uint64_t at) {
    std::uint64_t end = at + step_;
    const std::uint64_t limit = std::min(text_.end(), at + 65536);
    while (end < limit && text_.at(end) != '"' && text_.at(end) >= ' ') end += text_.at(end) == '\\' ? 2 * step_ : step_;
    if (end >= limit || text_.at(end) != '"') return at + step_;
    end += step_;
    const std::uint32_t next = end < text_.end() ? text_.at(end) : ' ';
    return is_space(next) || next == ':' || next == ',' || next == ']' || next == '}' ? end : at + step_;
  }

  // Follows the element's brackets and texts. Only what shows damage early is checked; the parser checks the rest.
  Walk walk_from(const std::uint64_t start) {
    std::string nesting(1, static_cast<char>(text_.at(start)));
    Token last = Token::open;
    std::uint64_t name = 0, name_end = 0;  // of the last text
    const std::uint64_t limit = std::min(text_.end(), start + most_event * step_);
    std::uint64_t at = start + step_;
    while (at < limit) {
      const std::uint32_t c = text_.at(at);
      if (is_space(c)) {
        at += step_;
        continue;
      }
      const bool in_object = nesting.back() == '{';
      const bool value_may_follow = in_object ? last == Token::colon : last == Token::open || last == Token::comma;
      const bool value_ended = last == Token::text || last == Token::bare || last == Token::close;
      if (c == '"') {
        const bool name_may_follow = in_object && (last == Token::open || last == Token::comma);
        if (!value_may_follow && !name_may_follow) return {End::damaged, at};
        name = at + step_;
        std::uint64_t end = name;
        while (end < limit && text_.at(end) != '"') {
          if (text_.at(end) < ' ') return {End::damaged, end};
          end += text_.at(end) == '\\' ? 2 * step_ : step_;
        }
        if (end >= limit) return {End::damaged, limit};
        name_end = end;
        at = end + step_;
        last = Token::text;
        continue;
      }
      if (is_bare(c)) {
        if (!value_may_follow) return {End::damaged, at};
        while (at < limit && is_bare(text_.at(at))) at += step_;
        last = Token::bare;
        continue;
      }
      if (c == '{' || c == '[') {
        if (!value_may_follow || nesting.size() == most_nesting) return {End::damaged, at};
        if (c == '[' && nesting == "{") {
          const std::string key = name_end - name <= 16 * step_ ? text_.text(name, name_end) : std::string();
          if (key == "value" || key == "records" || key == "tables" || key == "rows") return {End::wrapper, at + step_};
          if (key == "columns") read_columns(at);
        }
        nesting.push_back(static_cast<char>(c));
        last = Token::open;
      } else if (c == '}' || c == ']') {
        if ((c == '}') != in_object || (last != Token::open && !value_ended)) return {End::damaged, at};
        nesting.pop_back();
        last = Token::close;
        if (nesting.empty()) return {End::closed, at + step_};
      } else if (c == ',' ? value_ended : c == ':' && last == Token::text && in_object) {
        last = c == ',' ? Token::comma : Token::colon;
      } else {
        return {End::damaged, at};
      }
      at += step_;
    }
    return {End::damaged, limit};
  }

  void read_columns(std::uint64_t at) {
    const Walk walk = walk_from(at);
    if (walk.end != End::closed) return;
    const auto list = nlohmann::json::parse(text_.text(at, walk.at), nullptr, false);
    if (!list.is_array()) return;
    std::vector<std::string> names;
    for (const auto& column : list) {
      const auto name = column.is_object() ? column.find("name") : column.end();
      names.push_back(column.is_object() && name != column.end() && name->is_string() ? name->get<std::string>() : std::string());
    }
    columns_ = std::move(names);
  }

  TextWindow& text_;
  Tally& tally_;
  const JsonSink& sink_;
  Damage damage_;
  Budget budget_;
  std::uint64_t step_;
  std::vector<std::string> columns_;
  bool boundary_ = true;         // only an element may stand here
  bool behind_element_ = false;  // one ends right here
  std::uint64_t last_ = 0;
  bool last_is_other_ = false;  // the last element, at last_, was whole but no event
};

}  // namespace

TextWindow::TextWindow(const ByteSource& file)
    : file_(file), end_(file.size()), bytes_(static_cast<std::size_t>(std::min<std::uint64_t>(window_size, file.size()))) {
  unsigned char head[4] = {};
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(sizeof(head), end_));
  read(0, std::span(head, length));
  unread_.clear();
  if (length >= 3 && head[0] == 0xEF && head[1] == 0xBB && head[2] == 0xBF) {
    begin_ = 3;
  } else if (length >= 2 && ((head[0] == 0xFF && head[1] == 0xFE) || (head[0] == 0xFE && head[1] == 0xFF))) {
    begin_ = step_ = 2;
    big_endian_ = head[0] == 0xFE;
  } else if (length == 4 && (head[0] == 0) != (head[1] == 0) && (head[0] == 0) == (head[2] == 0) && (head[1] == 0) == (head[3] == 0)) {
    step_ = 2;  // no mark, but ASCII in two bytes each
    big_endian_ = head[0] == 0;
  }
  end_ = begin_ + (end_ - begin_) / step_ * step_;
}

void TextWindow::read(std::uint64_t offset, std::span<unsigned char> out) {
  read_tolerant(file_, offset, std::as_writable_bytes(out), unread_);
}

void TextWindow::load(std::uint64_t offset) {
  // A little of what lies before, for who looks again.
  base_ = offset - std::min<std::uint64_t>(offset - begin_, 65536);
  filled_ = std::min<std::uint64_t>(window_size, end_ - base_);
  read(base_, std::span(bytes_).first(static_cast<std::size_t>(filled_)));
}

std::string TextWindow::text(std::uint64_t from, std::uint64_t to) {
  std::vector<unsigned char> bytes(static_cast<std::size_t>(to - from));
  if (from >= base_ && to <= base_ + filled_)
    std::ranges::copy(std::span(bytes_).subspan(static_cast<std::size_t>(from - base_), bytes.size()), bytes.begin());
  else
    read(from, bytes);
  if (step_ == 1) return {bytes.begin(), bytes.end()};
  std::u16string units;
  units.reserve(bytes.size() / 2);
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const unsigned a = bytes[i], b = bytes[i + 1];
    units.push_back(static_cast<char16_t>(big_endian_ ? (a << 8) | b : (b << 8) | a));
  }
  return to_utf8(units);
}

bool TextWindow::unread(std::uint64_t from, std::uint64_t to) const noexcept {
  return std::ranges::any_of(unread_, [&](const Unread& u) { return u.offset < to && from < u.offset + u.length; });
}

void scan_json(TextWindow& text, Tally& tally, const JsonSink& sink) { JsonScan(text, tally, sink).run(); }

void scan_csv(TextWindow& text, Tally& tally, const CsvSink& sink) {
  const std::uint64_t step = text.step();
  Damage damage(text, tally);
  Budget budget(text.end());
  bool first = true;
  for (std::uint64_t at = text.begin(); at < text.end();) {
    CsvRecord record;
    record.offset = at;
    std::uint64_t first_line = 0;  // where its first line ends; a quote that is never closed runs on
    bool whole = true, ended = false;
    const std::uint64_t limit = std::min(text.end(), at + most_event * step);
    std::uint64_t to = at;
    while (!ended && whole) {
      if (record.cells.size() == most_cells) {
        whole = false;
        break;
      }
      std::string cell;
      if (to < limit && text.at(to) == '"') {
        std::uint64_t from = to += step;
        for (;; to += step) {
          if (to >= limit || text.at(to) == 0) {
            whole = false;
            break;
          }
          if (text.at(to) == '\n' && first_line == 0) first_line = to + step;
          if (text.at(to) != '"') continue;
          cell += text.text(from, to);
          if (to + step >= limit || text.at(to + step) != '"') break;
          to += step;  // a quote stands for itself when doubled
          from = to;
        }
        to = std::min(limit, to + step);
      } else {
        const std::uint64_t from = to;
        while (to < limit && text.at(to) != ',' && text.at(to) != '\n') to += step;
        cell = text.text(from, to);
        if (!cell.empty() && cell.back() == '\r') cell.pop_back();
      }
      record.cells.push_back(std::move(cell));
      if (whole && to < limit && text.at(to) == '\r') to += step;
      if (to >= limit || text.at(to) == '\n')
        ended = true;
      else if (text.at(to) != ',')
        whole = false;
      to = std::min(limit, to + step);
    }
    if (limit < text.end() && to >= limit) whole = false;
    record.length = to - at;
    const bool blank = record.cells.size() == 1 && record.cells[0].empty();
    const Verdict verdict = whole ? (blank ? Verdict::other : sink(record)) : Verdict::bad;
    if (verdict == Verdict::bad) {
      while (first_line == 0 && to < text.end() && text.at(to - step) != '\n') to += step;
      const std::uint64_t next = first_line != 0 && budget.spend(to - at) ? first_line : to;
      damage.failed(at, next, true);
      at = next;
      continue;
    }
    damage.close(at);
    if (!first && !blank) ++tally.records;
    first = false;
    at = to;
  }
  damage.close(text.end());
}

}  // namespace trimcarve::witness
