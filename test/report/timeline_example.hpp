// Entries with names made to break each format, for tests.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "trimcarve/text.hpp"
#include "trimcarve/timeline.hpp"

namespace trimcarve::test {

class TimelineExample {
 public:
  // A file whose four times follow each other by a second (created first), for each of `names()`; then a journal record, a witness's
  // statement and a deletion.
  TimelineExample() {
    for (const std::u16string& name : names()) add_record(name);
    Sighting& journal = sightings_.emplace_back();
    journal.source = SourceKind::usn_journal;
    journal.has_usn = true;
    journal.usn = {.usn = 7000, .time = time(20), .reason = 0x80000200, .attributes = 32};
    add({.kind = EntryKind::journal, .sighting = &journal, .deleted = true, .time = time(20)}, u"gone.ps1");
    Sighting& line = sightings_.emplace_back();
    line.source = SourceKind::agent_log;
    Statement statement;
    statement.deed = Deed::command_started;
    statement.text = "=cmd|'/c calc'!A0\r\n\x1b[31mred\u202etxt\" , </script><img src=x onerror=alert(1)>";
    statement.event = "CustomScriptHandler.log";
    line.statement = std::make_shared<Statement>(statement);
    add({.kind = EntryKind::statement, .sighting = &line, .time = time(30)}, u"CustomScriptHandler.log");
    add({.kind = EntryKind::deletion, .deleted = true, .time = time(40), .until = time(50), .detail = "usn_delete"}, u"gone.ps1");
  }

  const std::vector<TimelineEntry>& entries() const { return entries_; }

  static FileTime time(std::uint64_t seconds) {
    // 2020-01-02T03:04:05.0000001Z
    return FileTime{unix_epoch_ticks + (1'577'934'245 + seconds) * ticks_per_second + 1};
  }

  static std::vector<std::u16string> names() {
    std::vector<std::u16string> out{u"a|b%41\n=1.ps1",
                                    u"=HYPERLINK(\"http://example.org\";\"x\")",
                                    u"'quoted', \"and\" more",
                                    u"-1+2",
                                    u"@sum",
                                    u"\x1b]0;title\x07.txt",
                                    u"gpj.\u202eexe",
                                    u"<script>alert(1)</script>",
                                    u"'); DROP TABLE timeline;--",
                                    u"\u2028line\u2029",
                                    u"\u0085c1\u009b31m",
                                    u"NA",
                                    u"null",
                                    u"\u00e4\u4e2d\U0001F600",
                                    u"back\\slash",
                                    u"..",
                                    std::u16string(u"lone") + static_cast<char16_t>(0xD800) + u"x",
                                    std::u16string(u"nul") + char16_t{0} + u"inside"};
    return out;
  }

 private:
  void add_record(const std::u16string& name) {
    Sighting& s = sightings_.emplace_back();
    s.source = SourceKind::mft;
    s.has_record = s.in_use = s.reference_known = s.has_standard_information = true;
    s.reference = FileReference::of(40, 3);
    s.record_entry = 40;
    s.lsn = 99;
    s.standard_information = {time(0), time(1), time(2), time(3)};
    s.file_attributes = 32;
    StreamFact& data = s.streams.emplace_back();
    data.size = 12;
    data.attribute_id = 3;
    StreamFact& zone = s.streams.emplace_back();
    zone.text = 0;
    zone.length = 15;
    zone.attribute_id = 4;
    s.text = u"Zone.Identifier";
    TimelineEntry entry{.kind = EntryKind::standard_information, .sighting = &s};
    entry.reference_known = true;
    entry.reference = s.reference;
    entry.range = {0, 4096, 1024};
    entry.times = s.standard_information;
    add(entry, name);
  }

  void add(TimelineEntry entry, const std::u16string& name) {
    entry.directory = "\\Packages";
    entry.file_name = texts_.emplace_back(to_utf8(name));
    if (!well_formed(name)) entry.file_name_hex = texts_.emplace_back(to_hex_units(name));
    entries_.push_back(entry);
  }

  std::deque<Sighting> sightings_;
  std::deque<std::string> texts_;
  std::vector<TimelineEntry> entries_;
};

}  // namespace trimcarve::test
