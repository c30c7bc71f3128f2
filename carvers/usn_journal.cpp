#include "carvers/usn_journal.hpp"

#include <algorithm>
#include <vector>

#include "carvers/usn_facts.hpp"
#include "ntfs/usn_record.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::carvers {

namespace {

using ntfs::UsnRecord;

constexpr std::uint64_t chunk_size = std::uint64_t{4} << 20;
// Up to a page may be zero between two records: Windows does not let a record cross a page of 4 KiB.
constexpr std::uint64_t padding_limit = 4096;

// Nothing a longer "record" could be; and a record must lie whole in any Window that is read for it.
std::optional<UsnRecord> decode(ByteView bytes) noexcept {
  return ntfs::decode_usn_record(bytes.first(std::min<std::size_t>(bytes.size(), usn_neighbourhood)));
}

// Bytes of the journal around the place that is looked at: everything needed to emit a record of it, neighbours included. What lies in
// holes or could not be read is zero.
class Window {
 public:
  void read(const ByteSource& source, std::uint64_t begin, std::uint64_t end) {
    begin_ = begin > usn_neighbourhood ? begin - usn_neighbourhood : 0;
    const std::uint64_t last = source.size() - end > usn_neighbourhood ? end + usn_neighbourhood : source.size();
    bytes_.resize(static_cast<std::size_t>(last - begin_));
    unread_.clear();
    read_tolerant(source, begin_, bytes_, unread_);
    named_.clear();
    indexed_ = false;
  }
  // One record alone, of up to `longest` bytes.
  void read_alone(const ByteSource& source, std::uint64_t begin, std::uint64_t longest) {
    begin_ = begin;
    bytes_.resize(static_cast<std::size_t>(std::min(longest, source.size() - begin)));
    unread_.clear();
    read_tolerant(source, begin_, bytes_, unread_);
    named_.clear();
    indexed_ = false;
  }
  std::uint64_t end() const noexcept { return begin_ + bytes_.size(); }
  ByteView from(std::uint64_t offset) const noexcept { return ByteView(bytes_).subspan(static_cast<std::size_t>(offset - begin_)); }

  // A record that lies in part where nothing could be read is none: its zeros are not its own.
  std::optional<UsnRecord> record_at(std::uint64_t offset) const noexcept {
    auto record = decode(from(offset));
    if (record && unread_from(offset, offset + record->length)) record.reset();
    return record;
  }

  // The first stretch that could not be read and has a byte in [begin, end); null when all was read.
  const Unread* unread_from(std::uint64_t begin, std::uint64_t end) const noexcept {
    const auto at = std::ranges::upper_bound(unread_, begin, {}, [](const Unread& u) { return u.offset + u.length; });
    return at != unread_.end() && at->offset < end ? &*at : nullptr;
  }

  // The nearest record with a name for a reference: before `offset`, else behind the record of `length` bytes there. It depends on the
  // bytes of the neighbourhood alone, not on this window, so that a record is emitted again just as it was the first time.
  std::optional<UsnRecord> neighbour(std::uint64_t offset, const UsnRecord& record, bool in_pieces) {
    if (!indexed_) index_named();
    const FileReference reference = record.reference;
    const std::uint32_t length = record.length;
    const auto counts = [&](std::uint64_t at, const std::optional<UsnRecord>& other) {
      return other && (!in_pieces || other->usn - record.usn == at - offset);  // both differences wrap alike
    };
    const std::uint64_t low = offset > usn_neighbourhood ? offset - usn_neighbourhood : 0;
    const std::uint64_t high = offset + usn_neighbourhood;
    const auto behind = std::ranges::lower_bound(named_, Named{reference.value, offset + length, 0});
    for (auto at = behind; at != named_.begin();) {
      --at;
      if (at->reference != reference.value || at->offset < low) break;
      if (at->offset >= offset) continue;
      if (const auto other = record_at(at->offset); counts(at->offset, other)) return other;
    }
    for (auto at = behind; at != named_.end() && at->reference == reference.value && at->offset + at->length <= high; ++at)
      if (const auto other = record_at(at->offset); counts(at->offset, other)) return other;
    return std::nullopt;
  }

 private:
  struct Named {
    std::uint64_t reference = 0, offset = 0;
    std::uint32_t length = 0;
    friend auto operator<=>(const Named&, const Named&) = default;
  };

  // Once per window, and only when it holds a version 4 record. Every aligned offset counts, whether or not the pass meets it.
  void index_named() {
    indexed_ = true;
    for (std::uint64_t at = (begin_ + 7) & ~std::uint64_t{7}; at + ntfs::min_usn_record <= end(); at += 8) {
      const auto version = le<std::uint16_t>(from(at), 4);
      if (version != 2 && version != 3) continue;
      if (const auto record = record_at(at)) named_.push_back({record->reference.value, at, record->length});
    }
    std::ranges::sort(named_);
  }

  std::uint64_t begin_ = 0;
  std::vector<std::byte> bytes_;
  std::vector<Unread> unread_;
  std::vector<Named> named_;  // by reference, then offset
  bool indexed_ = false;
};

class JournalCarver {
 public:
  JournalCarver(const ByteSource& journal, const UsnOptions& options, const SightingSink& sink)
      : journal_(journal), options_(options), sink_(sink) {}

  UsnTally run() {
    const std::uint64_t total = journal_.size();
    for (const Extent& extent : journal_.extents(0, total)) {
      if (extent.kind == ExtentKind::data) {
        if (!extent_of_records(extent.offset, extent.offset + extent.length)) break;
      } else {
        tally_.gaps.add(extent.offset, extent.length, extent.kind == ExtentKind::unreadable ? GapKind::unreadable : GapKind::hole);
      }
    }
    return std::move(tally_);
  }

  void record_at(std::uint64_t offset) {
    if (offset >= journal_.size()) return;
    // Only a version 4 record needs its neighbours; one with a name is hardly ever longer than this (255 units and 80 bytes).
    window_.read_alone(journal_, offset, 1024);
    if (const auto record = window_.record_at(offset); record && record->version != 4) return emit(offset, *record);
    window_.read(journal_, offset, offset);
    if (const auto record = window_.record_at(offset)) emit(offset, *record);
  }

 private:
  // False when the progress sink asks for the end.
  bool extent_of_records(std::uint64_t begin, std::uint64_t end) {
    std::uint64_t at = (begin + 7) & ~std::uint64_t{7};
    while (at < end) {
      if (options_.progress && !options_.progress(at, journal_.size())) {
        tally_.stopped = true;
        return false;
      }
      const std::uint64_t chunk_end = std::min(end, at + chunk_size);
      window_.read(journal_, at, chunk_end);
      at = records_in(at, chunk_end);
    }
    end_zeros();
    return true;
  }

  // Emits the records that begin in [at, end); the last may reach beyond. Returns where it ended.
  std::uint64_t records_in(std::uint64_t at, std::uint64_t end) {
    while (at < end) {
      if (const auto record = window_.record_at(at)) {
        end_zeros();
        emit(at, *record);
        at += record->length;
      } else {
        at = skip(at, end);
      }
    }
    return at;
  }

  // Steps over what is no record: zeros, else garbage up to zeros or the next record.
  std::uint64_t skip(std::uint64_t at, std::uint64_t end) {
    const ByteView bytes = window_.from(at);
    auto limit = std::min<std::uint64_t>(end - at, bytes.size());
    std::uint64_t length = 0;
    if (const Unread* unread = window_.unread_from(at, at + limit)) {
      if (unread->offset > at) {
        limit = unread->offset - at;
      } else {
        end_zeros();
        // Records lie at multiples of 8; so do sectors, but not the end of a stream.
        const std::uint64_t lost = std::min(end, (unread->offset + unread->length + 7) & ~std::uint64_t{7}) - at;
        tally_.gaps.add(at, lost, GapKind::unreadable);
        return at + lost;
      }
    }
    const auto zero = [&] { return length + 8 <= limit && load<std::uint64_t>(bytes, length) == 0; };
    if (zero()) {
      while (zero()) length += 8;
      if (zeros_ == 0 || zeros_at_ + zeros_ != at) {
        end_zeros();
        zeros_at_ = at;
      }
      zeros_ += length;
      return at + length;
    }
    do length += 8;
    while (length < limit && !zero() && !decode(bytes.subspan(static_cast<std::size_t>(length))));
    length = std::min(length, limit);
    end_zeros();
    tally_.gaps.add(at, length, GapKind::garbage);
    return at + length;
  }

  void end_zeros() {
    if (zeros_ >= padding_limit) tally_.gaps.add(zeros_at_, zeros_, GapKind::zero);
    zeros_ = 0;
  }

  void emit(std::uint64_t offset, const UsnRecord& record) {
    Sighting& sighting = scratch_;
    state_usn_record(record, {StreamKind::usn_journal, options_.owner, offset, record.length}, options_.volume, sighting);
    if (const auto neighbour = record.version == 4 ? window_.neighbour(offset, record, options_.in_pieces) : std::optional<UsnRecord>()) {
      add_usn_name(sighting, *neighbour);
      sighting.names.front().parent = record.parent;  // its own
      sighting.usn.time = neighbour->time;
      sighting.usn.attributes = neighbour->attributes;
      sighting.usn.name_inferred = true;
    }
    count(offset, record, sighting.usn.name_inferred);
    sink_(sighting);
  }

  void count(std::uint64_t offset, const UsnRecord& record, bool inferred) {
    ++tally_.records;
    record.version == 2 ? ++tally_.version_2 : record.version == 3 ? ++tally_.version_3 : ++tally_.version_4;
    if (inferred) ++tally_.names_inferred;
    if (record.usn != offset && tally_.offset_mismatches++ == 0) tally_.first_mismatch = static_cast<std::int64_t>(record.usn - offset);
    if (!tally_.first_usn || record.usn < *tally_.first_usn) tally_.first_usn = record.usn;
    if (!tally_.last_usn || record.usn > *tally_.last_usn) tally_.last_usn = record.usn;
    tally_.window.see(record.time);
  }

  const ByteSource& journal_;
  const UsnOptions& options_;
  const SightingSink& sink_;
  Window window_;
  Sighting scratch_;
  UsnTally tally_;
  std::uint64_t zeros_at_ = 0, zeros_ = 0;  // the run of zeros just stepped over
};

}  // namespace

UsnTally carve_usn_journal(const ByteSource& journal, const UsnOptions& options, const SightingSink& sink) {
  return JournalCarver(journal, options, sink).run();
}

void carve_usn_at(const ByteSource& journal, std::uint64_t offset, const UsnOptions& options, const SightingSink& sink) {
  JournalCarver(journal, options, sink).record_at(offset);
}

}  // namespace trimcarve::carvers
