#include "witness/hive_cells.hpp"

#include <algorithm>

#include "trimcarve/text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::uint16_t name_is_latin = 0x0020;   // of a key
constexpr std::uint16_t value_is_latin = 0x0001;  // of a value
// All flags that the format names; the upper four bits are the user's on Windows XP.
constexpr std::uint16_t known_key_flags = 0xF3FF;
constexpr std::uint32_t longest_key_name = 255 * 2, longest_value_name = 16383 * 2;

bool has(ByteView bytes, std::uint64_t at, char a, char b) noexcept {
  return fits(bytes, at, 2) && bytes[at] == static_cast<std::byte>(a) && bytes[at + 1] == static_cast<std::byte>(b);
}

std::u16string units_of(ByteView bytes, bool latin) {
  std::u16string units;
  units.reserve(bytes.size());
  if (latin) {
    for (const std::byte b : bytes) units.push_back(static_cast<char16_t>(b));
  } else {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) units.push_back(le<std::uint16_t>(bytes, i));
  }
  return units;
}

bool is_cell(std::uint32_t offset) noexcept { return offset == no_cell || offset % 8 == 0; }

}  // namespace

std::uint32_t base_block_checksum(ByteView bytes) noexcept {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 508; i += 4) sum ^= le<std::uint32_t>(bytes, i);
  return sum == 0xFFFFFFFF ? 0xFFFFFFFE : sum == 0 ? 1 : sum;
}

std::optional<BaseBlock> decode_base_block(ByteView bytes) {
  if (bytes.size() < base_block_head || !has(bytes, 0, 'r', 'e') || !has(bytes, 2, 'g', 'f')) return std::nullopt;
  BaseBlock block;
  block.primary = le<std::uint32_t>(bytes, 4);
  block.secondary = le<std::uint32_t>(bytes, 8);
  block.last_written.ticks = le<std::uint64_t>(bytes, 12);
  block.type = le<std::uint32_t>(bytes, 28);
  block.root_cell = le<std::uint32_t>(bytes, 36);
  block.bins_size = le<std::uint32_t>(bytes, 40);
  block.sectors = le<std::uint32_t>(bytes, 44);
  std::u16string name = units_of(bytes.subspan(48, 64), false);
  name.resize(std::min(name.size(), name.find(u'\0')));
  block.file_name = to_utf8(name);
  block.checksum_good = le<std::uint32_t>(bytes, 508) == base_block_checksum(bytes);
  return block;
}

std::optional<std::uint32_t> decode_bin_size(ByteView bytes, std::uint32_t offset) noexcept {
  if (bytes.size() < bin_header_size || !has(bytes, 0, 'h', 'b') || !has(bytes, 2, 'i', 'n')) return std::nullopt;
  const auto size = le<std::uint32_t>(bytes, 8);
  if (le<std::uint32_t>(bytes, 4) != offset || size == 0 || size % bin_unit != 0) return std::nullopt;
  return size;
}

std::optional<KeyNode> decode_key_node(ByteView bytes) {
  constexpr std::size_t fixed = 76;
  if (bytes.size() < fixed || !has(bytes, 0, 'n', 'k')) return std::nullopt;
  KeyNode key;
  key.flags = le<std::uint16_t>(bytes, 2);
  key.last_write.ticks = le<std::uint64_t>(bytes, 4);
  key.parent = le<std::uint32_t>(bytes, 16);
  key.subkeys = le<std::uint32_t>(bytes, 20);
  key.subkey_list = le<std::uint32_t>(bytes, 28);
  key.values = le<std::uint32_t>(bytes, 36);
  key.value_list = le<std::uint32_t>(bytes, 40);
  key.longest_subkey = le<std::uint16_t>(bytes, 52);
  const auto name_length = le<std::uint16_t>(bytes, 72);
  const bool latin = (key.flags & name_is_latin) != 0;
  if ((key.flags & ~known_key_flags) != 0 || !is_cell(key.subkey_list) || !is_cell(key.value_list)) return std::nullopt;
  if (name_length == 0 || name_length > longest_key_name || (!latin && name_length % 2 != 0) || !fits(bytes, fixed, name_length))
    return std::nullopt;
  const std::u16string name = units_of(bytes.subspan(fixed, name_length), latin);
  if (name.find(u'\0') != std::u16string::npos || name.find(u'\\') != std::u16string::npos) return std::nullopt;
  key.name_units = static_cast<std::uint32_t>(name.size());
  key.name = to_utf8(name);
  key.length = static_cast<std::uint32_t>(fixed) + name_length;
  return key;
}

std::optional<KeyValue> decode_key_value(ByteView bytes) {
  constexpr std::size_t fixed = 20;
  constexpr std::uint32_t stored_inline = 0x80000000;
  if (bytes.size() < fixed || !has(bytes, 0, 'v', 'k')) return std::nullopt;
  KeyValue value;
  const auto name_length = le<std::uint16_t>(bytes, 2);
  const auto size = le<std::uint32_t>(bytes, 4);
  value.data = le<std::uint32_t>(bytes, inline_data_at);
  value.type = le<std::uint32_t>(bytes, 12);
  const bool latin = (le<std::uint16_t>(bytes, 16) & value_is_latin) != 0;
  value.is_inline = (size & stored_inline) != 0 || size == 0;
  value.size = size & ~stored_inline;
  if (value.is_inline ? value.size > 4 : value.data % 8 != 0) return std::nullopt;
  if (name_length > longest_value_name || (!latin && name_length % 2 != 0) || !fits(bytes, fixed, name_length)) return std::nullopt;
  const std::u16string name = units_of(bytes.subspan(fixed, name_length), latin);
  if (name.find(u'\0') != std::u16string::npos) return std::nullopt;
  value.name = to_utf8(name);
  value.length = static_cast<std::uint32_t>(fixed) + name_length;
  return value;
}

}  // namespace trimcarve::witness
