#include "ntfs/attribute_list.hpp"

#include <algorithm>

namespace trimcarve::ntfs {

namespace {
constexpr std::uint64_t header_size = 26;
}

bool AttributeListWalk::next(AttributeListEntry& out) noexcept {
  while (fits(bytes_, offset_, header_size)) {
    const std::uint32_t type = le<std::uint32_t>(bytes_, offset_);
    const std::uint64_t length = le<std::uint16_t>(bytes_, offset_ + 4);
    const bool length_sane = length >= header_size && length % 8 == 0 && fits(bytes_, offset_, length);
    const std::size_t name_length = 2 * std::to_integer<std::size_t>(bytes_[static_cast<std::size_t>(offset_) + 6]);
    const std::size_t name_offset = std::to_integer<std::size_t>(bytes_[static_cast<std::size_t>(offset_) + 7]);
    const bool type_sane = type != 0 && type % 16 == 0 && type <= 0xFFFF;
    const bool name_sane = name_length == 0 || (name_offset >= header_size && name_offset + name_length <= length);
    if (!length_sane || !type_sane || !name_sane) {
      const std::uint64_t step = length_sane && type_sane ? length : 8;
      offset_ += step;
      skipped_ += step;
      continue;
    }
    out.type = type;
    out.length = static_cast<std::uint32_t>(length);
    out.offset = offset_;
    out.first_vcn = le<std::uint64_t>(bytes_, offset_ + 8);
    out.reference = FileReference{le<std::uint64_t>(bytes_, offset_ + 16)};
    out.id = le<std::uint16_t>(bytes_, offset_ + 24);
    out.name = Units(name_length == 0 ? ByteView{} : bytes_.subspan(static_cast<std::size_t>(offset_) + name_offset, name_length));
    offset_ += length;
    return true;
  }
  if (offset_ < bytes_.size()) {
    skipped_ += bytes_.size() - offset_;
    offset_ = bytes_.size();
  }
  return false;
}

}  // namespace trimcarve::ntfs
