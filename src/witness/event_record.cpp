#include "witness/event_record.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <cstring>

namespace trimcarve::witness {

namespace {

// The element's own name: "Data" of "x:Data".
const char* local_name(const char* name) {
  const char* colon = std::strrchr(name, ':');
  return colon == nullptr ? name : colon + 1;
}

pugi::xml_node child(const pugi::xml_node& parent, const char* name) {
  return parent.find_child([&](const pugi::xml_node& node) { return std::strcmp(local_name(node.name()), name) == 0; });
}

std::string text_of(const pugi::xml_node& node) {
  std::string text;
  for (const pugi::xml_node& part : node.children())
    if (part.type() == pugi::node_pcdata || part.type() == pugi::node_cdata) text += part.value();
  return text;
}

// The elements below `top` in the order of the document. No recursion: depth is the log's to choose.
void collect(const pugi::xml_node& top, Event& event) {
  std::size_t unnamed = 0;
  for (pugi::xml_node node = top; node;) {
    const bool inner = std::ranges::any_of(node.children(), [](const pugi::xml_node& n) { return n.type() == pugi::node_element; });
    if (node.type() == pugi::node_element && !inner && node != top) {
      const std::string_view name = local_name(node.name());
      const pugi::xml_attribute given = node.attribute("Name");
      for (const pugi::xml_attribute& attribute : node.attributes())
        if (attribute != given && std::strncmp(attribute.name(), "xmlns", 5) != 0)
          event.fields.emplace_back(attribute.name(), attribute.value());
      if (given)
        event.fields.emplace_back(given.value(), text_of(node));
      else
        event.fields.emplace_back(name == "Data" ? std::to_string(unnamed++) : std::string(name), text_of(node));
    }
    if (node.first_child()) {
      node = node.first_child();
      continue;
    }
    while (node && node != top && !node.next_sibling()) node = node.parent();
    node = node == top ? pugi::xml_node() : node.next_sibling();
  }
}

}  // namespace

bool read_event_xml(std::string& xml, Event& event) {
  event = {};
  // Line ends stay as they are: a script's text must come out byte by byte. Blanks alone are a value too.
  constexpr unsigned options = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_ws_pcdata_single;
  pugi::xml_document document;
  if (!document.load_buffer_inplace(xml.data(), xml.size(), options, pugi::encoding_utf8)) return false;
  const pugi::xml_node root = child(document, "Event");
  const pugi::xml_node system = child(root, "System");
  if (!system) return false;
  event.provider = child(system, "Provider").attribute("Name").value();
  event.id = text_of(child(system, "EventID"));
  event.channel = text_of(child(system, "Channel"));
  event.computer = text_of(child(system, "Computer"));
  event.record_id = text_of(child(system, "EventRecordID"));
  event.user = child(system, "Security").attribute("UserID").value();
  const pugi::xml_node execution = child(system, "Execution");
  event.process_id = execution.attribute("ProcessID").value();
  event.thread_id = execution.attribute("ThreadID").value();
  event.time_text = child(system, "TimeCreated").attribute("SystemTime").value();
  if (const auto time = from_iso8601(event.time_text)) event.time = *time;
  for (const pugi::xml_node& part : root.children())
    if (part.type() == pugi::node_element && part != system) collect(part, event);
  return true;
}

std::string_view field(const Event& event, std::string_view name) noexcept {
  const auto found = std::ranges::find(event.fields, name, &std::pair<std::string, std::string>::first);
  return found == event.fields.end() ? std::string_view{} : std::string_view(found->second);
}

}  // namespace trimcarve::witness
