#include "report/timeline/body.hpp"

#include <fmt/format.h>

#include <concepts>
#include <iterator>

#include "report/usn_reasons.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr std::uint32_t data_type = 0x80;

template <class... Args>
void put(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

class Line {
 public:
  Line(std::string& out, const TimelineEntry& entry, BodyStyle style) : out_(out), entry_(entry), style_(style) {}

  // `stream`: its name is added as fls does it, after a colon. `note`: what the times are of, if not the file.
  void write(const TimeSet& times, const StreamFact* stream, std::string_view note, std::uint64_t size) {
    out_ += "0|";
    path();
    if (stream != nullptr && stream->length != 0) {
      out_ += ':';
      text(to_utf8(entry_.sighting->name(*stream)));
    }
    if (!note.empty()) {
      out_ += " (";
      text(note);
      out_ += ')';
    }
    const bool slack = entry_.sighting != nullptr &&
                       (entry_.sighting->source == SourceKind::index_slack || entry_.sighting->source == SourceKind::record_slack);
    out_ += entry_.reused ? " (deleted-realloc)" : entry_.deleted ? " (deleted)" : slack ? " (slack)" : "";
    out_ += '|';
    inode(stream);
    const char type = entry_.is_directory ? 'd' : 'r';
    out_ += '|';
    out_ += entry_.deleted || slack ? '-' : type;
    out_ += '/';
    out_ += type;
    out_ += "rwxrwxrwx|0|0|";
    number(size);
    out_ += '|';
    time(times.accessed, '|');
    time(times.modified, '|');
    time(times.changed, '|');
    time(times.created, '\n');
  }

 private:
  void path() {
    if (entry_.directory.empty() && entry_.file_name.empty()) {
      volume();
      out_ += '/';
      return;
    }
    volume();
    // The path's backslashes become slashes. (In a name itself there can be none that Windows made.)
    std::string_view rest = entry_.directory;
    for (auto end = rest.find('\\'); end != std::string_view::npos; end = rest.find('\\')) {
      text(rest.substr(0, end));
      out_ += '/';
      rest.remove_prefix(end + 1);
    }
    text(rest);
    out_ += '/';
    text(entry_.file_name);
  }

  void volume() {
    if (entry_.volume != 0 && entry_.volume != no_volume) put(out_, "volume{}:", entry_.volume);
  }

  // mactime splits at bars and decodes %XX in the name; plaso takes back \|, \\ and \xNN. What can deceive a terminal is escaped, too.
  void text(std::string_view text) {
    const bool sleuthkit = style_ == BodyStyle::sleuthkit;
    const char escape = sleuthkit ? '%' : '\\';
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      if (const char c = text[at]; c >= 0x20 && c < 0x7F && c != '|' && c != escape) {
        ++at;
        continue;
      }
      out_.append(text, done, at - done);
      const auto lead = static_cast<unsigned char>(text[at]);
      const std::string_view character = text.substr(at, lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4);
      at += character.size();
      done = at;
      if (lead >= 0x20 && lead < 0x7F)  // one of the two
        sleuthkit ? as_percent(character) : void((out_ += '\\') += character);
      else if (const std::string safe = for_terminal(character); sleuthkit && safe != character)
        as_percent(character);
      else
        out_ += safe;
    }
    out_.append(text, done);
  }

  void as_percent(std::string_view character) {
    for (const char c : character) put(out_, "%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }

  void number(std::integral auto value) {
    const fmt::format_int text(value);
    out_.append(text.data(), text.size());
  }

  void inode(const StreamFact* stream) {
    if (!entry_.reference_known && !(entry_.sighting != nullptr && entry_.sighting->has_record)) {
      out_ += '0';
    } else if (style_ == BodyStyle::plain) {
      number(entry_.reference_known ? entry_.reference.value : entry_.sighting->record_entry);
    } else {
      number(entry_.reference_known ? entry_.reference.entry() : entry_.sighting->record_entry);
      if (stream != nullptr) put(out_, "-{}-{}", stream->type, stream->attribute_id);
    }
  }

  // Seconds since 1970; before it negative, as fls has them. 0: none.
  void time(FileTime time, char end) {
    if (time == no_time) {
      out_ += '0';
    } else {
      const auto seconds =
          static_cast<std::int64_t>(time.ticks / ticks_per_second) - static_cast<std::int64_t>(unix_epoch_ticks / ticks_per_second);
      number(seconds);
      if (style_ == BodyStyle::plain && seconds >= 0) {
        char fraction[] = ".000000000";
        std::uint64_t ticks = time.ticks % ticks_per_second;
        for (std::size_t at = 7; at > 0; --at, ticks /= 10) fraction[at] = static_cast<char>('0' + ticks % 10);
        out_.append(fraction, sizeof fraction - 1);
      }
    }
    out_ += end;
  }

  std::string& out_;
  const TimelineEntry& entry_;
  BodyStyle style_;
};

std::string reasons_of(std::uint32_t reasons) {
  std::string out = "USN";
  each_reason(reasons, [&out](std::string_view name) { (out += ' ') += name; });
  return out;
}

}  // namespace

unsigned append_body_lines(std::string& out, const TimelineEntry& entry, BodyStyle style) {
  Line line(out, entry, style);
  const Sighting* s = entry.sighting;
  switch (entry.kind) {
    case EntryKind::standard_information: {
      unsigned lines = 0;
      for (const StreamFact& stream : s->streams)
        if (stream.type == data_type && stream.start_vcn == 0 && stream.sizes_known && s->source == SourceKind::mft) {
          line.write(entry.times, &stream, "", stream.size);
          ++lines;
        }
      if (lines == 0) line.write(entry.times, nullptr, "", 0), ++lines;
      return lines;
    }
    case EntryKind::file_name: line.write(entry.times, nullptr, "$FILE_NAME", entry.name->size); return 1;
    case EntryKind::journal:
      if (entry.time == no_time) return 0;
      line.write({entry.time, entry.time, entry.time, entry.time}, nullptr, reasons_of(s->usn.reason), 0);
      return 1;
    case EntryKind::log_deletion:
    case EntryKind::deletion:
    case EntryKind::statement:
    case EntryKind::step: {
      unsigned lines = 0;
      const bool pair = entry.until != no_time && entry.until != entry.time;
      const auto add = [&](FileTime time, std::string_view what) {
        if (time != no_time) line.write({time, time, time, time}, nullptr, what, 0), ++lines;
      };
      if (entry.kind == EntryKind::statement) {
        add(entry.time, to_string(s->statement->deed));
      } else if (entry.kind == EntryKind::step) {
        add(entry.time, entry.detail);
        if (pair) add(entry.until, entry.detail);
      } else if (entry.until == entry.time) {
        add(entry.time, "deleted at this time");
      } else {
        add(entry.time, "deleted after this time");
        add(entry.until, "deleted before this time");
      }
      return lines;
    }
  }
  return 0;
}

}  // namespace trimcarve::report
