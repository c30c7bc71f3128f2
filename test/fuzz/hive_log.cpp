// Two transaction logs and the hive they belong to. Checksums and hashes are made good, so that what they guard is reached. Layout: two
// bytes with the sizes of the logs in sectors, the logs, the hive.
#include <algorithm>
#include <cstring>
#include <memory>

#include "memory_source.hpp"
#include "witness/hive_log.hpp"

namespace {

using namespace trimcarve;

void put(std::vector<std::byte>& bytes, std::size_t at, auto value) { std::memcpy(bytes.data() + at, &value, sizeof value); }

std::shared_ptr<fuzz::MemorySource> make_log(ByteView input) {
  std::vector<std::byte> log(input.begin(), input.end());
  if (log.size() >= 512) {
    std::memcpy(log.data(), "regf", 4);
    put(log, 508, witness::base_block_checksum(log));
  }
  for (std::size_t at = 512; at + 40 <= log.size();) {
    const std::uint64_t size = le<std::uint32_t>(log, at + 4);
    if (size < 40 || size > log.size() - at) break;
    const ByteView entry = ByteView(log).subspan(at, static_cast<std::size_t>(size));
    put(log, at + 24, witness::hive_log_hash(entry.subspan(40)));
    put(log, at + 32, witness::hive_log_hash(entry.first(32)));
    at += static_cast<std::size_t>(size);
  }
  const auto decoded = witness::decode_hive_log(log);
  if (decoded)
    for (const witness::LogEntry& e : decoded->entries)
      for (const witness::LogPage& p : e.pages)
        if (!fits(log, p.log_offset, p.length) || p.hive_offset < 4096 || p.hive_offset + p.length > 4096 + std::uint64_t{e.bins_size})
          __builtin_trap();
  return std::make_shared<fuzz::MemorySource>(std::move(log));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  ByteView rest = std::as_bytes(std::span(data + 2, size - 2));
  std::shared_ptr<fuzz::MemorySource> logs[2];
  for (int i = 0; i < 2; ++i) {
    const std::size_t length = std::min<std::size_t>(rest.size(), std::size_t{data[i]} * 512);
    logs[i] = make_log(rest.first(length));
    rest = rest.subspan(length);
  }
  std::vector<std::byte> hive(rest.begin(), rest.end());
  if (hive.size() >= 512) {
    std::memcpy(hive.data(), "regf", 4);
    if ((data[0] & 1U) != 0) put(hive, 508, witness::base_block_checksum(hive));
  }
  const auto source = std::make_shared<fuzz::MemorySource>(std::move(hive));
  const witness::HiveWithLogs state = witness::apply_hive_logs(source, logs[0], logs[1]);
  fuzz::check_source(*state.hive);
  std::uint64_t located = 0;
  for (const Range& r : state.hive->locate(0, ~std::uint64_t{0})) located += r.length;
  if (located > state.hive->size()) __builtin_trap();
  if (!state.dirty && state.hive != source) __builtin_trap();
  return 0;
}
