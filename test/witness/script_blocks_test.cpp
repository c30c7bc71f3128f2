// Script blocks joined from their parts. For the real log the shared data's README says how many blocks and parts there are, and evtxexport
// gives each part's text.
#include "witness/script_blocks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "event_support.hpp"
#include "real_data.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using witness::ScriptBlock;
using witness::ScriptBlocks;

namespace {

Statement part(const std::string& id, const std::string& number, const std::string& total, const std::string& text) {
  Statement statement;
  statement.deed = Deed::script_text;
  statement.event = "Microsoft-Windows-PowerShell/Operational 4104";
  statement.computer = "vm";
  statement.process_id = "1";
  statement.text = text;
  statement.fields = {{"MessageNumber", number}, {"MessageTotal", total}, {"ScriptBlockId", id}};
  return statement;
}

std::vector<ScriptBlock> join(const std::vector<Statement>& statements) {
  ScriptBlocks blocks;
  for (std::uint32_t i = 0; i < statements.size(); ++i) blocks.add(statements[i], i);
  return blocks.finish();
}

}  // namespace

TEST_CASE("the 257 script blocks of a real log are whole, 23 of them from 2 to 11 parts") {
  const std::string path = unpacked_data("evtx/powershell-4104-multipart.evtx.xz");
  if (path.empty()) return;
  const LogRead read = read_log(bytes_of(path));
  ScriptBlocks joiner;
  std::uint32_t number = 0;
  for (const Statement& s : read.statements)
    if (!s.carved) joiner.add(s, number++);
  CHECK(number == 302);
  const std::vector<ScriptBlock> blocks = joiner.finish();
  CHECK(blocks.size() == 257);
  std::size_t several = 0, most = 0;
  std::map<std::string, const ScriptBlock*> by_id;
  for (const ScriptBlock& block : blocks) {
    CHECK(block.missing.empty());
    CHECK(block.contested.empty());
    CHECK(block.numbers.size() == block.total);
    several += block.total > 1 ? 1 : 0;
    most = std::max<std::size_t>(most, block.total);
    by_id[block.id] = &block;
  }
  CHECK(several == 23);
  CHECK(most == 11);
  REQUIRE(by_id.size() == 257);
  if (!have_evtxexport()) return;
  std::map<std::string, std::map<int, std::string>> oracle;  // id, part
  for (const OracleEvent& e : evtxexport(path)) {
    std::map<std::string, std::string> fields(e.fields.begin(), e.fields.end());
    oracle[fields["ScriptBlockId"]][std::stoi(fields["MessageNumber"])] = fields["ScriptBlockText"];
  }
  REQUIRE(oracle.size() == 257);
  for (const auto& [id, parts] : oracle) {
    std::string text;
    for (const auto& [n, t] : parts) text += t;
    REQUIRE(by_id.contains(id));
    CHECK(by_id[id]->text == text);
  }
}

TEST_CASE("parts come in any order and twice") {
  const auto blocks = join({part("a", "3", "3", "C\r\n"), part("a", "1", "3", "A"), part("a", "2", "3", " B "), part("a", "1", "3", "A")});
  REQUIRE(blocks.size() == 1);
  CHECK(blocks[0].text == "A B C\r\n");
  CHECK(blocks[0].missing.empty());
  CHECK(blocks[0].stretches.empty());
  CHECK(blocks[0].contested.empty());
  CHECK(blocks[0].numbers == std::vector<std::uint32_t>{0, 1, 2, 3});
}

TEST_CASE("nothing is joined across a missing part") {
  const auto blocks = join({part("a", "2", "7", "B"), part("a", "3", "7", "C"), part("a", "6", "7", "F")});
  REQUIRE(blocks.size() == 1);
  const ScriptBlock& block = blocks[0];
  CHECK(block.text.empty());
  CHECK(block.missing == std::vector<witness::PartRange>{{1, 1}, {4, 5}, {7, 7}});
  REQUIRE(block.stretches.size() == 2);
  CHECK(block.stretches[0].parts == witness::PartRange{2, 3});
  CHECK(block.stretches[0].text == "BC");
  CHECK(block.stretches[1].parts == witness::PartRange{6, 6});
  CHECK(block.stretches[1].text == "F");
}

TEST_CASE("a part with two texts keeps both; a live record goes before a recovered one") {
  Statement recovered = part("a", "1", "1", "old");
  recovered.carved = true;
  for (const bool live_first : {false, true}) {
    const Statement live = part("a", "1", "1", "new");
    const auto blocks = live_first ? join({live, recovered, recovered}) : join({recovered, live, recovered});
    REQUIRE(blocks.size() == 1);
    CHECK(blocks[0].text == "new");
    CHECK_FALSE(blocks[0].carved);
    REQUIRE(blocks[0].contested.size() == 1);
    CHECK(blocks[0].contested[0].text == "old");
    CHECK(blocks[0].contested[0].number == (live_first ? 1 : 0));
    CHECK(blocks[0].numbers.size() == 3);
  }
  CHECK(join({recovered})[0].carved);
}

// In the square of their number these took minutes.
TEST_CASE("very many texts of one part, and totals of one block, are told apart in time") {
  const std::clock_t begun = std::clock();
  ScriptBlocks blocks;
  constexpr std::uint32_t most = 40'000;
  for (std::uint32_t round = 0; round < 2; ++round)
    for (std::uint32_t i = 0; i < most; ++i)
      blocks.add(part("a", "1", std::to_string(i + 1), std::string(64, 'x') + std::to_string(i)), round * most + i);
  const auto out = blocks.finish();
  REQUIRE(out.size() == 1);
  CHECK(out[0].contested.size() == most - 1);
  CHECK(out[0].contested.front().number == 1);
  CHECK(out[0].contested.back().text == std::string(64, 'x') + std::to_string(most - 1));
  CHECK(out[0].total == most);
  CHECK(out[0].other_totals.size() == most - 1);
  CHECK(static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC < 10);
}

TEST_CASE("records that disagree on the number of parts are said, the largest is taken") {
  const auto blocks = join({part("a", "1", "2", "A"), part("a", "2", "3", "B")});
  REQUIRE(blocks.size() == 1);
  CHECK(blocks[0].total == 3);
  CHECK(blocks[0].other_totals == std::vector<std::uint32_t>{2});
  CHECK(blocks[0].missing == std::vector<witness::PartRange>{{3, 3}});
}

TEST_CASE("the same id in another process, computer or log is another block") {
  Statement process = part("a", "1", "1", "A"), computer = process, log = process;
  process.process_id = "2";
  computer.computer = "other";
  log.event = "PowerShellCore/Operational 4104";
  CHECK(join({part("a", "1", "1", "A"), process, computer, log}).size() == 4);
}

TEST_CASE("a record that does not say which part it is stands alone") {
  const auto blocks = join({part("a", "x", "1", "A"), part("a", "2", "1", "B"), part("", "1", "1", "C"), part("a", "0", "0", "D")});
  REQUIRE(blocks.size() == 4);
  for (const ScriptBlock& block : blocks) CHECK(block.total == 0);
  CHECK(blocks[2].text == "C");
}

TEST_CASE("a character cut in two between parts is whole again; escapes within a part stay") {
  const auto blocks = join({part("a", "1", "2", "x\\ud83d"), part("a", "2", "2", "\\ude00 \\ud83d\\ude00")});
  CHECK(blocks[0].text == "x\xF0\x9F\x98\x80 \\ud83d\\ude00");
  CHECK(join({part("a", "1", "2", "x\\ud83d"), part("a", "2", "2", "y")})[0].text == "x\\ud83dy");
}

TEST_CASE("hostile totals and too much text cost no memory; what was dropped is missing, and said") {
  CHECK(join({part("a", "4294967295", "4294967295", "A")})[0].missing == std::vector<witness::PartRange>{{1, 4294967294}});
  ScriptBlocks blocks(10);
  blocks.add(part("a", "1", "2", "12345678"), 0);
  blocks.add(part("a", "2", "2", "12345678"), 1);
  blocks.add(part("b", "1", "1", "12345678"), 2);
  const auto out = blocks.finish();
  REQUIRE(out.size() == 2);
  CHECK(out[0].dropped);
  CHECK(out[0].missing == std::vector<witness::PartRange>{{2, 2}});
  CHECK(out[1].dropped);
  CHECK(out[1].missing == std::vector<witness::PartRange>{{1, 1}});
}

TEST_CASE("other statements are passed over") {
  Statement other = part("a", "1", "1", "A");
  other.deed = Deed::pipeline;
  CHECK(join({other}).empty());
}
