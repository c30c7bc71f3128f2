// Logs that Windows wrote, against two independent readers: Event Viewer's own XML export of one of them (shared data), and evtxexport
// (libevtx-utils), which shares the library but neither the way to it nor what is made of its text. How many events of which kind each log
// holds is stated in the shared data's README.
#include "witness/event_log.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "event_support.hpp"
#include "real_data.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

// Windows writes 0x7c where libevtx writes 0x000000000000007c.
std::string short_hex(const std::string& value) {
  if (!value.starts_with("0x") || value.find_first_not_of("0123456789abcdefABCDEF", 2) != std::string::npos) return value;
  const std::size_t digit = value.find_first_not_of('0', 2);
  return "0x" + (digit == std::string::npos ? "0" : value.substr(digit));
}

std::vector<const Statement*> live(const LogRead& read, Deed deed) {
  std::vector<const Statement*> found;
  for (const Statement& s : read.statements)
    if (s.deed == deed && !s.carved) found.push_back(&s);
  return found;
}

std::size_t count(const LogRead& read, Deed deed) { return live(read, deed).size(); }

std::string value_of(const Statement& statement, const std::string& name) {
  for (const auto& [n, value] : statement.fields)
    if (n == name) return value;
  return "(none)";
}

void zero(std::vector<std::byte>& bytes, std::size_t at, std::size_t size) {
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, std::byte{0});
}

using Key = std::pair<std::uint64_t, std::string>;  // where, and what
std::set<Key> keys(const LogRead& read) {
  std::set<Key> all;
  for (const Statement& s : read.statements) all.emplace(s.offset, s.event + to_iso8601(s.time) + s.text + s.command);
  return all;
}
// Statements of `whole` that lie outside [from, to) and that `read` does not have.
std::size_t lost_outside(const std::set<Key>& whole, const LogRead& read, std::uint64_t from, std::uint64_t to) {
  const std::set<Key> got = keys(read);
  return static_cast<std::size_t>(
      std::ranges::count_if(whole, [&](const Key& key) { return (key.first < from || key.first >= to) && !got.contains(key); }));
}

}  // namespace

TEST_CASE("every process creation says what Event Viewer says, field by field") {
  const std::string log = unpacked_data("evtx/win11-Security.evtx.xz"), xml = unpacked_data("evtx/win11-Security.xml.xz");
  if (log.empty() || xml.empty()) return;
  const auto text = bytes_of(xml);
  std::vector<OracleEvent> oracle = parse_events({reinterpret_cast<const char*>(text.data()), text.size()});
  REQUIRE(oracle.size() == 1715);
  std::ranges::reverse(oracle);  // Event Viewer lists the newest first
  const LogRead read = read_log(bytes_of(log));
  CHECK(read.tally.records == 1715 + 29);  // 29: recovered, as evtxexport -m recovered has them
  CHECK(read.tally.damaged == 0);
  const std::vector<const Statement*> started = live(read, Deed::process_started);
  std::erase_if(oracle, [](const OracleEvent& e) { return e.id != "4688"; });
  REQUIRE(oracle.size() == 45);
  REQUIRE(started.size() == 45);
  for (std::size_t i = 0; i < 45; ++i) {
    const Statement& s = *started[i];
    const OracleEvent& e = oracle[i];
    CAPTURE(e.record_id);
    CHECK(to_iso8601(s.time) == e.time);
    CHECK(s.event == "Security 4688");
    CHECK(s.computer == e.computer);
    REQUIRE(s.fields.size() == e.fields.size());
    std::map<std::string, std::string> by_name;
    for (std::size_t f = 0; f < s.fields.size(); ++f) {
      CHECK(s.fields[f].first == e.fields[f].first);
      CHECK(short_hex(s.fields[f].second) == e.fields[f].second);
      by_name.insert(e.fields[f]);
    }
    CHECK(s.path == by_name["NewProcessName"]);
    CHECK(s.command == by_name["CommandLine"]);
    CHECK(s.parent_process == by_name["ParentProcessName"]);
    CHECK(s.user == by_name["SubjectUserSid"]);
    CHECK(s.process_id == std::to_string(std::stoull(by_name["NewProcessId"], nullptr, 16)));
    CHECK(s.parent_process_id == std::to_string(std::stoull(by_name["ProcessId"], nullptr, 16)));
  }
}

TEST_CASE("the window is that of all records, also of those that say nothing of an extension") {
  const std::string log = unpacked_data("evtx/win11-Security.evtx.xz"), xml = unpacked_data("evtx/win11-Security.xml.xz");
  if (log.empty() || xml.empty()) return;
  const auto text = bytes_of(xml);
  std::vector<FileTime> times;
  for (const OracleEvent& e : parse_events({reinterpret_cast<const char*>(text.data()), text.size()}))
    times.push_back(from_iso8601(e.time).value_or(no_time));
  const LogRead read = read_log(bytes_of(log));
  CHECK(read.tally.window.last == *std::ranges::max_element(times));
  CHECK(read.tally.window.first == *std::ranges::min_element(times));
}

TEST_CASE("each record evtxexport lists or recovers is read, in place and in order, with its very text") {
  if (!have_evtxexport()) return;
  for (const char* item : {"evtx/powershell-4104-43.evtx", "evtx/powershell-4104-800.evtx.xz", "evtx/powershell-4104-download.evtx",
                           "evtx/powershell-4104-clear-logs.evtx", "evtx/powershell-4104-multipart.evtx.xz",
                           "evtx/security-4688-140.evtx.xz", "evtx/security-4688-28.evtx"}) {
    const std::string path = unpacked_data(item);
    if (path.empty()) continue;
    CAPTURE(item);
    const std::vector<std::byte> bytes = bytes_of(path);
    const LogRead read = read_log(bytes);
    for (const bool carved : {false, true}) {
      std::vector<OracleEvent> oracle = evtxexport(path, carved ? "recovered" : "items");
      static const std::set<std::string> kept{"400", "600", "800", "4103", "4104", "4688"};
      std::erase_if(oracle, [](const OracleEvent& e) { return !kept.contains(e.id); });
      std::size_t seen = 0;
      for (const Statement& s : read.statements) {
        if (s.carved != carved) continue;
        REQUIRE(fits(bytes, s.offset, s.length));
        CHECK(le<std::uint32_t>(bytes, s.offset) == 0x2A2A);  // "**\0\0", and the same size on both sides
        CHECK(le<std::uint32_t>(bytes, s.offset + 4) == s.length);
        CHECK(le<std::uint32_t>(bytes, s.offset + s.length - 4) == s.length);
        // Of recovered records evtxexport cannot print all: one of these has other bytes over the middle of its provider's name.
        const bool next = seen < oracle.size() && s.time == from_iso8601(oracle[seen].time);
        if (carved && !next) continue;
        REQUIRE(next);
        const OracleEvent& e = oracle[seen++];
        CHECK(s.event == e.channel + " " + e.id);
        CHECK(s.computer == e.computer);
        std::vector<std::string> ours, theirs;
        for (const auto& [name, value] : s.fields) ours.push_back(value);
        for (const auto& [name, value] : e.fields)
          if (name != "ScriptBlockText")
            theirs.push_back(value);
          else
            CHECK(s.text == value);
        CHECK(ours == theirs);
      }
      CHECK(seen == oracle.size());
    }
  }
}

TEST_CASE("script blocks, pipelines, engine and process events are told apart, as many as each log has") {
  struct Expected {
    const char* item;
    std::size_t scripts, pipelines, engine, processes;
  };
  for (const Expected& e : {Expected{"evtx/powershell-4104-43.evtx", 43, 4, 7, 0},
                            {"evtx/security-4688-28.evtx", 0, 0, 0, 28},
                            {"evtx/security-4688-140.evtx.xz", 0, 0, 0, 140},
                            {"evtx/powershell-4104-800.evtx.xz", 10, 40, 0, 0},
                            {"evtx/powershell-4104-clear-logs.evtx", 2, 4, 0, 0},
                            {"evtx/powershell-4104-download.evtx", 2, 1, 0, 0},
                            {"evtx/powershell-4104-multipart.evtx.xz", 302, 0, 0, 0}}) {
    const std::string path = unpacked_data(e.item);
    if (path.empty()) continue;
    CAPTURE(e.item);
    const LogRead read = read_log(bytes_of(path));
    CHECK(count(read, Deed::script_text) == e.scripts);
    CHECK(count(read, Deed::pipeline) == e.pipelines);
    CHECK(count(read, Deed::engine_started) == e.engine);
    CHECK(count(read, Deed::process_started) == e.processes);
  }
}

TEST_CASE("a Windows PowerShell event gives the command that started the engine") {
  const std::string path = real_data("evtx/powershell-4104-43.evtx");
  if (path.empty()) return;
  const LogRead read = read_log(bytes_of(path));
  for (const Statement* s : live(read, Deed::engine_started))
    CHECK(s->command ==
          "powershell.exe -NoP -C C:\\Windows\\System32\\rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump (Get-Process "
          "lsass).Id \\Windows\\Temp\\vtnr8kff.dmp full;Wait-Process -Id (Get-Process rundll32).id");  // as evtxexport prints it
}

TEST_CASE("a script's path, process and user stand beside its text") {
  const std::string path = real_data("evtx/powershell-4104-path.evtx");
  if (path.empty()) return;
  const LogRead read = read_log(bytes_of(path));
  REQUIRE(read.statements.size() == 1);
  const Statement& s = read.statements[0];  // as evtxexport prints it
  CHECK(s.path == "C:\\Users\\Public\\lsass_wer_ps.ps1");
  CHECK(s.process_id == "7008");
  CHECK(s.user == "S-1-5-21-3461203602-4096304019-2269080069-1000");
  CHECK(s.computer == "MSEDGEWIN10");
  CHECK(value_of(s, "MessageTotal") == "1");
  CHECK(value_of(s, "ScriptBlockId") == "27f08bda-c330-419f-b83b-eb5c0f699930");
}

// The logs' own records, read before the damage, vouch for what must still be there after it.
TEST_CASE("damage costs the chunk it lies in and no other") {
  const std::string path = unpacked_data("evtx/powershell-4104-multipart.evtx.xz");
  if (path.empty()) return;
  const std::vector<std::byte> whole = bytes_of(path);
  const LogRead good = read_log(whole);
  const std::set<Key> all = keys(good);
  REQUIRE(all.size() == 630);
  constexpr std::size_t chunk = 4096 + 7 * 65536;  // the eighth
  const auto in_chunk =
      static_cast<std::size_t>(std::ranges::count_if(all, [](const Key& key) { return key.first >= chunk && key.first < chunk + 65536; }));
  REQUIRE(in_chunk > 5);

  SUBCASE("a zeroed chunk is a gap") {
    auto bytes = whole;
    zero(bytes, chunk, 65536);
    const LogRead read = read_log(bytes);
    CHECK(lost_outside(all, read, chunk, chunk + 65536) == 0);
    CHECK(read.statements.size() == 630 - in_chunk);
    CHECK(read.tally.gaps.bytes == good.tally.gaps.bytes + 65536);
  }
  SUBCASE("a chunk whose checksum is wrong is read all the same, and said") {
    auto bytes = whole;
    bytes[chunk + 52] ^= std::byte{0xFF};
    const LogRead read = read_log(bytes);
    CHECK(keys(read) == all);
    CHECK(read.tally.note == "1 chunks whose checksums do not match");
  }
  SUBCASE("a chunk without its header gives its records") {
    auto bytes = whole;
    zero(bytes, chunk, 512);
    const LogRead read = read_log(bytes);
    CHECK(lost_outside(all, read, 0, 0) == 0);
    CHECK(read.tally.note == "1 chunks without a usable header");
  }
  SUBCASE("a chunk whose header points outside gives its records") {
    auto bytes = whole;
    bytes[chunk + 48] = bytes[chunk + 49] = bytes[chunk + 50] = std::byte{0xFF};
    CHECK(lost_outside(all, read_log(bytes), 0, 0) == 0);
  }
  SUBCASE("a header of garbage, or none, costs nothing") {
    auto bytes = whole;
    std::fill_n(bytes.begin(), 4096, std::byte{0xA5});
    const LogRead read = read_log(bytes);
    CHECK(keys(read) == all);
    CHECK(read.tally.note == "no file header");
    CHECK(read.tally.readable);
    const std::vector<std::byte> chunks(whole.begin() + 4096, whole.end());
    const LogRead without = read_log(chunks);
    CHECK(without.statements.size() == 630);
    for (const Statement& s : without.statements) CHECK(all.contains({s.offset + 4096, s.event + to_iso8601(s.time) + s.text + s.command}));
  }
  SUBCASE("one chunk alone, at any sector, gives what it gave in its file") {
    for (const std::size_t before : {std::size_t{0}, std::size_t{512}, std::size_t{70000 / 512 * 512}}) {
      std::vector<std::byte> bytes(before, std::byte{0x11});
      bytes.insert(bytes.end(), whole.begin() + chunk, whole.begin() + chunk + 65536);
      const LogRead read = read_log(bytes);
      CHECK(read.statements.size() == in_chunk);
      for (const Statement& s : read.statements)
        CHECK(all.contains({s.offset - before + chunk, s.event + to_iso8601(s.time) + s.text + s.command}));
    }
  }
  SUBCASE("a file cut anywhere gives what lies whole before the cut") {
    for (const std::size_t end : {chunk + 65536, chunk + 40000, chunk + 1, std::size_t{5000}, std::size_t{100}}) {
      std::vector<std::byte> bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(end));
      const LogRead read = read_log(bytes);
      const std::set<Key> got = keys(read);
      for (const Statement& s : good.statements)
        if (s.offset + s.length <= end) CHECK(got.contains({s.offset, s.event + to_iso8601(s.time) + s.text + s.command}));
      for (const Statement& s : read.statements) CHECK(s.offset + s.length <= end);
    }
  }
  SUBCASE("a record overwritten in the middle of a chunk costs itself; those behind it are recovered") {
    std::vector<const Statement*> inside;
    for (const Statement& s : good.statements)
      if (s.offset >= chunk && s.offset < chunk + 65536 && !s.carved) inside.push_back(&s);
    REQUIRE(inside.size() > 3);
    const Statement& victim = *inside[inside.size() / 2];
    auto bytes = whole;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(victim.offset), victim.length, std::byte{0xEE});
    const LogRead read = read_log(bytes);
    CHECK(lost_outside(all, read, victim.offset, victim.offset + victim.length) == 0);
    CHECK(read.tally.damaged == good.tally.damaged + 1);
    CHECK(read.tally.gaps.bytes == good.tally.gaps.bytes + victim.length);
  }
}

TEST_CASE("what is no event log says so") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{200000}}) {
    const LogRead read = read_log(std::vector<std::byte>(size, std::byte{0x2A}));
    CHECK_FALSE(read.tally.readable);
    CHECK(read.tally.note == "no event log: neither its header nor a chunk");
    CHECK(read.tally.records == 0);
  }
}
