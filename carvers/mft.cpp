#include "carvers/mft.hpp"

#include "carvers/facts.hpp"
#include "ntfs/run_list.hpp"
#include "ntfs/standard_information.hpp"

namespace trimcarve::carvers {

namespace {

using ntfs::Attribute;

// Each returns false when a part of the attribute could not be taken.

bool take_standard_information(const Attribute& attribute, Sighting& sighting) {
  const auto information = ntfs::decode_standard_information(attribute.value);
  if (!information) return false;
  sighting.has_standard_information = true;
  sighting.standard_information = information->times;
  sighting.file_attributes = information->attributes;
  sighting.standard_usn = information->usn;
  return true;
}

bool take_file_name(const Attribute& attribute, Sighting& sighting) {
  const auto name = ntfs::decode_file_name(attribute.value);
  if (!name) return false;
  add_name(sighting, *name);
  return true;
}

bool take_stream(const RecordView& view, const Attribute& attribute, Sighting& sighting) {
  StreamFact& stream = sighting.streams.emplace_back();
  stream.text = add_text(sighting, attribute.name);
  stream.length = static_cast<std::uint16_t>(attribute.name.size());
  stream.type = attribute.type;
  stream.resident = attribute.resident;
  stream.compressed = attribute.compressed();
  stream.encrypted = attribute.encrypted();
  stream.sparse = attribute.sparse();
  stream.attribute_id = attribute.id;
  if (attribute.resident) {
    stream.size = stream.allocated_size = stream.valid_size = attribute.value.size();
    stream.content = {StreamKind::mft, 0, view.offset + attribute.value_offset, attribute.value.size()};
    return true;
  }
  stream.compression_unit_log2 = attribute.compression_unit_log2;
  stream.start_vcn = attribute.first_vcn;
  if (attribute.first_vcn == 0) {
    stream.allocated_size = attribute.allocated_size;
    stream.size = attribute.size;
    stream.valid_size = attribute.valid_size;
  }
  stream.first_run = static_cast<std::uint32_t>(sighting.runs.size());
  const auto runs = ntfs::decode_run_list(attribute, view.volume_clusters, sighting.runs);
  stream.run_count = runs.runs;
  stream.runs_complete = runs.complete() && (attribute.faults & ntfs::attribute_fault::runs) == 0;
  return stream.runs_complete;
}

bool is_directory_index(ntfs::Units name) { return name.equals(u"$I30"); }

bool take(const RecordView& view, const Attribute& attribute, Sighting& sighting) {
  namespace type = ntfs::attribute_type;
  // A form fault states nothing but the header; the others leave something to take.
  if ((attribute.faults & ntfs::attribute_fault::form) != 0) return false;
  bool whole = attribute.faults == 0;
  switch (attribute.type) {
    case type::standard_information:
      if (attribute.resident) whole &= take_standard_information(attribute, sighting);
      break;
    case type::file_name:
      if (attribute.resident) whole &= take_file_name(attribute, sighting);
      break;
    case type::data: whole &= take_stream(view, attribute, sighting); break;
    case type::index_allocation:
      if (!attribute.resident && is_directory_index(attribute.name)) whole &= take_stream(view, attribute, sighting);
      break;
    default: break;
  }
  return whole;
}

}  // namespace

void carve_mft_record(const RecordView& view, Sighting& scratch, const SightingSink& sink, MftTally& tally) {
  const ntfs::RecordHeader& header = view.record.header();
  const bool baad = header.signature == ntfs::RecordSignature::baad;
  const RecordIdentity identity = identity_of(header, view.entry);

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
      whole &= take(view, attribute, sighting);
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
  sighting.place = {StreamKind::mft, 0, view.offset, view.record.bytes().size()};
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
