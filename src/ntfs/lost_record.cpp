#include "ntfs/lost_record.hpp"

#include <algorithm>
#include <bit>

#include "ntfs/file_name.hpp"
#include "ntfs/index.hpp"

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t root_entry = 5, bitmap_entry = 6;

}  // namespace

bool read_piece(const ByteSource& disk, std::uint64_t offset, std::span<std::byte> out) {
  return fits(disk.size(), offset, out.size()) && disk.read_at(offset, out).has_value();
}

bool LostRecord::read(const ByteSource& disk, std::uint64_t at, std::uint32_t size, std::uint64_t number) {
  bytes.resize(size);
  if (!read_piece(disk, at, bytes) || record_signature(bytes) != RecordSignature::file) return false;
  fix = apply_fix_up(bytes);
  if (!FileRecord::decode(bytes, fix, record) || record.torn() || record.header().allocated_size != size) return false;
  if (!record.header().in_use() || record.header().base.value != 0) return false;
  if (record.header().has_number && record.header().number != number) return false;
  AttributeWalk walk(record);
  for (Attribute a; walk.next(a);) {
    if (a.type == attribute_type::file_name && a.resident && a.faults == 0)
      if (const auto file_name = decode_file_name(a.value)) name = file_name->name.str();
    if (a.type != attribute_type::data || !a.name.empty() || a.resident || a.faults != 0 || a.first_vcn != 0 || has_data) continue;
    const RunList list = decode_run_list(a, 0, runs);
    has_data = list.complete() && !runs.empty() && runs.front().lcn >= 0;
    clusters = list.clusters;
    data = a;
  }
  return true;
}

void complete_geometry(const ByteSource& disk, std::uint64_t mft, LostVolume& volume) {
  Geometry& g = *volume.geometry;
  LostRecord root, bitmap;
  g.bytes_per_sector = 512;
  g.index_block_size = 4096;
  if (root.read(disk, mft + root_entry * g.record_size, g.record_size, root_entry)) {
    AttributeWalk walk(root.record);
    for (Attribute a; walk.next(a);)
      if (a.type == attribute_type::index_root && a.resident)
        if (const auto index = decode_index_root(a.value);
            index && std::has_single_bit(index->block_size) && index->block_size >= 512 && index->block_size <= 65536)
          g.index_block_size = index->block_size;
  }
  // $Bitmap has a bit for each cluster, in whole 8 bytes: the volume may be up to 63 clusters smaller.
  if (bitmap.read(disk, mft + bitmap_entry * g.record_size, g.record_size, bitmap_entry) && bitmap.has_data && bitmap.data.size > 0 &&
      bitmap.data.size < volume.size / g.cluster_size / 8 + 8)
    volume.size = std::min(volume.size, bitmap.data.size * 8 * g.cluster_size);
  g.total_sectors = volume.size / 512;
  g.volume_size = g.total_sectors * 512;
}

}  // namespace trimcarve::ntfs
