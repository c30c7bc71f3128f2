// A listing of a blob's pages, XML or JSON, and the file it is laid over.
#include "image/page_ranges.hpp"

#include "memory_source.hpp"

namespace {
void check(const std::vector<trimcarve::image::PageInterval>& all) {
  std::uint64_t before = 0;
  for (const auto& interval : all) {
    if (interval.begin >= interval.end || interval.begin % 512 != 0 || interval.end % 512 != 0) __builtin_trap();
    if (&interval != all.data() && interval.begin <= before) __builtin_trap();  // joined: neighbours do not touch
    before = interval.end;
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const auto list = image::parse_page_ranges(std::as_bytes(std::span(data, size)));
  if (!list) {
    if (list.error().what.empty()) __builtin_trap();
    return 0;
  }
  check(list->stored);
  check(list->cleared);
  // Every fourth page holds a byte.
  std::vector<std::byte> bytes(20'000);
  for (std::size_t at = 700; at < bytes.size(); at += 2048) bytes[at] = std::byte{1};
  const auto file = std::make_shared<fuzz::MemorySource>(std::move(bytes));
  fuzz::check_source(*image::with_page_ranges(file, *list));
  image::check_page_ranges(*file, *list);
  return 0;
}
