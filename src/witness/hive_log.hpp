// A hive's transaction logs (.LOG1, .LOG2), and the hive as it is with what they hold.
//
// Windows writes changes to a log first; a hive copied from a running machine, or after a crash, is older than its logs. Such a hive says
// so itself (unlike sequence numbers or a wrong checksum in its base block). What is pending is laid over the hive in memory, as Windows
// would do when it loads it; the evidence is not touched. Two forms: one set of dirty pages (up to Windows 8), and entries with Marvin32
// hashes (Windows 8.1 and later). Source: M. Suhanov, "Windows registry file format specification", "Format of transaction log files" and
// "Multiple transaction log files".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "witness/hive_cells.hpp"

namespace trimcarve::witness {

// Bytes [log_offset, log_offset + length) of a log belong at hive_offset of the hive file.
struct LogPage {
  std::uint64_t hive_offset = 0, log_offset = 0;
  std::uint32_t length = 0;
};

struct LogEntry {
  std::uint32_t sequence = 0;
  std::uint32_t bins_size = 0;  // of the hive after it
  std::uint64_t offset = 0;     // in the log
  std::uint64_t length = 0;
  std::vector<LogPage> pages;
};

struct HiveLog {
  BaseBlock base;
  bool has_entries = false;       // the form of Windows 8.1 and later; else one LogEntry stands for all dirty pages
  std::vector<LogEntry> entries;  // those that count: sequence numbers without a gap, hashes good
  std::string stopped;            // why the last entry is the last; empty: the log ends there
};

// Pure. All offsets are checked against `log`. Fails when its base block is none or damaged, or its one set of pages is.
Result<HiveLog> decode_hive_log(ByteView log);

// Windows' Marvin32 with the seed of hive logs.
std::uint64_t hive_log_hash(ByteView bytes) noexcept;

struct HiveWithLogs {
  SourcePtr hive;             // what it is with the logs applied, its base block made good; the very hive given when it is not dirty
  bool dirty = false;         // a write was under way, or the base block is damaged
  std::uint64_t entries = 0;  // applied
  std::uint64_t pages = 0;
  std::string note;  // one line on what was done, or why nothing; empty for a clean hive
};

// Logs may be null. locate() of the result says where each byte really lies: in the hive or in a log. Bytes that a log says the hive has
// but that lie in neither are unreadable.
HiveWithLogs apply_hive_logs(const SourcePtr& hive, const SourcePtr& log1, const SourcePtr& log2);

}  // namespace trimcarve::witness
