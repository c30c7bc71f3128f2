// The events of an activity log as stretches of text, found without holding the file: JSON elements by their nesting, CSV records by their
// quotes. Nothing here knows what an event says.
//
// Offsets and lengths are bytes of the file. Text is UTF-8 (with or without byte order mark) or UTF-16 of either order.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "witness/witness.hpp"

namespace trimcarve::witness {

// A window on a text file that moves as it is read.
class TextWindow {
 public:
  explicit TextWindow(const ByteSource& file);
  std::uint64_t begin() const noexcept { return begin_; }  // behind the byte order mark
  std::uint64_t end() const noexcept { return end_; }
  std::uint64_t step() const noexcept { return step_; }  // bytes of a unit: 1 or 2

  // The unit at an offset below end(). What could not be read is 0.
  std::uint32_t at(std::uint64_t offset) {
    if (offset - base_ >= filled_) load(offset);
    const auto i = static_cast<std::size_t>(offset - base_);
    if (step_ == 1) return bytes_[i];
    const std::uint32_t a = bytes_[i], b = bytes_[i + 1];
    return big_endian_ ? (a << 8) | b : (b << 8) | a;
  }
  // [from, to) as UTF-8.
  std::string text(std::uint64_t from, std::uint64_t to);
  bool unread(std::uint64_t from, std::uint64_t to) const noexcept;  // a byte of it could not be read

 private:
  void load(std::uint64_t offset);
  void read(std::uint64_t offset, std::span<unsigned char> out);

  const ByteSource& file_;
  std::uint64_t begin_ = 0, end_ = 0, step_ = 1, base_ = 0, filled_ = 0;
  bool big_endian_ = false;
  std::vector<unsigned char> bytes_;
  std::vector<Unread> unread_;
};

enum class Verdict : std::uint8_t {
  event,  // an event
  other,  // whole, but no event
  bad,    // does not parse
};

// A JSON object, or a row of a table: an array, with the table's columns.
struct JsonElement {
  std::uint64_t offset = 0, length = 0;
  std::string text;                                   // UTF-8
  bool doubtful = false;                              // what follows says that it ended early: a part of a damaged event
  const std::vector<std::string>* columns = nullptr;  // of a row; null for an object
};
using JsonSink = std::function<Verdict(const JsonElement&)>;

// Hands on each object that stands at the top, in a top array, or in the array of a "value", "records" or "tables" member of an object at
// the top, and each row of a {"columns":[{"name":...}],"rows":[[...]]} table. Where the text is damaged it looks for the next such element
// behind the damage's beginning. Counts records, damaged and gaps into the tally; never an element twice.
void scan_json(TextWindow& text, Tally& tally, const JsonSink& sink);

struct CsvRecord {
  std::uint64_t offset = 0, length = 0;  // with its line end
  std::vector<std::string> cells;
};
// RFC 4180. The first record, the names of the columns, is handed on first. `bad` costs the record's first line only.
using CsvSink = std::function<Verdict(const CsvRecord&)>;
void scan_csv(TextWindow& text, Tally& tally, const CsvSink& sink);

}  // namespace trimcarve::witness
