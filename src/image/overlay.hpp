// Changes laid over a file without touching it: sectors that a pending log would write, in front of what the file holds.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "trimcarve/byte_source.hpp"

namespace trimcarve::image {

// One change: zeros, or a sector of 4096 bytes kept elsewhere in the same file without its first eight and last four bytes, as a VHDX log
// keeps it.
struct Patch {
  std::uint64_t end = 0;   // of the stretch it covers
  bool zero = true;        // else:
  std::uint64_t body = 0;  // where in the file the bytes 8 to 4091 stand
  std::array<std::byte, 8> leading{};
  std::array<std::byte, 4> trailing{};
};

// Patches by where they begin, disjoint.
class Patches {
 public:
  static constexpr std::uint64_t sector = 4096;

  // Later ones win. Preconditions: `begin` and `patch.end` are multiples of `sector`, begin < end; a patch of bytes covers one sector.
  void add(std::uint64_t begin, const Patch& patch);
  const std::map<std::uint64_t, Patch>& all() const noexcept { return patches_; }

 private:
  std::map<std::uint64_t, Patch> patches_;
};

// `file` with the patches in front. Bytes past its end are there where a patch writes them, and else unreadable: they are nobody's zeros.
// `locate` answers for the file's own bytes. Thread-safe as the file is.
SourcePtr overlay(SourcePtr file, Patches patches);

}  // namespace trimcarve::image
