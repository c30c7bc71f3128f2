// Event logs, any bytes: every statement lies inside the file and is well-formed text. An odd first byte makes the rest one record's
// binary XML, in a chunk that is otherwise sound.
#include <cstring>

#include "memory_source.hpp"
#include "trimcarve/text.hpp"
#include "witness/event_log.hpp"

namespace {

using namespace trimcarve;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

template <class T>
void put(std::vector<std::byte>& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

std::vector<std::byte> chunk_of(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> chunk(65536);
  size = std::min<std::size_t>(size, 64000);
  const auto record = static_cast<std::uint32_t>((24 + size + 4 + 7) / 8 * 8);
  std::memcpy(chunk.data(), "ElfChnk", 8);
  put<std::uint32_t>(chunk, 40, 128);
  put<std::uint32_t>(chunk, 44, 512);
  put<std::uint32_t>(chunk, 48, 512 + record);
  std::memcpy(chunk.data() + 512, "**\0\0", 4);
  put(chunk, 516, record);
  std::memcpy(chunk.data() + 536, data, size);
  put(chunk, 512 + record - 4, record);
  return chunk;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool record = size > 0 && (data[0] & 1) != 0;
  const auto file = record ? std::make_shared<fuzz::MemorySource>(chunk_of(data + 1, size - 1))
                           : std::make_shared<fuzz::MemorySource>(data + (size > 0), size - (size > 0));
  std::uint64_t emitted = 0;
  const witness::Tally tally = witness::read_event_log(file, "", [&](const Statement& s) {
    ++emitted;
    require(s.length >= 28 && fits(file->size(), s.offset, s.length));
    require(!s.event.empty() && to_utf8(to_utf16(s.text)) == s.text && to_utf8(to_utf16(s.command)) == s.command);
    for (const auto& [name, value] : s.fields) require(to_utf8(to_utf16(name)) == name && to_utf8(to_utf16(value)) == value);
  });
  require(tally.emitted == emitted && tally.emitted <= tally.records && tally.gaps.bytes <= file->size());
  require(!record || tally.records >= 1 || size < 2);
  return 0;
}
