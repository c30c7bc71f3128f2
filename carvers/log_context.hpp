// What one pass over all log records tells of each: which attribute its target was, how its transaction ended, and which records changed
// the same structure before it. For the log_file carver only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "carvers/log_file.hpp"
#include "carvers/log_reader.hpp"
#include "ntfs/lfs_tables.hpp"

namespace trimcarve::carvers {

// A log record, read.
struct LogItem {
  LogRecordAt at;
  LogBytes bytes;
  Place whole;
  std::optional<ntfs::LogRecord> record;  // nothing for a checkpoint or a malformed one
  // The stretch of the stream that holds [data, data + length) of the client data.
  Place place_of(std::uint64_t data, std::uint64_t length) const noexcept;
};

// What the target of an operation was.
struct LogTarget {
  std::uint32_t type = 0;  // attribute_type::*
  FileReference file;
  bool name_known = false;
  std::u16string name;
  std::uint32_t breaks = 0;  // of the log record that told it
  bool directory_index() const noexcept { return type == 0xA0 && (!name_known || name == u"$I30"); }
};

struct LogTransaction {
  std::uint64_t first_lsn = 0;
  LogOutcome outcome = LogOutcome::unknown;
};

// A structure that steps change: a FILE record (with the index root in it), or a block of an index.
struct LogStructure {
  std::uint64_t entry = 0;
  std::uint64_t offset = 0;  // of the block, bytes; `file_record` for the FILE record
  static constexpr std::uint64_t file_record = ~std::uint64_t{0};
  friend auto operator<=>(const LogStructure&, const LogStructure&) = default;
};

class LogContext {
 public:
  LogContext(LogReader& reader, const LogFileOptions& options) : reader_(reader), options_(options) {}
  // False when progress asked for the end. Counts what only this pass sees into the tally.
  bool build(LogFileTally& tally);

  void load(std::size_t index, LogItem& out);

  // The entry number of the FILE record that a record changes; nothing when it changes none or the cluster size is not known.
  std::optional<std::uint64_t> entry_of(const ntfs::LogRecord& record) const noexcept;
  std::uint32_t record_size(const ntfs::LogRecord& record) const noexcept;
  // Where the block lies that a record changes, bytes in the attribute.
  std::optional<std::uint64_t> block_offset(const ntfs::LogRecord& record) const noexcept;
  // Of carved pages a target counts only where no record is missing between the one that told it and this one: the place in the table may
  // have another attribute since.
  const LogTarget* target_of(std::uint64_t lsn, std::uint16_t target) const noexcept;
  std::optional<LogStructure> structure_of(std::uint64_t lsn, const ntfs::LogRecord& record) const noexcept;

  // The sequence number that a FILE record had at a log record, as the nearest image or deallocation of it in the log tells: one between
  // which and this log record none is missing, or two on both sides that tell the same, for a number only rises. Else nothing: the record
  // may have been freed and given to another file in what is missing.
  std::optional<std::uint16_t> sequence_of(std::uint64_t entry, std::size_t index) const noexcept;

  const LogTransaction* transaction_of(std::size_t index) const noexcept;
  bool undone(std::size_t index) const noexcept { return undone_[index]; }
  // How many times records are missing, or cannot be read, in LSN order up to this one.
  std::uint32_t breaks(std::size_t index) const noexcept { return breaks_[index]; }
  // No record is missing between this one and the end of the log.
  bool whole_from(std::size_t index) const noexcept { return end_known_ && breaks_[index] == breaks_.back(); }
  // The records that changed a structure, in LSN order.
  std::vector<std::uint32_t> changes_of(const LogStructure& structure) const;

 private:
  void see_tables(std::size_t index, const LogItem& item, LogFileTally& tally);
  void see_transaction(std::size_t index, const LogItem& item);
  void add_target(std::uint16_t target, std::uint64_t since, LogTarget&& found);
  void see_sequence(std::size_t index, const LogItem& item);

  static constexpr std::uint32_t no_transaction = ~std::uint32_t{0};
  struct OpenTransaction {
    std::uint32_t number = no_transaction;
    std::uint64_t last_lsn = 0;
    bool undone_something = false;
    std::vector<std::uint32_t> standing;  // indexes of its records that were not taken back
  };

  struct Sequence {
    std::uint64_t entry = 0;
    std::uint32_t index = 0;  // of the log record
    std::optional<std::uint16_t> before, after;
  };

  LogReader& reader_;
  const LogFileOptions& options_;
  std::uint32_t cluster_size_ = 0;
  std::unordered_map<std::uint16_t, std::map<std::uint64_t, LogTarget>> targets_;  // by the LSN since which it holds
  std::unordered_map<std::uint32_t, OpenTransaction> open_;
  std::vector<LogTransaction> transactions_;
  std::vector<std::uint32_t> transaction_;  // of each record
  std::vector<bool> undone_;
  std::vector<std::uint32_t> breaks_;
  std::vector<std::pair<LogStructure, std::uint32_t>> changes_;  // sorted
  std::vector<Sequence> sequences_;                              // by entry, then index
  bool end_known_ = false;
};

}  // namespace trimcarve::carvers
