// The shapes are those of Microsoft's public documentation: "Azure Activity Log event schema" (REST and diagnostic settings), the
// AzureActivity table reference and the Log Analytics query API's answer (tables, columns, rows). The values are our own.
#include "witness/activity_log.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "ntfs/stream.hpp"
#include "witness/activity_event.hpp"
#include "witness/activity_match.hpp"

using namespace trimcarve;
using witness::Tally;

namespace {

struct Log {
  Tally tally;
  std::vector<Statement> statements;
};

Log read(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  Log out;
  out.tally = witness::read_activity_log(*ntfs::make_buffer(std::move(bytes), nullptr, 0),
                                         [&](const Statement& s) { out.statements.push_back(s); });
  return out;
}

std::string field(const Statement& s, std::string_view name) {
  for (const auto& [key, value] : s.fields)
    if (key == name) return value;
  return "-";
}

const std::string vm_id = "/subscriptions/0f0e-11/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/web01";
const std::string extension_id = vm_id + "/extensions/patch";

// An event as the REST interface gives it.
std::string rest(const std::string& operation, const std::string& resource, const std::string& status, const std::string& time,
                 const std::string& properties = "{}", const std::string& correlation = "c-1") {
  return R"({"authorization":{"action":")" + operation + R"(","scope":")" + resource +
         R"("},"caller":"eve@example.com","channels":"Operation",)" +
         R"("claims":{"appid":"355249ed","ipaddr":"203.0.113.9","name":"Eve Example",)" +
         R"("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"eve@example.com"},"correlationId":")" + correlation +
         R"(","description":"","eventDataId":"d-1","eventName":{"value":"EndRequest","localizedValue":"End request"},)" +
         R"("httpRequest":{"clientRequestId":"r-1","clientIpAddress":"198.51.100.7","method":"PUT"},"eventTimestamp":")" + time +
         R"(","level":"Informational","operationId":"o-1","operationName":{"value":")" + operation + R"(","localizedValue":"Something"},)" +
         R"("resourceGroupName":"rg-web","resourceId":")" + resource + R"(","status":{"value":")" + status +
         R"(","localizedValue":"x"},"subStatus":{"value":"Created","localizedValue":"201"},)" +
         R"("subscriptionId":"0f0e-11","properties":)" + properties + R"(,"relatedEvents":[]})";
}
const std::string ext_write = "Microsoft.Compute/virtualMachines/extensions/write";
const std::string ext_delete = "Microsoft.Compute/virtualMachines/extensions/delete";
const std::string other =
    rest("Microsoft.Network/networkSecurityGroups/write", "/subscriptions/0f0e-11", "Succeeded", "2026-01-01T00:00:00Z");

std::string utf16(const std::string& ascii, bool big, bool mark) {
  std::string out = mark ? (big ? "\xFE\xFF" : "\xFF\xFE") : "";
  for (const char c : ascii) out += big ? std::string{'\0', c} : std::string{c, '\0'};
  return out;
}

}  // namespace

TEST_CASE("an array of REST events: each that matters becomes a statement that cites its own object, the rest are counted") {
  const std::string event = rest(ext_write, extension_id, "Succeeded", "2026-02-03T04:05:06.1234567Z");
  const std::string text = "[\n  " + other + ",\n  " + event + "\n]\n";
  const Log log = read(text);
  CHECK(log.tally.readable);
  CHECK(log.tally.records == 2);
  CHECK(log.tally.emitted == 1);
  CHECK(log.tally.damaged == 0);
  CHECK(log.tally.gaps.count == 0);
  CHECK(log.tally.window.first == from_iso8601("2026-01-01T00:00:00Z"));
  CHECK(log.tally.window.last == from_iso8601("2026-02-03T04:05:06.1234567Z"));
  REQUIRE(log.statements.size() == 1);
  const Statement& s = log.statements[0];
  CHECK(text.substr(s.offset, s.length) == event);
  CHECK(s.deed == Deed::cloud_write);
  CHECK(s.event == ext_write);
  CHECK(s.time == *from_iso8601("2026-02-03T04:05:06.1234567Z"));
  CHECK(s.time_text == "2026-02-03T04:05:06.1234567Z");
  CHECK(s.zone_stated);
  CHECK(s.status == "Succeeded");
  CHECK(s.user == "eve@example.com");
  CHECK(s.computer == "web01");
  CHECK(s.handler.empty());  // the name in the resource id proves nothing
  CHECK(field(s, "callerIpAddress") == "198.51.100.7");
  CHECK(field(s, "claims.ipaddr") == "203.0.113.9");
  CHECK(field(s, "claims.name") == "Eve Example");
  CHECK(field(s, "claims.appid") == "355249ed");
  CHECK(field(s, "correlationId") == "c-1");
  CHECK(field(s, "operationId") == "o-1");
  CHECK(field(s, "subStatus") == "Created");
  CHECK(field(s, "resourceId") == extension_id);
  CHECK(field(s, "extensionName") == "patch");
  CHECK(field(s, "resourceGroup") == "rg-web");
  CHECK(field(s, "subscription") == "0f0e-11");
}

TEST_CASE("a page with its link, pretty-printed, and pages behind each other") {
  const std::string a = rest(ext_write, extension_id, "Started", "2026-02-03T04:05:06Z"),
                    b = rest(ext_delete, extension_id, "Started", "2026-02-03T05:05:06Z");
  const std::string text = "{\n  \"nextLink\": \"https://management.azure.com/x?$skipToken={0}\",\n  \"value\": [\n" + a +
                           "\n  ]\n}\n{\"value\":[" + b + "],\"nextLink\":\"https://y/{1}\"}";
  const Log log = read(text);
  CHECK(log.tally.records == 2);
  CHECK(log.tally.damaged == 0);
  REQUIRE(log.statements.size() == 2);
  CHECK(text.substr(log.statements[0].offset, log.statements[0].length) == a);
  CHECK(text.substr(log.statements[1].offset, log.statements[1].length) == b);
  CHECK(log.statements[1].deed == Deed::cloud_delete);
}

TEST_CASE("diagnostic settings: upper-case names, JSON lines or a list of records") {
  const std::string event =
      R"({"time":"2026-02-03T04:05:06.5Z","resourceId":"/SUBSCRIPTIONS/0F0E-11/RESOURCEGROUPS/RG-WEB/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/WEB01/EXTENSIONS/PATCH",)"
      R"("operationName":"MICROSOFT.COMPUTE/VIRTUALMACHINES/EXTENSIONS/DELETE","category":"Delete","resultType":"Success","resultSignature":"Succeeded.NoContent",)"
      R"("durationMs":0,"callerIpAddress":"198.51.100.7","correlationId":"c-2","identity":{"authorization":{"scope":"x"},"claims":{"appid":"a-1","name":"Robot"}},)"
      R"("level":"Information","location":"global","properties":{"eventCategory":"Administrative","operationId":"o-9","eventProperties":{"statusCode":"NoContent"}}})";
  for (const std::string& text : {event + "\n" + event + "\r\n", "{\"records\":[" + event + "," + event + "]}"}) {
    const Log log = read(text);
    CHECK(log.tally.records == 2);
    CHECK(log.tally.damaged == 0);
    REQUIRE(log.statements.size() == 2);
    const Statement& s = log.statements[1];
    CHECK(text.substr(s.offset, s.length) == event);
    CHECK(s.event == ext_delete);  // in its canonical case
    CHECK(s.deed == Deed::cloud_delete);
    CHECK(s.status == "Success");
    CHECK(s.user == "a-1");  // no caller is written: what the token names
    CHECK(s.computer == "WEB01");
    CHECK(field(s, "extensionName") == "PATCH");
    CHECK(field(s, "callerIpAddress") == "198.51.100.7");
    CHECK(field(s, "operationId") == "o-9");
    CHECK(field(s, "statusCode") == "NoContent");
  }
}

TEST_CASE("Log Analytics: rows as objects, the query's answer, and its CSV say the same") {
  const std::string operation = "MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION";
  const std::string claims = R"({\"name\":\"Eve Example\",\"ipaddr\":\"203.0.113.9\"})";
  const std::string object =
      R"({"TableName":"PrimaryResult","TimeGenerated":"2026-02-03T04:05:06.5Z","OperationName":"","OperationNameValue":")" + operation +
      R"(","ActivityStatusValue":"Start","ActivitySubstatusValue":"Accepted","Caller":"eve@example.com","CallerIpAddress":"198.51.100.7",)" +
      R"("CorrelationId":"c-3","Claims":")" + claims + R"(","Properties_d":{"statusCode":"Accepted"},"_ResourceId":")" + vm_id + R"("})";
  const std::string row =
      R"(["2026-02-03T04:05:06.5Z","","MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION","Start","Accepted","eve@example.com","198.51.100.7","c-3",")" +
      claims + R"(",")" + vm_id + "\"]";
  std::string columns;
  for (const char* name : {"TimeGenerated", "OperationName", "OperationNameValue", "ActivityStatusValue", "ActivitySubstatusValue",
                           "Caller", "CallerIpAddress", "CorrelationId", "Claims", "_ResourceId"})
    columns += std::string(columns.empty() ? "" : ",") + R"({"name":")" + name + R"(","type":"string"})";
  const std::string answer = R"({"tables":[{"name":"PrimaryResult","columns":[)" + columns + "],\"rows\":[" + row + "," + row + "]}]}";
  const std::string record = "\"2/3/2026, 4:05:06.500 AM\",," + operation + ",Start,Accepted,eve@example.com,198.51.100.7,c-3," +
                             R"("{""name"":""Eve Example"",)" + "\r\n" + R"(""ipaddr"":""203.0.113.9""}",)" + vm_id + "\r\n";
  const std::string csv =
      "\xEF\xBB\xBFTimeGenerated [UTC],OperationName,OperationNameValue,ActivityStatusValue,ActivitySubstatusValue,Caller,CallerIpAddress,"
      "CorrelationId,Claims,_ResourceId\r\n" +
      record + record;
  for (const auto& [text, cited] : {std::pair{"[" + object + "," + object + "]", object}, {answer, row}, {csv, record}}) {
    CAPTURE(text);
    const Log log = read(text);
    CHECK(log.tally.records == 2);
    CHECK(log.tally.damaged == 0);
    REQUIRE(log.statements.size() == 2);
    const Statement& s = log.statements[1];
    CHECK(text.substr(s.offset, s.length) == cited);
    CHECK(s.deed == Deed::cloud_command);
    CHECK(s.event == "Microsoft.Compute/virtualMachines/runCommand/action");
    CHECK(s.time == *from_iso8601("2026-02-03T04:05:06.5Z"));
    CHECK(s.zone_stated);
    CHECK(s.status == "Start");
    CHECK(s.user == "eve@example.com");
    CHECK(s.computer == "web01");
    CHECK(field(s, "callerIpAddress") == "198.51.100.7");
    CHECK(field(s, "claims.name") == "Eve Example");
    CHECK(field(s, "correlationId") == "c-3");
  }
}

TEST_CASE("UTF-8 with a mark and UTF-16 of both orders cite the same event at its own bytes") {
  const std::string event = rest(ext_write, extension_id, "Succeeded", "2026-02-03T04:05:06Z"), text = "[" + other + "," + event + "]";
  const std::uint64_t at = text.size() - 1 - event.size();
  for (const auto& [file, unit, mark] : {std::tuple{"\xEF\xBB\xBF" + text, 1U, 3U},
                                         {utf16(text, false, true), 2U, 2U},
                                         {utf16(text, true, true), 2U, 2U},
                                         {utf16(text, false, false), 2U, 0U}}) {
    const Log log = read(file);
    CHECK(log.tally.records == 2);
    REQUIRE(log.statements.size() == 1);
    CHECK(log.statements[0].offset == at * unit + mark);
    CHECK(log.statements[0].length == event.size() * unit);
    CHECK(log.statements[0].user == "eve@example.com");
  }
}

TEST_CASE("a request body that states publisher and type gives the handler; masked settings are none") {
  const std::string body =
      R"("{\"properties\":{\"publisher\":\"Microsoft.Compute\",\"type\":\"CustomScriptExtension\",\"typeHandlerVersion\":\"1.10\",)"
      R"(\"settings\":{\"fileUris\":\"******\"},\"provisioningState\":\"Updating\"},\"type\":\"Microsoft.Compute/virtualMachines/extensions\"}")";
  const Log log = read(
      "[" + rest(ext_write, extension_id, "Accepted", "2026-02-03T04:05:06Z", R"({"statusCode":"Created","responseBody":)" + body + "}") +
      "]");
  REQUIRE(log.statements.size() == 1);
  const Statement& s = log.statements[0];
  CHECK(s.handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(s.version == "1.10");
  CHECK(field(s, "publisher") == "Microsoft.Compute");
  CHECK(field(s, "type") == "CustomScriptExtension");
  CHECK(field(s, "provisioningState") == "Updating");
  CHECK(s.settings.empty());
  CHECK(field(s, "settings") == R"({"fileUris":"******"})");
  CHECK_FALSE(s.cut);
}

TEST_CASE("a body that was cut by whoever logged it costs only itself, and is kept") {
  const Log log = read(
      "[" +
      rest(ext_write, extension_id, "Accepted", "2026-02-03T04:05:06Z", R"({"responseBody":"{\"properties\":{\"publisher\":\"Micro"})") +
      "]");
  REQUIRE(log.statements.size() == 1);
  CHECK(log.statements[0].cut);
  CHECK(log.statements[0].handler.empty());
  CHECK(field(log.statements[0], "responseBody") == R"({"properties":{"publisher":"Micro)");
}

TEST_CASE("a write of a machine whose answer lists the extensions names each; one that lists none is something else") {
  const std::string body =
      R"("{\"name\":\"web01\",\"properties\":{\"vmId\":\"9857-1\",\"storageProfile\":{\"osDisk\":{\"name\":\"os1\"}},\"osProfile\":{\"computerName\":\"WEB-01\"},\"provisioningState\":\"Succeeded\"},\"resources\":[)"
      R"({\"name\":\"patch\",\"type\":\"Microsoft.Compute/virtualMachines/extensions\",\"properties\":{\"publisher\":\"Microsoft.Compute\",\"type\":\"CustomScriptExtension\",\"typeHandlerVersion\":\"1.10\",\"provisioningState\":\"Succeeded\",\"settings\":\"******\"}},)"
      R"({\"name\":\"mon\",\"properties\":{\"publisher\":\"Microsoft.Azure.Monitor\",\"type\":\"AzureMonitorWindowsAgent\",\"typeHandlerVersion\":\"1.0\"}}]}")";
  const std::string machine_write = "Microsoft.Compute/virtualMachines/write";
  const Log log = read("[" + rest(machine_write, vm_id, "Accepted", "2026-02-03T04:05:06Z", R"({"responseBody":)" + body + "}") + "," +
                       rest(machine_write, vm_id, "Started", "2026-02-03T04:05:05Z") + "]");
  REQUIRE(log.statements.size() == 2);
  CHECK(log.statements[0].deed == Deed::cloud_machine);
  CHECK(log.statements[1].deed == Deed::other);
  CHECK(field(log.statements[0], "vmId") == "9857-1");
  CHECK(field(log.statements[0], "computerName") == "WEB-01");
  CHECK(field(log.statements[0], "osDiskName") == "os1");
  const auto list = witness::listed_extensions(log.statements[0]);
  REQUIRE(list.size() == 2);
  CHECK(list[0].name == "patch");
  CHECK(list[0].publisher == "Microsoft.Compute");
  CHECK(list[0].type == "CustomScriptExtension");
  CHECK(list[0].version == "1.10");
  CHECK(list[0].state == "Succeeded");
  CHECK(list[1].type == "AzureMonitorWindowsAgent");
  CHECK(list[1].state.empty());
}

// Which body may list what: Microsoft.Compute's REST reference (virtual machine: resources, instanceView).
TEST_CASE("answer and request of one write are one list: no entry is made of two, none is listed twice") {
  const std::string answer =
      R"("{\"resources\":[{\"name\":\"cse\",\"properties\":{\"publisher\":\"Microsoft.Compute\",\"type\":\"CustomScriptExtension\",\"typeHandlerVersion\":\"1.10\",\"provisioningState\":\"Succeeded\"}}]}")";
  const std::string request =
      R"("{\"resources\":[{\"name\":\"dsc\",\"properties\":{\"publisher\":\"Microsoft.Powershell\",\"type\":\"DSC\"}},)"
      R"({\"name\":\"CSE\",\"properties\":{\"publisher\":\"Microsoft.Compute\",\"type\":\"CustomScriptExtension\"}}]}")";
  const auto check = [](const Log& log) {
    REQUIRE(log.statements.size() == 1);
    CHECK(log.statements[0].deed == Deed::cloud_machine);
    CHECK(field(log.statements[0], "extensions") == "2");
    const auto list = witness::listed_extensions(log.statements[0]);
    REQUIRE(list.size() == 2);
    CHECK(list[0].name == "cse");
    CHECK(list[0].type == "CustomScriptExtension");
    CHECK(list[0].version == "1.10");
    CHECK(list[0].state == "Succeeded");
    CHECK(list[1].name == "dsc");
    CHECK(list[1].publisher == "Microsoft.Powershell");
    CHECK(list[1].type == "DSC");
    CHECK(list[1].version.empty());
    CHECK(list[1].state.empty());
  };
  const std::string write = "Microsoft.Compute/virtualMachines/write",
                    both = R"("responseBody":)" + answer + R"(,"requestbody":)" + request;
  check(read("[" + rest(write, vm_id, "Succeeded", "2026-02-03T04:05:06Z", "{" + both + "}") + "]"));
  // Diagnostic settings keep them one level below, and some tools at both.
  check(read("[" + rest(write, vm_id, "Succeeded", "2026-02-03T04:05:06Z", "{" + both + R"(,"eventProperties":{)" + both + "}}") + "]"));
  check(read("[" +
             rest(write, vm_id, "Succeeded", "2026-02-03T04:05:06Z",
                  R"({"responseBody":)" + answer + R"(,"eventProperties":{"requestbody":)" + request + "}}") +
             "]"));
}

TEST_CASE("an event that matters is kept whatever its time is written as, or when it has none") {
  const std::string with = rest(ext_delete, extension_id, "Succeeded", "T");
  const std::string member = R"("eventTimestamp":"T",)";
  const auto timed = [&](const std::string& instead) { return std::string(with).replace(with.find(member), member.size(), instead); };
  const Log log = read("[" + timed("") + "," + timed(R"("eventTimestamp":null,)") + "," + timed(R"("eventTimestamp":1591905451000,)") +
                       "," + timed(R"("eventTimestamp":"/Date(1591905451000)/",)") + "]");
  CHECK(log.tally.records == 4);
  CHECK(log.tally.damaged == 0);
  CHECK_FALSE(log.tally.window.first.has_value());
  REQUIRE(log.statements.size() == 4);
  for (const Statement& s : log.statements) {
    CHECK(s.deed == Deed::cloud_delete);
    CHECK(s.time == no_time);
    CHECK(field(s, "extensionName") == "patch");
  }
  CHECK(log.statements[0].time_text.empty());
  CHECK(log.statements[1].time_text.empty());
  CHECK(log.statements[2].time_text == "1591905451000");
  CHECK(log.statements[3].time_text == "/Date(1591905451000)/");
  // A line of JSON lines, and a row of a table, alike.
  CHECK(read(timed("") + "\n" + with + "\n").statements.size() == 2);
}

TEST_CASE("scale sets, Azure Arc and run command resources are told by their operation and resource id") {
  const std::string set = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachineScaleSets/pool";
  const std::string arc = "/subscriptions/s/resourceGroups/r/providers/Microsoft.HybridCompute/machines/srv7";
  const Log log = read(
      rest("microsoft.compute/virtualmachinescalesets/extensions/write", set + "/extensions/vmssCSE", "Started", "2026-01-01T00:00:00Z") +
      rest("Microsoft.HybridCompute/machines/extensions/delete", arc + "/extensions/run", "Started", "2026-01-01T00:00:00Z") +
      rest("Microsoft.Compute/virtualMachines/runCommands/write", vm_id + "/runCommands/fix", "Started", "2026-01-01T00:00:00Z",
           R"({"requestbody":"{\"properties\":{\"source\":{\"script\":\"whoami\"}}}"})") +
      rest("Microsoft.Compute/disks/beginGetAccess/action", "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/disks/os1",
           "Started", "2026-01-01T00:00:00Z"));
  REQUIRE(log.statements.size() == 4);
  CHECK(log.statements[0].event == "Microsoft.Compute/virtualMachineScaleSets/extensions/write");
  CHECK(log.statements[0].computer == "pool");
  CHECK(log.statements[1].deed == Deed::cloud_delete);
  CHECK(log.statements[1].computer == "srv7");
  CHECK(log.statements[2].deed == Deed::cloud_command);
  CHECK(log.statements[2].command == "whoami");
  CHECK(field(log.statements[2], "runCommandName") == "fix");
  CHECK(log.statements[3].deed == Deed::other);
  CHECK(field(log.statements[3], "diskName") == "os1");
}

TEST_CASE("an event that does not parse costs itself and is a gap; its neighbours stay") {
  const std::string a = rest(ext_write, extension_id, "Started", "2026-02-03T04:05:06Z"),
                    b = rest(ext_delete, extension_id, "Started", "2026-02-03T05:05:06Z");
  std::string broken = a;
  SUBCASE("a bad escape") { broken.replace(broken.find("Eve"), 3, "\\xe"); }
  SUBCASE("zeros in a text") { broken.replace(broken.find("Eve"), 3, 3, '\0'); }
  SUBCASE("zeros between members") { broken.replace(broken.find("\"claims\""), 40, 40, '\0'); }
  SUBCASE("a missing quote") { broken.erase(broken.find("\"channels\""), 1); }
  SUBCASE("a missing bracket") { broken.erase(broken.find("},\"caller\""), 1); }
  SUBCASE("a bracket too many") { broken.insert(broken.find(",\"caller\""), "}"); }
  SUBCASE("its end is missing") { broken.resize(broken.size() / 2); }
  SUBCASE("its beginning is missing") { broken.erase(0, broken.size() / 2); }
  for (const auto& [before, between, after] : {std::tuple{"[", ",", "]"}, {"", "\n", "\n"}, {"{\"records\":[\n", ",\n", "]}"}}) {
    const std::string text = before + b + between + broken + between + b + between + b + after;
    CAPTURE(text);
    const Log log = read(text);
    REQUIRE(log.statements.size() == 3);
    for (const Statement& s : log.statements) CHECK(text.substr(s.offset, s.length) == b);
    CHECK(log.tally.damaged == 1);
    CHECK(log.tally.records == 4);
    REQUIRE(log.tally.gaps.count == 1);
    const std::uint64_t begin = std::string_view(before).size() + b.size() + std::string_view(between).size();
    CHECK(log.tally.gaps.kept[0].offset >= begin);
    CHECK(log.tally.gaps.kept[0].offset < begin + broken.size());
    CHECK(log.tally.gaps.kept[0].offset + log.tally.gaps.kept[0].length <= begin + broken.size() + std::string_view(between).size());
    if (broken.starts_with("{")) CHECK(log.tally.gaps.kept[0].offset == begin);
  }
}

TEST_CASE("an event that ended early is kept as what it is: a part") {
  const std::string a = rest(ext_write, extension_id, "Started", "2026-02-03T04:05:06Z");
  const std::size_t at = a.find(",\"properties\"");
  for (const std::string& rest_of_it : {a.substr(at), std::string("}")}) {
    const Log log = read("[" + a + "," + a.substr(0, at) + "}" + rest_of_it + "," + a + "]");
    REQUIRE(log.statements.size() == 3);
    CHECK_FALSE(log.statements[0].cut);
    CHECK(log.statements[1].cut);
    CHECK_FALSE(log.statements[2].cut);
    CHECK(log.tally.damaged == 1);
    CHECK(log.tally.gaps.count == 1);
  }
}

TEST_CASE("a damaged row of a table, or line of CSV, costs itself only") {
  const std::string row = R"(["2026-02-03T04:05:06Z","Microsoft.Compute/virtualMachines/delete",")" + vm_id + "\"]";
  const std::string head =
      R"({"tables":[{"columns":[{"name":"TimeGenerated"},{"name":"OperationNameValue"},{"name":"_ResourceId"}],"rows":[)";
  const Log rows = read(head + row + ",[\"2026\"]," + row + std::string(",[\"20\0,", 7) + row + "]}]}");
  CHECK(rows.statements.size() == 3);
  CHECK(rows.tally.damaged == 2);
  const std::string line = "2026-02-03T04:05:06Z,Microsoft.Compute/virtualMachines/delete," + vm_id + "\n";
  const Log lines =
      read("TimeGenerated,OperationNameValue,_ResourceId\n" + line + "2026-02-03T04:05:06Z,\"Micro\n" + line + "x,y\n" + line);
  CHECK(lines.statements.size() == 3);
  CHECK(lines.tally.damaged == 2);
  CHECK(lines.tally.gaps.bytes == 28 + 4);
}

TEST_CASE("what is no activity log is said not to be one") {
  CHECK_FALSE(read("MZ\x90\0\3 this is no log").tally.readable);
  CHECK_FALSE(read("name,value\n1,2\n").tally.readable);
  CHECK(read("").tally.readable);
  CHECK(read("[]").tally.records == 0);
}

TEST_CASE("times are read with Z, with an offset, without a zone, and as the portal exports them") {
  const auto at = from_iso8601("2026-02-03T04:05:06.5Z");
  for (const char* text :
       {"2026-02-03T04:05:06.5Z", "2026-02-03T04:05:06.500000+00:00", "2026-02-03T06:05:06.5+02:00", "2026-02-02T23:35:06.5-04:30"}) {
    CAPTURE(text);
    const auto time = witness::read_event_time(text);
    REQUIRE(time);
    CHECK(time->time == *at);
    CHECK(time->zone_stated);
  }
  for (const char* text : {"2026-02-03T04:05:06.5", "2026-02-03 04:05:06.5", "2/3/2026 4:05:06.5 AM", "2/3/2026, 4:05:06.500 AM"}) {
    CAPTURE(text);
    const auto time = witness::read_event_time(text);
    REQUIRE(time);
    CHECK(time->time == *at);
    CHECK_FALSE(time->zone_stated);
  }
  CHECK(witness::read_event_time("2/3/2026, 12:00:00.000 PM")->time == *from_iso8601("2026-02-03T12:00:00Z"));
  CHECK(witness::read_event_time("2/3/2026, 12:00:00 AM")->time == *from_iso8601("2026-02-03T00:00:00Z"));
  for (const char* text :
       {"", "yesterday", "2026-02-03T04:05:06+99:00", "13/32/2026, 4:05:06 AM", "2/3/2026, 13:05:06 AM", "2/3/2026, 4:05 AM"})
    CHECK_FALSE(witness::read_event_time(text));
}

TEST_CASE("the events of one operation are one, however they are ordered and written") {
  const Log log = read(
      rest(ext_write, extension_id, "Succeeded", "2026-02-03T04:06:00Z") +
      rest(ext_delete, extension_id, "Started", "2026-02-03T05:00:00Z") +
      rest(ext_write, extension_id, "Accepted", "2026-02-03T04:05:01Z") +
      R"({"time":"2026-02-03T04:05:00Z","operationName":"MICROSOFT.COMPUTE/VIRTUALMACHINES/EXTENSIONS/WRITE","resultType":"Start","correlationId":"C-1","resourceId":")" +
      extension_id + "\"}" + rest(ext_write, vm_id + "/extensions/b", "Started", "2026-02-03T04:05:30Z") +
      rest(ext_write, extension_id, "Failed", "2026-02-03T06:00:00Z", "{}", "c-8"));
  const auto operations = witness::group_operations(log.statements);
  REQUIRE(operations.size() == 4);
  CHECK(operations[0].numbers == std::vector<std::uint32_t>{0, 2, 3});
  CHECK(operations[0].deed == Deed::cloud_write);
  CHECK(operations[0].first_time == *from_iso8601("2026-02-03T04:05:00Z"));
  CHECK(operations[0].last_time == *from_iso8601("2026-02-03T04:06:00Z"));
  CHECK(operations[0].final_status == "Succeeded");
  CHECK(operations[0].outcome == witness::Outcome::succeeded);
  CHECK(operations[0].extension_name == "patch");
  CHECK(operations[0].vm == "web01");
  CHECK(operations[0].caller == "eve@example.com");
  CHECK(operations[0].ip == "198.51.100.7");
  CHECK(operations[1].extension_name == "b");
  CHECK(operations[2].deed == Deed::cloud_delete);
  CHECK(operations[2].outcome == witness::Outcome::started);
  CHECK(operations[3].outcome == witness::Outcome::failed);
}
