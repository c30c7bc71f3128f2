// The two sorted text formats, a row at a time. For timeline_file.cpp and the database's columns.
#pragma once

#include <array>
#include <string>

#include "report/timeline/row.hpp"

namespace trimcarve::report {

// The columns of csv, jsonl and sqlite, in their order; those that Timesketch requires come first.
inline constexpr std::array timeline_columns{"message",
                                             "datetime",
                                             "timestamp_desc",
                                             "timestamp",
                                             "data_type",
                                             "source",
                                             "path",
                                             "path_known",
                                             "filename",
                                             "name_utf16le_hex",
                                             "volume",
                                             "file_reference",
                                             "parent_file_reference",
                                             "is_allocated",
                                             "record_reused",
                                             "file_entry_type",
                                             "file_size",
                                             "file_attribute_flags",
                                             "attribute_type",
                                             "update_reason_flags",
                                             "update_sequence_number",
                                             "log_sequence_number",
                                             "deed",
                                             "event",
                                             "detail",
                                             "zone_stated",
                                             "integrity",
                                             "filetime",
                                             "evidence_space",
                                             "evidence_offset",
                                             "evidence_length"};

class CsvRows {
 public:
  void header(std::string& out) const;
  void row(std::string& out, const Row& row);

 private:
  IsoTimes times_;
  std::string text_;
};

class JsonRows {
 public:
  void row(std::string& out, const Row& row);

 private:
  IsoTimes times_;
  std::string text_;
};

// "1234-5": entry and sequence. As one number of 64 bits it is more than OpenSearch and JavaScript hold.
void append_reference(std::string& out, FileReference reference);
// 16 or 48 as $MFT's attributes are numbered; 0: the row is about none.
unsigned attribute_type(const RowFacts& facts) noexcept;
std::string_view entry_type(const RowFacts& facts) noexcept;  // "directory", "file"
// "mft", "usn_journal", ...; "trimcarve" for what no single sighting says.
std::string_view source_name(const RowFacts& facts) noexcept;

}  // namespace trimcarve::report
