// The disk of an EnCase image: its segments, and the chunks that ewf_sections found in them.
//
// Source: as ewf_sections.hpp. Not by libewf: it returns zeros for a damaged chunk, opens an image whose last segments are missing without
// a word, and Debian's exports an old copy of the libraries that libevtx brings along too, so both cannot be in one program.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string_view>
#include <vector>

#include "image/ewf_sections.hpp"
#include "image/foreign.hpp"
#include "image/host_file.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

constexpr std::uint64_t cached_bytes = std::uint64_t{16} << 20;

std::uint16_t segment_number(const ByteSource& file, const std::string& path) {
  std::array<std::byte, ewf_segment_header_size> header;
  if (auto read = file.read_at(0, header); !read) refuse_ewf(path, read.error().what);
  if (std::memcmp(header.data(), "EVF\x09\x0D\x0A\xFF\x00", 8) != 0)
    refuse_ewf(path, "it lies where a segment of the image should, but is none");
  return le<std::uint16_t>(header, 9);
}

// The name of segment `number`: E01 to E99, then EAA to EZZ, FAA and so on, in the first one's letter case. Empty: there is none.
std::string segment_path(const std::string& first, std::uint32_t number) {
  const std::string stem = first.substr(0, first.size() - 3);
  char letter = first[first.size() - 3];
  const char a = letter >= 'a' ? 'a' : 'A';
  if (number < 100) return stem + letter + static_cast<char>('0' + number / 10) + static_cast<char>('0' + number % 10);
  number -= 100;
  letter = static_cast<char>(letter + static_cast<char>(number / (26 * 26)));
  if (number / (26 * 26) >= 26 || letter > a + 25) return {};
  return stem + letter + static_cast<char>(a + static_cast<char>(number / 26 % 26)) + static_cast<char>(a + static_cast<char>(number % 26));
}

bool numbers_segments(const std::string& path) {
  const std::string_view name(path);
  return name.size() > 4 && name[name.size() - 4] == '.' && (name.ends_with("01")) &&
         std::isalpha(static_cast<unsigned char>(name[name.size() - 3])) != 0;
}

class EwfDisk final : public ByteSource {
 public:
  EwfDisk(std::vector<SourcePtr> segments, EwfLayout&& layout)
      : segments_(std::move(segments)), media_(layout.media), tables_(std::move(layout.tables)), bad_(std::move(layout.bad)) {
    slots_.resize(static_cast<std::size_t>(std::max<std::uint64_t>(1, cached_bytes / media_.chunk_size)));
  }

  std::uint64_t size() const noexcept override { return media_.size; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(media_.size, offset, out.size())) return fail("past the end of the disk");
    if (const auto bad = first_bad(offset); bad != bad_.end() && bad->offset < offset + out.size())
      return fail("the acquisition could not read it, or no segment that is there holds it: at " + std::to_string(bad->offset));
    while (!out.empty()) {
      const auto chunk = get(offset / media_.chunk_size);
      if (!chunk->damage.empty()) return fail(chunk->damage);
      const auto piece = std::span(chunk->bytes).subspan(static_cast<std::size_t>(offset % media_.chunk_size));
      const auto length = std::min(piece.size(), out.size());
      std::ranges::copy(piece.first(length), out.begin());
      out = out.subspan(length);
      offset += length;
    }
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    if (offset >= media_.size) return found;
    const std::uint64_t end = offset + std::min(length, media_.size - offset);
    for (auto bad = first_bad(offset); bad != bad_.end() && bad->offset < end; ++bad) {
      const std::uint64_t begin = std::max(bad->offset, offset), stop = std::min(bad->offset + bad->length, end);
      add_extent(found, offset, begin - offset, ExtentKind::data);
      add_extent(found, begin, stop - begin, ExtentKind::unreadable);
      offset = stop;
    }
    add_extent(found, offset, end - offset, ExtentKind::data);
    return found;
  }

  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }  // make_disk's view answers

 private:
  struct Chunk {
    std::vector<std::byte> bytes;
    std::string damage;  // why there are none; kept, so that a bad chunk is not unpacked for each of its sectors
  };
  using ChunkPtr = std::shared_ptr<const Chunk>;
  struct Slot {
    std::uint64_t number = 0;
    ChunkPtr chunk;
  };

  // The first stretch that ends behind an offset.
  std::vector<Unread>::const_iterator first_bad(std::uint64_t offset) const {
    return std::ranges::upper_bound(bad_, offset, {}, [](const Unread& bad) { return bad.offset + bad.length; });
  }

  ChunkPtr get(std::uint64_t number) const {
    Slot& slot = slots_[static_cast<std::size_t>(number % slots_.size())];
    {
      const std::lock_guard lock(mutex_);
      if (slot.chunk && slot.number == number) return slot.chunk;
    }
    auto chunk = std::make_shared<Chunk>();
    if (auto done = unpack(number, chunk->bytes); !done) {
      chunk->bytes.clear();
      chunk->damage = "the chunk at " + std::to_string(number * media_.chunk_size) + ": " + done.error().what;
    }
    const std::lock_guard lock(mutex_);
    slot = {number, chunk};
    return chunk;
  }

  Result<void> unpack(std::uint64_t number, std::vector<std::byte>& bytes) const {
    const auto behind = std::ranges::upper_bound(tables_, number, {}, &EwfTable::first_chunk);
    if (behind == tables_.begin() || number - (behind - 1)->first_chunk >= (behind - 1)->count) return fail("no table tells of it");
    const EwfTable& table = *(behind - 1);
    const ByteSource& file = *segments_[table.segment];
    const auto index = static_cast<std::uint32_t>(number - table.first_chunk);
    std::array<std::byte, 8> entries{};
    const bool next = index + 1 < table.count;
    if (auto read = file.read_at(table.entries + std::uint64_t{index} * 4, std::span(entries).first(next ? 8 : 4)); !read) return read;
    const EwfEntry entry = ewf_entry(table, index, le<std::uint32_t>(entries, 0));
    if (entry.offset >= file.size()) return fail("it lies behind the end of its segment");
    const std::uint64_t left = file.size() - entry.offset;
    if (!entry.compressed) return stored(file, entry.offset, left, number, bytes);
    // What deflate cannot shrink grows by less than this. The entry behind tells the length closer; where that one is wrong, it is no loss.
    const std::uint64_t most = std::min(left, media_.chunk_size + media_.chunk_size / 8 + 1024);
    if (next) {
      const EwfEntry after = ewf_entry(table, index + 1, le<std::uint32_t>(entries, 4));
      if (after.offset > entry.offset && after.offset - entry.offset < most &&
          inflated(file, entry.offset, after.offset - entry.offset, number, bytes))
        return {};
    }
    return inflated(file, entry.offset, most, number, bytes);
  }

  // A stored chunk, with its checksum behind. The disk's last one is stored as short as it is, or filled up.
  Result<void> stored(const ByteSource& file, std::uint64_t offset, std::uint64_t left, std::uint64_t number,
                      std::vector<std::byte>& bytes) const {
    const auto length = static_cast<std::size_t>(media_.length(number)), full = static_cast<std::size_t>(media_.chunk_size);
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, full + 4)));
    if (auto read = file.read_at(offset, bytes); !read) return read;
    const auto good = [&](std::size_t stated) {
      return bytes.size() >= stated + 4 &&
             le<std::uint32_t>(bytes, stated) == adler32_z(1, reinterpret_cast<const Bytef*>(bytes.data()), stated);
    };
    if (!good(length) && !(length < full && good(full))) return fail("its checksum is wrong, or it is cut short");
    bytes.resize(length);
    return {};
  }

  Result<void> inflated(const ByteSource& file, std::uint64_t offset, std::uint64_t length, std::uint64_t number,
                        std::vector<std::byte>& bytes) const {
    std::vector<std::byte> packed(static_cast<std::size_t>(length));
    if (auto read = file.read_at(offset, packed); !read) return read;
    bytes.resize(static_cast<std::size_t>(media_.chunk_size));
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return fail("zlib has no memory");
    stream.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_out = static_cast<uInt>(bytes.size());
    const bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;  // the checksum at the end of the stream was right
    inflateEnd(&stream);
    const std::uint64_t got = bytes.size() - stream.avail_out;
    if (!whole) return fail("its compressed bytes are damaged or cut short");
    if (got != media_.chunk_size && got != media_.length(number)) return fail("it unpacks to " + std::to_string(got) + " bytes");
    bytes.resize(static_cast<std::size_t>(media_.length(number)));
    return {};
  }

  std::vector<SourcePtr> segments_;
  EwfMedia media_;
  std::vector<EwfTable> tables_;
  std::vector<Unread> bad_;  // sorted, disjoint
  mutable std::mutex mutex_;
  mutable std::vector<Slot> slots_;
};

}  // namespace

SourcePtr make_ewf_disk(std::vector<SourcePtr> segments, EwfLayout&& layout) {
  return std::make_shared<EwfDisk>(std::move(segments), std::move(layout));
}

Container open_ewf(const SourcePtr& file, const std::string& path, const OpenBeside& beside) {
  if (const auto number = segment_number(*file, path); number != 1)
    refuse_ewf(path, "it is segment " + std::to_string(number) + " of an image: give the first, the others are found beside it");
  std::vector<SourcePtr> segments{file};
  std::string next;
  for (std::uint32_t number = 2; numbers_segments(path); ++number) {
    next = segment_path(path, number);
    std::error_code error;
    if (next.empty() || !std::filesystem::exists(next, error)) break;
    segments.push_back(beside(next));
    if (const auto stated = segment_number(*segments.back(), next); stated != number)
      refuse_ewf(next, "its name is that of segment " + std::to_string(number) + ", but it is segment " + std::to_string(stated));
  }

  EwfLayout layout = read_ewf_layout(segments, path);
  Container out;
  out.kind = "e01";
  out.warnings = std::move(layout.warnings);
  if (!layout.whole || !layout.last) {
    const std::string missing = next.empty() ? "the next segment" : next;
    out.warnings.push_back(
        {"ewf_segment_missing",
         layout.whole ? "the image goes on in another segment, and " + missing + " is not there"
                      : "a segment of the image is cut short or damaged: the part of the disk in it and behind it may be unreadable",
         {}});
  }
  out.complete = out.warnings.empty();
  out.acquisition_hashes = layout.hashes;
  out.acquisition_notes = layout.notes;
  out.file = file;
  const EwfMedia media = layout.media;
  out.sector_size = media.sector_size > 512 ? media.sector_size : 0;  // tools state 512 by default
  out.disk = make_disk(make_ewf_disk(std::move(segments), std::move(layout)), media.size);
  return out;
}

}  // namespace trimcarve::image
