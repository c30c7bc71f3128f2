#include "ntfs/file_name.hpp"

namespace trimcarve::ntfs {

std::optional<FileName> decode_file_name(ByteView value) noexcept {
  if (value.size() < file_name_header_size) return std::nullopt;
  const std::size_t length = 2 * std::to_integer<std::size_t>(value[64]);
  if (length == 0 || !fits(value, file_name_header_size, length)) return std::nullopt;
  FileName out;
  const auto time = [&](std::uint64_t offset) { return FileTime{le<std::uint64_t>(value, offset)}; };
  out.parent = FileReference{le<std::uint64_t>(value, 0)};
  out.times = {time(8), time(16), time(24), time(32)};
  out.allocated_size = le<std::uint64_t>(value, 40);
  out.size = le<std::uint64_t>(value, 48);
  out.attributes = le<std::uint32_t>(value, 56);
  out.extended = le<std::uint32_t>(value, 60);
  const auto space = std::to_integer<std::uint8_t>(value[65]);
  out.name_space = space <= 3 ? static_cast<NameSpace>(space) : NameSpace::unknown;
  out.name = Units(value.subspan(file_name_header_size, length));
  return out;
}

}  // namespace trimcarve::ntfs
