// The segments of an E01. Whatever the bytes, nothing but a RunError; what is called readable or not fits what a read says, and no chunk is
// read whose checksum is wrong.
//
// The first byte chooses what the rest is: a file; sections without their descriptors, each a byte of type, two of length and its bytes,
// which get the right checksums here, so that the decoder is reached; or bytes to change in the sections of a sound image, each with its
// place.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "image/ewf_sections.hpp"
#include "memory_source.hpp"

using namespace trimcarve;

namespace {

constexpr std::array<std::string_view, 12> types{"volume", "sectors", "table", "table2", "data", "error2",
                                                 "hash",   "digest",  "next",  "done",   "disk", "header"};

void put(std::vector<std::byte>& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

void seal(std::vector<std::byte>& bytes, std::size_t from, std::size_t length) {
  if (from + length + 4 <= bytes.size())
    put(bytes, from + length, adler32_z(1, reinterpret_cast<const Bytef*>(bytes.data() + from), length), 4);
}

// One segment from [data, end); advances data.
SourcePtr segment(const std::uint8_t*& data, const std::uint8_t* end, std::uint16_t number) {
  std::vector<std::byte> file(13);
  std::memcpy(file.data(), "EVF\x09\x0D\x0A\xFF\x00\x01", 9);
  put(file, 9, number, 2);
  while (end - data >= 3) {
    const std::uint8_t control = data[0];
    const std::string_view type = types[control % types.size()];
    const std::size_t length = std::min<std::size_t>(data[1] + std::size_t{data[2]} * 256, static_cast<std::size_t>(end - data - 3));
    const std::size_t at = file.size(), body = at + 76;
    file.resize(body + length);
    std::memcpy(file.data() + at, type.data(), type.size());
    std::copy_n(reinterpret_cast<const std::byte*>(data + 3), length, file.begin() + static_cast<std::ptrdiff_t>(body));
    data += 3 + length;
    const bool last = type == "next" || type == "done";
    put(file, at + 16, last ? at : file.size(), 8);
    seal(file, at, 72);
    if (control < 128) {  // else the section's own checksums stay as they are
      if (length >= 24 && type.starts_with("table")) {
        seal(file, body, 20);
        seal(file, body + 24, (length - 28) / 4 * 4 * (length >= 28));
      } else if (length >= 524 && type == "error2") {
        seal(file, body, 516);
        seal(file, body + 520, length - 524);
      } else if (length >= 4 && type != "sectors") {
        seal(file, body, length - 4);
      }
    }
    if (last) break;
  }
  return std::make_shared<fuzz::MemorySource>(std::move(file));
}

constexpr std::size_t chunk = 512, chunks = 8;

std::byte byte_at(std::size_t offset) { return static_cast<std::byte>(offset * offset / 7 >> (offset / chunk % 5)); }

// Two segments of a disk of eight chunks, five in the first; every other one is compressed.
const std::vector<std::uint8_t>& sound_sections() {
  static const std::vector<std::uint8_t> sound = [] {
    std::vector<std::uint8_t> all;
    const auto add = [&](std::string_view type, const std::vector<std::byte>& bytes) {
      all.push_back(static_cast<std::uint8_t>(std::ranges::find(types, type) - types.begin()));
      all.push_back(static_cast<std::uint8_t>(bytes.size()));
      all.push_back(static_cast<std::uint8_t>(bytes.size() >> 8));
      for (const std::byte b : bytes) all.push_back(std::to_integer<std::uint8_t>(b));
    };
    std::vector<std::byte> volume(94);
    put(volume, 4, chunks, 4);
    put(volume, 8, 1, 4);
    put(volume, 12, chunk, 4);
    put(volume, 16, chunks, 4);
    add("volume", volume);
    std::size_t at = 13 + 76 + volume.size() + 76;
    for (const auto& [first, end] : {std::pair<std::size_t, std::size_t>{0, 5}, {5, chunks}}) {
      std::vector<std::byte> sectors, table(24 + (end - first) * 4 + 4);
      put(table, 0, end - first, 4);
      for (std::size_t c = first; c < end; ++c) {
        std::vector<std::byte> plain(chunk + 4), packed(2 * chunk);
        for (std::size_t i = 0; i < chunk; ++i) plain[i] = byte_at(c * chunk + i);
        seal(plain, 0, chunk);
        uLongf length = packed.size();
        compress(reinterpret_cast<Bytef*>(packed.data()), &length, reinterpret_cast<const Bytef*>(plain.data()), chunk);
        packed.resize(length);
        put(table, 24 + (c - first) * 4, (at + sectors.size()) | (c % 2 << 31), 4);
        sectors.insert(sectors.end(), c % 2 != 0 ? packed.begin() : plain.begin(), c % 2 != 0 ? packed.end() : plain.end());
      }
      add("sectors", sectors);
      add("table", table);
      add("table2", table);
      if (first == 0) {
        add("next", {});
        at = 13 + 76;
      }
    }
    std::vector<std::byte> errors(520 + 8 + 4);
    put(errors, 0, 1, 4);
    put(errors, 520, 6, 4);
    put(errors, 524, 1, 4);
    add("error2", errors);
    add("digest", std::vector<std::byte>(80, std::byte{7}));
    add("done", {});
    return all;
  }();
  return sound;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto require = [](bool holds) {
    if (!holds) __builtin_trap();
  };
  if (size == 0) return 0;
  const unsigned choice = *data++ % 3;
  --size;
  std::vector<SourcePtr> segments;
  std::vector<std::uint8_t> changed;
  if (choice == 0) {
    segments.push_back(std::make_shared<fuzz::MemorySource>(data, size));
  } else {
    if (choice == 2) {
      changed = sound_sections();
      for (; size >= 3; data += 3, size -= 3) changed[static_cast<std::size_t>(data[0] | data[1] << 8) % changed.size()] = data[2];
    }
    const std::uint8_t* at = choice == 2 ? changed.data() : data;
    const std::uint8_t* const end = choice == 2 ? at + changed.size() : data + size;
    while (segments.empty() || (at < end && segments.size() < 4))
      segments.push_back(segment(at, end, static_cast<std::uint16_t>(segments.size() + 1)));
  }
  const bool sound = choice == 2 && changed == sound_sections();
  try {
    auto layout = image::read_ewf_layout(segments, "image.E01");
    const auto media = layout.media;
    require(media.size > 0 && media.size <= std::uint64_t{1} << 62 && media.chunk_size >= 512);
    std::uint64_t at = 0;
    for (const auto& table : layout.tables) {
      require(table.first_chunk >= at && table.count > 0 && table.segment < segments.size());
      require(fits(segments[table.segment]->size(), table.entries, std::uint64_t{table.count} * 4));
      at = table.first_chunk + table.count;
    }
    require(at <= media.chunks());
    at = 0;
    for (const Unread& bad : layout.bad) {
      require(bad.offset >= at && bad.length > 0 && fits(media.size, bad.offset, bad.length));
      at = bad.offset + bad.length;
    }
    require(!sound || (layout.whole && layout.last && layout.warnings.size() == 1 && media.size == chunks * chunk));
    const auto disk = image::make_ewf_disk(segments, std::move(layout));
    std::array<std::byte, 4096> bytes;
    const std::uint64_t looked_at = std::min<std::uint64_t>(disk->size(), 1 << 22);
    at = 0;
    for (const Extent& e : disk->extents(0, looked_at)) {
      require(e.offset == at && e.length > 0 && (e.kind == ExtentKind::data || e.kind == ExtentKind::unreadable));
      at += e.length;
      const bool read =
          disk->read_at(e.offset, std::span(bytes).first(static_cast<std::size_t>(std::min<std::uint64_t>(4096, e.length)))).has_value();
      require(read ? e.kind == ExtentKind::data : !sound || e.offset == 6 * chunk);
      for (std::size_t i = 0; sound && read && i < e.length; ++i) require(bytes[i] == byte_at(static_cast<std::size_t>(e.offset) + i));
    }
    require(at == looked_at);
  } catch (const RunError&) {
  }
  return 0;
}
