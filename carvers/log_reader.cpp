#include "carvers/log_reader.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace trimcarve::carvers {

namespace {

constexpr std::size_t chunk_size = std::size_t{1} << 20;
// Pages that may be the same page of the log: itself, and a copy in each page before the first of LFS 2.0. More are not looked at.
constexpr int most_copies = 64;
constexpr std::size_t poll_every = 4096;  // records

constexpr std::uint64_t padded(std::uint64_t length) noexcept { return (length + 7) & ~std::uint64_t{7}; }

// Sectors of [begin, begin + size) that could not be read.
void add_unread(const std::vector<Unread>& unread, std::uint64_t begin, std::uint64_t size, ntfs::SectorSet& bad) {
  for (const Unread& u : unread) {
    if (u.offset >= begin + size || u.offset + u.length <= begin) continue;
    const std::uint64_t first = std::max(u.offset, begin) - begin, end = std::min(u.offset + u.length, begin + size) - begin;
    for (std::uint64_t s = first / ntfs::fix_up_stride; s * ntfs::fix_up_stride < end; ++s) bad.add(static_cast<std::size_t>(s));
  }
}

// Where the part of [offset, offset + length) ends that lies in good sectors from its start on.
std::uint64_t good_length(const ntfs::SectorSet& bad, std::uint64_t offset, std::uint64_t length) noexcept {
  if (bad.empty()) return length;
  for (std::uint64_t s = offset / ntfs::fix_up_stride; s * ntfs::fix_up_stride < offset + length; ++s)
    if (bad.contains(static_cast<std::size_t>(s))) return std::max(s * ntfs::fix_up_stride, offset) - offset;
  return length;
}

}  // namespace

std::string_view to_string(LogState state) noexcept {
  switch (state) {
    case LogState::read: return "read";
    case LogState::untouched: return "untouched";
    case LogState::unknown_version: return "unknown_version";
    case LogState::none: return "none";
  }
  return "unknown";
}

bool LogReader::take_restart(std::uint64_t offset, std::uint32_t size) {
  if (!fits(log_.size(), offset, size)) return false;
  std::vector<std::byte> page(size);
  unread_.clear();
  read_tolerant(log_, offset, page, unread_);
  const ntfs::FixUp fix = ntfs::apply_fix_up(page);
  // What is read of it lies in its first sector, nearly always; a torn one behind costs nothing.
  if (fix.bad.contains(0) || !unread_.empty()) return false;
  const auto restart = ntfs::decode_lfs_restart(page);
  if (!restart) return false;
  if (!ntfs::lfs_version_known(restart->version)) {
    if (state_ == LogState::none) {
      state_ = LogState::unknown_version;
      geometry_.version = restart->version;
    }
    return true;
  }
  const auto geometry = ntfs::geometry_of(*restart);
  if (!geometry) return false;
  ++pages_.restart;
  // Two restart pages are written in turns; the one that knows the newer LSN counts.
  if (state_ == LogState::read && restart->current_lsn < newest_restart_) return true;
  state_ = LogState::read;
  newest_restart_ = restart->current_lsn;
  geometry_ = *geometry;
  clean_ = (restart->flags & 2U) != 0;
  return true;
}

void LogReader::read_restart_pages() {
  // A restart page says how long it is; where the first is lost every size is tried for the second.
  for (std::uint32_t size = 512; size <= ntfs::max_record_size; size *= 2) {
    std::array<std::byte, 512> head{};
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{size}}) {
      if (!fits(log_.size(), offset, head.size()) || !log_.read_at(offset, head)) continue;
      if (ntfs::lfs_signature(head) == ntfs::LfsSignature::restart && le<std::uint32_t>(head, 16) == size) take_restart(offset, size);
    }
  }
  if (state_ != LogState::none) return;
  // No restart page: the update sequence array of the first record page tells the page size; the rest is as Windows sets it.
  std::array<std::byte, 512> head{};
  for (std::uint64_t at = 0; fits(log_.size(), at, head.size()) && at < chunk_size; at += head.size()) {
    if (!log_.read_at(at, head) || ntfs::lfs_signature(head) != ntfs::LfsSignature::record) continue;
    const std::uint32_t size = (le<std::uint16_t>(head, 6) - 1U) * std::uint32_t{ntfs::fix_up_stride};
    if (size < 1024 || size > ntfs::max_record_size || (size & (size - 1)) != 0 || at % size != 0) continue;
    geometry_.page_size = size;
    geometry_.data_offset =
        static_cast<std::uint16_t>(std::max<std::uint64_t>(padded(le<std::uint16_t>(head, 4) + 2U * le<std::uint16_t>(head, 6)), 64));
    if (geometry_.data_offset + std::uint32_t{geometry_.record_header_size} > size) continue;
    geometry_.file_size = log_.size();
    geometry_.sequence_bits = ntfs::usual_sequence_bits(log_.size());
    geometry_.version = {1, 1};
    guessed_ = true;
    state_ = LogState::read;
    return;
  }
}

// As the first page has it; the others are of the same size, so their update sequence arrays are, too.
void LogReader::take_carved_geometry() {
  std::array<std::byte, 8> head{};
  for (const Extent& extent : log_.extents(0, log_.size())) {
    if (extent.kind != ExtentKind::data || !log_.read_at(extent.offset, head)) continue;
    const std::uint64_t data = std::max<std::uint64_t>(padded(le<std::uint16_t>(head, 4) + 2U * le<std::uint16_t>(head, 6)), 64);
    if (data + ntfs::lfs_record_header_size > carved_page_size_) continue;
    geometry_ = ntfs::one_lap_geometry(carved_page_size_, static_cast<std::uint16_t>(data));
    guessed_ = true;
    state_ = LogState::read;
    return;
  }
}

bool LogReader::scan(const ProgressSink& progress) {
  carved() ? take_carved_geometry() : read_restart_pages();
  if (carved() && state_ != LogState::read) return true;
  const std::uint64_t total = log_.size();
  if (state_ == LogState::unknown_version) return true;
  const std::uint64_t page_size = geometry_.page_size;
  pages_.slots = total / page_size;
  std::vector<std::byte> buffer;
  std::uint64_t next_slot = 0;
  bool stopped = false;
  for (const Extent& extent : log_.extents(0, total)) {
    if (extent.kind != ExtentKind::data && extent.kind != ExtentKind::unreadable) {
      gaps_.add(extent.offset, extent.length, GapKind::hole);
      pages_.holes += extent.length / page_size;
      continue;
    }
    std::uint64_t slot = std::max(next_slot, extent.offset / page_size);
    const std::uint64_t end = std::min(pages_.slots, (extent.offset + extent.length + page_size - 1) / page_size);
    while (slot < end && !stopped) {
      if (progress && !progress(slot * page_size, total)) {
        stopped = true;
        break;
      }
      const std::uint64_t count = std::min<std::uint64_t>(end - slot, chunk_size / page_size);
      buffer.resize(static_cast<std::size_t>(count * page_size));
      unread_.clear();
      read_tolerant(log_, slot * page_size, buffer, unread_);
      for (std::uint64_t i = 0; i < count; ++i)
        scan_page(slot + i, std::span(buffer).subspan(static_cast<std::size_t>(i * page_size), static_cast<std::size_t>(page_size)));
      slot += count;
    }
    next_slot = std::max(next_slot, slot);
    if (stopped) break;
  }
  if (state_ == LogState::none && pages_.untouched != 0) state_ = LogState::untouched;
  if (!stopped) return choose(progress) && mark_followers(progress);
  choose({});
  mark_followers({});
  return false;
}

void LogReader::scan_page(std::uint64_t slot, std::span<std::byte> page) {
  const std::uint64_t offset = slot * page.size();
  ntfs::SectorSet bad;
  add_unread(unread_, offset, page.size(), bad);
  if (bad.count() * ntfs::fix_up_stride >= page.size()) {
    ++pages_.unreadable;
    gaps_.add(offset, page.size(), GapKind::unreadable);
    return;
  }
  switch (ntfs::lfs_signature(page)) {
    case ntfs::LfsSignature::restart:
      if (slot >= geometry_.restart_pages || carved()) {
        ++pages_.garbage;
        gaps_.add(offset, page.size(), GapKind::garbage);
      }
      return;
    case ntfs::LfsSignature::untouched: ++pages_.untouched; return;
    case ntfs::LfsSignature::record: break;
    case ntfs::LfsSignature::none: {
      const bool zero = all_zero(page);
      zero ? ++pages_.zero : ++pages_.garbage;
      gaps_.add(offset, page.size(), zero ? GapKind::zero : GapKind::garbage);
      return;
    }
  }
  ++pages_.record;
  if (geometry_.sequence_bits == 0) return;
  const ntfs::FixUp fix = ntfs::apply_fix_up(page);
  for (std::size_t s = 0; s < page.size() / ntfs::fix_up_stride; ++s)
    if (fix.bad.contains(s) || fix.unchecked.contains(s)) bad.add(s);
  if (!bad.empty()) {
    ++pages_.torn;
    for (std::size_t s = 0; s < page.size() / ntfs::fix_up_stride; ++s)
      if (bad.contains(s)) gaps_.add(offset + s * ntfs::fix_up_stride, ntfs::fix_up_stride, GapKind::garbage);
    if (bad.contains(0)) return;
  }
  const auto header = ntfs::decode_lfs_page_header(page);
  if (header) records_of(slot, page, bad, *header);
}

void LogReader::records_of(std::uint64_t slot, ByteView page, const ntfs::SectorSet& bad, const ntfs::LfsPageHeader& header) {
  Instance instance;
  instance.slot = slot;
  instance.home = slot;
  instance.next_record = header.next_record;
  instance.newest = header.last_lsn;
  instance.last_end = header.last_end_lsn;
  const bool end_known = header.next_record >= geometry_.data_offset && header.next_record <= page.size();
  for (std::uint64_t at = geometry_.data_offset; at + geometry_.record_header_size <= page.size();) {
    const auto found = ntfs::decode_lfs_record_header(page, at, geometry_);
    if (!found) {
      at += 8;
      continue;
    }
    if (bad.touches(at, geometry_.record_header_size)) {
      ++torn_records_;
      at += 8;
      continue;
    }
    // The free space begins behind the last record that ends in the page; one that goes on in the next begins just there.
    const std::uint64_t room = page.size() - at - geometry_.record_header_size;
    const bool goes_on = at == header.next_record && found->data_length > room && found->lsn > header.last_end_lsn;
    const bool stale = end_known && at >= header.next_record && !goes_on;
    const std::uint64_t home = geometry_.page_of(found->lsn);
    if (instance.first_lsn == 0 && !stale) {
      instance.first_lsn = found->lsn;
      instance.first_offset = static_cast<std::uint16_t>(at);
      instance.home = home;
    }
    LogRecordAt record;
    record.lsn = found->lsn;
    record.previous = found->previous;
    record.undo_next = found->undo_next;
    record.offset = slot * geometry_.page_size + at;
    record.data_length = found->data_length;
    record.transaction = found->transaction;
    record.restart = found->type == ntfs::lfs_record_type::client_restart;
    record.stale = stale;
    const std::uint64_t here = std::min<std::uint64_t>(room, found->data_length);
    record.cut = good_length(bad, at + geometry_.record_header_size, here) != here;
    records_.push_back(record);
    at += geometry_.record_header_size + padded(found->data_length);
  }
  if (instance.first_lsn == 0 && carved()) {
    // No record begins in it: it is behind the page before it, where that is there.
    const bool behind = !instances_.empty() && instances_.back().slot + 1 == slot;
    instance.home = behind ? instances_.back().home + 1 : geometry_.pages();
  } else if (instance.first_lsn == 0) {
    // No record begins in it: a copy says where it belongs. Else it is where it lies.
    const std::uint64_t stated = header.file_offset != 0 ? header.file_offset : header.last_lsn;
    if (slot < geometry_.first_page({2, 0}) && stated % geometry_.page_size == 0 && stated / geometry_.page_size >= 4 &&
        stated / geometry_.page_size < geometry_.pages())
      instance.home = stated / geometry_.page_size;
  }
  if (instance.home != slot && !carved()) ++pages_.copies;
  instances_.push_back(instance);
}

// The page that goes on with a record of which `rest` bytes are missing. A page of the same lap in which the next record begins behind
// them, or one that says itself that this record is the newest in it.
const LogReader::Instance* LogReader::continuation(std::uint64_t home, std::uint64_t lap, std::uint64_t lsn, std::uint64_t rest) {
  const std::uint64_t capacity = geometry_.page_size - geometry_.data_offset;
  const std::uint64_t end = geometry_.data_offset + padded(std::min(rest, capacity));
  auto at = std::ranges::lower_bound(instances_, home, {}, &Instance::home);
  for (int looked_at = 0; at != instances_.end() && at->home == home; ++at) {
    if (++looked_at > most_copies) {
      ++crowded_;
      return nullptr;
    }
    if (at->claimed) continue;
    const bool next_begins = at->first_lsn > lsn && geometry_.lap_of(at->first_lsn) == lap && at->first_offset >= end;
    const bool ends_here = at->first_lsn == 0 && at->last_end == lsn && rest <= capacity && at->next_record >= end;
    const bool passes = at->first_lsn == 0 && at->newest == lsn;
    if (next_begins || ends_here || passes) {
      at->claimed = true;
      return &*at;
    }
  }
  return nullptr;
}

void LogReader::complete(LogRecordAt& record) {
  if (record.cut) return;
  const std::uint64_t in_page = record.offset % geometry_.page_size + geometry_.record_header_size;
  const std::uint64_t room = geometry_.page_size - in_page;
  if (record.data_length <= room) return;
  std::uint64_t rest = record.data_length - room;
  std::uint64_t home = geometry_.page_of(record.lsn), lap = geometry_.lap_of(record.lsn);
  record.next_pages = static_cast<std::uint32_t>(next_pages_.size());
  const std::uint64_t crowded = crowded_;
  while (rest != 0) {
    const Instance* next = nullptr;
    if (home + 1 < geometry_.pages()) {
      next = continuation(++home, lap, record.lsn, rest);
    } else {
      // After a downgrade the wrap before it was that of the other version.
      ++lap;
      for (const std::uint16_t major : {geometry_.version.major, static_cast<std::uint16_t>(3 - geometry_.version.major)}) {
        home = geometry_.first_page({major, 0});
        if (next == nullptr) next = continuation(home, lap, record.lsn, rest);
        if (next != nullptr) break;
      }
    }
    if (next == nullptr) break;
    next_pages_.push_back(next->slot);
    ++record.next_count;
    rest -= std::min<std::uint64_t>(rest, geometry_.page_size - geometry_.data_offset);
  }
  record.cut = rest != 0;
  crowded_ = crowded + (record.cut && crowded_ != crowded ? 1 : 0);
}

bool LogReader::choose(const ProgressSink& progress) {
  // At its own place before a copy, what its page counts before what it does not.
  std::ranges::sort(instances_, {}, [](const Instance& i) { return std::tuple(i.home, i.slot != i.home, i.slot); });
  const auto rank = [&](const LogRecordAt& r) {
    const std::uint64_t slot = r.offset / geometry_.page_size;
    return std::tuple(r.lsn, r.stale, r.cut, slot != geometry_.page_of(r.lsn), slot);
  };
  std::ranges::sort(records_, {}, rank);
  std::size_t kept = 0;
  bool stopped = false;
  for (std::size_t i = 0; i < records_.size();) {
    if (kept % poll_every == 0 && progress && !progress(log_.size(), log_.size())) {
      stopped = true;
      break;
    }
    std::size_t end = i + 1;
    while (end < records_.size() && records_[end].lsn == records_[i].lsn) ++end;
    // A continuation does not depend on which copy of the first page it was found from, so the best copy is the first.
    LogRecordAt best = records_[i];
    complete(best);
    duplicates_ += end - i - 1;
    records_[kept++] = best;
    i = end;
  }
  records_.resize(kept);
  records_.shrink_to_fit();
  return !stopped;
}

bool LogReader::mark_followers(const ProgressSink& progress) {
  // Where the records of the page in each slot end, as it or a newer copy of it says.
  std::unordered_map<std::uint64_t, std::uint16_t> ends_of;  // by the page's first record
  for (const Instance& i : instances_)
    if (i.first_lsn != 0) ends_of[i.first_lsn] = std::max(ends_of[i.first_lsn], i.next_record);
  std::vector<std::uint16_t> ends(static_cast<std::size_t>(pages_.slots));
  for (const Instance& i : instances_) ends[i.slot] = i.first_lsn != 0 ? ends_of[i.first_lsn] : i.next_record;
  const std::uint64_t capacity = geometry_.page_size - geometry_.data_offset;
  for (std::size_t i = 1; i < records_.size(); ++i) {
    if (i % poll_every == 0 && progress && !progress(log_.size(), log_.size())) return false;
    const LogRecordAt& last = records_[i - 1];
    std::uint64_t page = geometry_.page_of(last.lsn), lap = geometry_.lap_of(last.lsn);
    std::uint64_t end = geometry_.offset_of(last.lsn) % geometry_.page_size + geometry_.record_header_size + padded(last.data_length);
    const auto turn = [&] {
      if (++page < geometry_.pages()) return;
      page = 0;  // behind the wrap, wherever the version lets it begin
      ++lap;
    };
    while (end > geometry_.page_size) {
      turn();
      end = geometry_.data_offset + (end - geometry_.page_size);
      if (end - geometry_.data_offset > capacity * geometry_.pages()) break;
    }
    LogRecordAt& next = records_[i];
    const std::uint64_t next_page = geometry_.page_of(next.lsn), next_at = geometry_.offset_of(next.lsn) % geometry_.page_size;
    const auto is_page = [&] {
      if (geometry_.lap_of(next.lsn) != lap) return false;
      return next_page == page || (page < 4 && (next_page == geometry_.first_page({1, 1}) || next_page == geometry_.first_page({2, 0})));
    };
    next.follows = is_page() && next_at == end;
    if (next.follows) continue;
    // The rest of a page may stay unused: when no record's header has room in it, or the page says that its records end there.
    const bool full = geometry_.page_size - end < geometry_.record_header_size;
    const bool in_one = last.data_length <= geometry_.page_size - last.offset % geometry_.page_size - geometry_.record_header_size;
    const std::uint64_t slot =
        last.next_count == 0 ? last.offset / geometry_.page_size : next_pages_[last.next_pages + last.next_count - 1U];
    const bool last_seen = !last.stale && (in_one || !last.cut);
    if (!full && (!last_seen || ends[slot] < geometry_.data_offset || ends[slot] > end)) continue;
    turn();
    next.follows = is_page() && next_at == geometry_.data_offset;
  }
  return true;
}

const LogReader::Page& LogReader::page_at(std::uint64_t slot) {
  for (const Page& page : cache_)
    if (page.slot == slot) return page;
  Page& page = cache_[cache_next_++ % cache_.size()];
  page.slot = slot;
  page.bytes.resize(geometry_.page_size);
  page.bad = {};
  unread_.clear();
  read_tolerant(log_, slot * geometry_.page_size, page.bytes, unread_);
  const ntfs::FixUp fix = ntfs::apply_fix_up(page.bytes);
  add_unread(unread_, slot * geometry_.page_size, geometry_.page_size, page.bad);
  for (std::size_t s = 0; s < page.bytes.size() / ntfs::fix_up_stride; ++s)
    if (fix.bad.contains(s) || fix.unchecked.contains(s)) page.bad.add(s);
  return page;
}

void LogReader::read(const LogRecordAt& record, LogBytes& out, Place& whole) {
  out.data.clear();
  out.pieces.clear();
  std::uint64_t rest = record.data_length;
  // False when the rest of the record is not there.
  const auto take = [&](std::uint64_t slot, std::uint64_t at) {
    const Page& page = page_at(slot);
    const std::uint64_t wanted = std::min<std::uint64_t>(rest, page.bytes.size() - at);
    const std::uint64_t good = good_length(page.bad, at, wanted);
    if (good != 0) {
      out.pieces.push_back({out.data.size(), slot * geometry_.page_size + at, good});
      const auto first = page.bytes.begin() + static_cast<std::ptrdiff_t>(at);
      out.data.insert(out.data.end(), first, first + static_cast<std::ptrdiff_t>(good));
    }
    rest -= good;
    return good == wanted;
  };
  const std::uint64_t slot = record.offset / geometry_.page_size;
  bool more = take(slot, record.offset % geometry_.page_size + geometry_.record_header_size);
  for (std::uint16_t i = 0; more && i < record.next_count; ++i) more = take(next_pages_[record.next_pages + i], geometry_.data_offset);
  whole = {StreamKind::log_file, log_file_entry, record.offset, geometry_.record_header_size};
  std::uint64_t page = slot;
  for (const LogPiece& piece : out.pieces) {
    const std::uint64_t at = piece.offset / geometry_.page_size;
    if (at != page && at != page + 1) break;
    page = at;
    whole.length = piece.offset + piece.length - record.offset;
  }
}

std::optional<std::size_t> LogReader::record_at(std::uint64_t offset) {
  if (by_offset_.empty()) {
    for (std::uint32_t i = 0; i < records_.size(); ++i) {
      by_offset_.emplace_back(records_[i].offset, i);
      for (std::uint32_t n = 0; n < records_[i].next_count; ++n)
        by_offset_.emplace_back(next_pages_[records_[i].next_pages + n] * geometry_.page_size, i);
    }
    std::ranges::sort(by_offset_);
  }
  const auto behind = std::ranges::upper_bound(by_offset_, offset, {}, [](const auto& pair) { return pair.first; });
  if (behind == by_offset_.begin()) return std::nullopt;
  const auto found = std::prev(behind);
  if (found->first / geometry_.page_size != offset / geometry_.page_size) return std::nullopt;
  return found->second;
}

bool LogReader::read_fixed(std::uint64_t offset, std::span<std::byte> out) {
  for (std::size_t done = 0; done < out.size();) {
    const std::uint64_t at = offset + done, in_page = at % geometry_.page_size;
    if (at >= log_.size() || !fits(log_.size(), at - in_page, geometry_.page_size)) return false;
    const Page& page = page_at(at / geometry_.page_size);
    const std::size_t length = std::min<std::size_t>(out.size() - done, page.bytes.size() - static_cast<std::size_t>(in_page));
    if (page.bad.touches(in_page, length)) return false;
    std::copy_n(page.bytes.begin() + static_cast<std::ptrdiff_t>(in_page), length, out.begin() + static_cast<std::ptrdiff_t>(done));
    done += length;
  }
  return true;
}

}  // namespace trimcarve::carvers
