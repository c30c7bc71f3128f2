#include "witness/event_log.hpp"

#include <fmt/format.h>
// libevtx declares its functions that take a libbfio handle only then.
#define LIBEVTX_HAVE_BFIO 1
#include <libbfio.h>
#include <libevtx.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <span>

#include "image/bfio.hpp"
#include "image/crc.hpp"
#include "ntfs/stream.hpp"
#include "witness/binary_xml.hpp"
#include "witness/event_chunk.hpp"
#include "witness/event_statement.hpp"
#include "witness/hidden_units.hpp"

namespace trimcarve::witness {

namespace {

struct CloseFile {
  void operator()(libevtx_file_t* file) const { libevtx_file_free(&file, nullptr); }
};
using File = std::unique_ptr<libevtx_file_t, CloseFile>;

struct CloseRecord {
  void operator()(libevtx_record_t* record) const { libevtx_record_free(&record, nullptr); }
};
using Record = std::unique_ptr<libevtx_record_t, CloseRecord>;

template <class T>
void put(std::span<std::byte> bytes, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

// A log of one chunk: a file header (version 3.1, one chunk, not dirty) and the chunk.
SourcePtr single_chunk_log(const EventChunk& chunk) {
  std::vector<std::byte> log(event_header_size + event_chunk_size);
  const std::span<std::byte> header = std::span(log).first(128);
  std::memcpy(header.data(), "ElfFile", 8);
  put<std::uint64_t>(header, 24, 1);  // next record id
  put<std::uint32_t>(header, 32, 128);
  put<std::uint16_t>(header, 36, 1);
  put<std::uint16_t>(header, 38, 3);
  put<std::uint16_t>(header, 40, event_header_size);
  put<std::uint16_t>(header, 42, 1);
  put<std::uint32_t>(header, 124, image::crc32(header.first(120)));
  std::memcpy(log.data() + event_header_size, chunk.bytes.data(), event_chunk_size);
  return ntfs::make_buffer(std::move(log), nullptr, 0);
}

class Reader {
 public:
  Reader(Tally& tally, const StatementSink& sink) : tally_(tally), sink_(sink) {}

  void read(EventChunk& chunk) {
    hidden_.clear();
    const RecordPlaces places = prepare_records(chunk);
    shortened_ = places.shortened;
    tally_.damaged += places.refused;
    hide(chunk, places.listed);
    hide(chunk, places.recovered);
    note_gaps(chunk, places);
    image::BfioHandle handle;
    libevtx_file_t* opened = nullptr;
    if (libevtx_file_initialize(&opened, nullptr) != 1) opened = nullptr;
    const File file(opened);
    if (opened == nullptr || !handle.open(single_chunk_log(chunk)) ||
        libevtx_file_open_file_io_handle(opened, handle.get(), LIBEVTX_OPEN_READ, nullptr) != 1) {
      tally_.records += places.listed.size();
      tally_.damaged += places.listed.size();
      return;
    }
    read(chunk, opened, places.listed, false);
    read(chunk, opened, places.recovered, true);
    libevtx_file_close(opened, nullptr);
  }

  // Remains of older records that no longer can be read: their template or names are overwritten.
  std::uint64_t remains() const { return remains_; }

 private:
  // Before libevtx sees the chunk. A record is judged sound anew when it is read: texts that overlap something else may have spoilt it.
  void hide(EventChunk& chunk, const std::vector<std::uint32_t>& places) {
    for (const std::uint32_t at : places) {
      texts_.clear();
      if (end_of_binary_xml(chunk.bytes, at + event_record_header_size, &texts_) == 0) continue;
      if (const char16_t block = hide_units(chunk.bytes, texts_)) hidden_.emplace(at, block);
    }
  }

  // Where the header promises records and none stands: at least one is damaged.
  void note_gaps(const EventChunk& chunk, const RecordPlaces& places) {
    std::uint32_t at = chunk.records_end;
    if (at >= chunk.free_at) return;
    ++tally_.damaged;
    const auto gap = [&](std::uint32_t end) {
      end = std::min({end, chunk.free_at, chunk.size});
      if (end <= at) return;
      const bool zero = all_zero(ByteView(chunk.bytes).subspan(at, end - at));
      tally_.gaps.add(chunk.offset + at, end - at, zero ? carvers::GapKind::zero : carvers::GapKind::garbage);
    };
    for (const std::uint32_t place : places.recovered) {
      gap(place);
      at = std::max(at, place + le<std::uint32_t>(chunk.bytes, place + 4));
    }
    gap(chunk.free_at);
  }

  void read(const EventChunk& chunk, libevtx_file_t* file, const std::vector<std::uint32_t>& places, bool recovered) {
    int count = 0;
    if ((recovered ? libevtx_file_get_number_of_recovered_records : libevtx_file_get_number_of_records)(file, &count, nullptr) != 1)
      count = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      libevtx_record_t* record = nullptr;
      const auto get = recovered ? libevtx_file_get_recovered_record_by_index : libevtx_file_get_record_by_index;
      const int index = static_cast<int>(i);  // fewer than 4,000 of them
      if (index < count && end_of_binary_xml(chunk.bytes, places[i] + event_record_header_size) != 0 &&
          get(file, index, &record, nullptr) == 1 && read(chunk, Record(record), places[i], recovered)) {
        ++tally_.records;
      } else if (recovered) {
        ++remains_;
      } else {
        ++tally_.records;
        ++tally_.damaged;
        tally_.window.see(written(chunk, places[i]));
      }
    }
  }

  static FileTime written(const EventChunk& chunk, std::uint32_t at) { return {le<std::uint64_t>(chunk.bytes, at + 16)}; }

  bool read(const EventChunk& chunk, const Record& record, std::uint32_t at, bool recovered) {
    std::uint64_t id = 0;
    if (libevtx_record_get_identifier(record.get(), &id, nullptr) != 1 || id != le<std::uint64_t>(chunk.bytes, at + 8)) return false;
    if (!xml_of(record.get()) || !read_event_xml(xml_, event_)) return false;
    if (const auto hidden = hidden_.find(at); hidden != hidden_.end()) {
      for (std::string* text : {&event_.provider, &event_.channel, &event_.computer}) restore_units(*text, hidden->second);
      for (auto& [name, value] : event_.fields) restore_units(value, hidden->second);
    }
    if (event_.time == no_time) event_.time = written(chunk, at);
    tally_.window.see(event_.time);
    if (!state_event(event_, statement_)) return true;
    statement_.offset = chunk.offset + at;
    statement_.length = le<std::uint32_t>(chunk.bytes, at + 4) + (at == shortened_ ? 4U : 0U);
    statement_.carved = recovered || chunk.stale;
    ++tally_.emitted;
    sink_(statement_);
    return true;
  }

  bool xml_of(libevtx_record_t* record) {
    std::size_t size = 0;
    if (libevtx_record_get_utf8_xml_string_size(record, &size, nullptr) != 1 || size == 0 || size > most_text) return false;
    xml_.resize(size);
    if (libevtx_record_get_utf8_xml_string(record, reinterpret_cast<std::uint8_t*>(xml_.data()), size, nullptr) != 1) return false;
    xml_.pop_back();  // its final zero
    return true;
  }

  std::uint64_t remains_ = 0;
  Tally& tally_;
  const StatementSink& sink_;
  std::uint32_t shortened_ = 0;  // RecordPlaces::shortened of the chunk
  std::vector<TextSpan> texts_;
  std::map<std::uint32_t, char16_t> hidden_;  // records of the chunk of whose texts units are replaced, and by what
  std::string xml_;
  Event event_;
  Statement statement_;
};

std::string note_of(const EventLogShape& shape, std::uint64_t remains) {
  std::string note;
  const auto say = [&](std::string text) { note += (note.empty() ? "" : "; ") + std::move(text); };
  if (!shape.header)
    say("no file header");
  else if (!shape.header_good)
    say("file header damaged");
  if (shape.dirty) say("not closed");
  if (shape.rebuilt != 0) say(fmt::format("{} chunks without a usable header", shape.rebuilt));
  if (shape.bad_checksums != 0) say(fmt::format("{} chunks whose checksums do not match", shape.bad_checksums));
  if (shape.cut != 0) say(fmt::format("{} chunks cut or unreadable in part", shape.cut));
  if (remains != 0) say(fmt::format("{} remains of older records without what they need to be read", remains));
  return note;
}

}  // namespace

Tally read_event_log(const SourcePtr& file, std::string_view, const StatementSink& sink) {
  Tally tally;
  Reader reader(tally, sink);
  const EventLogShape shape = for_each_chunk(*file, tally.gaps, [&](EventChunk& chunk) { reader.read(chunk); });
  tally.damaged += shape.cut;
  tally.note = note_of(shape, reader.remains());
  if (shape.chunks == 0 && !shape.header) {
    tally.readable = false;
    tally.note = "no event log: neither its header nor a chunk";
  }
  return tally;
}

}  // namespace trimcarve::witness
