#include "ntfs/volume.hpp"

#include <algorithm>
#include <unordered_set>

#include "ntfs/attribute_list.hpp"
#include "ntfs/file_name.hpp"
#include "ntfs/index.hpp"
#include "ntfs/run_list.hpp"
#include "ntfs/volume_opener.hpp"

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t largest_attribute_list = 1U << 20;  // Windows stops at 256 KiB
constexpr std::uint64_t largest_index_bitmap = 1U << 20;
constexpr std::uint64_t most_index_blocks = 65536;  // that find_in_directory reads
constexpr std::uint64_t extend_entry = 11;

// Whether `base`, the base reference of an extension record, means this record: its sequence, or the one before the free.
bool names_base(FileReference base, std::uint64_t entry, const RecordHeader& header) noexcept {
  if (base.entry() != entry) return false;
  if (base.sequence() == header.sequence) return true;
  const auto before = static_cast<std::uint16_t>(header.sequence == 0 ? 0xFFFF : header.sequence - 1);
  return !header.in_use() && base.sequence() == before;
}

}  // namespace

namespace detail {

// Collects the extents of one stream from a base record and its extension records.
class StreamJoiner {
 public:
  StreamJoiner(const Volume& volume, std::uint64_t entry, std::uint32_t type, std::u16string_view name)
      : volume_(volume), entry_(entry), type_(type), name_(name) {}

  Result<FileStream> join(ByteView fixed, const FixUp& fix) {
    FileRecord base;
    if (!FileRecord::decode(fixed, fix, base)) return fail("no file record");
    take(base, entry_);
    if (out_.resident) return std::move(out_);
    follow_attribute_list(base);
    if (out_.resident) return std::move(out_);
    if (!found_) return fail("the file has no such stream");
    return finish();
  }

 private:
  void take(const FileRecord& record, std::uint64_t entry) {
    AttributeWalk walk(record);
    for (Attribute a; walk.next(a);) {
      if (a.type != type_ || !a.name.equals(name_) || (a.faults & (attribute_fault::name | attribute_fault::form)) != 0) continue;
      if (a.resident) {
        if (found_) continue;
        take_resident(a, entry);
        return;
      }
      take_extent(a);
    }
  }

  void take_resident(const Attribute& a, std::uint64_t entry) {
    found_ = true;
    out_.resident = true;
    out_.complete = !a.torn && (a.faults & attribute_fault::value) == 0;
    out_.size = out_.valid_size = out_.allocated_size = a.value.size();
    out_.compressed = a.compressed();
    out_.encrypted = a.encrypted();
    out_.bytes = make_buffer({a.value.begin(), a.value.end()}, volume_.mft(), entry * volume_.record_size() + a.value_offset);
  }

  void take_extent(const Attribute& a) {
    if (std::ranges::find(extents_, a.first_vcn) != extents_.end()) return;  // a second copy of an extent that is known
    extents_.push_back(a.first_vcn);
    const RunList list = decode_run_list(a, volume_.clusters(), out_.runs);
    if (!list.complete() || a.torn) out_.complete = false;
    if (a.first_vcn == 0) {
      has_sizes_ = true;
      out_.allocated_size = a.allocated_size;
      out_.size = a.size;
      out_.valid_size = std::min(a.valid_size, a.size);
      out_.compression_unit_log2 = a.compression_unit_log2;
    }
    out_.compressed = out_.compressed || a.compressed();
    out_.encrypted = out_.encrypted || a.encrypted();
    out_.sparse = out_.sparse || a.sparse();
    found_ = true;
  }

  std::vector<std::byte> attribute_list(const FileRecord& base) {
    AttributeWalk walk(base);
    for (Attribute a; walk.next(a);) {
      if (a.type != attribute_type::attribute_list) continue;
      if (a.resident) return {a.value.begin(), a.value.end()};
      if (!volume_.partition()) return {};
      std::vector<RunFact> runs;
      decode_run_list(a, volume_.clusters(), runs);
      const std::uint64_t size = std::min(a.size, largest_attribute_list);
      const auto source = make_stream(volume_.partition(), std::move(runs), volume_.cluster_size(), size, std::min(a.valid_size, size));
      std::vector<std::byte> bytes(static_cast<std::size_t>(size));
      std::vector<Unread> unread;
      read_tolerant(*source, 0, bytes, unread);
      return bytes;
    }
    return {};
  }

  void follow_attribute_list(const FileRecord& base) {
    const std::vector<std::byte> bytes = attribute_list(base);
    std::unordered_set<std::uint64_t> visited{entry_};
    std::vector<std::byte> buffer(volume_.record_size());
    AttributeListWalk walk(bytes);
    for (AttributeListEntry e; walk.next(e);) {
      if (e.type != type_ || !e.name.equals(name_) || !visited.insert(e.reference.entry()).second) continue;
      const auto fix = volume_.read_record(e.reference.entry(), buffer);
      FileRecord extension;
      if (!fix || !FileRecord::decode(buffer, *fix, extension) || !names_base(extension.header().base, entry_, base.header())) {
        out_.complete = false;
        continue;
      }
      take(extension, e.reference.entry());
      if (out_.resident) return;
    }
  }

  Result<FileStream> finish() {
    if (!volume_.partition()) return fail("the stream is not resident and there is no volume to read it from");
    const std::uint64_t cluster = volume_.cluster_size();
    std::ranges::sort(out_.runs, {}, &RunFact::vcn);
    // No stream has more clusters than the volume: one that claims the same ones over and over is no longer followed.
    std::uint64_t stored = 0;
    for (auto run = out_.runs.begin(); run != out_.runs.end(); ++run) {
      if (run->lcn < 0) continue;
      if (run->clusters > volume_.clusters() - stored) {
        out_.runs.erase(run, out_.runs.end());
        out_.complete = false;
        break;
      }
      stored += run->clusters;
    }
    std::uint64_t mapped = 0;
    for (const RunFact& run : out_.runs) {
      if (run.vcn != mapped) out_.complete = false;
      mapped = run.vcn + run.clusters;  // cannot wrap: decode_run_list bounds both
    }
    if (!has_sizes_) {
      out_.complete = false;
      out_.allocated_size = out_.size = out_.valid_size = mapped > (std::uint64_t{1} << 62) / cluster ? 0 : mapped * cluster;
    }
    if (out_.size / cluster + (out_.size % cluster != 0 ? 1 : 0) > mapped) out_.complete = false;
    out_.bytes = out_.compressed && out_.compression_unit_log2 != 0
                     ? make_compressed_stream(volume_.partition(), out_.runs, volume_.cluster_size(), out_.compression_unit_log2, out_.size,
                                              out_.valid_size)
                     : make_stream(volume_.partition(), out_.runs, volume_.cluster_size(), out_.size, out_.valid_size);
    return std::move(out_);
  }

  const Volume& volume_;
  std::uint64_t entry_;
  std::uint32_t type_;
  std::u16string_view name_;
  FileStream out_;
  std::vector<std::uint64_t> extents_;  // their first VCNs
  bool found_ = false, has_sizes_ = false;
};

Result<FileStream> join_stream(const Volume& volume, std::uint64_t entry, ByteView fixed, const FixUp& fix, std::uint32_t type,
                               std::u16string_view name) {
  return StreamJoiner(volume, entry, type, name).join(fixed, fix);
}

}  // namespace detail

Result<FixUp> Volume::read_record(std::uint64_t entry, std::span<std::byte> buffer) const {
  const std::uint64_t size = geometry_.record_size;
  if (entry >= record_count()) return fail("the entry lies beyond $MFT");
  if (buffer.size() != size) return fail("the buffer is not one record long");
  std::vector<Unread> unread;
  if (!read_tolerant(*mft_, entry * size, buffer, unread) && unread.front().length == size) return fail("the record cannot be read");
  FixUp fix = apply_fix_up(buffer);
  for (const Unread& u : unread) {
    const std::uint64_t begin = u.offset - entry * size;
    for (std::uint64_t s = begin / fix_up_stride; s * fix_up_stride < begin + u.length; ++s) {
      fix.bad.add(static_cast<std::size_t>(s));
      fix.unchecked.add(static_cast<std::size_t>(s));
    }
  }
  return fix;
}

Result<FileStream> Volume::open_stream(std::uint64_t entry, std::uint32_t type, std::u16string_view name) const {
  // With record 0 bad, what its mirror says is what $MFT was found by.
  if (entry == 0 && from_mft_mirror_) return detail::join_stream(*this, 0, mirror_record_, mirror_fix_, type, name);
  std::vector<std::byte> buffer(geometry_.record_size);
  const auto fix = read_record(entry, buffer);
  if (!fix) return std::unexpected(fix.error());
  return detail::join_stream(*this, entry, buffer, *fix, type, name);
}

namespace {

std::optional<FileReference> find_in_node(ByteView buffer, const IndexNode& node, std::u16string_view name, const UpCase& table) {
  IndexWalk walk(buffer, node);
  std::u16string found;
  for (IndexEntry e; walk.next(e);) {
    const auto file_name = decode_file_name(e.key);
    if (!file_name) continue;
    found.clear();
    file_name->name.append_to(found);
    if (equal_ignoring_case(found, name, table)) return e.reference;
  }
  return std::nullopt;
}

std::vector<std::byte> read_start(const ByteSource& source, std::uint64_t most) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(source.size(), most)));
  std::vector<Unread> unread;
  read_tolerant(source, 0, bytes, unread);
  return bytes;
}

}  // namespace

std::optional<FileReference> Volume::find_in_directory(std::uint64_t entry, std::u16string_view name) const {
  std::uint64_t block_size = geometry_.index_block_size;
  if (const auto stream = open_stream(entry, attribute_type::index_root, u"$I30"); stream && stream->resident) {
    const auto bytes = read_start(*stream->bytes, max_record_size);
    if (const auto root = decode_index_root(bytes)) {
      if (const auto found = find_in_node(bytes, root->node, name, up_case_)) return found;
      if (root->block_size >= fix_up_stride && root->block_size <= max_record_size) block_size = root->block_size;
    }
  }
  const auto blocks = open_stream(entry, attribute_type::index_allocation, u"$I30");
  const auto bitmap = open_stream(entry, attribute_type::bitmap, u"$I30");
  if (!blocks || !bitmap || block_size < fix_up_stride) return std::nullopt;
  const auto bits = read_start(*bitmap->bytes, largest_index_bitmap);
  const std::uint64_t count = std::min<std::uint64_t>(blocks->bytes->size() / block_size, 8 * bits.size());
  std::vector<std::byte> buffer(static_cast<std::size_t>(block_size));
  std::uint64_t read = 0;
  for (std::uint64_t block = 0; block < count && read < most_index_blocks; ++block) {
    if (!index_block_in_use(bits, block)) continue;
    ++read;
    std::vector<Unread> unread;
    read_tolerant(*blocks->bytes, block * block_size, buffer, unread);
    apply_fix_up(buffer);
    const auto decoded = decode_index_block(buffer);
    if (!decoded) continue;
    if (const auto found = find_in_node(buffer, decoded->node, name, up_case_)) return found;
  }
  return std::nullopt;
}

std::optional<FileReference> Volume::find_usn_journal() const { return find_in_directory(extend_entry, u"$UsnJrnl"); }

}  // namespace trimcarve::ntfs
