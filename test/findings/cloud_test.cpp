// Expectations worked by hand. The names of fields and operations are those of Microsoft's "Azure Activity Log event schema".
#include "findings/cloud.hpp"

#include <doctest/doctest.h>

#include "hearing.hpp"

using namespace trimcarve;

namespace {

struct Case {
  Examination x;
  test::Witnessed w{x};
  TargetReport report;
  std::vector<findings::Disagreement> disagreements;

  Statement& event(Deed deed, const char* operation, const char* time, const char* status, const char* correlation) {
    Statement& s = w.say(SourceKind::activity_log, deed, time, 9);
    s.event = operation;
    s.status = status;
    s.user = "someone@example.org";
    s.computer = "vm1";
    s.fields = {{"correlationId", correlation},
                {"resourceId", "/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1/extensions/cse"},
                {"extensionName", "cse"},
                {"callerIpAddress", "192.0.2.7"}};
    return s;
  }
  void write(const char* time, const char* correlation = "w") {
    event(Deed::cloud_write, "Microsoft.Compute/virtualMachines/extensions/write", time, "Succeeded", correlation);
  }
  void erase(const char* time, const char* status = "Succeeded") {
    event(Deed::cloud_delete, "Microsoft.Compute/virtualMachines/extensions/delete", time, status, "d");
  }
  void installed(const char* time) {
    Instance& i = report.instances.emplace_back();
    i.version = "1.10.20";
    i.state = "present";
    i.installed = test::at(time);
  }
  void removed(const char* earliest, const char* latest) {
    report.instances.front().state = "removed";
    report.instances.front().removed = Bounds{.earliest = test::at(earliest), .latest = test::at(latest)};
  }
  Case() { x.volumes.push_back({.index = 0, .records = 10, .state = "examined"}); }
  std::vector<CloudEvent> match() {
    x.coverage.push_back(
        {.source = "activity_log:a.json", .first = test::at("2026-05-01T00:00:00Z"), .last = test::at("2026-05-30T00:00:00Z")});
    return findings::match_cloud(*findings::find_profile("custom-script"), w.hearing(), x, report, disagreements);
  }
};

}  // namespace

TEST_CASE("a write goes with the installation behind it, a deletion with the removal; the gap is told") {
  Case c;
  c.installed("2026-05-12T10:00:40Z");
  c.removed("2026-05-13T10:00:25Z", "2026-05-13T10:00:25Z");
  c.write("2026-05-12T10:00:00Z");
  c.erase("2026-05-13T10:00:00Z");
  const auto events = c.match();
  REQUIRE(events.size() == 2);
  CHECK(events[0].match.find("installed") != std::string::npos);
  CHECK(events[0].gap_seconds == 40);
  CHECK(events[0].grade == Grade::inferred);  // the log names no type
  CHECK(events[0].caller == "someone@example.org");
  CHECK(events[0].address == "192.0.2.7");
  CHECK(events[1].match.find("removed") != std::string::npos);
  CHECK(events[1].gap_seconds == 25);
  CHECK(c.disagreements.empty());
}

TEST_CASE("a deletion with nothing on the disk, and an installation without an event, are contradictions") {
  Case c;
  c.installed("2026-05-12T10:00:40Z");
  c.erase("2026-05-20T10:00:00Z");
  const auto events = c.match();
  REQUIRE(events.size() == 1);
  CHECK(events[0].match.empty());
  REQUIRE(c.disagreements.size() == 2);
  CHECK_FALSE(c.disagreements[0].sightings.empty());
  CHECK_FALSE(c.disagreements[0].rule.empty());  // its type is not stated: an inference
  CHECK(c.disagreements[1].rule.empty());
}

TEST_CASE("a failed deletion contradicts nothing") {
  Case c;
  c.erase("2026-05-20T10:00:00Z", "Failed");
  CHECK(c.match().size() == 1);
  CHECK(c.disagreements.empty());
}

TEST_CASE("an installation outside the time of which the log speaks needs no event") {
  Case c;
  c.installed("2026-04-12T10:00:40Z");
  c.write("2026-05-12T10:00:00Z");
  c.match();
  CHECK(c.disagreements.empty());
}

TEST_CASE("an operation whose body states another handler is none of this target's") {
  Case c;
  c.write("2026-05-12T10:00:00Z");
  Statement& s =
      c.event(Deed::cloud_write, "Microsoft.Compute/virtualMachines/extensions/write", "2026-05-12T10:00:00Z", "Succeeded", "other");
  s.handler = "Microsoft.Azure.Monitor.AzureMonitorWindowsAgent";
  CHECK(c.match().size() == 1);
}

TEST_CASE("a removal that is only bounded goes with a deletion within its bounds, without a gap") {
  Case c;
  c.installed("2026-05-12T10:00:40Z");
  c.removed("2026-05-12T12:00:00Z", "2026-05-15T00:00:00Z");
  c.write("2026-05-12T10:00:00Z");
  c.erase("2026-05-13T10:00:00Z");
  const auto events = c.match();
  REQUIRE(events.size() == 2);
  CHECK(events[1].match.find("bounds") != std::string::npos);
  CHECK_FALSE(events[1].gap_seconds);
}

TEST_CASE("a log that has no event of an extension at all contradicts an installation in its time") {
  Case c;
  c.installed("2026-05-12T10:00:40Z");
  CHECK(c.match().empty());
  REQUIRE(c.disagreements.size() == 1);
  CHECK(c.disagreements[0].text.find("no write of an extension near it") != std::string::npos);
}

TEST_CASE("without a log there is nothing to contradict") {
  Case c;
  c.installed("2026-05-12T10:00:40Z");
  const auto events = findings::match_cloud(*findings::find_profile("custom-script"), c.w.hearing(), c.x, c.report, c.disagreements);
  CHECK(events.empty());
  CHECK(c.disagreements.empty());
}

TEST_CASE("of several machines only the one that this disk's logs name is matched") {
  Case c;
  c.installed("2026-05-12T10:00:40Z");
  c.write("2026-05-12T10:00:00Z", "ours");
  Statement& other =
      c.event(Deed::cloud_write, "Microsoft.Compute/virtualMachines/extensions/write", "2026-05-12T10:00:30Z", "Succeeded", "theirs");
  other.computer = "vm9";
  other.fields[1].second = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm9/extensions/cse";
  SUBCASE("named") {
    c.w.say(SourceKind::event_log, Deed::other, "2026-05-12T10:00:00Z", 1).computer = "VM1.corp.example";
    const auto events = c.match();
    REQUIRE(events.size() == 2);
    CHECK_FALSE(events[0].match.empty());
    CHECK(events[1].match.empty());
    CHECK(events[1].machine == "vm9");
  }
  SUBCASE("not named") {
    for (const CloudEvent& event : c.match()) CHECK(event.match.empty());
  }
}

TEST_CASE("a step has one cause: the nearest operation") {
  Case c;
  c.installed("2026-05-12T10:00:40Z");
  c.write("2026-05-12T09:40:00Z", "early");
  c.write("2026-05-12T10:00:00Z", "near");
  const auto events = c.match();
  REQUIRE(events.size() == 2);
  CHECK(events[0].match.empty());
  CHECK(events[1].gap_seconds == 40);
}

TEST_CASE("without a disk nothing contradicts a deletion") {
  Case c;
  c.x.volumes.clear();
  c.erase("2026-05-20T10:00:00Z");
  CHECK(c.match().size() == 1);
  CHECK(c.disagreements.empty());
}
