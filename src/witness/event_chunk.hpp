// The chunks of an event log (.evtx), found one by one, so that a damaged header, a chunk that is gone or a log of which only chunks are
// left costs no other chunk.
//
// Source of the format: libevtx, "Windows XML Event Log (EVTX) format": a file header ("ElfFile", 4096 bytes), then chunks of 64 KiB
// ("ElfChnk": 128 bytes of header, string and template tables up to 512, then records, "**\0\0", each with its size before and behind).
// All offsets inside a chunk count from its beginning, so a chunk can be read alone.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"
#include "witness/witness.hpp"

namespace trimcarve::witness {

inline constexpr std::size_t event_header_size = 4096;
inline constexpr std::size_t event_chunk_size = 65536;
inline constexpr std::size_t event_records_at = 512;         // first record of a chunk
inline constexpr std::size_t event_record_header_size = 24;  // signature, size, record id, time written

struct EventChunk {
  std::uint64_t offset = 0;       // in the file
  std::uint32_t size = 0;         // bytes of it that the file has
  std::vector<std::byte> bytes;   // event_chunk_size; zeros where the file has none
  bool rebuilt = false;           // its header was unusable and was made anew in `bytes`
  bool stale = false;             // behind the chunks that a good header of a closed log counts: left from an earlier use
  bool checksums_good = true;     // of header and records, as the file has them
  std::uint32_t records_end = 0;  // behind the whole records that stand in a row from event_records_at on
  std::uint32_t free_at = 0;      // where the header says that records end; records_end when it was unusable
};

struct EventLogShape {
  bool header = false;        // a file header with its signature
  bool header_good = false;   // and with a right checksum
  bool dirty = false;         // its flag: the log was not closed
  std::uint32_t counted = 0;  // chunks, as it says
  std::uint64_t chunks = 0, rebuilt = 0, bad_checksums = 0, cut = 0;
};

// Where the records of a chunk begin, in libevtx's order: those in a row from event_records_at to where the header says the last begins,
// then what has the shape of a record in the rest of the chunk.
struct RecordPlaces {
  std::vector<std::uint32_t> listed, recovered;
  // It passes over a record that ends in the last four bytes of the chunk, as one of Windows may.
  std::uint32_t shortened = 0;  // where such a one is that is told four bytes shorter in `chunk`, so that it is not; 0: none
  std::uint32_t refused = 0;    // the others
};

// Finds them, and makes sure that libevtx (20181227) finds the same: it reports no record's place (its offset is always 0), and it reads
// past the end of the chunk behind a record whose size is no multiple of four, which Windows never writes. So such records are blanked in
// `chunk`, and the header names the last record of the row.
RecordPlaces prepare_records(EventChunk& chunk);

// Hands each chunk over, in the order of the file, in one buffer that is used again. Chunks may begin at any sector (512 bytes). What gave
// none becomes a gap.
EventLogShape for_each_chunk(const ByteSource& file, carvers::GapList& gaps, const std::function<void(EventChunk&)>& sink);

// The size of the record at an offset of a chunk: 0 unless its signature stands there, and its size, a multiple of four, both before and
// behind it.
std::uint32_t event_record_size(ByteView chunk, std::uint64_t offset) noexcept;

}  // namespace trimcarve::witness
