// A key of a registry hive as the rules see it: live ones from libregf and deleted ones from the carver look alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trimcarve/file_time.hpp"

namespace trimcarve::witness {

// Names of keys from the root's child down, UTF-8. The root's own name is not part of it.
using KeyPath = std::vector<std::string>;

struct HiveValue {
  std::string name;  // empty: the default value
  std::uint32_t type = 0;
  std::vector<std::byte> data;
  bool whole = true;  // false: a part of the data is missing
};

struct HiveKey {
  KeyPath path;
  bool rooted = true;  // false: what stood above path's first name is not known
  FileTime last_write;
  std::uint64_t offset = 0, length = 0;  // of its cell in the hive file
  bool carved = false;
  bool cut = false;   // not all of its values could be read
  std::string doubt;  // why the path may be wrong; mostly empty
  std::vector<HiveValue> values;
};

// The value of that name (any case), or null.
const HiveValue* find_value(const HiveKey& key, std::string_view name) noexcept;
// Text of a value: strings as they are, several joined with a line feed, numbers in decimal, other bytes in hex; long ones are cut.
std::string to_text(const HiveValue& value);
// A number of 4 or 8 bytes.
std::optional<std::uint64_t> to_number(const HiveValue& value) noexcept;

}  // namespace trimcarve::witness
