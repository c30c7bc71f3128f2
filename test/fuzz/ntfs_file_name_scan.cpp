// Any bytes as slack: candidates lie inside, in order, and do not overlap.
#include <cstdlib>
#include <string>

#include "ntfs/file_name_scan.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  if (size < 4) return 0;
  const ByteView input = std::as_bytes(std::span(data, size));
  const std::uint64_t begin = le<std::uint16_t>(input, 0), end = le<std::uint16_t>(input, 2);
  ntfs::FileNameScan scan(input, begin, end);
  std::uint64_t behind = 0;
  std::u16string text;
  for (ntfs::FileNameCandidate c; scan.next(c);) {
    if (c.offset < behind || !fits(size, c.offset, c.file_name.stored_size()) || c.score < ntfs::file_name_threshold || c.score > 100)
      std::abort();
    behind = c.offset + c.file_name.stored_size();
    c.file_name.name.append_to(text);
    ntfs::reference_before_file_name(input, c);
  }
  return 0;
}
