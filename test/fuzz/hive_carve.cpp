// The bins of a hive as the carver sees them: what it offers lies inside, and paths end.
#include <cstring>

#include "memory_source.hpp"
#include "witness/hive_carve.hpp"
#include "witness/hive_cells.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> hive(witness::base_block_size + size);
  if (size > 0) std::memcpy(hive.data() + witness::base_block_size, data, size);
  std::memcpy(hive.data(), "regf", 4);
  hive[36] = std::byte{0x20};
  const auto inside = [&](std::uint64_t offset, std::uint64_t length) {
    if (length == 0 || offset < witness::base_block_size || !fits(hive.size(), offset, length)) __builtin_trap();
  };
  std::uint64_t free_bytes = 0;
  witness::HiveCarveOptions options;
  options.wanted = [&](const witness::KeyPath& path, bool, bool, std::uint64_t offset) {
    inside(offset, 1);
    if (path.size() > witness::deepest_key + 1) __builtin_trap();
    return true;
  };
  options.key = [&](const witness::HiveKey& key) {
    inside(key.offset, key.length);
    for (const witness::HiveValue& value : key.values)
      if (value.data.size() > hive.size()) __builtin_trap();
  };
  options.loose_value = [&](const witness::HiveValue&, std::uint64_t offset, std::uint64_t length) { inside(offset, length); };
  options.free_space = [&](std::uint64_t offset, ByteView bytes) {
    inside(offset, bytes.size());
    free_bytes += bytes.size();
  };
  const auto tally = witness::carve_hive(hive, options);
  if (tally.free_bytes != free_bytes || free_bytes > size) __builtin_trap();
  return 0;
}
