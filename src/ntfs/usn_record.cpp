#include "ntfs/usn_record.hpp"

namespace trimcarve::ntfs {

namespace {

constexpr std::uint32_t v2_header = 60, v3_header = 76, v4_header = 64;
constexpr std::uint32_t longest_name = 510;
// Every USN_REASON_* and USN_SOURCE_* bit that Windows documents.
constexpr std::uint32_t known_reasons = 0x81FF'FF77, known_sources = 0xF;
// NTFS numbers its records with 32 bits.
constexpr std::uint64_t entry_limit = std::uint64_t{1} << 32;

struct V2 {
  Little<std::uint32_t> length;
  Little<std::uint16_t> version, minor_version;
  Little<std::uint64_t> reference, parent, usn, time;
  Little<std::uint32_t> reason, source_info, security_id, attributes;
  Little<std::uint16_t> name_length, name_offset;
};
static_assert(sizeof(V2) == v2_header);

struct V3 {
  Little<std::uint32_t> length;
  Little<std::uint16_t> version, minor_version;
  Little<std::uint64_t> reference, reference_high, parent, parent_high, usn, time;
  Little<std::uint32_t> reason, source_info, security_id, attributes;
  Little<std::uint16_t> name_length, name_offset;
};
static_assert(sizeof(V3) == v3_header);

struct V4 {
  Little<std::uint32_t> length;
  Little<std::uint16_t> version, minor_version;
  Little<std::uint64_t> reference, reference_high, parent, parent_high, usn;
  Little<std::uint32_t> reason, source_info, remaining_extents;
  Little<std::uint16_t> extents, extent_size;
};
static_assert(sizeof(V4) == v4_header);

constexpr std::uint32_t padded(std::uint32_t length) noexcept { return (length + 7U) / 8U * 8U; }

bool reference_sane(const UsnRecord& r) noexcept {
  if (r.reference.value == 0 || r.parent.value == 0) return false;
  return r.wide_reference || (r.reference.entry() < entry_limit && r.parent.entry() < entry_limit);
}

// What all versions share, once filled.
bool fields_sane(const UsnRecord& r) noexcept {
  return r.reason != 0 && (r.reason & ~known_reasons) == 0 && (r.source_info & ~known_sources) == 0 && r.usn % 8 == 0 &&
         (r.usn >> 63) == 0 && reference_sane(r);
}

template <class Stored>
bool take_named(ByteView bytes, UsnRecord& r) noexcept {
  const auto s = load<Stored>(bytes);
  const std::uint32_t name_length = s.name_length, name_offset = s.name_offset;
  if (name_length == 0 || name_length % 2 != 0 || name_length > longest_name || name_offset < sizeof(Stored) ||
      padded(name_offset + name_length) != r.length)
    return false;
  r.reference = FileReference{s.reference};
  r.parent = FileReference{s.parent};
  r.usn = s.usn;
  r.time = FileTime{s.time};
  r.reason = s.reason;
  r.source_info = s.source_info;
  r.security_id = s.security_id;
  r.attributes = s.attributes;
  r.name = Units(bytes.subspan(name_offset, name_length));
  for (std::size_t i = 0; i < r.name.size(); ++i)
    if (r.name[i] == 0) return false;
  if constexpr (sizeof(Stored) == v3_header) r.wide_reference = s.reference_high != 0 || s.parent_high != 0;
  return fields_sane(r);
}

bool take_v4(ByteView bytes, UsnRecord& r) noexcept {
  const auto s = load<V4>(bytes);
  const std::uint32_t extents = s.extents, extent_size = s.extent_size;
  if (extents == 0 || extent_size < 16 || extent_size % 8 != 0 || v4_header + extents * extent_size != r.length) return false;
  r.reference = FileReference{s.reference};
  r.parent = FileReference{s.parent};
  r.wide_reference = s.reference_high != 0 || s.parent_high != 0;
  r.usn = s.usn;
  r.reason = s.reason;
  r.source_info = s.source_info;
  r.extents = static_cast<std::uint16_t>(extents);
  r.remaining_extents = s.remaining_extents;
  return fields_sane(r);
}

}  // namespace

std::optional<UsnRecord> decode_usn_record(ByteView bytes) noexcept {
  if (bytes.size() < v2_header) return std::nullopt;
  const std::uint32_t length = le<std::uint32_t>(bytes, 0);
  if (length == 0 || length % 8 != 0 || length > bytes.size()) return std::nullopt;  // first: a journal has long stretches of zeros
  UsnRecord r;
  r.length = length;
  r.version = le<std::uint16_t>(bytes, 4);
  r.minor_version = le<std::uint16_t>(bytes, 6);
  if (r.minor_version != 0) return std::nullopt;
  bool taken = false;
  if (r.version == 2 && r.length >= v2_header) taken = take_named<V2>(bytes, r);
  if (r.version == 3 && r.length >= v3_header) taken = take_named<V3>(bytes, r);
  if (r.version == 4 && r.length >= v4_header) taken = take_v4(bytes, r);
  if (!taken) return std::nullopt;
  return r;
}

std::optional<UsnMax> decode_usn_max(ByteView bytes) noexcept {
  if (bytes.size() < 32) return std::nullopt;
  return UsnMax{le<std::uint64_t>(bytes, 0), le<std::uint64_t>(bytes, 8), le<std::uint64_t>(bytes, 16), le<std::uint64_t>(bytes, 24)};
}

}  // namespace trimcarve::ntfs
