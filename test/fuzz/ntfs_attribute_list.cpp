// Any bytes as an attribute list: entries lie inside, and every byte is in an entry or counted as skipped.
#include <cstdlib>
#include <string>

#include "ntfs/attribute_list.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  ntfs::AttributeListWalk walk(std::as_bytes(std::span(data, size)));
  std::uint64_t covered = 0;
  std::u16string text;
  for (ntfs::AttributeListEntry e; walk.next(e);) {
    if (!fits(size, e.offset, e.length)) std::abort();
    covered += e.length;
    e.name.append_to(text);
  }
  if (covered + walk.skipped() != size) std::abort();
  return 0;
}
