// Small $LogFiles written by hand: restart pages, record pages, records that go on in the next page, the wrap, copies of pages. Format: as
// src/ntfs/lfs_page.hpp and lfs_record.hpp cite it.
#pragma once

#include <algorithm>
#include <bit>
#include <string_view>

#include "carvers/log_file.hpp"
#include "support.hpp"

namespace trimcarve::test {

using ntfs::LogOperation;

// The client data of one NTFS log record.
struct LogData {
  LogOperation redo_operation = LogOperation::noop, undo_operation = LogOperation::noop;
  Bytes redo, undo;
  std::uint16_t target = 0x18, record_offset = 0, attribute_offset = 0, cluster_block = 0;
  std::uint64_t vcn = 0;
  int stated_redo = -1;  // a redo length without the bytes

  Bytes bytes() const {
    const auto padded = [](std::size_t n) { return (n + 7) / 8 * 8; };
    const std::size_t undo_at = 40 + padded(redo.size());
    Bytes out(undo_at + padded(undo.size()));
    put(out, 0, static_cast<std::uint64_t>(redo_operation), 2);
    put(out, 2, static_cast<std::uint64_t>(undo_operation), 2);
    put(out, 4, 40, 2);
    put(out, 6, stated_redo >= 0 ? static_cast<std::uint64_t>(stated_redo) : redo.size(), 2);
    put(out, 8, undo_at, 2);
    put(out, 10, undo.size(), 2);
    put(out, 12, target, 2);
    put(out, 14, 1, 2);
    put(out, 16, record_offset, 2);
    put(out, 18, attribute_offset, 2);
    put(out, 20, cluster_block, 2);
    put(out, 22, 2, 2);
    put(out, 24, vcn, 8);
    std::copy(redo.begin(), redo.end(), out.begin() + 40);
    std::copy(undo.begin(), undo.end(), out.begin() + static_cast<std::ptrdiff_t>(undo_at));
    return out;
  }
};

class LogBuilder {
 public:
  explicit LogBuilder(std::size_t pages = 48, std::size_t page_size = 4096, unsigned major = 1, unsigned minor = 1)
      : page_size_(page_size), pages_(pages, Bytes(page_size)), headers_(pages), major_(major), minor_(minor) {
    sequence_bits_ = static_cast<unsigned>(64 - (std::bit_width(pages * page_size) - 3));
    data_ = (0x28 + 2 * (page_size / 512 + 1) + 7) / 8 * 8;
    if (data_ < 64) data_ = 64;
    page_ = first_page();
    at_ = data_;
    for (Bytes& page : pages_) std::fill(page.begin(), page.end(), std::byte{0xFF});
    open_page();
  }
  std::size_t first_page() const { return major_ >= 2 ? 34 : 4; }
  std::size_t page() const { return page_; }
  std::size_t data_offset() const { return data_; }

  std::uint64_t add(const LogData& data, std::uint32_t transaction = 0x18, std::uint64_t previous = 0, std::uint64_t undo_next = 0) {
    return add(data.bytes(), transaction, previous, undo_next, 1);
  }
  std::uint64_t add(const Bytes& data, std::uint32_t transaction, std::uint64_t previous, std::uint64_t undo_next, std::uint32_t type) {
    if (at_ + 48 > page_size_) next_page();
    const std::uint64_t lsn = (lap_ << (64 - sequence_bits_)) | ((page_ * page_size_ + at_) >> 3);
    Bytes record(48 + (data.size() + 7) / 8 * 8);
    put(record, 0, lsn, 8);
    put(record, 8, previous, 8);
    put(record, 16, undo_next, 8);
    put(record, 24, data.size(), 4);
    put(record, 32, type, 4);
    put(record, 36, transaction, 4);
    put(record, 40, record.size() > page_size_ - at_ ? 1 : 0, 2);
    std::copy(data.begin(), data.end(), record.begin() + 48);
    headers_[page_].last_lsn = lsn;
    for (std::size_t done = 0; done < record.size();) {
      if (at_ == page_size_) {
        next_page();
        headers_[page_].last_lsn = lsn;
      }
      const std::size_t length = std::min(record.size() - done, page_size_ - at_);
      std::copy_n(record.begin() + static_cast<std::ptrdiff_t>(done), length, pages_[page_].begin() + static_cast<std::ptrdiff_t>(at_));
      done += length;
      at_ += length;
    }
    headers_[page_].last_end = lsn;
    headers_[page_].next = at_;
    return lsn;
  }
  // A committed transaction is one that is forgotten.
  std::uint64_t forget(std::uint32_t transaction, std::uint64_t previous) {
    return add({LogOperation::forget_transaction, LogOperation::compensation_log_record}, transaction, previous, previous);
  }
  // The client's restart area: the cluster size stands in it.
  std::uint64_t checkpoint(std::uint32_t cluster_size) {
    Bytes area(112);
    put(area, 0, 1, 4);
    put(area, 80, cluster_size, 4);
    return add(area, 0, 0, 0, 2);
  }
  // What is left of the page stays empty, as when it was written before it was full.
  void next_page() {
    page_ = page_ + 1 < pages_.size() ? page_ + 1 : first_page();
    if (page_ == first_page()) ++lap_;
    at_ = data_;
    open_page();
  }

  // A copy of a page, as it would be written now, in another slot.
  void copy(std::size_t page, std::size_t slot) {
    Bytes copied = written(page);
    if (major_ >= 2)
      put(copied, 60, page * page_size_, 4);
    else
      put(copied, 8, page * page_size_, 8);
    copies_.emplace_back(slot, std::move(copied));
  }
  void lose(std::size_t page) { std::fill(pages_[page].begin(), pages_[page].end(), std::byte{0xFF}), headers_[page] = {}; }

  Bytes finish() const {
    Bytes out;
    for (std::size_t i = 0; i < pages_.size(); ++i) {
      const Bytes page = written(i);
      out.insert(out.end(), page.begin(), page.end());
    }
    for (const auto& [slot, page] : copies_)
      std::copy(page.begin(), page.end(), out.begin() + static_cast<std::ptrdiff_t>(slot * page_size_));
    for (std::size_t r = 0; r < 2; ++r) {
      const std::size_t at = r * page_size_, area = at + (0x1E + 2 * (page_size_ / 512 + 1) + 7) / 8 * 8;
      std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at), page_size_, std::byte{0});
      put_text(out, at, "RSTR");
      put(out, at + 16, page_size_, 4);
      put(out, at + 20, page_size_, 4);
      put(out, at + 24, area - at, 2);
      put(out, at + 26, minor_, 2);
      put(out, at + 28, major_, 2);
      put(out, area, 1, 8);
      put(out, area + 8, 1, 2);
      put(out, area + 14, 2, 2);
      put(out, area + 16, sequence_bits_, 4);
      put(out, area + 22, 64, 2);
      put(out, area + 24, out.size(), 8);
      put(out, area + 36, 48, 2);
      put(out, area + 38, data_, 2);
      put(out, area + 64 + 28, 8, 4);
      put_units(out, area + 64 + 32, u"NTFS");
      protect(out, at, page_size_, 0x1E);
    }
    return out;
  }

 private:
  struct Header {
    std::uint64_t last_lsn = 0, last_end = 0;
    std::size_t next = 0;
  };
  void open_page() {
    std::fill(pages_[page_].begin(), pages_[page_].end(), std::byte{0});
    put_text(pages_[page_], 0, "RCRD");
    headers_[page_] = {};
  }
  Bytes written(std::size_t page) const {
    Bytes out = pages_[page];
    if (out[0] != std::byte{'R'}) return out;
    put(out, 8, headers_[page].last_lsn, 8);
    put(out, 16, headers_[page].last_end != 0 ? 1 : 0, 4);
    put(out, 20, 1, 2);
    put(out, 22, 1, 2);
    put(out, 24, headers_[page].next != 0 ? headers_[page].next : page_size_, 2);
    put(out, 32, headers_[page].last_end, 8);
    protect(out, 0, page_size_, 0x28);
    return out;
  }

  std::size_t page_size_;
  std::vector<Bytes> pages_;
  std::vector<Header> headers_;
  std::vector<std::pair<std::size_t, Bytes>> copies_;
  unsigned major_, minor_, sequence_bits_ = 0;
  std::size_t data_ = 0, page_ = 0, at_ = 0;
  std::uint64_t lap_ = 5;
};

// Everything a log gives.
struct CarvedLog {
  struct Told {
    carvers::LogEvent event;
    bool states = false;
    Sighting sighting;
  };
  std::vector<Told> all;
  carvers::LogFileTally tally;

  carvers::LogEventSink sink() {
    return
        [this](const carvers::LogEvent& event, const Sighting* s) { all.push_back({event, s != nullptr, s != nullptr ? *s : Sighting{}}); };
  }
  std::vector<const Told*> of(carvers::LogEventKind kind) const {
    std::vector<const Told*> found;
    for (const Told& t : all)
      if (t.event.kind == kind) found.push_back(&t);
    return found;
  }
  std::vector<const Told*> named(std::string_view name) const {
    std::vector<const Told*> found;
    for (const Told& t : all)
      for (std::size_t i = 0; i < t.sighting.names.size(); ++i)
        if (name_of(t.sighting, i) == name) {
          found.push_back(&t);
          break;
        }
    return found;
  }
};

inline CarvedLog carve_log(const ByteSource& log, const carvers::LogFileOptions& options = {}) {
  CarvedLog carved;
  carved.tally = carvers::carve_log_file(log, options, carved.sink());
  return carved;
}

}  // namespace trimcarve::test
