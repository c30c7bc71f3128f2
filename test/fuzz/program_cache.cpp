// ShimCache's value and a certificate's: entries lie inside, parsing ends.
#include "witness/program_cache.hpp"
#include "trimcarve/bytes.hpp"
#include "witness/certificate.hpp"

using namespace trimcarve;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView value = std::as_bytes(std::span(data, size));
  std::uint64_t count = 0;
  const auto tally = witness::decode_program_cache(value, [&](const witness::CachedProgram& program) {
    ++count;
    if (program.length == 0 || !fits(value, program.offset, program.length)) __builtin_trap();
  });
  if (tally.entries != count) __builtin_trap();
  const auto stored = witness::decode_stored_certificate(value);
  if (stored.der) witness::describe_certificate(*stored.der);
  witness::describe_certificate(value);
  return 0;
}
