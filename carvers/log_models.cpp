#include "carvers/log_models.hpp"

#include <algorithm>
#include <utility>

#include "ntfs/index.hpp"
#include "ntfs/run_list.hpp"

namespace trimcarve::carvers {

namespace {

using ntfs::Attribute;
using ntfs::LogOperation;

constexpr std::uint32_t used_size_at = 0x18, link_count_at = 0x12, flags_at = 0x16, sequence_at = 0x10, next_id_at = 0x28;
constexpr std::uint32_t attribute_header = 24, entry_header = 16;
constexpr std::uint32_t node_limit = 65536;
// The header and a $FILE_NAME of one unit, padded.
constexpr std::uint32_t smallest_named = 88;

void put(std::vector<std::byte>& bytes, std::size_t at, std::uint64_t value, std::size_t width) noexcept {
  for (std::size_t i = 0; i < width && at + i < bytes.size(); ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

void put_bytes(std::vector<std::byte>& bytes, std::size_t at, ByteView data) {
  std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

constexpr std::uint32_t padded(std::uint64_t length) noexcept { return static_cast<std::uint32_t>((length + 7) / 8 * 8); }

}  // namespace

bool RecordModel::begin(ByteView image, std::uint32_t limit) {
  bytes_.clear();
  ntfs::FileRecord record;
  if (image.size() > limit || !ntfs::FileRecord::decode(image, {}, record)) return false;
  limit_ = limit;
  bytes_.assign(image.begin(), image.end());
  if (record.used_sane()) bytes_.resize(record.used());
  return true;
}

std::optional<ntfs::FileRecord> RecordModel::record() const noexcept {
  ntfs::FileRecord record;
  if (!known() || !ntfs::FileRecord::decode(bytes_, {}, record)) return std::nullopt;
  return record;
}

std::optional<Attribute> RecordModel::attribute_at(std::uint32_t offset) const noexcept {
  const auto file_record = record();
  if (!file_record) return std::nullopt;
  ntfs::AttributeWalk walk(*file_record);
  for (Attribute attribute; walk.next(attribute) && attribute.offset <= offset;)
    if (attribute.offset == offset) return attribute;
  return std::nullopt;
}

bool RecordModel::apply(const ntfs::LogRecord& record) {
  if (!known()) return false;
  if (change(record)) {
    put(bytes_, used_size_at, bytes_.size(), 4);
    return true;
  }
  forget();
  return false;
}

// Gives an attribute another length; what lies behind it moves.
bool RecordModel::resize_attribute(std::uint32_t offset, std::uint32_t old_length, std::uint32_t new_length) {
  if (new_length < attribute_header || bytes_.size() - old_length + new_length > limit_) return false;
  const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(offset + old_length);
  if (new_length > old_length)
    bytes_.insert(end, new_length - old_length, std::byte{0});
  else
    bytes_.erase(end - static_cast<std::ptrdiff_t>(old_length - new_length), end);
  put(bytes_, offset + 4, new_length, 4);
  return true;
}

bool RecordModel::change(const ntfs::LogRecord& r) {
  const std::uint32_t at = r.record_offset, in_attribute = r.attribute_offset;
  // Bytes that were not logged are zero in the model: nothing is read from a value of it but $STANDARD_INFORMATION.
  if (r.redo_missing() && r.redo_operation != LogOperation::update_resident_value &&
      r.redo_operation != LogOperation::zero_end_of_file_record)
    return false;
  switch (r.redo_operation) {
    case LogOperation::deallocate_file_record_segment: {
      put(bytes_, flags_at, le<std::uint16_t>(bytes_, flags_at) & ~std::uint32_t{ntfs::record_flag::in_use}, 2);
      const std::uint16_t sequence = le<std::uint16_t>(bytes_, sequence_at);
      put(bytes_, sequence_at, sequence == 0xFFFF ? 1U : sequence + 1U, 2);
      return true;
    }
    case LogOperation::zero_end_of_file_record: return true;  // beyond the used size
    case LogOperation::write_end_of_file_record_segment:
      if (at < 0x28 || at > bytes_.size() || padded(at + r.redo.size()) > limit_) return false;
      bytes_.resize(at);
      bytes_.insert(bytes_.end(), r.redo.begin(), r.redo.end());
      bytes_.resize(padded(bytes_.size()));
      return true;
    case LogOperation::create_attribute: {
      // Before an attribute, or before the end marker.
      const auto file_record = record();
      if (!file_record || r.redo.size() < attribute_header) return false;
      ntfs::AttributeWalk walk(*file_record);
      bool boundary = false;
      for (Attribute a; walk.next(a);) boundary |= a.offset == at;
      if (!boundary && walk.end_offset() != at) return false;
      const std::uint32_t length = le<std::uint32_t>(r.redo, 4);
      if (length < attribute_header || length % 8 != 0 || length > r.redo.size() || bytes_.size() + length > limit_) return false;
      bytes_.insert(bytes_.begin() + static_cast<std::ptrdiff_t>(at), r.redo.begin(), r.redo.begin() + static_cast<std::ptrdiff_t>(length));
      const std::uint32_t id = le<std::uint16_t>(r.redo, 14);
      if (le<std::uint16_t>(bytes_, next_id_at) <= id) put(bytes_, next_id_at, id + 1, 2);
      // An indexed attribute is a name.
      if (r.redo[8] == std::byte{0} && r.redo[22] == std::byte{1})
        put(bytes_, link_count_at, le<std::uint16_t>(bytes_, link_count_at) + 1U, 2);
      return true;
    }
    default: break;
  }

  const auto attribute = attribute_at(at);
  if (!attribute || (attribute->faults & ntfs::attribute_fault::form) != 0) return false;
  const std::uint64_t end = std::uint64_t{in_attribute} + r.redo_length;
  switch (r.redo_operation) {
    case LogOperation::delete_attribute:
      if (attribute->resident && attribute->indexed)
        put(bytes_, link_count_at, std::max<std::uint32_t>(le<std::uint16_t>(bytes_, link_count_at), 1U) - 1U, 2);
      bytes_.erase(bytes_.begin() + static_cast<std::ptrdiff_t>(at), bytes_.begin() + static_cast<std::ptrdiff_t>(at + attribute->length));
      return true;
    case LogOperation::update_resident_value: {
      if (r.redo_length == r.undo_length) {
        if (end > attribute->length) return false;
      } else {
        // The value ends with the new bytes.
        const std::uint32_t value_at = attribute->value_offset - attribute->offset;
        if (!attribute->resident || attribute->faults != 0 || in_attribute < value_at) return false;
        if (!resize_attribute(at, attribute->length, padded(end))) return false;
        put(bytes_, at + 16U, end - value_at, 4);
      }
      if (!r.redo_missing())
        put_bytes(bytes_, at + in_attribute, r.redo);
      else
        std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at + in_attribute), r.redo_length, std::byte{0});
      return true;
    }
    case LogOperation::update_mapping_pairs: {
      const std::uint32_t runs_at = attribute->run_list_offset - attribute->offset;
      if (attribute->resident || attribute->run_list.empty() || in_attribute < runs_at || in_attribute > attribute->length) return false;
      if (!resize_attribute(at, attribute->length, padded(end))) return false;
      put_bytes(bytes_, at + in_attribute, r.redo);
      std::vector<RunFact> runs;
      const auto list = ntfs::decode_run_list(ByteView(bytes_).subspan(at + runs_at, padded(end) - runs_at), attribute->first_vcn, 0, runs);
      put(bytes_, at + 24U, attribute->first_vcn + list.clusters - 1, 8);
      return true;
    }
    case LogOperation::set_new_attribute_sizes: {
      const auto sizes = ntfs::decode_log_sizes(r.redo);
      if (!sizes || attribute->resident) return false;
      put(bytes_, at + 40U, sizes->allocated, 8);
      put(bytes_, at + 48U, sizes->size, 8);
      put(bytes_, at + 56U, sizes->valid, 8);
      if (sizes->total_allocated && attribute->run_list_offset - attribute->offset >= 72) put(bytes_, at + 64U, *sizes->total_allocated, 8);
      return true;
    }
    default: return change_index_root(r, *attribute);
  }
}

bool RecordModel::change_index_root(const ntfs::LogRecord& r, const Attribute& attribute) {
  const std::uint32_t at = attribute.offset + r.attribute_offset;
  const std::uint32_t node = attribute.value_offset + 16;
  if (attribute.type != ntfs::attribute_type::index_root || !attribute.resident || attribute.value.size() < 32) return false;
  const std::uint32_t value_end = attribute.value_offset + static_cast<std::uint32_t>(attribute.value.size());
  if (at < node + 16 || at + entry_header > value_end) return false;
  const auto grow = [&](std::int64_t by) {
    put(bytes_, attribute.offset + 16U, static_cast<std::uint64_t>(static_cast<std::int64_t>(attribute.value.size()) + by), 4);
    for (const std::uint32_t field : {node + 4, node + 8})
      put(bytes_, field, static_cast<std::uint64_t>(le<std::uint32_t>(bytes_, field) + by), 4);
    put(bytes_, attribute.offset + 4U, static_cast<std::uint64_t>(attribute.length + by), 4);
  };
  const std::uint32_t length = le<std::uint16_t>(bytes_, at + 8U);
  switch (r.redo_operation) {
    case LogOperation::add_index_entry_root: {
      if (r.redo.size() < entry_header) return false;
      const std::uint32_t added = le<std::uint16_t>(r.redo, 8);
      if (added < entry_header || added % 8 != 0 || added > r.redo.size() || bytes_.size() + added > limit_) return false;
      bytes_.insert(bytes_.begin() + static_cast<std::ptrdiff_t>(at), r.redo.begin(), r.redo.begin() + static_cast<std::ptrdiff_t>(added));
      grow(added);
      return true;
    }
    case LogOperation::delete_index_entry_root:
      if (length < entry_header || length % 8 != 0 || length > value_end - at) return false;
      bytes_.erase(bytes_.begin() + static_cast<std::ptrdiff_t>(at), bytes_.begin() + static_cast<std::ptrdiff_t>(at + length));
      grow(-std::int64_t{length});
      return true;
    case LogOperation::set_index_entry_vcn_root:
      if (r.redo.size() < 8 || length < entry_header + 8 || length > value_end - at) return false;
      put_bytes(bytes_, at + length - 8, r.redo.first(8));
      return true;
    case LogOperation::update_file_name_root: {
      const std::uint32_t target = at + entry_header + ntfs::log_duplicated_offset;
      if (r.redo.size() < ntfs::log_duplicated_size || target + ntfs::log_duplicated_size > value_end) return false;
      put_bytes(bytes_, target, r.redo.first(ntfs::log_duplicated_size));
      return true;
    }
    case LogOperation::update_record_data_root:
    case LogOperation::update_relative_data_in_index: return true;  // view indexes: nothing that is looked at
    default: return false;
  }
}

void NodeModel::add(std::uint32_t at, ByteView entry) {
  if (entry.size() < entry_header) return;
  const std::uint32_t length = le<std::uint16_t>(entry, 8);
  if (length < entry_header || length % 8 != 0 || length > entry.size()) return;
  auto behind = std::ranges::lower_bound(entries_, at, {}, &Entry::at);
  // An entry that reaches over this place was not one any more.
  if (behind != entries_.begin() && std::prev(behind)->at + std::prev(behind)->bytes.size() > at)
    behind = entries_.erase(std::prev(behind));
  for (auto moved = behind; moved != entries_.end(); ++moved) moved->at += length;
  while (!entries_.empty() && entries_.back().at >= node_limit) entries_.pop_back();
  if (length < smallest_named || at >= node_limit) return;
  behind = std::ranges::lower_bound(entries_, at, {}, &Entry::at);
  entries_.insert(behind, {at, {entry.begin(), entry.begin() + static_cast<std::ptrdiff_t>(length)}});
}

void NodeModel::remove(std::uint32_t at, std::uint32_t length) {
  const auto first = std::ranges::lower_bound(entries_, at, {}, &Entry::at);
  const auto end = std::ranges::lower_bound(entries_, at + length, {}, &Entry::at);
  for (auto moved = end; moved != entries_.end(); ++moved) moved->at -= length;
  entries_.erase(first, end);
}

void NodeModel::write_end(std::uint32_t at, ByteView entries) {
  entries_.erase(std::ranges::lower_bound(entries_, at, {}, &Entry::at), entries_.end());
  std::size_t offset = 0;
  while (fits(entries, offset, entry_header)) {
    const std::uint32_t length = le<std::uint16_t>(entries, offset + 8);
    const bool last = (le<std::uint16_t>(entries, offset + 12) & ntfs::index_entry_flag::last) != 0;
    if (last || length < entry_header || length % 8 != 0 || !fits(entries, offset, length) || at + offset >= node_limit) break;
    const ByteView entry = entries.subspan(offset, length);
    if (length >= smallest_named) entries_.push_back({static_cast<std::uint32_t>(at + offset), {entry.begin(), entry.end()}});
    offset += length;
  }
}

ByteView NodeModel::entry_at(std::uint32_t at) const noexcept {
  const auto found = std::ranges::lower_bound(entries_, at, {}, &Entry::at);
  return found == entries_.end() || found->at != at ? ByteView{} : ByteView(found->bytes);
}

void NodeModel::update_file_name(std::uint32_t at, ByteView duplicated) {
  const auto found = std::ranges::lower_bound(entries_, at, {}, &Entry::at);
  if (found == entries_.end() || found->at != at || duplicated.size() < ntfs::log_duplicated_size) return;
  put_bytes(found->bytes, entry_header + ntfs::log_duplicated_offset, duplicated.first(ntfs::log_duplicated_size));
}

}  // namespace trimcarve::carvers
