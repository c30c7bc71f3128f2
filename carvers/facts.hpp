// Puts what the decoders read into a Sighting's facts. For carvers only.
#pragma once

#include "ntfs/file_name.hpp"
#include "ntfs/units.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::carvers {

// A stored size if it can be one of a structure that we decode, else the fallback.
constexpr std::uint32_t usable_size(std::uint32_t stored, std::uint32_t fallback) noexcept {
  return stored >= 512 && stored <= 65536 && (stored & (stored - 1)) == 0 ? stored : fallback;
}

// Appends units to the sighting's text and returns where they begin.
inline std::uint32_t add_text(Sighting& sighting, ntfs::Units units) {
  const auto at = static_cast<std::uint32_t>(sighting.text.size());
  units.append_to(sighting.text);
  return at;
}

// The reference stays valid until the next name is added.
inline NameFact& add_name(Sighting& sighting, const ntfs::FileName& name) {
  NameFact& fact = sighting.names.emplace_back();
  fact.text = add_text(sighting, name.name);
  fact.length = static_cast<std::uint16_t>(name.name.size());
  fact.name_space = name.name_space;
  fact.has_times = true;
  fact.parent = name.parent;
  fact.times = name.times;
  fact.allocated_size = name.allocated_size;
  fact.size = name.size;
  fact.attributes = name.attributes;
  return fact;
}

// Whether a reference read from slack can be one: a sequence is never 0 in a reference to a file that has been in use, and entry numbers
// have 32 bits. An overwritten field (an index's end entry, an end marker) fails this.
constexpr bool reference_possible(FileReference reference) noexcept {
  return reference.sequence() != 0 && reference.entry() <= 0xFFFF'FFFEULL;
}

}  // namespace trimcarve::carvers
