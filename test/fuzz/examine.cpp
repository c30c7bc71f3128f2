// The whole examination of a small disk, of which the input changes structures: an input is a list of edits, each of which names a
// structure (a file record, an attribute of one, a run list, an index block, a page of $LogFile, a journal record, a boot sector, the
// partition table), a place in it and what to write there; fix-ups are put right again behind each, so that the edit is met as a value and
// not as a torn sector. libFuzzer's own mutations change, add and drop edits.
//
// The disk is a sample of the project (samples/README.md), with a log written into its $LogFile.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>

#include "../carvers/log_builder.hpp"
#include "examine/opened.hpp"
#include "image/partitions.hpp"
#include "memory_source.hpp"
#include "ntfs/attribute.hpp"
#include "ntfs/volume.hpp"

namespace {

using namespace trimcarve;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

// A structure on the disk; of one with fix-ups, where its sectors lie.
struct Structure {
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  bool sealed = false;  // it has fix-ups
};

struct Base {
  std::vector<std::byte> disk;
  std::array<std::vector<Structure>, 6> kinds;  // records, index blocks, log pages, journal records, boot sectors and tables, bitmaps
};
enum Kind : std::size_t { records, blocks, pages, journal, boots, maps };

// The disk; what is zero and in no structure is a hole, which costs nothing to look at.
class Disk final : public ByteSource {
 public:
  explicit Disk(const Base& base) : bytes_(base.disk) {
    std::vector<bool> data(bytes_.size() / block + 1);
    for (std::size_t i = 0; i * block < bytes_.size(); ++i) {
      const auto part = std::span(bytes_).subspan(i * block, std::min(block, bytes_.size() - i * block));
      data[i] = std::ranges::any_of(part, [](std::byte b) { return b != std::byte{0}; });
    }
    for (const auto& kind : base.kinds)
      for (const Structure& s : kind)
        for (std::size_t i = s.offset / block; i * block < s.offset + s.length; ++i) data[i] = true;
    for (std::size_t i = 0; i * block < bytes_.size(); ++i) {
      const ExtentKind kind = data[i] ? ExtentKind::data : ExtentKind::hole;
      const std::uint64_t length = std::min(block, bytes_.size() - i * block);
      if (!extents_.empty() && extents_.back().kind == kind)
        extents_.back().length += length;
      else
        extents_.push_back({i * block, length, kind});
    }
  }
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(bytes_.size(), offset, out.size())) return fail("past the end");
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> out;
    if (offset >= size() || length == 0) return out;
    const std::uint64_t end = offset + std::min(length, size() - offset);
    for (auto e = std::prev(std::ranges::upper_bound(extents_, offset, {}, &Extent::offset)); e != extents_.end() && e->offset < end; ++e) {
      const std::uint64_t from = std::max(offset, e->offset);
      out.push_back({from, std::min(end, e->offset + e->length) - from, e->kind});
    }
    return out;
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size() || length == 0) return {};
    return {{disk_space, offset, std::min(length, size() - offset)}};
  }

 private:
  static constexpr std::size_t block = 4096;
  const std::vector<std::byte>& bytes_;
  std::vector<Extent> extents_;
};

std::vector<std::byte> load() {
  std::FILE* file = ::popen("xz -dc '" TRIMCARVE_SAMPLE "'", "r");
  if (file == nullptr) throw std::runtime_error("no sample");
  std::vector<std::byte> bytes, piece(1 << 20);
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file))
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
  ::pclose(file);
  if (bytes.size() < 1 << 20) throw std::runtime_error("no sample");
  bytes.resize(bytes.size() - 512);  // the footer of the fixed VHD
  return bytes;
}

// A short log with each kind of operation on file records and index entries.
std::vector<std::byte> make_log() {
  using ntfs::LogOperation;
  test::LogBuilder log(48);
  std::uint64_t previous = 0;
  for (std::uint16_t operation = 0; operation < 0x26; ++operation) {
    test::LogData data;
    data.redo_operation = static_cast<LogOperation>(operation);
    data.undo_operation = static_cast<LogOperation>(operation ^ 1U);
    data.redo = test::Bytes(64, std::byte{static_cast<unsigned char>(operation)});
    data.undo = test::Bytes(48, std::byte{static_cast<unsigned char>(operation + 1)});
    data.record_offset = 0x38;
    data.vcn = operation / 4U;
    previous = log.add(data, 0x18, previous);
  }
  return log.finish();
}

Base make_base() {
  Base base;
  base.disk = load();
  const auto disk = std::make_shared<fuzz::MemorySource>(ByteView(base.disk));
  // None over another (the clusters of a deleted directory may have a new owner): what an input changes is undone one by one.
  std::map<std::uint64_t, std::uint64_t> taken;
  const auto add = [&](Kind kind, const SourcePtr& stream, std::uint64_t offset, std::uint64_t length, bool sealed) {
    const auto where = stream->locate(offset, length);
    if (where.size() != 1 || where.front().length != length) return;
    const std::uint64_t begin = where.front().offset;
    const auto next = taken.upper_bound(begin);
    if ((next != taken.end() && next->first < begin + length) || (next != taken.begin() && std::prev(next)->second > begin)) return;
    taken.emplace(begin, begin + length);
    base.kinds[kind].push_back({begin, static_cast<std::uint32_t>(length), sealed});
  };
  add(boots, disk, 0, 512, false);
  const auto table = image::read_partitions(*disk);
  require(!table.partitions.empty());
  const SourcePtr bytes = make_view(disk, table.partitions.front().offset, table.partitions.front().size);
  const auto volume = ntfs::open_volume(bytes);
  require(volume.has_value());
  add(boots, bytes, 0, 512, false);
  add(boots, bytes, volume->geometry().volume_size, 512, false);
  const auto data = [&](std::uint64_t entry, std::u16string_view name) {
    return volume->open_stream(entry, ntfs::attribute_type::data, name);
  };
  if (const auto log = data(2, u"")) {
    const auto fresh = make_log();
    const auto where = log->bytes->locate(0, fresh.size());
    require(where.size() == 1);
    std::memcpy(base.disk.data() + where.front().offset, fresh.data(), fresh.size());
    for (std::uint64_t at = 0; at + 4096 <= fresh.size(); at += 4096)
      if (fresh[at] != std::byte{0xFF}) add(pages, log->bytes, at, 4096, true);
  }
  for (std::uint64_t entry = 0; entry < volume->record_count(); ++entry) {
    add(records, volume->mft(), entry * volume->record_size(), volume->record_size(), true);
    if (const auto index = volume->open_stream(entry, ntfs::attribute_type::index_allocation, u"$I30"))
      for (std::uint64_t at = 0; at + 4096 <= index->size; at += 4096) add(blocks, index->bytes, at, 4096, true);
  }
  if (const auto bitmap = data(6, u""); bitmap && !bitmap->resident) add(maps, bitmap->bytes, 0, bitmap->size, false);
  if (const auto mirror = data(1, u""); mirror && !mirror->resident) add(maps, mirror->bytes, 0, mirror->size, false);
  if (const auto found = volume->find_usn_journal())
    if (const auto usn = data(found->entry(), u"$J")) {
      for (const Extent& e : usn->bytes->extents(0, usn->size))
        for (std::uint64_t at = e.offset; e.kind == ExtentKind::data && at + 64 <= e.offset + e.length;) {
          std::array<std::byte, 4> head{};
          require(usn->bytes->read_at(at, head).has_value());
          const auto length = le<std::uint32_t>(head, 0);
          if (length >= 56 && length <= 512) add(journal, usn->bytes, at, length, false);
          at += length >= 56 && length <= 512 ? length : 8;
        }
    }
  for (const auto& kind : base.kinds) require(!kind.empty());
  return base;
}

// Puts the check value at each sector's end, and what stood there into the array.
void seal(std::span<std::byte> bytes) {
  const auto array = le<std::uint16_t>(bytes, 4);
  const std::size_t sectors = bytes.size() / 512;
  if (array % 2 != 0 || array + 2 * (sectors + 1) > 510) return;
  for (std::size_t i = 0; i < sectors; ++i) {
    std::memcpy(bytes.data() + array + 2 * (i + 1), bytes.data() + 512 * (i + 1) - 2, 2);
    std::memcpy(bytes.data() + 512 * (i + 1) - 2, bytes.data() + array, 2);
  }
}

// What an input changes, and what was there before.
class Edits {
 public:
  explicit Edits(Base& base) : base_(base) {}
  Edits(const Edits&) = delete;
  Edits& operator=(const Edits&) = delete;
  ~Edits() {
    for (const auto& [offset, bytes] : before_) std::memcpy(base_.disk.data() + offset, bytes.data(), bytes.size());
  }

  // An edit is 16 bytes: what, which (2), attribute, where (2), size, unused, value (8).
  void apply(ByteView edit) {
    const auto what = std::to_integer<unsigned>(edit[0]);
    const auto& structures = base_.kinds[what % base_.kinds.size()];
    const Structure& s = structures[le<std::uint16_t>(edit, 1) % structures.size()];
    const std::span<std::byte> bytes = take(s);
    if (s.sealed) ntfs::apply_fix_up(bytes);
    std::size_t at = le<std::uint16_t>(edit, 4) % s.length;
    if (what % base_.kinds.size() == records && (what & 0x80U) != 0) at = in_attribute(bytes, std::to_integer<unsigned>(edit[3]), at);
    if ((what & 0x40U) != 0) {
      // Another structure of the kind over this one.
      const Structure& other = structures[le<std::uint16_t>(edit, 8) % structures.size()];
      if (other.offset != s.offset) std::memcpy(bytes.data(), base_.disk.data() + other.offset, std::min(s.length, other.length));
    } else {
      const std::size_t size = std::min<std::size_t>(std::size_t{1} << (std::to_integer<unsigned>(edit[6]) % 4), s.length - at);
      std::memcpy(bytes.data() + at, edit.data() + 8, size);
    }
    if (s.sealed) seal(bytes);
  }

 private:
  std::span<std::byte> take(const Structure& s) {
    const std::span<std::byte> bytes(base_.disk.data() + s.offset, s.length);
    before_.try_emplace(s.offset, bytes.begin(), bytes.end());
    return bytes;
  }

  // The place in the n-th attribute, or of a run list when that is what `at` is odd for.
  static std::size_t in_attribute(ByteView record, unsigned n, std::size_t at) {
    std::size_t offset = le<std::uint16_t>(record, 0x14), last = 0;
    for (unsigned i = 0; offset + 64 <= record.size(); ++i) {
      const auto length = le<std::uint32_t>(record, offset + 4);
      if (le<std::uint32_t>(record, offset) == 0xFFFFFFFFU || length < 24 || length > record.size() - offset) break;
      last = offset;
      if (i == n % 12) break;
      offset += length;
    }
    if (last == 0) return at;
    const auto length = le<std::uint32_t>(record, last + 4);
    std::size_t within = at / 2 % length;
    if (at % 2 != 0 && record[last + 8] != std::byte{0}) within = le<std::uint16_t>(record, last + 32) + at / 2 % 16;
    return std::min(last + within, record.size() - 1);
  }

  Base& base_;
  std::map<std::uint64_t, std::vector<std::byte>> before_;
};

// What every report must hold to.
void check(const Examination& e, std::uint64_t size) {
  for (const Sighting& s : e.sightings)
    for (const Range& r : s.ranges) require(r.space != disk_space || (r.offset <= size && r.length <= size - r.offset));
  for (const Finding& f : e.findings)
    for (const std::uint32_t s : f.sightings) require(s < e.sightings.size());
  for (const FileReport& f : e.files) {
    for (const std::uint32_t s : f.sightings) require(s < e.sightings.size());
    for (const StreamReport& s : f.streams)
      for (const RecoveredPart& p : s.parts) require(p.bytes == nullptr || p.bytes->size() == p.length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Base base = make_base();
  static const auto disk = std::make_shared<Disk>(base);
  constexpr std::size_t edit_size = 16, most_edits = 64;
  Edits edits(base);
  const ByteView input = std::as_bytes(std::span(data, size));
  for (std::size_t i = 0; i + edit_size <= input.size() && i < most_edits * edit_size; i += edit_size)
    edits.apply(input.subspan(i, edit_size));
  Request request;
  request.image = {"disk"};
  request.targets = {"custom-script", "\\"};
  request.free_space = false;
  image::OpenedImage opened;
  opened.source = disk;
  opened.info.path = "disk";
  opened.info.size = base.disk.size();
  try {
    check(examine_opened(request, std::move(opened)), base.disk.size());
  } catch (const RunError&) {
    // Nothing of the volume is left: said as an error.
  }
  return 0;
}
