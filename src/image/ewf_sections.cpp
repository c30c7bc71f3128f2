#include "image/ewf_sections.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "image/ewf_notes.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

void refuse_ewf(const std::string& path, const std::string& why) {
  throw RunError(ExitCode::input, path, "cannot read this EnCase image (E01)", why);
}

namespace {

constexpr std::uint64_t descriptor_size = 76, table_header_size = 24, error_header_size = 520;
constexpr std::uint64_t volume_size = 1052, short_volume_size = 94;  // EnCase's and FTK's; SMART's and EnCase 1's
constexpr std::uint64_t largest_chunk = 32768 * 512;                 // the most that acquisition tools offer
constexpr std::uint64_t longest_notes = 256 << 10;
constexpr std::uint64_t largest_disk = std::uint64_t{1} << 62;
// Far more than any disk needs (a table tells of 16375 chunks): hostile files shall not fill the memory.
constexpr std::size_t most_sections = std::size_t{1} << 20, most_errors = std::size_t{1} << 22, most_bad_entries = 65536;

// Whether the last four bytes are the checksum of those before.
bool checked(ByteView bytes) {
  const ByteView body = bytes.first(bytes.size() - 4);
  return le<std::uint32_t>(bytes, body.size()) == adler32_z(1, reinterpret_cast<const Bytef*>(body.data()), body.size());
}

struct Section {
  std::uint32_t segment = 0;
  std::string type;
  std::uint64_t body = 0, end = 0;  // in the segment file; the end may lie behind the file's
};

// Reads a section's first bytes. False when the section or the file is too short, or the file cannot be read.
bool read_body(const ByteSource& file, const Section& section, std::uint64_t at, std::span<std::byte> out) {
  return fits(section.end - section.body, at, out.size()) && file.read_at(section.body + at, out).has_value();
}

std::optional<EwfMedia> read_volume(const ByteSource& file, const Section& section, std::array<std::byte, 16>& set) {
  std::array<std::byte, volume_size> bytes{};
  const bool brief = section.end - section.body < volume_size;
  const auto used = std::span(bytes).first(static_cast<std::size_t>(brief ? short_volume_size : volume_size));
  if (!read_body(file, section, 0, used) || !checked(used)) return std::nullopt;
  EwfMedia media;
  media.sector_size = le<std::uint32_t>(bytes, 12);
  media.chunk_size = std::uint64_t{le<std::uint32_t>(bytes, 8)} * media.sector_size;
  const std::uint64_t sectors = brief ? le<std::uint32_t>(bytes, 16) : le<std::uint64_t>(bytes, 16);
  if (media.sector_size != 0) media.size = std::min(sectors, largest_disk / media.sector_size + 1) * media.sector_size;
  if (!brief) std::copy_n(bytes.begin() + 64, set.size(), set.begin());
  return media;
}

class Reader {
 public:
  Reader(const std::vector<SourcePtr>& segments, const std::string& path) : segments_(segments), path_(path) {}

  EwfLayout read() {
    for (std::uint32_t i = 0; i < segments_.size() && !out_.last; ++i) {
      if (!walk(i)) {
        out_.whole = false;
        sections_.push_back({i, {}, 0, 0});  // what should follow here is not known
      }
      if (out_.last && i + 1 < segments_.size())
        warn("ewf_segment_surplus", "the image ends in segment " + std::to_string(i + 1) + ": the " +
                                        std::to_string(segments_.size() - i - 1) + " behind it were not read");
    }
    read_media();
    for (const Section& section : sections_) read_section(section);
    take_table();
    if (errors_ != 0)
      warn("acquisition_errors",
           "the acquisition could not read " + std::to_string(errors_) + " stretches of the disk: they are unreadable here");
    if (copied_.number != 0) warn("ewf_table_copy", "damaged: " + copied_.text() + ": the copies served");
    if (damaged_.number != 0)
      warn("ewf_table_damaged", "damaged, and so the copies: " + damaged_.text() + ": chunks of them may be unreadable");
    number_tables();
    join_bad();
    return std::move(out_);
  }

 private:
  struct Table {
    enum class State : std::uint8_t { good, entries_damaged, lost } state = State::lost;
    EwfTable table;
    std::vector<Unread> bad;  // in entries: their chunks lie behind the end of the file
  };

  void warn(std::string code, std::string text) { out_.warnings.push_back({std::move(code), std::move(text), {}}); }

  // For what a hostile file may hold a million times.
  void warn_once(const std::string& code, std::string text) {
    if (std::ranges::find(out_.warnings, code, &Warning::code) == out_.warnings.end()) warn(code, std::move(text));
  }
  struct Count {
    std::size_t number = 0;
    std::uint32_t first_segment = 0;
    void add(std::uint32_t segment) {
      if (number++ == 0) first_segment = segment;
    }
    std::string text() const {
      return std::to_string(number) + (number == 1 ? " table" : " tables") + " of chunks, the first in segment " +
             std::to_string(first_segment + 1);
    }
  };

  // The section descriptors of one segment. False when they end before "next" or "done".
  bool walk(std::uint32_t segment) {
    const ByteSource& file = *segments_[segment];
    std::array<std::byte, descriptor_size> bytes;
    for (std::uint64_t at = ewf_segment_header_size; fits(file.size(), at, bytes.size()) && file.read_at(at, bytes);) {
      if (!checked(bytes) || sections_.size() == most_sections) return false;
      const std::string_view field(reinterpret_cast<const char*>(bytes.data()), 16);
      std::string type(field.substr(0, field.find('\0')));
      if (type == "next") return true;
      if (type == "done") return out_.last = true;
      const std::uint64_t next = le<std::uint64_t>(bytes, 16);
      if (next < at || next - at < descriptor_size) return false;
      sections_.push_back({segment, std::move(type), at + descriptor_size, next});
      at = next;
    }
    return false;
  }

  void read_media() {
    std::optional<EwfMedia> media;
    std::array<std::byte, 16> set{}, other{};
    bool copy = false, mixed = false;
    for (const Section& section : sections_) {
      const bool first = section.type == "volume" || section.type == "disk";
      if (!first && section.type != "data") continue;
      other = {};
      const auto stated = read_volume(*segments_[section.segment], section, other);
      if (!stated) continue;
      if (!media) {
        media = stated;
        set = other;
        copy = !first;
      } else if (!all_zero(set) && !all_zero(other) && set != other) {
        mixed = true;
      }
    }
    if (!media) refuse_ewf(path_, "no section tells the size of the disk: they are damaged, or the image is cut short");
    if (media->sector_size == 0 || media->chunk_size < 512 || media->chunk_size > largest_chunk || media->size == 0 ||
        media->size > largest_disk)
      refuse_ewf(path_, "it states a disk of " + std::to_string(media->size) + " bytes in chunks of " + std::to_string(media->chunk_size));
    out_.media = *media;
    if (copy) warn("ewf_volume_copy", "the section that tells the size of the disk is damaged: its copy served");
    if (mixed) warn("ewf_segments_mixed", "segments state different identifiers: they may be those of different images");
  }

  void read_section(const Section& section) {
    if (section.type == "table2") {
      if (pending_ && pending_->state == Table::State::good) return take_table();
      const Table second = read_table(section);
      if (second.state == Table::State::good) copied_.add(section.segment);
      if (!pending_ || second.state < pending_->state) pending_ = second;
      pending_segment_ = section.segment;
      return take_table();
    }
    take_table();
    if (section.type == "table") {
      pending_ = read_table(section);
      pending_segment_ = section.segment;
    }
    if (section.type.empty()) tables_.push_back({});
    if (section.type == "hash" || section.type == "digest") read_hashes(section);
    if (section.type == "header" || section.type == "header2") read_notes(section);
    if (section.type == "error2") read_errors(section);
  }

  Table read_table(const Section& section) {
    const ByteSource& file = *segments_[section.segment];
    Table out;
    std::array<std::byte, table_header_size> header;
    if (!read_body(file, section, 0, header) || !checked(header)) return out;
    EwfTable& table = out.table;
    table.segment = section.segment;
    table.entries = section.body + header.size();
    const std::uint64_t base = le<std::uint64_t>(header, 8);
    table.base = std::min(base, file.size());
    table.count = le<std::uint32_t>(header, 0);
    const std::uint64_t length = std::uint64_t{table.count} * 4;
    if (!fits(section.end, table.entries, length) || !fits(file.size(), table.entries, length)) return out;

    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(length, 65536)));
    std::uint64_t before = 0, first = 0;
    uLong sum = 1;
    for (std::uint64_t at = 0; at < length; at += bytes.size()) {
      const auto piece = std::span(bytes).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), length - at)));
      if (!file.read_at(table.entries + at, piece)) return out;
      sum = adler32_z(sum, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
      for (std::size_t i = 0; i < piece.size(); i += 4) {
        const auto index = static_cast<std::uint32_t>((at + i) / 4);
        const auto value = le<std::uint32_t>(piece, i);
        EwfEntry entry = ewf_entry(table, index, value);
        // Offsets rise; one that falls where the chunk before ends near 2 GiB has overflowed.
        if (index < table.overflow && entry.compressed && entry.offset < before &&
            before - table.base + 2 * out_.media.chunk_size >= 1U << 31) {
          table.overflow = index;
          entry = ewf_entry(table, index, value);
        }
        if (index == 0) first = entry.offset;
        before = entry.offset;
        // A compressed chunk takes a byte at least, a stored one its length, which only the disk's last one may fall short of.
        const std::uint64_t least = entry.compressed ? 1 : index + 1 < table.count ? out_.media.chunk_size : out_.media.sector_size;
        if (!fits(file.size(), entry.offset, least)) add_bad_entry(out.bad, index);
      }
    }
    std::array<std::byte, 4> stated;
    // EnCase 1 and SMART keep the chunks behind the entries, in the same section, without a checksum of the entries.
    const bool holds_chunks = first >= table.entries + length && first < section.end;
    const bool good =
        table.count == 0 || holds_chunks ||
        (read_body(file, section, header.size() + length, stated) && le<std::uint32_t>(stated, 0) == static_cast<std::uint32_t>(sum));
    out.state = good && base == table.base ? Table::State::good : Table::State::entries_damaged;
    return out;
  }

  // Beyond the limit they are found when they are read.
  void add_bad_entry(std::vector<Unread>& bad, std::uint32_t index) {
    if (!bad.empty() && bad.back().offset + bad.back().length == index)
      ++bad.back().length;
    else if (bad_entries_ < most_bad_entries) {
      bad.push_back({index, 1});
      ++bad_entries_;
    }
  }

  // A chunk has a checksum of its own, so an entry that is wrong makes its chunk unreadable; how many there are has to be known.
  void take_table() {
    if (!pending_) return;
    if (pending_->state != Table::State::good) damaged_.add(pending_segment_);
    tables_.push_back(std::move(*pending_));
    pending_.reset();
  }

  // "header2" has more characters and a time in UTC; it comes first, and twice.
  void read_notes(const Section& section) {
    if (!out_.notes.empty()) return;
    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(section.end - section.body, longest_notes)));
    std::optional<std::vector<std::string>> notes;
    if (read_body(*segments_[section.segment], section, 0, bytes)) notes = read_ewf_notes(bytes, section.type == "header2");
    if (notes)
      out_.notes = std::move(*notes);
    else
      warn_once("ewf_notes_damaged", "a section with the notes of the acquisition is damaged");
  }

  void read_hashes(const Section& section) {
    const bool digest = section.type == "digest";
    std::array<std::byte, 80> bytes{};
    const auto used = std::span(bytes).first(digest ? 80 : 36);
    if (!read_body(*segments_[section.segment], section, 0, used) || !checked(used))
      return warn_once("ewf_hash_damaged", "the section with the hash of the disk is damaged");
    const auto add = [&](std::string_view name, ByteView hash) {
      static constexpr char digits[] = "0123456789abcdef";
      if (all_zero(hash) || out_.hashes.find(name) != std::string::npos) return;
      out_.hashes += (out_.hashes.empty() ? "" : ", ") + std::string(name) + " ";
      for (const std::byte b : hash) out_.hashes += {digits[std::to_integer<unsigned>(b) >> 4], digits[std::to_integer<unsigned>(b) & 15]};
    };
    add("MD5", used.first(16));
    if (digest) add("SHA-1", used.subspan(16, 20));
  }

  // Sectors that the acquisition could not read: what the image holds of them is filling.
  void read_errors(const Section& section) {
    const ByteSource& file = *segments_[section.segment];
    const auto damaged = [&] {
      warn_once("acquisition_errors_damaged",
                "the list of sectors that the acquisition could not read is damaged: some may be taken for zeros or other filling");
    };
    std::array<std::byte, error_header_size> header;
    if (!read_body(file, section, 0, header) || !checked(header)) return damaged();
    const auto count = le<std::uint32_t>(header, 0);
    if (count > most_errors) refuse_ewf(path_, "it lists " + std::to_string(count) + " acquisition errors, more than can be heeded");
    const std::uint64_t length = std::uint64_t{count} * 8 + 4;
    if (!fits(section.end - section.body, header.size(), length) || !fits(file.size(), section.body + header.size(), length))
      return damaged();
    std::vector<std::byte> bytes(static_cast<std::size_t>(length));
    if (!read_body(file, section, header.size(), bytes)) return damaged();
    if (count != 0 && !checked(bytes)) damaged();  // most of them are right
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t first = le<std::uint32_t>(bytes, std::uint64_t{i} * 8),
                          sectors = le<std::uint32_t>(bytes, std::uint64_t{i} * 8 + 4);
      add_bad(first * out_.media.sector_size, sectors * out_.media.sector_size);
    }
    errors_ += count;
  }

  // A table tells how many chunks it has, not which: they are counted from the beginning. Behind a table that is lost they are counted from
  // the end, when it is there, so that only the chunks of the lost ones are.
  void number_tables() {
    const std::uint64_t chunks = out_.media.chunks();
    const auto lost = [](const Table& table) { return table.state == Table::State::lost; };
    const auto gap = std::ranges::find_if(tables_, lost);
    std::uint64_t begin = 0, end = chunks, held = 0;
    for (auto t = tables_.begin(); t != gap; begin += t->table.count, ++t) add_table(*t, begin);
    if (gap != tables_.end() && out_.last && begin < chunks) {
      auto after = tables_.end();
      while (!lost(*(after - 1))) held += (--after)->table.count;
      if (held <= chunks - begin) {
        end = chunks - held;
        for (std::uint64_t at = end; after != tables_.end(); at += after->table.count, ++after) add_table(*after, at);
      }
    }
    if (begin > chunks)
      warn("ewf_chunks_surplus", "its tables tell of " + std::to_string(begin) + " chunks, but the disk has " + std::to_string(chunks));
    if (begin >= end) return;
    add_bad(begin * out_.media.chunk_size, (end - begin) * out_.media.chunk_size);
    if (out_.whole && out_.last)
      warn("ewf_chunks_missing",
           "no table tells of " + std::to_string(end - begin) + " of the disk's " + std::to_string(chunks) + " chunks");
  }

  void add_table(const Table& from, std::uint64_t first_chunk) {
    const std::uint64_t chunks = out_.media.chunks(), chunk = out_.media.chunk_size;
    if (first_chunk >= chunks || from.table.count == 0) return;
    EwfTable table = from.table;
    table.first_chunk = first_chunk;
    table.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(table.count, chunks - first_chunk));
    out_.tables.push_back(table);
    for (const Unread& bad : from.bad)
      if (bad.offset < table.count) add_bad((first_chunk + bad.offset) * chunk, bad.length * chunk);
    if (!from.bad.empty()) behind_end_ = true;
  }

  void add_bad(std::uint64_t offset, std::uint64_t length) {
    if (offset < out_.media.size && length > 0) out_.bad.push_back({offset, std::min(length, out_.media.size - offset)});
  }

  void join_bad() {
    if (behind_end_) warn("ewf_chunks_behind_end", "some chunks lie behind the end of their segment: they are unreadable");
    std::ranges::sort(out_.bad, {}, &Unread::offset);
    std::vector<Unread> joined;
    for (const Unread& bad : out_.bad) {
      if (!joined.empty() && bad.offset <= joined.back().offset + joined.back().length)
        joined.back().length = std::max(joined.back().length, bad.offset + bad.length - joined.back().offset);
      else
        joined.push_back(bad);
    }
    out_.bad = std::move(joined);
  }

  const std::vector<SourcePtr>& segments_;
  const std::string& path_;
  EwfLayout out_;
  std::vector<Section> sections_;  // an empty type: a gap
  std::optional<Table> pending_;   // a table whose copy may follow
  std::vector<Table> tables_;      // in order; "lost" ones stand for those not known
  std::uint32_t pending_segment_ = 0;
  Count copied_, damaged_;
  std::size_t bad_entries_ = 0, errors_ = 0;
  bool behind_end_ = false;
};

}  // namespace

EwfLayout read_ewf_layout(const std::vector<SourcePtr>& segments, const std::string& path) { return Reader(segments, path).read(); }

}  // namespace trimcarve::image
