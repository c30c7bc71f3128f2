#include "ntfs/attribute.hpp"

#include <algorithm>

namespace trimcarve::ntfs {

namespace {

constexpr std::uint32_t resident_header = 24, non_resident_header = 64;

void decode_resident(ByteView record, Attribute& out) noexcept {
  const ByteView whole = record.subspan(out.offset, out.length);
  const std::uint64_t length = le<std::uint32_t>(whole, 16);
  const std::uint64_t at = le<std::uint16_t>(whole, 20);
  out.indexed = (std::to_integer<unsigned>(whole[22]) & 1U) != 0;
  if (!fits(whole, at, length) || (at < resident_header && length != 0)) {
    out.faults |= attribute_fault::value;
    if (at < resident_header || at > whole.size()) return;
  }
  out.value_offset = out.offset + static_cast<std::uint32_t>(at);
  out.value = whole.subspan(at, static_cast<std::size_t>(std::min<std::uint64_t>(length, whole.size() - at)));
}

void decode_non_resident(ByteView record, Attribute& out) noexcept {
  const ByteView whole = record.subspan(out.offset, out.length);
  out.first_vcn = le<std::uint64_t>(whole, 16);
  out.last_vcn = le<std::uint64_t>(whole, 24);
  const std::size_t runs = le<std::uint16_t>(whole, 32);
  const std::uint16_t unit = le<std::uint16_t>(whole, 34);
  out.compression_unit_log2 = out.compressed() && unit < 32 ? static_cast<std::uint8_t>(unit) : std::uint8_t{0};
  if (out.first_vcn == 0) {
    out.allocated_size = le<std::uint64_t>(whole, 40);
    out.size = le<std::uint64_t>(whole, 48);
    out.valid_size = le<std::uint64_t>(whole, 56);
    // The total in clusters is stored only when the header has a compression unit or the stream is sparse.
    const bool has_total = (unit != 0 || out.compressed() || out.sparse()) && runs >= 72 && out.length >= 72;
    out.total_allocated = has_total ? le<std::uint64_t>(whole, 64) : out.allocated_size;
    if (out.valid_size > out.size || out.size > out.allocated_size) out.faults |= attribute_fault::sizes;
  }
  if (out.last_vcn + 1 < out.first_vcn) out.faults |= attribute_fault::sizes;
  if (runs < non_resident_header || runs > whole.size()) {
    out.faults |= attribute_fault::runs;
    return;
  }
  out.run_list_offset = out.offset + static_cast<std::uint32_t>(runs);
  out.run_list = whole.subspan(runs);
}

}  // namespace

AttributeAt decode_attribute(ByteView record, std::uint64_t offset, std::uint64_t limit, Attribute& out) noexcept {
  limit = std::min<std::uint64_t>({limit, record.size(), max_record_size});
  if (!fits(limit, offset, 4)) return AttributeAt::no_room;
  const std::uint32_t type = le<std::uint32_t>(record, offset);
  if (type == attribute_type::end) return AttributeAt::end_marker;
  if (!fits(limit, offset, resident_header)) return AttributeAt::bad;
  const std::uint32_t length = le<std::uint32_t>(record, offset + 4);
  // Types are multiples of 16; those above 0x100 are left to applications and never seen above 0xFFFF.
  if (type == 0 || type % 16 != 0 || type > 0xFFFF) return AttributeAt::bad;
  if (length < resident_header || length % 8 != 0 || length > limit - offset) return AttributeAt::bad;

  out = Attribute{};
  out.type = type;
  out.offset = static_cast<std::uint32_t>(offset);
  out.length = length;
  const ByteView whole = record.subspan(out.offset, length);
  const auto form = std::to_integer<unsigned>(whole[8]);
  const std::size_t name_length = 2 * std::to_integer<std::size_t>(whole[9]);
  const std::size_t name_offset = le<std::uint16_t>(whole, 10);
  out.flags = le<std::uint16_t>(whole, 12);
  out.id = le<std::uint16_t>(whole, 14);
  out.resident = form == 0;
  if (name_length != 0) {
    if (fits(whole, name_offset, name_length) && name_offset >= resident_header)
      out.name = Units(whole.subspan(name_offset, name_length));
    else
      out.faults |= attribute_fault::name;
  }
  if (form > 1 || (form == 1 && length < non_resident_header))
    out.faults |= attribute_fault::form;
  else if (form == 0)
    decode_resident(record, out);
  else
    decode_non_resident(record, out);
  return AttributeAt::attribute;
}

bool attribute_plausible(const Attribute& a) noexcept {
  namespace t = attribute_type;
  if (a.faults != 0) return false;
  if ((a.flags & ~(attribute_flag::compressed | attribute_flag::encrypted | attribute_flag::sparse)) != 0) return false;
  switch (a.type) {
    case t::standard_information:
      if (!a.resident || (a.value.size() != 48 && a.value.size() != 72)) return false;
      break;
    case t::file_name:
      if (!a.resident || a.value.size() < 68) return false;
      break;
    case t::object_id:
      if (!a.resident || a.value.size() < 16 || a.value.size() > 256) return false;
      break;
    case t::volume_name:
    case t::volume_information:
    case t::index_root:
    case t::ea_information:
      if (!a.resident) return false;
      break;
    case t::index_allocation:
      if (a.resident) return false;
      break;
    case t::attribute_list:
    case t::security_descriptor:
    case t::data:
    case t::bitmap:
    case t::reparse_point:
    case t::ea:
    case t::property_set:
    case t::logged_utility_stream: break;
    default: return false;
  }
  // Windows puts the name right behind the header and the value or run list at the next multiple of 8, and pads to 8 at the end.
  const std::size_t name_end = a.name.bytes().size();
  if (a.resident) {
    const std::size_t value_at = a.value_offset - a.offset;
    return value_at == (resident_header + name_end + 7) / 8 * 8 && a.length - (value_at + a.value.size()) < 8;
  }
  const std::size_t runs_at = a.run_list_offset - a.offset;
  return runs_at == (non_resident_header + name_end + 7) / 8 * 8 || runs_at == (non_resident_header + 8 + name_end + 7) / 8 * 8;
}

}  // namespace trimcarve::ntfs
