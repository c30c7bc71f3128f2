#include "ntfs/file_record.hpp"

#include <algorithm>
#include <cstring>

namespace trimcarve::ntfs {

namespace {

constexpr std::size_t header_size = 48, old_header_size = 42;
constexpr std::uint32_t end_marker_size = 8;

struct Stored {
  char signature[4];
  Little<std::uint16_t> array_offset;  // 0x04
  Little<std::uint16_t> array_count;   // 0x06
  Little<std::uint64_t> lsn;           // 0x08
  Little<std::uint16_t> sequence;      // 0x10
  Little<std::uint16_t> link_count;    // 0x12
  Little<std::uint16_t> first_attribute;
  Little<std::uint16_t> flags;
  Little<std::uint32_t> used_size;       // 0x18
  Little<std::uint32_t> allocated_size;  // 0x1C
  Little<std::uint64_t> base;            // 0x20
  Little<std::uint16_t> next_attribute_id;
  Little<std::uint16_t> unused;
  Little<std::uint32_t> number;  // 0x2C, since XP: then the update sequence array begins behind it
};
static_assert(sizeof(Stored) == header_size);

}  // namespace

RecordSignature record_signature(ByteView bytes) noexcept {
  if (bytes.size() < 4) return RecordSignature::none;
  if (std::memcmp(bytes.data(), "FILE", 4) == 0) return RecordSignature::file;
  if (std::memcmp(bytes.data(), "BAAD", 4) == 0) return RecordSignature::baad;
  return RecordSignature::none;
}

bool FileRecord::decode(ByteView fixed, const FixUp& fix, FileRecord& out) noexcept {
  if (fixed.size() < header_size) return false;
  if (fixed.size() > max_record_size) fixed = fixed.first(max_record_size);
  const RecordSignature signature = record_signature(fixed);
  if (signature == RecordSignature::none) return false;
  const auto s = load<Stored>(fixed);
  out.bytes_ = fixed;
  out.fix_ = fix;
  RecordHeader& h = out.header_;
  h.signature = signature;
  h.lsn = s.lsn;
  h.sequence = s.sequence;
  h.link_count = s.link_count;
  h.first_attribute = s.first_attribute;
  h.flags = s.flags;
  h.used_size = s.used_size;
  h.allocated_size = s.allocated_size;
  h.base = FileReference{s.base};
  h.next_attribute_id = s.next_attribute_id;
  h.has_number = s.array_offset >= header_size;
  h.number = h.has_number ? s.number.value() : 0;
  // Where the first attribute cannot be: behind the update sequence array, as Windows lays it out.
  if (h.first_attribute < old_header_size || h.first_attribute % 8 != 0 || h.first_attribute >= fixed.size())
    h.first_attribute = static_cast<std::uint16_t>((s.array_offset + 2U * s.array_count + 7U) / 8U * 8U);
  out.used_sane_ = h.used_size >= h.first_attribute && h.used_size <= fixed.size();
  out.used_ = out.used_sane_ ? h.used_size : static_cast<std::uint32_t>(fixed.size());
  return true;
}

AttributeWalk::AttributeWalk(const FileRecord& record) noexcept : record_(&record), offset_(record.header().first_attribute) {}

bool AttributeWalk::next(Attribute& out) noexcept {
  if (end_ != WalkEnd::walking) return false;
  switch (decode_attribute(record_->bytes(), offset_, record_->used(), out)) {
    case AttributeAt::attribute:
      out.torn = record_->fix_up().bad.touches(out.offset, out.length);
      offset_ += out.length;
      return true;
    case AttributeAt::end_marker: end_ = WalkEnd::end_marker; break;
    case AttributeAt::no_room: end_ = WalkEnd::no_marker; break;
    case AttributeAt::bad: end_ = WalkEnd::bad; break;
  }
  return false;
}

std::uint32_t AttributeWalk::slack_begin() const noexcept {
  const auto size = static_cast<std::uint32_t>(record_->bytes().size());
  std::uint32_t begin = offset_;
  if (end_ == WalkEnd::end_marker)
    begin = offset_ + end_marker_size;
  else if (record_->used_sane())
    begin = record_->used();
  return std::min(begin, size);
}

}  // namespace trimcarve::ntfs
