#include "carvers/log_events.hpp"

#include <algorithm>

#include "carvers/facts.hpp"
#include "carvers/record_facts.hpp"
#include "carvers/record_view.hpp"

namespace trimcarve::carvers {

using ntfs::Attribute;
using ntfs::LogOperation;

void LogEvents::only(std::size_t index, const LogEventSink& sink) {
  records_.clear();
  nodes_.clear();
  context_.load(index, item_);
  if (item_.record) {
    if (const auto structure = context_.structure_of(item_.at.lsn, *item_.record))
      for (const std::uint32_t before : context_.changes_of(*structure))
        if (before < index) step(before, {});
  }
  step(index, sink);
}

std::optional<LogRecordImage> LogEvents::image_of(std::uint64_t entry) {
  records_.clear();
  nodes_.clear();
  LogRecordImage image;
  for (const std::uint32_t index : context_.changes_of({entry, LogStructure::file_record})) {
    step(index, {});
    image.last_lsn = item_.at.lsn;
    image.complete = records_[entry].breaks == context_.breaks(index);
  }
  const auto found = records_.find(entry);
  if (found == records_.end() || !found->second.model.known()) return std::nullopt;
  const ByteView bytes = found->second.model.bytes();
  image.bytes.assign(bytes.begin(), bytes.end());
  image.image_lsn = found->second.image_lsn;
  return image;
}

void LogEvents::step(std::size_t index, const LogEventSink& sink) {
  context_.load(index, item_);
  if (!item_.record) return;
  index_ = index;
  sink_ = sink ? &sink : nullptr;
  emitted_.clear();
  state_ = nullptr;
  node_ = nullptr;
  target_ = nullptr;
  const ntfs::LogRecord& record = *item_.record;
  entry_ = context_.entry_of(record);

  event_ = {};
  event_.undone = context_.undone(index);
  event_.compensates = record.undo_operation == LogOperation::compensation_log_record;
  event_.lsn = item_.at.lsn;
  if (const LogTransaction* transaction = context_.transaction_of(index)) {
    event_.transaction = transaction->first_lsn;
    event_.outcome = transaction->outcome;
  }
  event_.redo = record.redo_operation;
  event_.undo = record.undo_operation;
  event_.place = item_.whole;
  event_.whole_from_here = context_.whole_from(index);
  event_.record_offset = record.record_offset;
  event_.attribute_offset = record.attribute_offset;

  if (ntfs::changes_file_record(record.redo_operation) || ntfs::changes_file_record(record.undo_operation))
    file_record_step();
  else if (ntfs::changes_attribute_data(record.redo_operation))
    attribute_data_step();
}

// What is known of a node ends where log records are missing: its entries may have moved since.
NodeModel* LogEvents::node_of(const LogStructure& structure) {
  NodeState& node = nodes_[structure];
  if (node.breaks != context_.breaks(index_)) node.model.clear();
  node.breaks = context_.breaks(index_);
  return &node.model;
}

void LogEvents::file_record_step() {
  const ntfs::LogRecord& record = *item_.record;
  event_.entry = entry_;
  RecordState unknown;
  state_ = entry_ ? &records_[*entry_] : &unknown;
  NodeModel loose;
  node_ = entry_ ? node_of({*entry_, LogStructure::file_record}) : &loose;
  if (state_->model.known() && !model_holds() && context_.sequence_of(*entry_, index_)) {
    state_->model.forget();  // it was another file's
    ++models_lost;
  }
  const auto before = state_->model.attribute_at(record.record_offset);
  const auto apply = [&] {
    if (state_->model.known() && !state_->model.apply(record)) ++models_lost;
  };
  switch (record.redo_operation) {
    case LogOperation::initialize_file_record_segment: record_image(LogEventKind::record_initialised, redo()); break;
    case LogOperation::noop:
      // What an undo would need: the record as it is at this moment.
      if (record.undo_operation == LogOperation::initialize_file_record_segment)
        record_image(LogEventKind::record_snapshot, {record.undo, record.undo_offset, false, record.undo_length});
      break;
    case LogOperation::deallocate_file_record_segment:
      deallocation();
      apply();
      break;
    case LogOperation::create_attribute:
      attribute(LogEventKind::attribute_created, redo());
      apply();
      break;
    case LogOperation::delete_attribute:
      attribute(LogEventKind::attribute_deleted, undo());
      apply();
      break;
    case LogOperation::update_resident_value:
      value_update(before);
      apply();
      break;
    case LogOperation::set_new_attribute_sizes: stream_step(LogEventKind::sizes_set, before); break;
    case LogOperation::update_mapping_pairs: stream_step(LogEventKind::mapping_pairs_updated, before); break;
    case LogOperation::add_index_entry_root:
      if (!before || before->name.equals(u"$I30")) index_entry(LogEventKind::index_entry_added, redo(), whole());
      node_->add(record.attribute_offset, record.redo);
      apply();
      break;
    case LogOperation::delete_index_entry_root: {
      if (!before || before->name.equals(u"$I30")) index_entry(LogEventKind::index_entry_removed, undo(), whole());
      if (record.undo.size() >= 16) node_->remove(record.attribute_offset, le<std::uint16_t>(record.undo, 8));
      apply();
      break;
    }
    case LogOperation::update_file_name_root: {
      // The root's image knows the entry, else what was added to it; where records are missing since, another may stand there.
      ByteView entry = node_->entry_at(record.attribute_offset);
      std::vector<std::byte> copy;
      if (before && before->type == ntfs::attribute_type::index_root && state_->breaks == context_.breaks(index_)) {
        const ByteView image = state_->model.bytes();
        const std::uint64_t at = std::uint64_t{before->offset} + record.attribute_offset;
        entry = {};
        if (fits(image, at, 16))
          if (const auto found = slice(image, at, le<std::uint16_t>(image, at + 8))) entry = *found;
      }
      copy.assign(entry.begin(), entry.end());
      file_name_update(copy);
      node_->update_file_name(record.attribute_offset, record.redo);
      apply();
      break;
    }
    default: apply(); break;
  }
}

void LogEvents::attribute_data_step() {
  const ntfs::LogRecord& record = *item_.record;
  target_ = context_.target_of(item_.at.lsn, record.target_attribute);
  if (target_ == nullptr) ++targets_unknown;
  if (target_ != nullptr) event_.entry = target_->file.entry();
  const bool index = target_ == nullptr || target_->directory_index();
  NodeModel loose;
  const auto structure = context_.structure_of(item_.at.lsn, record);
  node_ = structure ? node_of(*structure) : &loose;
  switch (record.redo_operation) {
    case LogOperation::add_index_entry_allocation:
      if (!index) break;
      index_entry(LogEventKind::index_entry_added, redo(), whole());
      node_->add(record.attribute_offset, record.redo);
      break;
    case LogOperation::delete_index_entry_allocation:
      if (!index) break;
      index_entry(LogEventKind::index_entry_removed, undo(), whole());
      if (record.undo.size() >= 16) node_->remove(record.attribute_offset, le<std::uint16_t>(record.undo, 8));
      break;
    case LogOperation::update_file_name_allocation: {
      if (!index) break;
      const ByteView entry = node_->entry_at(record.attribute_offset);
      const std::vector<std::byte> copy(entry.begin(), entry.end());
      file_name_update(copy);
      node_->update_file_name(record.attribute_offset, record.redo);
      break;
    }
    case LogOperation::write_end_of_index_buffer:
      if (!index) break;
      loose_entries(undo());
      loose_entries(redo());
      node_->write_end(record.attribute_offset, record.redo);
      break;
    case LogOperation::update_nonresident_value: {
      const auto offset = context_.block_offset(record);
      if (index && (ntfs::has_index_signature(record.redo) || ntfs::has_index_signature(record.undo))) {
        index_block(redo());
        index_block(undo());
      } else if (target_ == nullptr || (target_->type == ntfs::attribute_type::data && (!target_->name_known || target_->name == u"$J"))) {
        usn_records(redo(), offset.value_or(0) + record.record_offset);
        usn_records(undo(), offset.value_or(0) + record.record_offset);
      }
      break;
    }
    case LogOperation::set_bits_in_nonresident_bit_map:
    case LogOperation::clear_bits_in_nonresident_bit_map:
      if (target_ != nullptr) bits(*target_);
      break;
    default: break;
  }
}

void LogEvents::record_image(LogEventKind kind, const Data& data) {
  ntfs::FileRecord record;
  RecordModel& model = state_->model;
  if (!ntfs::FileRecord::decode(data.bytes, {}, record) || item_.record->record_offset != 0) {
    model.forget();
    emit(kind, false, nullptr);  // whose it is cannot be read, but it is an owner
    return;
  }
  const ntfs::RecordHeader& header = record.header();
  if (!entry_ && header.has_number) event_.entry = header.number;
  if (entry_ && header.has_number && header.number != (*entry_ & 0xFFFF'FFFFU)) ++numbers_differ;
  model.begin(data.bytes, context_.record_size(*item_.record));
  state_->breaks = context_.breaks(index_);
  state_->image_lsn = item_.at.lsn;
  node_->clear();

  // The log's own place says which record it is only as well as the cluster size is known; the record's own number, where it has one, is
  // the better witness. Its low 32 bits are all there is of it.
  const std::optional<std::uint64_t> entry = header.has_number ? std::optional<std::uint64_t>(header.number) : entry_;
  if (!entry) return;
  event_.entry = entry;
  Sighting& sighting = begin(whole());
  const RecordIdentity identity = identity_of(header, *entry);
  bool complete = record.used_sane();
  ntfs::AttributeWalk walk(record);
  bool any = false;
  std::optional<Attribute> root;
  for (Attribute a; walk.next(a);) {
    any = true;
    const std::size_t streams = sighting.streams.size();
    complete &= take_attribute(a, options_.volume_clusters, {StreamKind::log_file, log_file_entry, 0, 0}, sighting);
    if (sighting.streams.size() > streams && sighting.streams.back().resident) content(data, sighting.streams.back());
    if (a.type == ntfs::attribute_type::index_root && a.resident && a.name.equals(u"$I30")) root = a;
  }
  complete &= walk.end() == ntfs::WalkEnd::end_marker;
  // An empty record made ready for later (the growing $MFT) states nothing.
  if (!any) return;
  if (!complete) sighting.integrity = Integrity::partial;
  sighting.reference = identity.reference;
  sighting.reference_known = identity.known;
  sighting.base_is_elsewhere = identity.base_is_elsewhere;
  sighting.has_record = true;
  sighting.in_use = header.in_use();
  sighting.directory = header.directory();
  sighting.record_entry = *entry;
  sighting.record_sequence = header.sequence;
  sighting.link_count = header.link_count;
  // What takes a free back writes times of before.
  if (sighting.has_standard_information && kind == LogEventKind::record_initialised && !event_.compensates)
    see_time(sighting.standard_information.changed, LogTimeBasis::creation);
  emit(kind, false, &sighting);
  if (!root) return;
  const auto decoded = ntfs::decode_index_root(root->value);
  if (!decoded || !decoded->directory()) return;
  event_base_ = root->value_offset - root->offset;
  index_entries({root->value, data.at + root->value_offset, data.before, root->value.size()}, decoded->node);
}

void LogEvents::deallocation() {
  // The undo data is the record's header, cut where what a free changes ends: the sequence before the free is in it.
  const Data data = undo();
  std::optional<std::uint16_t> sequence;
  bool directory = false;
  if (data.bytes.size() >= 24 && ntfs::record_signature(data.bytes) == ntfs::RecordSignature::file) {
    sequence = le<std::uint16_t>(data.bytes, 16);
    directory = (le<std::uint16_t>(data.bytes, 22) & ntfs::record_flag::directory) != 0;
  } else if (const auto record = state_->model.record(); record && model_holds()) {
    sequence = record->header().sequence;
    directory = record->header().directory();
  }
  LogDeletion deletion;
  deletion.lsn = event_.lsn;
  deletion.transaction = event_.transaction;
  deletion.place = event_.place;
  deletion.entry = entry_;
  deletion.outcome = event_.outcome;
  deletion.undone = event_.undone;
  deletion.directory = directory;
  if (entry_ && sequence && *sequence != 0) {
    deletion.reference_known = true;
    deletion.reference = FileReference::of(*entry_, *sequence);
    Sighting& sighting = begin(whole());
    sighting.reference = deletion.reference;
    sighting.reference_known = true;
    sighting.has_record = true;
    sighting.in_use = false;
    sighting.directory = directory;
    sighting.record_entry = *entry_;
    sighting.record_sequence = *sequence == 0xFFFF ? std::uint16_t{1} : static_cast<std::uint16_t>(*sequence + 1);
    if (const auto record = state_->model.record(); record && record->header().sequence == *sequence && record->header().base.value != 0) {
      deletion.extension = true;
      sighting.base_is_elsewhere = true;
      sighting.reference = record->header().base;
    }
    emit(LogEventKind::record_deallocated, false, &sighting);
  } else {
    emit(LogEventKind::record_deallocated, false, nullptr);
  }
  if (sink_ != nullptr) deletions.push_back(deletion);
}

void LogEvents::attribute(LogEventKind kind, const Data& data) {
  Attribute a;
  if (ntfs::decode_attribute(data.bytes, 0, data.bytes.size(), a) != ntfs::AttributeAt::attribute) {
    emit(kind, data.before, nullptr);
    return;
  }
  Sighting& sighting = begin(whole());
  set_reference_of_model();
  if (!take_attribute(a, options_.volume_clusters, {StreamKind::log_file, log_file_entry, 0, 0}, sighting))
    sighting.integrity = Integrity::partial;
  if (!sighting.streams.empty() && sighting.streams.back().resident) content(data, sighting.streams.back());
  const bool states = sighting.has_standard_information || !sighting.names.empty() || !sighting.streams.empty();
  emit(kind, data.before, states ? &sighting : nullptr);
  if (a.type != ntfs::attribute_type::index_root || !a.resident || !a.name.equals(u"$I30")) return;
  const auto decoded = ntfs::decode_index_root(a.value);
  if (!decoded || !decoded->directory()) return;
  event_base_ = a.value_offset - a.offset;
  index_entries({a.value, data.at + a.value_offset, data.before, a.value.size()}, decoded->node);
}

void LogEvents::bits(const LogTarget& target) {
  constexpr std::uint64_t bitmap_entry = 6;
  if (target.file.entry() != bitmap_entry || target.type != ntfs::attribute_type::data) return;
  const ntfs::LogRecord& record = *item_.record;
  const auto range = ntfs::decode_log_bits(record.redo);
  const auto offset = context_.block_offset(record);
  if (!range || !offset) return;
  event_.first_cluster = (*offset + record.record_offset) * 8 + range->first;
  event_.clusters = range->count;
  if (options_.volume_clusters != 0 && !fits(options_.volume_clusters, event_.first_cluster, event_.clusters)) return;
  const bool frees = record.redo_operation == LogOperation::clear_bits_in_nonresident_bit_map;
  emit(frees ? LogEventKind::clusters_freed : LogEventKind::clusters_allocated, false, nullptr);
}

// Everything below `begin` states something of one file.
Sighting& LogEvents::begin(const Place& place) {
  scratch_.clear();
  scratch_.source = SourceKind::log_file;
  scratch_.volume = options_.volume;
  scratch_.place = place;
  scratch_.lsn = item_.at.lsn;
  scratch_.integrity = item_.at.stale ? Integrity::carved : item_.at.cut ? Integrity::partial : Integrity::good;
  return scratch_;
}

bool LogEvents::model_holds() const {
  // Where log records are missing since its image, the record may have been freed and given to another file.
  const auto record = state_->model.record();
  return record && entry_ &&
         (state_->breaks == context_.breaks(index_) || context_.sequence_of(*entry_, index_) == record->header().sequence);
}

void LogEvents::set_reference_of_model() {
  const auto record = state_->model.record();
  if (!record || !entry_ || !model_holds()) {
    // The entry is known, its sequence only when the nearest image or deallocation tells it.
    if (scratch_.integrity == Integrity::good) scratch_.integrity = Integrity::partial;
    if (!entry_) return;
    scratch_.record_entry = *entry_;
    const auto sequence = context_.sequence_of(*entry_, index_);
    scratch_.reference_known = sequence.has_value();
    if (sequence) scratch_.reference = FileReference::of(*entry_, *sequence);
    return;
  }
  const RecordIdentity identity = identity_of(record->header(), *entry_);
  scratch_.reference = identity.reference;
  scratch_.reference_known = identity.known;
  scratch_.base_is_elsewhere = identity.base_is_elsewhere;
  scratch_.record_entry = *entry_;
  // Steps may be missing between the image and this one.
  if (state_->breaks != context_.breaks(index_) && scratch_.integrity == Integrity::good) scratch_.integrity = Integrity::partial;
}

void LogEvents::emit(LogEventKind kind, bool before, const Sighting* sighting) {
  if (sink_ == nullptr) return;
  event_.kind = kind;
  event_.before = before;
  if (sighting != nullptr) {
    // Two statements of one place would be one sighting for whoever keeps places.
    const std::uint64_t offset = sighting->place.offset;
    if (sighting->place.length == 0 || std::ranges::find(emitted_, offset) != emitted_.end()) return;
    emitted_.push_back(offset);
    ++sightings;
  }
  ++events;
  (*sink_)(event_, sighting);
}

}  // namespace trimcarve::carvers
