// Puts a record of the change journal into a Sighting. For carvers only.
#pragma once

#include "carvers/facts.hpp"
#include "ntfs/usn_record.hpp"
#include "trimcarve/sighting.hpp"

namespace trimcarve::carvers {

inline void add_usn_name(Sighting& sighting, const ntfs::UsnRecord& record) {
  NameFact& fact = sighting.names.emplace_back();
  fact.text = add_text(sighting, record.name);
  fact.length = static_cast<std::uint16_t>(record.name.size());
  fact.parent = record.parent;
  fact.attributes = record.attributes;
}

// What the record itself states, of which a version 4 has no name. Empties the sighting first.
inline void state_usn_record(const ntfs::UsnRecord& record, const Place& place, std::uint32_t volume, Sighting& sighting) {
  sighting.clear();
  sighting.source = SourceKind::usn_journal;
  sighting.volume = volume;
  sighting.place = place;
  sighting.reference = record.reference;
  sighting.reference_known = !record.wide_reference;  // an id of 128 bits is no reference of NTFS
  sighting.has_usn = true;
  sighting.usn = {record.usn, record.time, record.reason, record.source_info, record.attributes, record.version, false};
  if (record.version != 4) add_usn_name(sighting, record);
}

}  // namespace trimcarve::carvers
