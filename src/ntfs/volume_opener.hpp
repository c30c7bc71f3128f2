// Internal to the room: what opening a volume shares with reading streams from an open one.
#pragma once

#include "ntfs/stream.hpp"
#include "ntfs/volume.hpp"

namespace trimcarve::ntfs::detail {

// The stream (type, name) of the file whose base record, after fix-ups, is `fixed`.
Result<FileStream> join_stream(const Volume& volume, std::uint64_t entry, ByteView fixed, const FixUp& fix, std::uint32_t type,
                               std::u16string_view name);

}  // namespace trimcarve::ntfs::detail
