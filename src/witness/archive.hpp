// Zips of logs: CollectGuestLogs' and others'. Through libarchive.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "trimcarve/byte_source.hpp"
#include "witness/witness.hpp"

namespace trimcarve::witness {

struct Member {
  std::string name;  // as the zip has it, UTF-8; hostile: it may be absolute, hold .., backslashes, anything
  // Its content, in memory. locate() gives, for any part of it, where the member's stored form lies in the zip's own evidence: compressed
  // bytes belong to the whole.
  SourcePtr bytes;
  std::uint64_t offset = 0, length = 0;  // of its stored form in the zip: local header and data; the whole zip when it is not known
  std::optional<FileTime> modified;      // the header's DOS date, 2 s steps; no zone is stated, so it is taken for UTC
  bool cut = false;                      // not all of it: damaged, failing its checksum, encrypted, or beyond a limit
};

struct ArchiveLimits {
  std::uint64_t member = std::uint64_t{64} << 20;  // bytes of one member
  std::uint64_t all = std::uint64_t{512} << 20;    // bytes of all members together
  std::uint64_t members = 100'000;
};

// Calls `take` for each file in the zip, in the order of the zip; a member's bytes live as long as its SourcePtr is kept. Nested zips are
// members like others: whoever opens them bounds the depth. With a central directory it is followed; where it is lost or ends in damage,
// the local headers are read one after the other. What lies behind a limit is not read, and `note` says so. Tally: records are members
// seen, emitted those handed on, damaged those that are cut, and one more for a lost or
// damaged central directory; no window. Not readable: no zip.
Tally read_archive(const SourcePtr& zip, const std::function<void(const Member&)>& take, const ArchiveLimits& limits = {});

}  // namespace trimcarve::witness
