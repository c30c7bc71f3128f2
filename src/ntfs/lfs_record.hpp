// Log records of the NTFS client: what was done to which structure, how to do it again (redo) and how to take it back (undo).
//
// Format: Linux-NTFS documentation, "$LogFile"; the structures and operation codes as ntfs-3g's and Linux ntfs3's headers describe them.
// Pure; no allocation; views point into the bytes given: a record's client data, reassembled from its pages, fix-ups applied.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "trimcarve/bytes.hpp"
#include "trimcarve/file_time.hpp"

namespace trimcarve::ntfs {

enum class LogOperation : std::uint16_t {
  noop = 0x00,
  compensation_log_record = 0x01,  // as undo operation: this record takes back an earlier one
  initialize_file_record_segment = 0x02,
  deallocate_file_record_segment = 0x03,
  write_end_of_file_record_segment = 0x04,
  create_attribute = 0x05,
  delete_attribute = 0x06,
  update_resident_value = 0x07,
  update_nonresident_value = 0x08,
  update_mapping_pairs = 0x09,
  delete_dirty_clusters = 0x0A,
  set_new_attribute_sizes = 0x0B,
  add_index_entry_root = 0x0C,
  delete_index_entry_root = 0x0D,
  add_index_entry_allocation = 0x0E,
  delete_index_entry_allocation = 0x0F,
  write_end_of_index_buffer = 0x10,
  set_index_entry_vcn_root = 0x11,
  set_index_entry_vcn_allocation = 0x12,
  update_file_name_root = 0x13,
  update_file_name_allocation = 0x14,
  set_bits_in_nonresident_bit_map = 0x15,
  clear_bits_in_nonresident_bit_map = 0x16,
  hot_fix = 0x17,
  end_top_level_action = 0x18,
  prepare_transaction = 0x19,
  commit_transaction = 0x1A,
  forget_transaction = 0x1B,
  open_nonresident_attribute = 0x1C,
  open_attribute_table_dump = 0x1D,
  attribute_names_dump = 0x1E,
  dirty_page_table_dump = 0x1F,
  transaction_table_dump = 0x20,
  update_record_data_root = 0x21,
  update_record_data_allocation = 0x22,
  update_relative_data_in_index = 0x23,
  update_relative_data_in_allocation = 0x24,
  zero_end_of_file_record = 0x25,
};
std::string_view to_string(LogOperation operation) noexcept;  // as the format's documents spell it; "unknown" for others

// True of operations on a FILE record: their target is always $MFT.
bool changes_file_record(LogOperation operation) noexcept;
// True of operations on the clusters of an open attribute.
bool changes_attribute_data(LogOperation operation) noexcept;

struct LogRecord {
  LogOperation redo_operation = LogOperation::noop, undo_operation = LogOperation::noop;
  std::uint16_t target_attribute = 0;      // its offset in the open attribute table
  std::uint16_t record_offset = 0;         // FILE record: of the attribute in it; else of the data in the block
  std::uint16_t attribute_offset = 0;      // in the attribute; index allocation: of the entry in the block
  std::uint16_t cluster_block_offset = 0;  // of the block behind target_vcn, in units of 512 bytes
  std::uint16_t target_block_size = 0;     // in units of 512 bytes; 0 before Windows Vista
  std::uint64_t target_vcn = 0;
  ByteView lcns;  // 64-bit cluster numbers of the target
  ByteView redo, undo;
  std::uint32_t redo_offset = 0, undo_offset = 0;  // in the client data; meaningless for empty data
  // As stated. The view is empty when the record does not hold the data: cut off, or, since Windows 8, the bytes of a small file's content,
  // of which only the length is logged. zero_end_of_file_record never has any.
  std::uint16_t redo_length = 0, undo_length = 0;
  bool redo_missing() const noexcept { return redo.size() != redo_length; }
  bool undo_missing() const noexcept { return undo.size() != undo_length; }
};
inline constexpr std::size_t log_record_header_size = 32;
std::optional<LogRecord> decode_log_record(ByteView client_data) noexcept;  // nothing below 32 bytes or without an operation that exists

// The client's restart area, written at each checkpoint.
struct LogCheckpoint {
  std::uint32_t major = 0, minor = 0;
  std::uint64_t start_lsn = 0, open_attributes_lsn = 0, attribute_names_lsn = 0, dirty_pages_lsn = 0, transactions_lsn = 0;
  std::uint32_t cluster_size = 0;         // bytes; 0 when not stored
  std::uint64_t usn_journal = 0;          // reference of $UsnJrnl; 0 when there is none
  std::uint64_t usn_journal_restart = 0;  // offset in $J
};
std::optional<LogCheckpoint> decode_log_checkpoint(ByteView client_data) noexcept;  // nothing below 64 bytes

// Redo and undo data of set_new_attribute_sizes, bytes.
struct LogSizes {
  std::uint64_t allocated = 0, valid = 0, size = 0;
  std::optional<std::uint64_t> total_allocated;
};
std::optional<LogSizes> decode_log_sizes(ByteView data) noexcept;

// Redo and undo data of the bit map operations: bits counted from the target's VCN.
struct LogBits {
  std::uint32_t first = 0, count = 0;
};
std::optional<LogBits> decode_log_bits(ByteView data) noexcept;

// Redo and undo data of update_file_name_*: what $FILE_NAME repeats of the file, from its times to its attributes.
inline constexpr std::size_t log_duplicated_offset = 8;  // of these bytes in a $FILE_NAME
struct LogDuplicated {
  TimeSet times;
  std::uint64_t allocated_size = 0, size = 0;
  std::uint32_t attributes = 0;
};
inline constexpr std::size_t log_duplicated_size = 56;
std::optional<LogDuplicated> decode_log_duplicated(ByteView data) noexcept;

}  // namespace trimcarve::ntfs
