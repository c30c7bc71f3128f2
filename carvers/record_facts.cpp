#include "carvers/record_facts.hpp"

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

bool take_stream(const Attribute& attribute, std::uint64_t volume_clusters, const Place& record, Sighting& sighting) {
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
    stream.content = {record.stream, record.owner, record.offset + attribute.value_offset, attribute.value.size()};
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
  const auto runs = ntfs::decode_run_list(attribute, volume_clusters, sighting.runs);
  stream.run_count = runs.runs;
  stream.runs_complete = runs.complete() && (attribute.faults & ntfs::attribute_fault::runs) == 0;
  return stream.runs_complete;
}

bool is_directory_index(ntfs::Units name) { return name.equals(u"$I30"); }

}  // namespace

bool take_attribute(const Attribute& attribute, std::uint64_t volume_clusters, const Place& record, Sighting& sighting) {
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
    case type::data: whole &= take_stream(attribute, volume_clusters, record, sighting); break;
    case type::index_allocation:
      if (!attribute.resident && is_directory_index(attribute.name)) whole &= take_stream(attribute, volume_clusters, record, sighting);
      break;
    default: break;
  }
  return whole;
}

}  // namespace trimcarve::carvers
