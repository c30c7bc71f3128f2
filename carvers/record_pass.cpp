#include "carvers/record_pass.hpp"

#include <algorithm>
#include <vector>

#include "carvers/facts.hpp"

namespace trimcarve::carvers {

namespace {

constexpr std::size_t chunk_size = std::size_t{2} << 20;

class Pass {
 public:
  Pass(const ByteSource& mft, const RecordPassOptions& options, const SightingSink& sink)
      : mft_(mft), options_(options), sink_(sink), record_size_(usable_size(options.record_size, 1024)) {}

  RecordPassTally run() {
    const std::uint64_t slots = mft_.size() / record_size_, total = slots * record_size_;
    if (options_.only) {
      for (const RecordStretch& stretch : *options_.only)
        if (fits(slots, stretch.first, stretch.count))
          run(stretch.first * record_size_, (stretch.first + stretch.count) * record_size_, total);
    } else {
      run(0, total, total);
    }
    if (options_.progress && !tally_.stopped) options_.progress(total, total);
    return std::move(tally_);
  }

  void record_at(std::uint64_t entry) {
    if (entry >= mft_.size() / record_size_) return;
    std::vector<std::byte> buffer(record_size_);
    read_and_carve(entry * record_size_, buffer);
  }

 private:
  void run(std::uint64_t begin, std::uint64_t end, std::uint64_t total) {
    for (std::uint64_t at = begin; at < end && !tally_.stopped; at += buffer_.size()) {
      if (options_.progress && !options_.progress(at, total)) {
        tally_.stopped = true;
        return;
      }
      at += skip(at, end);
      if (at >= end) break;
      buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_size, end - at)));
      read_and_carve(at, buffer_);
    }
  }

  // A $MFT may claim far more than is stored: whole chunks of which no byte is, or can be read, are counted, not looked at.
  std::uint64_t skip(std::uint64_t at, std::uint64_t end) {
    for (std::uint64_t window = chunk_size; end - at > chunk_size; window = window * 2) {
      const auto extents = mft_.extents(at, std::min(window, end - at));
      if (extents.empty() || extents.front().kind == ExtentKind::data) return 0;
      const std::uint64_t length = extents.front().length;
      if (length >= window && window < end - at) continue;  // it may go on
      const bool unreadable = extents.front().kind == ExtentKind::unreadable;
      const std::uint64_t whole = length == end - at ? length : length / chunk_size * chunk_size;
      if (whole == 0) return 0;
      const std::uint64_t slots = whole / record_size_;
      tally_.mft.slots += slots;
      (unreadable ? tally_.mft.unreadable : tally_.mft.zero) += slots;
      tally_.mft.gaps.add(at, whole, unreadable ? GapKind::unreadable : GapKind::zero);
      return whole;
    }
    return 0;
  }

  void read_and_carve(std::uint64_t at, std::span<std::byte> buffer) {
    unread_.clear();
    read_tolerant(mft_, at, buffer, unread_);
    auto unread = unread_.begin();
    for (std::size_t i = 0; i < buffer.size(); i += record_size_) {
      const std::uint64_t offset = at + i;
      ntfs::SectorSet lost;
      std::uint64_t lost_bytes = 0;
      while (unread != unread_.end() && unread->offset + unread->length <= offset) ++unread;
      for (auto u = unread; u != unread_.end() && u->offset < offset + record_size_; ++u) {
        const std::uint64_t begin = std::max(u->offset, offset) - offset;
        const std::uint64_t end = std::min(u->offset + u->length, offset + record_size_) - offset;
        lost_bytes += end - begin;
        for (std::uint64_t s = begin / ntfs::fix_up_stride; s * ntfs::fix_up_stride < end; ++s) lost.add(static_cast<std::size_t>(s));
      }
      if (lost_bytes != 0) tally_.mft.gaps.add(offset, record_size_, GapKind::unreadable);
      ++tally_.mft.slots;
      if (lost_bytes == record_size_)
        ++tally_.mft.unreadable;
      else
        carve(offset, buffer.subspan(i, record_size_), lost);
    }
  }

  void carve(std::uint64_t offset, std::span<std::byte> bytes, const ntfs::SectorSet& lost) {
    RecordView view;
    if (ntfs::record_signature(bytes) == ntfs::RecordSignature::none) {
      const bool zero = all_zero(bytes);
      zero ? ++tally_.mft.zero : ++tally_.mft.garbage;
      tally_.mft.gaps.add(offset, record_size_, zero ? GapKind::zero : GapKind::garbage);
      return;
    }
    ntfs::FixUp fix = ntfs::apply_fix_up(bytes);
    // What could not be read was filled with zeros: never good, whatever the check value is.
    for (std::size_t s = 0; !lost.empty() && s < record_size_ / ntfs::fix_up_stride; ++s)
      if (lost.contains(s)) fix.bad.add(s);
    if (!ntfs::FileRecord::decode(bytes, fix, view.record)) {
      ++tally_.mft.garbage;
      tally_.mft.gaps.add(offset, record_size_, GapKind::garbage);
      return;
    }
    view.volume = options_.volume;
    view.entry = offset / record_size_;
    view.offset = offset;
    view.volume_clusters = options_.volume_clusters;
    carve_mft_record(view, scratch_, sink_, tally_.mft);
    carve_record_slack(view, scratch_, sink_, tally_.slack);
    carve_index_root(view, scratch_, sink_, tally_.index_roots);
  }

  const ByteSource& mft_;
  const RecordPassOptions& options_;
  const SightingSink& sink_;
  const std::uint32_t record_size_;
  std::vector<std::byte> buffer_;
  std::vector<Unread> unread_;
  Sighting scratch_;
  RecordPassTally tally_;
};

}  // namespace

RecordPassTally carve_records(const ByteSource& mft, const RecordPassOptions& options, const SightingSink& sink) {
  return Pass(mft, options, sink).run();
}

void carve_record_at(const ByteSource& mft, std::uint64_t entry, const RecordPassOptions& options, const SightingSink& sink) {
  Pass(mft, options, sink).record_at(entry);
}

}  // namespace trimcarve::carvers
