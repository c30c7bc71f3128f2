#include "ntfs/lfs_record.hpp"

#include <array>

namespace trimcarve::ntfs {

namespace {

constexpr std::array<std::string_view, 0x26> names = {
    "Noop",
    "CompensationLogRecord",
    "InitializeFileRecordSegment",
    "DeallocateFileRecordSegment",
    "WriteEndOfFileRecordSegment",
    "CreateAttribute",
    "DeleteAttribute",
    "UpdateResidentValue",
    "UpdateNonresidentValue",
    "UpdateMappingPairs",
    "DeleteDirtyClusters",
    "SetNewAttributeSizes",
    "AddIndexEntryRoot",
    "DeleteIndexEntryRoot",
    "AddIndexEntryAllocation",
    "DeleteIndexEntryAllocation",
    "WriteEndOfIndexBuffer",
    "SetIndexEntryVcnRoot",
    "SetIndexEntryVcnAllocation",
    "UpdateFileNameRoot",
    "UpdateFileNameAllocation",
    "SetBitsInNonresidentBitMap",
    "ClearBitsInNonresidentBitMap",
    "HotFix",
    "EndTopLevelAction",
    "PrepareTransaction",
    "CommitTransaction",
    "ForgetTransaction",
    "OpenNonresidentAttribute",
    "OpenAttributeTableDump",
    "AttributeNamesDump",
    "DirtyPageTableDump",
    "TransactionTableDump",
    "UpdateRecordDataRoot",
    "UpdateRecordDataAllocation",
    "UpdateRelativeDataInIndex",
    "UpdateRelativeDataInAllocation",
    "ZeroEndOfFileRecord",
};

struct Stored {
  Little<std::uint16_t> redo_operation, undo_operation;
  Little<std::uint16_t> redo_offset, redo_length, undo_offset, undo_length;
  Little<std::uint16_t> target_attribute, lcns, record_offset, attribute_offset, cluster_block_offset, target_block_size;
  Little<std::uint64_t> target_vcn;
};
static_assert(sizeof(Stored) == log_record_header_size);

// An empty view when the data is not, or not wholly, there.
ByteView data_of(ByteView bytes, std::uint32_t offset, std::uint32_t length) noexcept {
  if (offset < log_record_header_size) return {};
  return slice(bytes, offset, length).value_or(ByteView{});
}

}  // namespace

std::string_view to_string(LogOperation operation) noexcept {
  const auto code = static_cast<std::size_t>(operation);
  return code < names.size() ? names[code] : "unknown";
}

bool changes_file_record(LogOperation operation) noexcept {
  using enum LogOperation;
  switch (operation) {
    case initialize_file_record_segment:
    case deallocate_file_record_segment:
    case write_end_of_file_record_segment:
    case create_attribute:
    case delete_attribute:
    case update_resident_value:
    case update_mapping_pairs:
    case set_new_attribute_sizes:
    case add_index_entry_root:
    case delete_index_entry_root:
    case set_index_entry_vcn_root:
    case update_file_name_root:
    case update_record_data_root:
    case update_relative_data_in_index:
    case zero_end_of_file_record: return true;
    default: return false;
  }
}

bool changes_attribute_data(LogOperation operation) noexcept {
  using enum LogOperation;
  switch (operation) {
    case update_nonresident_value:
    case add_index_entry_allocation:
    case delete_index_entry_allocation:
    case write_end_of_index_buffer:
    case set_index_entry_vcn_allocation:
    case update_file_name_allocation:
    case set_bits_in_nonresident_bit_map:
    case clear_bits_in_nonresident_bit_map:
    case update_record_data_allocation:
    case update_relative_data_in_allocation: return true;
    default: return false;
  }
}

std::optional<LogRecord> decode_log_record(ByteView bytes) noexcept {
  if (bytes.size() < log_record_header_size) return std::nullopt;
  const auto s = load<Stored>(bytes);
  if (s.redo_operation >= names.size() || s.undo_operation >= names.size()) return std::nullopt;
  LogRecord out;
  out.redo_operation = static_cast<LogOperation>(s.redo_operation.value());
  out.undo_operation = static_cast<LogOperation>(s.undo_operation.value());
  out.target_attribute = s.target_attribute;
  out.record_offset = s.record_offset;
  out.attribute_offset = s.attribute_offset;
  out.cluster_block_offset = s.cluster_block_offset;
  out.target_block_size = s.target_block_size;
  out.target_vcn = s.target_vcn;
  out.lcns = slice(bytes, log_record_header_size, std::uint64_t{8} * s.lcns).value_or(ByteView{});
  out.redo_offset = s.redo_offset;
  out.undo_offset = s.undo_offset;
  out.redo_length = s.redo_length;
  out.undo_length = s.undo_length;
  out.redo = data_of(bytes, s.redo_offset, s.redo_length);
  out.undo = data_of(bytes, s.undo_offset, s.undo_length);
  return out;
}

std::optional<LogCheckpoint> decode_log_checkpoint(ByteView bytes) noexcept {
  if (bytes.size() < 64) return std::nullopt;
  LogCheckpoint out;
  out.major = le<std::uint32_t>(bytes, 0);
  out.minor = le<std::uint32_t>(bytes, 4);
  out.start_lsn = le<std::uint64_t>(bytes, 8);
  out.open_attributes_lsn = le<std::uint64_t>(bytes, 16);
  out.attribute_names_lsn = le<std::uint64_t>(bytes, 24);
  out.dirty_pages_lsn = le<std::uint64_t>(bytes, 32);
  out.transactions_lsn = le<std::uint64_t>(bytes, 40);
  // Later versions append.
  out.usn_journal_restart = try_le<std::uint64_t>(bytes, 64).value_or(0);
  out.cluster_size = try_le<std::uint32_t>(bytes, 80).value_or(0);
  out.usn_journal = try_le<std::uint64_t>(bytes, 88).value_or(0);
  return out;
}

std::optional<LogSizes> decode_log_sizes(ByteView data) noexcept {
  if (data.size() < 24) return std::nullopt;
  LogSizes out;
  out.allocated = le<std::uint64_t>(data, 0);
  out.valid = le<std::uint64_t>(data, 8);
  out.size = le<std::uint64_t>(data, 16);
  out.total_allocated = try_le<std::uint64_t>(data, 24);
  return out;
}

std::optional<LogBits> decode_log_bits(ByteView data) noexcept {
  if (data.size() < 8) return std::nullopt;
  return LogBits{le<std::uint32_t>(data, 0), le<std::uint32_t>(data, 4)};
}

std::optional<LogDuplicated> decode_log_duplicated(ByteView data) noexcept {
  if (data.size() < log_duplicated_size) return std::nullopt;
  const auto time = [&](std::uint64_t offset) { return FileTime{le<std::uint64_t>(data, offset)}; };
  return LogDuplicated{
      {time(0), time(8), time(16), time(24)}, le<std::uint64_t>(data, 32), le<std::uint64_t>(data, 40), le<std::uint32_t>(data, 48)};
}

}  // namespace trimcarve::ntfs
