// The log of a VHDX ([MS-VHDX] 2.3): a ring of entries, each of which writes sectors of 4 KiB of the file. What stands in it when the file
// was closed without its header saying so is pending. Pure over a ByteSource; hostile input gives an Error, at a cost that grows with the
// log's length only.
#pragma once

#include <array>
#include <cstdint>

#include "image/overlay.hpp"
#include "trimcarve/byte_source.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

struct LogPlace {
  std::array<std::byte, 16> id{};  // entries without it are of an earlier use of the ring
  std::uint64_t offset = 0, length = 0;
  std::uint16_t version = 0;
};

struct PendingLog {
  Patches patches;
  std::uint64_t entries = 0, sectors = 0;  // sectors of 4 KiB that the entries write, repeated ones counted each time
  std::uint64_t flushed = 0;               // so large the file was at least when the last entry was written
  bool unreadable = false;                 // a part of the log could not be read: a later entry may be lost
};

// The active sequence of entries, in the order in which they apply (2.3.3). Fails when there is none: the changes are lost, and what the
// file holds without them is not the disk's last state.
Result<PendingLog> read_vhdx_log(const ByteSource& file, const LogPlace& place);

}  // namespace trimcarve::image
