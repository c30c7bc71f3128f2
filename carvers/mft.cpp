#include "carvers/mft.hpp"

#include "carvers/record_facts.hpp"

namespace trimcarve::carvers {

using ntfs::Attribute;

void carve_mft_record(const RecordView& view, Sighting& scratch, const SightingSink& sink, MftTally& tally) {
  const ntfs::RecordHeader& header = view.record.header();
  const bool baad = header.signature == ntfs::RecordSignature::baad;
  const RecordIdentity identity = identity_of(header, view.entry);

  const Place record{StreamKind::mft, 0, view.offset, view.record.bytes().size()};
  Sighting& sighting = scratch;
  sighting.clear();
  bool whole = view.record.used_sane() && !baad;
  bool torn = view.record.torn();
  std::uint32_t attributes = 0;
  ntfs::AttributeWalk walk(view.record);
  for (Attribute attribute; walk.next(attribute);) {
    ++attributes;
    if (attribute.torn)
      torn = true;
    else
      whole &= take_attribute(attribute, view.volume_clusters, record, sighting);
  }
  whole &= walk.end() == ntfs::WalkEnd::end_marker;

  baad ? ++tally.baad : ++tally.file;
  header.in_use() ? ++tally.in_use : ++tally.free;
  if (identity.base_is_elsewhere) ++tally.extension;
  if (header.has_number && header.number != (view.entry & 0xFFFF'FFFFU)) ++tally.misplaced;
  if (!header.in_use() && attributes == 0 && walk.end() == ntfs::WalkEnd::end_marker) {
    ++tally.never_used;
    return;
  }
  if (!header.in_use() && !identity.base_is_elsewhere) header.directory() ? ++tally.free_directories : ++tally.free_files;

  sighting.source = SourceKind::mft;
  sighting.integrity = torn ? Integrity::torn : whole ? Integrity::good : Integrity::partial;
  if (torn)
    ++tally.torn;
  else if (!whole)
    ++tally.partial;
  sighting.volume = view.volume;
  sighting.place = record;
  sighting.reference = identity.reference;
  sighting.reference_known = identity.known;
  sighting.base_is_elsewhere = identity.base_is_elsewhere;
  sighting.has_record = true;
  sighting.in_use = header.in_use();
  sighting.directory = header.directory();
  sighting.record_entry = view.entry;
  sighting.record_sequence = header.sequence;
  sighting.link_count = header.link_count;
  sighting.lsn = header.lsn;
  if (sighting.has_standard_information) tally.window.see(sighting.standard_information.changed);
  ++tally.emitted;
  sink(sighting);
}

}  // namespace trimcarve::carvers
