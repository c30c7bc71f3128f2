// What $LogFile adds to names and content. Expectations: worked by hand from the statements given.
#include <doctest/doctest.h>

#include "history/content.hpp"
#include "history/paths.hpp"
#include "history/select.hpp"
#include "history/small_volume.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::usn_reason;

namespace {

// A log record that states a name.
Sighting logged(FileReference reference, std::uint64_t lsn, const Name& name) {
  Sighting s;
  s.source = SourceKind::log_file;
  s.reference = reference;
  s.reference_known = true;
  s.lsn = lsn;
  s.place = {StreamKind::log_file, 2, lsn * 8, 100};
  put_name(s, name, FileTime{lsn});
  return s;
}

// One that states the unnamed stream; size 0 and a run list, or a resident value.
Sighting logged_runs(FileReference reference, std::uint64_t lsn, const std::vector<RunFact>& runs, std::uint64_t size) {
  Sighting s = logged(reference, lsn, {u"f", root});
  s.names.clear();
  s.runs = runs;
  s.streams.push_back({.size = size, .valid_size = size, .run_count = static_cast<std::uint32_t>(runs.size())});
  return s;
}
Sighting logged_value(FileReference reference, std::uint64_t lsn, std::uint64_t size, std::uint64_t bytes_there) {
  Sighting s = logged_runs(reference, lsn, {}, size);
  s.streams.back().resident = true;
  s.streams.back().content = {StreamKind::log_file, 2, lsn * 8, bytes_there};
  return s;
}

std::vector<history::StreamPieces> joined(const std::vector<Sighting>& all) {
  std::vector<std::uint32_t> mine(all.size());
  for (std::uint32_t i = 0; i < mine.size(); ++i) mine[i] = i;
  return history::join_streams(all, mine);
}

// What the log holds, for content: any place gives these bytes.
history::LogContent text_of_log(const std::shared_ptr<Disk>& bytes) {
  return [bytes](const Place& place) -> SourcePtr {
    return place.length != 0 && place.length <= bytes->bytes.size() ? make_view(bytes, 0, place.length) : nullptr;
  };
}

std::shared_ptr<Disk> bytes_of(std::string_view text) {
  auto disk = std::make_shared<Disk>();
  for (const char c : text) disk->bytes.push_back(static_cast<std::byte>(c));
  return disk;
}

}  // namespace

TEST_CASE("a tree whose records all have other owners keeps its paths by the log, and is found by path") {
  const FileReference folder = ref(40, 1), file = ref(41, 1);
  const auto graph = graph_of({record(ref(40, 2), true, false, {{u"other", root}}), record(ref(41, 2), true, false, {{u"another", root}}),
                               logged(folder, 100, {u"Plugins", root}), logged(file, 101, {u"x.ps1", folder})});
  history::Paths paths(graph);
  const history::NameSpan* name = paths.last_name(file);
  REQUIRE(name != nullptr);
  const auto path = paths.path(file, *name, no_time);
  CHECK(path.text == u"\\Plugins\\x.ps1");
  CHECK(path.known);
  CHECK(path.note == "parent 40-1 reused: name known from log_file");
  const std::vector<std::u16string> asked{u"plugins", u"X.PS1"};
  const auto found = history::find(graph, asked);
  REQUIRE(found.size() == 1);
  CHECK(found[0] == file);
}

TEST_CASE("names of the log hold in the order of its records, a name that came back included") {
  const FileReference file = ref(41, 1);
  std::vector<Sighting> all{logged(file, 100, {u"a", root}), logged(file, 101, {u"a", root}), logged(file, 102, {u"b", root})};
  {
    const auto graph = graph_of(all);
    CHECK(graph.rows().size() == 3);  // the root's, and one for each name
    history::Paths paths(graph);
    REQUIRE(paths.spans(file).size() == 2);
    CHECK(graph.name(graph.rows()[paths.last_name(file)->rows.front()]) == u"b");
  }
  all.push_back(logged(file, 103, {u"a", root}));
  all.push_back(slack(file, {u"older", root}, root));
  const auto graph = graph_of(all);
  history::Paths paths(graph);
  REQUIRE(paths.spans(file).size() == 3);
  CHECK(graph.name(graph.rows()[paths.last_name(file)->rows.front()]) == u"a");
}

TEST_CASE("journal and record say more of the last name than the log") {
  const FileReference file = ref(41, 1);
  const auto graph =
      graph_of({record(file, false, false, {{u"c", root}}), logged(file, 100, {u"a", root}), event(file, {u"b", root}, rename_new_name, 5),
                event(file, {u"b", root}, rename_old_name, 6), event(file, {u"c", root}, rename_new_name, 6)});
  history::Paths paths(graph);
  REQUIRE(paths.spans(file).size() == 3);
  CHECK(graph.name(graph.rows()[paths.spans(file)[0].rows.front()]) == u"a");
  CHECK(graph.name(graph.rows()[paths.last_name(file)->rows.front()]) == u"c");
}

TEST_CASE("a journal record that only the log holds makes a span with its times") {
  const FileReference file = ref(41, 1);
  Sighting s = logged(file, 100, {u"x", root});
  s.has_usn = true;
  s.usn.reason = file_create;
  s.usn.time = FileTime{77};
  const auto graph = graph_of({s});
  history::Paths paths(graph);
  REQUIRE(paths.spans(file).size() == 1);
  CHECK(paths.spans(file)[0].from == FileTime{77});
  CHECK(graph.events().size() == 0);  // those of $J only
}

TEST_CASE("what only the log holds of a journal stands among its records by USN, whatever the clock said") {
  const FileReference file = ref(41, 1);
  const std::uint64_t journal = 70;
  const auto named = [&](Sighting s, std::uint64_t usn, std::uint64_t time) {
    s.has_usn = true;
    s.usn.usn = usn;
    s.usn.time = FileTime{time};
    s.usn.reason = rename_new_name;
    return s;
  };
  // $J as a copy holds it that lacks its first part: no record's USN is its offset.
  const auto in_journal = [&](const Name& name, std::uint64_t usn, std::uint64_t time) {
    Sighting s = named(event(file, name, rename_new_name, time, journal), usn, time);
    s.place.offset = usn - 4096;
    return s;
  };
  const auto names_of = [&](history::Graph& graph) {
    graph.finish();
    history::Paths paths(graph);
    std::u16string names;
    for (const history::NameSpan& span : paths.spans(file)) names += graph.name(graph.rows()[span.rows.front()]);
    return names;
  };
  history::Graph graph(ntfs::UpCase(), 64);
  graph.add(in_journal({u"b", root}, 5000, 500));
  graph.add(in_journal({u"d", root}, 7000, 700));
  // Of the journal that was there before: its USNs are higher.
  graph.add(named(logged(file, 99, {u"z", root}), 9000, 900));
  graph.log_journal_is(journal);
  graph.add(named(logged(file, 100, {u"a", root}), 4000, 950));
  graph.add(named(logged(file, 101, {u"c", root}), 6000, 100));
  graph.add(named(logged(file, 102, {u"e", root}), 8000, 50));
  CHECK(names_of(graph) == u"zabcde");

  // A journal of which no $J is left: in the order in which they come.
  history::Graph alone(ntfs::UpCase(), 64);
  alone.add(named(logged(file, 99, {u"z", root}), 9000, 900));
  alone.add(named(logged(file, 100, {u"a", root}), 4000, 100));
  CHECK(names_of(alone) == u"za");
}

TEST_CASE("where no record is left, the last run list in the log is the file's; an $MFT record outweighs it") {
  const FileReference file = ref(41, 1);
  const auto early = logged_value(file, 100, 20, 0), later = logged_runs(file, 101, {{0, 500, 2}}, 8000),
             last = logged_runs(file, 102, {{0, 500, 2}, {2, 600, 1}}, 9000);
  const auto streams = joined({early, later, last});
  REQUIRE(streams.size() == 1);
  CHECK(!streams[0].resident);
  CHECK(streams[0].size == 9000);
  CHECK(streams[0].runs.size() == 2);
  CHECK(streams[0].lsn == 102);
  auto own = record(file, false, false, {{u"f", root}});
  own.streams.push_back({.resident = true, .size = 5});
  const auto by_record = joined({early, own, last});
  REQUIRE(by_record.size() == 1);
  CHECK(by_record[0].resident);
  CHECK(by_record[0].lsn == 0);
}

TEST_CASE("a small file's text comes from the log where its bytes are there, else only its size") {
  const auto log = bytes_of("Write-Host hello");
  history::Graph graph(ntfs::UpCase(), 4);
  graph.finish();
  const history::ClusterOwners owners(graph, {});
  const history::ContentContext context{nullptr, owners, {}, {}, nullptr, text_of_log(log)};
  const auto there = history::judge_stream(context, {}, joined({logged_value(ref(41, 1), 100, 16, 16)}).at(0));
  CHECK(there.state == ContentState::recovered);
  CHECK(there.why == "resident, as $LogFile holds it (LSN 100)");
  REQUIRE(there.parts.size() == 1);
  CHECK(there.parts[0].source == "log_file");
  const auto length_only = history::judge_stream(context, {}, joined({logged_value(ref(41, 1), 100, 16, 0)}).at(0));
  CHECK(length_only.state == ContentState::unknown);
  CHECK(length_only.size == 16);
  CHECK(length_only.parts.empty());

  // An earlier text, beside a later length: a part, not the content. Twice the same: one part.
  auto earlier = logged_value(ref(41, 1), 99, 16, 16);
  const std::vector<Sighting> all{earlier, earlier, logged_value(ref(41, 1), 100, 30, 0)};
  std::vector<StreamReport> streams{history::judge_stream(context, {}, joined(all).at(0))};
  const std::vector<std::uint32_t> mine{0, 1, 2};
  history::add_fragments(nullptr, context.log, all, mine, false, streams);
  CHECK(streams[0].state == ContentState::partial);
  REQUIRE(streams[0].parts.size() == 1);
  CHECK(streams[0].parts[0].length == 16);
  CHECK(streams[0].sha256.empty());
}

TEST_CASE("clusters that a later file of the log had are not the earlier one's") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  const auto lcn = static_cast<std::int64_t>(f.free);
  f.graph.add(logged_runs(ref(70, 1), 90, {{0, lcn + 1, 1}}, 4096));
  const auto stream = plain({{0, lcn, 2}}, 2 * cluster);
  const auto older = f.judge(stream, false, 50);
  CHECK(states(older) == std::vector{RunState::data, RunState::contested});
  const auto younger = f.judge(stream, false, 95);
  CHECK(younger.state == ContentState::recovered);
}

TEST_CASE("the log's run list of a file whose own record is left claims nothing more") {
  SmallVolume f;
  if (!f.ready()) return;
  f.fill(f.free, 2);
  f.graph.add(record(ref(70, 1), true, false, {{u"grown elsewhere", root}}));
  f.graph.add(logged_runs(ref(70, 1), 90, {{0, static_cast<std::int64_t>(f.free), 1}}, 4096));
  CHECK(f.judge(plain({{0, static_cast<std::int64_t>(f.free), 2}}, 2 * cluster)).state == ContentState::recovered);
}

TEST_CASE("of a file that is deleted only in the log $Bitmap still shows the clusters as allocated") {
  SmallVolume f;
  if (!f.ready()) return;
  const auto mft = static_cast<std::int64_t>(f.volume->geometry().mft_lcn);  // allocated, and no record claims it in this graph
  f.bitmap_lags = true;
  const auto report = f.judge(plain({{0, mft, 1}}, cluster));
  CHECK(report.state == ContentState::recovered);
  CHECK(report.why.find("its deletion stands only in $LogFile") != std::string::npos);
  f.claim(ref(71, 1), true, f.volume->geometry().mft_lcn, 1, 10);
  CHECK(f.judge(plain({{0, mft, 1}}, cluster)).state == ContentState::reallocated);
}
