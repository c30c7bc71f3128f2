// A registry hive, libregf included. The input is either the bins behind a good base block, or patches to a well-formed hive of the kinds
// of keys that are looked for, so that damage reaches deep: each patch is a place (2 bytes) and a value (4 bytes).
#include <algorithm>
#include <cstring>
#include <memory>

#include "../fixtures/hive_writer.hpp"
#include "memory_source.hpp"
#include "witness/hive.hpp"
#include "witness/hive_cells.hpp"

namespace {

using namespace trimcarve;
namespace fx = trimcarve::fixtures;

std::vector<std::byte> make_hive() {
  constexpr std::uint64_t time = 133'000'000'000'000'000;
  fx::RegistryKey root{"{root}", time, {}, {}, false};
  const std::string handlers = "Microsoft\\Windows Azure\\HandlerState\\";
  fx::make_key(root, handlers + "A.B_1.2", time).values = {fx::text_value("InstallState", "Enabled"),
                                                           fx::number_value("SequenceNumber", 3)};
  fx::RegistryKey& deleted = fx::make_key(root, handlers + "A.B_1.1", time);
  deleted.values = {fx::text_value("StatusFolder", "C:\\Packages\\Plugins\\A.B\\1.1\\Status"), fx::number_value("SequenceNumber", 3)};
  deleted.deleted = true;
  fx::make_key(root, "Microsoft\\Windows NT\\CurrentVersion", time).values = {fx::long_value("InstallTime", time)};
  fx::make_key(root, "Microsoft\\SystemCertificates\\MY\\Certificates\\AB", time).values = {
      fx::binary_value("Blob", {std::byte{32}, {}, {}, {}, std::byte{1}, {}, {}, {}, std::byte{1}, {}, {}, {}, std::byte{48}})};
  fx::make_key(root, "ControlSet001\\Control\\Session Manager\\AppCompatCache", time).values = {
      fx::binary_value("AppCompatCache", std::vector<std::byte>(17000))};
  return fx::write_hive(root, {});
}

void set_checksum(std::vector<std::byte>& hive) {
  const std::uint32_t sum = witness::base_block_checksum(hive);
  std::memcpy(hive.data() + 508, &sum, 4);
}

}  // namespace

// Debian's libregf (20201007) loses 216 bytes for each key that it cannot read.
extern "C" const char* __lsan_default_suppressions() { return "leak:libregf\n"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::byte> whole = make_hive();
  if (size == 0) return 0;
  const bool raw = (data[0] & 1U) != 0;
  ++data, --size;
  std::vector<std::byte> hive = whole;
  if (raw) {
    hive.resize(witness::base_block_size + size);
    if (size > 0) std::memcpy(hive.data() + witness::base_block_size, data, size);
    const auto bins = static_cast<std::uint32_t>(size / witness::bin_unit * witness::bin_unit);
    std::memcpy(hive.data() + 40, &bins, 4);
  }
  for (; !raw && size >= 6; data += 6, size -= 6) {
    std::uint16_t place = 0;
    std::memcpy(&place, data, 2);
    if (fits(hive.size(), place, 4)) std::memcpy(hive.data() + place, data + 2, 4);
  }
  set_checksum(hive);
  const std::uint64_t length = hive.size();
  std::uint64_t emitted = 0;
  const witness::Tally tally =
      witness::read_hive(std::make_shared<fuzz::MemorySource>(std::move(hive)), nullptr, nullptr, "SOFTWARE", [&](const Statement& s) {
        ++emitted;
        if (!fits(length, s.offset, s.length)) __builtin_trap();
      });
  if (tally.emitted != emitted) __builtin_trap();
  return 0;
}
