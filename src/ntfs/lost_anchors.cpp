#include "ntfs/lost_anchors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <string_view>
#include <tuple>

#include "ntfs/lost_record.hpp"

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t sector = 512, largest_cluster = 2U << 20;
constexpr std::size_t most_records = 256, most_contents = 4096;  // copies of volumes in shadow copies and files among them

struct SystemFile {
  std::uint64_t entry;
  std::u16string_view name;
};
constexpr std::array files{SystemFile{2, u"$LogFile"}, SystemFile{4, u"$AttrDef"}, SystemFile{10, u"$UpCase"}};

bool begins_with(ByteView bytes, std::u16string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (le<std::uint16_t>(bytes, 2 * i) != text[i]) return false;
  return true;
}

// The first 128 entries of the table: ASCII letters become capitals, whatever Windows made of others.
bool is_up_case(ByteView bytes) {
  for (std::uint16_t i = 0; i < 128; ++i)
    if (le<std::uint16_t>(bytes, std::size_t{2} * i) != (i >= 'a' && i <= 'z' ? i - 32 : i)) return false;
  return true;
}

}  // namespace

void LostAnchors::look(const ByteSource& disk, std::uint64_t at, ByteView bytes) {
  if (contents_.size() < most_contents) {
    if (std::memcmp(bytes.data(), "RSTR", 4) == 0) contents_.push_back({0, at});
    if (bytes[0] == std::byte{'$'} && begins_with(bytes, u"$STANDARD_INFORMATION")) contents_.push_back({1, at});
    if (bytes[0] == std::byte{0} && bytes[2] == std::byte{1} && is_up_case(bytes)) contents_.push_back({2, at});
  }
  if (records_.size() >= most_records || record_signature(bytes) != RecordSignature::file) return;
  const std::uint32_t size = le<std::uint32_t>(bytes, 0x1C);
  if (size < sector || size > 65536 || !std::has_single_bit(size)) return;
  const bool numbered = le<std::uint16_t>(bytes, 4) >= 0x30;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if ((numbered && le<std::uint32_t>(bytes, 0x2C) != files[i].entry) || at < files[i].entry * size) continue;
    LostRecord record;
    if (!record.read(disk, at, size, files[i].entry) || record.name != files[i].name || !record.has_data || record.clusters == 0) continue;
    const std::uint64_t cluster = record.data.allocated_size / record.clusters;
    if (record.data.allocated_size % record.clusters != 0 || !std::has_single_bit(cluster) || cluster < sector || cluster > largest_cluster)
      continue;
    records_.push_back(
        {i, at - files[i].entry * size, static_cast<std::uint64_t>(record.runs.front().lcn), size, static_cast<std::uint32_t>(cluster)});
  }
}

std::vector<LostVolume> LostAnchors::volumes(const ByteSource& disk) const {
  // Where $MFT begins, where the volume does, sizes of a record and a cluster; which of the files say so.
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t, std::uint32_t>, unsigned> said;
  for (const Record& r : records_)
    for (const Content& c : contents_) {
      if (c.file != r.file || r.lcn > c.offset / r.cluster_size) continue;
      const std::uint64_t start = c.offset - r.lcn * r.cluster_size;
      if (start <= r.mft && (r.mft - start) % r.cluster_size == 0) said[{r.mft, start, r.record_size, r.cluster_size}] |= 1U << r.file;
    }
  std::vector<LostVolume> found;
  for (const auto& [place, by] : said) {
    if (std::popcount(by) < 2) continue;
    const auto& [mft, start, record_size, cluster_size] = place;
    LostVolume volume{start, disk.size() - start, "records of system files", Geometry{}};
    volume.geometry->cluster_size = cluster_size;
    volume.geometry->record_size = record_size;
    volume.geometry->mft_lcn = (mft - start) / cluster_size;
    complete_geometry(disk, mft, volume);
    found.push_back(std::move(volume));
  }
  return found;
}

}  // namespace trimcarve::ntfs
