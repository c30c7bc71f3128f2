#include "carvers/log_pages.hpp"

#include <algorithm>
#include <map>
#include <string_view>

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

std::size_t hash_of(ByteView bytes) {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// The records that the page counts as its own. Fix-ups applied.
void records_of(ByteView page, const ntfs::SectorSet& bad, std::vector<Found>& out) {
  out.clear();
  const auto header = ntfs::decode_lfs_page_header(page);
  if (!header) return;
  const std::uint64_t array_end = le<std::uint16_t>(page, 4) + 2U * le<std::uint16_t>(page, 6);
  const auto data_at = static_cast<std::uint16_t>(std::max<std::uint64_t>((array_end + 7) / 8 * 8, ntfs::lfs_page_header_size));
  const auto geometry = ntfs::one_lap_geometry(static_cast<std::uint32_t>(page.size()), data_at);
  const bool end_known = header->next_record >= data_at && header->next_record <= page.size();
  for (std::uint64_t at = data_at; at + geometry.record_header_size <= page.size();) {
    const auto found = ntfs::decode_lfs_record_header(page, at, geometry);
    if (!found || bad.touches(at, geometry.record_header_size)) {
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

// Can these be records of a log that has those? `all_known`: it has them all.
bool agree(const Records& known, const std::vector<Found>& records, bool& all_known) {
  all_known = true;
  for (const Found& r : records) {
    const auto behind = known.upper_bound(r.header.lsn);
    if (behind != known.end() && behind->first < r.end) return false;
    if (behind == known.begin()) {
      all_known = false;
      continue;
    }
    const auto& [lsn, at] = *std::prev(behind);
    if (lsn == r.header.lsn && (at.hash != r.hash || at.end != r.end)) return false;
    if (lsn != r.header.lsn && at.end > r.header.lsn) return false;
    all_known = all_known && lsn == r.header.lsn;
  }
  return true;
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
  struct Group {
    LogPageGroup pages;
    Records records;
  };
  std::vector<Group> groups;
  std::size_t last = ~std::size_t{0};  // the group of the page that ends at `last_end`
  std::uint64_t last_end = 0;
  std::vector<std::byte> bytes;
  std::vector<Found> records;
  for (const LogPage& page : pages) {
    ++tally.pages;
    const bool behind = last < groups.size() && last_end == page.offset && groups[last].pages.page_size == page.size;
    bytes.resize(page.size);
    if (!source.read_at(page.offset, bytes)) {
      ++tally.unreadable;
      continue;
    }
    const ntfs::FixUp fix = ntfs::apply_fix_up(bytes);
    ntfs::SectorSet bad;
    for (std::size_t s = 0; s < bytes.size() / ntfs::fix_up_stride; ++s)
      if (fix.bad.contains(s) || fix.unchecked.contains(s)) bad.add(s);
    if (!bad.empty()) ++tally.torn;
    if (fix.array != ntfs::FixUpArray::expected || bad.contains(0)) continue;
    records_of(bytes, bad, records);
    std::size_t into = groups.size();
    Owner owner = Owner::unknown;
    if (records.empty()) {
      if (!behind) {
        ++tally.empty;
        continue;
      }
      into = last;
    } else {
      owner = owner_of(records, own);
      bool known = owner == Owner::own_whole;
      for (std::size_t i = 0; i < groups.size() && into == groups.size() && !known; ++i) {
        const bool same_kind = groups[i].pages.page_size == page.size && groups[i].pages.same_log == (owner == Owner::own);
        if (same_kind && agree(groups[i].records, records, known)) into = i;
      }
      if (known) {
        ++tally.repeated;
        continue;
      }
    }
    if (into == groups.size()) {
      if (groups.size() == most_page_groups) {
        ++tally.left_out;
        continue;
      }
      groups.push_back({{page.size, owner == Owner::own, {}}, {}});
    }
    groups[into].pages.pages.push_back(page.offset);
    for (const Found& r : records) groups[into].records.try_emplace(r.header.lsn, Known{r.end, r.hash});
    last = into;
    last_end = page.offset + page.size;
  }
  std::vector<LogPageGroup> out;
  for (Group& group : groups) out.push_back(std::move(group.pages));
  return out;
}

}  // namespace trimcarve::carvers
