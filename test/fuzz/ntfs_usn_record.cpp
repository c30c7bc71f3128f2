// Any bytes as a piece of $UsnJrnl:$J: stepping always moves on, and a record lies inside.
#include <cstdlib>
#include <string>

#include "ntfs/usn_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const ByteView input = std::as_bytes(std::span(data, size));
  ntfs::decode_usn_max(input);
  std::u16string text;
  for (std::size_t at = 0; at < size;) {
    const auto record = ntfs::decode_usn_record(input.subspan(at));
    if (record) {
      if (record->length < ntfs::min_usn_record || record->length > size - at) std::abort();
      text.clear();
      record->name.append_to(text);
    }
    at += record ? record->length : 8;
  }
  return 0;
}
