// One reader for logs, events and keys: what one finds in a text the others find too. Names and folders: Microsoft Learn
// (custom-script-windows, run-command, Azure Arc's extension logs).
#include "witness/handler_name.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace trimcarve::witness;

namespace {

const std::string custom = "Microsoft.Compute.CustomScriptExtension";

}  // namespace

TEST_CASE("a path below a handler's folder says the same to all who read it") {
  for (const std::string& path : {R"(C:\Packages\Plugins\)" + custom + R"(\1.10.12\bin\CustomScriptHandler.exe)",
                                  "c:/packages/plugins/" + custom + "/1.10.12/bin/CustomScriptHandler.exe",
                                  R"(D:\WindowsAzure\Logs\Plugins\)" + custom + R"(\1.10.12\CustomScriptHandler.log)",
                                  R"(C:\ProgramData\GuestConfig\extension_logs\)" + custom + R"(\1.10.12\x.log)"}) {
    CAPTURE(path);
    const auto by_path = handler_of_path(path);
    REQUIRE(by_path.has_value());
    CHECK(by_path->handler == custom);
    CHECK(by_path->version == "1.10.12");
    const HandlerMention by_event = find_handler(path);
    CHECK(by_event.handler == custom);
    CHECK(by_event.version == "1.10.12");
    const auto by_log = find_handlers(path);
    REQUIRE(by_log.size() == 1);
    CHECK(by_log[0].handler == custom);
    CHECK(by_log[0].version == "1.10.12");
    CHECK(origin_of(path).handler == custom);
    CHECK(origin_of(path).version == "1.10.12");
    CHECK(is_handler_program(path));
  }
}

TEST_CASE("what is no version is none to any of them") {
  for (const std::string version : {"1.2.3.4.5", "1.10.12abc", "1", "v1.2"}) {
    CAPTURE(version);
    CHECK_FALSE(is_version(version));
    CHECK_FALSE(handler_of_package(custom + "_" + version).has_value());
    const std::string path = R"(C:\Packages\Plugins\)" + custom + "\\" + version + "\\a.exe";
    CHECK(handler_of_path(path)->version.empty());
    CHECK(find_handler(path).version.empty());
    CHECK(find_handlers(path)[0].version.empty());
    CHECK(origin_of(path).version.empty());
  }
}

TEST_CASE("a package's name is a handler and a version, and nothing less") {
  CHECK(handler_of_package(custom + "_1.10.12")->handler == custom);
  CHECK(handler_of_package(custom + "_1.10.12")->version == "1.10.12");
  CHECK(handler_of_package("Contoso.My_Agent_2.1")->handler == "Contoso.My_Agent");
  for (const std::string& none :
       std::vector<std::string>{custom, "CustomScriptExtension_1.10", "_1.10", custom + "_", "a b.c_1.2", std::string()})
    CHECK_FALSE(handler_of_package(none).has_value());
}

TEST_CASE("only known names count in any program's text, and whatever stands below a handler's folder") {
  CHECK(find_handler("uses Microsoft.Azure.Monitor.AzureMonitorWindowsAgent, version: 1.2").handler.empty());
  CHECK(find_handler(R"(C:\Packages\Plugins\Contoso.Agent\2.1\a.exe)").handler == "Contoso.Agent");
  CHECK(find_handler("at " + custom + ".Program.Main(String[] args)").handler == custom);
  CHECK_FALSE(find_handler(custom + "s").found);
}
