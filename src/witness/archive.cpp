#include "witness/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "trimcarve/bytes.hpp"
#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

class MemberSource final : public ByteSource {
 public:
  MemberSource(std::vector<std::byte> bytes, SourcePtr zip, std::uint64_t offset, std::uint64_t length)
      : bytes_(std::move(bytes)), zip_(std::move(zip)), offset_(offset), length_(length) {}

  std::uint64_t size() const noexcept override { return bytes_.size(); }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_.size(), offset, out.size())) return fail("past the end");
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= bytes_.size() || length == 0) return {};
    return {{offset, std::min(length, bytes_.size() - offset), ExtentKind::data}};
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= bytes_.size() || length == 0) return {};
    return zip_->locate(offset_, length_);
  }

 private:
  std::vector<std::byte> bytes_;
  SourcePtr zip_;
  std::uint64_t offset_, length_;
};

// What libarchive reads from. Unreadable bytes are given as zeros: they cost the member that they are in.
struct Input {
  const ByteSource& zip;
  std::uint64_t at = 0;
  std::optional<std::uint64_t> sought;  // the last seek since the member before
  std::vector<std::byte> buffer = std::vector<std::byte>(65536);
  std::vector<Unread> unread;
};

la_ssize_t read_input(archive*, void* data, const void** out) {
  auto& input = *static_cast<Input*>(data);
  const std::uint64_t size = input.zip.size();
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(input.buffer.size(), size - std::min(size, input.at)));
  input.unread.clear();
  if (length != 0) read_tolerant(input.zip, input.at, std::span(input.buffer).first(length), input.unread);
  input.at += length;
  *out = input.buffer.data();
  return static_cast<la_ssize_t>(length);
}

la_int64_t skip_input(archive*, void* data, la_int64_t request) {
  auto& input = *static_cast<Input*>(data);
  const std::uint64_t size = input.zip.size();
  const std::uint64_t length = std::min(static_cast<std::uint64_t>(std::max<la_int64_t>(request, 0)), size - std::min(size, input.at));
  input.at += length;
  return static_cast<la_int64_t>(length);
}

la_int64_t seek_input(archive*, void* data, la_int64_t offset, int whence) {
  auto& input = *static_cast<Input*>(data);
  const auto size = static_cast<la_int64_t>(input.zip.size());
  const la_int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? static_cast<la_int64_t>(input.at) : size;
  if (offset < -base || offset > size - base) return ARCHIVE_FATAL;
  input.at = static_cast<std::uint64_t>(base + offset);
  input.sought = input.at;
  return base + offset;
}

// A local file header (APPNOTE.TXT 4.3.7).
struct LocalHeader {
  std::uint64_t offset = 0, length = 0;      // with name and extra field
  std::optional<std::uint64_t> data_length;  // not stated here when a data descriptor follows the data (bit 3), or in Zip64
  std::uint16_t dos_time = 0, dos_date = 0;
  std::string name;
};

std::optional<LocalHeader> local_header(const ByteSource& zip, std::uint64_t at) {
  std::array<std::byte, 30> fixed;
  if (!zip.read_at(at, fixed)) return std::nullopt;
  const ByteView view(fixed);
  if (le<std::uint32_t>(view, 0) != 0x04034B50) return std::nullopt;
  LocalHeader out;
  out.offset = at;
  out.dos_time = le<std::uint16_t>(view, 10);
  out.dos_date = le<std::uint16_t>(view, 12);
  const std::uint16_t name_length = le<std::uint16_t>(view, 26);
  out.length = fixed.size() + name_length + le<std::uint16_t>(view, 28);
  const std::uint32_t packed = le<std::uint32_t>(view, 18);
  if ((le<std::uint16_t>(view, 6) & 8U) == 0 && packed != 0xFFFF'FFFF) out.data_length = packed;
  out.name.resize(name_length);
  if (!zip.read_at(at + fixed.size(), std::as_writable_bytes(std::span(out.name)))) return std::nullopt;
  return out;
}

std::optional<FileTime> from_dos(std::uint16_t date, std::uint16_t time) {
  return from_iso8601(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", 1980 + (date >> 9), (date >> 5) & 15, date & 31, time >> 11,
                                  (time >> 5) & 63, (time & 31) * 2));
}

// The member's local header: where libarchive went to read it, or a little behind (a data descriptor may lie between).
std::optional<LocalHeader> find_header(const ByteSource& zip, const Input& input, archive* reader, std::string_view name) {
  std::string plain(name);
  std::ranges::replace(plain, '\\', '/');
  const auto position = archive_read_header_position(reader);
  std::vector<std::uint64_t> candidates;
  if (input.sought) candidates.push_back(*input.sought);
  candidates.push_back(static_cast<std::uint64_t>(std::max<la_int64_t>(position, 0)));
  for (const std::uint64_t from : candidates)
    for (std::uint64_t at = from; at < from + 32; ++at) {
      auto header = local_header(zip, at);
      if (!header) continue;
      std::ranges::replace(header->name, '\\', '/');
      if (plain.empty() || to_clean_utf8(header->name) == plain || header->name == plain) return header;
    }
  // Behind damage libarchive looks for the next header: it ends where reading stands now.
  const auto end = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_filter_bytes(reader, 0), 0));
  std::string before(static_cast<std::size_t>(std::min<std::uint64_t>(end, 4096)), '\0');
  if (!zip.read_at(end - before.size(), std::as_writable_bytes(std::span(before)))) return std::nullopt;
  for (std::size_t at = before.rfind("PK\x03\x04"); at != std::string::npos && at != 0; at = before.rfind("PK\x03\x04", at - 1)) {
    auto header = local_header(zip, end - before.size() + at);
    if (header && header->offset + header->length == end) return header;
  }
  return std::nullopt;
}

class ZipReader {
 public:
  ZipReader(const SourcePtr& zip, const std::function<void(const Member&)>& take, const ArchiveLimits& limits, Tally& tally)
      : zip_(zip), take_(take), limits_(limits), tally_(tally) {}

  // One pass over the members not yet given. False when it ended in damage.
  bool pass(bool by_directory) {
    const std::unique_ptr<archive, decltype(&archive_read_free)> reader(archive_read_new(), archive_read_free);
    if (!reader) return false;
    Input input{*zip_};
    if (by_directory) {
      archive_read_support_format_zip_seekable(reader.get());
      archive_read_set_seek_callback(reader.get(), seek_input);
    } else {
      archive_read_support_format_zip_streamable(reader.get());
    }
    archive_read_set_read_callback(reader.get(), read_input);
    archive_read_set_skip_callback(reader.get(), skip_input);
    archive_read_set_callback_data(reader.get(), &input);
    if (archive_read_open1(reader.get()) != ARCHIVE_OK) return false;
    while (!stopped) {
      archive_entry* entry = nullptr;
      input.sought.reset();
      const int result = archive_read_next_header(reader.get(), &entry);
      if (result == ARCHIVE_EOF) return true;
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return false;
      if (headers_++ >= limits_.members) {
        stop(fmt::format("more than {} members", limits_.members));
        return true;
      }
      member(reader.get(), entry, input, by_directory);
    }
    return true;
  }

  bool stopped = false;

 private:
  void stop(std::string why) {
    stopped = true;
    tally_.note = "not read to its end: " + std::move(why);
  }

  // Without the directory the end of a member of unknown length is found only by unpacking it.
  void skip(archive* reader, bool by_directory, const std::optional<LocalHeader>& header) {
    if (by_directory || (header && header->data_length)) return;
    std::array<std::byte, 4096> unused;
    std::uint64_t done = 0;
    for (la_ssize_t got = 1; got > 0 && done < limits_.member; done += static_cast<std::uint64_t>(std::max<la_ssize_t>(got, 0)))
      got = archive_read_data(reader, unused.data(), unused.size());
    if (done >= limits_.member) stop("a member of unknown length is too long");
  }

  void member(archive* reader, archive_entry* entry, const Input& input, bool by_directory) {
    Member out;
    if (const char* name = archive_entry_pathname_utf8(entry))
      out.name = to_clean_utf8(name);
    else if (const char* raw = archive_entry_pathname(entry))
      out.name = to_clean_utf8(raw);
    const auto header = find_header(*zip_, input, reader, out.name);
    if (header) {
      if (!given_.insert(header->offset).second) return skip(reader, by_directory, header);
      if (out.name.empty()) out.name = to_clean_utf8(header->name);
      out.modified = from_dos(header->dos_date, header->dos_time);
    }
    if (archive_entry_filetype(entry) != AE_IFREG) return skip(reader, by_directory, header);
    ++tally_.records;
    std::vector<std::byte> bytes;
    bool ended = false;
    const std::uint64_t most = std::min(limits_.member, limits_.all - std::min(limits_.all, total_));
    while (bytes.size() < most) {
      const std::size_t before = bytes.size();
      bytes.resize(before + static_cast<std::size_t>(std::min<std::uint64_t>(65536, most - before)));
      const la_ssize_t got = archive_read_data(reader, bytes.data() + before, bytes.size() - before);
      bytes.resize(before + static_cast<std::size_t>(std::max<la_ssize_t>(got, 0)));
      ended = got == 0;
      if (got <= 0) {
        out.cut = got < 0;
        break;
      }
    }
    if (!ended && !out.cut) {  // a limit; or just its length
      std::byte one;
      const la_ssize_t got = archive_read_data(reader, &one, 1);
      ended = got == 0;
      out.cut = got != 0;
    }
    bytes.shrink_to_fit();  // of many small members each is kept
    total_ += bytes.size();
    out.length = zip_->size();
    if (header) {
      out.offset = header->offset;
      const std::uint64_t left = zip_->size() - header->offset;
      // Where the header does not state it: up to where libarchive has read.
      const auto read_to = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_filter_bytes(reader, 0), 0));
      const std::uint64_t measured = read_to > header->offset ? read_to - header->offset : 0;
      out.length = std::min(left, header->data_length ? header->length + *header->data_length : std::max(header->length, measured));
    }
    if (out.cut) ++tally_.damaged;
    out.bytes = std::make_shared<MemberSource>(std::move(bytes), zip_, out.offset, out.length);
    ++tally_.emitted;
    take_(out);
    if (total_ >= limits_.all) {
      stop(fmt::format("more than {} MiB in all", limits_.all >> 20));
    } else if (out.cut && !ended && !by_directory && !(header && header->data_length)) {
      // Its end can be found only by unpacking it.
      stop("a member of unknown length is too long or damaged");
    }
  }

  const SourcePtr& zip_;
  const std::function<void(const Member&)>& take_;
  const ArchiveLimits& limits_;
  Tally& tally_;
  std::set<std::uint64_t> given_;  // local headers
  std::uint64_t headers_ = 0, total_ = 0;
};

}  // namespace

Tally read_archive(const SourcePtr& zip, const std::function<void(const Member&)>& take, const ArchiveLimits& limits) {
  Tally tally;
  ZipReader reader(zip, take, limits, tally);
  const bool whole = reader.pass(true);
  if ((!whole || tally.records == 0) && !reader.stopped) {
    const std::uint64_t before = tally.records;
    if (!whole) ++tally.damaged;
    reader.pass(false);
    if (!whole && tally.note.empty())
      tally.note = before == 0 ? "its central directory is lost: read from the local headers"
                               : "its central directory is damaged: the rest read from the local headers";
  }
  if (tally.records == 0 && !whole) {
    tally.readable = false;
    tally.note = "no zip";
  }
  return tally;
}

}  // namespace trimcarve::witness
