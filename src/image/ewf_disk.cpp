// EnCase images (E01, also FTK's and linen's), by libewf.
//
// Source: libewf's "Expert Witness Compression Format" document. Of a read that meets a damaged chunk, libewf's read functions return zeros
// and success; its chunk functions fail, so these are used. When the last segments are missing it opens the image without a word: own
// reading of the section headers tells how many chunks the segments hold.
// The functions that take a libbfio handle are declared only with this.
#define HAVE_LIBBFIO 1
#include <libewf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string_view>
#include <vector>

#include "image/bfio.hpp"
#include "image/foreign.hpp"
#include "image/host_file.hpp"
#include "image/libyal_error.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

using EwfError = LibyalError<libewf_error_free, libewf_error_backtrace_sprint>;

constexpr std::uint64_t segment_header_size = 13, section_header_size = 76;
constexpr std::uint64_t largest_chunk = 32768 * 512;  // the most that ewfacquire offers
constexpr std::uint64_t cached_bytes = std::uint64_t{16} << 20;
constexpr std::uint32_t most_errors = 65536;  // acquisition errors: libewf finds each by walking a list

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw RunError(ExitCode::input, path, "cannot read this EnCase image (E01)", why);
}

std::uint16_t segment_number(const ByteSource& file, const std::string& path) {
  std::array<std::byte, segment_header_size> header;
  if (auto read = file.read_at(0, header); !read) refuse(path, read.error().what);
  if (std::memcmp(header.data(), "EVF\x09\x0D\x0A\xFF\x00", 8) != 0)
    refuse(path, "it lies where a segment of the image should, but is none");
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

std::uint32_t adler32(ByteView bytes) {
  std::uint32_t a = 1, b = 0;
  for (const std::byte byte : bytes) {
    a = (a + std::to_integer<std::uint32_t>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

// What the sections of one segment say.
struct Segment {
  std::uint64_t chunks = 0;
  bool whole = false;  // every section header down to the last one was good
  bool last = false;   // that one is "done": no segment follows
};

Segment read_segment(const ByteSource& file) {
  Segment out;
  std::uint64_t table = 0;
  std::array<std::byte, section_header_size> header;
  for (std::uint64_t at = segment_header_size; fits(file.size(), at, header.size()) && file.read_at(at, header);) {
    if (le<std::uint32_t>(header, 72) != adler32(ByteView(header).first(72))) break;
    const std::string_view type(reinterpret_cast<const char*>(header.data()), 16);
    const auto is = [&](std::string_view name) { return type.starts_with(name) && type[name.size()] == '\0'; };
    if (is("next") || is("done")) {
      out.whole = true;
      out.last = is("done");
      break;
    }
    if (is("table") || is("table2")) {
      std::array<std::byte, 24> entries;  // count, base offset, checksum
      std::uint64_t count = 0;
      if (file.read_at(at + header.size(), entries) && le<std::uint32_t>(entries, 20) == adler32(ByteView(entries).first(20)))
        count = le<std::uint32_t>(entries, 0);
      // A second table repeats the first.
      if (is("table")) out.chunks += std::exchange(table, 0);
      table = std::max(table, count);
    }
    const std::uint64_t next = le<std::uint64_t>(header, 16);
    if (next <= at) break;
    at = next;
  }
  out.chunks += table;
  return out;
}

class EwfDisk final : public ByteSource {
 public:
  EwfDisk() = default;
  EwfDisk(const EwfDisk&) = delete;
  EwfDisk& operator=(const EwfDisk&) = delete;
  ~EwfDisk() override {
    if (handle_ != nullptr) libewf_handle_free(&handle_, nullptr);  // closes what is open
  }

  void open(const std::vector<SourcePtr>& segments, const std::string& path) {
    EwfError error;
    if (!pool_.open(segments) || libewf_handle_initialize(&handle_, error.out()) != 1) refuse(path, "no file handle");
    std::uint32_t chunk = 0;
    if (libewf_handle_open_file_io_pool(handle_, pool_.get(), LIBEWF_OPEN_READ, error.out()) != 1 ||
        libewf_handle_get_media_size(handle_, &size_, error.out()) != 1 ||
        libewf_handle_get_chunk_size(handle_, &chunk, error.out()) != 1 ||
        libewf_handle_get_bytes_per_sector(handle_, &sector_, error.out()) != 1)
      refuse(path, "libewf: " + error.text());
    chunk_ = chunk;
    if (chunk_ < 512 || chunk_ > largest_chunk || sector_ == 0 || size_ == 0 || size_ > std::uint64_t{1} << 62)
      refuse(path, "it states a disk of " + std::to_string(size_) + " bytes in chunks of " + std::to_string(chunk_));
    slots_.resize(static_cast<std::size_t>(std::max<std::uint64_t>(1, cached_bytes / chunk_)));
    stored_.resize(static_cast<std::size_t>(chunk_ + chunk_ / 2 + 4096));  // a chunk that would not shrink is stored as it is
    read_errors(path);
  }

  // Chunks from this one on are in no segment.
  void end_at(std::uint64_t chunk) {
    if (chunk < size_ / chunk_ + 1 && chunk * chunk_ < size_) add_bad(chunk * chunk_, size_ - chunk * chunk_);
    std::ranges::sort(bad_, {}, &Unread::offset);
  }

  std::uint32_t sector_size() const noexcept { return sector_; }
  const std::vector<Unread>& bad() const noexcept { return bad_; }
  std::string hashes() const {
    std::string text;
    std::array<std::uint8_t, 16> md5{};
    std::array<std::uint8_t, 20> sha1{};
    const auto add = [&](std::string_view name, std::span<const std::uint8_t> hash) {
      static constexpr char digits[] = "0123456789abcdef";
      text += (text.empty() ? "" : ", ") + std::string(name) + " ";
      for (const std::uint8_t b : hash) text += {digits[b >> 4], digits[b & 15]};
    };
    if (libewf_handle_get_md5_hash(handle_, md5.data(), md5.size(), nullptr) == 1) add("MD5", md5);
    if (libewf_handle_get_sha1_hash(handle_, sha1.data(), sha1.size(), nullptr) == 1) add("SHA-1", sha1);
    return text;
  }

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end of the disk");
    for (const Unread& bad : overlapping(offset, out.size()))
      return fail("the acquisition could not read it, or its segment is missing: at " + std::to_string(bad.offset));
    const std::lock_guard lock(mutex_);
    while (!out.empty()) {
      auto chunk = read_chunk(offset / chunk_);
      if (!chunk) return std::unexpected(chunk.error());
      const auto piece = chunk->subspan(static_cast<std::size_t>(offset % chunk_));
      const auto length = std::min(piece.size(), out.size());
      std::ranges::copy(piece.first(length), out.begin());
      out = out.subspan(length);
      offset += length;
    }
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    if (offset >= size_) return found;
    const std::uint64_t end = offset + std::min(length, size_ - offset);
    for (const Unread& bad : overlapping(offset, end - offset)) {
      const std::uint64_t begin = std::max(bad.offset, offset), stop = std::min(bad.offset + bad.length, end);
      if (stop <= begin) continue;
      add_extent(found, offset, begin - offset, ExtentKind::data);
      add_extent(found, begin, stop - begin, ExtentKind::unreadable);
      offset = stop;
    }
    add_extent(found, offset, end - offset, ExtentKind::data);
    return found;
  }

  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }  // make_disk's view answers

 private:
  struct Slot {
    std::uint64_t chunk = ~std::uint64_t{0};
    std::vector<std::byte> bytes;
  };

  void add_bad(std::uint64_t offset, std::uint64_t length) {
    if (offset < size_ && length > 0) bad_.push_back({offset, std::min(length, size_ - offset)});
  }

  // Sectors that the acquisition could not read: what the image holds of them is filling.
  void read_errors(const std::string& path) {
    std::uint32_t count = 0;
    EwfError error;
    if (libewf_handle_get_number_of_acquiry_errors(handle_, &count, error.out()) != 1) return;
    if (count > most_errors) refuse(path, "it lists " + std::to_string(count) + " acquisition errors, more than can be heeded");
    for (std::uint32_t i = 0; i < count; ++i) {
      std::uint64_t first = 0, sectors = 0;
      if (libewf_handle_get_acquiry_error(handle_, i, &first, &sectors, error.out()) != 1)
        refuse(path, "its list of acquisition errors cannot be read: " + error.text());
      if (first < size_ / sector_ + 1) add_bad(first * sector_, std::min(sectors, size_ / sector_ + 1) * sector_);
    }
    std::ranges::sort(bad_, {}, &Unread::offset);
  }

  // Those that begin before the stretch ends and end behind its beginning; bad_ is sorted and its neighbours rarely overlap.
  std::vector<Unread> overlapping(std::uint64_t offset, std::uint64_t length) const {
    std::vector<Unread> found;
    for (const Unread& bad : bad_) {
      if (bad.offset >= offset + length) break;
      if (bad.offset + bad.length > offset) found.push_back(bad);
    }
    return found;
  }

  Result<std::span<const std::byte>> read_chunk(std::uint64_t number) const {
    Slot& slot = slots_[static_cast<std::size_t>(number % slots_.size())];
    if (slot.chunk == number) return slot.bytes;
    slot.chunk = ~std::uint64_t{0};
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_, size_ - number * chunk_));
    slot.bytes.assign(static_cast<std::size_t>(chunk_), std::byte{0});
    EwfError error;
    std::int8_t compressed = 0, has_checksum = 0;
    std::uint32_t checksum = 0;
    std::array<std::uint8_t, 4> checksum_bytes{};
    const auto at = static_cast<off64_t>(number * chunk_);
    const auto damaged = [&] { return fail("the chunk at " + std::to_string(at) + ": libewf: " + error.text()); };
    if (libewf_handle_seek_offset(handle_, at, SEEK_SET, error.out()) != at) return damaged();
    const ssize_t got = libewf_handle_read_chunk(handle_, stored_.data(), stored_.size(), &compressed, checksum_bytes.data(), &checksum,
                                                 &has_checksum, error.out());
    if (got <= 0) return damaged();
    std::size_t unpacked = slot.bytes.size();
    const ssize_t prepared = libewf_handle_prepare_read_chunk(handle_, stored_.data(), static_cast<std::size_t>(got), slot.bytes.data(),
                                                              &unpacked, compressed, checksum, has_checksum, error.out());
    if (prepared < 0) return damaged();
    if (static_cast<std::size_t>(prepared) < length) return fail("the chunk at " + std::to_string(at) + " is shorter than it should be");
    if (compressed == 0) std::memcpy(slot.bytes.data(), stored_.data(), length);
    slot.bytes.resize(length);
    slot.chunk = number;
    return slot.bytes;
  }

  BfioPool pool_;  // must outlive the handle: it is closed in the destructor above
  libewf_handle_t* handle_ = nullptr;
  size64_t size_ = 0;
  std::uint64_t chunk_ = 0;
  std::uint32_t sector_ = 0;
  std::vector<Unread> bad_;  // by offset
  mutable std::mutex mutex_;
  mutable std::vector<Slot> slots_;
  mutable std::vector<std::byte> stored_;
};

}  // namespace

Container open_ewf(const SourcePtr& file, const std::string& path, const OpenBeside& beside) {
  if (const auto number = segment_number(*file, path); number != 1)
    refuse(path, "it is segment " + std::to_string(number) + " of an image: give the first, the others are found beside it");
  std::vector<SourcePtr> segments{file};
  std::string next;
  for (std::uint32_t number = 2; numbers_segments(path); ++number) {
    next = segment_path(path, number);
    std::error_code error;
    if (next.empty() || !std::filesystem::exists(next, error)) break;
    segments.push_back(beside(next));
    if (const auto stated = segment_number(*segments.back(), next); stated != number)
      refuse(next, "its name is that of segment " + std::to_string(number) + ", but it is segment " + std::to_string(stated));
  }

  Container out;
  out.kind = "e01";
  std::uint64_t chunks = 0;
  bool whole = true, last = false;
  for (const SourcePtr& segment : segments) {
    const Segment part = read_segment(*segment);
    chunks += part.chunks;
    whole = whole && part.whole;
    last = part.last;
  }
  auto disk = std::make_shared<EwfDisk>();
  disk->open(segments, path);
  if (!disk->bad().empty())
    out.warnings.push_back(
        {"acquisition_errors",
         "the acquisition could not read " + std::to_string(disk->bad().size()) + " stretches of the disk: they are unreadable here",
         {}});
  if (whole) disk->end_at(chunks);
  if (!whole || !last) {
    const std::string missing = next.empty() ? "the next segment" : next;
    out.warnings.push_back(
        {"ewf_segment_missing",
         whole ? "the image goes on in another segment, and " + missing + " is not there"
               : "a segment of the image is cut short or damaged: the part of the disk in it and behind it may be unreadable",
         {}});
  }
  out.complete = out.warnings.empty();
  out.acquisition_hashes = disk->hashes();
  out.file = file;
  out.sector_size = disk->sector_size() > 512 ? disk->sector_size() : 0;  // tools state 512 by default
  const std::uint64_t size = disk->size();
  out.disk = make_disk(std::move(disk), size);
  return out;
}

}  // namespace trimcarve::image
