// Zips. Members lie in the zip and keep to the limits.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "memory_source.hpp"
#include "statement_check.hpp"
#include "witness/archive.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto zip = std::make_shared<fuzz::MemorySource>(std::vector<std::byte>(bytes.begin(), bytes.end()));
  const witness::ArchiveLimits limits{.member = 1 << 20, .all = 2 << 20, .members = 50};
  std::uint64_t members = 0, all = 0;
  const witness::Tally tally = witness::read_archive(
      zip,
      [&](const witness::Member& m) {
        ++members;
        all += m.bytes->size();
        fuzz::require(fits(size, m.offset, m.length) && m.bytes->size() <= limits.member);
        fuzz::check_text(m.name);
        fuzz::check_source(*m.bytes);
        for (const Range& range : m.bytes->locate(0, m.bytes->size())) fuzz::require(fits(size, range.offset, range.length));
      },
      limits);
  fuzz::require(tally.emitted == members && all <= limits.all && (tally.readable || members == 0));
  return 0;
}
