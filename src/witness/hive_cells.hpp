// The records of a registry hive: base block, bin, key node (nk), value (vk).
//
// Pure decoders over a view that begins at the record. Offsets that records hold count from the start of the hive bins data, which follows
// the base block; `no_cell` points nowhere. Source: M. Suhanov, "Windows registry file format specification", and libregf's documentation
// of the format (J. Metz).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trimcarve/bytes.hpp"
#include "trimcarve/file_time.hpp"

namespace trimcarve::witness {

inline constexpr std::uint32_t base_block_size = 4096;
inline constexpr std::uint32_t base_block_head = 512;  // as much of it as a transaction log keeps, and as its checksum covers
inline constexpr std::uint32_t bin_unit = 4096;        // a bin's size is a multiple of it
inline constexpr std::uint32_t bin_header_size = 32;
inline constexpr std::uint32_t no_cell = 0xFFFFFFFF;

struct BaseBlock {
  std::uint32_t primary = 0, secondary = 0;  // sequence numbers; unlike: a write was under way
  FileTime last_written;
  std::uint32_t type = 0;       // 0 a hive, 1 and 2 an old log, 6 a new log
  std::uint32_t root_cell = 0;  // offset
  std::uint32_t bins_size = 0;  // bytes
  std::uint32_t sectors = 1;    // "clustering factor": 512-byte units per sector
  std::string file_name;        // the end of the path Windows knew it by
  bool checksum_good = false;
  bool dirty() const noexcept { return !checksum_good || primary != secondary; }
};
// Nothing when it is shorter than `base_block_head` or has no signature.
std::optional<BaseBlock> decode_base_block(ByteView bytes);
// Of the first 508 bytes. Precondition: they are there.
std::uint32_t base_block_checksum(ByteView bytes) noexcept;

// The size of the bin whose header `bytes` begins with, when the header says it begins at `offset`.
std::optional<std::uint32_t> decode_bin_size(ByteView bytes, std::uint32_t offset) noexcept;

struct KeyNode {
  std::uint16_t flags = 0;
  FileTime last_write;
  std::uint32_t parent = no_cell;
  std::uint32_t subkeys = 0, values = 0;  // how many
  std::uint32_t value_list = no_cell;
  std::uint32_t subkey_list = no_cell;
  std::uint32_t longest_subkey = 0;  // bytes of the longest name below it, in UTF-16
  std::uint32_t name_units = 0;      // of its own name, UTF-16 units
  std::string name;                  // UTF-8
  std::uint32_t length = 0;          // of the record, bytes
  bool is_root() const noexcept { return (flags & 0x0004U) != 0; }
};
// Nothing when it is none: the signature, the name's length and characters, the alignment of its offsets are checked.
std::optional<KeyNode> decode_key_node(ByteView bytes);

struct KeyValue {
  std::string name;  // UTF-8; empty: the key's default value
  std::uint32_t type = 0;
  std::uint32_t size = 0;    // of the data, bytes
  bool is_inline = false;    // the data are `inline_data`; else a cell at `data`
  std::uint32_t data = 0;    // offset of the data's cell
  std::uint32_t length = 0;  // of the record, bytes
};
std::optional<KeyValue> decode_key_value(ByteView bytes);
inline constexpr std::uint32_t inline_data_at = 8;  // in the value's record

// Data longer than this stand in segments of as much, listed by a "db" record.
inline constexpr std::uint32_t segment_size = 16344;

}  // namespace trimcarve::witness
