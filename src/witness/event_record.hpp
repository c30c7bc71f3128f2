// An event as its XML says it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trimcarve/file_time.hpp"

namespace trimcarve::witness {

struct Event {
  std::string channel, provider, id;  // id: decimal text, as it stands
  std::string record_id;
  std::string computer, user;         // user: Security's UserID, a SID
  std::string process_id, thread_id;  // of who wrote the event
  FileTime time;                      // SystemTime; no_time when it is none
  std::string time_text;
  // EventData or UserData in order: (name, value). A Data element without a name counts as "0", "1", ...; another element is named after
  // itself, and only innermost elements are listed, each attribute of theirs but a namespace before its text.
  std::vector<std::pair<std::string, std::string>> fields;
};

// Values are taken exactly: no line end is changed, no blank trimmed. False when the text is no event. `xml` is used up.
bool read_event_xml(std::string& xml, Event& event);

// The value of a field; empty when there is none of this name.
std::string_view field(const Event& event, std::string_view name) noexcept;

}  // namespace trimcarve::witness
