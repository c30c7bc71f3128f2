// Volume shadow copies of an NTFS volume: each store as the volume it was when the store was made.
//
// The copies lie on the volume itself: a header at 0x1E00 names a catalog, the catalog each store, and a store's block list says where the
// 16 KiB blocks that were overwritten later were copied to. What a store does not hold is found in the stores made after it, and last in
// the volume as it is now. A block that no file had when the copy was made was not kept: it is a hole, whatever lies there now.
// Sources: J. Metz, "Volume Shadow Snapshot (VSS) format"; forwarders, overlays and the offline flag as dfir_ntfs reads them.
// A store is immutable and thread-safe; it keeps the volume alive.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::image {

inline constexpr std::uint64_t shadow_block_size = 0x4000;

struct ShadowStore {
  std::string identifier;  // of the store, as in its file's name
  FileTime created;
  bool offline = false;  // marked as no longer offered by Windows: deleted, but still kept up
  // Some of its own blocks are free on the volume: its file was deleted. What TRIM zeroed of them is unreadable; the rest is what lies
  // there.
  bool freed = false;
  std::uint64_t blocks = 0;  // that it holds itself
  SourcePtr bytes;           // the volume as it was; null when that cannot be said
  std::string why;           // of a store without bytes: why
};

struct ShadowStores {
  std::vector<ShadowStore> stores;  // newest first
  std::vector<Warning> warnings;
  bool complete = true;  // false: a store, or the catalog, cannot be read
};

// Never throws; a volume without copies has none. `volume`: the partition. `is_free`: are all clusters of the block at this offset free on
// the volume? Empty: that is not known.
ShadowStores read_shadows(const SourcePtr& volume, const std::function<bool(std::uint64_t offset)>& is_free = {});

}  // namespace trimcarve::image
