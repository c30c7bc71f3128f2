#include "ntfs/standard_information.hpp"

namespace trimcarve::ntfs {

std::optional<StandardInformation> decode_standard_information(ByteView value) noexcept {
  if (value.size() < 48) return std::nullopt;
  StandardInformation out;
  const auto time = [&](std::uint64_t offset) { return FileTime{le<std::uint64_t>(value, offset)}; };
  out.times = {time(0), time(8), time(16), time(24)};
  out.attributes = le<std::uint32_t>(value, 32);
  out.max_versions = le<std::uint32_t>(value, 36);
  out.version = le<std::uint32_t>(value, 40);
  out.class_id = le<std::uint32_t>(value, 44);
  if (value.size() >= 72) {
    out.long_form = true;
    out.owner_id = le<std::uint32_t>(value, 48);
    out.security_id = le<std::uint32_t>(value, 52);
    out.quota = le<std::uint64_t>(value, 56);
    out.usn = le<std::uint64_t>(value, 64);
  }
  return out;
}

}  // namespace trimcarve::ntfs
