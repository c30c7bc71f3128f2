// Statements for tests, as a reader would have made them, and a hearing that cites them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "findings/hearing.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::test {

inline FileTime at(const char* time) { return from_iso8601(time).value(); }

class Witnessed {
 public:
  explicit Witnessed(Examination& x) : x_(x) {}

  Statement& say(SourceKind source, Deed deed, const char* time, std::uint32_t witness = 0) {
    findings::Heard& heard = heard_.emplace_back();
    heard.source = source;
    heard.witness = witness;
    heard.volume = 0;
    heard.statement.deed = deed;
    if (*time != '\0') heard.statement.time = at(time);
    return heard.statement;
  }
  // A line of the handler's own log.
  Statement& log(Deed deed, const char* time, const char* sequence = "", const char* version = "1.10.20") {
    Statement& s = say(SourceKind::agent_log, deed, time);
    s.handler = "Microsoft.Compute.CustomScriptExtension";
    s.version = version;
    s.sequence = sequence;
    s.event = "CustomScriptHandler.log";
    s.zone_stated = false;
    return s;
  }
  Statement& process(const char* time, const char* id, const char* parent_id, const char* path, const char* parent, const char* command) {
    Statement& s = say(SourceKind::event_log, Deed::process_started, time, 1);
    s.process_id = id;
    s.parent_process_id = parent_id;
    s.path = path;
    s.parent_process = parent;
    s.command = command;
    s.user = "S-1-5-18";
    s.computer = "VM1";
    s.event = "Security 4688";
    return s;
  }

  findings::Hearing hearing() {
    return {heard_, [this](std::size_t n) {
              const auto [slot, is_new] = cited_.try_emplace(n, static_cast<std::uint32_t>(x_.sightings.size()));
              if (!is_new) return slot->second;
              Sighting& s = x_.sightings.emplace_back();
              s.source = heard_[n].source;
              s.statement = std::make_shared<const Statement>(heard_[n].statement);
              return slot->second;
            }};
  }
  // All so far are of files that the examiner gave.
  void give() {
    for (findings::Heard& heard : heard_) heard.volume.reset();
  }
  // How many statements were cited.
  std::size_t cited() const { return cited_.size(); }

 private:
  Examination& x_;
  std::vector<findings::Heard> heard_;
  std::map<std::size_t, std::uint32_t> cited_;
};

}  // namespace trimcarve::test
