#include "carvers/log_context.hpp"

#include <algorithm>

#include "ntfs/file_record.hpp"

namespace trimcarve::carvers {

namespace {

using ntfs::LogOperation;

bool cluster_size_possible(std::uint32_t size) noexcept { return size >= 512 && size <= (2U << 20) && (size & (size - 1)) == 0; }

}  // namespace

Place LogItem::place_of(std::uint64_t data, std::uint64_t length) const noexcept {
  Place place{StreamKind::log_file, log_file_entry, whole.offset, 0};
  const LogPiece* last = nullptr;
  for (const LogPiece& piece : bytes.pieces) {
    if (piece.data + piece.length <= data || piece.data >= data + length) continue;
    const std::uint64_t begin = std::max(piece.data, data), end = std::min(piece.data + piece.length, data + length);
    const std::uint64_t where = piece.offset + (begin - piece.data);
    if (last == nullptr) {
      place.offset = where;
    } else if (piece.offset < last->offset + last->length || piece.offset - last->offset - last->length >= 512) {
      break;  // not the page behind (less than a page header between): the place is what lies in the pages so far
    }
    place.length = where + (end - begin) - place.offset;
    last = &piece;
  }
  return place;
}

void LogContext::load(std::size_t index, LogItem& out) {
  out.at = reader_.records()[index];
  reader_.read(out.at, out.bytes, out.whole);
  out.record = out.at.restart ? std::nullopt : ntfs::decode_log_record(out.bytes.data);
}

bool LogContext::build(LogFileTally& tally) {
  const auto& records = reader_.records();
  cluster_size_ = cluster_size_possible(options_.cluster_size) ? options_.cluster_size : 0;
  transaction_.assign(records.size(), no_transaction);
  undone_.assign(records.size(), false);
  breaks_.resize(records.size());
  const std::uint64_t total = reader_.pages().slots * reader_.geometry().page_size;
  LogItem item;
  std::uint32_t missing = 0, breaks = 0;  // what cannot be read may have said anything, like what is missing
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (i % 4096 == 0 && options_.progress && !options_.progress(total, total)) return false;
    if (i != 0 && !records[i].follows) ++missing, ++breaks;
    breaks_[i] = breaks;
    load(i, item);
    if (item.at.restart) {
      ++tally.checkpoints;
      const auto checkpoint = ntfs::decode_log_checkpoint(item.bytes.data);
      if (checkpoint && cluster_size_ == 0 && cluster_size_possible(checkpoint->cluster_size)) cluster_size_ = checkpoint->cluster_size;
      continue;
    }
    if (!item.record) {
      ++tally.malformed;
      ++breaks;
      continue;
    }
    ++tally.redo[static_cast<std::size_t>(item.record->redo_operation)];
    see_tables(i, item, tally);
    see_transaction(i, item);
  }
  tally.breaks = missing;
  // A restart page may name a later record than the last that is left.
  // Behind carved pages others may have come.
  end_known_ = !reader_.carved() && !records.empty() && breaks == breaks_.back() && records.back().lsn >= reader_.stated_lsn();

  // Only now are targets and the cluster size known.
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].restart) continue;
    load(i, item);
    if (!item.record) continue;
    if (const auto structure = structure_of(item.at.lsn, *item.record)) changes_.emplace_back(*structure, static_cast<std::uint32_t>(i));
    see_sequence(i, item);
  }
  std::ranges::sort(changes_);
  std::ranges::sort(sequences_, {}, [](const Sequence& q) { return std::pair(q.entry, q.index); });

  tally.transactions = transactions_.size();
  for (const LogTransaction& t : transactions_) {
    if (t.outcome == LogOutcome::committed) ++tally.committed;
    if (t.outcome == LogOutcome::forgotten) ++tally.forgotten;
    if (t.outcome == LogOutcome::aborted) ++tally.aborted;
  }
  return true;
}

void LogContext::add_target(std::uint16_t target, std::uint64_t since, LogTarget&& found) {
  // A table dumped at each checkpoint repeats what is open, without the names.
  const auto [at, is_new] = targets_[target].try_emplace(since, found);
  LogTarget& known = at->second;
  if (!is_new && known.type == found.type && known.file == found.file) known.breaks = found.breaks;
  if (!is_new && found.name_known && !known.name_known) known = std::move(found);
}

void LogContext::see_sequence(std::size_t index, const LogItem& item) {
  const ntfs::LogRecord& record = *item.record;
  const auto entry = entry_of(record);
  if (!entry) return;
  // A record's number does not change while it is in use; it is raised when it is freed, and the next owner keeps that.
  const auto stated = [](ByteView header) -> std::optional<std::uint16_t> {
    if (header.size() < 24 || ntfs::record_signature(header) != ntfs::RecordSignature::file) return std::nullopt;
    const std::uint16_t sequence = le<std::uint16_t>(header, 16);
    return sequence != 0 ? std::optional(sequence) : std::nullopt;
  };
  Sequence found{*entry, static_cast<std::uint32_t>(index), {}, {}};
  if (record.redo_operation == LogOperation::initialize_file_record_segment) {
    found.after = stated(record.redo);
  } else if (record.redo_operation == LogOperation::deallocate_file_record_segment) {
    found.before = stated(record.undo);
  } else if (record.redo_operation == LogOperation::noop && record.undo_operation == LogOperation::initialize_file_record_segment) {
    found.before = found.after = stated(record.undo);
  } else {
    return;
  }
  sequences_.push_back(found);
}

std::optional<std::uint16_t> LogContext::sequence_of(std::uint64_t entry, std::size_t index) const noexcept {
  const auto key = [](const Sequence& q) { return std::pair(q.entry, std::size_t{q.index}); };
  const auto next = std::ranges::lower_bound(sequences_, std::pair(entry, index), {}, key);
  std::optional<std::uint16_t> before, after;
  if (next != sequences_.end() && next->entry == entry) {
    before = next->before;
    if (before && breaks_[next->index] == breaks_[index]) return before;
  }
  if (next != sequences_.begin() && std::prev(next)->entry == entry) {
    after = std::prev(next)->after;
    if (after && breaks_[std::prev(next)->index] == breaks_[index]) return after;
  }
  return before == after ? before : std::nullopt;
}

void LogContext::see_tables(std::size_t index, const LogItem& item, LogFileTally& tally) {
  const ntfs::LogRecord& record = *item.record;
  const std::uint32_t breaks = breaks_[index];
  switch (record.redo_operation) {
    case LogOperation::open_nonresident_attribute: {
      const auto open = ntfs::decode_open_attribute(record.redo);
      if (!open) break;
      // The name is in the undo data; no undo data: no name.
      add_target(record.target_attribute, item.at.lsn,
                 {open->type, open->file, !record.undo_missing(), ntfs::Units(record.undo).str(), breaks});
      break;
    }
    case LogOperation::open_attribute_table_dump: {
      ntfs::LogTableWalk walk(record.redo);
      ByteView entry;
      for (std::uint32_t offset = 0; walk.next(entry, offset);) {
        ++tally.open_attributes;
        const auto open = ntfs::decode_open_attribute(entry);
        if (!open || offset > 0xFFFF) continue;
        // It was open since it was opened, which may lie before the log's first record.
        const std::uint64_t since = open->open_lsn != 0 && open->open_lsn < item.at.lsn ? open->open_lsn : item.at.lsn;
        add_target(static_cast<std::uint16_t>(offset), since, {open->type, open->file, false, {}, breaks});
      }
      break;
    }
    case LogOperation::attribute_names_dump: {
      // Names belong to the table dumped just before, whose entries without one have no name, but which they are is not known for sure
      // when only one of the two dumps is left. So a name is added, never taken away.
      ntfs::AttributeNameWalk walk(record.redo);
      ntfs::Units name;
      for (std::uint16_t target = 0; walk.next(target, name);) {
        const auto list = targets_.find(target);
        if (list == targets_.end()) continue;
        LogTarget& newest = list->second.rbegin()->second;
        if (newest.name_known || (reader_.carved() && newest.breaks != breaks)) continue;
        newest.name_known = true;
        newest.name = name.str();
      }
      break;
    }
    case LogOperation::dirty_page_table_dump:
    case LogOperation::transaction_table_dump: {
      ntfs::LogTableWalk walk(record.redo);
      ByteView entry;
      const bool pages = record.redo_operation == LogOperation::dirty_page_table_dump;
      for (std::uint32_t offset = 0; walk.next(entry, offset);) {
        if (pages && ntfs::decode_dirty_page(entry)) ++tally.dirty_pages;
        if (!pages && ntfs::decode_active_transaction(entry)) ++tally.active_transactions;
      }
      break;
    }
    default: break;
  }
}

void LogContext::see_transaction(std::size_t index, const LogItem& item) {
  const LogRecordAt& at = item.at;
  const ntfs::LogRecord& record = *item.record;
  if (at.transaction == 0) return;
  OpenTransaction& open = open_[at.transaction];
  // A number is used again and again. Its first record has nothing before it; one whose predecessor is older than what is open belongs to a
  // transaction that began before.
  const bool goes_on = open.number != no_transaction && at.previous != 0 && at.previous >= transactions_[open.number].first_lsn;
  if (!goes_on) {
    open = {};
    open.number = static_cast<std::uint32_t>(transactions_.size());
    transactions_.push_back({at.lsn, LogOutcome::unknown});
  }
  transaction_[index] = open.number;
  LogTransaction& transaction = transactions_[open.number];
  open.last_lsn = at.lsn;
  switch (record.redo_operation) {
    case LogOperation::commit_transaction: transaction.outcome = LogOutcome::committed; return;
    case LogOperation::forget_transaction:
      if (transaction.outcome == LogOutcome::unknown)
        transaction.outcome = open.undone_something && open.standing.empty() ? LogOutcome::aborted : LogOutcome::forgotten;
      open = {};
      return;
    default: break;
  }
  if (record.undo_operation == LogOperation::compensation_log_record) {
    // It takes back everything behind undo_next that still stood. Without a redo operation it only ends a nested action, which then
    // stands whatever becomes of the rest.
    while (!open.standing.empty() && reader_.records()[open.standing.back()].lsn > at.undo_next) {
      if (record.redo_operation != LogOperation::noop) {
        undone_[open.standing.back()] = true;
        open.undone_something = true;
      }
      open.standing.pop_back();
    }
    return;
  }
  if (record.redo_operation != LogOperation::noop) open.standing.push_back(static_cast<std::uint32_t>(index));
}

std::uint32_t LogContext::record_size(const ntfs::LogRecord& record) const noexcept {
  const auto possible = [](std::uint32_t size) { return size >= 512 && size <= ntfs::max_record_size && (size & (size - 1)) == 0; };
  if (possible(options_.record_size)) return options_.record_size;
  // Windows makes records of 1 KiB, or 4 KiB on disks of such sectors.
  const std::uint32_t stated = record.target_block_size * 512U;
  return possible(stated) && stated <= 4096 ? stated : 1024;
}

std::optional<std::uint64_t> LogContext::block_offset(const ntfs::LogRecord& record) const noexcept {
  // No volume has more clusters than fit 63 bits of bytes; a VCN beyond is none.
  if (cluster_size_ == 0 || record.target_vcn >= (std::uint64_t{1} << 40)) return std::nullopt;
  return record.target_vcn * cluster_size_ + record.cluster_block_offset * std::uint64_t{512};
}

std::optional<std::uint64_t> LogContext::entry_of(const ntfs::LogRecord& record) const noexcept {
  if (!ntfs::changes_file_record(record.redo_operation) && !ntfs::changes_file_record(record.undo_operation)) return std::nullopt;
  const auto offset = block_offset(record);
  if (!offset) return std::nullopt;
  const std::uint64_t entry = *offset / record_size(record);
  return entry <= 0xFFFF'FFFE ? std::optional(entry) : std::nullopt;
}

const LogTarget* LogContext::target_of(std::uint64_t lsn, std::uint16_t target) const noexcept {
  const auto list = targets_.find(target);
  if (list == targets_.end()) return nullptr;
  const auto behind = list->second.upper_bound(lsn);
  if (behind == list->second.begin()) return nullptr;
  const LogTarget& found = std::prev(behind)->second;
  if (reader_.carved()) {
    const auto at = std::ranges::lower_bound(reader_.records(), lsn, {}, &LogRecordAt::lsn);
    if (at == reader_.records().end() || breaks_[static_cast<std::size_t>(at - reader_.records().begin())] != found.breaks) return nullptr;
  }
  return &found;
}

std::optional<LogStructure> LogContext::structure_of(std::uint64_t lsn, const ntfs::LogRecord& record) const noexcept {
  if (const auto entry = entry_of(record)) return LogStructure{*entry, LogStructure::file_record};
  if (!ntfs::changes_attribute_data(record.redo_operation)) return std::nullopt;
  const LogTarget* target = target_of(lsn, record.target_attribute);
  const auto offset = block_offset(record);
  if (target == nullptr || !offset || !target->directory_index()) return std::nullopt;
  return LogStructure{target->file.entry(), *offset};
}

const LogTransaction* LogContext::transaction_of(std::size_t index) const noexcept {
  return transaction_[index] == no_transaction ? nullptr : &transactions_[transaction_[index]];
}

std::vector<std::uint32_t> LogContext::changes_of(const LogStructure& structure) const {
  std::vector<std::uint32_t> found;
  for (auto at = std::ranges::lower_bound(changes_, std::pair(structure, std::uint32_t{0})); at != changes_.end(); ++at) {
    if (at->first != structure) break;
    found.push_back(at->second);
  }
  return found;
}

}  // namespace trimcarve::carvers
