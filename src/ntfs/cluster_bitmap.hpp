// $Bitmap: which clusters of the volume are allocated. Owns its bytes; immutable, so safe from many threads.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "trimcarve/byte_source.hpp"

namespace trimcarve::ntfs {

enum class Allocation : std::uint8_t { free, allocated, unknown };

class ClusterBitmap {
 public:
  ClusterBitmap() = default;  // knows nothing
  // `clusters`: of the volume; bits behind the bytes are unknown, bits behind `clusters` do not exist. `unread`: byte ranges of the bitmap
  // that could not be read, in order.
  ClusterBitmap(std::vector<std::byte> bytes, std::uint64_t clusters, std::vector<Unread> unread);

  std::uint64_t clusters() const noexcept { return clusters_; }
  Allocation allocation(std::uint64_t lcn) const noexcept;
  bool allocated(std::uint64_t lcn) const noexcept { return allocation(lcn) == Allocation::allocated; }

  // How many clusters from `lcn` on have its allocation, at most `most`.
  std::uint64_t alike(std::uint64_t lcn, std::uint64_t most) const noexcept;

  struct Run {
    std::uint64_t lcn = 0, clusters = 0;
  };
  // The first run of free clusters at or behind `from` (unknown ones are not free). Iterate: r = next_free(0); r = next_free(r.lcn +
  // r.clusters).
  std::optional<Run> next_free(std::uint64_t from) const noexcept;
  std::uint64_t free_clusters() const noexcept;

 private:
  bool known(std::uint64_t byte) const noexcept;
  std::vector<std::byte> bytes_;
  std::uint64_t clusters_ = 0;
  std::vector<Unread> unread_;
};

}  // namespace trimcarve::ntfs
