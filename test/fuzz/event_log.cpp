// Event logs: every statement lies inside the file and is well-formed text. The first byte chooses what the rest is: a file, the binary XML
// of one record in a chunk that is otherwise sound, or bytes to change in a sound log, each with its place.
#include <cstring>

#include "../fixtures/event_log_writer.hpp"
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

// Each three bytes: a place in the part of the log that is used, and what stands there.
std::vector<std::byte> changed_log(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::byte> sound = [] {
    fixtures::Event script, cleared;
    script.user = "S-1-5-18";
    script.data = {
        {"MessageNumber", "1"}, {"MessageTotal", "1"}, {"ScriptBlockText", "a \xF0\x9F\x98\x80"}, {"ScriptBlockId", "b"}, {"Path", ""}};
    cleared.channel = "Security";
    cleared.provider = "Microsoft-Windows-Eventlog";
    cleared.id = 1102;
    cleared.user_data = "LogFileCleared";
    cleared.data = {{"SubjectUserSid", "S-1-5-21-1-2-3-4", fixtures::EventData::Type::sid},
                    {"SubjectLogonId", "0x12", fixtures::EventData::Type::hex}};
    return fixtures::write_event_log({script, cleared, script});
  }();
  std::vector<std::byte> log = sound;
  for (std::size_t at = 0; at + 3 <= size; at += 3) {
    const std::size_t place = (static_cast<std::size_t>(data[at]) << 8 | data[at + 1]) % 4608;
    log[place < 128 ? place : 4096 - 128 + place] = static_cast<std::byte>(data[at + 2]);
  }
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const int kind = data[0] % 3;
  ++data;
  --size;
  const auto file = kind == 1   ? std::make_shared<fuzz::MemorySource>(chunk_of(data, size))
                    : kind == 2 ? std::make_shared<fuzz::MemorySource>(changed_log(data, size))
                                : std::make_shared<fuzz::MemorySource>(data, size);
  std::uint64_t emitted = 0;
  const witness::Tally tally = witness::read_event_log(file, "", [&](const Statement& s) {
    ++emitted;
    require(s.length >= 28 && fits(file->size(), s.offset, s.length));
    require(!s.event.empty() && to_utf8(to_utf16(s.text)) == s.text && to_utf8(to_utf16(s.command)) == s.command);
    for (const auto& [name, value] : s.fields) require(to_utf8(to_utf16(name)) == name && to_utf8(to_utf16(value)) == value);
  });
  require(tally.emitted == emitted && tally.emitted <= tally.records && tally.gaps.bytes <= file->size());
  require(kind != 1 || tally.records >= 1 || size == 0);
  require(kind != 2 || size >= 3 || (tally.emitted == 3 && tally.damaged == 0));
  return 0;
}
