// What the sections of an EnCase image (E01, also FTK's and linen's, SMART's S01) say of the disk and of where its chunks lie.
//
// Source: libewf's document "Expert Witness Compression Format (EWF)"; the layout of the volume section, which it no longer tells, from
// its edition of 2013. Offsets and lengths in bytes, numbers of chunks count from the disk's beginning.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::image {

inline constexpr std::uint64_t ewf_segment_header_size = 13;

struct EwfMedia {
  std::uint64_t size = 0;         // of the disk, at most 2^62
  std::uint64_t chunk_size = 0;   // 512 to 16 MiB
  std::uint32_t sector_size = 0;  // not 0
  std::uint64_t chunks() const noexcept { return size / chunk_size + (size % chunk_size != 0 ? 1 : 0); }
  std::uint64_t length(std::uint64_t chunk) const noexcept { return std::min(chunk_size, size - chunk * chunk_size); }
};

// Where the entries of one table lie: four bytes each, checked to lie inside the file.
struct EwfTable {
  std::uint64_t first_chunk = 0;
  std::uint64_t entries = 0;  // offset in the segment file
  std::uint64_t base = 0;     // the entries' offsets count from here
  std::uint32_t segment = 0;  // index of the file
  std::uint32_t count = 0;
  // From this entry on offsets have 32 bits, and the chunks are stored: what EnCase 6.7 wrote behind 2 GiB.
  std::uint32_t overflow = std::numeric_limits<std::uint32_t>::max();
};

// One entry of a table.
struct EwfEntry {
  std::uint64_t offset = 0;
  bool compressed = false;
};
inline EwfEntry ewf_entry(const EwfTable& table, std::uint32_t index, std::uint32_t value) noexcept {
  if (index >= table.overflow) return {table.base + value, false};
  return {table.base + (value & 0x7FFFFFFFU), (value >> 31) != 0};
}

struct EwfLayout {
  EwfMedia media;
  std::vector<EwfTable> tables;  // by first_chunk, disjoint, all chunks inside the disk
  std::vector<Unread> bad;       // of the disk: no table tells of it, or the acquisition could not read it. Sorted, disjoint, inside
  std::vector<Warning> warnings;
  std::string hashes;              // "MD5 ..., SHA-1 ...", as far as they are stated
  std::vector<std::string> notes;  // as read_ewf_notes
  bool whole = true;               // every section down to the last one could be read
  bool last = false;               // that one is "done": no segment follows
};

// Reads the sections of the segments, which are those of one image, in order. Throws RunError{input} when no section tells of the disk.
EwfLayout read_ewf_layout(const std::vector<SourcePtr>& segments, const std::string& path);

// The disk of these segments and their layout. Thread-safe; holds 16 MiB of unpacked chunks. `locate` answers nothing.
SourcePtr make_ewf_disk(std::vector<SourcePtr> segments, EwfLayout&& layout);

[[noreturn]] void refuse_ewf(const std::string& path, const std::string& why);

}  // namespace trimcarve::image
