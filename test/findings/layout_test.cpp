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
