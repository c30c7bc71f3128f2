#include "carvers/log_pages.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "ntfs/fix_up.hpp"
#include "ntfs/lfs_page.hpp"

namespace trimcarve::carvers {

namespace {

// A record as far as its page has it.
struct Found {
  ntfs::LfsRecordHeader header;
  ByteView data;
  std::uint64_t end = 0;  // LSN behind it, or behind what of it is in this page
  std::size_t hash = 0;
};

struct Known {
  std::uint64_t end = 0;
  std::size_t hash = 0;
};
using Records = std::map<std::uint64_t, Known>;  // by LSN

std::size_t hash_of(ByteView bytes) { return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); }

// Where records begin: behind the update sequence array. Of a page that log_page_size takes.
std::uint16_t data_offset(ByteView page) {
  const std::uint64_t array_end = le<std::uint16_t>(page, 4) + 2U * le<std::uint16_t>(page, 6);
  return static_cast<std::uint16_t>(std::max<std::uint64_t>((array_end + 7) / 8 * 8, ntfs::lfs_page_header_size));
}

std::uint64_t page_of(std::uint64_t lsn, std::uint32_t page_size) { return (lsn << 3) / page_size; }

// The records that the page counts as its own, with rising LSNs of one page of the log. Fix-ups applied.
void records_of(ByteView page, const ntfs::SectorSet& bad, std::vector<Found>& out) {
  out.clear();
  const auto header = ntfs::decode_lfs_page_header(page);
  if (!header) return;
  const std::uint16_t data_at = data_offset(page);
  const auto geometry = ntfs::one_lap_geometry(static_cast<std::uint32_t>(page.size()), data_at);
  const bool end_known = header->next_record >= data_at && header->next_record <= page.size();
  for (std::uint64_t at = data_at; at + geometry.record_header_size <= page.size();) {
    const auto found = ntfs::decode_lfs_record_header(page, at, geometry);
    const bool elsewhere =
        found && !out.empty() && page_of(found->lsn, geometry.page_size) != page_of(out.front().header.lsn, geometry.page_size);
    if (!found || elsewhere || bad.touches(at, geometry.record_header_size)) {
      at += 8;
      continue;
    }
    const std::uint64_t data = at + geometry.record_header_size, room = page.size() - data;
    // Behind the free space's beginning stand records of an earlier lap, but for one that goes on in the next page.
    const bool goes_on = at == header->next_record && found->data_length > room && found->lsn > header->last_end_lsn;
    if (end_known && at >= header->next_record && !goes_on) return;
    const std::uint64_t here = std::min<std::uint64_t>(room, found->data_length), padded = (here + 7) / 8 * 8;
    const ByteView bytes = page.subspan(static_cast<std::size_t>(data), static_cast<std::size_t>(here));
    if (!bad.touches(at, geometry.record_header_size + here))
      out.push_back({*found, bytes, found->lsn + (geometry.record_header_size + padded) / 8,
                     hash_of(page.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(geometry.record_header_size + here)))});
    at = data + padded;
  }
}

// What is known of one log.
struct Group {
  LogPageGroup pages;
  Records records;
  std::set<std::uint64_t> named;                     // LSNs that its records name as those before them in their transactions
  std::map<std::uint64_t, std::uint64_t> first_of;   // by page number: of the first record that begins in it
  std::map<std::uint64_t, std::uint64_t> behind_of;  // by page number: the LSN behind what goes on in it from the page before
  std::set<std::uint64_t> torn;                      // page numbers: not all their records are known
};

// Of the record at the page's end: where in the next page it ends, as an LSN; nothing when it does not go on there, or through it.
std::optional<std::uint64_t> end_behind(const Found& last, std::uint32_t page_size, std::uint32_t data_at) {
  const std::uint64_t rest = last.header.data_length - last.data.size();
  if (rest == 0 || rest > page_size - data_at) return std::nullopt;
  return ((page_of(last.header.lsn, page_size) + 1) * page_size + data_at + (rest + 7) / 8 * 8) >> 3;
}

// How well a page's records fit into a log: how many links lead from one to the other. Nothing: they cannot be of it. Sets `all_known`: it
// has them all.
std::optional<std::size_t> links(const Group& group, const std::vector<Found>& records, std::uint32_t data_at, bool torn, bool& all_known) {
  constexpr std::size_t of_neighbour = 4;  // a record that goes on just there says more than a number
  const std::uint32_t page_size = group.pages.page_size;
  const Records& known = group.records;
  std::size_t found = 0;
  all_known = true;
  for (const Found& r : records) {
    const auto behind = known.upper_bound(r.header.lsn);
    if (behind != known.end() && behind->first < r.end) return std::nullopt;
    const auto at = behind == known.begin() ? known.end() : std::prev(behind);
    const bool same = at != known.end() && at->first == r.header.lsn;
    if (same && (at->second.hash != r.hash || at->second.end != r.end)) return std::nullopt;
    if (!same && at != known.end() && at->second.end > r.header.lsn) return std::nullopt;
    all_known = all_known && same;
    // The one before it in its transaction: there, or in a page that is not.
    if (r.header.previous == 0) continue;
    const auto next = known.upper_bound(r.header.previous);
    const auto named = next == known.begin() ? known.end() : std::prev(next);
    if (named != known.end() && named->first == r.header.previous)
      ++found;
    else if (const std::uint64_t page = page_of(r.header.previous, page_size);
             next != known.end() && page_of(next->first, page_size) == page && !group.torn.contains(page))
      return std::nullopt;
  }
  const std::uint64_t first = records.front().header.lsn, last = records.back().header.lsn, number = page_of(first, page_size);
  for (auto at = group.named.lower_bound(first); at != group.named.end() && *at <= last; ++at) {
    const bool there = std::ranges::binary_search(records, *at, {}, [](const Found& r) { return r.header.lsn; });
    if (!there && !torn) return std::nullopt;
    found += there ? 1U : 0U;
  }
  const auto meets = [&](std::uint64_t end, std::uint64_t begin) {
    if (begin == end) found += of_neighbour;
    return begin >= end;
  };
  if (const auto end = group.behind_of.find(number); end != group.behind_of.end() && !meets(end->second, first)) return std::nullopt;
  if (const auto end = end_behind(records.back(), page_size, data_at))
    if (const auto next = group.first_of.find(number + 1); next != group.first_of.end() && !meets(*end, next->second)) return std::nullopt;
  return found;
}

void add_to(Group& group, std::uint64_t offset, const std::vector<Found>& records, std::uint32_t data_at, bool torn) {
  group.pages.pages.push_back(offset);
  const std::uint64_t number = page_of(records.front().header.lsn, group.pages.page_size);
  for (const Found& r : records) {
    group.records.try_emplace(r.header.lsn, Known{r.end, r.hash});
    if (r.header.previous != 0) group.named.insert(r.header.previous);
  }
  if (torn) group.torn.insert(number);
  group.first_of.try_emplace(number, records.front().header.lsn);
  if (const auto end = end_behind(records.back(), group.pages.page_size, data_at)) group.behind_of.try_emplace(number + 1, *end);
}

enum class Owner : std::uint8_t { unknown, own, own_whole, other };

Owner owner_of(const std::vector<Found>& records, LogFileCarver* own) {
  if (own == nullptr) return Owner::unknown;
  std::size_t same = 0;
  for (const Found& r : records) switch (own->match(r.header, r.data)) {
      case LogMatch::absent: break;
      case LogMatch::same: ++same; break;
      case LogMatch::other: return Owner::other;
    }
  return same == 0 ? Owner::unknown : same == records.size() ? Owner::own_whole : Owner::own;
}

class Grouper {
 public:
  Grouper(const ByteSource& source, std::span<const LogPage> pages, LogFileCarver* own, LogPageTally& tally)
      : source_(source), pages_(pages), own_(own), tally_(tally) {}

  std::vector<LogPageGroup> run() {
    // In order of their LSNs, so that a page comes when the one that leads to it is there.
    std::vector<std::pair<std::uint64_t, std::size_t>> order;
    std::vector<std::size_t> without;  // no record begins in them
    for (std::size_t i = 0; i < pages_.size(); ++i) {
      ++tally_.pages;
      if (!read(pages_[i])) {
        ++tally_.unreadable;
        continue;
      }
      if (!bad_.empty()) ++tally_.torn;
      if (records_.empty())
        without.push_back(i);
      else
        order.emplace_back(records_.front().header.lsn, i);
    }
    std::ranges::sort(order);
    for (const auto& [lsn, i] : order)
      if (read(pages_[i]) && !records_.empty()) place(pages_[i]);
    for (const std::size_t i : without) place_behind(pages_[i]);
    std::vector<LogPageGroup> out;
    for (Group& group : groups_) {
      std::ranges::sort(group.pages.pages);
      out.push_back(std::move(group.pages));
    }
    return out;
  }

 private:
  // False when it cannot be read, or is no page.
  bool read(const LogPage& page) {
    bytes_.resize(page.size);
    bad_ = {};
    if (!source_.read_at(page.offset, bytes_)) return false;
    const ntfs::FixUp fix = ntfs::apply_fix_up(bytes_);
    for (std::size_t s = 0; s < bytes_.size() / ntfs::fix_up_stride; ++s)
      if (fix.bad.contains(s) || fix.unchecked.contains(s)) bad_.add(s);
    if (fix.array != ntfs::FixUpArray::expected || bad_.contains(0)) return false;
    data_at_ = data_offset(bytes_);
    records_of(bytes_, bad_, records_);
    return true;
  }

  void place(const LogPage& page) {
    const Owner owner = owner_of(records_, own_);
    if (owner == Owner::own_whole) return void(++tally_.repeated);
    std::size_t into = groups_.size(), most = 0;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (groups_[i].pages.page_size != page.size || groups_[i].pages.same_log != (owner == Owner::own)) continue;
      bool all_known = false;
      const auto fits_in = links(groups_[i], records_, data_at_, !bad_.empty(), all_known);
      if (!fits_in) continue;
      if (all_known) return void(++tally_.repeated);
      if (into == groups_.size() || *fits_in > most) into = i, most = *fits_in;
    }
    if (into == groups_.size()) {
      if (groups_.size() == most_page_groups) return void(++tally_.left_out);
      groups_.emplace_back().pages = {page.size, owner == Owner::own, {}};
    }
    add_to(groups_[into], page.offset, records_, data_at_, !bad_.empty());
    ends_.insert_or_assign(page.offset + page.size, into);
  }

  void place_behind(const LogPage& page) {
    const auto before = ends_.find(page.offset);
    if (before == ends_.end() || groups_[before->second].pages.page_size != page.size) return void(++tally_.empty);
    groups_[before->second].pages.pages.push_back(page.offset);
    ends_.insert_or_assign(page.offset + page.size, before->second);
  }

  const ByteSource& source_;
  std::span<const LogPage> pages_;
  LogFileCarver* own_;
  LogPageTally& tally_;
  std::vector<Group> groups_;
  std::unordered_map<std::uint64_t, std::size_t> ends_;  // where pages that were taken end: their groups
  std::vector<std::byte> bytes_;                         // the page in hand
  ntfs::SectorSet bad_;
  std::uint32_t data_at_ = 0;
  std::vector<Found> records_;
};

}  // namespace

std::optional<std::uint32_t> log_page_size(ByteView head) noexcept {
  if (head.size() < 8 || ntfs::lfs_signature(head) != ntfs::LfsSignature::record) return std::nullopt;
  const std::uint32_t array = le<std::uint16_t>(head, 4), count = le<std::uint16_t>(head, 6);
  if (count < 3 || array < 0x28) return std::nullopt;  // behind the header's fields; two sectors are the least
  const std::uint32_t size = (count - 1) * static_cast<std::uint32_t>(ntfs::fix_up_stride);
  if ((size & (size - 1)) != 0 || size > ntfs::max_record_size || array + 2 * count > ntfs::fix_up_stride - 2) return std::nullopt;
  return size;
}
std::vector<LogPageGroup> group_log_pages(const ByteSource& source, std::span<const LogPage> pages, LogFileCarver* own,
                                          LogPageTally& tally) {
  return Grouper(source, pages, own, tally).run();
}

}  // namespace trimcarve::carvers
