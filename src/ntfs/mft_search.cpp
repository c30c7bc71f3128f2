#include "ntfs/mft_search.hpp"

#include <algorithm>
#include <optional>

#include "ntfs/file_record.hpp"

namespace trimcarve::ntfs {

namespace {

constexpr std::uint64_t most_searched = std::uint64_t{256} << 30, piece = 1U << 20;
constexpr std::uint64_t most_unusable = 256;  // records in a row, within a run
constexpr std::size_t most_runs = 4096;

class RunFinder {
 public:
  RunFinder(const ByteSource& partition, const Geometry& g) : partition_(partition), cluster_(g.cluster_size), record_(g.record_size) {
    end_ = std::min(partition.size(), g.clusters() * cluster_);
    records_ = g.volume_size / record_;
    if (g.mft_lcn < g.clusters()) extend(g.mft_lcn * cluster_, 0);
    scan();
    std::ranges::stable_sort(runs_, {}, &RunFact::vcn);
  }
  // A record of another volume, or a damaged number, must not make $MFT many times as large as what is known of it.
  MftSearch take() {
    constexpr std::uint64_t least = std::uint64_t{1} << 20, times = 16;  // records
    std::uint64_t known = 0, end = 0;
    std::size_t kept = 0;
    for (; kept < runs_.size(); ++kept) {
      const RunFact& run = runs_[kept];
      const std::uint64_t first = run.vcn * cluster_ / record_, records = run.clusters * cluster_ / record_;
      if (first > end && first - end > std::max(least, known * times)) break;
      known += records;
      end = std::max(end, first + records);
    }
    const std::size_t left_out = runs_.size() - kept;
    runs_.resize(kept);
    return {std::move(runs_), left_out, finished_};
  }

 private:
  // The number that a record of the right size states, of those that the volume has room for.
  std::optional<std::uint64_t> number(ByteView start) const {
    if (start.size() < 48 || record_signature(start) != RecordSignature::file || le<std::uint32_t>(start, 0x1C) != record_ ||
        le<std::uint16_t>(start, 4) < 0x30)
      return std::nullopt;
    const std::uint64_t stated = le<std::uint32_t>(start, 0x2C);
    return stated < records_ ? std::optional(stated) : std::nullopt;
  }
  std::optional<std::uint64_t> number_at(std::uint64_t offset) const {
    std::array<std::byte, 48> start;
    if (!fits(end_, offset, record_) || !partition_.read_at(offset, start)) return std::nullopt;
    return number(start);
  }

  // The run that begins with record `first` at `offset`, as far as its records count on; its length in bytes, 0 when there is none.
  std::uint64_t extend(std::uint64_t offset, std::uint64_t first) {
    std::uint64_t good = 0;
    for (std::uint64_t n = 0; n - good <= most_unusable && offset + n * record_ < end_; ++n)
      if (number_at(offset + n * record_) == first + n) good = n + 1;
    if (good < 2) return 0;
    const std::uint64_t clusters = (good * record_ + cluster_ - 1) / cluster_;
    runs_.push_back({first * record_ / cluster_, static_cast<std::int64_t>(offset / cluster_), clusters});
    return clusters * cluster_;
  }

  bool known(std::uint64_t offset) const {
    const auto lcn = static_cast<std::int64_t>(offset / cluster_);
    return std::ranges::any_of(runs_,
                               [&](const RunFact& r) { return lcn >= r.lcn && lcn < r.lcn + static_cast<std::int64_t>(r.clusters); });
  }
  bool mapped(std::uint64_t first) const {
    const std::uint64_t vcn = first * record_ / cluster_;
    return std::ranges::any_of(runs_, [&](const RunFact& r) { return vcn >= r.vcn && vcn < r.vcn + r.clusters; });
  }

  void scan() {
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::max<std::uint64_t>(piece, cluster_)));
    std::vector<Unread> unread;
    std::uint64_t searched = 0;
    for (const Extent& e : partition_.extents(0, end_)) {
      if (e.kind != ExtentKind::data) continue;
      for (std::uint64_t at = (e.offset + cluster_ - 1) / cluster_ * cluster_; at < e.offset + e.length;) {
        if (searched >= most_searched) return void(finished_ = false);
        const auto bytes = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end_ - at)));
        unread.clear();
        read_tolerant(partition_, at, bytes, unread);
        searched += bytes.size();
        std::uint64_t next = at + bytes.size();
        for (std::uint64_t c = 0; c < bytes.size(); c += cluster_) {
          const auto first = number(ByteView(bytes).subspan(static_cast<std::size_t>(c)));
          // A file's first record is found where the run begins; a copy of what is mapped already is a leftover, or the mirror.
          if (!first || *first * record_ % cluster_ != 0 || mapped(*first) || known(at + c)) continue;
          if (runs_.size() >= most_runs) return void(finished_ = false);
          if (const std::uint64_t length = extend(at + c, *first); length != 0) {
            next = at + c + length;
            break;
          }
        }
        at = next;
      }
    }
  }

  const ByteSource& partition_;
  std::uint64_t cluster_, record_, records_ = 0, end_ = 0;
  std::vector<RunFact> runs_;
  bool finished_ = true;
};

}  // namespace

MftSearch find_mft_runs(const ByteSource& partition, const Geometry& geometry) { return RunFinder(partition, geometry).take(); }

}  // namespace trimcarve::ntfs
