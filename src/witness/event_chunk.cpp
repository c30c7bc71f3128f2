#include "witness/event_chunk.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "image/crc.hpp"
#include "witness/binary_xml.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::size_t sector_size = 512;
constexpr std::size_t chunk_header_size = 128;
constexpr std::uint32_t record_signature = 0x00002A2A;

// Offsets in the chunk's header.
constexpr std::size_t at_header_size = 40, at_last_record = 44, at_free = 48, at_records_checksum = 52, at_checksum = 124;

bool has_signature(ByteView bytes, std::uint64_t at, const char (&signature)[8]) {
  return fits(bytes, at, 8) && std::memcmp(bytes.data() + at, signature, 8) == 0;
}

void put32(std::span<std::byte> bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

std::uint32_t header_checksum(ByteView chunk) {  // of the first 120 bytes and of the tables behind the header
  std::array<std::byte, 120 + event_records_at - chunk_header_size> covered;
  std::memcpy(covered.data(), chunk.data(), 120);
  std::memcpy(covered.data() + 120, chunk.data() + chunk_header_size, covered.size() - 120);
  return image::crc32(covered);
}

// Whether any record, whole or not, begins in the window: then it is worth being read as a chunk although its header is gone.
bool has_records(ByteView window) {
  for (std::size_t at = event_records_at; at + event_record_header_size <= window.size(); at += 8)
    if (le<std::uint32_t>(window, at) == record_signature && event_record_size(window, at) != 0) return true;
  return false;
}

void measure(EventChunk& chunk) {
  std::uint32_t at = event_records_at, last = event_records_at;
  while (const std::uint32_t size = event_record_size(chunk.bytes, at)) {
    last = at;
    at += size;
  }
  chunk.records_end = at;
  const ByteView bytes = chunk.bytes;
  const auto free_at = le<std::uint32_t>(bytes, at_free), last_at = le<std::uint32_t>(bytes, at_last_record);
  chunk.rebuilt = !has_signature(bytes, 0, "ElfChnk") || le<std::uint32_t>(bytes, at_header_size) != chunk_header_size ||
                  free_at < event_records_at || free_at > event_chunk_size || last_at >= free_at;
  chunk.checksums_good =
      !chunk.rebuilt && le<std::uint32_t>(bytes, at_checksum) == header_checksum(bytes) &&
      le<std::uint32_t>(bytes, at_records_checksum) == image::crc32(bytes.subspan(event_records_at, free_at - event_records_at));
  chunk.free_at = chunk.rebuilt ? chunk.records_end : free_at;
  if (!chunk.rebuilt) return;
  // Only what libevtx needs to walk the records that are there.
  std::memcpy(chunk.bytes.data(), "ElfChnk", 8);
  put32(chunk.bytes, at_header_size, chunk_header_size);
  put32(chunk.bytes, at_last_record, last);
  put32(chunk.bytes, at_free, at);
}

// The stretches of a file that a container or a run list knows to be empty, asked once; they are skipped, not read.
class Holes {
 public:
  explicit Holes(const ByteSource& file) {
    for (const Extent& extent : file.extents(0, file.size()))
      if (extent.kind != ExtentKind::data && extent.kind != ExtentKind::unreadable) holes_.push_back(extent);
  }
  // How far the hole at `offset` goes, whole sectors; 0 when none is there. `offset` must not fall between calls.
  std::uint64_t from(std::uint64_t offset) {
    while (next_ < holes_.size() && holes_[next_].offset + holes_[next_].length <= offset) ++next_;
    if (next_ == holes_.size() || holes_[next_].offset > offset) return 0;
    return (holes_[next_].offset + holes_[next_].length - offset) / sector_size * sector_size;
  }

 private:
  std::vector<Extent> holes_;
  std::size_t next_ = 0;
};

}  // namespace

std::uint32_t event_record_size(ByteView chunk, std::uint64_t offset) noexcept {
  if (!fits(chunk, offset, event_record_header_size + 4)) return 0;
  if (le<std::uint32_t>(chunk, offset) != record_signature) return 0;
  const auto size = le<std::uint32_t>(chunk, offset + 4);
  if (size < event_record_header_size + 4 || size % 4 != 0 || !fits(chunk, offset, size)) return 0;
  return le<std::uint32_t>(chunk, offset + size - 4) == size ? size : 0;
}

RecordPlaces prepare_records(EventChunk& chunk) {
  RecordPlaces places;
  const std::span<std::byte> bytes = chunk.bytes;
  // libevtx wants four bytes more behind a record than there need be.
  const auto accepted = [&](std::uint32_t at) -> std::uint32_t {
    const std::uint32_t size = event_record_size(bytes, at);
    return size > event_record_header_size + 4 && size <= bytes.size() - at - 4 ? size : 0;
  };
  // A record that ends with the chunk is taken when it is told 4 bytes shorter, where its padding has room for the size behind it.
  const auto shorten = [&](std::uint32_t at) {
    const std::uint32_t size = event_record_size(bytes, at);
    if (size < event_record_header_size + 12 || size <= bytes.size() - at - 4) return;
    const std::uint64_t end = end_of_binary_xml(bytes, at + event_record_header_size);
    if (end == 0 || end > at + size - 8) return;
    put32(bytes, at + 4, size - 4);
    put32(bytes, at + size - 8, size - 4);
    places.shortened = at;
  };
  const auto last = le<std::uint32_t>(bytes, at_last_record);
  std::uint32_t at = event_records_at;
  while (at <= last) {
    shorten(at);
    const std::uint32_t size = accepted(at);
    if (size == 0) break;
    places.listed.push_back(at);
    at += size;
  }
  put32(bytes, at_last_record, places.listed.empty() ? 0 : places.listed.back());
  for (; at + 4 <= bytes.size(); at += 4) {
    if (le<std::uint32_t>(bytes, at) != record_signature) continue;
    shorten(at);
    const std::uint32_t size = accepted(at);
    const std::size_t xml_size = size - event_record_header_size - 4, xml = at + event_record_header_size;
    const bool template_instance = size != 0 && xml_size >= 5 && bytes[xml] == std::byte{0x0A};
    const bool fragment = size != 0 && xml_size >= 4 && le<std::uint32_t>(bytes, xml) == 0x0001010F;
    if (template_instance || fragment) {
      places.recovered.push_back(at);
      at += size - 4;
      continue;
    }
    if (size == 0 && event_record_size(bytes, at) != 0) ++places.refused;
    put32(bytes, at, 0);
  }
  return places;
}

EventLogShape for_each_chunk(const ByteSource& file, carvers::GapList& gaps, const std::function<void(EventChunk&)>& sink) {
  EventLogShape shape;
  EventChunk chunk;
  Holes holes(file);
  const std::uint64_t end = file.size();
  for (std::uint64_t at = 0; at < end;) {
    if (const std::uint64_t hole = holes.from(at)) {
      gaps.add(at, hole, carvers::GapKind::hole);
      at += hole;
      continue;
    }
    chunk.bytes.assign(event_chunk_size, std::byte{0});
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(event_chunk_size, end - at));
    std::vector<Unread> unread;
    const bool read = read_tolerant(file, at, std::span(chunk.bytes).first(size), unread);
    const ByteView window = ByteView(chunk.bytes).first(size);
    if (at == 0 && has_signature(window, 0, "ElfFile")) {
      shape.header = true;
      if (size >= 128) {
        shape.header_good = image::crc32(window.first(120)) == le<std::uint32_t>(window, 124);
        shape.dirty = (le<std::uint32_t>(window, 120) & 1U) != 0;
        shape.counted = le<std::uint16_t>(window, 42);
      }
      at = std::min<std::uint64_t>(event_header_size, end);
      continue;
    }
    std::size_t taken = 0;  // up to here nothing
    if (!has_signature(window, 0, "ElfChnk")) {
      for (taken = sector_size; taken < size && !has_signature(window, taken, "ElfChnk"); taken += sector_size) {
      }
      taken = std::min(taken, size);
    }
    if (taken == 0 || has_records(window.first(taken))) {
      // Bytes of another chunk behind this one's remains are that chunk's.
      if (taken != 0) std::ranges::fill(std::span(chunk.bytes).subspan(taken), std::byte{0});
      chunk.offset = at;
      chunk.size = static_cast<std::uint32_t>(taken == 0 ? size : taken);
      chunk.stale = shape.header_good && !shape.dirty && at >= event_header_size + std::uint64_t{shape.counted} * event_chunk_size;
      measure(chunk);
      ++shape.chunks;
      shape.rebuilt += chunk.rebuilt ? 1 : 0;
      shape.bad_checksums += !chunk.rebuilt && !chunk.checksums_good ? 1 : 0;
      shape.cut += size < event_chunk_size || !read ? 1 : 0;
      for (const Unread& part : unread)
        if (part.offset < at + chunk.size)
          gaps.add(part.offset, std::min(part.length, at + chunk.size - part.offset), carvers::GapKind::unreadable);
      sink(chunk);
      at += chunk.size;
    } else {
      gaps.add(at, taken,
               !read && !unread.empty()        ? carvers::GapKind::unreadable
               : all_zero(window.first(taken)) ? carvers::GapKind::zero
                                               : carvers::GapKind::garbage);
      at += taken;
    }
  }
  return shape;
}

}  // namespace trimcarve::witness
