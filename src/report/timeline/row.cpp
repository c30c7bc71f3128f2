#include "report/timeline/row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "report/kinds.hpp"
#include "report/usn_reasons.hpp"

namespace trimcarve::report {

namespace {

constexpr std::uint32_t data_type_code = 0x80;

// Not within a character.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

void take_sighting(const TimelineEntry& entry, RowFacts& facts) {
  const Sighting& s = *entry.sighting;
  facts.source = s.source;
  facts.integrity = s.integrity;
  facts.lsn = s.lsn;
  if (entry.name != nullptr) {
    facts.parent = entry.name->parent;
    facts.parent_known = entry.name->parent_known;
  }
  switch (entry.kind) {
    case EntryKind::standard_information:
      facts.attributes = s.file_attributes;
      facts.has_attributes = true;
      facts.usn = s.standard_usn;
      for (const StreamFact& stream : s.streams)
        if (stream.type == data_type_code && stream.length == 0 && stream.start_vcn == 0 && stream.sizes_known)
          facts.size = stream.size, facts.has_size = true;
      break;
    case EntryKind::file_name:
      facts.attributes = entry.name->attributes;
      facts.size = entry.name->size;
      facts.has_attributes = facts.has_size = true;
      break;
    case EntryKind::journal:
      facts.attributes = s.usn.attributes;
      facts.has_attributes = true;
      facts.usn = s.usn.usn;
      facts.reasons = s.usn.reason;
      break;
    case EntryKind::statement:
      facts.deed = s.statement->deed;
      facts.zone_stated = s.statement->zone_stated;
      break;
    default: break;
  }
}

// What a statement says, in the first of its members that tells people something.
std::string_view text_of(const Statement& s) {
  for (const std::string* text : {&s.text, &s.command, &s.path, &s.process, &s.status, &s.handler})
    if (!text->empty()) return *text;
  return {};
}

std::string_view place_of(const RowFacts& facts) {
  switch (facts.source) {
    case SourceKind::mft: return "";
    case SourceKind::record_slack: return ", record slack";
    case SourceKind::index: return ", directory index";
    case SourceKind::index_slack: return ", index slack";
    case SourceKind::log_file: return ", $LogFile";
    case SourceKind::free_space: return ", free space";
    default: return "";
  }
}

std::string_view what_happened(Which which) {
  switch (which) {
    case Which::created: return "created";
    case Which::modified: return "content modified";
    case Which::changed: return "record changed";
    case Which::accessed: return "accessed";
    default: return "";
  }
}

template <class... Args>
void put(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

}  // namespace

void pack(const TimelineEntry& entry, std::string& out) {
  RowFacts facts;
  facts.kind = entry.kind;
  facts.times = entry.times;
  facts.time = entry.time;
  facts.until = entry.until;
  facts.volume = entry.volume;
  facts.reference = entry.reference;
  facts.reference_known = entry.reference_known;
  facts.path_known = entry.path_known;
  facts.deleted = entry.deleted;
  facts.reused = entry.reused;
  facts.directory = entry.is_directory;
  facts.range = entry.range;
  facts.has_source = entry.sighting != nullptr;
  std::string_view detail = entry.detail, event;
  if (entry.sighting != nullptr) {
    take_sighting(entry, facts);
    if (const Statement* statement = entry.sighting->statement.get(); statement != nullptr && entry.kind == EntryKind::statement) {
      detail = text_of(*statement);
      event = statement->event;
    }
  }
  const std::array texts{entry.directory, entry.file_name, entry.file_name_hex, cut(detail, longest_detail), cut(event, longest_detail)};
  for (std::size_t i = 0; i < texts.size(); ++i) facts.lengths[i] = static_cast<std::uint32_t>(texts[i].size());
  out.append(reinterpret_cast<const char*>(&facts), sizeof facts);
  for (const std::string_view text : texts) out.append(text);
}

std::size_t packed_size(const char* bytes) {
  RowFacts facts;
  std::memcpy(&facts, bytes, sizeof facts);
  std::size_t size = sizeof facts;
  for (const std::uint32_t length : facts.lengths) size += length;
  return size;
}

Row unpack(const char* bytes) {
  Row row;
  std::memcpy(&row.facts, bytes, sizeof row.facts);
  bytes += sizeof row.facts;
  std::size_t i = 0;
  for (std::string_view* text : {&row.directory, &row.file_name, &row.name_hex, &row.detail, &row.event}) {
    *text = {bytes, row.facts.lengths[i]};
    bytes += row.facts.lengths[i++];
  }
  return row;
}

std::string_view data_type(const RowFacts& facts) noexcept {
  switch (facts.kind) {
    case EntryKind::standard_information:
    case EntryKind::file_name: return "fs:stat:ntfs";
    case EntryKind::journal: return "fs:ntfs:usn_change";
    case EntryKind::log_deletion: return "trimcarve:log_deletion";
    case EntryKind::statement: return "trimcarve:statement";
    case EntryKind::deletion: return "trimcarve:deletion";
    case EntryKind::step: return "trimcarve:story";
  }
  return "trimcarve:story";
}

std::string_view timestamp_desc(const RowFacts& facts, Which which) noexcept {
  switch (which) {
    case Which::created: return "Creation Time";
    case Which::modified: return "Content Modification Time";
    case Which::changed: return "Metadata Modification Time";
    case Which::accessed: return "Last Access Time";
    default: break;
  }
  const bool begins = which == Which::at && facts.until != no_time && facts.until != facts.time;
  switch (facts.kind) {
    case EntryKind::journal: return "Metadata Modification Time";
    case EntryKind::log_deletion:
    case EntryKind::deletion:
      if (which == Which::until) return "Deletion Time (latest)";
      return facts.until == facts.time ? "Deletion Time" : "Deletion Time (earliest)";
    case EntryKind::step: return which == Which::until ? "Event Time (latest)" : begins ? "Event Time (earliest)" : "Event Time";
    default: return facts.source == SourceKind::registry ? "Content Modification Time" : "Recorded Time";
  }
}

void append_path(std::string& out, const Row& row) {
  out += row.directory;
  if (row.facts.kind == EntryKind::step && row.file_name.empty()) return;
  if (row.facts.volume != no_volume || row.facts.kind != EntryKind::statement)
    out += '\\';
  else if (!row.directory.empty())
    out += '/';  // given by the examiner: of the machine that this runs on
  out += row.file_name;
}

void append_message(std::string& out, const Row& row) {
  const RowFacts& facts = row.facts;
  if (facts.kind == EntryKind::step) {
    out += row.detail;
    return;
  }
  append_path(out, row);
  if (facts.reused)
    out += " (deleted, its record reused)";
  else if (facts.deleted)
    out += " (deleted)";
  out += ": ";
  switch (facts.kind) {
    case EntryKind::standard_information: put(out, "{} ($STANDARD_INFORMATION{})", what_happened(row.which), place_of(facts)); break;
    case EntryKind::file_name: put(out, "{} ($FILE_NAME{})", what_happened(row.which), place_of(facts)); break;
    case EntryKind::journal: {
      const std::size_t begin = out.size();
      each_reason(facts.reasons, [&](std::string_view name) {
        if (out.size() > begin) out += '|';
        out += name;
      });
      if (out.size() == begin) put(out, "reason {:#x}", facts.reasons);
      put(out, " (USN {}{})", facts.usn, facts.source == SourceKind::log_file ? ", $LogFile" : "");
      break;
    }
    case EntryKind::log_deletion:
      put(out, "deleted {} this time (its record was freed: LSN {} in $LogFile)", row.which == Which::until ? "before" : "after",
          facts.lsn);
      break;
    case EntryKind::deletion:
      put(out, "deleted {} this time ({})", facts.until == facts.time ? "at" : row.which == Which::until ? "before" : "after", row.detail);
      break;
    case EntryKind::statement: {
      constexpr std::size_t longest = 512;
      out += to_string(facts.deed);
      if (!row.event.empty()) put(out, " [{}]", row.event);
      if (!row.detail.empty()) {
        const std::string_view text = cut(row.detail, longest);
        put(out, ": {}{}", text, text.size() < row.detail.size() ? "\u2026" : "");
      }
      break;
    }
    case EntryKind::step: break;
  }
  if (facts.has_source && facts.integrity != Integrity::good) put(out, " [{}]", to_string(facts.integrity));
}

void IsoTimes::append(std::string& out, FileTime time) {
  constexpr std::uint64_t day_ticks = 86'400 * ticks_per_second;
  if (time.ticks / day_ticks != day_) {
    day_ = time.ticks / day_ticks;
    date_ = to_iso8601(time);
    date_.resize(date_.find('T') + 1);
  }
  out += date_;
  const std::uint64_t ticks = time.ticks % day_ticks;
  char text[] = "00:00:00.0000000Z";
  const auto two = [&text](std::size_t at, std::uint64_t value) {
    text[at] = static_cast<char>('0' + value / 10);
    text[at + 1] = static_cast<char>('0' + value % 10);
  };
  const std::uint64_t seconds = ticks / ticks_per_second;
  two(0, seconds / 3600);
  two(3, seconds / 60 % 60);
  two(6, seconds % 60);
  std::uint64_t fraction = ticks % ticks_per_second;
  for (std::size_t at = 15; at > 8; --at, fraction /= 10) text[at] = static_cast<char>('0' + fraction % 10);
  out.append(text, sizeof text - 1);
}

std::int64_t unix_microseconds(FileTime time) noexcept {
  return static_cast<std::int64_t>(time.ticks / 10) - static_cast<std::int64_t>(unix_epoch_ticks / 10);
}

}  // namespace trimcarve::report
