// Expectations: the layout of \Packages\Plugins\<handler>\<version>\ as documented (domain notes, seen in real samples).
#include "findings/layout.hpp"

#include <doctest/doctest.h>

using namespace trimcarve::findings;

namespace {
const std::u16string base = u"\\Packages\\Plugins\\Microsoft.Compute.CustomScriptExtension";
}

TEST_CASE("each part of a handler's tree is told apart") {
  CHECK(place(base, true).area == Area::handler);
  CHECK(place(base + u"\\1.10.20", true).area == Area::version);
  CHECK(place(base + u"\\1.10.20\\RuntimeSettings", true).area == Area::other);
  CHECK(place(base + u"\\1.10.20\\HandlerManifest.json", false).area == Area::package);
  CHECK(place(base + u"\\1.10.20\\bin\\CustomScriptHandler.exe", false).area == Area::package);
  CHECK(place(base + u"\\1.10.20\\Status\\HeartBeat.Json", false).area == Area::package);
  CHECK(place(u"\\Windows\\System32", true).area == Area::outside);
  CHECK(place(u"\\Packages\\Plugins", true).area == Area::outside);
  CHECK(place(u"\\WindowsAzure\\Logs\\Plugins\\Microsoft.Compute.CustomScriptExtension\\1.10.20\\x.log", false).area == Area::logs);
}

TEST_CASE("settings and status give their sequence, with a name before it or not, in any case") {
  const Placed settings = place(base + u"\\1.4\\runtimesettings\\12.SETTINGS", false);
  CHECK(settings.area == Area::settings);
  CHECK(settings.sequence == "12");
  CHECK(settings.version == "1.4");
  CHECK(settings.handler == "Microsoft.Compute.CustomScriptExtension");
  CHECK(place(base + u"\\1.4\\RuntimeSettings\\job.a.3.settings", false).sequence == "3");
  const Placed status = place(base + u"\\1.4\\Status\\0.status", false);
  CHECK(status.area == Area::status);
  CHECK(status.sequence == "0");
  CHECK(place(base + u"\\1.4\\RuntimeSettings\\x.settings", false).area == Area::other);
}

TEST_CASE("downloads give their folder's number, or that of a flat script") {
  CHECK(place(base + u"\\1.10.20\\Downloads\\7\\a\\b.ps1", false).download == "7");
  CHECK(place(base + u"\\1.10.20\\Downloads\\7\\b.ps1", false).area == Area::download);
  CHECK(place(u"\\Packages\\Plugins\\Microsoft.CPlat.Core.RunCommandWindows\\1.1.15\\Downloads\\script12.ps1", false).download == "12");
}

TEST_CASE("a path whose beginning is lost is placed by what is left") {
  const Placed p = place(u"\u2026\\1.10.20\\Downloads\\0\\x.ps1", false);
  CHECK(p.area == Area::download);
  CHECK(p.version == "1.10.20");
  CHECK(place(u"\u2026\\RuntimeSettings\\0.settings", false).sequence == "0");
  CHECK(place(u"\u2026\\CustomScriptHandler.exe", false).area == Area::other);
  CHECK(place(u"\u2026", true).area == Area::other);
}

TEST_CASE("versions have two to four numbers") {
  for (const char16_t* yes : {u"1.4", u"1.10.22", u"2.0.0.1"}) CHECK(is_version(yes));
  for (const char16_t* no : {u"1", u"1.", u".1", u"1..2", u"1.2.3.4.5", u"1.a", u"", u"bin"}) CHECK_FALSE(is_version(no));
}

// Expectations: section "The extension on disk" of the domain notes, one line each.
TEST_CASE("every place of the documented tree") {
  const std::u16string v = base + u"\\1.10.20";
  const struct {
    const char16_t* below;
    bool directory;
    Area area;
    const char *sequence, *download;
  } rows[] = {
      {u"\\bin", true, Area::other, "", ""},
      {u"\\bin\\CustomScriptHandler.exe.config", false, Area::package, "", ""},
      {u"\\HandlerEnvironment.json", false, Area::package, "", ""},
      {u"\\manifest.xml", false, Area::package, "", ""},
      {u"\\PackageInformation.txt", false, Area::package, "", ""},
      {u"\\config.txt", false, Area::package, "", ""},
      {u"\\RuntimeSettings", true, Area::other, "", ""},
      {u"\\RuntimeSettings\\0.settings", false, Area::settings, "0", ""},
      {u"\\RuntimeSettings\\0.settings", true, Area::other, "", ""},
      {u"\\RuntimeSettings\\0.settings.tmp", false, Area::other, "", ""},
      {u"\\RuntimeSettings\\.settings", false, Area::other, "", ""},
      {u"\\Status", true, Area::other, "", ""},
      {u"\\Status\\18446744073709551616.status", false, Area::status, "18446744073709551616", ""},
      {u"\\Status\\HeartBeat.Json", false, Area::package, "", ""},
      {u"\\Downloads", true, Area::other, "", ""},
      {u"\\Downloads\\3", true, Area::other, "", "3"},
      {u"\\Downloads\\3\\x.ps1", false, Area::download, "", "3"},
      {u"\\Downloads\\3\\a\\b\\c.dll", false, Area::download, "", "3"},
      {u"\\Downloads\\x.ps1", false, Area::download, "", ""},
      {u"\\Downloads\\script3.ps1", false, Area::download, "", "3"},
      {u"\\Downloads\\SCRIPT30.PS1", false, Area::download, "", "30"},
      {u"\\Downloads\\scriptx.ps1", false, Area::download, "", ""},
      {u"\\Downloads\\script.ps1", false, Area::download, "", ""},
      {u"\\0.settings", false, Area::package, "", ""},
  };
  for (const auto& row : rows) {
    const Placed p = place(v + row.below, row.directory);
    CAPTURE(std::string(row.sequence) + row.download);
    CHECK(p.area == row.area);
    CHECK(p.sequence == row.sequence);
    CHECK(p.download == row.download);
    CHECK(p.version == "1.10.20");
    CHECK(p.handler == "Microsoft.Compute.CustomScriptExtension");
  }
}

TEST_CASE("a handler that names its requests gives name and sequence; one that does not gives no name") {
  const std::u16string named = u"\\Packages\\Plugins\\Microsoft.CPlat.Core.RunCommandHandlerWindows\\2.0.12";
  const Placed settings = place(named + u"\\RuntimeSettings\\job.a.3.settings", false);
  CHECK(settings.request == "job.a");
  CHECK(settings.sequence == "3");
  CHECK(place(named + u"\\Status\\job.a.3.status", false).request == "job.a");
  CHECK(place(base + u"\\1.10\\RuntimeSettings\\3.settings", false).request.empty());
}

TEST_CASE("the layout's own names are compared without case, with the drive and either slash") {
  for (const char16_t* path : {u"\\PACKAGES\\plugins\\h\\1.2\\downloads\\4\\x", u"C:\\Packages\\Plugins\\h\\1.2\\Downloads\\4\\x",
                               u"/Packages/Plugins/h/1.2/Downloads/4/x"}) {
    const Placed p = place(path, false);
    CHECK(p.area == Area::download);
    CHECK(p.handler == "h");
    CHECK(p.download == "4");
  }
  CHECK(place(u"\\PackagesX\\Plugins\\h\\1.2", true).area == Area::outside);
  CHECK(place(u"\\x\\Packages\\Plugins\\h\\1.2", true).area == Area::outside);
  CHECK(place(u"", true).area == Area::outside);
  CHECK(place(u"\\", true).area == Area::outside);
}

TEST_CASE("a file is not taken for the folder whose name it has") {
  CHECK(place(base, false).area == Area::other);
  CHECK(place(base + u"\\1.10.20", false).area == Area::other);
  CHECK(place(u"\u2026\\1.10.20", false).area == Area::other);
  CHECK(place(u"\u2026\\1.10.20", true).area == Area::version);
}

TEST_CASE("what lies beside the versions belongs to none") {
  const Placed events = place(base + u"\\Events\\1591905451.json", false);
  CHECK(events.area == Area::package);
  CHECK(events.version.empty());
  CHECK(place(base + u"\\Events", true).area == Area::other);
  CHECK(place(base + u"\\1.10.20.zip", false).version.empty());
}

TEST_CASE("logs give handler and version, also where the beginning is lost: they are no installation") {
  const std::u16string logs = u"\\WindowsAzure\\Logs\\Plugins";
  CHECK(place(logs, true).area == Area::outside);
  const Placed p = place(logs + u"\\h\\1.10.20\\CommandExecution.log", false);
  CHECK(p.area == Area::logs);
  CHECK(p.handler == "h");
  CHECK(p.version == "1.10.20");
  CHECK(place(logs + u"\\h", true).version.empty());
  const Placed lost = place(u"\u2026\\Logs\\Plugins\\h\\1.10.20", true);
  CHECK(lost.area == Area::logs);
  CHECK(lost.version == "1.10.20");
}

TEST_CASE("of a path whose beginning is lost the folder above the version is the handler, and nothing is made up") {
  const Placed p = place(u"\u2026\\h\\1.10.20\\Status\\2.status", false);
  CHECK(p.area == Area::status);
  CHECK(p.handler == "h");
  CHECK(p.version == "1.10.20");
  const Placed bare = place(u"\u2026\\Downloads\\2\\x.ps1", false);
  CHECK(bare.area == Area::download);
  CHECK(bare.download == "2");
  CHECK(bare.version.empty());
  CHECK(bare.handler.empty());
  CHECK(place(u"\u2026\\Downloads", true).area == Area::other);
  CHECK(place(u"\u2026\\h\\notes\\x.txt", false).area == Area::other);
}

TEST_CASE("names are any 16-bit units: an unpaired surrogate is told as such") {
  CHECK(place(std::u16string(u"\\Packages\\Plugins\\") + char16_t{0xD800}, true).handler == "\\ud800");
}
