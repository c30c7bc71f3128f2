// Bins of any content: a statement lies in the source, and a second reading says the same.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "memory_source.hpp"
#include "witness/hive_bins.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8 || size > 32768) return 0;
  // Each page begins a bin, one behind the other, where the first byte says so.
  std::vector<std::byte> bytes((size + 4095) / 4096 * 4096);
  std::memcpy(bytes.data(), data, size);
  const unsigned how = data[0];
  for (std::size_t at = 0, n = 0; at < bytes.size(); at += 4096, ++n) {
    if ((how >> (n % 8) & 1U) == 0 && n != 0) continue;
    const std::uint32_t offset = static_cast<std::uint32_t>(at) + ((how & 0x80U) != 0 ? 0x10000U : 0U), length = 4096;
    std::memcpy(bytes.data() + at, "hbin", 4);
    std::memcpy(bytes.data() + at + 4, &offset, 4);
    std::memcpy(bytes.data() + at + 8, &length, 4);
  }
  const std::uint64_t total = bytes.size();
  const fuzz::MemorySource source(std::move(bytes));
  std::string said[2];
  for (std::string& text : said)
    witness::read_hive_bins(source, [&](const Statement& s) {
      if (!fits(total, s.offset, s.length) || !s.carved) std::abort();
      text += s.text + '\n' + s.handler + '\n';
    });
  if (said[0] != said[1]) std::abort();
  return 0;
}
