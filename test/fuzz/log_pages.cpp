// Pages of logs of any content, as free space may hold them: well-formed pages with records at LSNs that the input chooses, so that pages
// agree, contradict each other, follow each other or stand twice. No page is in two groups, and what a group tells is told again from its
// place.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>

#include "carvers/log_pages.hpp"
#include "sighting_check.hpp"

using namespace trimcarve;

namespace {

constexpr std::size_t page_size = 1024, data_at = 64, most_pages = 24;
using Bytes = std::vector<std::byte>;

void put(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

void protect(Bytes& bytes, std::size_t at) {
  put(bytes, at + 4, 0x28, 2);
  put(bytes, at + 6, page_size / 512 + 1, 2);
  put(bytes, at + 0x28, 0x0101, 2);
  for (std::size_t s = 0; s < page_size / 512; ++s)
    for (std::size_t i = 0; i < 2; ++i) {
      bytes[at + 0x2A + 2 * s + i] = bytes[at + 512 * s + 510 + i];
      bytes[at + 512 * s + 510 + i] = std::byte{1};
    }
}

// A page of the log's so-manieth page, with records of the input's bytes. Takes what it uses off the input.
void write_page(Bytes& disk, std::uint64_t number, ByteView& input) {
  const std::size_t begin = disk.size();
  disk.resize(begin + page_size);
  std::memcpy(disk.data() + begin, "RCRD", 4);
  std::uint64_t newest = 0;
  std::size_t at = data_at;
  for (int records = 0; records < 6 && input.size() > 3 && at + 56 <= page_size; ++records) {
    const auto how = std::to_integer<unsigned>(input[0]);
    const std::size_t length = std::min<std::size_t>(8 + 8 * std::to_integer<std::size_t>(input[1]), (input.size() - 2) / 8 * 8);
    if (length == 0) break;
    const std::uint64_t lsn = (number * page_size + at) >> 3;
    const std::size_t here = std::min(length, page_size - at - 48);
    put(disk, begin + at, lsn, 8);
    put(disk, begin + at + 8, (how & 0x80) != 0 ? newest : 0, 8);
    put(disk, begin + at + 16, (how & 0x40) != 0 ? newest : 0, 8);
    put(disk, begin + at + 24, length, 4);
    put(disk, begin + at + 32, (how & 0x20) != 0 ? 2 : 1, 4);
    put(disk, begin + at + 36, how & 3, 4);
    put(disk, begin + at + 40, here < length ? 1 : 0, 2);
    std::copy_n(input.begin() + 2, here, disk.begin() + static_cast<std::ptrdiff_t>(begin + at + 48));
    input = input.subspan(2 + here);
    newest = lsn;
    at = std::min(page_size, at + 48 + (here + 7) / 8 * 8);
  }
  put(disk, begin + 8, newest, 8);
  put(disk, begin + 24, at, 2);
  put(disk, begin + 32, newest, 8);
  protect(disk, begin);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4 || size > most_pages * page_size) return 0;
  ByteView input = std::as_bytes(std::span(data, size));
  Bytes disk;
  std::vector<carvers::LogPage> pages;
  while (input.size() > 4 && pages.size() < most_pages) {
    const auto what = std::to_integer<unsigned>(input[0]);
    input = input.subspan(1);
    if ((what & 0x40) != 0) disk.resize(disk.size() + 512);
    pages.push_back({disk.size(), page_size});
    if ((what & 0x80) != 0) {  // any bytes
      disk.resize(disk.size() + page_size);
      const std::size_t length = std::min(input.size(), page_size - data_at);
      std::copy_n(input.begin(), length, disk.begin() + static_cast<std::ptrdiff_t>(disk.size() - page_size + data_at));
      std::memcpy(disk.data() + disk.size() - page_size, "RCRD", 4);
      protect(disk, disk.size() - page_size);
      input = input.subspan(length);
    } else {
      write_page(disk, 16 + (what & 15U), input);
    }
  }
  const fuzz::MemorySource source(disk);
  carvers::LogPageTally tally;
  const auto groups = carvers::group_log_pages(source, pages, nullptr, tally);
  std::set<std::uint64_t> seen;
  for (const carvers::LogPageGroup& group : groups) {
    Bytes joined;
    for (const std::uint64_t at : group.pages) {
      if (!seen.insert(at).second || !fits(disk.size(), at, group.page_size)) std::abort();
      joined.insert(joined.end(), disk.begin() + static_cast<std::ptrdiff_t>(at),
                    disk.begin() + static_cast<std::ptrdiff_t>(at + group.page_size));
    }
    const std::uint64_t length = joined.size();
    const fuzz::MemorySource log(std::move(joined));
    carvers::LogFileOptions options;
    options.cluster_size = 4096;
    options.carved_page_size = group.page_size;
    carvers::LogFileCarver carver(log, options);
    std::size_t again = 0;
    carver.run([&](const carvers::LogEvent& event, const Sighting* s) {
      if (event.whole_from_here || event.place.length == 0 || !fits(length, event.place.offset, event.place.length)) std::abort();
      if (s == nullptr) return;
      fuzz::check(*s, length);
      if (++again > 32) return;
      int same = 0;
      carver.record_at(s->place.offset, [&](const carvers::LogEvent& e, const Sighting* t) {
        if (t != nullptr && t->place == s->place && t->text == s->text && e.kind == event.kind && t->reference == s->reference) ++same;
      });
      if (same != 1) std::abort();
    });
    // Read beside itself, a log has no page that says anything else.
    carvers::LogPageTally beside;
    for (const auto& other : carvers::group_log_pages(source, pages, &carver, beside))
      if (other.same_log && other.pages == group.pages) std::abort();
  }
  if (tally.pages != pages.size() || seen.size() > pages.size()) std::abort();
  return 0;
}
