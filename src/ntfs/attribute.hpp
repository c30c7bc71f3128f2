// One attribute of a FILE record: header, name, and its value (resident) or run list and sizes (non-resident).
//
// Format: libfsntfs' NTFS format document, "MFT attribute"; Linux-NTFS documentation, "Attributes".
// Pure; no allocation. Views point into the record given and live as long as it.
#pragma once

#include <cstdint>

#include "ntfs/fix_up.hpp"
#include "ntfs/units.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

namespace attribute_type {
inline constexpr std::uint32_t standard_information = 0x10, attribute_list = 0x20, file_name = 0x30, object_id = 0x40,
                               security_descriptor = 0x50, volume_name = 0x60, volume_information = 0x70, data = 0x80, index_root = 0x90,
                               index_allocation = 0xA0, bitmap = 0xB0, reparse_point = 0xC0, ea_information = 0xD0, ea = 0xE0,
                               property_set = 0xF0, logged_utility_stream = 0x100, end = 0xFFFF'FFFF;
}

namespace attribute_flag {
inline constexpr std::uint16_t compressed = 0x0001, compression_mask = 0x00FF, encrypted = 0x4000, sparse = 0x8000;
}

// What is wrong inside an attribute whose length is sane. The parts not named are good.
namespace attribute_fault {
inline constexpr std::uint8_t name = 1,  // the name leaves the attribute: `name` is empty
    value = 2,                           // the value leaves the attribute: `value` is the part that lies inside
    runs = 4,                            // the run list leaves the attribute: `run_list` is empty
    sizes = 8,                           // valid size > size > allocated size, or the last VCN before the first
    form = 16;                           // neither resident nor non-resident, or too short for its form: nothing but the header is stated
}

struct Attribute {
  std::uint32_t type = 0;
  std::uint32_t offset = 0;  // of its header, in the record
  std::uint32_t length = 0;  // of the whole attribute
  std::uint16_t flags = 0;   // attribute_flag::*
  std::uint16_t id = 0;
  bool resident = true;
  std::uint8_t faults = 0;  // attribute_fault::*
  bool torn = false;        // touches a sector whose fix-up is bad
  Units name;

  // Resident.
  ByteView value;
  std::uint32_t value_offset = 0;  // in the record
  bool indexed = false;

  // Non-resident. The sizes are stated only in the first extent (first_vcn 0), bytes.
  std::uint64_t first_vcn = 0, last_vcn = 0;  // last_vcn is -1 (all ones) for an empty stream
  std::uint64_t allocated_size = 0, size = 0, valid_size = 0;
  std::uint64_t total_allocated = 0;       // compressed or sparse: bytes in clusters; else equal to allocated_size
  std::uint8_t compression_unit_log2 = 0;  // clusters per compression unit as a power of two; 0: not compressed
  ByteView run_list;
  std::uint32_t run_list_offset = 0;  // in the record

  bool compressed() const noexcept { return (flags & attribute_flag::compression_mask) != 0; }
  bool encrypted() const noexcept { return (flags & attribute_flag::encrypted) != 0; }
  bool sparse() const noexcept { return (flags & attribute_flag::sparse) != 0; }
  std::uint32_t end() const noexcept { return offset + length; }
};

enum class AttributeAt : std::uint8_t {
  attribute,   // `out` is filled; look at its faults
  end_marker,  // type FFFFFFFF
  no_room,     // not even a type fits before `limit`
  bad,         // type or length cannot be an attribute's: where the next begins is not known
};

// Decodes the attribute at `offset` of `record`; nothing at or beyond `limit` is used. Also fit for slack: whether there is an attribute at
// an arbitrary offset (8-byte aligned, as NTFS does); there, demand faults == 0 and attribute_plausible(). Does not set `torn`.
AttributeAt decode_attribute(ByteView record, std::uint64_t offset, std::uint64_t limit, Attribute& out) noexcept;

// For slack and carving: a known type, a form that fits it ($STANDARD_INFORMATION, $FILE_NAME, $INDEX_ROOT resident, $INDEX_ALLOCATION
// non-resident, ...), flags that exist, no faults, and a value offset as Windows lays it out.
bool attribute_plausible(const Attribute& attribute) noexcept;

}  // namespace trimcarve::ntfs
