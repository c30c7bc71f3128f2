#include "witness/activity_event.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "witness/json_objects.hpp"
#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

using Json = nlohmann::json;

// A machine's body lists at most some dozens; text made to list millions is cut here, and the number says so.
constexpr std::size_t most_listed = 256;
constexpr std::size_t most_kept_body = 65536;

constexpr std::array operations = {
    // Extensions: of machines, of scale sets and their machines, of Azure Arc's.
    Operation{"Microsoft.Compute/virtualMachines/extensions/write", Deed::cloud_write},
    Operation{"Microsoft.Compute/virtualMachines/extensions/delete", Deed::cloud_delete},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/extensions/write", Deed::cloud_write},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/extensions/delete", Deed::cloud_delete},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/extensions/write", Deed::cloud_write},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/extensions/delete", Deed::cloud_delete},
    Operation{"Microsoft.HybridCompute/machines/extensions/write", Deed::cloud_write},
    Operation{"Microsoft.HybridCompute/machines/extensions/delete", Deed::cloud_delete},
    Operation{"Microsoft.HybridCompute/machines/UpgradeExtensions/action", Deed::cloud_write},
    // Run commands: the action, and the resource of the later kind.
    Operation{"Microsoft.Compute/virtualMachines/runCommand/action", Deed::cloud_command},
    Operation{"Microsoft.Compute/virtualMachines/runCommands/write", Deed::cloud_command},
    Operation{"Microsoft.Compute/virtualMachines/runCommands/delete", Deed::cloud_command},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommand/action", Deed::cloud_command},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommands/write", Deed::cloud_command},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommands/delete", Deed::cloud_command},
    Operation{"Microsoft.HybridCompute/machines/runCommands/write", Deed::cloud_command},
    Operation{"Microsoft.HybridCompute/machines/runCommands/delete", Deed::cloud_command},
    // Machines: their bodies may list the extensions.
    Operation{"Microsoft.Compute/virtualMachines/write", Deed::cloud_machine},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/write", Deed::cloud_machine},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/write", Deed::cloud_machine},
    Operation{"Microsoft.HybridCompute/machines/write", Deed::cloud_machine},
    // What else ends, moves, stops or copies what the disk shows.
    Operation{"Microsoft.Compute/virtualMachines/delete"},
    Operation{"Microsoft.Compute/virtualMachines/redeploy/action"},
    Operation{"Microsoft.Compute/virtualMachines/reapply/action"},
    Operation{"Microsoft.Compute/virtualMachines/reimage/action"},
    Operation{"Microsoft.Compute/virtualMachines/restart/action"},
    Operation{"Microsoft.Compute/virtualMachines/powerOff/action"},
    Operation{"Microsoft.Compute/virtualMachines/deallocate/action"},
    Operation{"Microsoft.Compute/virtualMachines/start/action"},
    Operation{"Microsoft.Compute/virtualMachines/generalize/action"},
    Operation{"Microsoft.Compute/virtualMachines/capture/action"},
    Operation{"Microsoft.Compute/virtualMachines/attachDetachDataDisks/action"},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/delete"},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/delete/action"},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/reimage/action"},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/delete"},
    Operation{"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/reimage/action"},
    Operation{"Microsoft.HybridCompute/machines/delete"},
    Operation{"Microsoft.Compute/disks/write"},
    Operation{"Microsoft.Compute/disks/delete"},
    Operation{"Microsoft.Compute/disks/beginGetAccess/action"},
    Operation{"Microsoft.Compute/disks/endGetAccess/action"},
    Operation{"Microsoft.Compute/snapshots/write"},
    Operation{"Microsoft.Compute/snapshots/delete"},
    Operation{"Microsoft.Compute/snapshots/beginGetAccess/action"},
    Operation{"Microsoft.Compute/snapshots/endGetAccess/action"},
    Operation{"Microsoft.Compute/restorePointCollections/restorePoints/write"},
    Operation{"Microsoft.Compute/restorePointCollections/restorePoints/retrieveSasUris/action"},
};

using witness::member;
const Json* member(const Json& object, std::string_view name) { return member(&object, name); }
const Json* at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = &object;
  for (const std::string_view name : path)
    if (value == nullptr || (value = member(*value, name)) == nullptr) return nullptr;
  return value;
}

// {"value","localizedValue"} stands for its value.
std::string value_of(const Json* value) {
  const Json* inner = member(value, "value");
  return text_of(inner != nullptr && inner->is_string() ? inner : value);
}
std::string first_text(const Json& object, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (std::string text = value_of(member(object, name)); !text.empty()) return text;
  return {};
}

// An object that may be written as text, and may hide below "Content" (PowerShell's form). Null when it is none.
Json object_of(const Json* value) {
  if (value == nullptr) return nullptr;
  Json object = value->is_string() ? Json::parse(value->get_ref<const std::string&>(), nullptr, false) : *value;
  if (!object.is_object()) return nullptr;
  if (object.size() == 1)
    if (const Json* content = member(object, "Content"); content != nullptr && content->is_object()) return Json(*content);
  return object;
}

void add(Statement& out, std::string_view name, std::string value) {
  if (value.empty() || std::ranges::any_of(out.fields, [&](const auto& f) { return f.first == name; })) return;
  out.fields.emplace_back(name, std::move(value));
}

// The names in a resource id, which is pairs of kind and name: /subscriptions/<id>/resourceGroups/<name>/providers/Microsoft.Compute/...
void read_resource(Statement& out, std::string_view id) {
  std::string extension, run_command, machine, scale_set;
  std::string_view kind;
  for (std::size_t begin = 0; begin < id.size();) {
    const std::size_t end = std::min(id.find('/', begin), id.size());
    const std::string_view part = id.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty()) continue;
    if (kind.empty()) {
      kind = part;
      continue;
    }
    if (same_word(kind, "subscriptions")) add(out, "subscription", std::string(part));
    if (same_word(kind, "resourceGroups")) add(out, "resourceGroup", std::string(part));
    if (same_word(kind, "virtualMachines") || same_word(kind, "machines")) machine = part;
    if (same_word(kind, "virtualMachineScaleSets")) scale_set = part;
    if (same_word(kind, "extensions")) extension = part;
    if (same_word(kind, "runCommands")) run_command = part;
    if (same_word(kind, "disks")) add(out, "diskName", std::string(part));
    if (same_word(kind, "snapshots")) add(out, "snapshotName", std::string(part));
    kind = {};
  }
  out.computer = scale_set.empty() ? machine : scale_set;
  add(out, "vmName", machine);
  add(out, "scaleSet", scale_set);
  add(out, "extensionName", extension);
  add(out, "runCommandName", run_command);
}

// Azure writes asterisks for what it does not log.
bool masked(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return !text.empty() && text.find_first_not_of('*') == std::string::npos;
  }
  return value.is_structured() && std::ranges::any_of(value, masked);
}

struct Listed {
  std::string name, publisher, type, version, state;
};

// What all bodies of one event list: the answer's first, so that the request adds only what that does not say.
struct MachineList {
  std::vector<Listed> extensions;
  std::size_t total = 0;  // `extensions` ends at most_listed
};

bool same_extension(const Listed& a, const Listed& b) {
  const auto agree = [](const std::string& x, const std::string& y) { return x.empty() || y.empty() || x == y; };
  return same_word(a.name, b.name) && same_word(a.publisher, b.publisher) && same_word(a.type, b.type) && agree(a.version, b.version);
}

void list_from(const Json* list, MachineList& out) {
  if (list == nullptr || !list->is_array()) return;
  for (const Json& entry : *list) {
    const Json* properties = member(entry, "properties");
    const Json& source = properties != nullptr && properties->is_object() ? *properties : entry;
    // Of a machine's resources only its extensions have a publisher; an instance view's have a version.
    Listed item{value_of(member(entry, "name")), value_of(member(source, "publisher")), value_of(member(source, "type")),
                value_of(member(source, "typeHandlerVersion")), value_of(member(source, "provisioningState"))};
    if (item.publisher.empty() && item.version.empty()) continue;
    const auto known = std::ranges::find_if(out.extensions, [&](const Listed& other) { return same_extension(other, item); });
    if (known != out.extensions.end()) {
      if (known->version.empty()) known->version = std::move(item.version);
      if (known->state.empty()) known->state = std::move(item.state);
      continue;
    }
    ++out.total;
    if (out.extensions.size() < most_listed) out.extensions.push_back(std::move(item));
  }
}

void read_machine_body(const Json& body, Statement& out, MachineList& list) {
  // By these the machine and its disk are told from others of the same name.
  add(out, "vmId", value_of(at(body, {"properties", "vmId"})));
  add(out, "computerName", value_of(at(body, {"properties", "osProfile", "computerName"})));
  add(out, "osDiskName", value_of(at(body, {"properties", "storageProfile", "osDisk", "name"})));
  list_from(member(body, "resources"), list);
  list_from(at(body, {"properties", "resources"}), list);
  list_from(at(body, {"properties", "virtualMachineProfile", "extensionProfile", "extensions"}), list);
  list_from(at(body, {"properties", "instanceView", "extensions"}), list);
}

void add_machine_list(MachineList& list, Statement& out) {
  if (list.total == 0) return;
  add(out, "extensions", std::to_string(list.total));
  for (std::size_t i = 0; i < list.extensions.size(); ++i) {
    const std::string prefix = "extensions[" + std::to_string(i) + "].";
    const auto put = [&](const char* name, std::string& value) {
      if (!value.empty()) out.fields.emplace_back(prefix + name, std::move(value));
    };
    Listed& item = list.extensions[i];
    put("name", item.name);
    put("publisher", item.publisher);
    put("type", item.type);
    put("typeHandlerVersion", item.version);
    put("provisioningState", item.state);
  }
}

void read_extension_body(const Json& body, Statement& out) {
  const Json* inner = member(body, "properties");
  const Json& properties = inner != nullptr && inner->is_object() ? *inner : body;
  const std::string publisher = value_of(member(properties, "publisher")), type = value_of(member(properties, "type"));
  const std::string version = value_of(member(properties, "typeHandlerVersion"));
  if (!publisher.empty() && !type.empty() && out.handler.empty()) out.handler = publisher + "." + type, out.version = version;
  // A body's own type, beside its properties, is that of the resource.
  if (inner != nullptr || !publisher.empty()) add(out, "publisher", publisher), add(out, "type", type);
  add(out, "typeHandlerVersion", version);
  for (const char* name : {"provisioningState", "forceUpdateTag", "autoUpgradeMinorVersion"})
    add(out, name, value_of(member(properties, name)));
  if (const Json* settings = member(properties, "settings"); settings != nullptr && settings->is_object() && !settings->empty()) {
    if (masked(*settings))
      add(out, "settings", settings->dump());
    else if (out.settings.empty())
      out.settings = settings->dump();
  }
}

void read_command_body(const Json& body, Statement& out) {
  add(out, "commandId", value_of(member(body, "commandId")));
  const auto take = [&](const Json* script) {
    if (script == nullptr || masked(*script) || !out.command.empty()) return;
    if (script->is_string()) out.command = script->get<std::string>();
    if (script->is_array())
      for (const Json& line : *script)
        if (line.is_string()) out.command += (out.command.empty() ? "" : "\n") + line.get<std::string>();
  };
  take(member(body, "script"));
  take(at(body, {"properties", "source", "script"}));
  add(out, "scriptUri", value_of(at(body, {"properties", "source", "scriptUri"})));
  add(out, "commandId", value_of(at(body, {"properties", "source", "commandId"})));
  add(out, "runAsUser", value_of(at(body, {"properties", "runAsUser"})));
  add(out, "provisioningState", value_of(at(body, {"properties", "provisioningState"})));
}

void read_bodies(const Json& properties, Deed deed, Statement& out, MachineList& list) {
  for (const char* name : {"responseBody", "requestbody"}) {
    const Json* value = member(properties, name);
    if (value == nullptr || (value->is_string() && value->get_ref<const std::string&>().empty())) continue;
    const Json body = object_of(value);
    if (!body.is_object()) {  // cut short by whoever logged it, or no JSON: kept as it is
      std::string text = value->is_string() ? value->get<std::string>() : value->dump();
      if (text.size() > most_kept_body) {
        text.resize(most_kept_body);
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
        if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.pop_back();
      }
      add(out, name, std::move(text));
      out.cut = true;
      continue;
    }
    if (deed == Deed::cloud_machine) read_machine_body(body, out, list);
    if (deed == Deed::cloud_write || deed == Deed::cloud_delete) read_extension_body(body, out);
    if (deed == Deed::cloud_command) read_command_body(body, out);
  }
}

std::optional<unsigned> number(std::string_view& text, std::string_view behind) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.starts_with(behind)) return std::nullopt;
  text.remove_prefix(behind.size());
  return value;
}

// "1/31/2024, 1:02:03.456 AM", with or without the comma. Without AM or PM nothing tells the month from the day.
std::optional<FileTime> portal_time(std::string_view text) {
  const auto month = number(text, "/"), day = number(text, "/"), year = number(text, "");
  if (text.starts_with(',')) text.remove_prefix(1);
  if (!text.starts_with(' ')) return std::nullopt;
  text.remove_prefix(1);
  const auto hour = number(text, ":"), minute = number(text, ":");
  if (!month || !day || !year || !hour || !minute || *hour < 1 || *hour > 12 || text.size() < 5) return std::nullopt;
  const std::string_view half = text.substr(text.size() - 3);
  if (half != " AM" && half != " PM") return std::nullopt;
  const auto two = [](unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  std::string seconds(text.substr(0, text.size() - 3));
  if (seconds.size() == 1 || seconds.find('.') == 1) seconds.insert(0, 1, '0');
  const unsigned of_day = *hour % 12 + (half == " PM" ? 12 : 0);
  return from_iso8601(std::to_string(*year) + "-" + two(*month) + "-" + two(*day) + "T" + two(of_day) + ":" + two(*minute) + ":" + seconds +
                      "Z");
}

}  // namespace

const Operation* find_operation(std::string_view name) {
  const auto found = std::ranges::find_if(operations, [&](const Operation& o) { return same_word(o.name, name); });
  return found == operations.end() ? nullptr : &*found;
}

std::optional<EventTime> read_event_time(std::string_view text) {
  if (const auto time = from_iso8601(text)) return EventTime{*time, true};
  const std::size_t sign = text.size() > 19 ? text.find_first_of("+-", 19) : std::string_view::npos;
  if (sign != std::string_view::npos) {
    const auto time = from_iso8601(std::string(text.substr(0, sign)) + "Z");
    std::string_view zone = text.substr(sign + 1);
    const auto hours = number(zone, ":");
    const auto minutes = hours ? number(zone, "") : std::nullopt;
    if (!time || !minutes || !zone.empty() || *hours > 14 || *minutes > 59) return std::nullopt;
    const std::uint64_t shift = (*hours * 3600ULL + *minutes * 60ULL) * ticks_per_second;
    if (text[sign] == '-') return EventTime{{time->ticks + shift}, true};
    if (time->ticks < shift) return std::nullopt;
    return EventTime{{time->ticks - shift}, true};
  }
  if (const auto time = from_iso8601(std::string(text) + "Z")) return EventTime{*time, false};
  if (const auto time = portal_time(text)) return EventTime{*time, false};
  return std::nullopt;
}

std::string operation_of(const Json& event) {
  // In a table OperationName is for people, and mostly empty.
  return first_text(event, {"OperationNameValue", "operationName"});
}

std::string time_of(const Json& event) { return first_text(event, {"eventTimestamp", "time", "TimeGenerated"}); }

bool read_event(const Json& event, Statement& out) {
  const Operation* operation = find_operation(operation_of(event));
  if (operation == nullptr) return false;
  out.event = operation->name;
  out.deed = operation->deed;
  out.time_text = time_of(event);
  if (const auto time = read_event_time(out.time_text)) out.time = time->time, out.zone_stated = time->zone_stated;
  out.status = first_text(event, {"status", "resultType", "ActivityStatusValue", "ActivityStatus"});
  out.text = first_text(event, {"description", "resultDescription"});

  const Json identity = object_of(member(event, "identity"));
  Json claims = object_of(member(event, "claims"));
  for (const Json* value : {member(event, "Claims_d"), member(identity, "claims")})
    if (!claims.is_object()) claims = object_of(value);
  const Json request = object_of(member(event, "httpRequest"));
  Json properties = object_of(member(event, "properties"));
  if (!properties.is_object()) properties = object_of(member(event, "Properties_d"));
  const Json inner = object_of(member(properties, "eventProperties"));

  std::string resource = first_text(event, {"resourceId", "_ResourceId"});
  if (resource.empty()) resource = value_of(member(properties, "entity"));

  // The claims' names: those of the token, or the long ones of WS-Federation.
  static constexpr std::string_view schema = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/";
  const std::string upn = first_text(claims, {std::string(schema) + "upn", "upn"});
  const std::string app = first_text(claims, {"appid", "azp"});
  const std::string address = value_of(member(claims, "ipaddr"));
  out.user = value_of(member(event, "caller"));
  for (const std::string& name : {upn, first_text(claims, {std::string(schema) + "name"}), app})
    if (out.user.empty()) out.user = name;

  std::string ip = value_of(member(request, "clientIpAddress"));
  if (ip.empty()) ip = value_of(member(event, "callerIpAddress"));
  add(out, "callerIpAddress", ip.empty() ? address : ip);
  add(out, "correlationId", value_of(member(event, "correlationId")));
  std::string operation_id = value_of(member(event, "operationId"));
  add(out, "operationId", operation_id.empty() ? value_of(member(properties, "operationId")) : operation_id);
  add(out, "eventDataId", value_of(member(event, "eventDataId")));
  add(out, "subStatus", first_text(event, {"subStatus", "resultSignature", "ActivitySubstatusValue", "ActivitySubstatus"}));
  add(out, "resourceId", resource);
  read_resource(out, resource);
  add(out, "subscription", value_of(member(event, "subscriptionId")));
  add(out, "resourceGroup", first_text(event, {"resourceGroupName", "ResourceGroup"}));
  add(out, "claims.name", value_of(member(claims, "name")));
  add(out, "claims.upn", upn);
  add(out, "claims.appid", app);
  add(out, "claims.ipaddr", address);
  add(out, "claims.objectidentifier", first_text(claims, {"http://schemas.microsoft.com/identity/claims/objectidentifier", "oid"}));
  add(out, "clientRequestId", value_of(member(request, "clientRequestId")));
  add(out, "method", value_of(member(request, "method")));
  MachineList list;
  for (const Json* source : {static_cast<const Json*>(&properties), &inner}) {
    for (const char* name : {"statusCode", "serviceRequestId", "statusMessage", "deploymentId"})
      add(out, name, value_of(member(*source, name)));
    read_bodies(*source, operation->deed, out, list);
  }
  add_machine_list(list, out);
  if (out.deed == Deed::cloud_machine && list.total == 0) out.deed = Deed::other;  // it lists none
  return true;
}

}  // namespace trimcarve::witness
