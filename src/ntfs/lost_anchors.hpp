// Where a volume begins of which neither a boot sector, nor $MFT's own record, nor its mirror is left.
//
// Records of system files say in which clusters their contents lie, and how many bytes so many clusters hold: the size of a cluster. Three
// of these contents are known by how they begin: $LogFile ("RSTR"), $AttrDef (the name of its first attribute) and $UpCase (the first
// characters of the table). A content found on the disk less its cluster is where the volume begins; two files must agree.
#pragma once

#include <cstdint>
#include <vector>

#include "ntfs/lost_volumes.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

class LostAnchors {
 public:
  // A sector of the disk, `bytes`, at `at`.
  void look(const ByteSource& disk, std::uint64_t at, ByteView bytes);
  // The volumes that what was looked at tells of, each with its geometry.
  std::vector<LostVolume> volumes(const ByteSource& disk) const;

 private:
  struct Record {
    std::size_t file = 0;            // which of the three
    std::uint64_t mft = 0, lcn = 0;  // where $MFT begins by it; the first cluster of its content
    std::uint32_t record_size = 0, cluster_size = 0;
  };
  struct Content {
    std::size_t file = 0;
    std::uint64_t offset = 0;
  };
  std::vector<Record> records_;
  std::vector<Content> contents_;
};

}  // namespace trimcarve::ntfs
