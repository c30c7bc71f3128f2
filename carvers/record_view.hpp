// One FILE record as the record carvers get it: decoded, with its place in $MFT.
#pragma once

#include <cstdint>

#include "carvers/carver.hpp"
#include "ntfs/file_record.hpp"

namespace trimcarve::carvers {

struct RecordView {
  std::uint32_t volume = 0;
  std::uint64_t entry = 0;
  std::uint64_t offset = 0;           // of the record in $MFT's $DATA, bytes
  std::uint64_t volume_clusters = 0;  // 0: not known
  ntfs::FileRecord record;
};

// Whose record it is. In use: the sequence as stored. Free: the sequence before the free, for NTFS raises it when it frees the record (0
// after 0xFFFF; a free record at 1 says nothing, `known` is false then and the sequence 0). An extension record speaks of its base.
struct RecordIdentity {
  FileReference reference;
  bool known = false;
  bool base_is_elsewhere = false;
};
RecordIdentity identity_of(const ntfs::RecordHeader& header, std::uint64_t entry) noexcept;

}  // namespace trimcarve::carvers
