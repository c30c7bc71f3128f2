// A $LogFile of any content. The first byte chooses: pages of any bytes that are only given valid restart pages and fix-ups, or well-formed
// log records with client data of any bytes, so that the operations themselves are reached. Every sighting must be emitted again from its
// place, and no two may begin at one place.
#include <cstdint>
#include <cstdlib>
#include <set>

#include "carvers/log_file.hpp"
#include "sighting_check.hpp"

using namespace trimcarve;

namespace {

constexpr std::size_t page_size = 1024, data_at = 64, pages = 40;
constexpr unsigned sequence_bits = 64 - (16 - 3);  // for 40 pages of 1024 bytes

using Bytes = std::vector<std::byte>;

void put(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

void protect(Bytes& log, std::size_t at, std::size_t array) {
  put(log, at + 4, array, 2);
  put(log, at + 6, page_size / 512 + 1, 2);
  put(log, at + array, 0x0101, 2);
  for (std::size_t s = 0; s < page_size / 512; ++s)
    for (std::size_t i = 0; i < 2; ++i) {
      log[at + array + 2 + 2 * s + i] = log[at + 512 * s + 510 + i];
      log[at + 512 * s + 510 + i] = std::byte{1};
    }
}

void restart_page(Bytes& log, std::size_t at) {
  std::memcpy(log.data() + at, "RSTR", 4);
  put(log, at + 16, page_size, 4);
  put(log, at + 20, page_size, 4);
  put(log, at + 24, 0x30, 2);
  put(log, at + 26, 1, 2);
  put(log, at + 28, 1, 2);
  put(log, at + 0x30 + 16, sequence_bits, 4);
  put(log, at + 0x30 + 24, pages * page_size, 8);
  put(log, at + 0x30 + 36, 48, 2);
  put(log, at + 0x30 + 38, data_at, 2);
  protect(log, at, 0x1E);
}

// Records of the input's bytes: two bytes of length and transaction, then the client data.
void write_records(Bytes& log, ByteView input) {
  std::size_t page = 4, at = data_at;
  std::uint64_t lap = 1, last = 0;
  std::vector<std::uint64_t> newest(pages), ends(pages);
  const auto turn = [&] {
    page = page + 1 < pages ? page + 1 : 4;
    lap += page == 4 ? 1 : 0;
    at = data_at;
  };
  while (input.size() > 3) {
    const std::size_t length = std::min<std::size_t>((8 + 8 * std::to_integer<std::size_t>(input[0])) & 1023, (input.size() - 2) / 8 * 8);
    if (length == 0) break;
    const auto how = std::to_integer<unsigned>(input[1]);
    if (at + 48 > page_size) turn();
    const std::uint64_t lsn = (lap << (64 - sequence_bits)) | ((page * page_size + at) >> 3);
    Bytes record(48 + length);
    put(record, 0, lsn, 8);
    put(record, 8, (how & 0x80) != 0 ? last : 0, 8);
    put(record, 16, (how & 0x40) != 0 ? last : 0, 8);
    put(record, 24, length, 4);
    put(record, 32, (how & 0x20) != 0 ? 2 : 1, 4);
    put(record, 36, how & 3, 4);
    put(record, 40, record.size() > page_size - at ? 1 : 0, 2);
    std::copy_n(input.begin() + 2, length, record.begin() + 48);
    input = input.subspan(2 + length);
    last = lsn;
    newest[page] = lsn;
    for (std::size_t done = 0; done < record.size();) {
      if (at == page_size) {
        turn();
        newest[page] = lsn;
      }
      const std::size_t part = std::min(record.size() - done, page_size - at);
      std::copy_n(record.begin() + static_cast<std::ptrdiff_t>(done), part,
                  log.begin() + static_cast<std::ptrdiff_t>(page * page_size + at));
      done += part;
      at += part;
    }
    ends[page] = lsn;
  }
  for (std::size_t p = 2; p < pages; ++p) {
    const std::size_t begin = p * page_size;
    std::memcpy(log.data() + begin, "RCRD", 4);
    put(log, begin + 8, newest[p], 8);
    put(log, begin + 24, page_size, 2);
    put(log, begin + 32, ends[p], 8);
    protect(log, begin, 0x28);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > pages * page_size) return 0;
  const ByteView input = std::as_bytes(std::span(data + 1, size - 1));
  Bytes log(pages * page_size);
  if ((data[0] & 1U) != 0) {
    write_records(log, input);
  } else {
    std::copy_n(input.begin(), std::min(input.size(), log.size() - 2 * page_size), log.begin() + 2 * page_size);
    for (std::size_t p = 2; p < pages; ++p) {
      std::memcpy(log.data() + p * page_size, "RCRD", 4);
      protect(log, p * page_size, 0x28);
    }
  }
  restart_page(log, 0);
  restart_page(log, page_size);
  const std::uint64_t stream_size = log.size();
  const fuzz::MemorySource source(std::move(log));

  carvers::LogFileOptions options;
  options.cluster_size = (data[0] & 2U) != 0 ? 4096 : 0;
  options.volume_clusters = (data[0] & 4U) != 0 ? 100'000 : 0;
  carvers::LogFileCarver carver(source, options);
  std::set<std::uint64_t> places, entries;
  std::size_t again = 0;
  const auto tally = carver.run([&](const carvers::LogEvent& event, const Sighting* s) {
    if (event.entry) entries.insert(*event.entry);
    if (event.place.length == 0 || !fits(stream_size, event.place.offset, event.place.length)) std::abort();
    if (s == nullptr) return;
    fuzz::check(*s, stream_size);
    if (!places.insert(s->place.offset).second) std::abort();
    if (++again > 64) return;  // each costs the steps before it
    int same = 0;
    carver.record_at(s->place.offset, [&](const carvers::LogEvent& e, const Sighting* t) {
      if (t != nullptr && t->place == s->place && t->text == s->text && e.kind == event.kind && t->reference == s->reference) ++same;
    });
    if (same != 1) std::abort();
  });
  if (tally.sightings != places.size() || tally.records < tally.cut) std::abort();
  for (const std::uint64_t entry : entries)
    if (const auto image = carver.image_of(entry); image && (image->bytes.size() < 48 || image->bytes.size() > 65536)) std::abort();
  return 0;
}
