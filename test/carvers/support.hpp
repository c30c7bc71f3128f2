// Sources in memory, kept sightings, and small FILE records and INDX blocks written by hand (format: libfsntfs' NTFS format document).
#pragma once

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "carvers/index.hpp"
#include "carvers/record_pass.hpp"
#include "carvers/usn_journal.hpp"
#include "image/open.hpp"
#include "image/partitions.hpp"
#include "ntfs/volume.hpp"
#include "real_data.hpp"
#include "trimcarve/result.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::test {

using Bytes = std::vector<std::byte>;

// Bytes in memory; stretches can be declared holes or unreadable.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(Bytes bytes) : bytes_(std::move(bytes)) {}
  std::vector<Extent> special;  // in order

  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return fail("past the end");
    for (const Extent& e : special)
      if (e.kind == ExtentKind::unreadable && e.offset < offset + out.size() && offset < e.offset + e.length) return fail("unreadable");
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    std::uint64_t at = offset;
    for (const Extent& e : special) {
      if (e.offset > at) found.push_back({at, e.offset - at, ExtentKind::data});
      found.push_back(e);
      at = e.offset + e.length;
    }
    if (at < offset + length) found.push_back({at, offset + length - at, ExtentKind::data});
    return found;
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return {{1, offset, length}}; }

 private:
  Bytes bytes_;
};

// A sink that keeps everything.
struct Kept {
  std::vector<Sighting> all;
  carvers::SightingSink sink() {
    return [this](const Sighting& s) { all.push_back(s); };
  }
  std::vector<const Sighting*> of(SourceKind kind) const {
    std::vector<const Sighting*> found;
    for (const Sighting& s : all)
      if (s.source == kind) found.push_back(&s);
    return found;
  }
};

inline std::string name_of(const Sighting& s, std::size_t i = 0) {
  return i < s.names.size() ? to_utf8(s.name(s.names[i])) : std::string();
}

// Everything a sighting states, for comparing two of them.
inline std::string described(const Sighting& s) {
  std::string out;
  const auto put = [&](auto... values) { ((out += std::to_string(static_cast<unsigned long long>(values)) + ' '), ...); };
  const auto put_times = [&](const TimeSet& t) { put(t.created.ticks, t.modified.ticks, t.changed.ticks, t.accessed.ticks); };
  put(s.source, s.integrity, s.volume, s.place.stream, s.place.owner, s.place.offset, s.place.length, s.reference_known, s.reference.value);
  put(s.base_is_elsewhere, s.has_record, s.in_use, s.directory, s.record_entry, s.record_sequence, s.link_count, s.lsn);
  put(s.has_standard_information, s.file_attributes, s.standard_usn, s.has_container, s.container.value, s.slack_role, s.has_usn);
  put_times(s.standard_information);
  put(s.usn.usn, s.usn.time.ticks, s.usn.reason, s.usn.source_info, s.usn.attributes, s.usn.version, s.usn.name_inferred);
  for (const NameFact& n : s.names) {
    put(n.text, n.length, n.name_space, n.parent_known, n.parent_inferred, n.has_times, n.parent.value, n.allocated_size, n.size,
        n.attributes);
    put_times(n.times);
  }
  for (const StreamFact& f : s.streams)
    put(f.text, f.length, f.type, f.resident, f.runs_complete, f.start_vcn, f.size, f.valid_size, f.first_run, f.run_count,
        f.content.offset);
  for (const RunFact& r : s.runs) put(r.vcn, r.lcn, r.clusters);
  for (const FragmentFact& f : s.fragments) put(f.place.offset, f.place.length, f.file_offset, f.offset_inferred);
  return out + to_utf8(s.text);
}

inline std::shared_ptr<const ByteSource> open_artefact(const std::string& path) { return image::open_file(path, 0).source; }

// The first NTFS volume of an image.
inline ntfs::Volume open_first_volume(const std::string& path) {
  const auto opened = image::open_image({path});
  for (const auto& p : image::read_partitions(*opened.source).partitions) {
    auto volume = ntfs::open_volume(make_view(opened.source, p.offset, p.size));
    if (volume) return std::move(*volume);
  }
  throw RunError(ExitCode::input, path, "test data", "no NTFS volume");
}

inline carvers::RecordPassOptions record_options(const ntfs::Volume& volume) {
  carvers::RecordPassOptions options;
  options.record_size = volume.record_size();
  options.volume_clusters = volume.clusters();
  return options;
}

// The sightings of every $INDEX_ALLOCATION:$I30 that the records name.
inline Kept carve_all_indexes(const ntfs::Volume& volume, const Kept& records) {
  Kept kept;
  for (const Sighting* s : records.of(SourceKind::mft)) {
    for (const StreamFact& f : s->streams) {
      if (f.type != 0xA0 || f.start_vcn != 0 || s->base_is_elsewhere) continue;
      const auto stream = volume.open_stream(s->record_entry, 0xA0, u"$I30");
      if (!stream) continue;
      Bytes bitmap;
      if (const auto bits = volume.open_stream(s->record_entry, 0xB0, u"$I30"); bits && bits->bytes->size() < 65536) {
        bitmap.resize(static_cast<std::size_t>(bits->bytes->size()));
        if (!bits->bytes->read_at(0, bitmap)) bitmap.clear();
      }
      carvers::IndexOptions options;
      options.directory = s->reference;
      options.directory_deleted = !s->in_use;
      options.owner = s->record_entry;
      options.block_size = volume.index_block_size();
      if (!bitmap.empty()) options.bitmap = bitmap;
      carvers::carve_index_allocation(*stream->bytes, options, kept.sink());
    }
  }
  return kept;
}

inline void put(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes.at(at + i) = static_cast<std::byte>(value >> (8 * i));
}
inline void put_units(Bytes& bytes, std::size_t at, std::u16string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) put(bytes, at + 2 * i, text[i], 2);
}
inline void put_text(Bytes& bytes, std::size_t at, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) bytes.at(at + i) = static_cast<std::byte>(text[i]);
}

// $FILE_NAME at `at`; all four times are `time`. Returns its size.
inline std::size_t put_file_name(Bytes& bytes, std::size_t at, std::uint64_t parent, std::uint64_t time, std::u16string_view name,
                                 unsigned name_space = 1) {
  put(bytes, at, parent, 8);
  for (std::size_t i = 0; i < 4; ++i) put(bytes, at + 8 + 8 * i, time, 8);
  put(bytes, at + 56, 0x20, 4);
  put(bytes, at + 64, name.size(), 1);
  put(bytes, at + 65, name_space, 1);
  put_units(bytes, at + 66, name);
  return 66 + 2 * name.size();
}

// Swaps the sector ends into the update sequence array, as when the record or block is written.
inline void protect(Bytes& bytes, std::size_t at, std::size_t size, std::size_t array) {
  put(bytes, at + 4, array, 2);
  put(bytes, at + 6, size / 512 + 1, 2);
  put(bytes, at + array, 0x0101, 2);
  for (std::size_t s = 0; s < size / 512; ++s)
    for (std::size_t i = 0; i < 2; ++i) {
      bytes.at(at + array + 2 + 2 * s + i) = bytes.at(at + 512 * s + 510 + i);
      bytes.at(at + 512 * s + 510 + i) = std::byte{1};
    }
}

// One FILE record of 1024 bytes; attributes are appended in order, then finish().
class RecordBuilder {
 public:
  RecordBuilder(std::uint16_t sequence, std::uint16_t flags, std::uint64_t base = 0) : bytes_(1024) {
    put_text(bytes_, 0, "FILE");
    put(bytes_, 8, 4711, 8);
    put(bytes_, 16, sequence, 2);
    put(bytes_, 18, 1, 2);
    put(bytes_, 20, at_, 2);
    put(bytes_, 22, flags, 2);
    put(bytes_, 28, 1024, 4);
    put(bytes_, 32, base, 8);
  }
  std::size_t at() const { return at_; }
  Bytes& bytes() { return bytes_; }

  // Returns where the value lies.
  std::size_t resident(std::uint32_t type, std::size_t value_size, std::u16string_view name = {}) {
    const std::size_t value = 0x18 + (2 * name.size() + 7) / 8 * 8, length = (value + value_size + 7) / 8 * 8, begin = at_;
    header(type, length, name, 0x18, false);
    put(bytes_, begin + 16, value_size, 4);
    put(bytes_, begin + 20, value, 2);
    return begin + value;
  }
  void standard_information(std::uint64_t time) {
    const std::size_t value = resident(0x10, 72);
    for (std::size_t i = 0; i < 4; ++i) put(bytes_, value + 8 * i, time, 8);
  }
  void file_name(std::uint64_t parent, std::uint64_t time, std::u16string_view name, unsigned name_space = 1) {
    put_file_name(bytes_, resident(0x30, 66 + 2 * name.size()), parent, time, name, name_space);
  }
  // A non-resident attribute of `clusters` of 4096 bytes from `lcn` (below 32768), in one run.
  void non_resident(std::uint32_t type, std::uint64_t clusters, std::uint64_t lcn, std::u16string_view name = {}) {
    const std::size_t runs = 0x40 + (2 * name.size() + 7) / 8 * 8, begin = at_;
    header(type, runs + 8, name, 0x40, true);
    put(bytes_, begin + 24, clusters - 1, 8);
    put(bytes_, begin + 32, runs, 2);
    for (const std::size_t field : {std::size_t{40}, std::size_t{48}, std::size_t{56}}) put(bytes_, begin + field, clusters * 4096, 8);
    put(bytes_, begin + runs, 0x21, 1);
    put(bytes_, begin + runs + 1, clusters, 1);
    put(bytes_, begin + runs + 2, lcn, 2);
  }
  // Writes the end marker; slack may then be filled through bytes(), from slack() on.
  void end() {
    put(bytes_, at_, 0x1147'7982'FFFF'FFFFULL, 8);
    put(bytes_, 24, at_ + 8, 4);
  }
  std::size_t slack() const { return at_ + 8; }
  Bytes finish() {
    Bytes out = bytes_;
    protect(out, 0, 1024, 0x2A);
    return out;
  }

 private:
  void header(std::uint32_t type, std::size_t length, std::u16string_view name, std::size_t name_at, bool non_resident) {
    put(bytes_, at_, type, 4);
    put(bytes_, at_ + 4, length, 4);
    put(bytes_, at_ + 8, non_resident ? 1 : 0, 1);
    put(bytes_, at_ + 9, name.size(), 1);
    put(bytes_, at_ + 10, name_at, 2);
    put(bytes_, at_ + 14, id_++, 2);
    put_units(bytes_, at_ + name_at, name);
    at_ += length;
  }

  Bytes bytes_;
  std::size_t at_ = 0x38;
  std::uint16_t id_ = 0;
};

// Puts records one behind the other.
inline MemorySource mft_of(const std::vector<Bytes>& records) {
  Bytes all;
  for (const Bytes& r : records) all.insert(all.end(), r.begin(), r.end());
  return MemorySource(all);
}

inline Kept carve(const ByteSource& mft, carvers::RecordPassTally* tally = nullptr) {
  Kept kept;
  auto result = carvers::carve_records(mft, {}, kept.sink());
  if (tally != nullptr) *tally = std::move(result);
  return kept;
}

inline constexpr std::uint64_t some_time = 0x01DC'3A12'5000'0000ULL;  // in 2025
inline constexpr std::uint64_t root = 0x0005'0000'0000'0005ULL;
inline constexpr std::uint16_t used = 1, directory = 2;

// As USN_RECORD_V2 is documented.
inline std::size_t put_journal_record(Bytes& bytes, std::size_t at, std::uint64_t usn, std::u16string_view name,
                                      std::uint64_t reference = 0x1'0000'0000'0040ULL) {
  const std::size_t length = (60 + 2 * name.size() + 7) / 8 * 8;
  put(bytes, at, length, 4);
  put(bytes, at + 4, 2, 2);
  put(bytes, at + 8, reference, 8);
  put(bytes, at + 16, root, 8);
  put(bytes, at + 24, usn, 8);
  put(bytes, at + 32, some_time, 8);
  put(bytes, at + 40, 0x8000'0200, 4);
  put(bytes, at + 56, 2 * name.size(), 2);
  put(bytes, at + 58, 60, 2);
  put_units(bytes, at + 60, name);
  return length;
}

}  // namespace trimcarve::test
