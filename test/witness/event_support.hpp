// Event logs in memory, and what independent programs say is in one: evtxexport's or Event Viewer's XML.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <pugixml.hpp>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "ntfs/stream.hpp"
#include "trimcarve/bytes.hpp"
#include "witness/event_log.hpp"

namespace trimcarve::test {

inline std::vector<std::byte> bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

struct LogRead {
  witness::Tally tally;
  std::vector<Statement> statements;
};

inline LogRead read_log(std::vector<std::byte> bytes) {
  LogRead read;
  read.tally = witness::read_event_log(ntfs::make_buffer(std::move(bytes), nullptr, 0), "test.evtx",
                                       [&](const Statement& statement) { read.statements.push_back(statement); });
  return read;
}

struct OracleEvent {
  std::string record_id, channel, id, provider, computer, user, process_id, time;
  std::vector<std::pair<std::string, std::string>> fields;  // Data elements: (Name, text)
};

inline OracleEvent parse_event(const pugi::xml_node& node) {
  OracleEvent event;
  const pugi::xml_node system = node.child("System");
  event.record_id = system.child_value("EventRecordID");
  event.channel = system.child_value("Channel");
  event.id = system.child_value("EventID");
  event.provider = system.child("Provider").attribute("Name").value();
  event.computer = system.child_value("Computer");
  event.user = system.child("Security").attribute("UserID").value();
  event.process_id = system.child("Execution").attribute("ProcessID").value();
  event.time = system.child("TimeCreated").attribute("SystemTime").value();
  for (const pugi::xml_node& data : node.child("EventData").children("Data"))
    event.fields.emplace_back(data.attribute("Name").value(), data.child_value());
  for (const pugi::xml_node& data : node.child("UserData").first_child().children())
    event.fields.emplace_back(data.name(), data.child_value());
  return event;
}

// All events in a text, whatever stands around them; one that ends early, as evtxexport leaves it, is passed over.
inline std::vector<OracleEvent> parse_events(const std::string& xml) {
  std::vector<OracleEvent> events;
  for (std::size_t at = xml.find("<Event "); at != std::string::npos;) {
    const std::size_t next = xml.find("<Event ", at + 1), end = xml.find("</Event>", at);
    if (end != std::string::npos && end < next) {
      pugi::xml_document document;
      if (document.load_buffer(xml.data() + at, end + 8 - at, pugi::parse_escapes | pugi::parse_ws_pcdata_single))
        events.push_back(parse_event(document.child("Event")));
    }
    at = next;
  }
  return events;
}

inline bool have_evtxexport() {
  static const bool have = [] {
    const bool found = std::system("command -v evtxexport >/dev/null 2>&1") == 0;
    if (!found) std::printf("SKIPPED: evtxexport (package libevtx-utils) is not installed\n");
    return found;
  }();
  return have;
}

// `mode`: "items" (the listed records) or "recovered".
inline std::vector<OracleEvent> evtxexport(const std::string& path, const std::string& mode = "items") {
  std::string out;
  if (std::FILE* pipe = ::popen(("evtxexport -f xml -m " + mode + " '" + path + "' 2>/dev/null").c_str(), "r")) {
    char buffer[65536];
    while (const std::size_t got = std::fread(buffer, 1, sizeof(buffer), pipe)) out.append(buffer, got);
    ::pclose(pipe);
  }
  return parse_events(std::move(out));
}

inline std::vector<OracleEvent> evtxexport(const std::vector<std::byte>& log) {
  const auto path = std::filesystem::temp_directory_path() / ("trimcarve-" + std::to_string(::getpid()) + ".evtx");
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(log.data()), static_cast<std::streamsize>(log.size()));
  std::vector<OracleEvent> events = evtxexport(path.string());
  std::filesystem::remove(path);
  return events;
}

}  // namespace trimcarve::test
