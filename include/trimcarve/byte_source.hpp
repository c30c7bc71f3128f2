// Bytes that know where they lie.
//
// A ByteSource is read-only and thread-safe. A disk, a partition of it, a file's stream assembled from run lists: each is a ByteSource, and
// each can say for any of its bytes where they lie in the evidence (`locate`) and what the container knows of them (`extents`).
// Zeros that were read and bytes that could not be read are never confused: an unreadable byte makes read_at fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "trimcarve/result.hpp"

namespace trimcarve {

// Where evidence was read. Space 0 is `disk`: an offset in the virtual disk as the container presents it. Space N + 1 is `file:N`: the N-th
// input file itself (extracted artefacts, container headers). Offsets and lengths in bytes.
struct Range {
  std::uint32_t space = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend bool operator==(const Range&, const Range&) = default;
};
inline constexpr std::uint32_t disk_space = 0;
constexpr std::uint32_t file_space(std::uint32_t input_file) noexcept { return input_file + 1; }

// What lies behind a stretch of a source.
enum class ExtentKind : std::uint8_t {
  data,            // bytes are stored; they may still be zero
  hole,            // no bytes are stored (hole of the examiner's file, sparse run), which says nothing of why; reads as zeros
  container_zero,  // the container's table says: zero
  unmapped,        // the container's table says: unmapped (discarded)
  unreadable,      // stored but not readable: I/O error, past the end of a short file, damaged table
  not_present,     // the container's table, or a page blob's listing, says: nothing is stored here; reads as zeros
  undefined,       // the container's table says: undefined (whatever was here is given up); reads as zeros
};
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  ExtentKind kind = ExtentKind::data;
  bool partial = false;  // in a block of which, by its sector bitmap, only some sectors are stored in the image itself
  friend bool operator==(const Extent&, const Extent&) = default;
};

class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  virtual std::uint64_t size() const noexcept = 0;

  // Fills `out` from `offset`. Fails, with `out` unspecified, when any byte of it is past the end or unreadable.
  virtual Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;

  // Covers [offset, offset + length), clamped to size(), in order and without gaps; neighbours of one kind are joined.
  virtual std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const = 0;

  // Where the bytes [offset, offset + length) lie in the evidence, in order; neighbours are joined. Stretches that lie nowhere (sparse
  // runs) are left out.
  virtual std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const = 0;
};

using SourcePtr = std::shared_ptr<const ByteSource>;

// A stretch of a source that could not be read.
struct Unread {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Reads as much as can be read: on failure the read is halved down to 512-byte sectors. What could not be read is zero-filled in `out` and
// appended to `unread` (offsets in the source, neighbours joined). Returns true when everything was read.
bool read_tolerant(const ByteSource& source, std::uint64_t offset, std::span<std::byte> out, std::vector<Unread>& unread);

// [offset, offset + length) of `base` as a source of its own. The part beyond the end of `base` is unreadable, not zero.
SourcePtr make_view(SourcePtr base, std::uint64_t offset, std::uint64_t length);

}  // namespace trimcarve
