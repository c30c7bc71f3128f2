// The parts of LogEvents that read what redo and undo data state.
#include <algorithm>
#include <array>

#include "carvers/facts.hpp"
#include "carvers/log_events.hpp"
#include "carvers/record_facts.hpp"
#include "ntfs/standard_information.hpp"
#include "ntfs/usn_record.hpp"

namespace trimcarve::carvers {

namespace {

using ntfs::Attribute;

constexpr std::uint32_t entry_header = 16, resident_header = 24;
constexpr std::size_t standard_information_size = 72;

// A time as a running machine writes it: 1945 to 2101. Only to tell a time from other bytes where nothing else does.
bool looks_like_time(std::uint64_t ticks) noexcept { return ticks >> 48 >= 0x0180 && ticks >> 48 < 0x0230; }

struct IndexKey {
  FileReference reference;
  ntfs::FileName name;
};

// The entry of a directory's index: other indexes fail by their keys.
std::optional<IndexKey> directory_entry(ByteView entry) noexcept {
  if (entry.size() < entry_header) return std::nullopt;
  const std::uint32_t length = le<std::uint16_t>(entry, 8), key = le<std::uint16_t>(entry, 10);
  if (length > entry.size() || entry_header + key > length) return std::nullopt;
  const auto name = ntfs::decode_file_name(entry.subspan(entry_header, key));
  if (!name || name->stored_size() != key || name->name_space == NameSpace::unknown) return std::nullopt;
  const FileReference reference{le<std::uint64_t>(entry, 0)};
  if (!reference_possible(reference) || !reference_possible(name->parent)) return std::nullopt;
  return IndexKey{reference, *name};
}

}  // namespace

// Resident content: the place of its bytes, when they are there and not zeros.
void LogEvents::content(const Data& data, StreamFact& stream) {
  const std::uint64_t at = stream.content.offset, length = stream.content.length;
  stream.content = {StreamKind::log_file, log_file_entry, item_.whole.offset, 0};
  const auto bytes = slice(data.bytes, at, length);
  if (!bytes || all_zero(*bytes)) return;
  const std::uint64_t begin = data.at + at;
  for (const LogPiece& piece : item_.bytes.pieces) {
    if (begin < piece.data || begin + length > piece.data + piece.length) continue;
    stream.content = {StreamKind::log_file, log_file_entry, piece.offset + (begin - piece.data), length};
    return;
  }
  if (stream.type == ntfs::attribute_type::data && stream.length == 0) fragments(begin, *bytes, 0);
}

// Bytes of the unnamed $DATA at `at` of the client data; one fragment for each page they lie in.
void LogEvents::fragments(std::uint64_t at, ByteView bytes, std::uint64_t file_offset) {
  if (all_zero(bytes)) return;
  for (const LogPiece& piece : item_.bytes.pieces) {
    const std::uint64_t begin = std::max(piece.data, at), end = std::min(piece.data + piece.length, at + bytes.size());
    if (begin >= end) continue;
    FragmentFact& fragment = scratch_.fragments.emplace_back();
    fragment.place = {StreamKind::log_file, log_file_entry, piece.offset + (begin - piece.data), end - begin};
    fragment.file_offset = file_offset + (begin - at);
    fragment.offset_inferred = false;
  }
}

void LogEvents::value_update(const std::optional<Attribute>& attribute) {
  const ntfs::LogRecord& record = *item_.record;
  const std::uint32_t in_attribute = record.attribute_offset;
  if (!attribute) {
    // Without an image of the record: the first attribute of a base record is $STANDARD_INFORMATION. It stands at 0x38 in records of 1024
    // bytes, at 0x30 in those from before Windows XP, at 0x48 in records of 4096.
    const bool first = record.record_offset == 0x38 || record.record_offset == 0x30 || record.record_offset == 0x48;
    if (first && in_attribute >= resident_header && in_attribute + record.redo.size() <= resident_header + standard_information_size) {
      standard_information(redo(), {}, in_attribute - resident_header);
      standard_information(undo(), {}, in_attribute - resident_header);
    } else {
      emit(LogEventKind::value_updated, false, nullptr);
    }
    return;
  }
  const std::uint32_t value_at = attribute->value_offset - attribute->offset;
  const bool inside = attribute->resident && in_attribute >= value_at;
  if (inside && attribute->type == ntfs::attribute_type::standard_information) {
    standard_information(redo(), attribute->value, in_attribute - value_at);
    standard_information(undo(), attribute->value, in_attribute - value_at);
  } else if (inside && attribute->type == ntfs::attribute_type::data) {
    data_value(redo(), *attribute, record.undo_length);
    data_value(undo(), *attribute, record.redo_length);
  } else {
    emit(LogEventKind::value_updated, false, nullptr);
  }
}

// Bytes written into $STANDARD_INFORMATION at `in_value`. `value` is the rest of it when that is known.
void LogEvents::standard_information(const Data& data, ByteView value, std::uint32_t in_value) {
  if (data.bytes.empty()) return;
  std::array<std::byte, standard_information_size> bytes{};
  const std::uint64_t end = std::uint64_t{in_value} + data.bytes.size();
  if (end > bytes.size()) return;
  std::copy_n(value.begin(), std::min(value.size(), bytes.size()), bytes.begin());
  std::copy(data.bytes.begin(), data.bytes.end(), bytes.begin() + in_value);
  const std::size_t length = std::max<std::size_t>(value.size(), end) >= standard_information_size ? standard_information_size : 48;
  auto stated = ntfs::decode_standard_information(ByteView(bytes).first(length));
  if (!stated) return;
  if (value.empty()) {
    const auto covers = [&](std::uint32_t field, std::uint32_t width) { return in_value <= field && field + width <= end; };
    TimeSet& times = stated->times;
    bool any = false;
    for (auto [time, field] : {std::pair(&times.created, 0U), {&times.modified, 8U}, {&times.changed, 16U}, {&times.accessed, 24U}}) {
      if (!covers(field, 8)) *time = no_time;
      if (*time != no_time && !looks_like_time(time->ticks)) return;
      any |= *time != no_time;
    }
    if (!any) {
      emit(LogEventKind::value_updated, data.before, nullptr);
      return;
    }
    if (!covers(32, 4)) stated->attributes = 0;
    if (!covers(64, 8)) stated->usn = 0;
  }
  Sighting& sighting = begin(place_of(data));
  set_reference_of_model();
  sighting.has_standard_information = true;
  sighting.standard_information = stated->times;
  sighting.file_attributes = stated->attributes;
  sighting.standard_usn = stated->usn;
  if (!data.before) see_time(stated->times.changed, LogTimeBasis::standard_information);
  emit(LogEventKind::value_updated, data.before, &sighting);
}

// Bytes written into a resident $DATA, logged or not. With as many before as after the size stays; else the value ends with them.
void LogEvents::data_value(const Data& data, const Attribute& attribute, std::uint64_t other_length) {
  // Nothing but what the state after says too.
  if (data.before && data.length == other_length && all_zero(data.bytes)) return;
  const std::uint32_t value_at = attribute.value_offset - attribute.offset;
  const std::uint64_t in_value = item_.record->attribute_offset - value_at;
  Sighting& sighting = begin(place_of(data));
  if (sighting.place.length == 0) return;  // undo data that is not there has no place
  set_reference_of_model();
  StreamFact& stream = sighting.streams.emplace_back();
  stream.text = add_text(sighting, attribute.name);
  stream.length = static_cast<std::uint16_t>(attribute.name.size());
  stream.resident = true;
  stream.attribute_id = attribute.id;
  stream.size = data.length == other_length ? attribute.value.size() : in_value + data.length;
  stream.allocated_size = stream.valid_size = stream.size;
  if (in_value == 0 && data.bytes.size() == stream.size) {
    stream.content.offset = 0;
    stream.content.length = stream.size;
    content(data, stream);
  } else {
    stream.content = {StreamKind::log_file, log_file_entry, item_.whole.offset, 0};
    if (attribute.name.empty()) fragments(data.at, data.bytes, in_value);
  }
  emit(LogEventKind::value_updated, data.before, &sighting);
}

// Sizes or mapping pairs: the whole attribute after the step, and before it. Both need the record's image.
void LogEvents::stream_step(LogEventKind kind, const std::optional<Attribute>& before) {
  const bool stream = before && !before->resident &&
                      (before->type == ntfs::attribute_type::data ||
                       (before->type == ntfs::attribute_type::index_allocation && before->name.equals(u"$I30")));
  const auto state = [&](const Attribute& attribute, const Data& data) {
    Sighting& sighting = begin(place_of(data));
    if (sighting.place.length == 0) return;
    set_reference_of_model();
    if (!take_attribute(attribute, options_.volume_clusters, {StreamKind::log_file, log_file_entry, 0, 0}, sighting) &&
        sighting.integrity == Integrity::good)
      sighting.integrity = Integrity::partial;
    emit(kind, data.before, &sighting);
  };
  if (stream && !item_.record->undo.empty()) state(*before, undo());
  const bool applied = state_->model.known() && state_->model.apply(*item_.record);
  if (before && !applied) ++models_lost;
  const auto after = state_->model.attribute_at(item_.record->record_offset);
  if (stream && after)
    state(*after, redo());
  else
    emit(kind, false, nullptr);
}

// One entry of a directory's index, from its header on.
void LogEvents::index_entry(LogEventKind kind, const Data& data, const Place& place) {
  const auto key = directory_entry(data.bytes);
  if (!key) {
    return;
  }
  Sighting& sighting = begin(place);
  sighting.reference = key->reference;
  sighting.reference_known = true;
  add_name(sighting, key->name);
  if (target_ != nullptr) {
    sighting.has_container = true;
    sighting.container = target_->file;
  } else if (event_.entry && key->name.parent.entry() == *event_.entry) {
    // An entry's parent is the directory in whose index it stands.
    sighting.has_container = true;
    sighting.container = key->name.parent;
  }
  emit(kind, data.before, &sighting);
}

void LogEvents::index_entries(const Data& data, const ntfs::IndexNode& node) {
  ntfs::IndexWalk walk(data.bytes, node);
  for (ntfs::IndexEntry entry; walk.next(entry);) {
    const Data one{data.bytes.subspan(entry.offset, entry.length), data.at + entry.offset, data.before, entry.length};
    index_entry(LogEventKind::index_entry_seen, one, item_.place_of(one.at, one.bytes.size()));
    if (!data.before) node_->add(entry.offset + event_base_, one.bytes);
  }
}

// Entries one behind the other, as the end of an index block is logged.
void LogEvents::loose_entries(const Data& data) {
  std::size_t at = 0;
  while (fits(data.bytes, at, entry_header)) {
    const std::uint32_t length = le<std::uint16_t>(data.bytes, at + 8);
    const bool last = (le<std::uint16_t>(data.bytes, at + 12) & ntfs::index_entry_flag::last) != 0;
    if (last || length < entry_header || length % 8 != 0 || !fits(data.bytes, at, length)) break;
    const Data one{data.bytes.subspan(at, length), data.at + at, data.before, length};
    index_entry(LogEventKind::index_entry_seen, one, item_.place_of(one.at, length));
    at += length;
  }
}

void LogEvents::index_block(const Data& data) {
  if (!data.before) node_->clear();
  const auto block = ntfs::decode_index_block(data.bytes);
  if (!block) return;
  event_base_ = 0;
  index_entries(data, block->node);
}

// A directory's copy of a file's times and sizes, after and before. `entry` is the entry as it was before.
void LogEvents::file_name_update(ByteView entry) {
  const ntfs::LogRecord& record = *item_.record;
  const auto after = ntfs::decode_log_duplicated(record.redo), before = ntfs::decode_log_duplicated(record.undo);
  const auto key = directory_entry(entry);
  const auto state = [&](const ntfs::LogDuplicated& stated, const Data& data) {
    Sighting& sighting = begin(place_of(data));
    sighting.reference = key->reference;
    sighting.reference_known = true;
    NameFact& name = add_name(sighting, key->name);
    name.times = stated.times;
    name.allocated_size = stated.allocated_size;
    name.size = stated.size;
    name.attributes = stated.attributes;
    if (target_ != nullptr) {
      sighting.has_container = true;
      sighting.container = target_->file;
    }
    emit(LogEventKind::file_name_updated, data.before, &sighting);
  };
  if (key && after) {
    state(*after, redo());
    if (before) state(*before, undo());
    return;
  }
  event_.duplicated = after;
  emit(LogEventKind::file_name_updated, false, nullptr);
  event_.duplicated.reset();
}

// `in_stream` is where the data lie in $J; its records begin at multiples of 8 there.
void LogEvents::usn_records(const Data& data, std::uint64_t in_stream) {
  std::size_t at = static_cast<std::size_t>((8 - in_stream % 8) % 8);
  while (at + ntfs::min_usn_record <= data.bytes.size()) {
    const auto record = ntfs::decode_usn_record(data.bytes.subspan(at));
    if (!record) {
      at += 8;
      continue;
    }
    Sighting& sighting = begin(item_.place_of(data.at + at, record->length));
    sighting.reference = record->reference;
    sighting.reference_known = !record->wide_reference;
    sighting.has_usn = true;
    sighting.usn = {record->usn, record->time, record->reason, record->source_info, record->attributes, record->version, false};
    if (record->version != 4) {
      NameFact& name = sighting.names.emplace_back();
      name.text = add_text(sighting, record->name);
      name.length = static_cast<std::uint16_t>(record->name.size());
      name.parent = record->parent;
      name.attributes = record->attributes;
    }
    if (!data.before) see_time(record->time, LogTimeBasis::usn);
    emit(LogEventKind::usn_record, data.before, &sighting);
    at += record->length;
  }
}

}  // namespace trimcarve::carvers
