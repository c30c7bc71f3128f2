#include "ntfs/run_list.hpp"

#include <algorithm>

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t largest_cluster_count = std::uint64_t{1} << 62;

std::uint64_t unsigned_field(ByteView bytes, std::size_t offset, std::size_t width) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = (value << 8) | std::to_integer<std::uint64_t>(bytes[offset + i]);
  return value;
}

std::int64_t signed_field(ByteView bytes, std::size_t offset, std::size_t width) noexcept {
  const unsigned unused_bits = 64U - 8U * static_cast<unsigned>(width);
  return static_cast<std::int64_t>(unsigned_field(bytes, offset, width) << unused_bits) >> unused_bits;
}

}  // namespace

RunList decode_run_list(ByteView bytes, std::uint64_t first_vcn, std::uint64_t volume_clusters, std::vector<RunFact>& out) {
  RunList list;
  const auto ended = [&](RunListEnd end) {
    list.end = end;
    return list;
  };
  if (first_vcn > largest_cluster_count) return ended(RunListEnd::malformed);
  std::uint64_t vcn = first_vcn;
  std::int64_t lcn = 0;
  for (std::size_t at = 0;;) {
    if (at >= bytes.size()) return ended(RunListEnd::cut);
    const auto header = std::to_integer<unsigned>(bytes[at]);
    if (header == 0) return list;
    const std::size_t length_width = header & 15U, offset_width = header >> 4;
    if (length_width == 0 || length_width > 8 || offset_width > 8) return ended(RunListEnd::malformed);
    if (!fits(bytes, at + 1, length_width + offset_width)) return ended(RunListEnd::cut);
    const std::uint64_t clusters = unsigned_field(bytes, at + 1, length_width);
    if (clusters == 0 || clusters > largest_cluster_count - vcn) return ended(RunListEnd::malformed);

    RunFact run{vcn, -1, clusters};
    bool leaves = false;
    if (offset_width != 0) {
      if (__builtin_add_overflow(lcn, signed_field(bytes, at + 1 + length_width, offset_width), &lcn) || lcn < 0)
        return ended(RunListEnd::malformed);
      run.lcn = lcn;
      const auto begin = static_cast<std::uint64_t>(lcn);
      const std::uint64_t limit = volume_clusters != 0 ? volume_clusters : largest_cluster_count;
      if (begin >= limit) return ended(RunListEnd::beyond);
      leaves = clusters > limit - begin;
      if (leaves) run.clusters = limit - begin;
    }
    out.push_back(run);
    ++list.runs;
    list.clusters += run.clusters;
    if (leaves) return ended(RunListEnd::beyond);
    vcn += clusters;
    at += 1 + length_width + offset_width;
  }
}

RunList decode_run_list(const Attribute& attribute, std::uint64_t volume_clusters, std::vector<RunFact>& out) {
  if (attribute.resident || (attribute.faults & (attribute_fault::runs | attribute_fault::form)) != 0) return {RunListEnd::cut, 0, 0};
  RunList list = decode_run_list(attribute.run_list, attribute.first_vcn, volume_clusters, out);
  // For an empty stream last_vcn is -1, so that this gives 0.
  const std::uint64_t stated = attribute.last_vcn + 1 - attribute.first_vcn;
  if (list.complete() && list.clusters != stated) list.end = RunListEnd::wrong_size;
  return list;
}

}  // namespace trimcarve::ntfs
